// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin/client.h"
#include "admin/order_ask.h"
#include "admin/table.h"
#include "admin/text.h"
#include "app/asking.h"
#include "app/commands.h"

enum {
    TEXT_MAX = 64 << 20,
    WAIT_S = 10, // for receipts, unless another time is said
    WAIT_MAX_S = 3600,
    LOOK_MS = 25,   // between two looks for receipts
    TRIES_MAX = 3,  // of giving one order, while it is not known whether the log took it
    PATH_ROOM = 64, // of "/api/v1/orders/" and a number
};

static const struct option OPTIONS[] = {
    ASKING_OPTIONS,
    { "json", no_argument, NULL, 'j' },
    { "wait", required_argument, NULL, 'w' },
    { "no-wait", no_argument, NULL, 'W' },
    { "limit", required_argument, NULL, 'l' },  // of orders alone
    { "prefix", required_argument, NULL, 'p' }, // from here on of purge alone
    { "tag", required_argument, NULL, 't' },
    { "site", required_argument, NULL, 'h' },
    { "soft", no_argument, NULL, 'S' },
    { NULL, 0, NULL, 0 },
};

/* What the command line says. */
struct wish {
    struct asking who;
    bool as_json;
    uint64_t wait_s;
    bool has_wait;
    uint64_t limit; // 0: not said
    const char *prefix, *tag, *site;
    bool is_soft;
};

/* False: an option that there is not, or a number that is none. */
static bool parse(int argc, char **argv, struct wish *w)
{
    *w = (struct wish){ .wait_s = WAIT_S };
    for (int option; (option = getopt_long(argc, argv, "c:", OPTIONS, NULL)) != -1;)
        switch (option) {
        case 'j': w->as_json = true; break;
        case 'W':
            w->has_wait = true;
            w->wait_s = 0;
            break;
        case 'w':
            w->has_wait = true;
            if (!slice_number(slice_text(optarg), WAIT_MAX_S, &w->wait_s))
                return false;
            break;
        case 'l':
            if (!slice_number(slice_text(optarg), UINT32_MAX, &w->limit) || w->limit == 0)
                return false;
            break;
        case 'p': w->prefix = optarg; break;
        case 't': w->tag = optarg; break;
        case 'h': w->site = optarg; break;
        case 'S': w->is_soft = true; break;
        default:
            if (!asking_option(&w->who, option, optarg))
                return false;
        }
    return true;
}

static bool is_of_purge(const struct wish *w)
{
    return w->prefix != NULL || w->tag != NULL || w->site != NULL || w->is_soft;
}

static void pause_ms(long ms)
{
    const struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

    nanosleep(&pause, NULL);
}

static int64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Puts one order into the log; the answer tells its number. While it is not known whether the log
 * took it, it is asked for again under the same id. */
static int give(
    struct wish *w, const char *path, struct order_words *words, struct client_answer *answer)
{
    char id[ORDER_ASK_ID_SIZE];
    struct text body;
    bool is_there;

    words->id = order_ask_id(id);
    text_init(&body, TEXT_MAX);
    order_ask_write(words, &body);
    const struct asking_request request = { "POST", path, text_slice(&body) };

    for (int tries = 1;; tries++) {
        is_there = asking_send(&w->who, &request, answer);
        if (!is_there || answer->status != 504 || tries == TRIES_MAX)
            break;
        client_answer_done(answer);
    }
    text_done(&body);
    if (is_there && answer->status == 200)
        return EXIT_DONE;
    if (is_there) {
        asking_explain(answer);
        client_answer_done(answer);
    }
    return EXIT_FAILED;
}

/* Looks until all nodes that are present have the order, or the time is over. Only with EXIT_DONE
 * there is an answer left to give back. */
static int await(struct wish *w, uint64_t number, struct client_answer *answer)
{
    const int64_t until_ms = clock_ms() + (int64_t)w->wait_s * 1000;
    char path[PATH_ROOM];

    snprintf(path, sizeof path, "/api/v1/orders/%" PRIu64, number);
    for (;;) {
        if (!asking_send(
                &w->who, &(struct asking_request){ .method = "GET", .path = path }, answer))
            return EXIT_FAILED;
        if (answer->status == 200 && order_ask_progress(answer->body) == ORDER_APPLIED)
            return EXIT_DONE;
        if (clock_ms() >= until_ms)
            break;
        client_answer_done(answer);
        pause_ms(LOOK_MS);
    }
    if (answer->status == 200)
        asking_print(answer, w->as_json, table_order);
    fprintf(stderr,
        "waypost: order %" PRIu64 " is in the log, and not all nodes that are present have it "
        "after %" PRIu64 " s; `waypost orders %" PRIu64 "` says when they have\n",
        number, w->wait_s, number);
    client_answer_done(answer);
    return EXIT_FAILED;
}

