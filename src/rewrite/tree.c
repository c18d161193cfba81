// SPDX-License-Identifier: Apache-2.0
#include "rewrite/tree.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/file.h"

enum { DRAFT_NAME_BYTES = 32 };

/* The file a path names, from the folder on; -1, and errno, where it leads out of it. */
static int open_within(const struct tree *tree, struct slice path, int flags, uint64_t resolve)
{
    char name[PATH_MAX];
    struct open_how how = { .flags = (unsigned)flags | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve };

    assert(slice_starts(path, SLICE("/")));
    while (slice_starts(path, SLICE("/"))) // relative, and "//a" is "/a"
        path = slice_from(path, 1);
    if (path.length >= sizeof name || slice_find(path, '\0') < path.length) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(name, sizeof name, "%.*s", SLICE_ARG(path));
    return (int)syscall(SYS_openat2, tree->fd, name[0] == '\0' ? "." : name, &how, sizeof how);
}

enum err tree_open(struct tree *tree, const char *root)
{
    tree->root = root;
    tree->fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return tree->fd < 0 ? err_from_errno(errno) : ERR_NONE;
}

void tree_close(struct tree *tree)
{
    close(tree->fd);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool has_ending(const char *name, const char *ending)
{
    size_t length = strlen(name), tail = strlen(ending);

    return length > tail &&
           slice_same(slice_of(name + length - tail, tail), slice_of(ending, tail));
}

static void visit(
    const struct tree *tree, struct tree_visitor *visitor, FTS *walk, FTSENT *entry, int number)
{
    struct slice path = slice_from(slice_of(entry->fts_path, entry->fts_pathlen),
        strlen(tree->root) - (slice_ends(slice_text(tree->root), SLICE("/"))));
    bool is_hidden = entry->fts_level > 0 && entry->fts_name[0] == '.';

    switch (entry->fts_info) {
    case FTS_D:
        if (is_hidden)
            fts_set(walk, entry, FTS_SKIP);
        if (!is_hidden && entry->fts_level > TREE_DEPTH_MAX) {
            fts_set(walk, entry, FTS_SKIP);
            visitor->left(visitor, path, ERR_LIMIT);
        }
        break;
    case FTS_F:
        if (is_hidden)
            break;
        if (has_ending(entry->fts_name, ".html") || has_ending(entry->fts_name, ".htm"))
            visitor->file(visitor, path, TREE_PAGE);
        else if (has_ending(entry->fts_name, ".css"))
            visitor->file(visitor, path, TREE_SHEET);
        break;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS: visitor->left(visitor, path, err_from_errno(number)); break;
    default: break;
    }
}

enum err tree_walk(const struct tree *tree, struct tree_visitor *visitor)
{
    char *root = (char *)(uintptr_t)tree->root; // fts_open's table is not of const, but keeps it so
    FTS *walk = fts_open(
        (char *const[]){ root, NULL }, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
    FTSENT *entry;
    enum err err;

    if (walk == NULL)
        return err_from_errno(errno);
    for (errno = 0; (entry = fts_read(walk)) != NULL; errno = 0)
        visit(tree, visitor, walk, entry, entry->fts_errno);
    err = errno == 0 ? ERR_NONE : err_from_errno(errno);
    fts_close(walk);
    return err;
}

bool tree_has(const struct tree *tree, struct slice path)
{
    int fd = open_within(tree, path, O_PATH, 0);
    struct stat found;

    if (fd < 0)
        return false;
    bool is_file = fstat(fd, &found) == 0 && S_ISREG(found.st_mode);

    close(fd);
    return is_file;
}

enum err tree_read(const struct tree *tree, struct slice path, size_t most, struct arena *arena,
    struct slice *bytes, struct stat *seen)
{
    // Without waiting: what was a file a moment ago might be a pipe now.
    int fd = open_within(tree, path, O_RDONLY | O_NONBLOCK, RESOLVE_NO_SYMLINKS);
    enum err err = ERR_NONE;
    size_t length = 0;

    if (fd < 0)
        return err_from_errno(errno);
    if (fstat(fd, seen) < 0)
        err = err_from_errno(errno);
    else if (!S_ISREG(seen->st_mode))
        err = ERR_UNSUPPORTED;
    else if ((uint64_t)seen->st_size > most)
        err = ERR_LIMIT;
    if (err == ERR_NONE) {
        size_t room = (size_t)seen->st_size;
        char *at = arena_room(arena, room + 1);

        err = file_read(fd, at, room, 0, &length);
        *bytes = slice_of(at, length);
    }
    close(fd);
    return err;
}

/* It is still the file that was read, with the same in it. */
static bool is_same(int folder, const char *name, const struct stat *seen)
{
    struct stat now;

    return fstatat(folder, name, &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_dev == seen->st_dev &&
           now.st_ino == seen->st_ino && now.st_size == seen->st_size &&
           now.st_mtim.tv_sec == seen->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == seen->st_mtim.tv_nsec;
}

/* The new file whole and on the disk; with the owner first, since that may take mode bits away. */
static enum err write_draft(int fd, struct slice bytes, const struct stat *seen)
{
    struct stat now;

    TRY(file_write(fd, bytes, 0));
    if (fstat(fd, &now) < 0)
        return err_from_errno(errno);
    if ((now.st_uid != seen->st_uid || now.st_gid != seen->st_gid) &&
        fchown(fd, seen->st_uid, seen->st_gid) < 0)
        return err_from_errno(errno);
    if (fchmod(fd, seen->st_mode & 07777) < 0 || fsync(fd) < 0)
        return err_from_errno(errno);
    return ERR_NONE;
}

static enum err replace_in(
    int folder, const char *name, struct slice bytes, const struct stat *seen)
{
    char draft[DRAFT_NAME_BYTES];
    uint64_t number;
    enum err err;

    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        return err_from_errno(errno);
    snprintf(draft, sizeof draft, ".waypost-%016llx", (unsigned long long)number);
    int fd = openat(folder, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_from_errno(errno);
    err = write_draft(fd, bytes, seen);
    close(fd);
    if (err == ERR_NONE && !is_same(folder, name, seen))
        err = ERR_STALE;
    if (err == ERR_NONE && renameat(folder, draft, folder, name) < 0)
        err = err_from_errno(errno);
    if (err != ERR_NONE)
        unlinkat(folder, draft, 0);
    return err;
}

enum err tree_replace(
    const struct tree *tree, struct slice path, struct slice bytes, const struct stat *seen)
{
    char name[NAME_MAX + 1];
    struct slice folder = path;

    while (folder.at[folder.length - 1] != '/')
        folder.length--;
    if (path.length - folder.length > NAME_MAX)
        return ERR_LIMIT;
    snprintf(name, sizeof name, "%.*s", SLICE_ARG(slice_from(path, folder.length)));
    int fd = open_within(tree, folder, O_RDONLY | O_DIRECTORY, RESOLVE_NO_SYMLINKS);

    if (fd < 0)
        return err_from_errno(errno);
    enum err err = replace_in(fd, name, bytes, seen);

    close(fd);
    return err;
}
