// SPDX-License-Identifier: Apache-2.0
#include "app/node.h"

#include <assert.h>

#include "app/access_log.h"
#include "app/certificates.h"
#include "base/hash.h"
#include "base/mem.h"
#include "http/guard.h"
#include "io/epoch.h"
#include "io/filter.h"

enum {
    PIPE_BYTES = 256 << 20, // of each worker, for bodies that are passed on
    SERVICE_COUNT = 3,      // at each address: DNS, HTTP and HTTPS
    // Of a request: its head and path, the keys made of them, what goes to the origin, and what is
    // noted for the access log.
    REQUEST_BYTES = 4 * HTTP_HEAD_MAX + 2 * CACHE_KEY_MAX + 2 * ACCESS_TARGET_MAX +
                    ACCESS_REFERER_MAX + ACCESS_AGENT_MAX,
};

#define SWEEP_EVERY span_s(1)

/* A worker's part of what the configuration grants. */
static struct http_server_limits limits_of(
    const struct running_node *node, const struct network_limits *granted)
{
    struct http_server_limits limits = HTTP_SERVER_LIMITS_DEFAULT;
    unsigned worker_count = node->worker_count;
    uint32_t connections = granted->connections < node->connections_most ? granted->connections
                                                                         : node->connections_most;

    limits.connections = connections / worker_count + (connections % worker_count > 0);
    limits.per_client = http_guard_share(granted->per_client, worker_count);
    limits.greeting = granted->handshake;
    limits.head = granted->head;
    limits.idle = granted->idle;
    limits.stall = granted->stall;
    limits.rate = granted->rate_bytes_per_s;
    limits.upgraded = granted->upgraded;
    limits.arena_bytes = REQUEST_BYTES;
    limits.http2 = true;
    return limits;
}

static void use_limits(struct node_worker *w, const struct network_limits *granted)
{
    const struct http_server_limits limits = limits_of(w->node, granted);

    http_server_limit(w->http, &limits);
    w->limits = granted;
}

/* Top of each turn: every part of this worker sees the same root until its end. */
static void on_turn(struct loop_hook *hook)
{
    struct node_worker *w = container_of(hook, struct node_worker, hook);
    struct root *root = root_of(snapshot_read(&w->node->root));

    if (root == NULL)
        return;
    w->zones = root->zones;
    w->map = root_map(root);
    if (w->limits != &root->network->limits)
        use_limits(w, &root->network->limits);
    delivery_use(w->delivery, root->routes, &root->value);
}

static const struct dns_zones *zones_now(struct dns_source *source)
{
    return container_of(source, struct node_worker, dns_source)->zones;
}

static const struct steer_map *map_now(struct dns_source *source)
{
    return container_of(source, struct node_worker, dns_source)->map;
}

/* Who comes is greeted by the release in use now, which the connection holds for its life. */
static struct stream_user *accept_secure(struct listener_user *user, struct stream *stream)
{
    struct node_worker *w = container_of(user, struct node_worker, secure);
    const struct certificates *certificates =
        root_of(snapshot_read(&w->node->root))->release->certificates;
    struct listener_user *http = http_server_listener(w->http);

    if (certificates == NULL || certificates->visitors == NULL)
        return NULL; // the port is about to be closed
    struct stream_filter *filter = tls_server_filter(certificates->visitors,
        &(struct tls_accept){
            .counts = &w->tls_counts, .now = loop_wall(w->loop), .has_h2 = true });

    stream_filter_set(stream, &filter);
    return http->accept(http, stream);
}

static void on_sweep(struct timer *timer)
{
    struct node_worker *w = container_of(timer, struct node_worker, sweep);

    origin_pool_sweep(w->node->pool, loop_now(w->loop));
    timer_set(w->loop, timer, instant_after(loop_now(w->loop), SWEEP_EVERY));
}

/* The message says only that there is something to look at, so that none is lost and none is posted
 * twice. */
static void on_drain(struct loop_message *message)
{
    struct node_worker *w = container_of(message, struct node_worker, drain);

    atomic_store(&w->is_drain_posted, false);
    if (atomic_load(&w->node->is_drained))
        http_server_drain(w->http);
    else if (!w->is_ending)
        http_server_resume(w->http);
}

