// SPDX-License-Identifier: Apache-2.0
/* Usage by day, and what it costs. */
import { get } from './api.js';
import { empty, field, h, replace, table } from './dom.js';
import { bytes, count, money, monthName, percent, plural, short, stamp } from './format.js';
import { bars } from './plot.js';
import { customer as ownCustomer, known } from './store.js';

const monthOf = (time) => new Date(time).toISOString().slice(0, 7);
const hitsOf = (u) => u.hit + u.stale + u.revalidated + u.collapsed;

/* The days of a month up to today, with what was used on each: none is left out of a plot. */
function everyDay(month, rows, now) {
    const [year, number] = month.split('-').map(Number);
    const last = month === monthOf(now) ? new Date(now).getUTCDate()
        : new Date(Date.UTC(year, number, 0)).getUTCDate();
    const byDay = new Map(rows.map((r) => [r.at.slice(0, 10), r]));

    return Array.from({ length: last }, (_, at) => {
        const date = `${month}-${String(at + 1).padStart(2, '0')}`;
        return { time: Date.parse(`${date}T00:00:00Z`) / 1000, date, usage: byDay.get(date) };
    });
}

function plots(days) {
    const of = (what) => days.map((d) => (d.usage ? what(d.usage) : 0));
    const times = days.map((d) => d.time);
    return [
        bars('Requests by day', times, [
            { title: 'from the store', tint: '--accent', values: of(hitsOf) },
            { title: 'from origins', tint: '--second', values: of((u) => u.requests - hitsOf(u)) },
        ], short),
        bars('Sent by day', times, [{ title: 'sent', tint: '--third', values: of((u) => u.sent_bytes) }],
            bytes),
    ];
}

function usageTable(caption, first, rows) {
    return table(caption, [{ title: first, wide: first !== 'Day' }, { title: 'Requests', number: true },
        { title: 'Hits', number: true }, { title: 'Sent', number: true },
        { title: 'From origins', number: true }, { title: 'DNS answers', number: true },
        { title: 'Errors', number: true }],
    rows.map(([name, u]) => [name, count(u.requests), percent(u.requests ? hitsOf(u) / u.requests : NaN),
        bytes(u.sent_bytes), bytes(u.filled_bytes), count(u.dns_answers), count(u.error)]));
}

function invoiceList(list, month) {
    if (list.length === 0) return empty('Nobody owes anything for this month.');
    return table(`What customers owe for ${monthName(month)}`, [{ title: 'Customer', wide: true },
        { title: 'Plan' }, { title: 'Entries', number: true }, { title: 'Amount', number: true }],
    list.map((one) => [h('a', { href: `#/books/${encodeURIComponent(one.customer)}?month=${month}` },
        one.customer), one.plans.join(', '), count(one.entries),
    one.totals.map((t) => money(t.amount, t.currency)).join(', ')]));
}

/* "1.2 GB", "2,054": a quantity as people say it. */
function quantity(line) {
    if (line.unit === 'ms') return `${(line.quantity / 86400000).toFixed(1)} days`;
    if (line.unit === 'B') return bytes(line.quantity);
    return `${count(line.quantity)} ${line.unit}`;
}

function invoicePaper(invoice) {
    const plan = (at) => invoice.plans[at]?.plan || 'no plan';
    return h('section', { class: 'panel paper', 'aria-labelledby': 'invoice-title' },
        h('header', null, h('div', null, h('h2', { id: 'invoice-title' },
            `Invoice, ${monthName(invoice.month)}`), h('p', { class: 'hint' }, invoice.customer)),
        h('p', { class: 'sum' }, invoice.totals.map((t) => money(t.amount, t.currency)).join(', '))),
        table('Lines of the invoice', [{ title: 'Line' }, { title: 'Plan' },
            { title: 'Quantity', number: true }, { title: 'Price', number: true },
            { title: 'Amount', number: true }],
        invoice.lines.map((l) => [l.tier ? `${l.line}, tier ${l.tier}` : l.line, plan(l.plan),
            quantity(l), `${money(l.price, '')} per ${l.per}`,
            money(l.amount, invoice.plans[l.plan]?.currency ?? '')])),
        h('details', { class: 'more' }, h('summary', null, 'What it is made from'),
            table('Entries of the ledger', [{ title: 'Node' }, { title: 'Entries', number: true },
                { title: 'From', number: true }, { title: 'To', number: true }, { title: 'SHA-256' }],
            invoice.entries.map((e) => [e.node, count(e.count), count(e.first), count(e.last),
                h('code', null, `${e.sha256.slice(0, 16)}…`)]))),
        h('p', { class: 'hint' }, 'Derived from the ledger now; ', h('code', null, 'waypost invoice --verify'),
            ' proves it.'));
}

async function oneInvoice(place, name, month) {
    const invoice = await get(`invoices/${encodeURIComponent(name)}`, { month });
    replace(place, invoicePaper(invoice));
}

async function usage(place, name, month) {
    const [days, sites] = await Promise.all([
        get('usage', { by: 'day', customer: name, month }),
        get('usage', { by: 'site', customer: name, month }),
    ]);
    const list = everyDay(month, days.usage, days.now);
    const drawn = plots(list);
    const waiting = (days.unsettled ?? []).reduce((sum, one) => sum + one.entries, 0);

    replace(place, h('div', { class: 'split even' }, drawn.map((p) => p.element)),
        h('section', { class: 'panel', 'aria-label': 'Usage of sites' }, h('header', null, h('h2', null, 'Sites')),
            sites.usage.length ? usageTable('Usage by site', 'Site',
                sites.usage.map((u) => [u.site, u])) : empty('Nothing was delivered yet.')),
        h('details', { class: 'panel more' }, h('summary', null, 'Usage by day, as a table'),
            usageTable('Usage by day', 'Day', list.filter((d) => d.usage).reverse()
                .map((d) => [d.date, d.usage]))),
        h('p', { class: 'hint' }, `Settled up to ${stamp(days.now)} UTC`,
            waiting ? `; ${plural(waiting, 'entry', 'entries')} on the way to the ledger.` : '.'));
    return () => drawn.forEach((p) => p.stop());
}

export async function books(root, [chosen], query) {
    const month = query.get('month') ?? monthOf(known.status?.now ?? Date.now());
    const name = chosen || ownCustomer();
    const go = () => { location.hash = `#/books${who.value ? `/${encodeURIComponent(who.value)}` : ''}` +
        `?month=${when.value}`; };
    const names = known.network?.customers.map((c) => c.customer) ?? [name].filter(Boolean);
    const who = h('select', { onchange: go }, !ownCustomer() && h('option', { value: '' }, 'All customers'),
        names.map((n) => h('option', { value: n }, n)));
    const when = h('input', { type: 'month', value: month, onchange: go, pattern: '\\d{4}-\\d{2}' });
    const bill = h('div'), plotsPlace = h('div', { class: 'stack' });

    who.value = name;
    replace(root, h('header', { class: 'page' }, h('div', null, h('h1', { tabindex: -1 }, 'Books'),
        h('p', { class: 'about' }, 'What was delivered, as it is in the ledger, and what it costs')),
    h('div', { class: 'row' }, field('Customer', who), field('Month', when))), bill, plotsPlace);

    if (name) await oneInvoice(bill, name, month);
    else replace(bill, h('section', { class: 'panel', 'aria-label': 'Invoices' }, h('header', null, h('h2', null, 'Invoices')),
        invoiceList((await get('invoices', { month })).invoices, month)));
    return usage(plotsPlace, name, month);
}
