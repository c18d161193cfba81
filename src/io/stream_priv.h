// SPDX-License-Identifier: Apache-2.0
#pragma once

/* What a stream is: to io/stream.c, and to io/filter.c, which is its side towards a filter. */

#include "io/filter.h"
#include "io/loop_priv.h"

struct stream {
    struct watched watched;
    struct list reading, writing;
    struct kernel *kernel;
    struct loop *loop;            // NULL: detached
    struct stream_filter *filter; // NULL: none
    struct stream_user *user;
    char *kept; // input that the user did not take
    uint32_t kept_length;
    int fd;
    struct endpoint peer;
    uint8_t failed;         // enum err: what is to be told once the input has been read
    bool is_closed : 1;     // waits to be freed
    bool is_watched : 1;    // false while fresh
    bool is_connecting : 1; //
    bool is_greeting : 1;   // connected, and the filter is not ready yet
    bool is_drained : 1;    // with a filter: the kernel has no input until it says so
    bool is_paused : 1;     //
    bool is_readable : 1;   // the kernel may hold input
    bool is_writable : 1;   // the kernel would take output
    bool is_ending : 1;     // the kernel said that the input's end is near
    bool is_ended : 1;      // the user knows it
    bool is_kept_due : 1;   // resumed: what is kept is offered again
    bool has_output : 1;    // the user is to be asked
    bool is_finishing : 1;  // after its output, our side ends
    bool is_finished : 1;
};

/* Something was sealed and has not gone out. */
static inline bool filter_has_output(const struct stream *s)
{
    return s->filter != NULL && s->filter->ops->sealed(s->filter).length > 0;
}

/* How much may be sealed and wait, when so much is there to be sealed. */
size_t filter_may_seal(const struct stream *s, size_t bytes);

/* Sends what was sealed, as far as the kernel takes it; is_writable tells whether it took all. */
enum err filter_send(struct stream *s);

/* The end, or why it is one, for the other side's filter; where it cannot go out, it does not. */
void filter_say_goodbye(struct stream *s);

/* Nothing to be told or sent, on its own account. */
bool filter_is_idle(const struct stream *s);
