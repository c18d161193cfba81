// SPDX-License-Identifier: Apache-2.0
/*
 * The admin API. Who asks from afar shows a token; it is kept for this tab alone (sessionStorage)
 * and sent as a header, which no other page can make a browser send.
 */

const TOKEN = 'waypost-token';
const ANSWER_MS = 30000; // by when an answer is there, or will not come
const SILENCE_MS = 15000; // of a stream that has an event each second: it is cut, whatever TCP knows

export const token = () => sessionStorage.getItem(TOKEN);
export function setToken(text) {
    if (text) sessionStorage.setItem(TOKEN, text);
    else sessionStorage.removeItem(TOKEN);
}

/* What the server said no to, with what to do about it. */
class Refusal extends Error {
    constructor(status, error) {
        super(error?.message ?? `the server answered ${status}`);
        this.status = status;
        this.code = error?.code ?? '';
        this.mend = error?.mend ?? '';
    }
}

async function ask(url, options) {
    const shown = token();
    const reply = await fetch(url, { ...options, headers: { ...options.headers,
        ...(shown && { authorization: `Bearer ${shown}` }) } })
        .catch((cause) => { throw new Error('This node gives no answer', { cause }); });
    if (reply.ok) return reply;
    const body = await reply.json().catch(() => null);
    const refusal = new Refusal(reply.status, body?.error);
    // Another token may have been shown meanwhile, of which this says nothing.
    if (reply.status === 401 && shown === token())
        dispatchEvent(new Event('unknown'));
    throw refusal;
}

export async function get(path, query = {}) {
    const url = new URL(`/api/v1/${path}`, location.href);
    for (const [key, value] of Object.entries(query))
        if (value !== '' && value !== undefined && value !== null) url.searchParams.set(key, value);
    const reply = await ask(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    return reply.json();
}

export async function post(path, body) {
    const reply = await ask(`/api/v1/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
    });
    return reply.json();
}

/*
 * Server-sent events, read by fetch and not by EventSource, which cannot send a token. Hands each
 * event's JSON to `take` until the signal aborts; throws when the stream breaks or falls silent.
 */
export async function stream(path, signal, take) {
    const cut = new AbortController(), end = () => cut.abort();
    let rest = '', timer = setTimeout(end, SILENCE_MS);

    signal.addEventListener('abort', end, { once: true });
    try {
        const reply = await ask(`/api/v1/${path}`, { signal: cut.signal });
        const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
        for (;;) {
            const { done, value } = await reader.read();
            if (done) throw new Error('the stream ended');
            clearTimeout(timer);
            timer = setTimeout(end, SILENCE_MS);
            rest += value;
            const events = rest.split('\n\n');
            rest = events.pop();
            for (const event of events) {
                const data = event.split('\n').filter((line) => line.startsWith('data:'));
                if (data.length) take(JSON.parse(data.map((line) => line.slice(5)).join('\n')));
            }
        }
    } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
    }
}
