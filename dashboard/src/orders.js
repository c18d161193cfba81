// SPDX-License-Identifier: Apache-2.0
/* What nodes are told: purges and drains, each asked twice, with the receipts of all nodes. */
import { get, post } from './api.js';
import { confirm } from './dialog.js';
import { badge, empty, field, h, newId, replace, table } from './dom.js';
import { ago, plural, stamp } from './format.js';
import { markIcon } from './icons.js';
import { receipts } from './receipts.js';
import { customer as ownCustomer, known, listen, refresh } from './store.js';

const WHAT = {
    url: { title: 'One URL', label: 'URL', hint: 'https://HOST/PATH', say: (v) => v },
    prefix: { title: 'All below a prefix', label: 'URL prefix', hint: 'https://HOST/PATH/',
        say: (v) => `all below ${v}` },
    tag: { title: 'All with a tag', label: 'Tag', hint: 'as in Surrogate-Key or Cache-Tag',
        say: (v) => `all with the tag ${v}` },
    site: { title: 'A whole site', say: () => 'all that is stored' },
};

const nodeCount = () => known.network?.pops.reduce((sum, pop) => sum + pop.nodes.length, 0) ?? 0;

/* "purge url static.acme.example/logo.svg, softly" */
function sayOrder(order) {
    const of = order.pop ?? order.node ?? order.origin ?? '';
    const what = `${order.site ?? ''}${order.path ?? order.prefix ?? ''}${order.tag ? ` ${order.tag}` : ''}`;
    return `${order.kind} ${order.customer && order.origin ? `${order.customer}/` : ''}${of || what}` +
        `${order.soft ? ', softly' : ''}`;
}

/* Gives an order when it is confirmed, and shows its receipts. */
async function give(place, question, path, body, after) {
    if (!(await confirm(question))) return;
    try {
        const { order } = await post(path, body);
        replace(place, receipts(order, sayOrder(order)));
        after?.();
        refresh();
    } catch (error) {
        replace(place, h('p', { class: 'refusal', role: 'alert' },
            h('strong', null, error.message), error.mend ? ` ${error.mend}` : ''));
    }
}

function purgeForm(given, after) {
    const group = newId('what');
    const sites = h('select', { name: 'site' });
    const text = h('input', { name: 'text', required: true, autocomplete: 'off', spellcheck: 'false' });
    const soft = h('input', { type: 'checkbox', id: newId('soft') });
    const fields = h('div', { class: 'row' });
    let kind = 'url';

    function choose(next) {
        kind = next;
        const { label, hint } = WHAT[kind];
        text.placeholder = hint ?? '';
        text.required = Boolean(label);
        replace(fields, label && field(label, text), (kind === 'tag' || kind === 'site') &&
            field('Site', sites));
    }

    function submit(event) {
        event.preventDefault();
        const value = text.value.trim();
        const body = { url: { url: value }, prefix: { prefix: value },
            tag: { tag: value, site: sites.value }, site: { site: sites.value } }[kind];
        const of = kind === 'tag' || kind === 'site' ? ` of ${sites.value}` : '';
        give(given, {
            title: 'Purge?',
            lines: [`${WHAT[kind].say(value)}${of}, on ${plural(nodeCount(), 'node')}.`,
                soft.checked ? 'Stored copies become stale: they are validated before they are used, ' +
                    'and stand in when origins fail.'
                    : 'Stored copies are gone at once; the next visitors wait for the origins.'],
            verb: 'Purge', isDangerous: !soft.checked,
        }, 'purge', { ...body, soft: soft.checked }, after);
    }

    const stop = listen('network', (network) => {
        const names = network.customers.flatMap((c) => c.sites)
            .filter((one) => one.kind === 'deliver').map((one) => one.site);
        if (names.length !== sites.length)
            replace(sites, names.map((n) => h('option', { value: n }, n)));
    });

    choose(kind);
    return {
        element: h('section', { class: 'panel', 'aria-labelledby': 'purge-title' },
            h('header', null, h('h2', { id: 'purge-title' }, 'Purge')),
            h('form', { class: 'purge', onsubmit: submit },
                h('fieldset', null, h('legend', null, 'What is to be forgotten'),
                    h('div', { class: 'choices' }, Object.entries(WHAT).map(([key, { title }]) =>
                        h('label', { class: 'choice' }, h('input', { type: 'radio', name: group,
                            value: key, checked: key === kind, onchange: () => choose(key) }), title)))),
                fields,
                h('div', { class: 'row spread' },
                    h('label', { class: 'choice', for: soft.id }, soft, 'Softly: keep it as stale'),
                    h('button', { class: 'primary' }, 'Purge…')))),
        stop,
    };
}

