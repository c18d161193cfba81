// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/demo_config.h"
#include "app/demo_origin.h"
#include "app/demo_tour.h"
#include "app/demo_traffic.h"
#include "app/process.h"
#include "app/state.h"

enum { TEXT_MAX = 1 << 20 };

#define CONFIG_PATH COMMAND_DEMO_STATE "/waypost.yaml"
#define LOCK_FOLDER "demo" // one demo at a time

/* What the demo has beside the network itself: web servers and visitors, on a thread of their own.
 */
struct stage {
    struct workers *workers;
    struct demo_origin *origins[DEMO_SERVER_COUNT];
    struct demo_traffic *traffic;
};

static bool make_folder(const char *path)
{
    struct stat about;

    if (mkdir(path, 0700) == 0)
        return true;
    if (errno == EEXIST && lstat(path, &about) == 0 && S_ISDIR(about.st_mode) &&
        about.st_uid == geteuid())
        return true;
    fprintf(stderr, "waypost: the folder %s cannot be used for the demo; remove it first\n", path);
    return false;
}

static bool write_config(const struct demo_ports *ports)
{
    struct text text;
    FILE *file = fopen(CONFIG_PATH, "w");

    text_init(&text, TEXT_MAX);
    demo_config_write(&text, ports, SLICE(COMMAND_DEMO_STATE));
    bool done = file != NULL && fwrite(text.at, 1, text.length, file) == text.length;

    if (file != NULL)
        done = fclose(file) == 0 && done;
    if (!done)
        fprintf(stderr, "waypost: %s cannot be written: %s\n", CONFIG_PATH, strerror(errno));
    text_done(&text);
    return done;
}

static void remove_in(const char *folder, const char *name)
{
    char path[ADMIN_PATH_MAX];

    snprintf(path, sizeof path, COMMAND_DEMO_STATE "/%s%s%s", folder, name == NULL ? "" : "/",
        name == NULL ? "" : name);
    remove(path);
}

/* What the nodes and the demo made. */
static void remove_state(void)
{
    for (size_t i = 0; i < DEMO_POP_COUNT; i++) {
        remove_in(demo_pops[i].node, "admin.sock");
        remove_in(demo_pops[i].node, "lock");
        remove_in(demo_pops[i].node, NULL);
    }
    remove_in(LOCK_FOLDER, "lock");
    remove_in(LOCK_FOLDER, NULL);
    remove(CONFIG_PATH);
    remove(COMMAND_DEMO_STATE);
}

static enum err open_stage(
    struct stage *stage, struct process *process, const struct demo_ports *ports, struct diag *why)
{
    const struct workers_plan plan = {
        .name = "demo", .count = 1, .first_index = workers_count(process->workers) + 1
    };
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    TRY(workers_new(&plan, &process->epoch, &stage->workers));
    struct loop *loop = workers_loop(stage->workers, 0);

    for (size_t i = 0; i < DEMO_SERVER_COUNT; i++)
        TRY(demo_origin_open(loop,
            &(struct demo_origin_plan){ &demo_servers[i], *ports, wall_from_s(now.tv_sec) },
            &stage->origins[i], why));
    TRY(demo_traffic_start(loop, ports, &stage->traffic, why));
    return workers_start(stage->workers);
}

static void close_stage(struct stage *stage)
{
    if (stage->workers == NULL)
        return;
    workers_stop(stage->workers);
    demo_traffic_stop(stage->traffic);
    for (size_t i = 0; i < DEMO_SERVER_COUNT; i++)
        demo_origin_close(stage->origins[i]);
    workers_free(stage->workers);
}

static void print_tour(const struct demo_ports *ports, const char *program)
{
    struct text text;

    text_init(&text, TEXT_MAX);
    demo_tour_write(
        &text, &(struct demo_tour){ .ports = *ports, .program = program, .config = CONFIG_PATH });
    fwrite(text.at, 1, text.length, stdout);
    fflush(stdout);
    text_done(&text);
}

static int run(const struct process_plan *plan, const char *program)
{
    const struct demo_ports ports = DEMO_PORTS_DEFAULT;
    struct process *process = NULL;
    struct stage stage = { 0 };
    struct conf_errors errors;
    struct diag why = { 0 };

    int lock;

    if (!make_folder(COMMAND_DEMO_STATE))
        return EXIT_FAILED;
    if (state_lock(SLICE(COMMAND_DEMO_STATE), SLICE(LOCK_FOLDER), &lock, &why) != ERR_NONE) {
        fputs("waypost: a demo runs already on this machine; end it with Ctrl-C first\n", stderr);
        return EXIT_FAILED;
    }
    if (!write_config(&ports))
        return EXIT_FAILED;
    conf_errors_init(&errors);
    enum err err = process_start(plan, &process, &errors, &why);

    conf_errors_print(&errors, stderr);
    conf_errors_done(&errors);
    if (err == ERR_NONE)
        err = open_stage(&stage, process, &ports, &why);
    if (err == ERR_NONE) {
        print_tour(&ports, program);
        process_run(process);
        puts("\nstopped");
    } else {
        fprintf(stderr, "waypost: %s\n", why.text[0] != '\0' ? why.text : err_text(err));
    }
    close_stage(&stage);
    process_free(process);
    remove_state();
    close(lock);
    return err == ERR_NONE ? EXIT_DONE : EXIT_FAILED;
}

int command_demo(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        { "workers", required_argument, NULL, 'w' },
        { NULL, 0, NULL, 0 },
    };
    struct process_plan plan = {
        .config = CONFIG_PATH, .all_nodes = true, .workers = 2, .log_level = LOG_WARNING
    };

    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        uint64_t number;

        if (option != 'w' || !slice_number(slice_text(optarg), WORKERS_MAX, &number) || number == 0)
            return command_usage(argv[0]);
        plan.workers = (unsigned)number;
    }
    if (optind < argc)
        return command_usage(argv[0]);
    return run(&plan, program_invocation_name);
}
