// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <stdio.h>
#include <time.h>

#include "admin/client.h"
#include "admin/query.h"
#include "admin/table.h"
#include "admin/text.h"
#include "admin/view.h"
#include "app/asking.h"
#include "app/commands.h"

enum {
    TEXT_MAX = 64 << 20,
    EPOCH_LOOKS_MAX = 5, // for two maps of one epoch
    EPOCH_LOOK_MS = 400,
};

static const struct option OPTIONS[] = {
    ASKING_OPTIONS,
    { "json", no_argument, NULL, 'j' },
    { "client", required_argument, NULL, 'i' },  // of why alone
    { "at", required_argument, NULL, 't' },      // likewise
    { "view", required_argument, NULL, 'v' },    // of status alone
    { "compare", required_argument, NULL, 'C' }, // likewise
    { NULL, 0, NULL, 0 },
};

struct question {
    struct asking who;
    const char *client;  // NULL: not said
    const char *at;      // likewise: a time that has been
    const char *name;    // what is asked about; NULL: nothing
    const char *view;    // the node whose view is asked for
    const char *compare; // the node that `name` is compared with
    bool as_json;
};

/* Options that only one command knows. */
enum takes { TAKES_NOTHING, TAKES_VIEWS, TAKES_NAME };

/*
 * Whether the words are as they should be. TAKES_NAME: with a name, and perhaps a client.
 * TAKES_VIEWS: perhaps with a node whose view is asked for, or two that are compared.
 */
static bool parse(int argc, char **argv, enum takes takes, struct question *q)
{
    struct ip ip;
    bool has_name;

    for (int option; (option = getopt_long(argc, argv, "c:", OPTIONS, NULL)) != -1;)
        switch (option) {
        case 'j': q->as_json = true; break;
        case 'i': q->client = optarg; break;
        case 't': q->at = optarg; break;
        case 'v': q->view = optarg; break;
        case 'C': q->compare = optarg; break;
        default:
            if (!asking_option(&q->who, option, optarg))
                return false;
        }
    if (takes != TAKES_VIEWS && (q->view != NULL || q->compare != NULL))
        return false;
    if (q->view != NULL && (q->compare != NULL || q->who.node != NULL))
        return false;
    if (q->compare != NULL && q->who.node != NULL)
        return false;
    has_name = takes == TAKES_NAME || q->compare != NULL;
    if (has_name && optind < argc)
        q->name = argv[optind++];
    if (q->client != NULL && takes == TAKES_NAME && !ip_parse(slice_text(q->client), &ip)) {
        fprintf(stderr, "waypost: --client %s is no IP address, such as 192.0.2.7\n", q->client);
        return false;
    }
    return optind == argc && has_name == (q->name != NULL) &&
           (takes == TAKES_NAME || (q->client == NULL && q->at == NULL));
}

/* Asks, and prints the answer as it is or as text for people. */
static int show(struct question *q, const char *path, asking_table_fn *table)
{
    struct client_answer answer;
    int code = asking_ask(&q->who, "GET", path, &answer);

    if (code != EXIT_DONE)
        return code;
    code = asking_print(&answer, q->as_json, table);
    client_answer_done(&answer);
    return code;
}

static void add_to_query(struct text *path, const char *key, const char *value)
{
    if (value == NULL)
        return;
    text_say(path, "%s", key);
    query_escape(path, slice_text(value));
}

/* The page of a view that comes after such a place, or the first. */
static int ask_page(struct question *q, const char *after, struct client_answer *answer)
{
    struct text path;

    text_init(&path, TEXT_MAX);
    text_say(&path, "/api/v1/view?limit=%d", VIEW_TOLD_MAX);
    add_to_query(&path, "&node=", q->view);
    add_to_query(&path, "&after=", after);
    int code = asking_ask(&q->who, "GET", path.at, answer);

    text_done(&path);
    return code;
}

