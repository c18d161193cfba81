// SPDX-License-Identifier: Apache-2.0
#include "conf/settings.h"

#include <stddef.h>

#include "base/attr.h"

/* The words stand in the order of the enum that their position becomes. */
static const char *const policy_words[] = { [POLICY_BALANCED] = "balanced",
    [POLICY_STRICT] = "strict",
    [POLICY_WEIGHTED] = "weighted",
    [POLICY_ORDERED] = "ordered",
    [POLICY_STICKY] = "sticky",
    NULL };

static const char *const fill_words[] = { [FILL_LEAST_LOADED] = "least-loaded",
    [FILL_ORDERED] = "ordered",
    [FILL_PINNED] = "pinned",
    [FILL_HASH] = "hash",
    NULL };

static const char *const missing_words[] = { "no", "next", NULL };

static const char *const https_words[] = { "also", "only", NULL };

static const char *const oldest_words[] = {
    [TLS_OLDEST_1_2] = "1.2", [TLS_OLDEST_1_3] = "1.3", NULL
};

static const char *const operator_words[] = {
    [TOKEN_VIEWER] = "viewer", [TOKEN_CHANGER] = "operator", NULL
};

static const char *const customer_words[] = {
    [TOKEN_VIEWER] = "viewer", [TOKEN_CHANGER] = "manager", NULL
};

static const char *const all_down_words[] = {
    [ALL_DOWN_ANY] = "any", [ALL_DOWN_NODATA] = "nodata", NULL
};

#define AT(type, field) .offset = offsetof(struct type, field)
#define ROWS(table)     .rows = (table), .row_count = COUNT_OF(table)

static const struct schema_row ports_rows[] = {
    { "dns", KIND_PORT, AT(set_ports, ports.dns), .standard = "53",
        .help = "Questions over UDP and TCP." },
    { "http", KIND_PORT, AT(set_ports, ports.http), .standard = "80", .help = "Requests." },
    { "https", KIND_PORT, AT(set_ports, ports.https), .standard = "443",
        .help = "Requests over TLS; opened where any certificate is given." },
    { "admin", KIND_PORT, AT(set_ports, ports.admin), .standard = "8653",
        .help = "API and metrics: on loopback, and with `admin` on the node's own addresses." },
};

static const struct schema_section ports_section = { "ports",
    "Where a node listens. `off` closes a port; the others must differ from each other, and from "
    "those of other nodes at the same address.",
    ROWS(ports_rows), sizeof(struct set_ports) };

static const struct schema_row node_rows[] = {
    { "address", KIND_ADDRESS, SHAPE_LIST, AT(set_node, address), .is_required = true,
        .help = "The node's addresses, given out in answers and listened on." },
    { "capacity", KIND_BIT_RATE, AT(set_node, capacity_bits_per_s), .least = "1 kbit/s",
        .standard_text = "not known", .help = "What the node's uplink carries." },
    { "ports", KIND_SECTION, AT(set_node, ports), .section = &ports_section,
        .help = "Where the node listens." },
};

static const struct schema_section node_section = { "a node",
    "One machine of ours. Its name is unique in the whole network.", ROWS(node_rows),
    sizeof(struct set_node) };

static const struct schema_row cache_rows[] = {
    { "memory", KIND_SIZE, AT(set_cache, memory_bytes), .standard = "256 MiB", .least = "1 MiB",
        .most = "64 TiB", .help = "Memory for stored responses, on each node." },
    { "disk", KIND_TEXT, AT(set_cache, disk), .standard_text = "no disk tier",
        .help = "Folder for stored responses that leave memory. Checked, and not used yet: "
                "memory alone stores, and the start says so." },
    { "disk_size", KIND_SIZE, AT(set_cache, disk_bytes), .least = "1 MiB",
        .standard_text = "required with `disk`",
        .help = "What may lie in that folder; as `disk`, not used yet." },
};

static const struct schema_section cache_section = { "cache", "What each node of a pop stores.",
    ROWS(cache_rows), sizeof(struct set_cache) };

