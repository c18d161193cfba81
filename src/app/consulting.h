// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * What the admin face asks of the accounts, put to the ledger where a node of this process keeps
 * it. Belongs to the control thread.
 */

#include <stdbool.h>

#include "admin/books.h"

struct consulting;
struct process;

struct consulting *consulting_new(struct process *process);

/* What is on its way is never answered. After the accounts, which work on it, and before the admin.
 * Accepts NULL. */
void consulting_free(struct consulting *consulting);

/* As in admin_source_ops. */
void consulting_known(struct consulting *consulting, struct books_known *known);
bool consulting_ask(struct consulting *consulting, struct books_call *books);
