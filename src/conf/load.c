// SPDX-License-Identifier: Apache-2.0
#include "conf/load.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "conf/build.h"
#include "conf/schema.h"
#include "conf/settings.h"
#include "conf/yaml.h"

struct file_id {
    dev_t device;
    ino_t inode;
};

struct loader {
    struct yaml_tree tree;
    struct conf_errors *errors;
    struct file_id *seen; // of each file read, to know it again under another name
    size_t file_count;
    struct conf_text *texts; // of each file read
    size_t text_count;
    const struct conf_text *kept; // files are found here and nowhere else; NULL: on the disk
    size_t kept_count;
    size_t depth;   // of includes
    bool has_files; // false: text from memory, which includes nothing
    uint64_t hash;  // of all that was read
    uint32_t serial;
};

static void refuse(struct loader *l, struct conf_place from, struct slice path, const char *why)
{
    if (from.line == 0) // the file that was asked for: it is its own place
        conf_errors_add(l->errors, from, "cannot be read: %s", why);
    else
        conf_errors_add(l->errors, from, "include: %.*s cannot be read: %s", SHOWN(path), why);
}

/* Why the open file is not read; NULL when it is. */
static const char *unfit(struct loader *l, const struct stat *status)
{
    if (!S_ISREG(status->st_mode))
        return "it is no plain file";
    if (status->st_size > CONF_FILE_BYTES_MAX)
        return "it is larger than 16 MiB";
    if (l->file_count == CONF_FILES_MAX)
        return "there are over 10000 files already";
    for (size_t i = 0; i < l->file_count; i++)
        if (l->seen[i].device == status->st_dev && l->seen[i].inode == status->st_ino)
            return "it is included twice, or includes itself";
    return NULL;
}