static void start_worker(struct running_node *node, unsigned index, struct loop *loop)
{
    struct node_worker *w = &node->workers[index];
    const struct http_server_limits limits = limits_of(node, &node_root(node)->network->limits);
    const struct delivery_setup setup = {
        .loop = loop,
        .worker = loop_index(loop),
        .line = index,
        .store = node->store,
        .pool = node->pool,
        .log = node->log,
        .node = node->name,
        .cdn_id = node->cdn_id,
        .pipe_bytes = PIPE_BYTES,
        .lines = node->access == NULL ? NULL : access_log_ring(node->access, loop_index(loop)),
        .seed = hash_mix(node->seed + index),
        .load = &node->load,
    };

    w->node = node;
    w->index = index;
    w->loop = loop;
    w->hook.begin = on_turn;
    loop_hook_add(loop, &w->hook); // before delivery's own
    w->delivery = delivery_new(&setup);
    w->http = http_server_new(loop, delivery_service(w->delivery), &limits);
    w->secure.accept = accept_secure;
    w->dns_source = (struct dns_source){ .zones = zones_now, .map = map_now };
    w->sweep.fire = on_sweep;
    w->drain.run = on_drain;
    if (index == 0)
        timer_set(loop, &w->sweep, instant_after(loop_now(loop), SWEEP_EVERY));
}

/* For longer than the release that it comes from. */
static struct slice copy_of(struct slice text)
{
    return slice_of(mem_text(text.at, text.length), text.length);
}

static void copy_free(struct slice copy)
{
    mem_free((void *)(uintptr_t)copy.at);
}

enum err node_new(
    const struct node_plan *plan, struct root **root, struct running_node **node, struct diag *why)
{
    struct running_node *n = mem_new(struct running_node);
    const struct store_limits limits = {
        .memory_bytes = (*root)->self->pop->memory_bytes,
        .object_max_bytes = UINT64_MAX, // sites say how large their objects may be
        .worker_count = plan->loop_count,
    };

    n->name = copy_of(plan->name);
    n->cdn_id = copy_of((*root)->network->zone);
    n->log = plan->log;
    n->access = plan->access;
    n->usage = plan->usage;
    n->control = plan->control;
    n->connections_most = plan->connections_most > 0 ? plan->connections_most : UINT32_MAX;
    n->seed = plan->seed;
    n->machine = plan->machine == NULL ? "" : plan->machine;
    n->memory_bytes = limits.memory_bytes;
    n->worker_count = plan->loop_count;
    enum err err = store_new(&limits, hash_seed_random(), &n->store, why);

    if (err != ERR_NONE) {
        node_free(n);
        return err;
    }
    n->pool = origin_pool_new();
    delivery_load_init(&n->load);
    node_publish(n, root);
    n->workers = mem_array(plan->loop_count, sizeof *n->workers);
    for (unsigned i = 0; i < plan->loop_count; i++)
        start_worker(n, i, plan->loops[i]);
    *node = n;
    return ERR_NONE;
}

static void close_face(struct node_worker *w, size_t at)
{
    listener_close(w->open[at].http);
    dns_server_stop(w->open[at].dns);
    w->open[at] = w->open[--w->open_count];
}

static void stop_worker(struct node_worker *w)
{
    while (w->open_count > 0)
        close_face(w, w->open_count - 1);
    timer_clear(w->loop, &w->sweep);
    loop_unpost(w->loop, &w->drain);
    http_server_free(w->http);
    delivery_free(w->delivery);
    loop_hook_remove(w->loop, &w->hook);
}

/* Leaves nothing of the store behind: neither in messages nor among what the loops will free. */
static void stop_workers(struct running_node *node)
{
    for (unsigned i = 0; i < node->worker_count; i++)
        stop_worker(&node->workers[i]);
    // Fills that were cut off have posted to those who waited; each message holds its fill.
    for (unsigned i = 0; i < node->worker_count; i++)
        loop_turn(node->workers[i].loop, (struct span){ 0 });
    for (unsigned i = 0; i < node->worker_count; i++)
        while (epoch_collect(loop_epoch_reader(node->workers[i].loop)))
            ;
}

void node_free(struct running_node *node)
{
    if (node == NULL)
        return;
    if (node->workers != NULL)
        stop_workers(node);
    node_publish(node, &(struct root *){ NULL });
    origin_pool_free(node->pool);
    if (node->store != NULL)
        store_free(node->store);
    mem_free(node->workers);
    copy_free(node->name);
    copy_free(node->cdn_id);
    mem_free(node);
}

/* Port 0: not wanted. */
static void add_face(struct faces *faces, enum face_kind kind, const struct ip *ip, uint16_t port)
{
    if (port != 0)
        faces->list[faces->count++] = (struct face){ kind, { *ip, port } };
}

enum err node_faces(const struct root *root, struct faces *faces, struct diag *why)
{
    const struct certificates *certificates = root->release->certificates;
    const struct node *self = root->self;

