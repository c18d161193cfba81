// SPDX-License-Identifier: Apache-2.0
/* Where the map's drawing puts a place on Earth; build.mjs draws the land with the same numbers. */

export const MAP = { width: 960, height: 430, scale: 176, centre: [480, 248] };
