// SPDX-License-Identifier: Apache-2.0
#include "app/demo_traffic.h"

#include <assert.h>
#include <stdio.h>

#include "app/demo_page.h"
#include "base/hash.h"
#include "base/mem.h"
#include "http/client.h"
#include "io/datagram.h"
#include "io/loop.h"
#include "wire/dns_message.h"
#include "wire/dns_writer.h"

enum {
    RESOLVER_COUNT = 3, // each asks the pop of its number
    HEAD_MAX = 512,
    STEPS_MAX = 8,
};

/* A name to ask DNS for and what to fetch there; NULL as path: one of the tiles. */
struct step {
    const char *host, *path;
};

/* What one visitor does, from the page to all that it embeds. */
static const struct step PLANS[][STEPS_MAX] = {
    {
        { "www.acme.example", "/" },
        { "static.acme.example", "/style.css" },
        { "static.acme.example", "/logo.svg" },
        { "static.acme.example", "/img/sky.png" },
        { "static.acme.example", "/img/hills.svg" },
        { "static.acme.example", NULL },
        { "static.acme.example", NULL },
    },
    {
        { "www.globex.example", "/" },
        { "static.globex.example", "/style.css" },
        { "static.globex.example", "/img/sky.png" },
        { "static.globex.example", NULL },
        { "www.globex.example", "/clock" },
    },
    {
        { "shop.acme.example", "/" },
        { "shop.acme.example", "/img/hills.svg" },
        { "shop.acme.example", NULL },
        { "shop.acme.example", "/cart/" },
    },
    {
        { "static.acme.example", "/rare.svg" },
        { "static.acme.example", NULL },
    },
};

enum visit_state { VISIT_NONE, VISIT_ASKS, VISIT_FETCHES };

struct visit {
    struct http_client_user user;
    struct demo_traffic *traffic;
    enum visit_state state;
    const struct step *step; // the one under way
    size_t steps_left;       // this one included
    unsigned network;        // the visitor's
    uint16_t id;             // of the question
    struct instant asked;    // when
    struct http_client *client;
};

struct resolver {
    struct datagram_user user;
    struct demo_traffic *traffic;
    struct datagram_socket *socket;
    struct endpoint pop;
};

struct demo_traffic {
    struct loop *loop;
    struct timer timer;
    struct demo_ports ports;
    struct resolver resolvers[RESOLVER_COUNT];
    struct visit visits[DEMO_VISITS_MAX];
    uint64_t luck;
    struct demo_traffic_counts counts;
};

/* The next number below `below`, from a row that is the same in every run. */
static unsigned draw(struct demo_traffic *t, unsigned below)
{
    return (unsigned)(hash_mix(++t->luck) % below);
}

static void ask(struct visit *v)
{
    struct demo_traffic *t = v->traffic;
    struct resolver *resolver = &t->resolvers[v->network % RESOLVER_COUNT];
    struct dns_ecs ecs = {
        .is_present = true, .source_bits = DEMO_NETWORK_BITS, .address = demo_network(v->network)
    };
    char message[DNS_UDP_MIN];
    struct dns_writer w = { .out = message, .room = sizeof message, .used = DNS_HEADER_SIZE };
    struct dns_name name;

    if (!dns_name_parse(slice_text(v->step->host), &name))
        assert(false);
    // The low bits find the visit, the others tell a late answer from the one waited for.
    v->id = (uint16_t)(draw(t, 2048) * DEMO_VISITS_MAX + (unsigned)(v - t->visits));
    v->asked = loop_now(t->loop);
    v->state = VISIT_ASKS;
    dns_header_put(message,
        &(struct dns_header){
            .id = v->id, .flags = DNS_FLAG_RD, .question_count = 1, .additional_count = 1 });
    dns_write_question(&w, &name, DNS_TYPE_A, DNS_CLASS_IN);
    dns_write_opt(&w,
        &(struct dns_opt){ .edns = { .is_present = true, .payload = DNS_UDP_MAX }, .ecs = &ecs });
    assert(!w.is_full);
    counter_up(&t->counts.questions);
    datagram_send(resolver->socket, &resolver->pop, slice_of(message, w.used));
}

static void go_on(struct visit *v)
{
    v->client = NULL;
    v->state = VISIT_NONE;
    if (--v->steps_left == 0)
        return;
    v->step++;
    ask(v);
}

static void on_head(struct http_client_user *user, const struct http_head *head)
{
    struct visit *v = container_of(user, struct visit, user);

    if (head->status >= 500)
        counter_up(&v->traffic->counts.failures);
}

static size_t on_body(struct http_client_user *user, struct slice bytes)
{
    struct visit *v = container_of(user, struct visit, user);

    counter_add(&v->traffic->counts.received_bytes, bytes.length);
    return bytes.length;
}

static void on_done(struct http_client_user *user, enum err why, bool)
{
    struct visit *v = container_of(user, struct visit, user);

    if (why != ERR_NONE)
        counter_up(&v->traffic->counts.failures);
    go_on(v);
}

static const struct http_client_ops CLIENT_OPS = {
    .head = on_head, .body = on_body, .done = on_done
};

