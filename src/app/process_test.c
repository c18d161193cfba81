// SPDX-License-Identifier: Apache-2.0
/*
 * A whole program with real threads and sockets: visitors on threads of their own ask without a
 * pause while the configuration is reloaded. Addresses are loopback ones of this process alone.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/process.h"
#include "app/reload.h"
#include "app/sim_origin_test.h"
#include "base/mem.h"
#include "bus/bus.h"
#include "wire/heartbeat.h"

enum { VISITORS = 4, ROUNDS = 150, RELOADS = 20, PORT = 20080, DNS_PORT = 20053, TEXT_MAX = 4096 };

static const char CONFIG[] = "network: example\n"
                             "zone: cdn.test\n"
                             "nameservers: [ns1.cdn.test]\n"
                             "contact: hostmaster@cdn.test\n"
                             "state: %s\n"
                             "pops:\n"
                             "  fra:\n"
                             "    nodes:\n"
                             "      fra1: {address: [%s], ports: {dns: %d, http: %d, admin: %s}}\n"
                             "    cache: {memory: 16 MiB}\n"
                             "customers:\n"
                             "  acme:\n"
                             "    origins:\n"
                             "      one: {address: \"%s:%d\"}\n"
                             "    sites:\n"
                             "      static.test: {deliver: [one]%s}\n"
                             "accounts: {node: fra1}\n";

struct scene {
    char folder[64], config[96], node_at[32], origin_at[32];
    char admin[8]; // its port
    struct epoch epoch;
    struct workers *threads; // of the origin
    struct origin_server origin;
    struct process *process;
    pthread_t running;
    atomic_uint failures, answers;
};

static void write_config(const struct scene *s, const char *more)
{
    char text[TEXT_MAX], next[128];

    snprintf(text, sizeof text, CONFIG, s->folder, s->node_at, DNS_PORT, PORT, s->admin,
        s->origin_at, PORT, more);
    snprintf(next, sizeof next, "%s.next", s->config);
    FILE *file = fopen(next, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(next, s->config), 0); // never half of it
}

static void open_origin(struct scene *s)
{
    const struct workers_plan plan = { .name = "origin", .count = 1 };
    struct origin_server *o = &s->origin;
    struct in_addr address;

    assert_int_equal(inet_pton(AF_INET, s->origin_at, &address), 1);
    const uint8_t *bytes = (const uint8_t *)&address;

    epoch_init(&s->epoch);
    assert_int_equal(workers_new(&plan, &s->epoch, &s->threads), ERR_NONE);
    o->service = (struct http_service){ .serve = origin_serve, .over = origin_over };
    o->at = (struct endpoint){ ip_v4(bytes[0], bytes[1], bytes[2], bytes[3]), PORT };
    o->loop = workers_loop(s->threads, 0);
    o->server = http_server_new(o->loop, &o->service, &HTTP_SERVER_LIMITS_DEFAULT);
    assert_int_equal(
        listener_open(o->loop, &o->at, http_server_listener(o->server), &o->listener), ERR_NONE);
    assert_int_equal(workers_start(s->threads), ERR_NONE);
}

static void close_origin(struct scene *s)
{
    workers_stop(s->threads);
    listener_close(s->origin.listener);
    http_server_free(s->origin.server);
    workers_free(s->threads);
    epoch_done(&s->epoch);
}

static void *run_process(void *argument)
{
    process_run(((struct scene *)argument)->process);
    return NULL;
}

/* All but the process. */
static struct scene *scene_set(void)
{
    struct scene *s = mem_new(struct scene);
    unsigned own = (unsigned)getpid() % 60000;

    snprintf(s->folder, sizeof s->folder, "/tmp/waypost-process-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->config, sizeof s->config, "%s/waypost.yaml", s->folder);
    snprintf(s->node_at, sizeof s->node_at, "127.77.%u.%u", own / 250, own % 250 + 1);
    snprintf(s->origin_at, sizeof s->origin_at, "127.78.%u.%u", own / 250, own % 250 + 1);
    snprintf(s->admin, sizeof s->admin, "off");
    write_config(s, "");
    open_origin(s);
    return s;
}

static enum err try_start(struct scene *s, struct diag *why)
{
    struct process_plan plan = { .config = s->config, .all_nodes = true, .workers = 2 };
    struct conf_errors errors;

    plan.log_level = LOG_ERROR;
    conf_errors_init(&errors);
    enum err err = process_start(&plan, &s->process, &errors, why);

