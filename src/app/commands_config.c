// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <stdio.h>

#include "app/commands.h"
#include "conf/json_schema.h"
#include "conf/load.h"
#include "conf/summary.h"

int command_check(int argc, char **argv)
{
    const char *path = COMMAND_CONFIG_DEFAULT;
    struct conf_errors errors;

    for (int option; (option = getopt(argc, argv, "c:")) != -1;) {
        if (option != 'c')
            return command_usage(argv[0]);
        path = optarg;
    }
    if (optind < argc)
        return command_usage(argv[0]);
    conf_errors_init(&errors);
    struct network *network = conf_load_file(path, &errors);

    if (network == NULL)
        conf_errors_print(&errors, stderr);
    else
        conf_summary_write(network, stdout);
    int code = network == NULL ? EXIT_FAILED : EXIT_DONE;

    network_free(network);
    conf_errors_done(&errors);
    return code;
}

int command_schema(int argc, char **argv)
{
    if (argc > 1)
        return command_usage(argv[0]);
    conf_json_schema_write(stdout);
    return EXIT_DONE;
}

int command_settings(int argc, char **argv)
{
    if (argc > 1)
        return command_usage(argv[0]);
    conf_reference_write(stdout);
    return EXIT_DONE;
}
