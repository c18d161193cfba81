// SPDX-License-Identifier: Apache-2.0
/* Light or dark: as the system says, unless one was chosen in this browser. */

export const THEMES = ['auto', 'light', 'dark'];
const system = matchMedia('(prefers-color-scheme: dark)');

export const chosenTheme = () => localStorage.getItem('theme') ?? 'auto';

export function applyTheme() {
    const chosen = chosenTheme();
    const isDark = chosen === 'dark' || (chosen !== 'light' && system.matches);
    document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
    dispatchEvent(new Event('theme')); // plots are drawn anew
}

export function chooseTheme(theme) {
    if (theme === 'auto') localStorage.removeItem('theme');
    else localStorage.setItem('theme', theme);
    applyTheme();
}

export const followSystem = () => system.addEventListener('change', applyTheme);
