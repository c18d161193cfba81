// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <stdio.h>

#include "app/commands.h"
#include "app/notify.h"
#include "app/process.h"

static const struct option OPTIONS[] = {
    { "config", required_argument, NULL, 'c' },
    { "node", required_argument, NULL, 'n' },
    { "all-nodes", no_argument, NULL, 'a' },
    { "workers", required_argument, NULL, 'w' },
    { "debug", no_argument, NULL, 'd' },
    { "quiet", no_argument, NULL, 'q' },
    { NULL, 0, NULL, 0 },
};

static bool parse(int argc, char **argv, struct process_plan *plan, struct slice *nodes)
{
    uint64_t number;

    for (int option; (option = getopt_long(argc, argv, "c:", OPTIONS, NULL)) != -1;)
        switch (option) {
        case 'c': plan->config = optarg; break;
        case 'a': plan->all_nodes = true; break;
        case 'd': plan->log_level = LOG_DEBUG; break;
        case 'q': plan->log_level = LOG_WARNING; break;
        case 'n':
            if (plan->node_count == PROCESS_NODES_MAX)
                return false;
            nodes[plan->node_count++] = slice_text(optarg);
            break;
        case 'w':
            if (!slice_number(slice_text(optarg), WORKERS_MAX, &number) || number == 0) {
                fprintf(stderr, "waypost: --workers takes 1 to %d\n", WORKERS_MAX);
                return false;
            }
            plan->workers = (unsigned)number;
            break;
        default: return false;
        }
    return optind == argc;
}

int command_run(int argc, char **argv)
{
    struct slice nodes[PROCESS_NODES_MAX];
    struct process_plan plan = {
        .config = COMMAND_CONFIG_DEFAULT, .nodes = nodes, .log_level = LOG_INFO
    };
    struct process *process = NULL;
    struct conf_errors errors;
    struct diag why = { 0 };

    if (!parse(argc, argv, &plan, nodes))
        return command_usage(argv[0]);
    conf_errors_init(&errors);
    enum err err = process_start(&plan, &process, &errors, &why);

    if (err == ERR_CONFIG && errors.count > 0)
        conf_errors_print(&errors, stderr);
    else if (err != ERR_NONE)
        fprintf(stderr, "waypost: %s\n", why.text);
    conf_errors_done(&errors);
    if (err != ERR_NONE)
        return EXIT_FAILED;
    if (notify_tell("READY=1") != ERR_NONE)
        log_line(&process->log, LOG_WARNING, "app",
            "supervisor_not_told mend=\"NOTIFY_SOCKET names no socket that is listened on\"");
    process_run(process);
    process_free(process);
    return EXIT_DONE;
}
