// SPDX-License-Identifier: Apache-2.0
/*
 * The dashboard: a page for each `#/...`, each a function (root, words, query) that fills the root
 * and returns what ends it, at once or when its figures have come.
 */
import { books } from './books.js';
import { changes } from './changes.js';
import { empty, h, replace } from './dom.js';
import { nodes } from './nodes.js';
import { orders } from './orders.js';
import { overview } from './overview.js';
import { setToken, token } from './api.js';
import { shell } from './shell.js';
import { signIn } from './signin.js';
import { site } from './site.js';
import { sites } from './sites.js';
import { forget, known, listen, start } from './store.js';

const PAGES = { '': overview, sites, site, books, orders, nodes, changes };
const NAV = { '': 'overview', site: 'sites' };

const frame = shell(() => { forget(); askToken({ mayGoWithout: true }); });
let end = null, turn = 0, isKnown = true;

function askToken(why) {
    end?.();
    end = null;
    turn++;
    isKnown = false;
    frame.mark('', false);
    signIn(frame.main, why, () => {
        isKnown = true;
        forget();
        start();
        show();
    });
}

/* The first answers: who asks, and what there is. Until they come, why they do not. */
function ready() {
    const excuse = (error) => {
        if (isKnown) replace(frame.main, h('div', { class: 'content' }, h('h1', { tabindex: -1 }, 'Not there yet'),
            h('div', { class: 'panel', role: 'alert' }, empty(`${error.message}. It is asked again every few seconds.`))));
    };

    return new Promise((resolve) => {
        const look = () => { if (known.network && known.status) { stops.forEach((s) => s()); resolve(); } };
        const stops = [listen('network', () => queueMicrotask(look)),
            listen('status', () => queueMicrotask(look)),
            listen('trouble', (error) => error && !(known.network && known.status) && excuse(error))];
    });
}

/* What somebody typed may be no encoding at all. */
function decoded(word) {
    try {
        return decodeURIComponent(word);
    } catch {
        return word;
    }
}

function nowhere(root) {
    replace(root, h('h1', { tabindex: -1 }, 'There is no such page'),
        h('div', { class: 'panel' }, h('a', { href: '#/' }, 'To the overview')));
}

async function show(isMove) {
    if (!isKnown) return;
    const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
    const [name, ...words] = path.split('/').map(decoded);
    const own = ++turn;
    const page = PAGES[name];

    end?.();
    end = null;
    frame.mark(NAV[name] ?? name, true);
    await ready();
    if (own !== turn) return;
    const root = h('div', { class: `content ${name || 'overview'}` });
    replace(frame.main, root);
    try {
        const stop = page ? await page(root, words, new URLSearchParams(query))
            : nowhere(root);
        if (own !== turn) { // another page was chosen meanwhile
            stop?.();
            return;
        }
        end = stop;
    } catch (error) {
        if (error.status === 401 || own !== turn) return;
        replace(root, h('h1', { tabindex: -1 }, 'This could not be shown'),
            h('div', { class: 'panel', role: 'alert' }, empty(`${error.message}. ${error.mend ?? ''}`),
                h('button', { class: 'quiet', onclick: () => show(true) }, 'Try again')));
    }
    document.title = [root.querySelector('h1')?.textContent, known.network.network, 'waypost']
        .filter((word, at, all) => word && word !== all[at - 1]).join(' – ');
    if (isMove) {
        scrollTo(0, 0);
        root.querySelector('h1')?.focus({ preventScroll: true });
    }
}

addEventListener('hashchange', () => show(true));
addEventListener('unknown', () => {
    if (!isKnown) return;
    const refusal = token() && 'This node does not know that token.';
    setToken('');
    forget();
    askToken({ refusal });
});
start();
show(false);