static const struct schema_row pop_probe_rows[] = {
    { "ftp", KIND_ENDPOINT, AT(set_pop_probe, ftp), .standard_text = "not measured",
        .help = "An FTP service of the pop, measured beside HTTP." },
    { "user", KIND_TEXT, AT(set_pop_probe, user), .standard_text = "`anonymous` with `path`",
        .help = "Who signs in there; without one the time to the greeting is measured." },
    { "password", KIND_SECRET, AT(set_pop_probe, password), .standard_text = "`guest` with `path`",
        .help = "With `user`: the password; shown nowhere." },
    { "path", KIND_PATH, AT(set_pop_probe, path), .standard_text = "no file",
        .help = "A small file to fetch there, so that the service's own work is measured." },
    { "every", KIND_DURATION, AT(set_pop_probe, every), .standard = "1s", .least = "100ms",
        .most = "1h", .help = "Time from one probe to the next." },
};

static const struct schema_section pop_probe_section = { "a pop's probe",
    "Services of a pop that are measured beside its nodes' own HTTP.", ROWS(pop_probe_rows),
    sizeof(struct set_pop_probe) };

static const struct schema_row pop_rows[] = {
    { "place", KIND_TEXT, AT(set_pop, place), .help = "Where it is, for people: Frankfurt, DE." },
    { "location", KIND_LOCATION, AT(set_pop, location), .standard_text = "not known",
        .help = "Latitude and longitude; the first guess at distance while nothing is measured." },
    { "nodes", KIND_SECTION, SHAPE_MAP, KIND_NAME, AT(set_pop, nodes), .is_required = true,
        .section = &node_section, .help = "The machines there, by name." },
    { "cache", KIND_SECTION, AT(set_pop, cache), .section = &cache_section,
        .help = "What each of its nodes stores." },
    { "probe", KIND_SECTION, AT(set_pop, probe), .section = &pop_probe_section,
        .help = "What is measured beside HTTP." },
    { "reserve", KIND_YES_NO, AT(set_pop, is_reserve), .standard = "no",
        .help = "Whether answers lead there only when no other pop is fit." },
};

static const struct schema_section pop_section = { "a pop",
    "A place of ours: one or more nodes behind the same uplink.", ROWS(pop_rows),
    sizeof(struct set_pop) };

static const struct schema_row tier_rows[] = {
    { "up_to", KIND_SIZE, AT(set_tier, up_to_bytes), .least = "1 B",
        .standard_text = "all the rest, in the last tier",
        .help = "Where the tier ends, of the volume of a month." },
    { "per_gb", KIND_MONEY, AT(set_tier, gigabyte_microcents), .is_required = true,
        .help = "Price of 10^9 bytes sent, of those within the tier." },
};

static const struct schema_section tier_section = { "a tier",
    "A step of the volume of a month and its own price; tiers ascend, the last has no end.",
    ROWS(tier_rows), sizeof(struct set_tier) };

static const struct schema_row group_included_rows[] = {
    { "traffic", KIND_SIZE, AT(set_included, traffic_bytes), .standard = "0 B",
        .help = "Bytes of a month that cost nothing." },
};

static const struct schema_section group_included_section = { "a group's included",
    "What the price of a month pays for.", ROWS(group_included_rows), sizeof(struct set_included) };

static const struct schema_row included_rows[] = {
    { "traffic", KIND_SIZE, AT(set_included, traffic_bytes), .standard = "0 B",
        .help = "Bytes of a month that cost nothing, of pops that are in no group." },
    { "requests", KIND_COUNT, AT(set_included, requests), .standard = "0",
        .help = "Requests of a month that cost nothing." },
    { "answers", KIND_COUNT, AT(set_included, answers), .standard = "0",
        .help = "DNS answers of a month that cost nothing." },
};

static const struct schema_section included_section = { "included",
    "What the price of a month pays for.", ROWS(included_rows), sizeof(struct set_included) };

/* The ways to price traffic, of a plan and of a group. */
#define PRICE_ROWS(type, none)                                                                \
    { "per_gb", KIND_MONEY, AT(type, price.gigabyte_microcents), .standard_text = (none),     \
        .help = "Price of 10^9 bytes sent." },                                                \
        { "tiers", KIND_SECTION, SHAPE_LIST, AT(type, price.tiers), .section = &tier_section, \
            .standard_text = "one price for all",                                             \
            .help = "Instead of `per_gb`: prices that change with the volume of a month." },  \
    {                                                                                         \
        "per_mbit", KIND_MONEY, AT(type, price.megabit_microcents),                           \
            .standard_text = "priced by volume",                                              \
            .help = "Instead of `per_gb`: price of a month for each 10^6 bit/s of the 95th "  \
                    "percentile of five-minute slots."                                        \
    }