/* One order from its words to what people are shown; with `is_silent` it is not waited for. */
static int order(struct wish *w, const char *path, struct order_words *words, bool is_silent)
{
    struct client_answer answer;
    uint64_t number = 0;
    int code = give(w, path, words, &answer);

    if (code != EXIT_DONE)
        return code;
    if (is_silent || w->wait_s == 0 || !order_ask_number(answer.body, &number)) {
        code = asking_print(&answer, w->as_json, table_order);
        client_answer_done(&answer);
        return code;
    }
    client_answer_done(&answer);
    code = await(w, number, &answer);
    if (code != EXIT_DONE)
        return code;
    code = asking_print(&answer, w->as_json, table_order);
    client_answer_done(&answer);
    return code;
}

/* Nodes apply orders in turn, so receipts of the last are receipts of all. */
static int purge_urls(struct wish *w, int count, char **urls)
{
    for (int i = 0; i < count; i++) {
        struct order_words words = { .key = "url", .value = urls[i], .is_soft = w->is_soft };
        int code = order(w, "/api/v1/purge", &words, i + 1 < count);

        if (code != EXIT_DONE)
            return code;
    }
    return EXIT_DONE;
}

int command_purge(int argc, char **argv)
{
    struct wish w;

    if (!parse(argc, argv, &w) || w.limit != 0)
        return command_usage(argv[0]);
    int urls = argc - optind, kinds = (urls > 0) + (w.prefix != NULL) + (w.site != NULL);

    if (kinds != 1 || (w.tag != NULL && w.site == NULL))
        return command_usage(argv[0]);
    if (urls > 0)
        return purge_urls(&w, urls, argv + optind);
    struct order_words words = { .key = "prefix", .value = w.prefix, .is_soft = w.is_soft };

    if (w.tag != NULL) {
        words.key = "tag";
        words.value = w.tag;
        words.site = w.site;
    } else if (w.site != NULL) {
        words.key = "site";
        words.value = w.site;
    }
    return order(&w, "/api/v1/purge", &words, false);
}

static int drain(int argc, char **argv, const char *path)
{
    static const char *const KINDS[] = { "pop", "node", "origin" };
    struct order_words words = { 0 };
    struct wish w;

    if (!parse(argc, argv, &w) || w.limit != 0 || is_of_purge(&w) || argc - optind != 2)
        return command_usage(argv[0]);
    for (size_t i = 0; i < COUNT_OF(KINDS); i++)
        if (strcmp(argv[optind], KINDS[i]) == 0)
            words.key = KINDS[i];
    words.value = argv[optind + 1];
    return words.key == NULL ? command_usage(argv[0]) : order(&w, path, &words, false);
}

int command_drain(int argc, char **argv)
{
    return drain(argc, argv, "/api/v1/drain");
}

int command_undrain(int argc, char **argv)
{
    return drain(argc, argv, "/api/v1/undrain");
}

int command_orders(int argc, char **argv)
{
    struct client_answer answer;
    char path[PATH_ROOM] = "/api/v1/orders";
    uint64_t number = 0;
    struct wish w;

    if (!parse(argc, argv, &w) || is_of_purge(&w) || w.has_wait || argc - optind > 1)
        return command_usage(argv[0]);
    if (optind < argc &&
        (w.limit != 0 || !slice_number(slice_text(argv[optind]), INT64_MAX, &number) ||
            number == 0))
        return command_usage(argv[0]);
    if (number != 0)
        snprintf(path, sizeof path, "/api/v1/orders/%" PRIu64, number);
    else if (w.limit != 0)
        snprintf(path, sizeof path, "/api/v1/orders?limit=%" PRIu64, w.limit);
    int code = asking_ask(&w.who, "GET", path, &answer);

    if (code != EXIT_DONE)
        return code;
    code = asking_print(&answer, w.as_json, number != 0 ? table_order : table_orders);
    client_answer_done(&answer);
    return code;
}
