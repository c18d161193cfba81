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
#include "app/demo_geo.h"
#include "app/demo_origin.h"
#include "app/demo_tour.h"
#include "app/demo_traffic.h"
#include "app/process.h"
#include "app/state.h"

enum { TEXT_MAX = 1 << 20 };

#define CONFIG_PATH COMMAND_DEMO_STATE "/waypost.yaml"
#define GEO_PATH    COMMAND_DEMO_STATE "/" DEMO_GEO_NAME
#define LOCK_FOLDER "demo" // one demo at a time

/*
 * What the demo has beside the network itself: web servers and visitors, on a thread of their own.
 * The servers are there before the network, which measures them before it answers; the visitors
 * come after it.
 */
struct stage {
    struct epoch epoch;
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

static enum err write_config(const struct demo_ports *ports, struct diag *why)
{
    struct text text;
    FILE *file = fopen(CONFIG_PATH, "w");

    text_init(&text, TEXT_MAX);
    demo_config_write(&text, ports, SLICE(COMMAND_DEMO_STATE));
    bool done = file != NULL && fwrite(text.at, 1, text.length, file) == text.length;

    if (file != NULL)
        done = fclose(file) == 0 && done;
    if (!done)
        diag_say(why, "%s cannot be written: %s", CONFIG_PATH, strerror(errno));
    text_done(&text);
    return done ? ERR_NONE : ERR_SYSTEM;
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
    remove(GEO_PATH);
    remove(COMMAND_DEMO_STATE);
}

static enum err open_origins(struct stage *stage, const struct demo_ports *ports, struct diag *why)
{
    const struct workers_plan plan = { .name = "demo", .count = 1 };
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    TRY(workers_new(&plan, &stage->epoch, &stage->workers));
    for (size_t i = 0; i < DEMO_SERVER_COUNT; i++)
        TRY(demo_origin_open(workers_loop(stage->workers, 0),
            &(struct demo_origin_plan){ &demo_servers[i], *ports, wall_from_s(now.tv_sec) },
            &stage->origins[i], why));
    return workers_start(stage->workers);
}

static enum err let_visitors_in(
    struct stage *stage, const struct demo_ports *ports, struct diag *why)
{
    workers_stop(stage->workers);
    TRY(demo_traffic_start(workers_loop(stage->workers, 0), ports, &stage->traffic, why));
    return workers_start(stage->workers);
}

static void close_stage(struct stage *stage)
{
    if (stage->workers != NULL)
        workers_stop(stage->workers);
    demo_traffic_stop(stage->traffic);
    for (size_t i = 0; i < DEMO_SERVER_COUNT; i++)
        demo_origin_close(stage->origins[i]);
    workers_free(stage->workers);
    epoch_done(&stage->epoch);
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

static enum err start(const struct process_plan *plan, const struct demo_ports *ports,
    struct stage *stage, struct process **process, struct diag *why)
{
    struct conf_errors errors;

    TRY(write_config(ports, why));
    TRY(demo_geo_write(GEO_PATH, why));
    TRY(open_origins(stage, ports, why));
    conf_errors_init(&errors);
    enum err err = process_start(plan, process, &errors, why);

    conf_errors_print(&errors, stderr);
    conf_errors_done(&errors);
    TRY(err);
    return let_visitors_in(stage, ports, why);
}

static int run(const struct process_plan *plan, const char *program)
{
    const struct demo_ports ports = DEMO_PORTS_DEFAULT;
    struct process *process = NULL;
    struct stage stage = { 0 };
    struct diag why = { 0 };
    int lock;

    if (!make_folder(COMMAND_DEMO_STATE))
        return EXIT_FAILED;
    if (state_lock(SLICE(COMMAND_DEMO_STATE), SLICE(LOCK_FOLDER), &lock, &why) != ERR_NONE) {
        fputs("waypost: a demo runs already on this machine; end it with Ctrl-C first\n", stderr);
        return EXIT_FAILED;
    }
    epoch_init(&stage.epoch);
    enum err err = start(plan, &ports, &stage, &process, &why);

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
