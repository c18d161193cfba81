// SPDX-License-Identifier: Apache-2.0
#include "app/asking.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/client.h"
#include "admin/names.h"
#include "admin/text.h"
#include "app/commands.h"
#include "base/mem.h"
#include "conf/load.h"

enum { PATIENCE_S = 30, EXPLAINED_MAX = 1 << 20, TEXT_MAX = 64 << 20 };

/* The socket of a node that was named; else why it cannot be asked, and how it could. */
static bool find_named(struct asking *who, const struct network *network, struct diag *why)
{
    const struct node *node = network_node(network, slice_text(who->node));
    struct slice nearest = admin_node_nearest(network, slice_text(who->node));
    char address[IP_TEXT_MAX];

    if (node == NULL && nearest.length > 0)
        diag_say(why, "there is no node %s in %s; did you mean %.*s?", who->node, who->config,
            SLICE_ARG(nearest));
    else if (node == NULL)
        diag_say(why, "there is no node %s in %s; `waypost check -c %s` lists them", who->node,
            who->config, who->config);
    if (node == NULL || admin_socket_path(network->state, node->name, who->path, why) != ERR_NONE)
        return false;
    if (access(who->path, F_OK) == 0)
        return true;
    diag_say(why,
        "%s does not run on this machine; start it with `waypost run --node %s`, or, where it runs "
        "elsewhere, bring its socket here first: mkdir -p %.*s/%s && ssh -N -L %s:%s %s",
        who->node, who->node, SLICE_ARG(network->state), who->node, who->path, who->path,
        ip_text(&node->addresses[0], address));
    return false;
}

/* The socket of the first node that runs on this machine. */
static bool find_any(struct asking *who, const struct network *network, struct diag *why)
{
    for (size_t i = 0; i < network->pop_count; i++)
        for (size_t j = 0; j < network->pops[i].node_count; j++) {
            struct slice name = network->pops[i].nodes[j].name;

            if (admin_socket_path(network->state, name, who->path, why) != ERR_NONE)
                return false;
            if (access(who->path, F_OK) == 0)
                return true;
        }
    diag_say(why, "no node of %s runs on this machine; start one with `waypost run -c %s`",
        who->config, who->config);
    return false;
}

/* The socket of a node that runs although its configuration is broken by now: never one of another
 * configuration. */
static bool find_of_broken(struct asking *who)
{
    char pattern[ADMIN_PATH_MAX], *state = conf_file_state(who->config);
    glob_t found = { 0 };
    bool is_there = false;

    if (state == NULL)
        return false;
    int length = snprintf(
        pattern, sizeof pattern, "%s/%s/admin.sock", state, who->node == NULL ? "*" : who->node);

    if (length < (int)sizeof pattern && glob(pattern, 0, NULL, &found) == 0) {
        is_there = strlen(found.gl_pathv[0]) < sizeof who->path;
        snprintf(who->path, sizeof who->path, "%s", found.gl_pathv[0]);
    }
    globfree(&found);
    mem_free(state);
    return is_there;
}

static bool find_socket(struct asking *who, struct diag *why)
{
    struct conf_errors errors;
    bool found;

    if (who->path[0] != '\0')
        return true;
    if (who->socket != NULL) {
        snprintf(who->path, sizeof who->path, "%s", who->socket);
        return true;
    }
    if (who->config == NULL)
        who->config = access(COMMAND_CONFIG_DEFAULT, F_OK) != 0 &&
                              access(COMMAND_DEMO_STATE "/waypost.yaml", F_OK) == 0
                          ? COMMAND_DEMO_STATE "/waypost.yaml"
                          : COMMAND_CONFIG_DEFAULT;
    conf_errors_init(&errors);
    struct network *network = conf_load_file(who->config, &errors);

    if (network != NULL) {
        found = who->node != NULL ? find_named(who, network, why) : find_any(who, network, why);
    } else {
        found = find_of_broken(who);
        if (!found)
            conf_errors_print(&errors, stderr);
        if (!found)
            diag_say(why,
                "%s does not tell where the node is; mend it, or name the node's "
                "admin.sock with --socket",
                who->config);
    }
    network_free(network);
    conf_errors_done(&errors);
    return found;
}

bool asking_option(struct asking *who, int option, const char *value)
{
    switch (option) {
    case 'c': who->config = value; return true;
    case 'n': who->node = value; return true;
    case 's': who->socket = value; return true;
    case 'u': who->url = value; return true;
    case 'k': who->token = value; return true;
    case 'a': who->ca = value; return true;
    default: return false;
    }
}

/* Whether it is known who is to be asked; else `why` says so. */
static bool find(struct asking *who, struct diag *why)
{
    if (who->url == NULL && who->ca == NULL)
        return find_socket(who, why);
    if (who->url != NULL && who->token != NULL)
        return true;
    diag_say(why, "from afar takes both --url https://HOST:PORT and --token FILE");
    return false;
}

bool asking_send(
    struct asking *who, const struct asking_request *request, struct client_answer *answer)
{
    struct diag why = { 0 };
    struct client_ask ask = { .url = who->url,
        .token = who->token,
        .ca = who->ca,
        .socket = who->path,
        .method = request->method,
        .path = request->path,
        .body = request->body,
        .patience = span_s(PATIENCE_S) };

    if (find(who, &why) && client_ask(&ask, answer, &why) == ERR_NONE)
        return true;
    fprintf(stderr, "waypost: %s\n", why.text);
    return false;
}

int asking_print(const struct client_answer *answer, bool as_json, asking_table_fn *table)
{
    struct diag why = { 0 };
    struct text text;
    enum err err = ERR_NONE;

    text_init(&text, TEXT_MAX);
    if (!as_json)
        err = table(&text, answer->body, &why);
    if (err != ERR_NONE)
        fprintf(stderr, "waypost: %s\n", why.text);
    else
        printf("%.*s", SLICE_ARG(as_json ? answer->body : text_slice(&text)));
    text_done(&text);
    return err == ERR_NONE ? EXIT_DONE : EXIT_FAILED;
}

void asking_explain(const struct client_answer *answer)
{
    struct text text;

    text_init(&text, EXPLAINED_MAX);
    client_explain(answer, &text);
    fprintf(stderr, "%.*s", SLICE_ARG(text_slice(&text)));
    text_done(&text);
}

int asking_ask(
    struct asking *who, const char *method, const char *path, struct client_answer *answer)
{
    if (!asking_send(who, &(struct asking_request){ .method = method, .path = path }, answer))
        return EXIT_FAILED;
    if (answer->status == 200)
        return EXIT_DONE;
    asking_explain(answer);
    client_answer_done(answer);
    return EXIT_FAILED;
}