static bool read_bytes(int fd, char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = read(fd, bytes + done, size - done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0) { // became shorter meanwhile, which the next load will see whole
            errno = EAGAIN;
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

/* The whole file, in the tree's memory; false, and told, when it cannot be had. */
static bool read_file(
    struct loader *l, int fd, struct slice path, struct conf_place from, struct slice *text)
{
    struct stat status;

    if (fd < 0 || fstat(fd, &status) != 0) {
        refuse(l, from, path, strerrordesc_np(errno));
        return false;
    }
    const char *why = unfit(l, &status);

    if (why != NULL) {
        refuse(l, from, path, why);
        return false;
    }
    char *bytes = arena_alloc(&l->tree.arena, (size_t)status.st_size + 1);

    if (!read_bytes(fd, bytes, (size_t)status.st_size)) {
        refuse(l, from, path, strerrordesc_np(errno));
        return false;
    }
    l->seen = mem_resize(l->seen, (l->file_count + 1) * sizeof *l->seen);
    l->seen[l->file_count++] = (struct file_id){ status.st_dev, status.st_ino };
    if (status.st_mtim.tv_sec > (time_t)l->serial)
        l->serial = (uint32_t)status.st_mtim.tv_sec;
    *text = slice_of(bytes, (size_t)status.st_size);
    return true;
}

static struct yaml_node *load_file(struct loader *l, struct slice path, struct conf_place from);

/* A pattern relative to the folder of the including file, whose own bytes mean themselves. */
static char *pattern_path(struct arena *arena, const char *file, struct slice pattern)
{
    const char *slash = strrchr(file, '/');
    size_t folder = slash == NULL || pattern.at[0] == '/' ? 0 : (size_t)(slash - file) + 1;
    char *path = arena_alloc(arena, folder * 2 + pattern.length + 1);
    size_t used = 0;

    for (size_t i = 0; i < folder; i++) {
        if (strchr("*?[\\", file[i]) != NULL)
            path[used++] = '\\';
        path[used++] = file[i];
    }
    memcpy(path + used, pattern.at, pattern.length);
    return path;
}

static void include_path(
    struct loader *l, struct yaml_node *root, const struct yaml_node *item, struct slice path)
{
    struct yaml_node *part = load_file(l, arena_copy(&l->tree.arena, path), item->at);

    if (part != NULL)
        yaml_merge(&l->tree, root, part, l->errors);
}

/* The files that the pattern matched when they were read, which were read in that order. */
static void include_kept(struct loader *l, struct yaml_node *root, const struct yaml_node *item)
{
    const char *pattern = pattern_path(&l->tree.arena, item->at.file, item->text);

    for (size_t i = 1; i < l->kept_count; i++) {
        struct slice path = arena_copy(&l->tree.arena, l->kept[i].path);

        if (fnmatch(pattern, path.at, FNM_PATHNAME | FNM_PERIOD) == 0)
            include_path(l, root, item, path);
    }
}

/* Adds the files of one pattern to `root`. A pattern with wildcards may match none. */
static void include_pattern(struct loader *l, struct yaml_node *root, const struct yaml_node *item)
{
    glob_t found = { 0 };
    int outcome =
        glob(pattern_path(&l->tree.arena, item->at.file, item->text), GLOB_ERR, NULL, &found);
    bool is_pattern = strpbrk(item->text.at, "*?[") != NULL;

    if (outcome != 0 && (outcome != GLOB_NOMATCH || !is_pattern))
        refuse(l, item->at, item->text,
            outcome == GLOB_NOMATCH ? "there is no such file" : "its folder cannot be read");
    for (size_t i = 0; outcome == 0 && i < found.gl_pathc; i++)
        include_path(l, root, item, slice_text(found.gl_pathv[i]));
    globfree(&found);
}

static void include_item(struct loader *l, struct yaml_node *root, const struct yaml_node *item)
{
    if (item->kind != YAML_TEXT || item->text.length == 0 ||
        strlen(item->text.at) != item->text.length)
        conf_errors_add(l->errors, item->at,
            "include: found %s, expected a file or pattern, such as sites/*.yaml",
            item->kind == YAML_TEXT ? "nothing" : yaml_kind_text(item));
    else if (!l->has_files)
        conf_errors_add(l->errors, item->at, "include: text that is no file cannot include others");
    else if (l->depth > CONF_INCLUDE_DEPTH_MAX)
        conf_errors_add(
            l->errors, item->at, "include: nested more than %d deep", CONF_INCLUDE_DEPTH_MAX);
    else if (l->kept != NULL)
        include_kept(l, root, item);
    else
        include_pattern(l, root, item);
}

/* Parses one file's text, and adds to its map what it includes. NULL, and told, on failure. */
static struct yaml_node *load_text(struct loader *l, const char *file, struct slice text)
{
    struct yaml_node *root = yaml_read(&l->tree, file, text, l->errors);

    l->hash = hash_bytes(text, l->hash);
    l->texts = mem_resize(l->texts, (l->text_count + 1) * sizeof *l->texts);
    l->texts[l->text_count++] = (struct conf_text){ slice_text(file), text };
    if (root == NULL)
        return NULL;
    if (root->kind != YAML_MAP) {
        conf_errors_add(
            l->errors, root->at, "found %s, expected lines of `key: value`", yaml_kind_text(root));
        return NULL;
    }
    const struct yaml_node *include = yaml_take(root, SLICE("include"));

    if (include == NULL)
        return root;
    l->depth++;
    if (include->kind != YAML_LIST)
        include_item(l, root, include);
    else
        for (const struct yaml_node *item = include->first; item != NULL; item = item->next)
            include_item(l, root, item);
    l->depth--;
    return root;
}

static struct yaml_node *load_kept(struct loader *l, struct slice path, struct conf_place from)
{
    for (size_t i = 0; i < l->kept_count; i++)
        if (slice_equal(l->kept[i].path, path) && l->file_count < l->kept_count) {
            l->file_count++; // never more often than there are files: none includes itself
            return load_text(l, path.at, arena_copy(&l->tree.arena, l->kept[i].text));
        }
    refuse(l, from, path, "it was not kept");
    return NULL;
}

static struct yaml_node *load_file(struct loader *l, struct slice path, struct conf_place from)
{
    if (l->kept != NULL)
        return load_kept(l, path, from);
    int fd = open(path.at, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // no wait for a pipe's writer
    struct slice text;
    bool is_read = read_file(l, fd, path, from, &text);

    if (fd >= 0)
        close(fd);
    return is_read ? load_text(l, path.at, text) : NULL;
}

static void loader_done(struct loader *l)
{
    yaml_tree_done(&l->tree);
    mem_free(l->seen);
    mem_free(l->texts);
}

/* Copies what was read into the network, for as long as that lives. */
static void keep_texts(const struct loader *l, struct network *network)
{
    struct conf_text *texts = arena_array(&network->arena, l->text_count, sizeof *texts);

    for (size_t i = 0; i < l->text_count; i++)
        texts[i] = (struct conf_text){ arena_copy(&network->arena, l->texts[i].path),
            arena_copy(&network->arena, l->texts[i].text) };
    network->history.texts = texts;
    network->history.text_count = l->text_count;
}

/* Types the tree, builds the network, and ends the loader. */
static struct network *finish(struct loader *l, const struct yaml_node *root)
{
    struct set_network set = { 0 };
    struct network *network = NULL;

    if (root != NULL) {
        schema_read(&settings_network, root, &set, &l->tree.arena, l->errors);
        network = conf_build(&set, l->errors);
        network->hash = l->hash;
        network->serial = l->serial;
        keep_texts(l, network);
    }
    if (l->errors->count > 0) {
        network_free(network);
        network = NULL;
        conf_errors_sort(l->errors);
    }
    loader_done(l);
    return network;
}

struct network *conf_load_file(const char *path, struct conf_errors *errors)
{
    struct loader l = { .errors = errors, .has_files = true };

    yaml_tree_init(&l.tree);
    return finish(&l, load_file(&l, slice_text(path), (struct conf_place){ .file = path }));
}

struct network *conf_load_texts(
    const struct conf_text *texts, size_t count, struct conf_errors *errors)
{
    struct loader l = {
        .errors = errors, .has_files = true, .kept = texts, .kept_count = count, .serial = 1
    };

    yaml_tree_init(&l.tree);
    struct slice path = arena_copy(&l.tree.arena, texts[0].path);

    return finish(&l, load_file(&l, path, (struct conf_place){ .file = path.at }));
}

struct network *conf_load_text(const char *name, struct slice text, struct conf_errors *errors)
{
    struct loader l = { .errors = errors, .serial = 1 };

    yaml_tree_init(&l.tree);
    return finish(&l, load_text(&l, name, text));
}

char *conf_file_state(const char *path)
{
    struct conf_errors errors;
    struct loader l = { .errors = &errors, .has_files = true };
    struct set_network set = { 0 };
    char *state = NULL;

    conf_errors_init(&errors);
    yaml_tree_init(&l.tree);
    const struct yaml_node *root =
        load_file(&l, slice_text(path), (struct conf_place){ .file = path });

    if (root != NULL)
        schema_read(&settings_network, root, &set, &l.tree.arena, &errors);
    if (set.state.length > 0) {
        state = mem_alloc(set.state.length + 1);
        memcpy(state, set.state.at, set.state.length);
        state[set.state.length] = '\0';
    }
    loader_done(&l);
    conf_errors_done(&errors);
    return state;
}
