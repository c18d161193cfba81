// SPDX-License-Identifier: Apache-2.0
/*
 * The world with pops and origins: where they are, how they do, and what flows between them. It is
 * drawn in the size it has, so that marks and texts stay readable on a phone.
 */
import { geoNaturalEarth1 } from 'd3-geo';

import { h, replace, s } from './dom.js';
import { ms, percent, short } from './format.js';
import { mark, markIcon } from './icons.js';
import { labels, MAP, spread, view } from './place.js';
import { history, listen } from './store.js';

const SIZE = { wide: 8, narrow: 6.5 };
const NARROW = 620;
const NAME_MOST = { wide: 22, narrow: 14 }; // letters of a name; the hint has all of it
const FLOW_LEAST = 0.01; // fetches a second

/* All that is on the map. */
function places(network) {
    const all = [];

    for (const pop of network.pops)
        all.push({ kind: 'pop', id: pop.pop, name: pop.pop, title: pop.place || pop.pop,
            state: pop.state, location: pop.location, load: pop.load, latency_ms: pop.latency_ms });
    for (const customer of network.customers)
        for (const origin of customer.origins)
            all.push({ kind: 'origin', id: `${customer.customer}/${origin.origin}`,
                name: origin.origin, title: `${customer.customer}/${origin.origin}`,
                state: origin.state, location: origin.location, load: origin.load,
                latency_ms: origin.latency_ms });
    return all;
}

function facts(place) {
    const rate = history.lately(`pop ${place.id} requests_per_s`, 5);
    const list = [place.state];

    if (place.kind === 'pop' && Number.isFinite(rate)) list.push(`${short(rate)} requests a second`);
    if (place.load !== undefined) list.push(`load ${percent(place.load)}`);
    if (place.latency_ms !== undefined) list.push(`latency ${ms(place.latency_ms)}`);
    return list;
}

/* In words, for who cannot see it. */
const say = (place) => [place.kind === 'pop' ? `pop ${place.name}` : `origin ${place.title}`,
    ...facts(place)].join(', ');

/*
 * How many fetches a second go from each pop to each origin, from two statuses:
 * {"pop origin": rate}.
 */
function flowsBetween(before, after) {
    const flows = new Map();
    const seconds = (Date.parse(after.now) - Date.parse(before.now)) / 1000;
    const popOf = new Map(after.nodes.map((n) => [n.name, n.pop]));
    const key = (o) => `${o.node} ${o.customer}/${o.name}`;
    const then = new Map(before.origins.map((o) => [key(o), o.fetches]));

    if (seconds <= 0) return flows;
    for (const o of after.origins) {
        const rate = (o.fetches - (then.get(key(o)) ?? o.fetches)) / seconds;
        const name = `${popOf.get(o.node)} ${o.customer}/${o.name}`;
        if (rate > 0) flows.set(name, (flows.get(name) ?? 0) + rate);
    }
    return flows;
}

/* Flows that come and go stay to be seen for half a minute. */
function faded(before, now) {
    const all = new Map();
    for (const key of new Set([...before.keys(), ...now.keys()])) {
        const rate = (before.get(key) ?? 0) * 0.75 + (now.get(key) ?? 0) * 0.25;
        if (rate > FLOW_LEAST) all.set(key, rate);
    }
    return all;
}

/* Bent upwards on the screen; the shortest way on Earth may leave the map at one edge. */
function arc([x, y], [toX, toY]) {
    const bend = Math.hypot(toX - x, toY - y) * 0.2;
    return `M${x},${y}Q${(x + toX) / 2},${(y + toY) / 2 - bend} ${toX},${toY}`;
}

const ANCHORS = {
    right: (p) => [p.box[0], 'start'],
    left: (p) => [p.box[2], 'end'],
    above: (p) => [(p.box[0] + p.box[2]) / 2, 'middle'],
    below: (p) => [(p.box[0] + p.box[2]) / 2, 'middle'],
};

class WorldMap {
    constructor() {
        this.land = s('path', { d: LAND, class: 'land' }); // of build.mjs
        this.flowLayer = s('g', { class: 'flows' });
        this.markLayer = s('g');
        this.svg = s('svg', { class: 'world', role: 'group',
            'aria-label': 'World map of pops and origins' }, this.land, this.flowLayer, this.markLayer);
        this.hint = h('div', { class: 'maphint', hidden: true });
        this.place = h('div', { class: 'mapbox' }, this.svg, this.hint);
        this.flows = new Map();
        this.drawn = '';
        this.all = []; // what is known of all places now, whenever they were drawn
    }

