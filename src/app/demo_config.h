// SPDX-License-Identifier: Apache-2.0
#pragma once

/* The demo's configuration files: real ones, to be read, changed and reloaded. Pure. */

#include "admin/text.h"
#include "app/demo_world.h"
#include "base/slice.h"

#define DEMO_GEO_NAME  "visitors.mmdb" // where the visitors are, in app/demo_geo.h
#define DEMO_CA_NAME   "ca.pem"        // who vouches for the demo's certificate, and is made up too
#define DEMO_CERT_NAME "https.pem"     // the certificate, for DEMO_CERT_HOSTS
#define DEMO_KEY_NAME  "https.key"     // and its key
#define DEMO_NATS_NAME "nats.conf"     // of demo_config_write_nats
#define DEMO_NATS_LOG  "nats.log"

#define DEMO_CERT_HOSTS "*.acme.example,*.globex.example,*.cdn.example"

struct demo_config {
    struct demo_ports ports;
    struct slice state; // folder for what outlives a restart, and for the files above
    // Of the NATS server at demo_bus that joins the pops; empty: they are one process.
    struct slice bus_password;
};

/* The network's own. */
void demo_config_write(struct text *out, const struct demo_config *config);

/* The NATS server's. */
void demo_config_write_nats(struct text *out, const struct demo_config *config);
