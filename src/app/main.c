// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "base/attr.h"
#include "base/slice.h"

const struct command commands[] = {
    { "demo", "[--nats] [--workers N]",
        "a small network on this machine; says what to try; with --nats each pop is a process of "
        "its own, joined by a nats-server",
        command_demo },
    { "run", "[-c FILE] [--node NAME]... [--all-nodes] [--workers N] [--debug | --quiet]",
        "serve as a node of the network", command_run },
    { "check", "[-c FILE]", "check a configuration: all that is wrong, or what would be served",
        command_check },
    { "status", "[--node NAME | --view NODE | --compare NODE NODE] [-c FILE] [FROM] [--json]",
        "a running node at a glance, all that it knows, or where two nodes differ",
        command_status },
    { "top", "[--once] [-c FILE] [--node NAME] [FROM] [--json]",
        "live figures of nodes, sites and origins, and what changed lately", command_top },
    { "why", "NAME [--client IP] [--at TIME] [-c FILE] [--node NAME] [FROM] [--json]",
        "explain an answer, of now or then: who was weighed, who won, what would change it",
        command_why },
    { "purge",
        "URL... | --prefix URL | --site HOST [--tag TAG]  [--soft] [--wait SECONDS | --no-wait] "
        "[-c FILE] [--node NAME] [FROM] [--json]",
        "make all nodes forget what is stored, or with --soft ask about it; waits for receipts",
        command_purge },
    { "drain",
        "pop|node|origin NAME [--wait SECONDS | --no-wait] [-c FILE] [--node NAME] "
        "[FROM] [--json]",
        "take it out of all answers: who has it keeps it, nobody new gets it", command_drain },
    { "undrain",
        "pop|node|origin NAME [--wait SECONDS | --no-wait] [-c FILE] [--node NAME] "
        "[FROM] [--json]",
        "take it back into the answers", command_undrain },
    { "orders", "[NUMBER | --limit ORDERS] [-c FILE] [--node NAME] [FROM] [--json]",
        "what nodes were told by purge, drain and undrain, and which have done it",
        command_orders },
    { "usage",
        "[CUSTOMER] [--site HOST] [--pop POP] [--month YYYY-MM | --from TIME --to TIME] "
        "[--by hour|day|month|customer|site|pop] [--csv] [-c FILE] [--node NAME] [FROM] [--json] | "
        "--audit LEDGER",
        "what was delivered, as it is in the ledger; or whether such a file is whole",
        command_usage_of },
    { "invoice",
        "[CUSTOMER] [--month YYYY-MM] [--format text|json|csv] [--output FILE] | --verify FILE  "
        "[-c FILE] [--node NAME] [FROM] [--json]",
        "an invoice, or all of a month; or whether one is what the ledger says", command_invoice },
    { "correct",
        "CUSTOMER --site HOST [--pop POP] --month YYYY-MM|--at TIME --kind KIND --take-back AMOUNT "
        "--reason TEXT [-c FILE] [--node NAME] [FROM] [--json]",
        "take back what was counted wrongly, by an entry with a reason", command_correct },
    { "reload", "[-c FILE] [--node NAME] [FROM] [--json]",
        "take the configuration file as it is now into use", command_reload },
    { "token", "NAME [--customer CUSTOMER] [--role viewer | operator | manager] [--json]",
        "make a token to ask with, and the lines that let it in; of an operator's, or a customer's",
        command_token },
    { "rewrite",
        "DIR --site HOST [--page HOST]... [--scheme http | https] [--cors] [--dry-run] [-c FILE] "
        "[--json]",
        "point what the pages in a folder embed at the site that delivers it", command_rewrite },
    { "schema", "", "JSON Schema of the configuration, for editors", command_schema },
    { "settings", "[--man]", "all settings with their defaults, in Markdown, or as waypost.yaml(5)",
        command_settings },
    { "version", "", "the version", command_version },
    { "help", "[--man | --markdown | --completion]",
        "this list; also as waypost(1), as a page of the manual, or for bash to complete by",
        command_help },
    { NULL, NULL, NULL, NULL },
};

int command_usage(const char *name)
{
    for (const struct command *c = commands; c->name != NULL; c++)
        if (strcmp(c->name, name) == 0)
            fprintf(stderr, "usage: waypost %s %s\n", c->name, c->arguments);
    return EXIT_USAGE;
}

static const char *nearest_command(const char *name)
{
    const char *nearest = "help";
    size_t best = 4; // farther than that is another word

    for (const struct command *c = commands; c->name != NULL; c++) {
        size_t distance = slice_distance(slice_text(name), slice_text(c->name));

        if (distance < best) {
            best = distance;
            nearest = c->name;
        }
    }
    return nearest;
}

/* Signals are waited for by one thread (app/process.h), so all others must not be interrupted. */
static void block_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        command_list(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "--help") == 0)
        argv[1] += 2;
    for (const struct command *c = commands; c->name != NULL; c++)
        if (strcmp(c->name, argv[1]) == 0) {
            block_signals();
            return c->run(argc - 1, argv + 1);
        }
    fprintf(stderr, "waypost: there is no command '%s'; did you mean 'waypost %s'?\n", argv[1],
        nearest_command(argv[1]));
    return EXIT_USAGE;
}