    /* All anew: where the size or what there is has changed. */
    draw() {
        const { clientWidth: width, clientHeight: height } = this.place;
        const seen = this.all.filter((p) => p.location);
        const isNarrow = width < NARROW;
        const size = isNarrow ? SIZE.narrow : SIZE.wide;
        const base = geoNaturalEarth1().scale(MAP.scale).translate(MAP.centre);
        const v = view(seen.map((p) => base([p.location[1], p.location[0]])), width, height,
            isNarrow ? 34 : 84);

        this.size = size;
        this.nameMost = isNarrow ? NAME_MOST.narrow : NAME_MOST.wide;
        this.projection = geoNaturalEarth1().scale(MAP.scale * v.k)
            .translate([MAP.centre[0] * v.k + v.x, MAP.centre[1] * v.k + v.y]);
        this.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
        this.land.setAttribute('transform', `translate(${v.x} ${v.y}) scale(${v.k / MAP.grain})`);
        const real = seen.map((p) => this.projection([p.location[1], p.location[0]]));
        this.at = spread(real, size * 2 + (isNarrow ? 3 : 5));
        const texts = labels(this.at, seen.map((p) => this.short(p).length * 7.2 + 2), size, [width, height]);

        this.where = new Map(seen.map((p, i) => [`${p.kind} ${p.id}`, this.at[i]]));
        replace(this.markLayer, seen.map((p, i) => this.mark(p, real[i], this.at[i], texts[i])));
        this.drawFlows();
    }

    short({ name }) {
        return name.length > this.nameMost ? `${name.slice(0, this.nameMost - 1)}…` : name;
    }

    mark(p, from, to, text) {
        const [x, anchor] = ANCHORS[text.side](text);
        const isMoved = Math.hypot(from[0] - to[0], from[1] - to[1]) > 3;
        const now = () => this.all.find((one) => one.kind === p.kind && one.id === p.id) ?? p;
        const show = () => {
            link.setAttribute('aria-label', say(now()));
            this.showHint(now(), to);
        };
        const hide = () => { this.hint.hidden = true; };
        const link = s('a', { href: p.kind === 'pop' ? '#/nodes' : '#/nodes/origins', class: 'place',
            'aria-label': say(p), onpointerenter: show, onpointerleave: hide, onfocus: show, onblur: hide },
        s('circle', { class: 'reach', cx: to[0], cy: to[1], r: this.size + 6 }),
        s('g', { transform: `translate(${to})` }, mark(p.kind, p.state, this.size)),
        s('text', { x, y: (text.box[1] + text.box[3]) / 2, 'text-anchor': anchor,
            'dominant-baseline': 'central', class: 'name' }, this.short(p)));

        return [
            isMoved && s('path', { class: 'tether', d: `M${from}L${to}` }),
            isMoved && s('circle', { class: 'spot', cx: from[0], cy: from[1], r: 1.8 }),
            link,
        ];
    }

    showHint(p, [x, y]) {
        replace(this.hint, h('strong', null, p.kind === 'pop' && p.title !== p.name ? `${p.name}, ${p.title}` : p.title), h('span', null, facts(p).join(' · ')));
        this.hint.hidden = false;
        const room = this.place.clientWidth - this.hint.offsetWidth - 8;
        Object.assign(this.hint.style, { left: `${Math.max(8, Math.min(room, x + 14))}px`,
            top: `${Math.max(8, y - this.hint.offsetHeight - 14)}px` });
    }

    drawFlows() {
        const most = Math.max(...this.flows.values(), 0.001);

        replace(this.flowLayer, [...this.flows].map(([name, rate]) => {
            const cut = name.indexOf(' ');
            const from = this.where?.get(`pop ${name.slice(0, cut)}`);
            const to = this.where?.get(`origin ${name.slice(cut + 1)}`);
            if (!from || !to) return null;
            const d = arc(from, to);
            const width = 1 + 2 * Math.sqrt(rate / most);
            return [s('path', { d, class: 'flow', 'stroke-width': width.toFixed(2) }),
                s('path', { d, class: 'pulse', 'stroke-width': width.toFixed(2) })];
        }));
    }
}

export function worldMap() {
    const map = new WorldMap();
    const none = h('p', { class: 'hint nowhere' });
    let before = null;

    const sizes = new ResizeObserver(() => { if (map.place.clientWidth > 0) map.draw(); });
    const stops = [
        listen('network', (network) => {
            const all = map.all = places(network);
            const lost = all.filter((p) => !p.location).length;
            none.textContent = lost ? `${lost} of ${all.length} have no location in the ` +
                'configuration and are not on the map.' : '';
            // Redrawn only when something changed, so that focus and hints stay.
            const text = JSON.stringify(all.map((p) => [p.kind, p.id, p.state, p.location]));
            if (text !== map.drawn && map.place.clientWidth > 0) map.draw();
            map.drawn = text;
        }),
        listen('status', (status) => {
            if (before && before.now !== status.now) {
                map.flows = faded(map.flows, flowsBetween(before, status));
                if (map.projection) map.drawFlows();
            }
            before = status;
        }),
        () => sizes.disconnect(),
    ];

    sizes.observe(map.place);
    const key = (kind, state, text) => h('li', null, markIcon(kind, state), text);
    return {
        element: h('section', { class: 'panel map', 'aria-labelledby': 'map-title' },
            h('header', null, h('h2', { id: 'map-title' }, 'World'),
                h('ul', { class: 'legend', 'aria-label': 'Marks on the map' },
                    key('pop', 'up', 'pop'), key('origin', 'up', 'origin'),
                    key('pop', 'drained', 'drained'), key('pop', 'down', 'down'),
                    key('pop', 'unknown', 'unknown'),
                    h('li', null, h('span', { class: 'line' }), 'fetches'))),
            map.place, none),
        stop: () => stops.forEach((stop) => stop()),
    };
}
