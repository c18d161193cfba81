// SPDX-License-Identifier: Apache-2.0
#include "app/demo_page.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "app/demo_png.h"
#include "base/hash.h"

enum { SKY_WIDTH = 640, SKY_HEIGHT = 240, TIME_TEXT_MAX = 16 };

static const char *time_text(struct wall now, char text[TIME_TEXT_MAX])
{
    time_t seconds = (time_t)wall_s(now);
    struct tm parts;

    strftime(text, TIME_TEXT_MAX, "%H:%M:%S", gmtime_r(&seconds, &parts));
    return text;
}

static void write_gallery(struct text *out, const struct demo_page *page)
{
    text_say(out,
        "<section class=gallery>\n"
        "<figure class=wide><img src='%s/img/sky.png' alt='Sky' width=640 height=240>"
        "<figcaption>sky.png, made of numbers</figcaption></figure>\n"
        "<figure><img src='%s/img/hills.svg' alt='Hills' width=320 height=200>"
        "<figcaption>hills.svg</figcaption></figure>\n",
        page->embed, page->embed);
    for (unsigned i = 0; i < 2; i++) { // with the hills, a row of three
        uint64_t tile = (hash_mix(page->served) + i) % DEMO_TILE_COUNT;

        text_say(out,
            "<figure><img src='%s/img/tile-%" PRIu64 ".svg' alt='Tile' width=320 height=200>"
            "<figcaption>tile-%" PRIu64 ".svg</figcaption></figure>\n",
            page->embed, tile, tile);
    }
    text_add(out, SLICE("</section>\n"));
}

void demo_page_write(struct text *out, const struct demo_page *page)
{
    const struct demo_customer *customer = page->server->customer;
    char now[TIME_TEXT_MAX];

    text_say(out,
        "<!doctype html>\n"
        "<html lang=en>\n<head>\n<meta charset=utf-8>\n"
        "<meta name=viewport content='width=device-width, initial-scale=1'>\n"
        "<title>%s</title>\n"
        "<link rel=icon href='%s/logo.svg'>\n"
        "<link rel=stylesheet href='%s/style.css'>\n"
        "</head>\n<body>\n"
        "<header><img src='%s/logo.svg' alt='' width=48 height=48><h1>%s</h1></header>\n"
        "<main>\n",
        customer->title, page->embed, page->embed, page->embed, customer->title);
    text_say(out,
        "<section class=card>\n"
        "<p class=big>Hello from <strong>%s</strong></p>\n"
        "<p class=clock><time id=clock>%s</time> UTC</p>\n"
        "<p>This page was made for you by the web server <code>%s/%s</code>; it is its page number "
        "%" PRIu64 ", and no cache keeps it. The pictures come from <code>%s</code>, where any "
        "of the caches may have had them before you asked.</p>\n"
        "</section>\n",
        page->server->place, time_text(page->now, now), customer->name, page->server->name,
        page->served, page->embed[0] == '\0' ? "this very address" : page->embed);
    write_gallery(out, page);
    text_add(
        out, SLICE("</main>\n"
                   "<footer>A page of the waypost demo</footer>\n"
                   "<script>\n"
                   "setInterval(async () => {\n"
                   "  const answer = await fetch('/clock', {cache: 'no-store'});\n"
                   "  document.getElementById('clock').textContent = (await answer.json()).time;\n"
                   "}, 1000);\n"
                   "</script>\n"
                   "</body>\n</html>\n"));
}

void demo_page_write_cart(struct text *out, const struct demo_page *page)
{
    char now[TIME_TEXT_MAX];

    text_say(out,
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<title>Cart</title>\n"
        "<link rel=stylesheet href='/style.css'>\n"
        "<main><section class=card><p class=big>Your cart</p>\n"
        "<p>One tent, one stove. Counted at %s UTC by <code>%s/%s</code>.</p></section></main>\n"
        "</html>\n",
        time_text(page->now, now), page->server->customer->name, page->server->name);
}

void demo_page_write_clock(struct text *out, const struct demo_page *page)
{
    char now[TIME_TEXT_MAX];

    text_say(out, "{\"time\": \"%s\", \"server\": \"%s/%s\"}\n", time_text(page->now, now),
        page->server->customer->name, page->server->name);
}

