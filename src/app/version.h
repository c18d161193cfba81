// SPDX-License-Identifier: Apache-2.0
#pragma once

#define WAYPOST_VERSION "0.1"