static const struct schema_row group_rows[] = {
    { "pops", KIND_NAME, SHAPE_LIST, AT(set_group, pops), .is_required = true,
        .help = "The pops whose traffic has this price; each is in one group at most." },
    PRICE_ROWS(set_group, "required without the two below"),
    { "included", KIND_SECTION, AT(set_group, included), .section = &group_included_section,
        .help = "What costs nothing." },
};

static const struct schema_section group_section = { "a group",
    "Pops whose traffic has a price of its own, with one of `per_gb`, `tiers` and `per_mbit`.",
    ROWS(group_rows), sizeof(struct set_group) };

static const struct schema_row plan_rows[] = {
    { "currency", KIND_CURRENCY, AT(set_plan, currency), .is_required = true,
        .help = "Of all prices of the plan, by ISO 4217." },
    { "monthly", KIND_MONEY, AT(set_plan, monthly_microcents), .standard_text = "priced by volume",
        .help = "Price of a month." },
    { "minimum", KIND_MONEY, AT(set_plan, minimum_microcents), .standard = "0",
        .help = "What a month costs at least, the price of the month in it." },
    PRICE_ROWS(set_plan, "traffic has no price"),
    { "per_million_requests", KIND_MONEY, AT(set_plan, million_requests_microcents),
        .standard = "0", .help = "Price of a million requests." },
    { "per_million_answers", KIND_MONEY, AT(set_plan, million_answers_microcents), .standard = "0",
        .help = "Price of a million answers of the DNS." },
    { "included", KIND_SECTION, AT(set_plan, included), .section = &included_section,
        .help = "What costs nothing." },
    { "groups", KIND_SECTION, SHAPE_MAP, KIND_NAME, AT(set_plan, groups), .section = &group_section,
        .help = "Prices of traffic by pop, by name of the group." },
};

static const struct schema_section plan_section = { "a plan",
    "What a customer pays; traffic has one of `per_gb`, `tiers` and `per_mbit`.", ROWS(plan_rows),
    sizeof(struct set_plan) };

static const struct schema_row files_rows[] = {
    { "cert", KIND_TEXT, AT(set_files, cert), .is_required = true,
        .help = "File of the certificate and, behind it, those that lead to its authority; PEM." },
    { "key", KIND_TEXT, AT(set_files, key), .is_required = true,
        .help = "File of its private key; PEM, no passphrase." },
    { "ocsp", KIND_TEXT, AT(set_files, ocsp), .standard_text = "none",
        .help = "File of its authority's OCSP response, in DER, that is handed to visitors." },
};

static const struct schema_section site_files_section = { "a site's tls",
    "The certificate that proves the site to visitors who come by HTTPS. Read again at each "
    "reload.",
    ROWS(files_rows), sizeof(struct set_files) };

static const struct schema_section standard_files_section = { "tls.default",
    "The certificate for names that have none of their own.", ROWS(files_rows),
    sizeof(struct set_files) };

static const struct schema_section more_files_section = { "one of tls.certificates",
    "A certificate for the names that stand in it, wildcards among them. Of a name's two, one with "
    "an RSA and one with an ECDSA key, visitors are shown the one they can verify.",
    ROWS(files_rows), sizeof(struct set_files) };

static const struct schema_section admin_files_section = { "admin.tls",
    "The certificate that proves the admin port to operators.", ROWS(files_rows),
    sizeof(struct set_files) };

static const struct schema_row tls_rows[] = {
    { "min_version", KIND_WORD, AT(set_tls, oldest), .standard = "1.2", .words = oldest_words,
        .help = "The oldest version of TLS that is spoken with visitors." },
    { "ciphers", KIND_TEXT, AT(set_tls, ciphers),
        .standard_text = "ECDHE with AES-GCM or ChaCha20-Poly1305",
        .help = "Ciphers of TLS 1.2, in the words of `openssl ciphers`." },
    { "tickets", KIND_TEXT, AT(set_tls, tickets), .standard_text = "each process draws its own",
        .help = "File of keys for session tickets, 80 random bytes each, the newest first: the "
                "same on all nodes, a visitor need not prove itself anew at another." },
    { "certificates", KIND_SECTION, SHAPE_MAP, KIND_NAME, AT(set_tls, certificates),
        .section = &more_files_section, .standard_text = "none",
        .help = "Certificates for the names in them, behind the sites' own: for `HOST.ZONE`, for "
                "many sites, for RSA beside ECDSA." },
    { "default", KIND_SECTION, AT(set_tls, standard), .section = &standard_files_section,
        .help = "The certificate for names that have none of their own." },
};