void demo_page_write_css(struct text *out, const struct demo_customer *customer)
{
    text_say(out, ":root { --hue: %u; }\n", customer->hue);
    text_add(out,
        SLICE(":root {\n"
              "  color-scheme: light dark;\n"
              "  --ground: hsl(var(--hue) 40% 97%); --card: #fff; --ink: hsl(var(--hue) 30% 15%);\n"
              "  --quiet: hsl(var(--hue) 12% 45%); --accent: hsl(var(--hue) 70% 40%);\n"
              "  --shadow: 0 1px 2px rgb(0 0 0 / 8%), 0 8px 24px rgb(0 0 0 / 6%);\n"
              "}\n"
              "@media (prefers-color-scheme: dark) {\n"
              "  :root {\n"
              "    --ground: hsl(var(--hue) 25% 9%); --card: hsl(var(--hue) 20% 14%);\n"
              "    --ink: hsl(var(--hue) 20% 92%); --quiet: hsl(var(--hue) 10% 65%);\n"
              "    --accent: hsl(var(--hue) 80% 70%);\n"
              "    --shadow: none;\n"
              "  }\n"
              "}\n"
              "* { box-sizing: border-box; margin: 0; }\n"
              "body { background: var(--ground); color: var(--ink);\n"
              "  font: 17px/1.6 system-ui, sans-serif; max-width: 1080px; margin: 0 auto;\n"
              "  padding: clamp(1rem, 4vw, 3rem); }\n"
              "header { display: flex; align-items: center; gap: 1rem; margin-bottom: 2rem; }\n"
              "h1 { font-size: 1.5rem; font-weight: 650; letter-spacing: -0.02em; }\n"
              ".card, figure { background: var(--card); border-radius: 16px;\n"
              "  box-shadow: var(--shadow); }\n"
              ".card { padding: clamp(1.25rem, 4vw, 2.5rem); margin-bottom: 1.5rem; }\n"
              ".big { font-size: clamp(1.6rem, 5vw, 2.6rem); line-height: 1.2;\n"
              "  letter-spacing: -0.03em; }\n"
              ".big strong { color: var(--accent); }\n"
              ".clock { color: var(--quiet); font-size: 1.3rem; margin-bottom: 1rem;\n"
              "  font-variant-numeric: tabular-nums; }\n"
              "code { font: 0.9em ui-monospace, monospace; color: var(--accent);\n"
              "  overflow-wrap: anywhere; }\n"
              ".gallery { display: grid; gap: 1.5rem;\n"
              "  grid-template-columns: repeat(auto-fill, minmax(min(100%, 240px), 1fr)); }\n"
              "figure { overflow: hidden; }\n"
              "figure.wide { grid-column: 1 / -1; }\n"
              "figure img { display: block; width: 100%; height: 200px; object-fit: cover; }\n"
              "figure.wide img { height: 240px; }\n"
              "figcaption, footer { color: var(--quiet); font-size: 0.85rem; }\n"
              "figcaption { padding: 0.6rem 1rem; }\n"
              "footer { margin-top: 2.5rem; text-align: center; }\n"));
}

static void start_svg(struct text *out, unsigned width, unsigned height)
{
    text_say(out,
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %u %u' width='%u' height='%u'>\n",
        width, height, width, height);
}

void demo_page_write_logo(struct text *out, const struct demo_customer *customer)
{
    start_svg(out, 48, 48);
    text_say(out,
        "<rect width='48' height='48' rx='13' fill='hsl(%u 70%% 45%%)'/>\n"
        "<path d='M9 36 20 15l7 12 4-6 8 15z' fill='#fff'/>\n"
        "<circle cx='34' cy='13' r='4' fill='#fff' opacity='.8'/>\n</svg>\n",
        customer->hue);
}

