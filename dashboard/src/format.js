// SPDX-License-Identifier: Apache-2.0
/* Figures as people read them: three digits that matter, and the unit beside them. */

const whole = new Intl.NumberFormat('en-GB');

export const count = (n) => whole.format(Math.round(n));

/* 7.3, 43, 1,240, 12.4k, 3.1M: short enough for a card. */
export function short(n) {
    if (!Number.isFinite(n)) return '–';
    for (const [size, unit] of [[1e9, 'G'], [1e6, 'M'], [1e4, 'k']])
        if (n >= size) return `${three(n / (unit === 'k' ? 1e3 : size))}${unit}`;
    return n >= 1000 ? count(n) : three(n);
}

function three(n) {
    if (n >= 100 || n === 0) return String(Math.round(n));
    return n.toFixed(n >= 1 ? 1 : 2).replace(/\.0+$/, '');
}

function scaled(n, units) {
    let at = 0;
    while (n >= 1000 && at < units.length - 1) {
        n /= 1000;
        at++;
    }
    return [three(n), units[at]];
}

export const bytes = (n) => scaled(n, ['B', 'kB', 'MB', 'GB', 'TB', 'PB']).join(' ');
export const bits = (bytesPerS) =>
    scaled(bytesPerS * 8, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s']);

export function percent(share) {
    if (!Number.isFinite(share)) return '–';
    const n = share * 100;
    return `${n > 0 && n < 10 ? n.toFixed(1).replace(/\.0$/, '') : Math.round(n)}%`;
}

export function ms(n) {
    if (!Number.isFinite(n)) return '–';
    if (n >= 10000) return `${three(n / 1000)} s`;
    return `${n >= 100 ? Math.round(n) : n >= 1 ? n.toFixed(1) : n.toFixed(2)} ms`;
}

export function duration(seconds) {
    const n = Math.max(0, Math.round(seconds));
    if (n < 90) return `${n} s`;
    if (n < 5400) return `${Math.round(n / 60)} min`;
    if (n < 129600) return `${Math.round(n / 3600)} h`;
    return `${Math.round(n / 86400)} days`;
}

export const ago = (time, now) => {
    const seconds = (now - Date.parse(time)) / 1000;
    return seconds < 2 ? 'just now' : `${duration(seconds)} ago`;
};

/* UTC, as all that is stored and told. */
export const stamp = (time) => new Date(time).toISOString().slice(0, 19).replace('T', ' ');
export const day = (time) => new Intl.DateTimeFormat('en-GB',
    { day: 'numeric', month: 'short', timeZone: 'UTC' }).format(new Date(time));
export const monthName = (month) => new Intl.DateTimeFormat('en-GB',
    { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(`${month}-01T00:00:00Z`));

/* Amounts come as decimal text and stay it: money is never a floating number. */
export function money(amount, currency) {
    const [units, rest] = String(amount).split('.');
    const grouped = units.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
    return `${grouped}${rest ? `.${rest}` : ''} ${currency}`.trim();
}

export const plural = (n, one, more = `${one}s`) => `${count(n)} ${n === 1 ? one : more}`;
