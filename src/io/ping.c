// SPDX-License-Identifier: Apache-2.0
#include "io/ping.h"

#include <arpa/inet.h>
#include <assert.h>

#include "base/hash.h"
#include "base/mem.h"
#include "io/datagram.h"
#include "io/loop_priv.h"

enum {
    V4_REQUEST = 8, // types: RFC 792, RFC 4443 §4
    V4_REPLY = 0,
    V6_REQUEST = 128,
    V6_REPLY = 129,
    IPV4_HEADER_LEAST = 20,
    FACES = 2, // one for each family
};

/* As it goes over the wire, in both families. */
struct echo {
    uint8_t type, code;
    uint16_t checksum, id, sequence; // network order
    uint64_t luck;                   // of no order: nobody else reads it
};

_Static_assert(sizeof(struct echo) == 16, "without gaps");

struct ping_face {
    struct datagram_user user;
    struct datagram_socket *socket; // NULL: not needed yet, or denied so far
    struct ping *ping;
    enum ip_family family;
};

struct ping {
    struct loop *loop;
    uint64_t seed, luck_count;
    uint16_t sequence; // the newest
    unsigned count;
    struct ping_face faces[FACES];
    struct ping_counts counts;
    struct ping_user *under_way[PINGS_MAX]; // at its sequence number modulo PINGS_MAX
};

#define ROW(field, name, labels, help) COUNTER_ROW(struct ping_counts, field, name, labels, help),
const struct counter_row ping_counter_rows[] = { PING_COUNTERS(ROW) };
#undef ROW
const size_t ping_counter_row_count = COUNT_OF(ping_counter_rows);

static struct instant now(const struct ping *ping)
{
    // Not the turn's clock: what this turn did before is not the network's doing.
    return ping->loop->kernel->ops->now(ping->loop->kernel);
}

static struct ping_user **place_of(struct ping *ping, uint16_t sequence)
{
    return &ping->under_way[sequence % PINGS_MAX];
}

static struct ping *leave(struct ping_user *user)
{
    struct ping *ping = user->ping;

    *place_of(ping, user->sequence) = NULL;
    ping->count--;
    timer_clear(ping->loop, &user->timer);
    user->ping = NULL;
    return ping;
}

static void on_timeout(struct timer *timer)
{
    struct ping_user *user = container_of(timer, struct ping_user, timer);
    struct ping *ping = leave(user);

    counter_up(&ping->counts.timeouts);
    user->done(user, ERR_TIMEOUT, (struct span){ 0 });
}

/*
 * A raw socket of version 4 hands the IP header over too, and nothing else does. An answer's type
 * is 0 and a header's first half byte is 4, so one look tells them apart.
 */
static struct slice without_header(struct slice bytes)
{
    uint8_t first = bytes.length > 0 ? (uint8_t)bytes.at[0] : 0;

    if (first >> 4 != 4 || bytes.length < IPV4_HEADER_LEAST)
        return bytes;
    return slice_from(bytes, (size_t)(first & 15) * 4);
}

/* Whose answer this is; NULL: nobody's. Checksums were looked at by the system. */
static struct ping_user *find_asker(struct ping_face *face, const struct datagram *came)
{
    struct slice bytes = face->family == IP_V4 ? without_header(came->in) : came->in;
    struct ping_user *user;
    struct echo echo;

    if (bytes.length < sizeof echo)
        return NULL;
    memcpy(&echo, bytes.at, sizeof echo);
    if (echo.type != (face->family == IP_V4 ? V4_REPLY : V6_REPLY) || echo.code != 0)
        return NULL;
    user = *place_of(face->ping, ntohs(echo.sequence));
    if (user == NULL || user->sequence != ntohs(echo.sequence) || user->luck != echo.luck ||
        !ip_equal(&user->to, &came->peer->ip))
        return NULL;
    return user;
}

static void on_batch(struct datagram_user *socket_user, struct datagram *batch, size_t count)
{
    struct ping_face *face = container_of(socket_user, struct ping_face, user);
    struct instant read_at = now(face->ping);

    for (size_t i = 0; i < count; i++) {
        struct ping_user *user = find_asker(face, &batch[i]);

        if (user == NULL) {
            counter_up(&face->ping->counts.strays);
            continue;
        }
        leave(user);
        counter_up(&face->ping->counts.echoed);
        user->done(user, ERR_NONE, instant_since(user->sent_at, read_at));
    }
}

struct ping *ping_new(struct loop *loop, uint64_t seed)
{
    static const enum ip_family families[FACES] = { IP_V4, IP_V6 };
    struct ping *ping = mem_new(struct ping);

    ping->loop = loop;
    ping->seed = seed;
    for (size_t i = 0; i < FACES; i++)
        ping->faces[i] =
            (struct ping_face){ .user = { on_batch }, .ping = ping, .family = families[i] };
    return ping;
}

void ping_free(struct ping *ping)
{
    if (ping == NULL)
        return;
    for (size_t i = 0; i < PINGS_MAX; i++)
        if (ping->under_way[i] != NULL)
            leave(ping->under_way[i]);
    for (size_t i = 0; i < FACES; i++)
        datagram_close(ping->faces[i].socket);
    mem_free(ping);
}

/* RFC 1071. The system makes it for all sockets but raw ones of version 4. */
static uint16_t checksum_of(const struct echo *echo)
{
    uint16_t words[sizeof *echo / 2];
    uint32_t sum = 0;

    memcpy(words, echo, sizeof words);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        sum += words[i];
    sum = (sum >> 16) + (sum & 0xffff);
    sum += sum >> 16;
    return (uint16_t)~sum;
}

static bool send_request(struct ping_face *face, const struct ping_user *user)
{
    struct endpoint to = { .ip = user->to };
    struct echo echo = {
        .type = face->family == IP_V4 ? V4_REQUEST : V6_REQUEST,
        .id = (uint16_t)face->ping->seed,
        .sequence = htons(user->sequence),
        .luck = user->luck,
    };

    echo.checksum = checksum_of(&echo);
    return datagram_send(face->socket, &to, slice_of(&echo, sizeof echo));
}

/* The next number whose place is free; there is one. */
static uint16_t next_sequence(struct ping *ping)
{
    assert(ping->count < PINGS_MAX);
    while (*place_of(ping, ++ping->sequence) != NULL)
        ;
    return ping->sequence;
}

enum err ping_start(
    struct ping *ping, const struct ip *to, struct span timeout, struct ping_user *user)
{
    struct ping_face *face = &ping->faces[to->family == IP_V4 ? 0 : 1];

    assert(user->ping == NULL && timeout.ns > 0);
    if (ping->count == PINGS_MAX) {
        counter_up(&ping->counts.limited);
        return ERR_LIMIT;
    }
    if (face->socket == NULL)
        TRY(datagram_open_echo(ping->loop, face->family, &face->user, &face->socket));
    user->to = *to;
    user->luck = hash_mix(ping->seed + ++ping->luck_count);
    user->sequence = next_sequence(ping);
    user->sent_at = now(ping);
    if (!send_request(face, user)) {
        counter_up(&ping->counts.unsent);
        return ERR_UNREACHABLE;
    }
    counter_up(&ping->counts.sent);
    user->ping = ping;
    user->timer.fire = on_timeout;
    timer_set(ping->loop, &user->timer, instant_after(user->sent_at, timeout));
    *place_of(ping, user->sequence) = user;
    ping->count++;
    return ERR_NONE;
}

void ping_stop(struct ping_user *user)
{
    if (user->ping != NULL)
        leave(user);
}

const struct ping_counts *ping_counts(const struct ping *ping)
{
    return &ping->counts;
}
