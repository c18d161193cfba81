// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/writer.h"
#include "rewrite/tree.h"

/* A folder "site" with a little in it, and a file beside it that is not of the site. */
struct scene {
    char folder[64], root[80];
    struct tree tree;
};

static void put(const char *folder, const char *name, const char *text, mode_t mode)
{
    char path[200];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void make_folder(const char *folder, const char *name)
{
    char path[200];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void make_link(const char *folder, const char *name, const char *to)
{
    char path[200];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(symlink(to, path), 0);
}

static void begin(struct scene *s)
{
    snprintf(s->folder, sizeof s->folder, "/tmp/waypost-tree-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->root, sizeof s->root, "%s/site", s->folder);
    make_folder(s->folder, "site");
    make_folder(s->root, "docs");
    make_folder(s->root, ".git");
    put(s->folder, "secret.html", "secret", 0600);
    put(s->root, "index.html", "first", 0640);
    put(s->root, "docs/B.HTM", "b", 0644);
    put(s->root, "docs/a.css", "a", 0644);
    put(s->root, "docs/a.png", "png", 0644);
    put(s->root, "docs/.hidden.html", "h", 0644);
    put(s->root, ".git/x.html", "x", 0644);
    make_link(s->root, "out.html", "../secret.html");
    make_link(s->root, "away", "..");
    make_link(s->root, "in.png", "docs/a.png");
    assert_int_equal(tree_open(&s->tree, s->root), ERR_NONE);
}

static void end(struct scene *s)
{
    char words[120];

    tree_close(&s->tree);
    snprintf(words, sizeof words, "rm -rf %s", s->folder);
    assert_int_equal(system(words), 0); // NOLINT(cert-env33-c): a name of our own making
}

struct seen {
    struct tree_visitor visitor;
    struct writer text;
    char room[4000];
};

static void note(struct seen *seen, struct slice path, const char *what)
{
    write_slice(&seen->text, path);
    write_slice(&seen->text, slice_text(what));
}

static void see_file(struct tree_visitor *visitor, struct slice path, enum tree_kind kind)
{
    note(container_of(visitor, struct seen, visitor), path,
        kind == TREE_PAGE ? " page\n" : " sheet\n");
}

static void see_left(struct tree_visitor *visitor, struct slice path, enum err why)
{
    note(container_of(visitor, struct seen, visitor), path,
        why == ERR_LIMIT ? " deep\n" : " left\n");
}

static void walk_check(const struct tree *tree, const char *expected)
{
    struct seen seen = { .visitor = { see_file, see_left } };

    seen.text = writer_on(seen.room, sizeof seen.room - 1);
    assert_int_equal(tree_walk(tree, &seen.visitor), ERR_NONE);
    seen.room[seen.text.length] = '\0';
    assert_string_equal(seen.room, expected);
}

static void pages_and_sheets_are_found_by_name_and_links_are_not(void **)
{
    struct scene s;
    struct tree again;

    begin(&s);
    walk_check(&s.tree, "/docs/B.HTM page\n/docs/a.css sheet\n/index.html page\n");
    snprintf(s.root, sizeof s.root, "%s/site//", s.folder);
    assert_int_equal(tree_open(&again, s.root), ERR_NONE);
    walk_check(&again, "/docs/B.HTM page\n/docs/a.css sheet\n/index.html page\n");
    tree_close(&again);
    make_link(s.folder, "current", "site"); // as those have it who put a new release beside the old
    snprintf(s.root, sizeof s.root, "%s/current", s.folder);
    assert_int_equal(tree_open(&again, s.root), ERR_NONE);
    walk_check(&again, "/docs/B.HTM page\n/docs/a.css sheet\n/index.html page\n");
    tree_close(&again);
    end(&s);
}

static void folders_too_deep_are_left_and_said(void **)
{
    struct scene s;
    char path[200] = "", expected[300];

    begin(&s);
    for (int i = 0; i <= TREE_DEPTH_MAX; i++) {
        size_t length = strlen(path);

        snprintf(path + length, sizeof path - length, "%sd", i == 0 ? "" : "/");
        make_folder(s.root, path);
    }
    snprintf(expected, sizeof expected,
        "/%s deep\n/docs/B.HTM page\n/docs/a.css sheet\n/index.html page\n", path);
    walk_check(&s.tree, expected);
    end(&s);
}

static void only_what_lies_within_is_there(void **)
{
    struct scene s;

    begin(&s);
    assert_true(tree_has(&s.tree, SLICE("/docs/a.png")));
    assert_true(tree_has(&s.tree, SLICE("//docs//a.png")));
    assert_true(tree_has(&s.tree, SLICE("/in.png"))); // a link within
    assert_false(tree_has(&s.tree, SLICE("/out.html")));
    assert_false(tree_has(&s.tree, SLICE("/../secret.html")));
    assert_false(tree_has(&s.tree, SLICE("/away/secret.html")));
    assert_false(tree_has(&s.tree, SLICE("/docs")));
    assert_false(tree_has(&s.tree, SLICE("/")));
    assert_false(tree_has(&s.tree, SLICE("/none.png")));
    end(&s);
}

static void a_file_is_read_whole_or_not_at_all(void **)
{
    struct scene s;
    struct arena arena;
    struct slice bytes;
    struct stat seen;

    begin(&s);
    arena_init(&arena, 1 << 16);
    assert_int_equal(tree_read(&s.tree, SLICE("/index.html"), 5, &arena, &bytes, &seen), ERR_NONE);
    assert_true(slice_equal(bytes, SLICE("first")));
    assert_int_equal(tree_read(&s.tree, SLICE("/index.html"), 4, &arena, &bytes, &seen), ERR_LIMIT);
    assert_int_not_equal(
        tree_read(&s.tree, SLICE("/out.html"), 100, &arena, &bytes, &seen), ERR_NONE);
    assert_int_not_equal(
        tree_read(&s.tree, SLICE("/away/secret.html"), 100, &arena, &bytes, &seen), ERR_NONE);
    assert_int_equal(
        tree_read(&s.tree, SLICE("/docs"), 9999, &arena, &bytes, &seen), ERR_UNSUPPORTED);
    arena_done(&arena);
    end(&s);
}

static void a_file_that_is_replaced_keeps_its_mode_and_owner(void **)
{
    struct scene s;
    struct arena arena;
    struct slice bytes;
    struct stat seen, now;
    char path[120];

    begin(&s);
    snprintf(path, sizeof path, "%s/index.html", s.root);
    if (geteuid() == 0) // else it may belong to nobody else
        assert_int_equal(chown(path, 12345, 12346), 0);
    arena_init(&arena, 1 << 16);
    assert_int_equal(tree_read(&s.tree, SLICE("/index.html"), 99, &arena, &bytes, &seen), ERR_NONE);
    assert_int_equal(tree_replace(&s.tree, SLICE("/index.html"), SLICE("other"), &seen), ERR_NONE);
    assert_int_equal(tree_read(&s.tree, SLICE("/index.html"), 99, &arena, &bytes, &now), ERR_NONE);
    assert_true(slice_equal(bytes, SLICE("other")));
    assert_int_equal(now.st_mode, seen.st_mode);
    assert_int_equal(now.st_uid, seen.st_uid);
    assert_int_equal(now.st_gid, seen.st_gid);
    // The one that was read is gone, so what was made of it must not come in its place.
    assert_int_equal(tree_replace(&s.tree, SLICE("/index.html"), SLICE("third"), &seen), ERR_STALE);
    assert_int_equal(tree_read(&s.tree, SLICE("/index.html"), 99, &arena, &bytes, &now), ERR_NONE);
    assert_true(slice_equal(bytes, SLICE("other")));
    walk_check(&s.tree, "/docs/B.HTM page\n/docs/a.css sheet\n/index.html page\n");
    arena_done(&arena);
    end(&s);
}

/* Files that were to come in another's place. */
static int draft_count(const char *folder)
{
    DIR *listing = opendir(folder);
    int count = 0;

    assert_non_null(listing);
    for (const struct dirent *entry; (entry = readdir(listing)) != NULL;)
        count += strncmp(entry->d_name, ".waypost-", 9) == 0;
    closedir(listing);
    return count;
}

static void what_somebody_writes_in_the_meantime_is_kept(void **)
{
    struct scene s;
    struct arena arena;
    struct slice bytes;
    struct stat seen, later;

    begin(&s);
    arena_init(&arena, 1 << 16);
    assert_int_equal(tree_read(&s.tree, SLICE("/index.html"), 99, &arena, &bytes, &seen), ERR_NONE);
    later = seen;
    later.st_mtim.tv_nsec ^= 1; // as of one written anew, as long as before
    assert_int_equal(
        tree_replace(&s.tree, SLICE("/index.html"), SLICE("other"), &later), ERR_STALE);
    put(s.root, "index.html", "first, and more", 0640);
    assert_int_equal(tree_replace(&s.tree, SLICE("/index.html"), SLICE("other"), &seen), ERR_STALE);
    assert_int_equal(tree_read(&s.tree, SLICE("/index.html"), 99, &arena, &bytes, &seen), ERR_NONE);
    assert_true(slice_equal(bytes, SLICE("first, and more")));
    assert_int_equal(draft_count(s.root), 0);
    arena_done(&arena);
    end(&s);
}

static void nothing_is_written_through_a_link(void **)
{
    struct scene s;
    struct stat seen = { 0 };

    begin(&s);
    assert_int_not_equal(
        tree_replace(&s.tree, SLICE("/away/secret.html"), SLICE("x"), &seen), ERR_NONE);
    assert_int_equal(tree_replace(&s.tree, SLICE("/out.html"), SLICE("x"), &seen), ERR_STALE);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(pages_and_sheets_are_found_by_name_and_links_are_not),
        cmocka_unit_test(folders_too_deep_are_left_and_said),
        cmocka_unit_test(only_what_lies_within_is_there),
        cmocka_unit_test(a_file_is_read_whole_or_not_at_all),
        cmocka_unit_test(a_file_that_is_replaced_keeps_its_mode_and_owner),
        cmocka_unit_test(what_somebody_writes_in_the_meantime_is_kept),
        cmocka_unit_test(nothing_is_written_through_a_link),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
