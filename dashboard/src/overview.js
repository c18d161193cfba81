// SPDX-License-Identifier: Apache-2.0
/* The network at a glance. */
import { changeList } from './changes.js';
import { badge, empty, h, replace, setText, table } from './dom.js';
import { bits, count, duration, ms, percent, plural, short } from './format.js';
import { markIcon } from './icons.js';
import { worldMap } from './map.js';
import { spark } from './spark.js';
import { siteHref } from './sites.js';
import { customer, history, hitRatio, known, listen } from './store.js';

const SITES_SHOWN = 6;
const perSecond = (n) => `${short(n)} a second`;

/* One figure of the strip on top. */
function figure(title, unit, key, options) {
    const value = h('span', { class: 'value' }, '–');
    const small = h('span', { class: 'unit' }, unit);
    const line = spark(key, { label: title, ...options });

    return {
        element: h('div', { class: 'kpi' }, h('h2', null, title), h('p', null, value, small),
            line.element),
        set: (text, newUnit) => {
            setText(value, text);
            if (newUnit) setText(small, newUnit);
        },
        stop: line.stop,
    };
}

function figures() {
    const requests = figure('Requests', '/s', 'all requests_per_s', { tell: perSecond });
    const hits = figure('Hit ratio', '', 'all hit_ratio', { tell: percent, tint: '--second', most: 1 });
    const sent = figure('Sent', 'bit/s', 'all sent_bytes_per_s',
        { tell: (n) => bits(n).join(' '), top: 1000, tint: '--third' });
    const key = customer() ? 'dns_answers_per_s' : 'dns_queries_per_s';
    const answers = figure('DNS answers', '/s', `all ${key}`, { tell: perSecond, tint: '--fourth' });
    const all = [requests, hits, sent, answers];
    const unlisten = listen('live', () => {
        requests.set(short(history.lately('all requests_per_s', 5)));
        hits.set(percent(hitRatio('all')));
        const rate = history.lately('all sent_bytes_per_s', 5);
        if (Number.isFinite(rate)) sent.set(...bits(rate));
        answers.set(short(history.lately(`all ${key}`, 5)));
    });

    return {
        element: h('section', { class: 'panel kpis', 'aria-label': 'The whole network, now' },
            all.map((one) => one.element)),
        stop: () => { unlisten(); all.forEach((one) => one.stop()); },
    };
}

/* How long origins took to answer the fetches of a pop, each weighed by its share of them. */
function fetchTime(pop) {
    const names = new Set(pop.nodes.map((n) => n.node));
    let sum = 0, fetches = 0;

    for (const o of known.status?.origins ?? [])
        if (names.has(o.node) && o.response_us && o.fetches) {
            sum += o.response_us * o.fetches;
            fetches += o.fetches;
        }
    return fetches ? sum / fetches / 1000 : NaN;
}

/* The mean of its nodes, which are measured wherever they run. */
function cpuOf(pop) {
    const all = pop.nodes.map((n) => n.cpu).filter((n) => n !== undefined);
    return all.length ? all.reduce((a, b) => a + b, 0) / all.length : NaN;
}

function popCard(name) {
    const sign = h('span', { class: 'sign' }), title = h('span', { class: 'title' });
    const place = h('span', { class: 'where' }), state = h('span');
    const rate = h('span', { class: 'value' }, '–');
    const line = spark(`pop ${name} requests_per_s`, { label: `Requests at ${name}`, tell: perSecond });
    const terms = {}, names = {};
    // Customers are told whether pops are up, and nothing of what others have there.
    const isOurs = !customer();
    const rows = [['hits', 'Hit ratio'], ['latency', 'Latency'], ['fetch', 'Fetch'], ['load', 'Load']]
        .map(([key, text]) => {
            terms[key] = h('dd', null, '–');
            names[key] = h('dt', null, text);
            return h('div', null, names[key], terms[key]);
        });
    const bar = h('span', { class: 'meter' }, h('span'));
    let drawn = '';

    rows[3].append(bar);
    return {
        name,
        element: h('article', { class: 'panel pop', 'aria-label': `Pop ${name}` },
            h('header', null, sign, h('h3', null, title, place), state),
            isOurs && [h('div', { class: 'pace' },
                h('p', null, rate, h('span', { class: 'unit' }, 'req/s')), line.element),
            h('dl', { class: 'terms' }, rows)]),
        show(pop) {
            setText(title, pop.pop);
            setText(place, pop.place || plural(pop.nodes.length, 'node'));
            if (drawn !== pop.state) {
                replace(sign, markIcon('pop', pop.state));
                replace(state, badge(pop.state, pop.state));
                drawn = pop.state;
            }
            const load = pop.load ?? cpuOf(pop); // of its capacity, where one is set

            setText(names.load, pop.load === undefined ? 'CPU' : 'Load');
            setText(terms.latency, ms(pop.latency_ms ?? NaN));
            setText(terms.fetch, ms(fetchTime(pop)));
            setText(terms.load, percent(load));
            bar.firstChild.style.width = `${Math.min(100, (load || 0) * 100)}%`;
            bar.classList.toggle('high', load > 0.9);
        },
        tick(pop) {
            const seen = history.lately(`pop ${name} requests_per_s`, 5);
            setText(rate, short(Number.isFinite(seen) ? seen : pop?.requests_per_s ?? NaN));
            setText(terms.hits, percent(hitRatio(`pop ${name}`)));
        },
        stop: line.stop,
    };
}

