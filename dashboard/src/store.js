// SPDX-License-Identifier: Apache-2.0
/*
 * What the page knows of the network: polled every few seconds, live figures each second, and the
 * last minutes of these. Pages listen to what they show; nothing is asked for while nobody looks.
 */
import { get, stream } from './api.js';

const HISTORY = 180; // seconds kept for the small plots
const POLL_MS = 4000;
const PATIENCE = 20; // times as long as an answer took, until it is asked for again
const POLL_MOST_MS = 20000; // but no longer than that
const RETRY_MS = 2000;

/* `trouble`: why the last question had no answer; null when it had one. */
export const known = { network: null, status: null, changes: null, live: null, trouble: null,
    state: 'starting' };

const listeners = new Map();

export function listen(kind, take) {
    if (!listeners.has(kind)) listeners.set(kind, new Set());
    listeners.get(kind).add(take);
    if (known[kind]) take(known[kind]);
    return () => listeners.get(kind).delete(take);
}

function tell(kind, value) {
    known[kind] = value;
    for (const take of listeners.get(kind) ?? []) take(value);
}

/* The last minutes: seconds since 1970, and for each key as many samples. */
class History {
    constructor() {
        this.times = [];
        this.rows = new Map();
    }

    add(time, samples) {
        this.times.push(time);
        for (const key of samples.keys())
            if (!this.rows.has(key))
                this.rows.set(key, new Array(this.times.length - 1).fill(null));
        for (const [key, row] of this.rows) {
            row.push(samples.get(key) ?? null);
            if (row.length > HISTORY) row.shift();
        }
        if (this.times.length > HISTORY) this.times.shift();
    }

    /* One more of the newest samples. */
    set(key, sample) {
        if (!this.rows.has(key)) this.rows.set(key, new Array(this.times.length).fill(null));
        const row = this.rows.get(key);
        row[row.length - 1] = sample;
    }

    of(key) {
        return this.rows.get(key) ?? [];
    }

    /* The mean of the last seconds; NaN where there is nothing. */
    lately(key, seconds = 15) {
        const last = this.of(key).slice(-seconds).filter((n) => n !== null);
        return last.length ? last.reduce((a, b) => a + b, 0) / last.length : NaN;
    }
}

export let history = new History();

const RATES = ['requests_per_s', 'hits_per_s', 'sent_bytes_per_s', 'dns_queries_per_s',
    'dns_answers_per_s'];

function addLive(live) {
    const samples = new Map();
    // Customers are told of their sites alone: these are all there is for them.
    const whole = live.nodes.length > 0 ? live.nodes : live.sites;

    for (const rate of RATES) {
        const add = (key, one) => {
            if (one[rate] !== undefined)
                samples.set(`${key} ${rate}`, (samples.get(`${key} ${rate}`) ?? 0) + one[rate]);
        };
        for (const one of whole) add('all', one);
        for (const site of live.sites) add(`site ${site.site}`, site);
        for (const node of live.nodes) {
            add(`node ${node.node}`, node);
            add(`pop ${node.pop}`, node);
        }
    }
    history.add(Date.parse(live.now) / 1000, samples);
    for (const [key] of samples)
        if (key.endsWith(' hits_per_s')) {
            const whose = key.slice(0, -' hits_per_s'.length), ratio = hitRatio(whose);
            history.set(`${whose} hit_ratio`, Number.isFinite(ratio) ? ratio : null);
        }
    tell('live', live);
}

/* How many of the requests of the last half minute were answered from the store. */
export function hitRatio(prefix) {
    const requests = history.lately(`${prefix} requests_per_s`, 30);
    return requests > 0 ? history.lately(`${prefix} hits_per_s`, 30) / requests : NaN;
}

const wait = (ms, signal) => new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
});

async function watchLive(signal) {
    while (!signal.aborted) {
        try {
            await stream('live', signal, (live) => { addLive(live); tell('state', 'live'); });
        } catch (error) {
            if (signal.aborted || error.status === 401) return;
            tell('state', error.status ? 'none' : 'lost');
        }
        await wait(RETRY_MS, signal);
    }
}

/* What comes after the signal was for somebody else, perhaps with another token. */
async function ask(signal, kind, path, query) {
    try {
        const answer = await get(path, query);
        if (signal.aborted) return;
        if (known.trouble) tell('trouble', null);
        tell(kind, answer);
    } catch (error) {
        if (error.status === 401) throw error;
        if (!signal.aborted) tell('trouble', error);
    }
}

async function poll(signal) {
    while (!signal.aborted) {
        const started = performance.now();
        try {
            await Promise.all([ask(signal, 'status', 'status'), ask(signal, 'network', 'network'),
                ask(signal, 'changes', 'changes', { limit: 50 })]);
        } catch {
            return; // not known any more: signing in starts anew
        }
        // What takes long, as in a large network, is asked for less often.
        await wait(Math.min(Math.max(POLL_MS, (performance.now() - started) * PATIENCE), POLL_MOST_MS), signal);
    }
}

let running = null, isWanted = false;

function pause() {
    running?.abort();
    running = null;
}

function go() {
    pause();
    running = new AbortController();
    watchLive(running.signal);
    poll(running.signal);
}

export function start() {
    isWanted = true;
    go();
}

/* For who signs in or out: nothing of what another saw stays. */
export function forget() {
    isWanted = false;
    pause();
    history = new History();
    Object.assign(known, { network: null, status: null, changes: null, live: null, trouble: null });
}

/* Asks again at once, after something was changed. */
export const refresh = () => running && Promise.all([ask(running.signal, 'status', 'status'),
    ask(running.signal, 'network', 'network')]).catch(() => {});

document.addEventListener('visibilitychange', () => {
    if (document.hidden) pause();
    else if (!running && isWanted) go();
});

/* Whose page this is; empty: an operator's. */
export const customer = () => known.status?.customer ?? '';
