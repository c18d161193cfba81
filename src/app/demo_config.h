// SPDX-License-Identifier: Apache-2.0
#pragma once

/* The demo's configuration file: a real one, to be read, changed and reloaded. Pure. */

#include "admin/text.h"
#include "app/demo_world.h"
#include "base/slice.h"

/* `state` is the folder for what outlives a restart, and for the file of DEMO_GEO_NAME. */
#define DEMO_GEO_NAME "visitors.mmdb" // where the visitors are, in app/demo_geo.h

void demo_config_write(struct text *out, const struct demo_ports *ports, struct slice state);