    conf_errors_print(&errors, stderr);
    conf_errors_done(&errors);
    return err;
}

static struct scene *scene_open(void)
{
    struct scene *s = scene_set();
    struct diag why = { 0 };
    enum err err = try_start(s, &why);

    if (err != ERR_NONE)
        fail_msg("%s: %s", err_text(err), why.text);
    return s;
}

static void scene_close(struct scene *s)
{
    char command[160];

    process_free(s->process);
    close_origin(s);
    snprintf(command, sizeof command, "rm -rf %s", s->folder);
    assert_int_equal(system(command), 0);
    mem_free(s);
}

/* What came of a GET, up to the connection's end; 0: nothing. */
static size_t ask(const struct scene *s, const char *path, char *room, size_t most)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t length = 0;
    const struct timeval patience = { .tv_sec = 20 };
    char request[256];
    int bytes = snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: static.test\r\nAccept-Language: de\r\n"
        "Connection: close\r\n\r\n",
        path);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    inet_pton(AF_INET, s->node_at, &to.sin_addr);
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
        send(fd, request, (size_t)bytes, MSG_NOSIGNAL) == bytes)
        for (ssize_t got; (got = recv(fd, room + length, most - length, 0)) > 0;)
            length += (size_t)got;
    close(fd);
    return length;
}

static bool is_right(const char *path, const char *answer, size_t length, size_t expected)
{
    const char *body = memmem(answer, length, "\r\n\r\n", 4);
    bool varies = strncmp(path, "/vary", 5) == 0;
    uint64_t name =
        hash_bytes(slice_text(path), 0) ^ hash_bytes(varies ? SLICE("de") : SLICE_NONE, 1);

    if (body == NULL || length < 12 || memcmp(answer, "HTTP/1.1 200", 12) != 0)
        return false;
    body += 4;
    if (answer + length - body != (ptrdiff_t)expected)
        return false;
    for (size_t i = 0; i < expected; i++)
        if ((unsigned char)body[i] != body_byte(name, i))
            return false;
    return true;
}

static void *visit_often(void *argument)
{
    static const char *const KINDS[] = { "kept", "vary", "private", "brief" };
    struct scene *s = argument;
    unsigned luck = (unsigned)(uintptr_t)&luck;
    char path[64], *answer = mem_alloc(1 << 17);

    for (int i = 0; i < ROUNDS; i++) {
        size_t bytes = 100 + (size_t)(rand_r(&luck) % 40) * 1000;

        snprintf(
            path, sizeof path, "/%s/%zu", KINDS[(unsigned)rand_r(&luck) % COUNT_OF(KINDS)], bytes);
        size_t length = ask(s, path, answer, 1 << 17);

        atomic_fetch_add(&s->answers, 1);
        if (!is_right(path, answer, length, bytes))
            atomic_fetch_add(&s->failures, 1);
    }
    mem_free(answer);
    return NULL;
}

static void visitors_notice_nothing_of_reloads(void **)
{
    static const char *const CHANGES[] = { "", ", object_max: 10 KiB", "} # broken",
        ", paths: {/kept/*: {ttl: 1h}}", "" };
    const struct timespec moment = { .tv_nsec = 20000000 };
    struct scene *s = scene_open();
    pthread_t visitors[VISITORS];

    assert_int_equal(pthread_create(&s->running, NULL, run_process, s), 0);
    for (size_t i = 0; i < VISITORS; i++)
        assert_int_equal(pthread_create(&visitors[i], NULL, visit_often, s), 0);
    for (size_t i = 0; i < RELOADS; i++) {
        write_config(s, CHANGES[i % COUNT_OF(CHANGES)]);
        reload_request(s->process->reload);
        nanosleep(&moment, NULL);
    }
    for (size_t i = 0; i < VISITORS; i++)
        pthread_join(visitors[i], NULL);
    pthread_kill(s->running, SIGTERM);
    pthread_join(s->running, NULL);
    assert_int_equal(s->answers, VISITORS * ROUNDS);
    assert_int_equal(s->failures, 0);
    scene_close(s);
}

