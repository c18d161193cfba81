// SPDX-License-Identifier: Apache-2.0
/* The last minutes of one figure, small. What it shows is told in words too, and in a table. */
import uPlot from 'uplot';

import { h } from './dom.js';
import { history, listen } from './store.js';

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);

const SHORTEST = 45; // seconds: what has just begun is not drawn out over the whole width

const plots = new Set();
addEventListener('theme', () => plots.forEach((plot) => plot.redraw(false)));

/* Keeps a plot as wide as its place; returns what ends it. */
export function keep(plot, place) {
    const sizes = new ResizeObserver(() => {
        const { clientWidth: width, clientHeight: height } = place;
        if (width > 0 && (width !== plot.width || height !== plot.height))
            plot.setSize({ width, height });
    });
    plots.add(plot);
    sizes.observe(place);
    return () => {
        plots.delete(plot);
        sizes.disconnect();
        plot.destroy();
    };
}

/* `key` is of the history; `top` keeps the scale from making much of little. */
export function spark(key, { label, tell, top = 1, most = Infinity, tint = '--accent' }) {
    const place = h('div', { class: 'spark', role: 'img', 'aria-label': label });
    let plot = null, stop = () => {};

    function data() {
        const times = history.times, row = history.of(key);
        return [times, row.length ? row : times.map(() => null)];
    }

    function make() {
        plot = new uPlot({
            width: place.clientWidth || 200,
            height: place.clientHeight || 40,
            padding: [3, 0, 1, 0],
            cursor: { show: false },
            legend: { show: false },
            axes: [{ show: false }, { show: false }],
            scales: {
                x: { time: false, range: (_, from, to) => [Math.min(from, to - SHORTEST), to] },
                y: { range: (_, from, to) => [0, Math.min(most, Math.max(top, to * 1.1))] },
            },
            series: [{}, {
                stroke: () => colour(tint),
                fill: () => `${colour(`${tint}-soft`)}`,
                width: 1.5,
                points: { show: false },
            }],
        }, data(), place);
        stop = keep(plot, place);
    }

    function show() {
        if (!place.isConnected || history.times.length < 2) return;
        if (!plot) make();
        else plot.setData(data());
        const row = history.of(key).filter((n) => n !== null);
        if (row.length) place.setAttribute('aria-label', `${label}, the last minutes: ` +
            `now ${tell(row.at(-1))}, least ${tell(Math.min(...row))}, most ${tell(Math.max(...row))}`);
    }

    const unlisten = listen('live', () => show());
    requestAnimationFrame(show);
    return { element: place, stop: () => { unlisten(); stop(); } };
}
