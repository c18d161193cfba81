// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <glob.h>
#include <stdio.h>
#include <unistd.h>

#include "admin/admin.h"
#include "admin/client.h"
#include "admin/query.h"
#include "admin/table.h"
#include "admin/text.h"
#include "app/commands.h"
#include "conf/load.h"

enum { TEXT_MAX = 64 << 20 };

static const struct option OPTIONS[] = {
    { "config", required_argument, NULL, 'c' },
    { "node", required_argument, NULL, 'n' },
    { "socket", required_argument, NULL, 's' },
    { "json", no_argument, NULL, 'j' },
    { "client", required_argument, NULL, 'i' }, // of why alone
    { NULL, 0, NULL, 0 },
};

struct question {
    const char *config, *node, *socket, *client; // NULL: not said
    const char *name;                            // what is asked about; NULL: nothing
    bool as_json;
    char path[ADMIN_PATH_MAX]; // of the socket that was found
};

/* Whether the words are as they should be; `has_name`: with a name, and perhaps a client. */
static bool parse(int argc, char **argv, bool has_name, struct question *q)
{
    struct ip ip;

    for (int option; (option = getopt_long(argc, argv, "c:", OPTIONS, NULL)) != -1;)
        switch (option) {
        case 'c': q->config = optarg; break;
        case 'n': q->node = optarg; break;
        case 's': q->socket = optarg; break;
        case 'j': q->as_json = true; break;
        case 'i': q->client = optarg; break;
        default: return false;
        }
    if (has_name && optind < argc)
        q->name = argv[optind++];
    if (q->client != NULL && has_name && !ip_parse(slice_text(q->client), &ip)) {
        fprintf(stderr, "waypost: --client %s is no IP address, such as 192.0.2.7\n", q->client);
        return false;
    }
    return optind == argc && has_name == (q->name != NULL) && (has_name || q->client == NULL);
}

/* The socket of the node that was named, or of the first that runs on this machine. */
static bool find_in_network(struct question *q, const struct network *network, struct diag *why)
{
    for (size_t i = 0; i < network->pop_count; i++)
        for (size_t j = 0; j < network->pops[i].node_count; j++) {
            struct slice name = network->pops[i].nodes[j].name;

            if (q->node != NULL && !slice_equal(name, slice_text(q->node)))
                continue;
            if (admin_socket_path(network->state, name, q->path, why) != ERR_NONE)
                return false;
            if (q->node != NULL || access(q->path, F_OK) == 0)
                return true;
        }
    diag_say(why, "no node of %s runs on this machine; start one with `waypost run -c %s`",
        q->config, q->config);
    return false;
}

/* A node that runs although its configuration is broken now: by the folders that are usual. */
static bool find_in_usual_places(struct question *q)
{
    static const char *const FOLDERS[] = { "/var/lib/waypost", COMMAND_DEMO_STATE };
    char pattern[ADMIN_PATH_MAX];
    glob_t found = { 0 };

    for (size_t i = 0; i < COUNT_OF(FOLDERS); i++) {
        snprintf(pattern, sizeof pattern, "%s/%s/admin.sock", FOLDERS[i],
            q->node == NULL ? "*" : q->node);
        if (glob(pattern, i == 0 ? 0 : GLOB_APPEND, NULL, &found) != 0)
            continue;
    }
    bool is_there = found.gl_pathc > 0;

    if (is_there)
        snprintf(q->path, sizeof q->path, "%s", found.gl_pathv[0]);
    globfree(&found);
    return is_there;
}

static bool find_socket(struct question *q, struct diag *why)
{
    struct conf_errors errors;
    bool found;

    if (q->socket != NULL) {
        snprintf(q->path, sizeof q->path, "%s", q->socket);
        return true;
    }
    if (q->config == NULL)
        q->config = access(COMMAND_CONFIG_DEFAULT, F_OK) != 0 &&
                            access(COMMAND_DEMO_STATE "/waypost.yaml", F_OK) == 0
                        ? COMMAND_DEMO_STATE "/waypost.yaml"
                        : COMMAND_CONFIG_DEFAULT;
    conf_errors_init(&errors);
    struct network *network = conf_load_file(q->config, &errors);

    if (network != NULL) {
        found = find_in_network(q, network, why);
    } else {
        found = find_in_usual_places(q);
        if (!found)
            conf_errors_print(&errors, stderr);
        if (!found)
            diag_say(why,
                "%s does not tell where the node is; mend it, or name the node's "
                "admin.sock with --socket",
                q->config);
    }
    network_free(network);
    conf_errors_done(&errors);
    return found;
}

/* The answer's body; unless EXIT_DONE, stderr has said why there is none. */
static int ask(
    struct question *q, const char *method, const char *path, struct client_answer *answer)
{
    struct diag why = { 0 };
    struct client_ask request = {
        .socket = q->path, .method = method, .path = path, .patience = span_s(30)
    };
    struct text text;

    if (!find_socket(q, &why) || client_ask(&request, answer, &why) != ERR_NONE) {
        fprintf(stderr, "waypost: %s\n", why.text);
        return EXIT_FAILED;
    }
    if (answer->status == 200)
        return EXIT_DONE;
    text_init(&text, TEXT_MAX);
    client_explain(answer, &text);
    fprintf(stderr, "%.*s", SLICE_ARG(text_slice(&text)));
    text_done(&text);
    client_answer_done(answer);
    return EXIT_FAILED;
}

typedef enum err table_fn(struct text *out, struct slice json, struct diag *why);

/* Asks, and prints the answer as it is or as text for people. */
static int show(struct question *q, const char *path, table_fn *table)
{
    struct client_answer answer;
    struct diag why = { 0 };
    struct text text;
    enum err err = ERR_NONE;
    int code = ask(q, "GET", path, &answer);

    if (code != EXIT_DONE)
        return code;
    text_init(&text, TEXT_MAX);
    if (!q->as_json)
        err = table(&text, answer.body, &why);
    if (err != ERR_NONE)
        fprintf(stderr, "waypost: %s\n", why.text);
    else
        printf("%.*s", SLICE_ARG(q->as_json ? answer.body : text_slice(&text)));
    text_done(&text);
    client_answer_done(&answer);
    return err == ERR_NONE ? EXIT_DONE : EXIT_FAILED;
}

int command_status(int argc, char **argv)
{
    struct question q = { 0 };

    if (!parse(argc, argv, false, &q))
        return command_usage(argv[0]);
    return show(&q, "/api/v1/status", table_status);
}

static void add_to_query(struct text *path, const char *key, const char *value)
{
    if (value == NULL)
        return;
    text_say(path, "%s", key);
    query_escape(path, slice_text(value));
}

int command_why(int argc, char **argv)
{
    struct question q = { 0 };
    struct text path;

    if (!parse(argc, argv, true, &q))
        return command_usage(argv[0]);
    text_init(&path, TEXT_MAX);
    add_to_query(&path, "/api/v1/why?name=", q.name);
    add_to_query(&path, "&client=", q.client);
    add_to_query(&path, "&node=", q.node);
    int code = show(&q, path.at, table_why);

    text_done(&path);
    return code;
}

int command_reload(int argc, char **argv)
{
    struct question q = { 0 };
    struct client_answer answer;

    if (!parse(argc, argv, false, &q))
        return command_usage(argv[0]);
    int code = ask(&q, "POST", "/api/v1/reload", &answer);

    if (code != EXIT_DONE)
        return code;
    if (q.as_json)
        printf("%.*s", SLICE_ARG(answer.body));
    else
        puts("the configuration file as it is now is in use");
    client_answer_done(&answer);
    return EXIT_DONE;
}
