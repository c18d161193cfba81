// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What a network would serve, as lines for people: `waypost check` prints it. */

#include <stdio.h>

#include "conf/network.h"

void conf_summary_write(const struct network *network, FILE *out);

/* "balanced", "least-loaded", "latency", "http": the words of the settings; never NULL. */
const char *site_policy_text(enum site_policy policy);
const char *site_fill_text(enum site_fill fill);
const char *site_term_text(enum site_term term);
const char *site_probe_text(enum site_probe_kind kind);