function pops() {
    const grid = h('div', { class: 'grid pops' });
    let cards = [], network = null;
    const of = (card) => network?.pops.find((p) => p.pop === card.name);
    const unlisten = [listen('network', (now) => {
        network = now;
        const names = now.pops.map((p) => p.pop);
        if (names.join() !== cards.map((c) => c.name).join()) {
            cards.forEach((c) => c.stop());
            cards = names.map(popCard);
            replace(grid, cards.map((c) => c.element));
        }
        cards.forEach((c) => c.show(of(c)));
    }), listen('live', () => cards.forEach((c) => c.tick(of(c))))];

    return {
        element: h('section', { 'aria-labelledby': 'pops-title' },
            h('h2', { class: 'section', id: 'pops-title' }, 'Pops'), grid),
        stop: () => { unlisten.forEach((u) => u()); cards.forEach((c) => c.stop()); },
    };
}

/* The figures of the plots above, for who reads tables; written anew only when it is opened. */
function figuresTable() {
    const place = h('div');
    const details = h('details', { class: 'panel more' },
        h('summary', null, 'The last minutes as a table'), place);

    details.addEventListener('toggle', () => {
        if (!details.open) return;
        const names = known.network?.pops.map((p) => p.pop) ?? [];
        const rows = history.times.map((time, at) => ({ time, at })).filter(({ time }) =>
            Math.round(time) % 10 === 0).map(({ time, at }) => [
            new Date(time * 1000).toISOString().slice(11, 19),
            ...names.map((n) => short(history.of(`pop ${n} requests_per_s`)[at] ?? NaN)),
            short(history.of('all hits_per_s')[at] ?? NaN),
            bits(history.of('all sent_bytes_per_s')[at] ?? 0).join(' '),
        ]).reverse();
        replace(place, rows.length === 0 ? empty('Nothing has been counted for ten seconds yet.')
            : table('Live figures, each ten seconds', [{ title: 'Time (UTC)' },
                ...names.map((n) => ({ title: `${n}, requests/s`, number: true })),
                { title: 'Hits/s', number: true }, { title: 'Sent', number: true }], rows));
    });
    return details;
}

/* The sites that carry most, by what is asked of them: requests, and of pages answers of the DNS. */
function busiest() {
    const list = h('ol', { class: 'shares' });
    const unlisten = listen('live', (live) => {
        const rates = live.sites.map(({ site }) => ({ site, rate:
            Math.max(history.lately(`site ${site} requests_per_s`, 10) || 0,
                history.lately(`site ${site} dns_answers_per_s`, 10) || 0) }))
            .sort((a, b) => b.rate - a.rate || (a.site < b.site ? -1 : 1)).slice(0, SITES_SHOWN);
        const most = Math.max(rates[0]?.rate ?? 0, 0.001);

        if (list.contains(document.activeElement)) return; // whoever is on a link stays on it
        replace(list, rates.map(({ site, rate }) => h('li', null,
            h('a', { class: 'name', href: siteHref(site) }, site),
            h('span', { class: 'amount' }, `${short(rate)}/s`),
            h('span', { class: 'track', 'aria-hidden': 'true' },
                h('span', { style: { width: `${(rate / most) * 100}%` } })))));
    });
    return {
        element: h('section', { class: 'panel busiest', 'aria-labelledby': 'busiest-title' },
            h('header', null, h('h2', { id: 'busiest-title' }, 'Busiest sites'),
                h('a', { href: '#/sites' }, 'All sites')), list),
        stop: unlisten,
    };
}

function summary(network, status) {
    const places = [...network.pops, ...network.customers.flatMap((c) => c.origins)];
    const down = places.filter((p) => p.state === 'down').length;
    const drained = places.filter((p) => p.state === 'drained').length;
    const words = [down && `${down} down`, drained && `${drained} drained`].filter(Boolean);

    return {
        state: down ? 'down' : drained ? 'drained' : 'up',
        text: words.length ? words.join(', ') : 'all up',
        about: [plural(network.pops.length, 'pop'),
            plural(network.customers.reduce((n, c) => n + c.origins.length, 0), 'origin'),
            plural(network.customers.reduce((n, c) => n + c.sites.length, 0), 'site'),
            status && `up for ${duration(status.uptime_s)}`].filter(Boolean).join(' · '),
    };
}

/* Which nodes the live figures are of, where they are not all. */
function coverage() {
    const note = h('p', { class: 'hint' });
    const unlisten = listen('live', (live) => {
        const all = known.network?.pops.flatMap((p) => p.nodes) ?? [];
        const isPart = live.nodes.length > 0 && live.nodes.length < all.length;
        setText(note, isPart ? `Live figures are of ${live.nodes.map((n) => n.node).join(', ')}: ` +
            `${count(live.nodes.length)} of ${plural(all.length, 'node')}. Each process tells its own.` : '');
    });
    return { element: note, stop: unlisten };
}

export function overview(root) {
    const title = h('h1', { tabindex: -1 }, known.network?.network ?? 'Network');
    const about = h('p', { class: 'about' }), state = h('span', { role: 'status' });
    const parts = [figures(), coverage(), worldMap(), pops()];
    const late = changeList(6), sites = busiest();
    const stop = listen('network', (network) => {
        const now = summary(network, known.status);
        setText(title, customer() || network.network);
        setText(about, now.about);
        if (state.textContent !== now.text) replace(state, badge(now.text, now.state));
    });

    replace(root, h('header', { class: 'page' }, h('div', null, title, about), state),
        parts[0].element, parts[1].element,
        h('div', { class: 'split' }, parts[2].element, late.element),
        parts[3].element, sites.element, figuresTable());
    return () => { stop(); late.stop(); sites.stop(); parts.forEach((p) => p.stop()); };
}
