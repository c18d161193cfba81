// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * Pictures in the PNG format from nothing but a function: one byte a pixel, out of a palette, and
 * not compressed, since a picture for the demo needs no small size. Pure.
 */

#include <stdint.h>

#include "admin/text.h"

enum { DEMO_PNG_SIDE_MAX = 4096, DEMO_PNG_COLOURS = 256 };

struct demo_png {
    uint32_t width, height; // at least 1, at most DEMO_PNG_SIDE_MAX
    uint8_t palette[DEMO_PNG_COLOURS][3];
    /* The place of the colour at (x, y) in the palette. */
    uint8_t (*pixel)(uint32_t x, uint32_t y, const struct demo_png *png);
};

void demo_png_write(struct text *out, const struct demo_png *png);

/* The checksum of PNG's chunks. */
uint32_t demo_png_crc(struct slice bytes);
