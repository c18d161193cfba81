// SPDX-License-Identifier: Apache-2.0
/* An explanation of one answer (/api/v1/why): in a sentence, as bars, and in full as a table. */
import { badge, empty, h, table } from './dom.js';
import { ms, percent, stamp } from './format.js';

const TERMS = [['latency', 'Latency', '--accent'], ['response', 'Response', '--second'],
    ['errors', 'Errors', '--bad'], ['cpu', 'CPU', '--third'], ['memory', 'Memory', '--fourth'],
    ['ftp', 'FTP', '--fifth']];

function names(list) {
    return list.length < 3 ? list.join(' and ') : `${list.slice(0, 3).join(', ')} and others`;
}

/* In the words of `waypost why`. */
function because(why, answer) {
    const fit = why.targets.filter((t) => t.is_fit);
    const isAlone = fit.length === 1, byCost = why.ordered_by === 'cost' || why.ordered_by === 'value';
    const equals = fit.filter((t) => t.is_in_band && !t.sheds_client).map((t) => t.name);

    switch (answer.reason) {
    case 'best':
        if (why.targets.length === 1) return 'it is the only one';
        if (isAlone) return 'it is the only one that is up';
        if (!byCost || !why.map) return 'it is the first in the list';
        return why.is_dominant ? 'it is the best: no other has less latency or less load'
            : 'it is the best';
    case 'drawn':
        return byCost ? `it is drawn by hash from those as good: ${names(equals)} (within ` +
            `${ms(why.margin_ms)})` : 'it is drawn by weight';
    case 'next':
        return isAlone ? 'it is the only one that is up' : 'it is the next that is up and takes this client';
    case 'over_capacity': return 'all that are up are over their capacity';
    case 'reserve': return 'it is a reserve, and no other is up';
    case 'all_down': return 'none is up, so all count as up';
    case 'nothing': return 'none is up, and the site says so then';
    default: return answer.reason;
    }
}

function headline(why) {
    return why.answers.map((answer) => h('p', { class: 'verdict' },
        answer.target ? [h('strong', null, answer.target),
            answer.node ? h('span', { class: 'where' }, `node ${answer.node}`) : null,
            h('code', null, answer.addresses.join(' '))] : h('strong', null, 'no address'),
        h('span', { class: 'because' }, `because ${because(why, answer)}`)));
}

function about(why) {
    const { client } = why;
    const who = client.address ? [`for ${client.address}`, client.country && `in ${client.country}`,
        client.cell !== undefined && `cell ${client.cell}`] : ['for a client of whom nothing is known'];
    const basis = { geography: 'latency by where the client is', own: 'latency as this node measures it',
        observers: 'latency as all nodes measure it' };
    return [...who.filter(Boolean), basis[why.latency_basis],
        `kept for ${why.ttl_s} s`, why.at ? `answered by ${why.node} at ${stamp(why.at)} UTC, by release ` +
            `${why.release.slice(0, 8)}` : `said by ${why.node} at ${stamp(why.now)} UTC`].join(' · ');
}

const shown = (target) => TERMS.filter(([key]) => (target.terms?.[key]?.weight ?? 0) > 0 &&
    target.terms[key].ms > 0);

/* What would have to be otherwise. */
function otherwise(why) {
    const list = [];

    for (const t of why.targets) {
        for (const m of t.members ?? []) {
            const who = m.node ?? t.name;
            const check = m.checks?.[0];
            if (m.is_drained) list.push(`${who} is drained by an operator: nobody new is sent there.`);
            else if (m.is_leaving) list.push(`${who} says that it is being stopped.`);
            else if (m.is_down) list.push(`${who} is down${check?.since
                ? ` since ${stamp(check.since)}` : ''}${check?.outcome ? `: ${check.outcome}` : ''}.`);
        }
        if (t.is_picked || !t.is_fit) continue;
        if (t.is_reserve) list.push(`${t.name} is a reserve: used when no other is up.`);
        else if (t.sheds_client) list.push(`${t.name} has a load of ${percent(t.load)} and sends ` +
            `${percent(t.shed_share)} of its clients elsewhere, this one too.`);
        else if (t.wins_below_ms !== undefined)
            list.push(`${t.name} would be first if its cost fell below ${ms(t.wins_below_ms)} ` +
                `(now ${ms(why.ordered_by === 'value' ? t.value_ms : t.cost_ms)}).`);
    }
    return list.slice(0, 8);
}

function bar(target, most) {
    const whole = target.cost_ms > 0 ? target.cost_ms : 0;
    const parts = shown(target);

    return h('li', { class: target.is_picked ? 'picked' : '' },
        h('span', { class: 'name' }, target.name,
            target.is_picked && badge('answered', 'up'), !target.is_fit && badge('not fit', 'down')),
        h('span', { class: 'track', 'aria-hidden': 'true' }, parts.map(([key, , tint]) =>
            h('span', { style: { width: `${(target.terms[key].ms / most) * 100}%`,
                background: `var(${tint})` } }))),
        h('span', { class: 'amount' }, whole ? ms(whole) : '–'));
}

function terms(why) {
    const used = TERMS.filter(([key]) => why.targets.some((t) => t.terms?.[key]));
    return table('Targets and what they cost', [{ title: 'Target', wide: true }, { title: 'State' },
        { title: 'Weight', number: true }, { title: 'Cost', number: true },
        { title: 'Pressure', number: true }, { title: 'Load', number: true },
        ...used.map(([, title]) => ({ title, number: true }))],
    why.targets.map((t) => [t.name, t.is_fit ? 'fit' : 'not fit', t.weight ?? '',
        t.cost_ms === undefined ? '–' : ms(t.cost_ms),
        t.pressure === undefined ? '–' : t.pressure.toFixed(2), t.load === undefined ? '–' : percent(t.load),
        ...used.map(([key]) => {
            const term = t.terms?.[key];
            return !term || !term.sources ? '–' : `${ms(term.ms)}${term.weight ? '' : ' (not counted)'}`;
        })]));
}

export function explanation(why) {
    if (!why.answers.length) return empty('There is no answer.');
    const most = Math.max(...why.targets.map((t) => t.cost_ms ?? 0), 0.001);
    const used = TERMS.filter(([key]) => why.targets.some((t) =>
        shown(t).some(([other]) => other === key)));
    const hasCosts = why.targets.some((t) => t.cost_ms > 0);
    const changes = otherwise(why);

    return h('div', { class: 'why' }, headline(why), h('p', { class: 'hint' }, about(why)),
        hasCosts && [h('h3', null, 'What each costs'),
            h('ul', { class: 'legend' }, used.map(([, title, tint]) =>
                h('li', null, h('span', { class: 'swatch', style: { background: `var(${tint})` } }), title))),
            h('ol', { class: 'bars' }, why.targets.slice(0, 12).map((t) => bar(t, most)))],
        changes.length > 0 && [h('h3', null, 'What would change it'),
            h('ul', { class: 'points' }, changes.map((line) => h('li', null, line)))],
        h('details', { class: 'more' }, h('summary', null, 'All terms as a table'), terms(why)));
}
