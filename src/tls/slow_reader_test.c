// SPDX-License-Identifier: Apache-2.0
/* What is kept for who takes a long body and falls silent: memory, not only bytes. */
#include <assert.h>
#include <string.h>

#include "tls/filter_priv.h"
#include "tls/meeting_test.h"

enum { BODY = 40 * 1024 * 1024 };

// What sealing adds; by how much the kernel may take less than it said; and a record, which may be
// begun within the limit and end beyond.
enum { MOST = STREAM_SEALED_MAX + 32 * 1024 };

static void fall_silent_at_once(struct talker *t)
{
    stream_pause(t->stream);
}

static void fall_silent_halfway(struct talker *t)
{
    if (t->in_length >= BODY / 2)
        stream_pause(t->stream);
}

static const struct tls_filter *near_filter(const struct meeting *m)
{
    return tls_filter_of(stream_filter(m->pair.near.stream));
}

static void silence_pins_little(void *const *state, void (*fall_silent)(struct talker *talker))
{
    struct meeting *m = meeting_good(state);
    char *bytes = pattern(BODY);
    size_t went;

    m->pair.far.heard = fall_silent;
    talker_say(&m->pair.near, bytes, BODY);
    do { // a busy machine takes its time
        went = m->pair.near.out_at;
        bench_settle(m->pair.bench);
    } while (m->pair.near.out_at > went || near_filter(m)->sealed == NULL);
    assert_true(went < BODY);
    assert_in_range(near_filter(m)->sealed_room, 1, MOST);
    m->pair.far.heard = NULL;
    stream_resume(m->pair.far.stream);
    meeting_expect(m, &m->pair.far, bytes, BODY);
    assert_null(near_filter(m)->sealed);
    meeting_close(m);
    mem_free(bytes);
}

static void who_is_silent_from_the_start_pins_no_more_than_the_limit(void **state)
{
    silence_pins_little(state, fall_silent_at_once);
}

static void who_was_quick_and_falls_silent_pins_no_more_either(void **state)
{
    silence_pins_little(state, fall_silent_halfway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(who_is_silent_from_the_start_pins_no_more_than_the_limit),
        ON_BOTH(who_was_quick_and_falls_silent_pins_no_more_either),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
