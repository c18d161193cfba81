// SPDX-License-Identifier: Apache-2.0
/*
 * What dashboard_test.py has a browser do: node dashboard.mjs BASE MARK '[[["scene", {...}], ...], ...]'
 *
 * Plays the acts one after the other; the rows of scenes of an act side by side, those of a row in
 * turn and in one page. Prints what was seen as JSON, a scene that failed as {"error"}. What a scene needs to have
 * done to the program it asks for by a line, and waits for one that says that it is done. Whatever
 * page is open, what it asked for and complained about is kept. MARK is of the only foreign
 * certificate that is trusted (authority.py).
 */
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const { chromium } = createRequire(new URL('../../dashboard/package.json', import.meta.url))('playwright-core');
const [base, mark, acts] = process.argv.slice(2);
const seen = { requests: [], complaints: [] };
const PATIENCE_MS = 60000; // other stories may run beside this one
const EVERY = { polling: 100 }; // ms; at every frame would keep the browser busy

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox',
    '--disable-background-networking', '--disable-gpu', `--ignore-certificate-errors-spki-list=${mark}`] });
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function haveDone(what) {
    console.log(JSON.stringify({ ask: what }));
    await lines.next();
}

/*
 * A page in a profile of its own. Profiles do not share connections, of which a browser opens six to
 * one address, and each page keeps one.
 */
async function newPage() {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 },
        reducedMotion: 'reduce' });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    page.pending = new Set();
    page.on('request', (request) => {
        seen.requests.push(request.url());
        if (!request.url().endsWith('/live')) page.pending.add(request);
    });
    for (const end of ['requestfinished', 'requestfailed'])
        page.on(end, (request) => page.pending.delete(request));
    page.on('pageerror', (error) => seen.complaints.push(`${error.stack}`));
    page.on('console', (message) => {
        if (message.type() === 'error' && !page.mayComplain) seen.complaints.push(message.text());
    });
    return page;
}

/* Leads the page to a place of the dashboard, until it shows something. */
async function go(page, place, from = base) {
    await page.goto(`${from}/#/${place}`);
    await page.locator('h1').first().waitFor();
}

const texts = (locator) => locator.allInnerTexts();
const gist = async (locator) => (await locator.innerText()).replace(/\s+/g, ' ');

/* Until as many elements are there, each with a text that all of the patterns find something in. */
const filled = (page, selector, count, ...patterns) => page.waitForFunction(([selector, count, patterns]) => {
    const all = [...document.querySelectorAll(selector)].map((e) => e.innerText.replace(/\s+/g, ' '));
    return all.length >= count && all.every((text) => patterns.every((one) => new RegExp(one).test(text)));
}, [selector, count, patterns.map((one) => one.source)], EVERY);

/* What the API says to the page, asked for until it says what is wanted. */
async function told(page, path, isWanted) {
    for (const end = Date.now() + PATIENCE_MS; ; await page.waitForTimeout(100)) {
        const answer = await page.evaluate((path) => fetch(`/api/v1/${path}`).then((r) => r.json()), path);
        if (isWanted(answer)) return answer;
        if (Date.now() > end) throw new Error(`${path} says ${JSON.stringify(answer)}`);
    }
}

/* Until all that the page asked for, but the live figures, has come and is drawn. */
async function calm(page) {
    for (const end = Date.now() + PATIENCE_MS; page.pending.size > 0 && Date.now() < end;)
        await page.waitForTimeout(20);
    await drawn(page);
}

const drawn = (page) => page.evaluate(() => new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(resolve));
}));

