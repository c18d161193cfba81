// SPDX-License-Identifier: Apache-2.0
/*
 * Where places on Earth are on the map. build.mjs draws the land with the numbers of MAP; here it
 * is enlarged to where there is something to see, and marks that would lie on each other give way.
 */
export const MAP = { width: 960, height: 428, scale: 176, centre: [480, 248], grain: 10 };

const ZOOM_MAX = 4;

/* How the land is to be enlarged and moved so that `points` (on it) fill `width` by `height`. */
export function view(points, width, height, margin) {
    const least = Math.min(width / MAP.width, height / MAP.height); // all of it is seen
    if (points.length === 0) points = [[MAP.width / 2, MAP.height / 2], [0, 0], [MAP.width, MAP.height]];
    const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
    const spread = [Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)];
    const fit = Math.min((width - 2 * margin) / Math.max(spread[0], 1),
        (height - 2 * margin) / Math.max(spread[1], 1));
    const k = Math.min(Math.max(fit, least), ZOOM_MAX * least);
    const middle = [(Math.max(...xs) + Math.min(...xs)) / 2, (Math.max(...ys) + Math.min(...ys)) / 2];

    // Not beyond the map's edges, but for the sea around a map that is smaller.
    const within = (at, size, whole) => size > whole * k ? (size - whole * k) / 2
        : Math.min(0, Math.max(size - whole * k, at));
    return {
        k,
        x: within(width / 2 - middle[0] * k, width, MAP.width),
        y: within(height / 2 - middle[1] * k, height, MAP.height),
    };
}

/* Moves points apart until none is nearer than `gap` to another, each as little as it must. */
export function spread(points, gap) {
    const at = points.map((p) => [...p]);

    for (let round = 0; round < 60; round++) {
        let moved = false;
        for (let i = 0; i < at.length; i++)
            for (let j = 0; j < i; j++) {
                let dx = at[i][0] - at[j][0], dy = at[i][1] - at[j][1];
                const distance = Math.hypot(dx, dy);
                if (distance >= gap) continue;
                if (distance < 0.01) [dx, dy] = [Math.cos(i), Math.sin(i)];
                const push = (gap - distance) / 2 / Math.max(Math.hypot(dx, dy), 0.01);
                at[i] = [at[i][0] + dx * push, at[i][1] + dy * push];
                at[j] = [at[j][0] - dx * push, at[j][1] - dy * push];
                moved = true;
            }
        if (!moved) break;
    }
    return at;
}

/* For each mark the side of its label where it covers least: 'right', 'left', 'above', 'below'. */
export function labels(at, widths, size, area) {
    const taken = at.map(([x, y]) => [x - size, y - size, x + size, y + size]);
    const cover = (a, b) => Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) *
        Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));

    return at.map(([x, y], i) => {
        const w = widths[i], gap = size + 4;
        const sides = {
            right: [x + gap, y - 7, x + gap + w, y + 7],
            left: [x - gap - w, y - 7, x - gap, y + 7],
            above: [x - w / 2, y - gap - 14, x + w / 2, y - gap],
            below: [x - w / 2, y + gap, x + w / 2, y + gap + 14],
        };
        const cost = (box) => taken.reduce((sum, other) => sum + cover(box, other), 0) +
            (box[0] < 0 || box[1] < 0 || box[2] > area[0] || box[3] > area[1] ? 1e4 : 0);
        const [side, box] = Object.entries(sides).reduce((best, one) =>
            (cost(one[1]) < cost(best[1]) - 1 ? one : best));
        taken.push(box);
        return { side, box };
    });
}
