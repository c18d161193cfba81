// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/demo_config.h"
#include "app/demo_fleet.h"
#include "app/demo_geo.h"
#include "app/demo_origin.h"
#include "app/demo_tour.h"
#include "app/demo_traffic.h"
#include "app/process.h"
#include "app/state.h"
#include "app/wall.h"
#include "base/hash.h"
#include "tls/issuer.h"

#define CERTIFICATE_LIFE span_s((int64_t)30 * 86400) // longer than anybody watches

enum { TEXT_MAX = 1 << 20, PASSWORD_ROOM = 33, FOLDERS_OPEN_MAX = 16 };

#define CONFIG_PATH COMMAND_DEMO_STATE "/waypost.yaml"
#define GEO_PATH    COMMAND_DEMO_STATE "/" DEMO_GEO_NAME
#define NATS_PATH   COMMAND_DEMO_STATE "/" DEMO_NATS_NAME
#define NATS_LOG    COMMAND_DEMO_STATE "/" DEMO_NATS_LOG
#define CA_PATH     COMMAND_DEMO_STATE "/" DEMO_CA_NAME
#define CERT_PATH   COMMAND_DEMO_STATE "/" DEMO_CERT_NAME
#define KEY_PATH    COMMAND_DEMO_STATE "/" DEMO_KEY_NAME
#define LOCK_FOLDER "demo" // one demo at a time
#define LOCK_PATH   COMMAND_DEMO_STATE "/" LOCK_FOLDER "/lock"

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

static enum err write_file(const char *path, const struct demo_config *config,
    void (*write)(struct text *out, const struct demo_config *config), struct diag *why)
{
    struct text text;
    FILE *file = fopen(path, "w");

    text_init(&text, TEXT_MAX);
    write(&text, config);
    bool done = file != NULL && fwrite(text.at, 1, text.length, file) == text.length;

    if (file != NULL)
        done = fclose(file) == 0 && done;
    if (!done)
        diag_say(why, "%s cannot be written: %s", path, strerror(errno));
    text_done(&text);
    return done ? ERR_NONE : ERR_SYSTEM;
}

/* For the sites, by an authority that is forgotten but for its certificate. */
static enum err write_certificate(struct diag *why)
{
    struct tls_issuer *issuer;

    TRY(tls_issuer_new("waypost demo", wall_now(), CERTIFICATE_LIFE, &issuer));
    enum err err = tls_issuer_write(issuer, CA_PATH, why);

    if (err == ERR_NONE)
        err = tls_issuer_issue(issuer, SLICE(DEMO_CERT_HOSTS), CERT_PATH, KEY_PATH, why);
    tls_issuer_free(issuer);
    return err;
}

/* What the network is made from. */
static enum err write_files(
    const struct demo_ports *ports, struct slice bus_password, struct diag *why)
{
    const struct demo_config config = { *ports, SLICE(COMMAND_DEMO_STATE), bus_password };

    TRY(write_file(CONFIG_PATH, &config, demo_config_write, why));
    if (bus_password.length > 0)
        TRY(write_file(NATS_PATH, &config, demo_config_write_nats, why));
    TRY(write_certificate(why));
    return demo_geo_write(GEO_PATH, why);
}

static int clear_one(const char *path, const struct stat *, int, struct FTW *)
{
    if (strcmp(path, LOCK_PATH) != 0)
        remove(path); // fails for the folders of the lock
    return 0;
}

/* All that nodes, their bus and the demo made, this one or one that was killed; but for the lock.
 * The folder is ours (make_folder), and links are not followed. */
