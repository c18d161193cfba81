// SPDX-License-Identifier: Apache-2.0
#include "admin/attempts.h"

#include <stddef.h>

#include "base/attr.h"

#define WHOLE_SECOND_NS INT64_C(1000000000)

static bool is_free(const struct admin_attempts_row *row, struct instant now)
{
    return row->forgiven_at.ns <= now.ns;
}

int64_t admin_attempts_wait_s(
    const struct admin_attempts *attempts, const struct ip *client, struct instant now)
{
    uint64_t wanted = ip_client(client);

    for (size_t i = 0; i < COUNT_OF(attempts->rows); i++) {
        const struct admin_attempts_row *row = &attempts->rows[i];

        if (row->client != wanted || is_free(row, now))
            continue;
        int64_t owed_ns = instant_since(now, row->forgiven_at).ns;
        int64_t wait_ns = owed_ns - (ADMIN_ATTEMPTS_MAX - 1) * ADMIN_ATTEMPTS_REST.ns;

        return wait_ns <= 0 ? 0 : (wait_ns + WHOLE_SECOND_NS - 1) / WHOLE_SECOND_NS;
    }
    return 0;
}

void admin_attempts_failed(
    struct admin_attempts *attempts, const struct ip *client, struct instant now)
{
    uint64_t wanted = ip_client(client);
    struct admin_attempts_row *row = &attempts->rows[0];

    for (size_t i = 0; i < COUNT_OF(attempts->rows); i++) {
        struct admin_attempts_row *other = &attempts->rows[i];

        if (other->client == wanted && !is_free(other, now)) {
            row = other;
            break;
        }
        if (other->forgiven_at.ns < row->forgiven_at.ns)
            row = other;
    }
    if (row->client != wanted || is_free(row, now))
        *row = (struct admin_attempts_row){ .client = wanted, .forgiven_at = now };
    row->forgiven_at = instant_after(row->forgiven_at, ADMIN_ATTEMPTS_REST);
}