static const struct schema_section tls_section = { "tls", "How visitors are spoken to by HTTPS.",
    ROWS(tls_rows), sizeof(struct set_tls) };

#define TOKEN_HASH_ROW                                                                   \
    {                                                                                    \
        "hash", KIND_HASH, AT(set_token, hash),                                          \
            .is_required = true,                                                         \
            .help = "What `waypost token` printed for it; the token itself is nowhere.", \
    }

static const struct schema_row operator_token_rows[] = {
    { "role", KIND_WORD, AT(set_token, role), .standard = "viewer", .words = operator_words,
        .help = "`operator` may do all; `viewer` changes nothing." },
    TOKEN_HASH_ROW,
};

static const struct schema_section operator_token_section = { "one of admin.tokens",
    "A way in for one operator or tool of ours; without these lines, after a reload, it is closed.",
    ROWS(operator_token_rows), sizeof(struct set_token) };

static const struct schema_row customer_token_rows[] = {
    { "role", KIND_WORD, AT(set_token, role), .standard = "viewer", .words = customer_words,
        .help = "`manager` may also purge, and drain origins; `viewer` changes nothing." },
    TOKEN_HASH_ROW,
};

static const struct schema_section customer_token_section = { "a customer's token",
    "A way in for the customer, to see and change what is the customer's own alone; without these "
    "lines, after a reload, it is closed.",
    ROWS(customer_token_rows), sizeof(struct set_token) };

static const struct schema_row admin_rows[] = {
    { "tls", KIND_SECTION, AT(set_admin, tls), .is_required = true, .section = &admin_files_section,
        .help = "The certificate of the admin port." },
    { "token", KIND_TEXT, AT(set_admin, token), .standard_text = "`tokens` alone",
        .help = "File of an operator's token, 16 characters at least." },
    { "tokens", KIND_SECTION, SHAPE_MAP, KIND_NAME, AT(set_admin, tokens),
        .section = &operator_token_section,
        .help = "Tokens of operators, by name; `waypost token` makes them." },
};

static const struct schema_section admin_section = { "admin",
    "With it the admin port is open on the nodes' own addresses too, by TLS and for holders of a "
    "token; without it, on loopback alone.",
    ROWS(admin_rows), sizeof(struct set_admin) };

static const struct schema_row origin_rows[] = {
    { "address", KIND_ENDPOINT, AT(set_origin, address), .is_required = true,
        .help = "Literal address and port." },
    { "host", KIND_HOST, AT(set_origin, host), .standard_text = "the site's own",
        .help = "Host name to ask the origin for." },
    { "tls", KIND_YES_NO, AT(set_origin, is_tls), .standard = "no",
        .help = "Whether it is spoken to by HTTPS, for fills and probes." },
    { "ca", KIND_TEXT, AT(set_origin, ca), .standard_text = "the system's",
        .help = "With `tls`: file of the certificates, as PEM, one of which must vouch for it." },
    { "cert", KIND_TEXT, AT(set_origin, cert), .standard_text = "none",
        .help = "With `tls`: file of the certificate that we show it; PEM." },
    { "key", KIND_TEXT, AT(set_origin, key), .standard_text = "required with `cert`",
        .help = "With `cert`: file of its private key; PEM." },
    { "private", KIND_YES_NO, AT(set_origin, may_be_private), .standard = "no",
        .help = "Whether the origin's name may lead to a private address; literal ones may be." },
    { "location", KIND_LOCATION, AT(set_origin, location), .standard_text = "not known",
        .help = "Latitude and longitude; the first guess at distance while nothing is measured." },
    { "capacity", KIND_REQUEST_RATE, AT(set_origin, capacity_requests_per_s),
        .standard_text = "not known", .least = "0.001 req/s",
        .help = "What the origin can serve." },
};

static const struct schema_section origin_section = { "an origin",
    "One of the customer's own web servers.", ROWS(origin_rows), sizeof(struct set_origin) };

