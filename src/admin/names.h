// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Names that people give: what they stand for in a network, and which was probably meant where
 * there is none of that name. Pure.
 *
 * Limit: NAMES_LOOKED_AT_MAX names are compared with one that is not there.
 */

#include "conf/network.h"

enum { NAMES_LOOKED_AT_MAX = 20000 };

/* HOST or HOST.ZONE in any case, with or without the dot at the end. NULL: there is none. */
const struct site *admin_site_find(const struct network *network, struct slice name);

/* "CUSTOMER/NAME". NULL: there is none. */
const struct origin *admin_origin_find(const struct network *network, struct slice name);

/* The most similar of all there are, to mend a name that is not there; empty: none is similar. */
struct slice admin_site_nearest(const struct network *network, struct slice name);
struct slice admin_node_nearest(const struct network *network, struct slice name);
struct slice admin_pop_nearest(const struct network *network, struct slice name);
struct slice admin_customer_nearest(const struct network *network, struct slice name);

/* An origin, whose name is found without its customer's too. NULL: none is similar. */
const struct origin *admin_origin_nearest(const struct network *network, struct slice name);
