// SPDX-License-Identifier: Apache-2.0
/* One site: what it carries, where its answers point, and why, for a client that one types in. */
import { get } from './api.js';
import { badge, empty, field, h, replace, setText, table } from './dom.js';
import { bits, count, percent, short } from './format.js';
import { markIcon } from './icons.js';
import { spark } from './spark.js';
import { history, hitRatio, known, listen } from './store.js';
import { explanation } from './why.js';

const perSecond = (n) => `${short(n)} a second`;
const ANSWERS_EVERY_MS = 5000;

function find(network, host) {
    for (const customer of network.customers)
        for (const site of customer.sites)
            if (site.site === host) return { customer, site };
    return null;
}

/* The state of a target, which is an origin's for pages, a pop's for what is delivered. */
function targetState(network, customer, kind, name) {
    if (kind === 'deliver') return network.pops.find((p) => p.pop === name)?.state ?? 'unknown';
    return customer.origins.find((o) => o.origin === name)?.state ?? 'unknown';
}

/* A figure that does not move. */
const fixed = (title, value, unit) => h('div', { class: 'kpi' }, h('h2', null, title),
    h('p', null, h('span', { class: 'value' }, value), h('span', { class: 'unit' }, unit)));

function figures(host, kind, targets) {
    const rows = kind === 'deliver'
        ? [['Requests', 'requests_per_s', '--accent'], ['Hit ratio', 'hit_ratio', '--second'],
            ['Sent', 'sent_bytes_per_s', '--third'], ['DNS answers', 'dns_answers_per_s', '--fourth']]
        : [['DNS answers', 'dns_answers_per_s', '--fourth']];
    const parts = rows.map(([title, rate, tint]) => {
        const value = h('span', { class: 'value' }, '–'), unit = h('span', { class: 'unit' });
        const line = spark(`site ${host} ${rate}`, rate === 'hit_ratio'
            ? { label: title, tell: percent, tint, most: 1 } : { label: title, tell: perSecond, tint });
        return { title, rate, value, unit, line, element: h('div', { class: 'kpi' },
            h('h2', null, title), h('p', null, value, unit), line.element) };
    });
    const unlisten = listen('live', () => {
        for (const p of parts) {
            const n = history.lately(`site ${host} ${p.rate}`, 10);
            if (p.title === 'Hit ratio') setText(p.value, percent(hitRatio(`site ${host}`)));
            else if (p.title === 'Sent') {
                const [amount, unit] = bits(n || 0);
                setText(p.value, amount);
                setText(p.unit, unit);
            } else {
                setText(p.value, short(n));
                setText(p.unit, '/s');
            }
        }
    });
    return {
        element: h('section', { class: 'panel kpis', 'aria-label': 'What the site carries now' },
            parts.map((p) => p.element), kind === 'steer' && [
                fixed('Targets up', targets.filter((t) => t === 'up').length, `of ${targets.length}`),
                fixed('Answers are kept for',
                    known.status.sites.find((one) => one.host === host)?.ttl_s ?? '–', 's')]),
        stop: () => { unlisten(); parts.forEach((p) => p.line.stop()); },
    };
}

/* Rows of {target, addresses} summed over reasons and nodes. */
function shares(rows) {
    const sums = new Map();
    for (const row of rows) {
        const name = row.target || 'no address';
        const sum = sums.get(name) ?? { name, addresses: 0, reasons: new Map() };
        const n = row.addresses;
        sum.addresses += n;
        sum.reasons.set(row.reason, (sum.reasons.get(row.reason) ?? 0) + n);
        sums.set(name, sum);
    }
    return [...sums.values()].sort((a, b) => b.addresses - a.addresses);
}