static const struct schema_row site_probe_rows[] = {
    { "http", KIND_PATH, AT(set_site_probe, http),
        .help = "Measured by HTTP: the path to ask each origin for." },
    { "tcp", KIND_YES_NO, AT(set_site_probe, tcp),
        .standard_text = "`yes` without `http`, `ftp` and `icmp`",
        .help = "Measured by TCP: how long a connection takes to open." },
    { "ftp", KIND_PATH_OR_NONE, AT(set_site_probe, ftp),
        .help =
            "Measured by FTP: the file to fetch; with nothing behind the key, the greeting, and "
            "signing in where there is a `user`." },
    { "icmp", KIND_YES_NO, AT(set_site_probe, icmp), .standard = "no",
        .help = "Measured by ICMP: how long an echo takes." },
    { "port", KIND_COUNT, AT(set_site_probe, port), .least = "1", .most = "65535",
        .standard_text = "the origin's own; 21 with `ftp`", .help = "Port to measure at." },
    { "expect", KIND_COUNT, AT(set_site_probe, expect), .standard = "200", .least = "100",
        .most = "599", .help = "With `http`: the status that means healthy." },
    { "match", KIND_TEXT, AT(set_site_probe, match), .standard_text = "any body",
        .help = "With `http`: text that the first 64 KiB of the body must contain." },
    { "load", KIND_PATH, AT(set_site_probe, load), .standard_text = "not asked",
        .help = "Path where each origin tells the load of its CPU and memory, by HTTP: a line of "
                "`cpu_utilization=0.31, mem_utilization=0.77`." },
    { "user", KIND_TEXT, AT(set_site_probe, user),
        .standard_text = "`anonymous` where there is a file to fetch",
        .help = "With `ftp`: who signs in." },
    { "password", KIND_SECRET, AT(set_site_probe, password),
        .standard_text = "`guest` for `anonymous`",
        .help = "With `user`: the password; shown nowhere." },
    { "every", KIND_DURATION, AT(set_site_probe, every), .standard = "1s", .least = "100ms",
        .most = "1h", .help = "Time from one probe to the next." },
    { "timeout", KIND_DURATION, AT(set_site_probe, timeout), .least = "10ms", .most = "9s",
        .standard_text = "`800ms`; `5s` where FTP signs in",
        .help = "When a probe that is not done has failed." },
    { "rise", KIND_COUNT, AT(set_site_probe, rise), .standard = "5", .least = "1", .most = "100",
        .help = "How many good probes in a row bring back an origin that was down." },
    { "fall", KIND_COUNT, AT(set_site_probe, fall), .standard = "4", .least = "1", .most = "100",
        .help = "How many failed probes in a row take an origin for down; one that met silence "
                "counts half, as the network may have lost it." },
};

static const struct schema_section site_probe_section = { "a site's probe",
    "How a site's origins are measured: one of `http`, `tcp`, `ftp` and `icmp`.",
    ROWS(site_probe_rows), sizeof(struct set_site_probe) };

#define TERM(term) KIND_COUNT, AT(set_weigh, factor[term]), .most = "1000"

static const struct schema_row weigh_rows[] = {
    { "latency", TERM(TERM_LATENCY), .standard = "1", .help = "The round trip." },
    { "response", TERM(TERM_RESPONSE), .standard = "1",
        .help = "Response time above the target's own idle median." },
    { "ftp", TERM(TERM_FTP), .standard = "0", .help = "The same of a pop's FTP service." },
    { "cpu", TERM(TERM_CPU), .standard = "0", .help = "1 ms for each percent in use." },
    { "memory", TERM(TERM_MEMORY), .standard = "0", .help = "1 ms for each percent in use." },
    { "errors", TERM(TERM_ERRORS), .standard = "1",
        .help = "3 ms for each percent of failed probes and fills." },
};

static const struct schema_section weigh_section = { "weigh",
    "What counts against a pop or an origin, in milliseconds, each term times its factor. The "
    "lowest sum is best; 0 leaves a term out.",
    ROWS(weigh_rows), sizeof(struct set_weigh) };

static const struct schema_row path_rows[] = {
    { "cache", KIND_YES_NO, AT(set_path, may_cache), .standard = "yes",
        .help = "Whether answers may be stored." },
    { "ttl", KIND_DURATION, AT(set_path, ttl), .least = "1s", .most = "365d",
        .standard_text = "as the origin says",
        .help = "How long stored answers are fresh, instead of what the origin says." },
    { "stale_if_error", KIND_DURATION, AT(set_path, stale_if_error), .most = "30d",
        .standard_text = "the site's",
        .help = "How long past that time a copy may stand in for an origin that fails." },
};

static const struct schema_section path_section = { "a path",
    "What holds for paths that match a pattern, in which a star stands for any bytes. The first "
    "pattern that matches holds, so that `*`, if it is there, comes last.",
    ROWS(path_rows), sizeof(struct set_path) };

