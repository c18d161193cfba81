// SPDX-License-Identifier: Apache-2.0
/* Machines, origins and certificates, in full. */
import { badge, empty, h, replace, table } from './dom.js';
import { bytes, count, ms, percent, plural, short, stamp } from './format.js';
import { markIcon } from './icons.js';
import { customer, history, known, listen } from './store.js';

const named = (kind, state, name) => h('span', { class: 'named' }, markIcon(kind, state), name);

function nodeRows(network, status) {
    const own = new Map(status.nodes.map((n) => [n.name, n]));
    const peers = new Map(status.peers.map((p) => [p.name, p]));

    return network.pops.flatMap((pop) => pop.nodes.map((node) => {
        const here = own.get(node.node), peer = peers.get(node.node);
        const notes = [peer?.leaving && 'leaving', peer?.suspect && 'suspects itself',
            peer?.blind && 'blind', peer && peer.release !== status.release.hash && 'another release'];
        return [named('pop', node.state, node.node), pop.pop, badge(node.state, node.state),
            node.addresses?.join(', ') ?? '',
            short(here ? history.lately(`node ${node.node} requests_per_s`, 5) : node.requests_per_s),
            here ? count(here.connections) : '–',
            here ? `${bytes(here.store.used_bytes)} of ${bytes(here.store.limit_bytes)}` : '–',
            percent(node.cpu), percent(node.load),
            notes.filter(Boolean).join(', ') || (here ? 'this process' : peer?.state ?? '')];
    }));
}

function originRows(network, status) {
    return network.customers.flatMap((c) => c.origins.map((o) => {
        const seen = status.origins.filter((one) => one.customer === c.customer && one.name === o.origin);
        const sum = (key) => seen.reduce((n, one) => n + one[key], 0);
        const error = seen.filter((one) => one.last_error)
            .sort((a, b) => (a.last_error_at < b.last_error_at ? 1 : -1))[0];
        return [named('origin', o.state, `${c.customer}/${o.origin}`), badge(o.state, o.state),
            o.address ?? seen[0]?.address ?? '', ms(o.latency_ms), percent(o.load), count(sum('fetches')), count(sum('failures')),
            error ? `${error.last_error} (${stamp(error.last_error_at)})` : ''];
    }));
}

function certificateRows(status) {
    return (status.certificates ?? []).map((c) => {
        const state = c.days_left < 0 ? 'down' : c.days_left < 14 || c.note ? 'drained' : 'up';
        return [c.name, c.file ?? '', stamp(c.valid_till).slice(0, 10),
            h('span', { class: `says ${state}` }, c.days_left < 0 ? 'expired' : `${plural(c.days_left, 'day')} left`),
            c.note ?? ''];
    });
}

function panel(id, title, ...children) {
    return h('section', { class: 'panel', id, 'aria-labelledby': `${id}-title` },
        h('header', null, h('h2', { id: `${id}-title` }, title)), children);
}

export function nodes(root, [part]) {
    const nodePlace = h('div'), originPlace = h('div'), certificatePlace = h('div');
    let drawn = 0;

    function show() {
        const { network, status } = known;
        if (!network || !status) return;
        // A table that somebody reads by keyboard or selects from is not written anew.
        if (drawn && root.contains(document.activeElement) && document.activeElement !== title) return;
        drawn++;
        replace(nodePlace, status.nodes.length ? table('Nodes', [{ title: 'Node', wide: true }, { title: 'Pop' },
            { title: 'State' }, { title: 'Addresses' }, { title: 'Requests/s', number: true },
            { title: 'Connections', number: true }, { title: 'Store', number: true },
            { title: 'CPU', number: true }, { title: 'Load', number: true }, { title: 'Notes' }], nodeRows(network, status))
            : table('Pops', [{ title: 'Pop', wide: true }, { title: 'State' }, { title: 'Place', wide: true }],
                network.pops.map((p) => [named('pop', p.state, p.pop), badge(p.state, p.state),
                    p.place ?? ''])));
        replace(originPlace, table('Origins', [{ title: 'Origin', wide: true }, { title: 'State' },
            { title: 'Address' }, { title: 'Latency', number: true }, { title: 'Load', number: true },
            { title: 'Fetches', number: true }, { title: 'Failures', number: true },
            { title: 'Last error', wide: true }], originRows(network, status)));
        const rows = certificateRows(status);
        replace(certificatePlace, rows.length ? table('Certificates', [{ title: 'Of', wide: true }, { title: 'File' },
            { title: 'Valid till' }, { title: 'Left' }, { title: 'Notes' }], rows)
            : empty(customer() ? 'No site of yours has a certificate of its own.'
                : 'This process shows no certificate.'),
        status.sites_without_certificate?.length > 0 && h('p', { class: 'hint' },
            `No certificate is for ${status.sites_without_certificate.join(', ')}.`));
    }

    const title = h('h1', { tabindex: -1 }, 'Nodes');
    replace(root, h('header', { class: 'page' }, h('div', null, title,
        h('p', { class: 'about' }, 'Machines of ours, origins of customers, and certificates'))),
    panel('machines', 'Nodes', nodePlace), panel('origins', 'Origins', originPlace),
    panel('certificates', 'Certificates', certificatePlace));
    const stops = [listen('network', show), listen('status', show)];
    if (part) document.getElementById(part)?.scrollIntoView();
    return () => stops.forEach((stop) => stop());
}
