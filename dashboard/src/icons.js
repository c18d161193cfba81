// SPDX-License-Identifier: Apache-2.0
/* Small drawings on a field of 20 by 20, in the colour of the text. */
import { s } from './dom.js';

const PATHS = {
    overview: 'M10 2.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 0 0 0-15M2.5 10h15M10 2.5c4.5 4.6 4.5 10.4 0 15M10 2.5c-4.5 4.6-4.5 10.4 0 15',
    sites: 'M3 4.5h14v11H3zM3 8h14M5.2 6.2h.1M7.4 6.2h.1',
    books: 'M3 17h14M5 14V9M10 14V4M15 14V7',
    orders: 'M10.8 2.5 4.5 11h4.7L8.5 17.5 15.5 8.5h-5z',
    nodes: 'M3 4h14v4.5H3zM3 11.5h14V16H3zM6 6.2h.1M6 13.8h.1M12 6.2h2.5M12 13.8h2.5',
    changes: 'M10 5.5V10l3 2M3.2 8A7 7 0 1 1 3 11M3 4.5V8h3.5',
    theme: 'M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14',
    key: 'M12.5 3a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9M9.2 10.5 3 16.8M5 15l2 2M13.5 6.5h.1',
};

export const icon = (name) => s('svg', { viewBox: '0 0 20 20', class: 'icon', 'aria-hidden': 'true' },
    s('path', { d: PATHS[name] }));

/*
 * Health has a shape beside its colour: up is full, drained two bars, down a cross, unknown hollow.
 * Pops are round, origins square. Drawn around 0, 0.
 */
export function mark(kind, state, size) {
    const outer = kind === 'pop'
        ? s('circle', { r: size, class: 'body' })
        : s('rect', { x: -size * 0.9, y: -size * 0.9, width: size * 1.8, height: size * 1.8,
            rx: size * 0.35, class: 'body' });
    const t = size * 0.42;
    const inner = {
        up: [],
        drained: [s('path', { d: `M${-t * 0.6} ${-t}V${t}M${t * 0.6} ${-t}V${t}`, class: 'sign' })],
        down: [s('path', { d: `M${-t} ${-t}L${t} ${t}M${t} ${-t}L${-t} ${t}`, class: 'sign' })],
        unknown: [],
    }[state] ?? [];
    return s('g', { class: `mark ${kind} ${state}` }, outer, inner);
}

export function markIcon(kind, state) {
    return s('svg', { viewBox: '-10 -10 20 20', class: 'marker', 'aria-hidden': 'true' },
        mark(kind, state, 7.5));
}
