// SPDX-License-Identifier: Apache-2.0
// Bundles the dashboard into a folder: node build.mjs FOLDER. Called by embed.py.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { geoNaturalEarth1, geoPath } from 'd3-geo';
import { build } from 'esbuild';
import { feature } from 'topojson-client';

import { MAP } from './src/place.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const folder = resolve(process.argv[2]);

/* The land as one path, drawn here and not by each browser: it is the same for all. */
function land() {
    const file = join(here, 'node_modules/world-atlas/land-110m.json');
    const world = JSON.parse(readFileSync(file, 'utf8'));
    const projection = geoNaturalEarth1().scale(MAP.scale).translate(MAP.centre);
    return geoPath(projection).digits(1)(feature(world, world.objects.land));
}

mkdirSync(folder, { recursive: true });
await build({
    absWorkingDir: here,
    entryPoints: ['src/app.js', 'src/theme.js', 'src/style.css'],
    outdir: folder,
    bundle: true,
    minify: true,
    target: ['chrome110', 'firefox115', 'safari16'],
    define: { LAND: JSON.stringify(land()) },
    logLevel: 'warning',
});
for (const [from, to] of [['index.html', 'index.html'], ['src/icon.svg', 'icon.svg']])
    copyFileSync(join(here, from), join(folder, to));
