// SPDX-License-Identifier: Apache-2.0
/* Asks before something is done. The browser's own dialog: focus stays within, Escape says no. */
import { h, newId } from './dom.js';

/* True when it is to be done. `lines` say what follows. */
export function confirm({ title, lines, verb, isDangerous }) {
    return new Promise((resolve) => {
        const id = newId('dialog');
        const done = (answer) => { dialog.close(answer ? 'yes' : 'no'); };
        const dialog = h('dialog', { 'aria-labelledby': id, class: 'panel' },
            h('h2', { id }, title), lines.map((line) => h('p', null, line)),
            h('div', { class: 'buttons' },
                h('button', { type: 'button', autofocus: true, onclick: () => done(false) }, 'Cancel'),
                h('button', { type: 'button', class: isDangerous ? 'primary danger' : 'primary',
                    onclick: () => done(true) }, verb)));

        dialog.addEventListener('close', () => {
            dialog.remove();
            resolve(dialog.returnValue === 'yes');
        });
        document.body.append(dialog);
        dialog.showModal();
    });
}