function pointing(host, state) {
    const place = h('div');
    let timer = 0, ended = false;

    async function draw() {
        try {
            const { answers } = await get('answers', { site: host, limit: 1000 });
            const list = shares(answers);
            const all = list.reduce((sum, one) => sum + one.addresses, 0);
            replace(place, all === 0 ? empty('No address was given out yet.') : [
                h('ol', { class: 'shares' }, list.map((one) => h('li', null,
                    h('span', { class: 'name' }, markIcon(state.kind === 'deliver' ? 'pop' : 'origin',
                        state.of(one.name)), one.name),
                    h('span', { class: 'track', 'aria-hidden': 'true' },
                        h('span', { style: { width: `${(one.addresses / all) * 100}%` } })),
                    h('span', { class: 'amount' }, percent(one.addresses / all))))),
                h('details', { class: 'more' }, h('summary', null, 'By reason, as a table'),
                    table('Addresses given out', [{ title: 'Target' }, { title: 'Reason' },
                        { title: 'Addresses', number: true }], list.flatMap((one) =>
                        [...one.reasons].map(([reason, n]) => [one.name, reason.replaceAll('_', ' '),
                            count(n)]))))]);
        } catch (error) {
            replace(place, empty(error.status === 404 && error.code === 'missing'
                ? 'This node does not count its answers by target.' : `${error.message}. ${error.mend ?? ''}`));
        }
    }

    async function show() {
        // A table that somebody opened is not written anew.
        if (!place.querySelector('details[open]')) await draw();
        if (!ended) timer = setTimeout(show, ANSWERS_EVERY_MS);
    }

    show();
    return {
        element: h('section', { class: 'panel', 'aria-labelledby': 'pointing-title' },
            h('header', null, h('h2', { id: 'pointing-title' }, 'Where its answers point'),
                h('p', { class: 'hint' }, 'since this process started')), place),
        stop: () => { ended = true; clearTimeout(timer); },
    };
}

/* The form and its answer. What was asked stands in the address, so that it can be sent to others. */
function asking(host, query) {
    const client = h('input', { name: 'client', placeholder: '192.0.2.7', autocomplete: 'off',
        spellcheck: 'false', value: query.get('client') ?? '' });
    const at = h('input', { name: 'at', type: 'datetime-local', step: 1, value: query.get('at') ?? '' });
    const result = h('div'), said = h('p', { class: 'hidden', role: 'status' });
    let asked = 0;

    async function ask() {
        const own = ++asked; // an answer that comes after a later question is not wanted

        result.setAttribute('aria-busy', 'true');
        try {
            const time = at.value && `${at.value.length === 16 ? `${at.value}:00` : at.value}Z`;
            const why = await get('why', { name: host, client: client.value.trim(), at: time });
            if (own !== asked) return;
            replace(result, explanation(why));
            // The gist is read out, and not all of it.
            setText(said, result.querySelector('.verdict')?.textContent ?? '');
        } catch (error) {
            if (own !== asked) return;
            replace(result, h('p', { class: 'refusal', role: 'alert' },
                h('strong', null, error.message), error.mend ? ` ${error.mend}` : ''));
        }
        result.removeAttribute('aria-busy');
    }

    const form = h('form', { class: 'row', onsubmit: (event) => {
        event.preventDefault();
        const words = new URLSearchParams();
        if (client.value.trim()) words.set('client', client.value.trim());
        if (at.value) words.set('at', at.value);
        keepAddress(host, words);
        ask();
    } }, field('Client address', client), field('At (UTC)', at),
    h('button', { class: 'primary' }, 'Ask'));

    ask();
    return h('section', { class: 'panel', 'aria-labelledby': 'why-title' },
        h('header', null, h('h2', { id: 'why-title' }, 'Why'),
            h('p', { class: 'hint' }, 'Empty: for nobody in particular, now')), form, said, result);
}

function keepAddress(host, words) {
    const query = words.toString();
    window.history.replaceState(null, '', `#/site/${encodeURIComponent(host)}${query ? `?${query}` : ''}`);
}

export function site(root, [host], query) {
    const title = h('h1', { tabindex: -1 }, host);
    const about = h('p', { class: 'about' }), kind = h('span');
    const body = h('div', { class: 'stack' });
    let stops = [], drawn = false;

    const build = ({ customer, site: one }) => {
        const state = (name) => targetState(known.network, customer, one.kind, name);
        const parts = [figures(host, one.kind, one.targets.map(state)),
            pointing(host, { kind: one.kind, of: state })];
        replace(kind, badge(one.kind, one.kind));
        setText(about, `${customer.customer} · ${one.policy} · also ${one.name}`);
        replace(body, parts[0].element,
            h('div', { class: 'split even' }, asking(host, query), parts[1].element));
        stops = parts.map((p) => p.stop);
        drawn = true;
    };
    const unlisten = listen('network', (network) => {
        const found = find(network, host);
        if (drawn) return;
        if (found) build(found);
        else replace(body, h('div', { class: 'panel' }, empty('There is no site of that name.')));
    });

    replace(root, h('header', { class: 'page' }, h('div', null,
        h('p', { class: 'crumb' }, h('a', { href: '#/sites' }, 'Sites')), title, about), kind), body);
    return () => { unlisten(); stops.forEach((stop) => stop()); };
}