static void clear_state(void)
{
    nftw(COMMAND_DEMO_STATE, clear_one, FOLDERS_OPEN_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void remove_state(void)
{
    clear_state();
    remove(LOCK_PATH);
    remove(COMMAND_DEMO_STATE "/" LOCK_FOLDER);
    remove(COMMAND_DEMO_STATE);
}

static enum err open_origins(struct stage *stage, const struct demo_ports *ports, struct diag *why)
{
    const struct workers_plan plan = { .name = "demo", .count = 1 };
    const struct wall now = wall_now();

    TRY(workers_new(&plan, &stage->epoch, &stage->workers));
    for (size_t i = 0; i < DEMO_SERVER_COUNT; i++)
        TRY(demo_origin_open(workers_loop(stage->workers, 0),
            &(struct demo_origin_plan){ &demo_servers[i], *ports, now }, &stage->origins[i], why));
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

static void print_tour(
    const struct demo_ports *ports, const char *program, const struct demo_fleet *fleet)
{
    struct demo_tour tour = {
        .ports = *ports, .program = program, .config = CONFIG_PATH, .authority = CA_PATH
    };
    struct text text;

    if (fleet != NULL)
        tour.bus_pid = fleet->parts[DEMO_FLEET_NATS].child.pid;
    for (size_t i = 0; fleet != NULL && i < DEMO_POP_COUNT; i++)
        tour.node_pids[i] = fleet->parts[i].child.pid;
    text_init(&text, TEXT_MAX);
    demo_tour_write(&text, &tour);
    fwrite(text.at, 1, text.length, stdout);
    fflush(stdout);
    text_done(&text);
}

/* The whole network as this process, until it is stopped. */
static enum err run_here(const struct process_plan *plan, const struct demo_ports *ports,
    struct stage *stage, struct diag *why)
{
    struct process *process = NULL;
    struct conf_errors errors;

    conf_errors_init(&errors);
    enum err err = process_start(plan, &process, &errors, why);

    conf_errors_print(&errors, stderr);
    conf_errors_done(&errors);
    if (err == ERR_NONE)
        err = let_visitors_in(stage, ports, why);
    if (err == ERR_NONE) {
        print_tour(ports, program_invocation_name, NULL);
        process_run(process);
    }
    close_stage(stage); // whose visitors hold connections to the nodes
    process_free(process);
    return err;
}

/* Likewise, each pop as a process of its own. */
static enum err run_fleet(const struct process_plan *plan, const struct demo_ports *ports,
    struct stage *stage, struct diag *why)
{
    struct demo_fleet fleet = { 0 };
    enum err err = demo_fleet_start(&fleet,
        &(struct demo_fleet_plan){ .config = plan->config,
            .nats = NATS_PATH,
            .nats_log = NATS_LOG,
            .ports = *ports,
            .workers = plan->workers },
        why);

    if (err == ERR_NONE)
        err = let_visitors_in(stage, ports, why);
    if (err == ERR_NONE) {
        print_tour(ports, program_invocation_name, &fleet);
        demo_fleet_run(&fleet);
    }
    close_stage(stage);
    demo_fleet_stop(&fleet);
    return err;
}

static int run(const struct process_plan *plan, bool has_nats)
{
    const struct demo_ports ports = DEMO_PORTS_DEFAULT;
    char password[PASSWORD_ROOM] = "";
    struct stage stage = { 0 };
    struct diag why = { 0 };
    int lock;

    if (!make_folder(COMMAND_DEMO_STATE))
        return EXIT_FAILED;
    if (state_lock(SLICE(COMMAND_DEMO_STATE), SLICE(LOCK_FOLDER), &lock, &why) != ERR_NONE) {
        fputs("waypost: a demo runs already on this machine; end it with Ctrl-C first\n", stderr);
        return EXIT_FAILED;
    }
    clear_state();
    if (has_nats)
        snprintf(password, sizeof password, "%016" PRIx64 "%016" PRIx64, hash_seed_random(),
            hash_seed_random());
    epoch_init(&stage.epoch);
    enum err err = write_files(&ports, slice_text(password), &why);

    if (err == ERR_NONE)
        err = open_origins(&stage, &ports, &why);
    if (err == ERR_NONE)
        err =
            has_nats ? run_fleet(plan, &ports, &stage, &why) : run_here(plan, &ports, &stage, &why);
    else
        close_stage(&stage);
    if (err == ERR_NONE)
        puts("\nstopped");
    else
        fprintf(stderr, "waypost: %s\n", why.text[0] != '\0' ? why.text : err_text(err));
    remove_state();
    close(lock);
    return err == ERR_NONE ? EXIT_DONE : EXIT_FAILED;
}

int command_demo(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        { "nats", no_argument, NULL, 'n' },
        { "workers", required_argument, NULL, 'w' },
        { NULL, 0, NULL, 0 },
    };
    struct process_plan plan = {
        .config = CONFIG_PATH, .all_nodes = true, .workers = 2, .log_level = LOG_WARNING
    };
    bool has_nats = false;

    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        uint64_t number;

        if (option == 'n') {
            has_nats = true;
            continue;
        }
        if (option != 'w' || !slice_number(slice_text(optarg), WORKERS_MAX, &number) || number == 0)
            return command_usage(argv[0]);
        plan.workers = (unsigned)number;
    }
    if (optind < argc)
        return command_usage(argv[0]);
    return run(&plan, has_nats);
}