static const struct schema_row site_rows[] = {
    { "steer", KIND_NAME, SHAPE_LIST, AT(set_site, steer),
        .help = "Origins that answers lead visitors to; this or `deliver`." },
    { "deliver", KIND_NAME, SHAPE_LIST, AT(set_site, deliver),
        .help = "Origins that pops fetch from, while answers lead visitors to the best pop." },
    { "reserve", KIND_NAME, SHAPE_LIST, AT(set_site, reserve), .standard_text = "none",
        .help = "More origins, used only when none of those above is fit." },
    { "policy", KIND_WORD, AT(set_site, policy), .standard = "balanced", .words = policy_words,
        .help =
            "How the pop (with `deliver`: balanced, strict or sticky) or the origin is chosen." },
    { "fill", KIND_WORD, AT(set_site, fill), .standard = "least-loaded", .words = fill_words,
        .help = "With `deliver`: which origin is asked for what is not stored." },
    { "pinned", KIND_NAME, AT(set_site, pinned), .standard_text = "required by `fill: pinned`",
        .help = "With `fill: pinned`: the origin that is always asked." },
    { "missing", KIND_WORD, AT(set_site, missing), .standard = "no", .words = missing_words,
        .help = "With `deliver`: whether a 404 from one origin asks the next." },
    { "weights", KIND_COUNT, SHAPE_MAP, KIND_NAME, AT(set_site, weights), .most = "1000000",
        .standard_text = "1 each", .help = "Shares of the origins; 0 takes one out." },
    { "weigh", KIND_SECTION, AT(set_site, weigh), .section = &weigh_section,
        .help = "What counts against a target, unless `policy` is `weighted` or `ordered`." },
    { "all_down", KIND_WORD, AT(set_site, all_down), .standard = "any", .words = all_down_words,
        .help = "The answer when nothing is fit: `any` as if all were, or `nodata`, no address." },
    { "ttl", KIND_DURATION, AT(set_site, ttl), .standard = "20s", .least = "1s", .most = "7d",
        .help = "How long resolvers keep answers that name the site, in whole seconds." },
    { "stale_if_error", KIND_DURATION, AT(set_site, stale_if_error), .standard = "1h",
        .most = "30d",
        .help = "With `deliver`: how long past its time a copy may stand in for an origin that "
                "fails." },
    { "object_max", KIND_SIZE, AT(set_site, object_max_bytes), .standard = "64 MiB",
        .least = "1 KiB", .most = "1 TiB",
        .help = "With `deliver`: larger answers are passed on and not stored." },
    { "probe", KIND_SECTION, AT(set_site, probe), .section = &site_probe_section,
        .help = "How its origins are measured." },
    { "paths", KIND_SECTION, SHAPE_MAP, KIND_PATTERN, AT(set_site, paths), .section = &path_section,
        .help = "With `deliver`: rules by path pattern, first match." },
    { "tls", KIND_SECTION, AT(set_site, tls), .section = &site_files_section,
        .help = "With `deliver`: its certificate." },
    { "https", KIND_WORD, AT(set_site, https), .standard = "also", .words = https_words,
        .help = "With `deliver`: whether requests by plain HTTP are answered, or with `only` sent "
                "to the same URL by HTTPS." },
    { "hsts", KIND_DURATION, AT(set_site, hsts), .standard_text = "not sent", .most = "3650d",
        .help = "With `deliver`: for how long browsers are to come by HTTPS alone, sent with each "
                "answer by HTTPS (Strict-Transport-Security); `0s` takes it back." },
    { "hsts_subdomains", KIND_YES_NO, AT(set_site, hsts_subdomains), .standard = "no",
        .help = "With `hsts`: whether it is for all names below the site's too." },
};

static const struct schema_section site_section = { "a site",
    "What a customer has delivered or steered under one host name. It is also served as HOST.ZONE, "
    "the target of the customer's CNAME.",
    ROWS(site_rows), sizeof(struct set_site) };

static const char *const access_words[] = { "combined", "json", NULL };

static const struct schema_row access_rows[] = {
    { "file", KIND_PATH, AT(set_access, file), .standard_text = "none",
        .help = "File that lines are added to; SIGUSR1 has it opened anew." },
    { "pipe", KIND_TEXT, AT(set_access, pipe), .standard_text = "none",
        .help = "Instead of `file`: command line of a program that reads the lines; it is run by "
                "the shell, and again when it ends." },
    { "format", KIND_WORD, AT(set_access, format), .standard = "combined", .words = access_words,
        .help = "`combined` as of Apache and nginx, or an object of JSON in each line." },
};

