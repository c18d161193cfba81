// SPDX-License-Identifier: Apache-2.0
/* Elements, made and filled. Text is always set as text: nothing from the API is read as HTML. */

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, props, children) {
    for (const [key, value] of Object.entries(props ?? {})) {
        if (value === null || value === undefined || value === false) continue;
        if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
        else if (key === 'style') Object.assign(element.style, value);
        else if (key === 'value' || key === 'checked') element[key] = value;
        else element.setAttribute(key, value === true ? '' : value);
    }
    append(element, children);
    return element;
}

/* Children may be nodes, texts, numbers, lists of these, or nothing. */
export function append(element, children) {
    for (const child of [children].flat(Infinity))
        if (child !== null && child !== undefined && child !== false) element.append(child);
}

export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);
export const s = (tag, props, ...children) =>
    fill(document.createElementNS(SVG, tag), props, children);

export function replace(element, ...children) {
    element.replaceChildren();
    append(element, children);
    return element;
}

/* Sets text only where it differs, so that screen readers are not told what they know. */
export function setText(element, text) {
    if (element.textContent !== String(text)) element.textContent = text;
}

let ids = 0;
export const newId = (word) => `${word}-${++ids}`;

/* A label and its field, tied to each other. */
export function field(label, input, hint) {
    input.id ||= newId('field');
    const note = hint && h('p', { class: 'hint', id: newId('hint') }, hint);
    if (note) input.setAttribute('aria-describedby', note.id);
    return h('div', { class: 'field' }, h('label', { for: input.id }, label), input, note);
}

/* A table: columns are {title, number?, wide? (may break)}, cells are whatever `append` takes. */
export function table(caption, columns, rows, options = {}) {
    const head = columns.map((c) =>
        h('th', { scope: 'col', class: c.number && 'number' }, c.title));
    const body = rows.map((row) => h('tr', null, row.map((cell, at) =>
        at === 0
            ? h('th', { scope: 'row', class: columns[at].wide && 'wide' }, cell)
            : h('td', { class: columns[at].number ? 'number' : columns[at].wide && 'wide' }, cell))));
    const whole = h('table', null,
        h('caption', { class: options.showsCaption ? 'caption' : 'hidden' }, caption),
        h('thead', null, h('tr', null, head)), h('tbody', null, body));
    // Wide tables move within their own box, which the keyboard reaches too.
    return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `${caption} (table)` }, whole);
}

export function badge(text, kind) {
    return h('span', { class: `badge ${kind ?? ''}` }, text);
}

export function empty(text) {
    return h('p', { class: 'empty' }, text);
}