void demo_page_write_hills(struct text *out, const struct demo_customer *customer)
{
    start_svg(out, 640, 400);
    text_say(out,
        "<defs><linearGradient id='s' x2='0' y2='1'><stop stop-color='hsl(%u 80%% 82%%)'/>"
        "<stop offset='1' stop-color='hsl(%u 70%% 95%%)'/></linearGradient></defs>\n"
        "<rect width='640' height='400' fill='url(#s)'/>\n"
        "<circle cx='470' cy='120' r='46' fill='hsl(45 95%% 72%%)'/>\n",
        customer->hue, (customer->hue + 330) % 360);
    for (unsigned i = 0; i < 4; i++) {
        text_say(out, "<path fill='hsl(%u 45%% %u%%)' d='M0 400", customer->hue, 68 - i * 14);
        for (unsigned x = 0; x <= 640; x += 16) {
            double turn = (double)x / (90.0 + 25.0 * i) + 1.7 * i;

            text_say(out, "L%u %.0f", x, 200 + 50.0 * i - 38 * sin(turn) - 14 * sin(2.3 * turn));
        }
        text_add(out, SLICE("L640 400z'/>\n"));
    }
    text_add(out, SLICE("</svg>\n"));
}

void demo_page_write_rare(struct text *out, const struct demo_customer *customer)
{
    start_svg(out, 320, 200);
    text_say(out,
        "<rect width='320' height='200' fill='hsl(%u 60%% 30%%)'/>\n"
        "<path d='M160 40 205 100 160 160 115 100z' fill='hsl(%u 80%% 70%%)'/>\n"
        "<path d='M160 40 175 100 160 160 115 100z' fill='hsl(%u 80%% 80%%)'/>\n</svg>\n",
        customer->hue, customer->hue, customer->hue);
}

void demo_page_write_tile(struct text *out, const struct demo_customer *customer, unsigned number)
{
    uint64_t dice = hash_mix(number + 1);

    start_svg(out, 320, 200);
    text_say(out, "<rect width='320' height='200' fill='hsl(%u 50%% 88%%)'/>\n",
        (customer->hue + number * 7) % 360);
    for (unsigned i = 0; i < 7; i++, dice = hash_mix(dice))
        text_say(out, "<circle cx='%u' cy='%u' r='%u' fill='hsl(%u 60%% %u%%)' opacity='.75'/>\n",
            (unsigned)(dice % 320), (unsigned)((dice >> 10) % 200),
            20 + (unsigned)((dice >> 20) % 60),
            (customer->hue + (unsigned)((dice >> 30) % 60)) % 360,
            45 + (unsigned)((dice >> 40) % 30));
    text_say(out,
        "<text x='16' y='184' font-family='sans-serif' font-size='28' fill='#fff'>%u</text>\n"
        "</svg>\n",
        number);
}

/* Bands of light that sway: a few waves, added up. */
static uint8_t sky_pixel(uint32_t x, uint32_t y, const struct demo_png *png)
{
    double across = (double)x / png->width, down = (double)y / png->height;
    double light = 0.5 * sin(9 * across + 2 * sin(5 * down)) + 0.3 * sin(17 * across - 6 * down) +
                   0.2 * sin(31 * across + 13 * down * across);
    double band = exp(-8 * (down - 0.45 - 0.15 * light) * (down - 0.45 - 0.15 * light));

    return (uint8_t)(255 * fmin(1, fmax(0, band * (0.65 + 0.35 * light))));
}

/* One of red, green, blue of a fully saturated hue, 0 to 1. */
static double hue_part(double hue, double shift)
{
    double turn = fmod(hue / 60 + shift, 6);

    return fmin(1, fmax(0, fabs(turn - 3) - 1));
}

void demo_page_write_sky(struct text *out, const struct demo_customer *customer)
{
    struct demo_png png = { .width = SKY_WIDTH, .height = SKY_HEIGHT, .pixel = sky_pixel };
    static const double SHIFTS[3] = { 0, 4, 2 };

    for (int i = 0; i < DEMO_PNG_COLOURS; i++)
        for (int part = 0; part < 3; part++) {
            double light = i / 255.0;
            double colour = hue_part(customer->hue + 50 * (1 - light), SHIFTS[part]);

            png.palette[i][part] =
                (uint8_t)(255 *
                          (0.06 + 0.94 * light * (0.25 * light + colour * (1 - 0.25 * light))));
        }
    demo_png_write(out, &png);
}