static const struct schema_section access_section = { "an access log",
    "A line for each request for the customer's sites, written by each node on its own machine.",
    ROWS(access_rows), sizeof(struct set_access) };

static const struct schema_row customer_rows[] = {
    { "plan", KIND_NAME, AT(set_customer, plan), .standard_text = "not billed",
        .help = "The plan that prices what is delivered." },
    { "access_log", KIND_SECTION, AT(set_customer, access), .section = &access_section,
        .standard_text = "none", .help = "Where each request is written down." },
    { "origins", KIND_SECTION, SHAPE_MAP, KIND_NAME, AT(set_customer, origins),
        .section = &origin_section, .help = "The customer's web servers, by name." },
    { "sites", KIND_SECTION, SHAPE_MAP, KIND_HOST, AT(set_customer, sites),
        .section = &site_section, .help = "What is served for the customer, by host name." },
    { "tokens", KIND_SECTION, SHAPE_MAP, KIND_NAME, AT(set_customer, tokens),
        .section = &customer_token_section,
        .help = "With which the customer may ask, by name; `waypost token` makes them." },
};

static const struct schema_section customer_section = { "a customer", "Who pays.",
    ROWS(customer_rows), sizeof(struct set_customer) };

static const struct schema_row accounts_rows[] = {
    { "node", KIND_NAME, AT(set_accounts, node), .is_required = true,
        .help = "The node that keeps the ledger." },
    { "ledger", KIND_TEXT, AT(set_accounts, ledger), .standard = "sqlite:ledger.db",
        .help = "The database; a path is within the node's folder of `state`." },
};

static const struct schema_section accounts_section = { "accounts",
    "Where what was delivered is written down and priced.", ROWS(accounts_rows),
    sizeof(struct set_accounts) };

static const struct schema_row history_rows[] = {
    { "keep", KIND_DURATION, AT(set_history, keep), .standard = "1d", .least = "0s", .most = "365d",
        .help = "How long; 0s keeps nothing." },
    { "size", KIND_SIZE, AT(set_history, size_bytes), .standard = "1 GiB", .least = "1 MiB",
        .most = "100 TiB", .help = "On the disk of each node; beyond, the oldest goes first." },
};

static const struct schema_section history_section = { "history",
    "What answers rested on, kept so that `waypost why --at` can replay them.", ROWS(history_rows),
    sizeof(struct set_history) };

static const struct schema_row bus_access_rows[] = {
    { "user", KIND_TEXT, AT(set_bus_access, user), .standard_text = "none",
        .help = "Who signs in, with `password`." },
    { "password", KIND_SECRET, AT(set_bus_access, password), .standard_text = "none",
        .help = "With `user`: the password; shown nowhere." },
    { "token", KIND_SECRET, AT(set_bus_access, token), .standard_text = "none",
        .help = "Signs in instead of a user; shown nowhere." },
    { "tls", KIND_YES_NO, AT(set_bus_access, is_tls), .standard_text = "`yes` with `ca`",
        .help = "Whether servers are spoken to by TLS; their certificates name their addresses." },
    { "ca", KIND_TEXT, AT(set_bus_access, ca), .standard_text = "the system's",
        .help = "File of certificates that vouch for the servers." },
    { "cert", KIND_TEXT, AT(set_bus_access, cert), .standard_text = "none",
        .help = "File of the certificate that nodes show, with `key`." },
    { "key", KIND_TEXT, AT(set_bus_access, key), .standard_text = "none",
        .help = "File of the private key of `cert`." },
};

static const struct schema_section bus_access_section = { "bus_access",
    "How nodes sign in at the servers of `bus`.", ROWS(bus_access_rows),
    sizeof(struct set_bus_access) };

