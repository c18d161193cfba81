// SPDX-License-Identifier: Apache-2.0
/* One echo; its round trip is latency and response time at once. */
#include "base/mem.h"
#include "io/ping.h"
#include "probe/run_priv.h"

struct icmp {
    struct run run;
    struct ping_user user;
};

static void icmp_done(struct ping_user *user, enum err err, struct span rtt)
{
    struct icmp *icmp = container_of(user, struct icmp, user);

    if (err != ERR_NONE) {
        run_failed(&icmp->run, err, false);
        return;
    }
    icmp->run.result.has_latency = true;
    icmp->run.result.latency = rtt;
    run_over(&icmp->run, PROBE_OK);
}

static struct run *icmp_create(void)
{
    return &mem_new(struct icmp)->run;
}

static void icmp_start(struct run *run)
{
    struct icmp *icmp = container_of(run, struct icmp, run);

    icmp->user.done = icmp_done;
    enum err err = ping_start(run->ping, &run->check->to.ip, run->check->timeout, &icmp->user);

    if (err == ERR_DENIED)
        run_over(run, PROBE_DENIED);
    else if (err != ERR_NONE)
        run_failed(run, err, false);
}

static void icmp_drop(struct run *run)
{
    struct icmp *icmp = container_of(run, struct icmp, run);

    ping_stop(&icmp->user);
    mem_free(icmp);
}

const struct runner icmp_runner = { icmp_create, icmp_start, icmp_drop };
