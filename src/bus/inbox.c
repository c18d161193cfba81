// SPDX-License-Identifier: Apache-2.0
#include "bus/inbox.h"

#include <stdio.h>

void inbox_init(struct inbox *inbox, struct loop *loop, void (*run)(struct loop_message *))
{
    *inbox = (struct inbox){ .loop = loop, .wake.run = run };
    pthread_mutex_init(&inbox->lock, NULL);
}

void inbox_done(struct inbox *inbox)
{
    loop_unpost(inbox->loop, &inbox->wake);
    queue_done(&inbox->queue);
    pthread_mutex_destroy(&inbox->lock);
}

/* With the lock held, so that nobody posts behind the back of who closes the way in. */
static void wake(struct inbox *inbox)
{
    if (!inbox->is_posted) {
        inbox->is_posted = true;
        loop_post(inbox->loop, &inbox->wake);
    }
}

void inbox_put(struct inbox *inbox, struct message *message)
{
    pthread_mutex_lock(&inbox->lock);
    inbox->full += queue_push(&inbox->queue, message);
    wake(inbox);
    pthread_mutex_unlock(&inbox->lock);
}

void inbox_wake(struct inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    wake(inbox);
    pthread_mutex_unlock(&inbox->lock);
}

static void count(struct inbox *inbox, uint64_t *number)
{
    pthread_mutex_lock(&inbox->lock);
    ++*number;
    wake(inbox);
    pthread_mutex_unlock(&inbox->lock);
}

void inbox_count_full(struct inbox *inbox)
{
    count(inbox, &inbox->full);
}

void inbox_count_malformed(struct inbox *inbox)
{
    count(inbox, &inbox->malformed);
}

void inbox_tell(struct inbox *inbox, bool is_linked, const char *why)
{
    struct link_news *news = &inbox->news;

    pthread_mutex_lock(&inbox->lock);
    news->is_told = true;
    news->is_linked = is_linked;
    if (!is_linked) {
        news->was_lost = true;
        snprintf(news->why, sizeof news->why, "%s", why);
    }
    wake(inbox);
    pthread_mutex_unlock(&inbox->lock);
}

void inbox_take(struct inbox *inbox, struct inbox_taken *taken)
{
    taken->count = 0;
    pthread_mutex_lock(&inbox->lock);
    while (taken->count < BUS_TURN_MAX && inbox->queue.count > 0)
        taken->messages[taken->count++] = queue_pop(&inbox->queue);
    taken->news = inbox->news;
    taken->full = inbox->full;
    taken->malformed = inbox->malformed;
    inbox->news.is_told = inbox->news.was_lost = false;
    inbox->full = inbox->malformed = 0;
    inbox->is_posted = false;
    if (inbox->queue.count > 0)
        wake(inbox);
    pthread_mutex_unlock(&inbox->lock);
}