static const struct schema_row limits_rows[] = {
    { "connections", KIND_COUNT, AT(set_limits, connections), .standard = "100000", .least = "1",
        .most = "10000000",
        .help = "Connections open at a time; beyond, the one that has been idle for longest is "
                "closed." },
    { "per_client", KIND_COUNT, AT(set_limits, per_client), .standard = "1000", .least = "1",
        .most = "10000000",
        .help = "How many of them one IPv4 address or one IPv6 /64 may have; beyond, its new ones "
                "are refused." },
    { "handshake", KIND_DURATION, AT(set_limits, handshake), .standard = "10s", .least = "100ms",
        .most = "10m", .help = "Time for a connection's TLS handshake." },
    { "head", KIND_DURATION, AT(set_limits, head_time), .standard = "10s", .least = "100ms",
        .most = "10m", .help = "Time from the first byte of a request's head to its last." },
    { "idle", KIND_DURATION, AT(set_limits, idle), .standard = "60s", .least = "100ms",
        .most = "1h", .help = "How long a connection is kept without a request." },
    { "stall", KIND_DURATION, AT(set_limits, stall), .standard = "30s", .least = "100ms",
        .most = "10m", .help = "Time over which `min_rate` is measured." },
    { "min_rate", KIND_BIT_RATE, AT(set_limits, rate_bits_per_s), .standard = "4 kbit/s",
        .least = "8 bit/s", .most = "8 Mbit/s",
        .help = "Who sends a body, or takes one, more slowly is cut off." },
    { "upgrade_idle", KIND_DURATION, AT(set_limits, upgraded), .standard = "2m", .least = "100ms",
        .most = "1d",
        .help = "How long a WebSocket, or what else a connection was upgraded to, may be silent "
                "both ways." },
};

static const struct schema_section limits_section = { "limits",
    "What each node grants to those who connect to it by HTTP or HTTPS.", ROWS(limits_rows),
    sizeof(struct set_limits) };

static const struct schema_row network_rows[] = {
    { "include", KIND_TEXT, SHAPE_LIST, AT(set_network, include),
        .help = "More files, by patterns such as sites/*.yaml, relative to this one; maps are "
                "merged, anything given twice is an error." },
    { "network", KIND_NAME, AT(set_network, name), .standard = "waypost",
        .help = "Name of the network." },
    { "zone", KIND_HOST, AT(set_network, zone), .is_required = true,
        .help = "Names under this zone are ours to answer, such as cdn.example.net." },
    { "nameservers", KIND_HOST, SHAPE_LIST, AT(set_network, nameservers),
        .standard_text = "ns1.ZONE, and ns2.ZONE with two nodes or more",
        .help = "Names of our DNS servers, as delegated; those in the zone get the nodes' "
                "addresses." },
    { "contact", KIND_MAILBOX, AT(set_network, contact), .standard_text = "hostmaster@ZONE",
        .help = "Whom other operators write to." },
    { "bus", KIND_BUS, AT(set_network, bus), .standard = "local",
        .help = "How nodes hear of each other: `local` within one process, or by the servers of a "
                "NATS cluster, at most 16." },
    { "bus_access", KIND_SECTION, AT(set_network, bus_access), .section = &bus_access_section,
        .help = "How nodes sign in there." },
    { "tls", KIND_SECTION, AT(set_network, tls), .section = &tls_section,
        .help = "How visitors are spoken to by HTTPS." },
    { "admin", KIND_SECTION, AT(set_network, admin), .section = &admin_section,
        .help = "How operators ask from afar." },
    { "limits", KIND_SECTION, AT(set_network, limits), .section = &limits_section,
        .help = "What each node grants to visitors." },
    { "geo", KIND_TEXT, AT(set_network, geo), .standard_text = "no geography",
        .help = "Country database, a file of MaxMind's format." },
    { "state", KIND_TEXT, AT(set_network, state), .standard = "/var/lib/waypost",
        .help = "Folder for what outlives a restart, with a folder for each node." },
    { "accounts", KIND_SECTION, AT(set_network, accounts), .section = &accounts_section,
        .help = "Where use is written down and priced." },
    { "history", KIND_SECTION, AT(set_network, history), .section = &history_section,
        .help = "What is kept to replay past answers." },
    { "pops", KIND_SECTION, SHAPE_MAP, KIND_NAME, AT(set_network, pops), .is_required = true,
        .section = &pop_section, .help = "Our places, by name." },
    { "plans", KIND_SECTION, SHAPE_MAP, KIND_NAME, AT(set_network, plans), .section = &plan_section,
        .help = "Price lists, by name." },
    { "customers", KIND_SECTION, SHAPE_MAP, KIND_NAME, AT(set_network, customers),
        .section = &customer_section, .help = "Who is served, by name." },
};

const struct schema_section settings_network = { "the network",
    "Everything one operator runs as one CDN; the same file on every node.", ROWS(network_rows),
    sizeof(struct set_network) };
