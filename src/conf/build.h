// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * From typed settings to a network: names become pointers, defaults that depend on other settings
 * are filled in, and what no table can say is checked. What is wrong is told and left out, and
 * building goes on, so that settings and references are mended in one go.
 */

#include "conf/errors.h"
#include "conf/network.h"
#include "conf/settings.h"

/*
 * A network with memory of its own, even where `errors` grew: then it is half-made, and good for
 * nothing but network_free. Hash and serial are left to the caller.
 */
struct network *conf_build(const struct set_network *set, struct conf_errors *errors);

/*
 * What concerns all of a built network at once: node names and listening addresses are nobody
 * else's, hosts are in one site, no origin is one of our own nodes. `network` was made of `set`.
 */
void conf_check(
    const struct network *network, const struct set_network *set, struct conf_errors *errors);
