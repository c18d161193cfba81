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

/*
 * The land as one path, drawn here and not by each browser: it is the same for all. In whole
 * numbers, each line from where the last one ended, it takes a third of the bytes.
 */
function land() {
    const file = join(here, 'node_modules/world-atlas/land-110m.json');
    const world = JSON.parse(readFileSync(file, 'utf8'));
    const projection = geoNaturalEarth1().scale(MAP.scale * MAP.grain)
        .translate(MAP.centre.map((n) => n * MAP.grain));
    const rings = geoPath(projection).digits(0)(feature(world, world.objects.land))
        .split('Z').filter(Boolean).map((ring) => ring.slice(1).split('L').map((p) => p.split(',').map(Number)))
        .filter((ring) => ring.some(([, y]) => y < MAP.height * MAP.grain)); // Antarctica is not shown

    return rings.map((ring) => {
        let [x, y] = ring[0], text = `M${x},${y}l`;
        for (const [nextX, nextY] of ring.slice(1)) {
            if (nextX === x && nextY === y) continue;
            text += `${nextX - x},${nextY - y} `;
            [x, y] = [nextX, nextY];
        }
        return `${text.trim().replaceAll(' -', '-').replaceAll(',-', '-')}z`;
    }).join('');
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
