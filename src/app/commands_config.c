// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "app/certificates.h"
#include "app/commands.h"
#include "app/wall.h"
#include "conf/json_schema.h"
#include "conf/load.h"
#include "conf/summary.h"

/* The configuration is good as it stands; so are the files it names? Prints what would be served.
 */
static bool check_files(const struct network *network, struct conf_errors *errors)
{
    struct wall now = wall_now();
    struct certificates *certificates = certificates_new(network, NULL, now, errors);

    if (certificates == NULL)
        return false;
    conf_summary_write(network, stdout);
    certificates_write(certificates, now, stdout);
    certificates_free(certificates);
    return true;
}

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

    int code = network != NULL && check_files(network, &errors) ? EXIT_DONE : EXIT_FAILED;

    conf_errors_print(&errors, stderr);

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
    if (argc == 1)
        conf_reference_write(stdout);
    else if (argc == 2 && strcmp(argv[1], "--man") == 0)
        conf_man_write(stdout);
    else
        return command_usage(argv[0]);
    return EXIT_DONE;
}
