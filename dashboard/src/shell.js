// SPDX-License-Identifier: Apache-2.0
/* What stands around every page: the way to the others, whose network it is, the theme. */
import { setToken, token } from './api.js';
import { h, replace, setText } from './dom.js';
import { icon } from './icons.js';
import { listen } from './store.js';
import { chooseTheme, chosenTheme, followSystem, THEMES } from './themes.js';

const PAGES = [['overview', 'Overview', '#/'], ['sites', 'Sites', '#/sites'],
    ['books', 'Books', '#/books'], ['orders', 'Orders', '#/orders'], ['nodes', 'Nodes', '#/nodes'],
    ['changes', 'Changes', '#/changes']];
const STATES = { live: 'Live', lost: 'Reconnecting', none: 'No live figures', starting: 'Connecting' };

function themeSwitch() {
    const label = h('span');
    const show = () => {
        const theme = chosenTheme();
        setText(label, theme[0].toUpperCase() + theme.slice(1));
        button.setAttribute('aria-label', `Theme: ${theme}`);
    };
    const button = h('button', { class: 'quiet tool', onclick: () => {
        chooseTheme(THEMES[(THEMES.indexOf(chosenTheme()) + 1) % THEMES.length]);
        show();
    } }, icon('theme'), label);

    followSystem();
    show();
    return button;
}

/* `onLeave`: the token was given up, or one is to be shown. */
export function shell(onLeave) {
    const main = h('main', { id: 'main' });
    const links = PAGES.map(([key, text, href]) => h('a', { href, 'data-page': key }, icon(key),
        h('span', null, text)));
    const whose = h('span', { class: 'whose' });
    const pulse = h('span', { class: 'pulse-state', role: 'status' }, h('span', { class: 'dot', 'aria-hidden': 'true' }),
        h('span'));
    const sign = h('button', { class: 'quiet tool', onclick: () => {
        setToken('');
        onLeave();
    } }, icon('key'), h('span'));

    listen('state', (state) => {
        pulse.className = `pulse-state ${state}`;
        setText(pulse.lastChild, STATES[state]);
    });
    listen('status', (status) => {
        setText(whose, status.customer ? `${status.customer} on ${status.network}` : status.network);
        setText(sign.lastChild, token() ? 'Sign out' : 'Sign in');
    });
    const skip = h('a', { href: '#main', class: 'skip', onclick: (event) => {
        event.preventDefault();
        (main.querySelector('h1') ?? main).focus();
    } }, 'Skip to the content');
    const frame = h('div', { class: 'frame' },
        h('header', { class: 'top' }, h('a', { href: '#/', class: 'brand' },
            h('img', { src: '/assets/icon.svg', alt: '', width: 24, height: 24 }), h('span', null, 'waypost')),
        whose, h('nav', { 'aria-label': 'Pages' }, links), h('div', { class: 'tools' }, pulse,
            themeSwitch(), sign)), main);

    replace(document.body, skip, frame);
    setText(sign.lastChild, token() ? 'Sign out' : 'Sign in');
    return {
        main,
        /* Marks the page's link; texts that only known people get are hidden from others. */
        mark(page, isKnown) {
            frame.classList.toggle('strange', !isKnown);
            for (const link of links)
                if (link.dataset.page === page) link.setAttribute('aria-current', 'page');
                else link.removeAttribute('aria-current');
        },
    };
}
