// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "base/mem.h"
#include "http/http2_priv.h"
#include "http/http2_share_priv.h"

void http2_share_put(struct http2_burst *b, struct counter *sent, size_t bytes)
{
    struct http2_share *last = b->shares + b->share_count - 1;

    if (b->share_count > 0 && last->sent == sent) {
        last->bytes += bytes;
        return;
    }
    assert(b->share_count < HTTP2_SHARES_MAX);
    b->shares[b->share_count++] = (struct http2_share){ sent, bytes };
}

/* Counts what went of the runs, takes it off them, and returns how many are done with. */
static unsigned runs_went(struct http2_share *shares, unsigned count, size_t bytes)
{
    unsigned at = 0;

    for (; at < count; at++) {
        size_t went = shares[at].bytes < bytes ? shares[at].bytes : bytes;

        if (shares[at].sent != NULL)
            counter_add(shares[at].sent, went);
        bytes -= went;
        shares[at].bytes -= went;
        if (shares[at].bytes > 0)
            break;
    }
    assert(bytes == 0);
    return at;
}

void http2_shares_went(struct http2 *h2, struct http2_burst *b, size_t bytes)
{
    if (h2->kept_shares != NULL) {
        h2->kept_share += runs_went(
            h2->kept_shares + h2->kept_share, h2->kept_share_count - h2->kept_share, bytes);
        if (h2->kept_share < h2->kept_share_count)
            return;
        mem_free(h2->kept_shares);
        h2->kept_shares = NULL;
        return;
    }
    unsigned done = runs_went(b->shares, b->share_count, bytes);
    unsigned left = b->share_count - done;

    if (left == 0)
        return;
    h2->kept_shares = mem_array(left, sizeof *h2->kept_shares);
    memcpy(h2->kept_shares, b->shares + done, left * sizeof *h2->kept_shares);
    h2->kept_share = 0;
    h2->kept_share_count = left;
}