    faces->count = 0;
    if (self->address_count * SERVICE_COUNT > FACES_MAX) {
        diag_say(why, "node %.*s has %zu addresses; at most %d are served", SLICE_ARG(self->name),
            self->address_count, FACES_MAX / SERVICE_COUNT);
        return ERR_LIMIT;
    }
    for (size_t i = 0; i < self->address_count; i++) {
        add_face(faces, FACE_DNS, &self->addresses[i], self->ports.dns);
        add_face(faces, FACE_HTTP, &self->addresses[i], self->ports.http);
        if (certificates != NULL && certificates->visitors != NULL)
            add_face(faces, FACE_HTTPS, &self->addresses[i], self->ports.https);
    }
    return ERR_NONE;
}

static bool face_equal(const struct face *a, const struct face *b)
{
    return a->kind == b->kind && endpoint_equal(&a->at, &b->at);
}

static bool is_open(const struct node_worker *w, const struct face *face)
{
    for (size_t i = 0; i < w->open_count; i++)
        if (face_equal(&w->open[i].face, face))
            return true;
    return false;
}

static bool is_among(const struct faces *faces, const struct face *face)
{
    for (size_t i = 0; i < faces->count; i++)
        if (face_equal(&faces->list[i], face))
            return true;
    return false;
}

static enum err open_face(struct node_worker *w, const struct face *face)
{
    struct open_face open = { .face = *face };
    const struct dns_server_options dns = { .at = &face->at,
        .at_count = 1,
        .source = &w->dns_source,
        .counts = &w->dns_counts,
        .line = w->index };

    if (w->open_count == FACES_MAX)
        return ERR_LIMIT;
    switch (face->kind) {
    case FACE_DNS: TRY(dns_server_start(w->loop, &dns, &open.dns, NULL)); break;
    case FACE_HTTP:
        TRY(listener_open(w->loop, &face->at, http_server_listener(w->http), &open.http));
        break;
    case FACE_HTTPS: TRY(listener_open(w->loop, &face->at, &w->secure, &open.http)); break;
    }
    w->open[w->open_count++] = open;
    return ERR_NONE;
}

static const char *const FACE_NAMES[] = {
    [FACE_DNS] = "DNS", [FACE_HTTP] = "HTTP", [FACE_HTTPS] = "HTTPS"
};

/* The mend for what usually keeps a port from opening. */
static const char *mend(enum err err)
{
    switch ((int)err) {
    case ERR_DENIED:
        return "; ports below 1024 need root or CAP_NET_BIND_SERVICE, or choose others under "
               "`ports`";
    case ERR_ADDRESS_IN_USE:
        return "; another program listens there: stop it or choose another port";
    case ERR_ADDRESS: return "; is this the right machine for this node?";
    default: return "";
    }
}

enum err node_worker_open(struct node_worker *worker, const struct faces *faces, struct diag *why)
{
    size_t before = worker->open_count;
    char text[ENDPOINT_TEXT_MAX];

    for (size_t i = 0; i < faces->count; i++) {
        const struct face *face = &faces->list[i];
        enum err err = is_open(worker, face) ? ERR_NONE : open_face(worker, face);

        if (err == ERR_NONE)
            continue;
        diag_say(why, "node %.*s cannot listen for %s on %s: %s%s", SLICE_ARG(worker->node->name),
            FACE_NAMES[face->kind], endpoint_text(&face->at, text), err_text(err), mend(err));
        while (worker->open_count > before)
            close_face(worker, worker->open_count - 1);
        return err;
    }
    return ERR_NONE;
}

void node_worker_close_others(struct node_worker *worker, const struct faces *faces)
{
    for (size_t i = worker->open_count; i-- > 0;)
        if (!is_among(faces, &worker->open[i].face))
            close_face(worker, i);
}

void node_worker_drain(struct node_worker *worker)
{
    node_worker_close_others(worker, &(struct faces){ .count = 0 });
    worker->is_ending = true;
    http_server_drain(worker->http);
}

void node_set_drained(struct running_node *node, bool is_drained)
{
    if (atomic_exchange(&node->is_drained, is_drained) == is_drained)
        return;
    for (unsigned i = 0; i < node->worker_count; i++) {
        struct node_worker *w = &node->workers[i];

        if (!atomic_exchange(&w->is_drain_posted, true))
            loop_post(w->loop, &w->drain);
    }
}

void node_publish(struct running_node *node, struct root **root)
{
    struct snapshot_value *value = *root == NULL ? NULL : &(*root)->value;

    snapshot_publish(&node->root, node->control, &value);
    *root = NULL;
}

struct root *node_root(const struct running_node *node)
{
    return root_of(snapshot_read(&node->root));
}
