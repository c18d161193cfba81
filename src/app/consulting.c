// SPDX-License-Identifier: Apache-2.0
#include "app/consulting.h"

#include "app/accounts.h"
#include "app/process.h"
#include "app/settling.h"
#include "base/mem.h"
#include "meter/journal.h"

/* A question on its way. */
struct asked {
    struct accounts_question question;
    struct books_call *books; // NULL: free for the next one
};

struct consulting {
    struct process *process;
    struct asked asked[ACCOUNTS_QUESTIONS_MAX];
    struct books_waiting waiting[PROCESS_NODES_MAX]; // as it was told last
};

struct consulting *consulting_new(struct process *process)
{
    struct consulting *consulting = mem_new(struct consulting);

    consulting->process = process;
    return consulting;
}

void consulting_free(struct consulting *consulting)
{
    if (consulting == NULL)
        return;
    for (size_t i = 0; i < COUNT_OF(consulting->asked); i++)
        if (consulting->asked[i].books != NULL)
            loop_unpost(
                process_control(consulting->process), &consulting->asked[i].question.job.message);
    mem_free(consulting);
}

/* Those of the node that the release names, where it is of this process. */
static struct accounts *find_accounts(const struct process *p)
{
    const struct slice keeper = p->release->network->accounts_node;

    for (size_t i = 0; i < p->node_count; i++)
        if (p->settlings[i] != NULL && slice_equal(p->nodes[i]->name, keeper))
            return settling_accounts(p->settlings[i]);
    return NULL;
}

/* How much of each node waits to be settled. */
static size_t look_at_journals(struct consulting *consulting)
{
    const struct process *p = consulting->process;
    size_t count = 0;

    for (size_t i = 0; i < p->node_count; i++) {
        if (p->settlings[i] == NULL)
            continue;
        struct journal_state state = journal_state(settling_journal(p->settlings[i]));

        consulting->waiting[count++] =
            (struct books_waiting){ p->nodes[i]->name, state.last - state.settled };
    }
    return count;
}

void consulting_known(struct consulting *consulting, struct books_known *known)
{
    const struct process *p = consulting->process;
    const struct slice keeper = p->release->network->accounts_node;

    *known = (struct books_known){ .network = p->release->network,
        .now = loop_wall(process_control(p)),
        .node = p->nodes[0]->name,
        .keeper = keeper,
        .is_here = find_accounts(p) != NULL,
        .waiting = consulting->waiting,
        .waiting_count = look_at_journals(consulting) };
    for (size_t i = 0; i < p->node_count; i++)
        if (slice_equal(p->nodes[i]->name, keeper))
            known->node = p->nodes[i]->name;
}

static enum err work(struct accounts_question *question, struct ledger *ledger, struct diag *why)
{
    return books_call_work(container_of(question, struct asked, question)->books, ledger, why);
}

static void on_done(struct accounts_question *question)
{
    struct asked *asked = container_of(question, struct asked, question);
    struct books_call *books = asked->books;

    asked->books = NULL;
    books_call_done(books, question->err, &question->why);
}

bool consulting_ask(struct consulting *consulting, struct books_call *books)
{
    struct accounts *accounts = find_accounts(consulting->process);
    size_t at = 0;

    while (at < COUNT_OF(consulting->asked) && consulting->asked[at].books != NULL)
        at++;
    if (accounts == NULL || at == COUNT_OF(consulting->asked))
        return false;
    struct asked *asked = &consulting->asked[at];

    *asked = (struct asked){ .question = { .work = work, .done = on_done }, .books = books };
    if (accounts_ask(accounts, &asked->question) == ERR_NONE)
        return true;
    asked->books = NULL;
    return false;
}