static void a_stop_amid_visits_and_a_reload_ends_in_peace(void **)
{
    struct scene *s = scene_open();
    const struct timespec moment = { .tv_nsec = 30000000 };
    pthread_t visitors[VISITORS];

    assert_int_equal(pthread_create(&s->running, NULL, run_process, s), 0);
    for (size_t i = 0; i < VISITORS; i++)
        assert_int_equal(pthread_create(&visitors[i], NULL, visit_often, s), 0);
    nanosleep(&moment, NULL);
    reload_request(s->process->reload);
    pthread_kill(s->running, SIGTERM);
    pthread_join(s->running, NULL);
    process_free(s->process);
    s->process = NULL;
    for (size_t i = 0; i < VISITORS; i++) // those who come too late are refused
        pthread_join(visitors[i], NULL);
    assert_true(s->failures < VISITORS * ROUNDS);
    scene_close(s);
}

static void what_was_started_and_never_run_is_freed_while_it_serves(void **)
{
    struct scene *s = scene_open();
    char *answer = mem_alloc(1 << 17);

    assert_true(is_right("/kept/500", answer, ask(s, "/kept/500", answer, 1 << 17), 500));
    mem_free(answer);
    scene_close(s);
}

/* Takes a TCP port before the process does; 0: any, told in *port. */
static int take_port(const char *address, in_port_t *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(*port) };
    socklen_t length = sizeof at;
    const int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes); // stories before were there too
    assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void a_start_that_finds_a_port_taken_says_which_and_ends_in_peace(void **)
{
    const in_port_t ports[] = { PORT, DNS_PORT, 0 }; // of visitors, of questions, of operators
    struct scene *s = scene_set();

    for (size_t i = 0; i < COUNT_OF(ports); i++) {
        in_port_t port = ports[i];
        int fd = take_port(s->node_at, &port);
        char text[8];
        struct diag why = { 0 };

        snprintf(text, sizeof text, "%u", (unsigned)port);
        if (ports[i] == 0) {
            memcpy(s->admin, text, sizeof text);
            write_config(s, "");
        }
        assert_int_equal(try_start(s, &why), ERR_ADDRESS_IN_USE);
        assert_non_null(strstr(why.text, text));
        close(fd);
    }
    scene_close(s);
}

/* Another end of the bus that the process's nodes meet on. */
struct tap {
    struct bus_user user;
    unsigned beats, leaving;
};

static void tap_hears(
    struct bus_user *user, enum bus_lane lane, struct slice from, struct slice payload)
{
    struct tap *tap = container_of(user, struct tap, user);
    struct heartbeat heartbeat;

    if (lane != BUS_HEARTBEATS)
        return;
    assert_true(slice_equal(from, SLICE("fra1")));
    assert_true(heartbeat_parse(payload, &heartbeat));
    tap->beats++;
    tap->leaving += (heartbeat.flags & HEARTBEAT_LEAVING) != 0;
}

static void tap_linked(struct bus_user *, bool, const char *)
{
}

static void a_node_that_is_stopped_tells_the_others(void **)
{
    static const struct bus_user_ops OPS = { .message = tap_hears, .linked = tap_linked };
    const struct workers_plan plan = { .name = "tap", .count = 1 };
    struct scene *s = scene_open();
    struct tap tap = { .user.ops = &OPS };
    struct workers *threads;

    assert_int_equal(workers_new(&plan, &s->epoch, &threads), ERR_NONE);
    struct loop *loop = workers_loop(threads, 0); // turned here
    struct bus *bus = bus_local_open(s->process->hub, loop, SLICE("tap"), &tap.user);

    assert_int_equal(pthread_create(&s->running, NULL, run_process, s), 0);
    for (size_t i = 0; i < 50 && tap.beats == 0; i++)
        loop_turn(loop, span_ms(HEARTBEAT_PERIOD_MS));
    assert_true(tap.beats > 0);
    assert_int_equal(tap.leaving, 0);
    pthread_kill(s->running, SIGTERM);
    pthread_join(s->running, NULL);
    while (loop_turn(loop, (struct span){ 0 }))
        ;
    assert_true(tap.leaving > 0);
    bus_free(bus);
    workers_free(threads);
    process_free(s->process);
    s->process = NULL;
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(visitors_notice_nothing_of_reloads),
        cmocka_unit_test(a_stop_amid_visits_and_a_reload_ends_in_peace),
        cmocka_unit_test(a_node_that_is_stopped_tells_the_others),
        cmocka_unit_test(what_was_started_and_never_run_is_freed_while_it_serves),
        cmocka_unit_test(a_start_that_finds_a_port_taken_says_which_and_ends_in_peace),
    };
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return cmocka_run_group_tests_name("app/process", cases, NULL, NULL);
}