static void fetch(struct visit *v, const struct ip *ip)
{
    struct demo_traffic *t = v->traffic;
    bool is_page = slice_starts(slice_text(v->step->host), SLICE("www."));
    struct endpoint to = { *ip, is_page ? t->ports.origin : t->ports.http };
    char path[64], head[HEAD_MAX];

    // Low numbers come up more often, as popular things do.
    snprintf(path, sizeof path, "/img/tile-%u.svg", draw(t, draw(t, DEMO_TILE_COUNT) + 1));
    int length = snprintf(head, sizeof head,
        "GET %s HTTP/1.1\r\nHost: %s:%u\r\nUser-Agent: demo-visitor\r\nAccept: */*\r\n"
        "Connection: close\r\n\r\n",
        v->step->path != NULL ? v->step->path : path, v->step->host, to.port);

    assert(length > 0 && length < HEAD_MAX);
    struct http_client_request request = { .head = slice_of(head, (size_t)length),
        .method = HTTP_GET,
        .times = { span_s(2), span_s(5), span_s(5) } };

    counter_up(&t->counts.requests);
    v->state = VISIT_FETCHES;
    v->client = http_client_start(t->loop, &to, NULL, &request, &v->user);
}

/* The first address that the answer names. */
static bool read_address(struct dns_reader *reader, struct ip *ip)
{
    struct dns_record record;

    while (dns_reader_next(reader, &record) == DNS_READ_RECORD)
        if (record.section == DNS_ANSWER && record.type == DNS_TYPE_A && record.data.length == 4) {
            *ip = (struct ip){ .family = IP_V4 };
            memcpy(ip->bytes, record.data.at, 4);
            return true;
        }
    return false;
}

static void take_answer(struct resolver *resolver, const struct datagram *datagram)
{
    struct demo_traffic *t = resolver->traffic;
    struct dns_reader reader;
    struct ip ip;

    if (!endpoint_equal(datagram->peer, &resolver->pop) ||
        !dns_reader_start(&reader, datagram->in) || (reader.flags & DNS_FLAG_QR) == 0)
        return;
    struct visit *v = &t->visits[reader.id % DEMO_VISITS_MAX];

    if (v->state != VISIT_ASKS || v->id != reader.id)
        return;
    if (read_address(&reader, &ip)) {
        fetch(v, &ip);
        return;
    }
    counter_up(&t->counts.unanswered);
    v->state = VISIT_NONE;
}

static void on_batch(struct datagram_user *user, struct datagram *batch, size_t count)
{
    struct resolver *resolver = container_of(user, struct resolver, user);

    for (size_t i = 0; i < count; i++)
        take_answer(resolver, &batch[i]);
}

/* Who has waited for an answer too long leaves. */
static void expire(struct demo_traffic *t)
{
    for (size_t i = 0; i < DEMO_VISITS_MAX; i++) {
        struct visit *v = &t->visits[i];

        if (v->state == VISIT_ASKS &&
            instant_since(v->asked, loop_now(t->loop)).ns >= span_ms(DEMO_ANSWER_WAIT_MS).ns) {
            counter_up(&t->counts.unanswered);
            v->state = VISIT_NONE;
        }
    }
}

static void begin(struct demo_traffic *t)
{
    const struct step *plan = PLANS[draw(t, COUNT_OF(PLANS))];

    for (size_t i = 0; i < DEMO_VISITS_MAX; i++) {
        struct visit *v = &t->visits[i];

        if (v->state != VISIT_NONE)
            continue;
        v->step = plan;
        v->network = draw(t, DEMO_NETWORK_COUNT);
        for (v->steps_left = 0; v->steps_left < STEPS_MAX && plan[v->steps_left].host != NULL;)
            v->steps_left++;
        counter_up(&t->counts.visits);
        ask(v);
        return;
    }
    counter_up(&t->counts.refused);
}

static void tick(struct timer *timer)
{
    struct demo_traffic *t = container_of(timer, struct demo_traffic, timer);

    expire(t);
    begin(t);
    timer_set(t->loop, timer, instant_after(loop_now(t->loop), span_ms(DEMO_VISIT_EVERY_MS)));
}

enum err demo_traffic_start(struct loop *loop, const struct demo_ports *ports,
    struct demo_traffic **traffic, struct diag *why)
{
    struct demo_traffic *t = mem_new(struct demo_traffic);

    *t = (struct demo_traffic){ .loop = loop, .ports = *ports, .timer = { .fire = tick } };
    for (size_t i = 0; i < DEMO_VISITS_MAX; i++) {
        t->visits[i].traffic = t;
        t->visits[i].user.ops = &CLIENT_OPS;
    }
    for (size_t i = 0; i < RESOLVER_COUNT; i++) {
        struct resolver *r = &t->resolvers[i];
        struct endpoint at = { ip_v4(127, 0, 1, (uint8_t)(i + 1)), 0 };
        char text[ENDPOINT_TEXT_MAX];

        r->user.batch = on_batch;
        r->traffic = t;
        r->pop = (struct endpoint){ demo_pops[i].address, ports->dns };
        enum err err = datagram_open(loop, &at, &r->user, &r->socket);

        if (err != ERR_NONE) {
            diag_say(why, "the demo's visitors cannot ask from %s: %s", endpoint_text(&at, text),
                err_text(err));
            demo_traffic_stop(t);
            return err;
        }
    }
    timer_set(loop, &t->timer, instant_after(loop_now(loop), span_ms(DEMO_VISIT_EVERY_MS)));
    *traffic = t;
    return ERR_NONE;
}

void demo_traffic_stop(struct demo_traffic *traffic)
{
    if (traffic == NULL)
        return;
    timer_clear(traffic->loop, &traffic->timer);
    for (size_t i = 0; i < RESOLVER_COUNT; i++)
        datagram_close(traffic->resolvers[i].socket);
    for (size_t i = 0; i < DEMO_VISITS_MAX; i++)
        if (traffic->visits[i].state == VISIT_FETCHES)
            http_client_cancel(traffic->visits[i].client);
    mem_free(traffic);
}

const struct demo_traffic_counts *demo_traffic_counts(const struct demo_traffic *traffic)
{
    return &traffic->counts;
}
