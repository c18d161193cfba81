// SPDX-License-Identifier: Apache-2.0
#include "app/bookkeeping.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/accounts.h"
#include "app/process.h"
#include "app/settling.h"
#include "app/state.h"
#include "meter/closing.h"
#include "meter/journal.h"

enum { END_MS = 5000, LOOK_MS = 10 };

/* The file of the ledger: "sqlite:" stands before it. */
static const char *ledger_path(
    const struct network *network, struct slice node, char path[STATE_PATH_MAX])
{
    struct slice file = slice_from(network->accounts_ledger, sizeof "sqlite:" - 1);
    char name[STATE_PATH_MAX];

    assert(file.length < sizeof name); // as all texts of a configuration (conf/kinds.c)
    snprintf(name, sizeof name, "%.*s", SLICE_ARG(file));
    if (name[0] != '/')
        return state_path(network->state, node, name, path);
    memcpy(path, name, sizeof name);
    return path;
}

enum err bookkeeping_open(struct process *process, size_t at, struct diag *why)
{
    struct process *p = process;
    const struct network *network = p->release->network;
    const struct slice node = p->nodes[at]->name;
    char folder[STATE_PATH_MAX], ledger[STATE_PATH_MAX];
    bool keeps = slice_equal(network->accounts_node, node);
    const struct settling_plan plan = { .loop = process_control(p),
        .pool = p->pool,
        .log = &p->log,
        .node = node,
        .pop = node_root(p->nodes[at])->self->pop->name,
        .folder = state_path(network->state, node, "usage", folder),
        .ledger = keeps ? ledger_path(network, node, ledger) : NULL,
        .threads = 1,
        .usage = p->usage[at] };

    if (network->accounts_node.length == 0)
        return ERR_NONE;
    enum err err = settling_new(&plan, network, &p->settlings[at]);

    if (err == ERR_NONE)
        steering_settle(p->steering[at], p->settlings[at]);
    else
        diag_say(why, "the accounts of %.*s cannot be kept: %s", SLICE_ARG(node), err_text(err));
    return err;
}

void bookkeeping_use(struct process *process)
{
    const struct network *network = process->release->network;
    bool is_new = network->accounts_node.length > 0;

    for (size_t i = 0; i < process->node_count; i++)
        if (process->settlings[i] != NULL)
            settling_use(process->settlings[i], network);
        else if (is_new)
            log_line(&process->log, LOG_WARNING, "app", "needs_restart node=%.*s setting=accounts",
                SLICE_ARG(process->nodes[i]->name));
}

/* A message to the control thread; lives on the stack of who waits for what it begins. */
struct closing_time {
    struct loop_message message;
    struct process *process;
};

static void on_closing_time(struct loop_message *message)
{
    struct process *p = container_of(message, struct closing_time, message)->process;

    for (size_t i = 0; i < p->node_count; i++)
        if (p->settlings[i] != NULL)
            settling_end(p->settlings[i]);
}

static bool is_all_written(const struct process *p)
{
    for (size_t i = 0; i < p->node_count; i++)
        if (p->settlings[i] != NULL && !settling_is_written(p->settlings[i]))
            return false;
    return true;
}

void bookkeeping_end(struct process *process)
{
    const struct timespec look = { .tv_nsec = LOOK_MS * 1000000L };
    struct closing_time end = { .message.run = on_closing_time, .process = process };

    loop_post(process_control(process), &end.message);
    for (int waited_ms = 0; waited_ms < END_MS && !is_all_written(process); waited_ms += LOOK_MS)
        nanosleep(&look, NULL);
    workers_stop(process->control);
    loop_unpost(process_control(process), &end.message); // where it never had the time
}

void bookkeeping_close(struct process *process)
{
    for (size_t i = 0; i < PROCESS_NODES_MAX; i++) {
        struct settling *settling = process->settlings[i];

        process->is_booked[i] =
            settling == NULL ? !process->is_journaled : settling_is_written(settling);
        settling_free(settling);
    }
}

static void show_value(struct metrics *m, const struct metrics_label *label, const char *name,
    const char *help, uint64_t value)
{
    metrics_add_value(m, &(struct metrics_value){ .name = name,
                             .help = help,
                             .kind = COUNTER_GAUGE,
                             .labels = label,
                             .label_count = 1,
                             .value = (double)value });
}

void bookkeeping_show(const struct process *process, size_t at, struct metrics *metrics)
{
    const struct settling *settling = process->settlings[at];
    const struct metrics_label label = { SLICE("node"), process->nodes[at]->name };

    if (settling == NULL)
        return;
    const struct journal *journal = settling_journal(settling);
    const struct accounts *accounts = settling_accounts(settling);
    struct journal_state state = journal_state(journal);

    metrics_add_counts(metrics, &label, settling_counter_rows, settling_counter_row_count,
        settling_counts(settling));
    metrics_add_counts(metrics, &label, closing_counter_rows, closing_counter_row_count,
        closing_counts(settling_closing(settling)));
    metrics_add_counts(
        metrics, &label, journal_counter_rows, journal_counter_row_count, journal_counts(journal));
    show_value(metrics, &label, "usage_unsettled_entries",
        "Entries of usage that are on disk and not in the ledger", state.last - state.settled);
    show_value(metrics, &label, "usage_unwritten_bytes", "Entries of usage that wait for the disk",
        state.unwritten_bytes);
    show_value(metrics, &label, "usage_journal_bytes", "Size of the journal of usage", state.bytes);
    show_value(metrics, &label, "usage_journal_failing", "1: usage cannot be written to disk",
        journal_is_failing(journal));
    if (accounts == NULL)
        return;
    metrics_add_counts(metrics, &label, accounts_counter_rows, accounts_counter_row_count,
        accounts_counts(accounts));
    show_value(metrics, &label, "ledger_failing", "1: the ledger cannot be written or read",
        accounts_is_failing(accounts));
}
