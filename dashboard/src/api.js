// SPDX-License-Identifier: Apache-2.0
/*
 * The admin API. Who asks from afar shows a token; it is kept for this tab alone (sessionStorage)
 * and sent as a header, which no other page can make a browser send.
 */

const TOKEN = 'waypost-token';

export const token = () => sessionStorage.getItem(TOKEN);
export function setToken(text) {
    if (text) sessionStorage.setItem(TOKEN, text);
    else sessionStorage.removeItem(TOKEN);
}

/* What the server said no to, with what to do about it. */
export class Refusal extends Error {
    constructor(status, error) {
        super(error?.message ?? `the server answered ${status}`);
        this.status = status;
        this.code = error?.code ?? '';
        this.mend = error?.mend ?? '';
    }
}

const headers = () => (token() ? { authorization: `Bearer ${token()}` } : {});

async function check(reply) {
    if (reply.ok) return reply;
    const body = await reply.json().catch(() => null);
    const refusal = new Refusal(reply.status, body?.error);
    if (reply.status === 401) dispatchEvent(new CustomEvent('unknown', { detail: refusal }));
    throw refusal;
}

export async function get(path, query = {}) {
    const url = new URL(`/api/v1/${path}`, location.href);
    for (const [key, value] of Object.entries(query))
        if (value !== '' && value !== undefined && value !== null) url.searchParams.set(key, value);
    const reply = await check(await fetch(url, { headers: headers() }));
    return reply.json();
}

export async function post(path, body) {
    const reply = await check(await fetch(`/api/v1/${path}`, {
        method: 'POST',
        headers: { ...headers(), 'content-type': 'application/json' },
        body: JSON.stringify(body),
    }));
    return reply.json();
}

/*
 * Server-sent events, read by fetch and not by EventSource, which cannot send a token. Hands each
 * event's JSON to `take` until the signal aborts; throws when the stream breaks.
 */
export async function stream(path, signal, take) {
    const reply = await check(await fetch(`/api/v1/${path}`, { headers: headers(), signal }));
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';

    for (;;) {
        const { done, value } = await reader.read();
        if (done) throw new Error('the stream ended');
        rest += value;
        const events = rest.split('\n\n');
        rest = events.pop();
        for (const event of events) {
            const data = event.split('\n').filter((line) => line.startsWith('data:'));
            if (data.length) take(JSON.parse(data.map((line) => line.slice(5)).join('\n')));
        }
    }
}
