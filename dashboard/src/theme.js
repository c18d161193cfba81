// SPDX-License-Identifier: Apache-2.0
/* Before the first paint: the theme that was chosen here, if one was. Its switch is in shell.js. */
const chosen = localStorage.getItem('theme');
if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