const scenes = {
    /* How soon there is something to see, by a browser that has none of it stored. */
    async paint() {
        const result = { paint_ms: [] };

        for (let time = 0; time < 5; time++) {
            const page = await newPage();
            await go(page, '');
            await drawn(page);
            const { paint_ms, bytes } = await page.evaluate(() => ({
                paint_ms: performance.getEntriesByName('first-contentful-paint')[0].startTime,
                bytes: performance.getEntriesByType('resource').filter((r) => r.name.includes('/assets/'))
                    .reduce((sum, r) => sum + r.encodedBodySize, 0),
            }));
            result.paint_ms.push(paint_ms);
            result.bytes = bytes;
            await page.context().close();
        }
        return result;
    },

    /* The overview, until its figures have moved. */
    async overview(page) {
        await go(page, '');
        const value = page.locator('.kpi', { hasText: 'Requests' }).locator('.value');
        const shown = new Set();

        await page.locator('.world a.place').first().waitFor();
        await page.locator('.flow').first().waitFor({ state: 'attached' });
        for (const end = Date.now() + PATIENCE_MS; shown.size < 3 && Date.now() < end;) {
            shown.add(await value.innerText());
            await page.waitForTimeout(200);
        }
        // A node's CPU is known by the second reading, and shown by the poll after that.
        await filled(page, 'article.pop', 2, /req\/s/, /Hit ratio \d/, /Latency \d/, /(Load|CPU) \d/);
        await filled(page, '.kpi:nth-child(2) .value', 1, /\d\d%/);
        await page.locator('.news .what', { hasText: 'node nyc1' }).first().waitFor();
        await page.locator('.spark[aria-label*="now"]').nth(5).waitFor();
        return {
            shown: [...shown],
            places: await page.locator('.world a.place').evaluateAll((all) =>
                all.map((a) => a.getAttribute('aria-label'))),
            // Every state is drawn in its own way, so that nothing is told by colour alone.
            shapes: await page.locator('.map .legend svg').evaluateAll((all) =>
                all.map((svg) => svg.innerHTML.replace(/class="[^"]*"/g, ''))),
            cards: await Promise.all((await page.locator('article.pop').all()).map(gist)),
            hits: await page.locator('.kpi', { hasText: 'Hit ratio' }).locator('.value').innerText(),
            news: await texts(page.locator('.news .what')),
            sparks: await page.locator('.spark[aria-label*="now"]').count(),
        };
    },

    /* What the policy keeps the page from. */
    async policy(page, { stranger }) {
        page.mayComplain = true;
        await go(page, '');
        const response = await page.request.get(`${base}/`);
        const blocked = await page.evaluate(async ([url, patience]) => {
            const list = [];
            const whole = new Promise((resolve) => {
                setTimeout(resolve, patience);
                document.addEventListener('securitypolicyviolation', (event) => {
                    if (!list.includes(event.effectiveDirective)) list.push(event.effectiveDirective);
                    if (list.length === 4) resolve();
                });
            });
            const script = document.createElement('script');
            script.textContent = 'window.ran = true';
            document.body.append(script);
            const image = new Image();
            image.src = `${url}/picture`;
            const style = document.createElement('style');
            style.textContent = 'body { display: none }';
            document.body.append(style);
            const fetched = await fetch(url).then(() => true, () => false);
            await whole;
            return { list, fetched, ran: Boolean(window.ran) };
        }, [stranger, PATIENCE_MS]);
        return { ...blocked, headers: response.headers() };
    },

    /* One site, explained for a client that is typed in, now and at another time. */
    async site(page, { host, client }) {
        await go(page, `site/${host}`);
        await calm(page);
        await page.getByLabel('Client address').fill(client);
        const answer = page.waitForResponse((r) => r.url().includes(`client=${client}`));
        await page.getByLabel('Client address').press('Enter');
        await page.locator('.why .hint', { hasText: `for ${client}` }).waitFor();
        await page.locator('.shares .name').first().waitFor();
        const result = {
            why: await (await answer).json(),
            verdict: await gist(page.locator('.verdict')),
            bars: await texts(page.locator('.bars .name')),
            shares: await texts(page.locator('.shares li')),
            answers: (await told(page, `answers?site=${host}`, ({ answers }) => answers.length)).answers,
            address: page.url(),
        };
        await told(page, 'status', (status) => status.uptime_s > 10); // there is a past
        page.mayComplain = true; // a refusal is one
        const ask = async (time) => {
            await page.getByLabel('At (UTC)').fill(time);
            await page.getByRole('button', { name: 'Ask' }).click();
        };
        result.asked_at = new Date(Date.now() - 5000).toISOString().slice(0, 19);
        await ask(result.asked_at);
        await page.getByText(`answered by fra1 at ${result.asked_at.replace('T', ' ')} UTC`).waitFor();
        result.past = await gist(page.locator('.verdict'));
        await ask('2026-01-02T03:04:05'); // nothing is kept of that time
        result.refusal = await gist(page.getByRole('alert'));
        return result;
    },

    async unknown(page, { host }) {
        await go(page, `site/${host}`);
        await page.getByText('There is no site of that name').waitFor();
        await calm(page);
        return { said: await gist(page.locator('main')) };
    },

    /* A purge: asked for by Enter, not confirmed, then confirmed. */
    async purge(page, { url }) {
        await go(page, 'orders');
        const dialog = page.getByRole('dialog');
        await page.getByLabel('URL', { exact: true }).fill(url);
        await page.keyboard.press('Enter');
        await dialog.waitFor();
        const question = await gist(dialog);
        await page.keyboard.press('Escape');
        await dialog.waitFor({ state: 'detached' });
        const before = await page.evaluate(() => fetch('/api/v1/orders').then((r) => r.json()));
        await page.getByRole('button', { name: 'Purge…' }).click();
        await dialog.getByRole('button', { name: 'Purge' }).click();
        await page.getByText('All done').waitFor();
        return { question, before: before.orders.length, said: await gist(page.locator('.given')),
            receipts: await texts(page.locator('.receipts li')) };
    },

    async drain(page, { pop }) {
        await go(page, 'orders');
        const row = page.getByRole('row', { name: new RegExp(`^${pop} pop`) });
        const result = {};

        await row.locator('.badge.up').waitFor();
        await row.getByRole('button', { name: `Drain pop ${pop}` }).click();
        result.question = await gist(page.getByRole('dialog'));
        await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).click();
        await page.getByText('All done').waitFor();
        await row.locator('.badge.drained').waitFor();
        await go(page, '');
        await page.getByText('1 drained', { exact: true }).waitFor();
        await page.locator('.world .mark.pop.drained .sign').first().waitFor();
        result.mark = await page.locator('.world .mark.pop.drained .sign').count();
        await go(page, 'orders');
        await row.getByRole('button', { name: `Undrain pop ${pop}` }).click();
        await page.getByRole('dialog').getByRole('button', { name: 'Undrain' }).click();
        await page.getByText('All done').waitFor();
        await row.locator('.badge.up').waitFor();
        await page.getByRole('cell', { name: 'undrain pop nyc' }).waitFor();
        result.log = await texts(page.locator('tbody tr td:nth-child(2)'));
        return result;
    },

    async books(page, { customer, sites }) {
        await go(page, 'books');
        await told(page, `usage?by=site&customer=${customer}`, ({ usage }) =>
            usage.length === sites.length); // settled
        await page.reload();
        const answer = page.waitForResponse((r) => r.url().includes(`/api/v1/invoices/${customer}`));
        await page.getByRole('link', { name: customer, exact: true }).click();
        const invoice = await (await answer).json();
        await page.locator('.paper').waitFor();
        await page.locator('.plot canvas').nth(1).waitFor();
        await page.getByText('Usage by day, as a table').click();
        return { invoice, paper: await gist(page.locator('.paper')),
            plots: await page.locator('.plot canvas').count(),
            days: await texts(page.getByRole('region', { name: 'Usage by day (table)' }).locator('tbody tr')),
            sites: await texts(page.getByRole('region', { name: 'Usage by site (table)' }).locator('tbody th')) };
    },

    async nodes(page) {
        await go(page, 'nodes');
        const rows = async (name) => {
            const place = page.getByRole('region', { name: `${name} (table)` });
            await place.waitFor();
            await calm(page);
            return texts(place.locator('tbody tr'));
        };
        const result = { nodes: await rows('Nodes'), origins: await rows('Origins') };
        await page.getByRole('link', { name: 'Changes' }).click();
        return { ...result, changes: await rows('Changes, the newest first') };
    },

    /* From the top to another page with Tab and Enter alone. */
    async keyboard(page) {
        await go(page, '');
        const focus = () => page.evaluate(() => {
            const at = document.activeElement, style = getComputedStyle(at);
            return { text: at.textContent.trim(), is: at.tagName,
                seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 };
        });
        const way = [];

        for (let at = 0; at < 20; at++) {
            await page.keyboard.press('Tab');
            way.push(await focus());
            if (way.at(-1).text === 'Orders') break;
        }
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { level: 1, name: 'Orders' }).waitFor();
        await page.waitForFunction(() => document.activeElement.tagName === 'H1', null, EVERY);
        const arrived = await focus();
        await page.locator('.skip').focus();
        await page.keyboard.press('Enter');
        return { way, arrived, skipped: await focus() };
    },

    /* By a token from afar, which must be gone with the tab. */
    async token(page, { afar, wrong, right, customer, stranger }) {
        page.mayComplain = true;
        await go(page, 'sites', afar);
        const field = page.getByLabel('Token');
        const result = { first: await gist(page.locator('main')) };

        await field.fill(wrong);
        await field.press('Enter');
        await page.getByRole('alert').waitFor();
        result.refusal = await gist(page.getByRole('alert'));
        await field.fill(right);
        await field.press('Enter');
        await page.getByRole('link', { name: customer }).waitFor();
        result.said = '';
        for (const place of ['', 'sites', 'books', 'orders', 'nodes', 'changes']) {
            await go(page, place, afar);
            await page.locator('.content .panel').first().waitFor();
            await calm(page);
            result.said += await page.locator('body').innerText();
        }
        await go(page, `site/${stranger}`, afar);
        await page.getByText('There is no site of that name').waitFor();
        result.stored = await page.evaluate(() => [JSON.stringify({ ...localStorage }), document.cookie,
            location.href, JSON.stringify({ ...sessionStorage })]);
        await page.getByRole('button', { name: 'Sign out' }).click();
        await field.waitFor();
        result.left = await page.evaluate(() => [JSON.stringify({ ...sessionStorage }),
            document.body.innerText]);
        return result;
    },

    /* The node stops for a while, falls silent, and starts anew; the page stays open. */
    async revival(page, { host }) {
        const state = page.locator('.pulse-state');
        const value = page.locator('.kpi', { hasText: 'Requests' }).locator('.value');
        const share = page.locator('.shares .name').first();
        const said = async (word) => {
            await filled(page, '.pulse-state', 1, new RegExp(word));
            return gist(state);
        };
        const moves = async () => {
            const shown = new Set();
            for (const end = Date.now() + PATIENCE_MS; shown.size < 2 && Date.now() < end;
                await page.waitForTimeout(100)) shown.add(await value.innerText());
            return [...shown];
        };
        const result = { states: [] };

        page.mayComplain = true;
        await page.clock.install();
        // A node that answers nothing at first.
        await page.route('**/api/**', (route) => route.abort());
        await go(page, `site/${host}`);
        result.first = await gist(page.locator('main'));
        await page.evaluate(() => { // looked away from and back to, before anything was there
            for (const hidden of [true, false]) {
                Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
                document.dispatchEvent(new Event('visibilitychange'));
            }
        });
        await page.unroute('**/api/**');
        await share.waitFor();
        result.states.push(await said('Live'));
        await haveDone('freeze');
        await page.clock.fastForward(16000); // without an event
        result.states.push(await said('Reconnecting'));
        await haveDone('thaw');
        result.states.push(await said('Live'));
        result.thawed = await moves();
        await haveDone('stop');
        result.states.push(await said('Reconnecting'));
        await page.getByText('This node gives no answer').waitFor(); // where its answers pointed
        await page.getByRole('link', { name: 'Books' }).click();
        await page.getByText('This could not be shown').waitFor();
        await haveDone('start');
        result.states.push(await said('Live'));
        await page.getByRole('button', { name: 'Try again' }).click();
        await page.getByRole('heading', { level: 1, name: 'Books' }).waitFor();
        await go(page, `site/${host}`);
        result.revived = await moves();
        await page.getByText('No address was given out yet').waitFor();
        return result;
    },

    /* Every page at three sizes and in both themes: nothing moves sideways, all can be read. */
    async looks(page, { places }) {
        const found = [];
        await go(page, '');
        for (const place of places) {
            await go(page, place);
            await page.locator('.content .panel').first().waitFor();
            await calm(page);
            for (const colorScheme of ['light', 'dark']) {
                await page.emulateMedia({ colorScheme });
                await page.locator(`[data-theme=${colorScheme}]`).waitFor();
                for (const width of [390, 820, 1440]) {
                    await page.setViewportSize({ width, height: 900 });
                    await drawn(page);
                    found.push(...(await page.evaluate(inspect)).map((what) =>
                        `${colorScheme} ${width} #/${place}: ${what}`));
                }
            }
        }
        return { found };
    },
};