/* Pops, nodes and origins, each with the button that takes it out of answers, or back. */
function drainTable(given, after) {
    const place = h('div');
    let drawn = '';

    function button(name, words, body, isDrained) {
        const verb = isDrained ? 'Undrain' : 'Drain';
        return h('button', { class: 'quiet', 'aria-label': `${verb} ${words}`, onclick: () =>
            give(given, {
                title: `${verb} ${words}?`,
                lines: [isDrained ? 'New clients are led there again.'
                    : 'Nobody new is led there. Who is there already goes on as long as the TTL says.'],
                verb, isDangerous: !isDrained,
            }, verb.toLowerCase(), body, after) }, `${verb}…`);
    }

    function show() {
        const { network, status } = known;
        if (!network) return;
        const drains = new Set((status?.drains ?? []).map((d) => `${d.what} ${d.name}`));
        const rows = [];
        const add = (kind, name, state, body) => rows.push([kind, name, state, body,
            drains.has(`${kind} ${name}`)]);

        for (const pop of ownCustomer() ? [] : network.pops) {
            add('pop', pop.pop, pop.state, { pop: pop.pop });
            for (const node of pop.nodes) add('node', node.node, node.state, { node: node.node });
        }
        for (const c of network.customers)
            for (const o of c.origins) {
                const name = `${c.customer}/${o.origin}`;
                add('origin', name, o.state, { origin: name });
            }
        for (const d of status?.drains ?? []) // what a release took away stays drained
            if (!d.in_release) add(d.what, d.name, 'drained', { [d.what]: d.name });
        const text = JSON.stringify(rows);
        if (text === drawn) return; // focus stays where it is
        drawn = text;
        replace(place, table('What may be drained', [{ title: 'Place', wide: true }, { title: 'Kind' },
            { title: 'State' }, { title: '' }],
        rows.map(([kind, name, state, body, isDrained]) => [
            h('span', { class: 'named' }, markIcon(kind === 'origin' ? 'origin' : 'pop', state), name),
            kind, badge(state, state), button(name, `${kind} ${name}`, body, isDrained)])));
    }

    const stops = [listen('network', show), listen('status', show)];
    return {
        element: h('section', { class: 'panel drains', 'aria-labelledby': 'drain-title' },
            h('header', null, h('h2', { id: 'drain-title' }, 'Drain'),
                h('p', { class: 'hint' }, 'Out of answers, gently')), place),
        stop: () => stops.forEach((stop) => stop()),
    };
}

function log() {
    const place = h('div');
    const more = h('button', { class: 'quiet', hidden: true, onclick: () => load(true) }, 'Older');
    let rows = [], after = '';

    async function load(isMore) {
        const page = await get('orders', { limit: 20, after: isMore ? after : '' });
        rows = isMore ? [...rows, ...page.orders] : page.orders;
        after = page.after ?? '';
        more.hidden = after === '';
        const now = Date.parse(page.now);
        replace(place, rows.length === 0 ? empty('No order was given yet.')
            : table('Orders, the newest first', [{ title: 'No.' }, { title: 'Order', wide: true }, { title: 'By' },
                { title: 'Given' }, { title: 'Receipts', number: true }],
            rows.map((o) => [o.number, sayOrder(o), o.by ?? '',
                h('time', { datetime: o.given_at, title: `${stamp(o.given_at)} UTC` },
                    ago(o.given_at, now)),
                h('span', { class: `says ${o.applied === o.nodes ? 'up' : 'drained'}` },
                    `${o.applied} of ${o.nodes}`)])));
    }

    return {
        element: h('section', { class: 'panel', 'aria-labelledby': 'log-title' },
            h('header', null, h('h2', { id: 'log-title' }, 'Given lately')), place, more),
        load,
    };
}

export async function orders(root) {
    const given = h('div', { class: 'answers' });
    const list = log();
    const reload = () => setTimeout(() => list.load().catch(() => {}), 400);
    const purge = purgeForm(given, reload), drain = drainTable(given, reload);

    replace(root, h('header', { class: 'page' }, h('div', null, h('h1', { tabindex: -1 }, 'Orders'),
        h('p', { class: 'about' }, 'What all nodes are told, through one log, with a receipt of each'))),
    given, h('div', { class: 'split even' }, h('div', { class: 'stack' }, purge.element, list.element),
        drain.element));
    await list.load();
    return () => { purge.stop(); drain.stop(); };
}
