// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What the demo's web servers serve: a page made anew for each request, and what it embeds, which
 * is the same from every server of a customer and may be cached. Pure.
 */

#include <stdint.h>

#include "admin/text.h"
#include "app/demo_world.h"
#include "base/clock.h"

enum {
    DEMO_PAGE_MAX = 1 << 20,
    DEMO_TILE_COUNT = 200, // /img/tile-0.svg to -199.svg
};

struct demo_page {
    const struct demo_server *server;
    struct wall now;
    uint64_t served;   // pages that this server made, this one included
    const char *embed; // where the pictures are: "http://static.acme.example:8080", "" for here
};

void demo_page_write(struct text *out, const struct demo_page *page);

/* A few lines of HTML: what is in somebody's cart. */
void demo_page_write_cart(struct text *out, const struct demo_page *page);

/* {"time": ..., "server": ...}: what the page asks for again and again. */
void demo_page_write_clock(struct text *out, const struct demo_page *page);

void demo_page_write_css(struct text *out, const struct demo_customer *customer);
void demo_page_write_logo(struct text *out, const struct demo_customer *customer);
void demo_page_write_hills(struct text *out, const struct demo_customer *customer);
void demo_page_write_rare(struct text *out, const struct demo_customer *customer);
void demo_page_write_tile(struct text *out, const struct demo_customer *customer, unsigned number);
/* A PNG. */
void demo_page_write_sky(struct text *out, const struct demo_customer *customer);