/* For programs the first page, which says how to go on; for people all, up to a limit. */
static int show_view(struct question *q)
{
    struct client_answer answers[TABLE_PAGES_MAX];
    struct slice pages[TABLE_PAGES_MAX];
    char after[TABLE_CELL_MAX] = "";
    struct diag why = { 0 };
    struct text text;
    size_t count = 0;
    int code;

    q->who.node = q->view;
    do {
        code = ask_page(q, count == 0 ? NULL : after, &answers[count]);
        if (code == EXIT_DONE) {
            pages[count] = answers[count].body;
            count++;
        }
    } while (code == EXIT_DONE && !q->as_json && count < TABLE_PAGES_MAX &&
             table_next_page(pages[count - 1], after));
    text_init(&text, TEXT_MAX);
    if (code == EXIT_DONE && !q->as_json && table_view(&text, pages, count, &why) != ERR_NONE) {
        fprintf(stderr, "waypost: %s\n", why.text);
        code = EXIT_FAILED;
    }
    if (code == EXIT_DONE)
        printf("%.*s", SLICE_ARG(q->as_json ? pages[0] : text_slice(&text)));
    text_done(&text);
    while (count > 0)
        client_answer_done(&answers[--count]);
    return code;
}

/* The map of one node, from its own socket; unless EXIT_DONE, stderr says how to reach it. */
static int ask_map(const struct question *q, const char *node, struct client_answer *answer)
{
    struct asking one = q->who;
    struct text path;

    one.node = node;
    text_init(&path, TEXT_MAX);
    add_to_query(&path, "/api/v1/map?node=", node);
    int code = asking_ask(&one, "GET", path.at, answer);

    text_done(&path);
    return code;
}

/* Maps of two epochs differ by what came in between, so a few looks are taken for one of both. */
static int ask_maps(const struct question *q, struct client_answer answers[2])
{
    const struct timespec pause = { .tv_nsec = EPOCH_LOOK_MS * 1000000L };

    for (int looks = 1;; looks++) {
        int code = ask_map(q, q->compare, &answers[0]);

        if (code != EXIT_DONE)
            return code;
        code = ask_map(q, q->name, &answers[1]);
        if (code == EXIT_DONE &&
            (looks == EPOCH_LOOKS_MAX || table_same_epoch(answers[0].body, answers[1].body)))
            return code;
        client_answer_done(&answers[0]);
        if (code != EXIT_DONE)
            return code;
        client_answer_done(&answers[1]);
        nanosleep(&pause, NULL);
    }
}

static int show_difference(const struct question *q)
{
    struct client_answer answers[2];
    struct diag why = { 0 };
    struct text text;
    int code = ask_maps(q, answers);

    if (code != EXIT_DONE)
        return code;
    text_init(&text, TEXT_MAX);
    if (q->as_json)
        text_say(&text, "[%.*s,\n%.*s]\n", SLICE_ARG(answers[0].body), SLICE_ARG(answers[1].body));
    else if (table_compare(&text, answers[0].body, answers[1].body, &why) != ERR_NONE)
        code = EXIT_FAILED;
    if (code == EXIT_DONE)
        printf("%.*s", SLICE_ARG(text_slice(&text)));
    else
        fprintf(stderr, "waypost: %s\n", why.text);
    text_done(&text);
    client_answer_done(&answers[0]);
    client_answer_done(&answers[1]);
    return code;
}

int command_status(int argc, char **argv)
{
    struct question q = { 0 };

    if (!parse(argc, argv, TAKES_VIEWS, &q))
        return command_usage(argv[0]);
    if (q.view != NULL)
        return show_view(&q);
    if (q.compare != NULL)
        return show_difference(&q);
    return show(&q, "/api/v1/status", table_status);
}

int command_why(int argc, char **argv)
{
    struct question q = { 0 };
    struct text path;

    if (!parse(argc, argv, TAKES_NAME, &q))
        return command_usage(argv[0]);
    text_init(&path, TEXT_MAX);
    add_to_query(&path, "/api/v1/why?name=", q.name);
    add_to_query(&path, "&client=", q.client);
    add_to_query(&path, "&at=", q.at);
    add_to_query(&path, "&node=", q.who.node);
    int code = show(&q, path.at, table_why);

    text_done(&path);
    return code;
}

int command_reload(int argc, char **argv)
{
    struct question q = { 0 };
    struct client_answer answer;

    if (!parse(argc, argv, TAKES_NOTHING, &q))
        return command_usage(argv[0]);
    int code = asking_ask(&q.who, "POST", "/api/v1/reload", &answer);

    if (code != EXIT_DONE)
        return code;
    if (q.as_json)
        printf("%.*s", SLICE_ARG(answer.body));
    else
        puts("the configuration file as it is now is in use");
    client_answer_done(&answer);
    return EXIT_DONE;
}
