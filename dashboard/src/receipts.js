// SPDX-License-Identifier: Apache-2.0
/* The receipts of one order, as they arrive: each node's word that it has done it. */
import { get } from './api.js';
import { h, replace, setText } from './dom.js';
import { plural } from './format.js';

const EVERY_MS = 300;
const PATIENCE_MS = 60000;

export function receipts(order, words) {
    const list = h('ul', { class: 'receipts' });
    const said = h('p', { role: 'status' }, 'In the log; no receipt yet.');
    const started = Date.now();

    function show(answer) {
        const all = answer.receipts;
        const done = all.filter((r) => r.applied).length;
        const isWhole = done === all.length;

        setText(said, isWhole ? `All done: ${plural(done, 'receipt')} of ${plural(all.length, 'node')}.`
            : `${plural(done, 'receipt')} of ${plural(all.length, 'node')}.`);
        replace(list, all.map((r) => h('li', { class: r.applied ? 'done' : 'open' },
            h('span', { class: 'tick', 'aria-hidden': 'true' }, r.applied ? '✓' : '…'), r.node,
            h('span', { class: 'hint' }, r.applied ? `after ${r.applied_after_ms} ms`
                : r.present ? 'not yet' : 'away; it will when it is back'))));
        return isWhole;
    }

    async function follow() {
        try {
            if (show(await get(`orders/${order.number}`))) return;
        } catch (error) {
            setText(said, `${error.message}. ${error.mend ?? ''}`);
            if (error.status) return; // or else the node may be back soon
        }
        if (Date.now() - started < PATIENCE_MS && list.isConnected) setTimeout(follow, EVERY_MS);
    }

    setTimeout(follow, 0);
    return h('section', { class: 'panel given', 'aria-label': `Order ${order.number}` },
        h('header', null, h('h2', null, `Order ${order.number}`), h('p', { class: 'hint' }, words)),
        said, list);
}
