// SPDX-License-Identifier: Apache-2.0
/* All sites, with what they carry now. */
import { badge, empty, field, h, replace, setText } from './dom.js';
import { bits, count, percent, short } from './format.js';
import { spark } from './spark.js';
import { history, hitRatio, known, listen } from './store.js';

const FEW = 12; // sites that are found without searching
const SHOWN_MAX = 100; // each has a plot

export const siteHref = (host) => `#/site/${encodeURIComponent(host)}`;

function row(customer, site) {
    const cells = { rate: h('td', { class: 'number' }), hits: h('td', { class: 'number' }),
        sent: h('td', { class: 'number' }), answers: h('td', { class: 'number' }) };
    const isDelivered = site.kind === 'deliver';
    const key = isDelivered ? 'requests_per_s' : 'dns_answers_per_s';
    const line = spark(`site ${site.site} ${key}`, { label: `${site.site}`,
        tell: (n) => `${short(n)} a second`, tint: isDelivered ? '--accent' : '--fourth' });

    return {
        element: h('tr', null,
            h('th', { scope: 'row', class: 'wide' }, h('a', { href: siteHref(site.site) }, site.site),
                h('span', { class: 'below' }, customer)), h('td', { class: 'trend' }, line.element),
            cells.rate, cells.hits, cells.sent, cells.answers,
            h('td', null, badge(site.kind, site.kind)), h('td', null, site.policy)),
        tick() {
            const rate = (name) => history.lately(`site ${site.site} ${name}`, 10);
            setText(cells.rate, isDelivered ? short(rate('requests_per_s')) : '');
            setText(cells.hits, isDelivered ? percent(hitRatio(`site ${site.site}`)) : '');
            setText(cells.sent, isDelivered && Number.isFinite(rate('sent_bytes_per_s'))
                ? bits(rate('sent_bytes_per_s')).join(' ') : '');
            setText(cells.answers, short(rate('dns_answers_per_s')));
        },
        stop: line.stop,
    };
}

export function sites(root) {
    const body = h('tbody');
    const none = h('div');
    const words = h('input', { type: 'search', autocomplete: 'off', spellcheck: 'false',
        oninput: () => show(known.network) });
    const narrow = h('div', { class: 'row', hidden: true }, field('Find', words));
    let rows = [], drawn = '';

    function show(network) {
        const every = network.customers.flatMap((c) => c.sites.map((site) => [c.customer, site]));
        const all = every.filter(([customer, { site }]) =>
            `${site} ${customer}`.includes(words.value.trim().toLowerCase()));
        const text = JSON.stringify(all);

        narrow.hidden = every.length <= FEW;
        if (text === drawn) return;
        drawn = text;
        rows.forEach((r) => r.stop());
        rows = all.slice(0, SHOWN_MAX).map(([customer, site]) => row(customer, site));
        replace(body, rows.map((r) => r.element));
        replace(none, all.length === 0 ? empty('There are no such sites.') : all.length > SHOWN_MAX
            ? h('p', { class: 'hint' }, `${count(all.length - SHOWN_MAX)} more: type a part of a name.`)
            : null);
        rows.forEach((r) => r.tick());
    }

    const number = (text) => h('th', { scope: 'col', class: 'number' }, text);
    const plain = (text) => h('th', { scope: 'col' }, text);
    const stops = [listen('network', show), listen('live', () => rows.forEach((r) => r.tick()))];

    replace(root, h('header', { class: 'page' }, h('div', null, h('h1', { tabindex: -1 }, 'Sites'),
        h('p', { class: 'about' }, 'What customers have steered and delivered')), narrow),
    h('div', { class: 'panel' },
        h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Sites (table)' },
            h('table', null, h('caption', { class: 'hidden' }, 'Sites and what they carry now'),
                h('thead', null, h('tr', null, plain('Site'), plain('Trend'),
                    number('Requests/s'), number('Hits'), number('Sent'), number('DNS answers/s'),
                    plain('Kind'), plain('Policy'))), body)), none));
    return () => { stops.forEach((stop) => stop()); rows.forEach((r) => r.stop()); };
}
