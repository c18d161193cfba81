// SPDX-License-Identifier: Apache-2.0
#pragma once

/*
 * The folder that a web server serves: which pages and sheets are in it, their bytes, and new bytes
 * in their place. Nothing outside of it is read or written, whatever symbolic links say: where one
 * leads out of the folder, the kernel refuses (openat2). A file is replaced as a whole or not at
 * all, and keeps its mode and owner. Blocks.
 */

#include <stdbool.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

enum { TREE_DEPTH_MAX = 64 }; // of folders within each other

enum tree_kind { TREE_PAGE, TREE_SHEET };

struct tree {
    int fd; // of the folder
    const char *root;
};

/* What becomes of what is found. Paths begin with a slash, and are good for the call alone. */
struct tree_visitor {
    void (*file)(struct tree_visitor *visitor, struct slice path, enum tree_kind kind);
    void (*left)(struct tree_visitor *visitor, struct slice path, enum err why); // not looked at
};

/* `root` must stay good. Closed with tree_close. */
[[nodiscard]] enum err tree_open(struct tree *tree, const char *root);
void tree_close(struct tree *tree);

/* All pages (.html, .htm) and sheets (.css), by name; folders and files with a dot before their
 * names, and symbolic links below the root, are passed by. */
[[nodiscard]] enum err tree_walk(const struct tree *tree, struct tree_visitor *visitor);

/* There is a regular file at this path, or behind links that stay within the tree. */
bool tree_has(const struct tree *tree, struct slice path);

/* The bytes of a file, in the arena; ERR_LIMIT when there are more than `most`. `seen` is for
 * tree_replace. */
[[nodiscard]] enum err tree_read(const struct tree *tree, struct slice path, size_t most,
    struct arena *arena, struct slice *bytes, struct stat *seen);

/* Puts the bytes in the file's place; ERR_STALE when somebody changed it since it was read. */
[[nodiscard]] enum err tree_replace(
    const struct tree *tree, struct slice path, struct slice bytes, const struct stat *seen);
