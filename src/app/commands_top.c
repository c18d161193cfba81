// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <stdio.h>

#include "admin/top.h"
#include "app/commands.h"
#include "app/looking.h"
#include "app/terminal.h"

enum { TEXT_MAX = 16 << 20, FOOT_MAX = 512, WAIT_MS = 5000 };

static const char HELP[] =
    "\n"
    "  q, Ctrl-C       leave\n"
    "  s               sort nodes and sites by the next figure\n"
    "  arrows, j, k    scroll by a line\n"
    "  Page Up, Down   scroll by a screen\n"
    "  ?               this page, and back\n"
    "\n"
    "  Figures of nodes are those of the process that is asked, and of the last\n"
    "  second; states, CPU and memory of the others are as they were measured.\n";

static const struct option OPTIONS[] = {
    ASKING_OPTIONS,
    { "once", no_argument, NULL, '1' },
    { "json", no_argument, NULL, 'j' },
    { NULL, 0, NULL, 0 },
};

/* What the person at the terminal has chosen, and what is shown. */
struct top {
    struct asking who;
    struct terminal terminal;
    struct look look;
    struct text text; // of the look
    enum top_sort sort;
    size_t offset;
    unsigned width, height;
    bool has_help, is_once, as_json;
};

static bool parse(int argc, char **argv, struct top *top)
{
    for (int option; (option = getopt_long(argc, argv, "c:", OPTIONS, NULL)) != -1;)
        switch (option) {
        case '1': top->is_once = true; break;
        case 'j': top->as_json = true; break;
        default:
            if (!asking_option(&top->who, option, optarg))
                return false;
        }
    return optind == argc;
}

/* The look as text; what is no network leaves what was there before. */
static bool write_text(struct top *top, struct diag *why)
{
    const struct top_look look = { text_slice(&top->look.live), text_slice(&top->look.network),
        text_slice(&top->look.changes) };
    struct text fresh;

    text_init(&fresh, TEXT_MAX);
    if (top_write(&fresh, &look, top->sort, why) != ERR_NONE) {
        text_done(&fresh);
        return false;
    }
    text_done(&top->text);
    top->text = fresh;
    return true;
}

static int print_once(struct top *top)
{
    struct diag why = { 0 };

    if (top->as_json) {
        printf("{\"live\": %.*s,\n\"network\": %.*s,\n\"changes\": %.*s}\n",
            SLICE_ARG(text_slice(&top->look.live)), SLICE_ARG(text_slice(&top->look.network)),
            SLICE_ARG(text_slice(&top->look.changes)));
        return EXIT_DONE;
    }
    if (!write_text(top, &why)) {
        fprintf(stderr, "waypost: %s\n", why.text);
        return EXIT_FAILED;
    }
    printf("%.*s", SLICE_ARG(text_slice(&top->text)));
    return EXIT_DONE;
}

static void draw(struct top *top)
{
    char foot[FOOT_MAX];
    struct slice text = top->has_help ? slice_text(HELP) : text_slice(&top->text);
    size_t most = top_offset_max(text, top->height);
    struct text out;

    if (top->offset > most)
        top->offset = most;
    snprintf(foot, sizeof foot, "%s%s%s q leave  s sort: %s  arrows scroll%s  ? help ",
        top->look.trouble[0] == '\0' ? "" : " ", top->look.trouble,
        top->look.trouble[0] == '\0' ? "" : "; asking again |", top_sort_text(top->sort),
        top->offset < most ? " (more below)" : "");
    const struct top_screen screen = { top->width, top->height, top->has_help ? 0 : top->offset,
        slice_text(foot) };

    text_init(&out, TEXT_MAX);
    top_paint(&out, text, &screen);
    terminal_write(text_slice(&out));
    text_done(&out);
}

/* False: the person leaves. */
static bool take_key(struct top *top, enum top_key key)
{
    size_t page = top->height > 2 ? top->height - 2 : 1;

    switch (key) {
    case TOP_KEY_QUIT: return false;
    case TOP_KEY_SORT:
        top->sort = (enum top_sort)((top->sort + 1) % TOP_SORT_COUNT);
        write_text(top, NULL);
        break;
    case TOP_KEY_HELP: top->has_help = !top->has_help; break;
    case TOP_KEY_UP: top->offset -= top->offset > 0; break;
    case TOP_KEY_DOWN: top->offset++; break;
    case TOP_KEY_PAGE_UP: top->offset -= top->offset < page ? top->offset : page; break;
    case TOP_KEY_PAGE_DOWN: top->offset += page; break;
    case TOP_KEY_NONE:
    case TOP_KEY_OTHER: break;
    }
    return true;
}

static void watch(struct top *top, struct looking *looking)
{
    char room[TERMINAL_KEYS_MAX];
    enum terminal_event event;
    struct slice keys;
    bool stays = true;

    terminal_enter(&top->terminal);
    while (stays) {
        terminal_size(&top->width, &top->height);
        draw(top);
        event = terminal_wait(&top->terminal, looking_news(looking), WAIT_MS, room, &keys);
        if (event == TERMINAL_ENDS)
            break;
        if (event == TERMINAL_NEWS) {
            looking_take(looking, &top->look);
            write_text(top, NULL);
        }
        for (enum top_key key; stays && (key = top_key_take(&keys)) != TOP_KEY_NONE;)
            stays = take_key(top, key);
    }
    terminal_leave(&top->terminal);
}

/* With a first look taken, so that nobody gets a screen that only says why there is nothing. */
static int run(struct top *top)
{
    struct looking *looking;

    if (!looking_once(&top->who, &top->look))
        return EXIT_FAILED;
    if (top->is_once || top->as_json || !terminal_is_there())
        return print_once(top);
    struct diag why = { 0 };

    if (!write_text(top, &why)) {
        fprintf(stderr, "waypost: %s\n", why.text);
        return EXIT_FAILED;
    }
    if (!terminal_open(&top->terminal) || (looking = looking_start(&top->who)) == NULL) {
        fputs("waypost: out of threads or descriptors; waypost top --once needs neither\n", stderr);
        return EXIT_FAILED;
    }
    watch(top, looking);
    return EXIT_DONE;
}

int command_top(int argc, char **argv)
{
    struct top top = { .sort = TOP_BY_REQUESTS };
    int code;

    if (!parse(argc, argv, &top))
        return command_usage(argv[0]);
    look_init(&top.look);
    text_init(&top.text, TEXT_MAX);
    code = run(&top);
    text_done(&top.text);
    look_done(&top.look);
    return code;
}
