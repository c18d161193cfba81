// SPDX-License-Identifier: Apache-2.0
#pragma once

/* The demo's geography: a file, as the usual makers' are, that puts the visitors' networks where
 * app/demo_world.h says they are. */

#include "base/err.h"

/* As geo_write of steer/geo_write.h. */
[[nodiscard]] enum err demo_geo_write(const char *path, struct diag *why);