/* In the page: what somebody with other eyes or hands would miss. */
function inspect() {
    const found = [];
    const isShown = (e) => e.checkVisibility() && e.getBoundingClientRect().width > 2;
    const say = (e, what) => found.push(`${what}: ${e.outerHTML.slice(0, 120)}`);

    if (document.documentElement.scrollWidth > innerWidth)
        found.push(`${document.documentElement.scrollWidth} px wide`);
    for (const [selector, count] of [['h1', 1], ['main', 1], ['nav', 1], ['html[lang]', 1]])
        if (document.querySelectorAll(selector).length !== count) found.push(`not one ${selector}`);
    for (const e of document.querySelectorAll('input, select'))
        if (isShown(e) && !e.labels?.length) say(e, 'no label');
    for (const e of document.querySelectorAll('button, a[href], summary'))
        if (!(e.getAttribute('aria-label') ?? e.textContent).trim()) say(e, 'no name');
    for (const e of document.querySelectorAll('table'))
        if (!e.caption || [...e.querySelectorAll('th')].some((th) => !th.scope)) say(e, 'table');
    for (const e of document.querySelectorAll('img')) if (!e.hasAttribute('alt')) say(e, 'no alt');
    for (const e of document.querySelectorAll('[role=img], [role=region], section'))
        if (isShown(e) && !e.hasAttribute('aria-label') && !e.hasAttribute('aria-labelledby')) say(e, 'no name');
    for (const e of document.querySelectorAll('[aria-labelledby], [aria-describedby]'))
        for (const id of (e.getAttribute('aria-labelledby') ?? e.getAttribute('aria-describedby')).split(' '))
            if (!document.getElementById(id)) say(e, `nothing is ${id}`);
    const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
    if (new Set(ids).size !== ids.length) found.push('an id twice');

    // WCAG 2.1, contrast: of each text with what it lies on, colours that let through mixed.
    const rgba = (text) => {
        const srgb = /^color\(srgb (.*)\)$/.exec(text);
        if (srgb) return srgb[1].split(/[ /]+/).map(Number).map((n, at) => (at < 3 ? n * 255 : n));
        return text.match(/[\d.]+/g).map(Number);
    };
    const over = (top, below) => {
        const alpha = top[3] ?? 1;
        return [0, 1, 2].map((at) => top[at] * alpha + below[at] * (1 - alpha));
    };
    const ground = (e) => {
        const color = e ? rgba(getComputedStyle(e).backgroundColor) : rgba(getComputedStyle(
            document.documentElement).getPropertyValue('color-scheme') === 'dark' ? '0,0,0' : '255,255,255');
        return (color[3] ?? 1) === 1 || !e ? color.slice(0, 3) : over(color, ground(e.parentElement));
    };
    const light = (color) => {
        const [r, g, b] = color.map((n) => n / 255).map((n) =>
            (n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const e = texts.currentNode.parentElement, style = getComputedStyle(e);
        if (!texts.currentNode.data.trim() || !isShown(e) || e.closest('svg')) continue;
        const below = ground(e), top = over(rgba(style.color), below);
        const [high, low] = [light(top), light(below)].sort((a, b) => b - a);
        const size = parseFloat(style.fontSize), isLarge = size >= 24 || (size >= 18.7 && style.fontWeight >= 700);
        const ratio = (high + 0.05) / (low + 0.05);
        if (ratio < (isLarge ? 3 : 4.5)) say(e, `contrast ${ratio.toFixed(2)}`);
    }
    return found;
}

async function play(page, name, words) {
    const started = Date.now();
    try {
        seen[name] = await scenes[name](page, words);
    } catch (error) {
        seen[name] = { error: error.stack };
    }
    seen[name].took_ms = Date.now() - started;
}

for (const act of JSON.parse(acts)) {
    await Promise.all(act.map(async (row) => {
        const page = await newPage();
        for (const [name, words] of row) await play(page, name, words);
        await page.context().close();
    }));
}
await browser.close();
console.log(JSON.stringify(seen));
process.exit();
