// SPDX-License-Identifier: Apache-2.0
/* What changed lately: on the first page the newest, on a page of its own as far as it is kept. */
import { get } from './api.js';
import { badge, empty, h, replace, table } from './dom.js';
import { ago, stamp } from './format.js';
import { known, listen } from './store.js';

/* What kind of news it is, by what it says: nothing here is told by colour alone. */
function mood(change) {
    const text = `${change.what} ${change.text}`;
    if (/\b(came up|is here|in use|undrain)\b/.test(text)) return 'up';
    if (/\b(went down|missing|refused|lost|no room|expired)\b/.test(text)) return 'down';
    if (/\b(drain|has left|expires)\b/.test(text)) return 'drained';
    return '';
}

export function changeList(most) {
    const list = h('ol', { class: 'news', tabindex: 0, 'aria-label': 'What changed lately' });
    const show = (changes) => {
        const now = Date.parse(known.status?.now ?? new Date().toISOString());
        replace(list, changes.changes.slice(0, most).map((c) =>
            h('li', { class: mood(c) },
                h('span', { class: 'what' }, c.what), h('span', { class: 'text' }, c.text),
                h('time', { datetime: c.at, title: `${stamp(c.at)} UTC` }, ago(c.at, now)))));
        if (changes.changes.length === 0) replace(list, h('li', null,
            empty('Nothing has changed since this process started.')));
    };
    const stop = listen('changes', show);

    return {
        element: h('section', { class: 'panel late', 'aria-labelledby': 'late-title' },
            h('header', null, h('h2', { id: 'late-title' }, 'Lately'),
                h('a', { href: '#/changes' }, 'All changes')), list),
        stop,
    };
}

export async function changes(root) {
    const rows = [];
    const place = h('div');
    const more = h('button', { class: 'quiet', hidden: true, onclick: () => load() }, 'Older');
    let after = '';

    async function load() {
        const page = await get('changes', { limit: 100, after });
        rows.push(...page.changes);
        after = page.after ?? '';
        more.hidden = after === '';
        replace(place, rows.length === 0
            ? empty('Nothing has changed since this process started.')
            : table('Changes, the newest first', [{ title: 'Time (UTC)' }, { title: 'Kind' },
                { title: 'What' }, { title: 'Change', wide: true }],
            rows.map((c) => [h('time', { datetime: c.at }, stamp(c.at)),
                badge(c.kind), c.what, h('span', { class: `says ${mood(c)}` }, c.text)])));
    }

    replace(root, h('header', { class: 'page' }, h('div', null, h('h1', { tabindex: -1 }, 'Changes'),
        h('p', { class: 'about' }, 'Verdicts, orders, releases, nodes and certificates, as far as ' +
            'this process remembers'))), h('div', { class: 'panel' }, place, more));
    await load();
}
