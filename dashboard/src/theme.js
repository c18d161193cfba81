// SPDX-License-Identifier: Apache-2.0
/* Run before the first paint, so that no page begins light and turns dark. */
import { applyTheme } from './themes.js';

applyTheme();
