// SPDX-License-Identifier: Apache-2.0
#include "app/looking.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "admin/client.h"
#include "base/mem.h"

enum {
    LOOK_BYTES_MAX = 64 << 20,
    LIVE_PATIENCE_S = 15,
    ASK_PATIENCE_S = 10,
    NETWORK_EACH = 4, // live events: the answer of 3000 sites takes the node 20 ms
};

#define NETWORK_PATH "/api/v1/network"
#define CHANGES_PATH "/api/v1/changes?limit=12"
#define LIVE_PATH    "/api/v1/live"

/* One round of questions. */
struct round {
    struct client_listener listener;
    const struct asking *who;
    struct look *look;
    struct looking *to; // whom it is left for; NULL: one is enough
    unsigned heard;     // live events so far
    enum err err;
    struct diag why;
};

struct looking {
    struct asking who;
    pthread_mutex_t lock;
    struct look newest; // under the lock
    bool is_new;        // likewise
    int news;
};

void look_init(struct look *look)
{
    text_init(&look->live, LOOK_BYTES_MAX);
    text_init(&look->network, LOOK_BYTES_MAX);
    text_init(&look->changes, LOOK_BYTES_MAX);
    look->trouble[0] = '\0';
}

void look_done(struct look *look)
{
    text_done(&look->live);
    text_done(&look->network);
    text_done(&look->changes);
}

static void copy(struct text *to, struct slice bytes)
{
    text_done(to);
    text_add(to, bytes);
}

static struct client_ask ask_for(const struct asking *who, const char *path, int patience_s)
{
    return (struct client_ask){ .url = who->url,
        .token = who->token,
        .ca = who->ca,
        .socket = who->path,
        .method = "GET",
        .path = path,
        .patience = span_s(patience_s) };
}

/* What cannot be had keeps what was there. */
static enum err fetch(const struct asking *who, const char *path, struct text *to, struct diag *why)
{
    const struct client_ask ask = ask_for(who, path, ASK_PATIENCE_S);
    struct client_answer answer;
    enum err err = client_ask(&ask, &answer, why);

    if (err == ERR_NONE && answer.status == 200)
        copy(to, answer.body);
    else if (err == ERR_NONE) {
        diag_say(why, "%s: answered with status %d", path, answer.status);
        err = ERR_REFUSED;
    }
    client_answer_done(&answer);
    return err;
}

static void leave(struct looking *looking, const struct look *look)
{
    const uint64_t one = 1;

    pthread_mutex_lock(&looking->lock);
    copy(&looking->newest.live, text_slice(&look->live));
    copy(&looking->newest.network, text_slice(&look->network));
    copy(&looking->newest.changes, text_slice(&look->changes));
    snprintf(looking->newest.trouble, sizeof looking->newest.trouble, "%s", look->trouble);
    looking->is_new = true;
    pthread_mutex_unlock(&looking->lock);
    if (write(looking->news, &one, sizeof one) < 0)
        return; // it is readable already
}

/* An event has come: the rest of the look is asked for, and it is left. */
static bool heard(struct client_listener *listener, struct slice data)
{
    struct round *round = container_of(listener, struct round, listener);

    copy(&round->look->live, data);
    round->err = ERR_NONE;
    if (round->heard++ % NETWORK_EACH == 0)
        round->err = fetch(round->who, NETWORK_PATH, &round->look->network, &round->why);
    if (round->err == ERR_NONE)
        round->err = fetch(round->who, CHANGES_PATH, &round->look->changes, &round->why);
    if (round->err != ERR_NONE || round->to == NULL)
        return false;
    round->look->trouble[0] = '\0';
    leave(round->to, round->look);
    return true;
}

/* Until somebody has enough. */
static enum err listen_to(struct round *round, struct client_answer *answer)
{
    const struct client_ask ask = ask_for(round->who, LIVE_PATH, LIVE_PATIENCE_S);
    enum err err;

    round->listener.heard = heard;
    err = client_listen(&ask, &round->listener, answer, &round->why);
    return err != ERR_NONE ? err : round->err;
}

bool looking_once(struct asking *who, struct look *look)
{
    struct round round = { .who = who, .look = look };
    struct client_answer answer;
    enum err err;

    // Finds the node, and says what to do where there is none.
    if (asking_ask(who, "GET", NETWORK_PATH, &answer) != 0)
        return false;
    client_answer_done(&answer);
    err = listen_to(&round, &answer);
    if (err == ERR_REFUSED && answer.status != 0)
        asking_explain(&answer);
    else if (err != ERR_NONE)
        fprintf(stderr, "waypost: %s\n", round.why.text);
    client_answer_done(&answer);
    return err == ERR_NONE;
}

static void *run(void *argument)
{
    struct looking *looking = argument;
    struct look look;

    look_init(&look);
    for (;;) {
        struct round round = { .who = &looking->who, .look = &look, .to = looking };
        struct client_answer answer;
        const struct timespec pause = { .tv_sec = 1 };

        listen_to(&round, &answer);
        client_answer_done(&answer);
        snprintf(look.trouble, sizeof look.trouble, "%s", round.why.text);
        leave(looking, &look);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

struct looking *looking_start(const struct asking *who)
{
    struct looking *looking = mem_new(struct looking);
    pthread_t thread;

    looking->who = *who;
    look_init(&looking->newest);
    pthread_mutex_init(&looking->lock, NULL);
    looking->news = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (looking->news < 0 || pthread_create(&thread, NULL, run, looking) != 0) {
        mem_free(looking);
        return NULL;
    }
    pthread_detach(thread);
    return looking;
}

int looking_news(const struct looking *looking)
{
    return looking->news;
}

void looking_take(struct looking *looking, struct look *look)
{
    uint64_t count;

    if (read(looking->news, &count, sizeof count) < 0)
        return;
    pthread_mutex_lock(&looking->lock);
    if (looking->is_new && looking->newest.network.length > 0) {
        copy(&look->live, text_slice(&looking->newest.live));
        copy(&look->network, text_slice(&looking->newest.network));
        copy(&look->changes, text_slice(&looking->newest.changes));
    }
    snprintf(look->trouble, sizeof look->trouble, "%s", looking->newest.trouble);
    looking->is_new = false;
    pthread_mutex_unlock(&looking->lock);
}
