// SPDX-License-Identifier: Apache-2.0
/* For who comes from afar: a token, kept in this tab until it is closed. */
import { setToken } from './api.js';
import { field, h, replace } from './dom.js';

/* `refusal`: why the token that was shown did not do; `mayGoWithout`: the page was not refused yet. */
export function signIn(root, { refusal, mayGoWithout }, done) {
    const input = h('input', { type: 'password', autocomplete: 'off', required: true, spellcheck: 'false',
        class: 'token' });

    replace(root, h('section', { class: 'panel signin', 'aria-labelledby': 'signin-title' },
        h('h1', { id: 'signin-title', tabindex: -1 }, 'Sign in'),
        h('p', { class: 'about' }, 'A token says who asks. An operator sees the whole network, a ' +
            'customer what is theirs. It stays in this tab, and is gone when it is closed.'),
        refusal && h('p', { class: 'refusal', role: 'alert' }, h('strong', null, refusal)),
        h('form', { onsubmit: (event) => {
            event.preventDefault();
            setToken(input.value.trim());
            done();
        } }, field('Token', input), h('div', { class: 'row' },
            h('button', { class: 'primary' }, 'Sign in'),
            // On the machine itself no token is asked for.
            mayGoWithout && h('button', { type: 'button', onclick: done }, 'Without a token')))));
    input.focus();
    return () => {};
}
