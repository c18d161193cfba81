// SPDX-License-Identifier: Apache-2.0
/* Bars by day, one series on top of the other. Beside each stands a table with the same figures. */
import uPlot from 'uplot';

import { h, setText } from './dom.js';
import { day } from './format.js';
import { colour, keep } from './spark.js';

const axis = (more) => ({
    stroke: () => colour('--faint'),
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
    gap: 6,
    ...more,
});

/* `series`: [{title, tint, values}], stacked from the first up; `tell` writes a value. */
export function bars(title, times, series, tell) {
    const place = h('div', { class: 'plot', 'aria-hidden': 'true' });
    const readout = h('p', { class: 'readout', 'aria-hidden': 'true' });
    const sums = series.map((_, at) => times.map((_, i) =>
        series.slice(0, at + 1).reduce((sum, one) => sum + one.values[i], 0)));
    const legend = h('ul', { class: 'legend' }, series.map((one) =>
        h('li', null, h('span', { class: 'swatch', style: { background: `var(${one.tint})` } }),
            one.title)));
    let plot = null, stop = () => {};

    function read(at) {
        setText(readout, at === null ? '' : `${day(times[at] * 1000)}: ` +
            series.map((one) => `${one.title} ${tell(one.values[at])}`).join(', '));
    }

    function make() {
        plot = new uPlot({
            width: place.clientWidth,
            height: place.clientHeight,
            padding: [10, 8, 0, 0],
            legend: { show: false },
            cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
            tzDate: (time) => uPlot.tzDate(new Date(time * 1000), 'Etc/UTC'),
            hooks: { setCursor: [(u) => read(u.cursor.idx ?? null)] },
            axes: [
                axis({ grid: { show: false }, size: 30, space: 56, values: (_, list) => list.map((t) => day(t * 1000)),
                    incrs: [86400, 2 * 86400, 5 * 86400, 7 * 86400, 10 * 86400] }),
                axis({ size: 64, space: 34, values: (_, list) => list.map(tell) }),
            ],
            scales: {
                x: { time: true, range: () => [times[0] - 43200, times.at(-1) + 43200] },
                y: { range: (_, from, to) => [0, to > 0 ? to * 1.08 : 1] },
            },
            // The highest first, so that each stands before the sums above it.
            series: [{}, ...series.map((one) => ({
                stroke: () => colour(one.tint),
                fill: () => colour(one.tint),
                width: 0,
                paths: uPlot.paths.bars({ size: [0.66, 40], radius: 0.15 }),
                points: { show: false },
            })).reverse()],
        }, [times, ...sums.reverse()], place);
        stop = keep(plot, place);
    }

    requestAnimationFrame(() => { if (place.isConnected) make(); });
    return {
        element: h('figure', { class: 'panel figure' },
            h('figcaption', null, h('h2', null, title), legend, readout), place),
        stop: () => stop(),
    };
}
