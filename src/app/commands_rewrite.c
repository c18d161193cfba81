// SPDX-License-Identifier: Apache-2.0
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "admin/json.h"
#include "admin/names.h"
#include "app/commands.h"
#include "base/attr.h"
#include "conf/load.h"
#include "delivery/routes.h"
#include "rewrite/rewrite.h"
#include "rewrite/tree.h"

enum {
    NAMES_MAX = 64,     // of pages, those of the configuration included
    JSON_MAX = 1 << 30, // bytes of the report
    SHOWN_MAX = 2000,   // bytes of a URL or path in the report for people
};

static const struct option OPTIONS[] = {
    { "config", required_argument, NULL, 'c' },
    { "site", required_argument, NULL, 's' },
    { "page", required_argument, NULL, 'p' },
    { "scheme", required_argument, NULL, 'S' },
    { "cors", no_argument, NULL, 'C' },
    { "dry-run", no_argument, NULL, 'd' },
    { "json", no_argument, NULL, 'j' },
    { NULL, 0, NULL, 0 },
};

/* One run of the command. */
struct job {
    struct rewrite_site site;
    struct tree_visitor visitor;
    struct tree tree;
    const char *config;           // NULL: not said
    const struct site *delivered; // by the configuration; NULL: not known
    struct slice pages[NAMES_MAX], alias;
    struct arena names; // what the two are made of
    struct arena arena; // of one file
    json_t *files, *skipped;
    size_t fates[REWRITE_FATE_COUNT];
    uint64_t read_count, changed_count;
    bool as_json, is_dry, has_failed;
};

static bool say_wrong(const char *what, const char *value, const char *mend)
{
    fprintf(stderr, "waypost: %s %s: %s\n", what, value, mend);
    return false;
}

static bool add_page(struct job *job, struct slice name)
{
    if (job->site.page_count == NAMES_MAX) {
        fprintf(stderr, "waypost: more than %d names of pages\n", NAMES_MAX);
        return false;
    }
    job->pages[job->site.page_count++] = name;
    return true;
}

static bool take_option(struct job *job, int option, const char *value)
{
    switch (option) {
    case 'c': job->config = value; return true;
    case 's': job->site.host = slice_text(value); return true;
    case 'C': job->site.has_cors = true; return true;
    case 'd': job->is_dry = true; return true;
    case 'j': job->as_json = true; return true;
    case 'p':
        if (!rewrite_is_host(slice_text(value)))
            return say_wrong("--page", value, "give a host name, such as www.acme.example");
        return add_page(job, slice_text(value));
    case 'S':
        job->site.scheme = slice_equal(slice_text(value), SLICE("https"))  ? SLICE("https:")
                           : slice_equal(slice_text(value), SLICE("http")) ? SLICE("http:")
                                                                           : SLICE("");
        return job->site.scheme.length > 0 || say_wrong("--scheme", value, "give http or https");
    default: return false;
    }
}

static bool parse(int argc, char **argv, struct job *job)
{
    for (int option; (option = getopt_long(argc, argv, "c:", OPTIONS, NULL)) != -1;)
        if (!take_option(job, option, optarg))
            return false;
    if (optind + 1 != argc || job->site.host.length == 0)
        return false;
    job->tree.root = argv[optind];
    return rewrite_is_host(job->site.host) ||
           say_wrong("--site", job->site.host.at,
               "give the host name of the site that delivers, such as static.acme.example");
}

/* HOST.ZONE, in the job's memory. */
static struct slice shared_name(struct job *job, const struct network *network, struct slice host)
{
    size_t room = host.length + 1 + network->zone.length;
    char *at = arena_room(&job->names, room + 1);

    snprintf(at, room + 1, "%.*s.%.*s", SLICE_ARG(host), SLICE_ARG(network->zone));
    return slice_of(at, room);
}

/* The first site of the same customer that is delivered; empty: there is none. */
static struct slice delivered_beside(const struct site *steered)
{
    const struct customer *customer = steered->customer;

    for (size_t i = 0; i < customer->site_count; i++)
        if (customer->sites[i].kind == SITE_DELIVER)
            return customer->sites[i].host;
    return SLICE_NONE;
}

/* The site by its own name or the one below our zone; a port is not of either. */
static bool find_site(struct job *job, const struct network *network)
{
    struct slice host = slice_head(job->site.host, slice_find(job->site.host, ':'));
    const struct site *found = admin_site_find(network, host);

    job->delivered = found;
    if (found != NULL && found->kind == SITE_DELIVER) {
        job->alias = slice_same(found->host, host) ? shared_name(job, network, host) : found->host;
        return true;
    }
    struct slice meant =
        found == NULL ? admin_site_nearest(network, host) : delivered_beside(found);

    fprintf(stderr, "waypost: %.*s %s", SLICE_ARG(host),
        found == NULL ? "is no site of the network" : "is steered: its visitors go to origins");
    if (meant.length > 0)
        fprintf(stderr, "; did you mean %.*s?\n", SLICE_ARG(meant));
    else
        fputs(found == NULL ? "\n" : "; its customer has no site that is delivered\n", stderr);
    return false;
}

/* What the configuration knows of it: that it is there, and under which names its pages are. */
static bool consult(struct job *job, const struct network *network)
{
    if (!find_site(job, network))
        return false;
    const struct customer *customer = job->delivered->customer;

    job->site.aliases = &job->alias;
    job->site.alias_count = 1;
    for (size_t i = 0; i < customer->site_count; i++) {
        const struct site *site = &customer->sites[i];

        if (site->kind == SITE_STEER &&
            (!add_page(job, site->host) || !add_page(job, shared_name(job, network, site->host))))
            return false;
    }
    return true;
}

/* A file that the site delivers, and may keep. */
static bool has_file(struct rewrite_site *site, struct slice path)
{
    const struct job *job = container_of(site, struct job, site);

    if (job->delivered != NULL) {
        struct route route = { .site = job->delivered };

        if (!route_rules(&route, path)->may_cache)
            return false;
    }
    return tree_has(&job->tree, path);
}

/* For people, on a terminal that must not obey it. */
static void print_safe(FILE *to, struct slice text)
{
    struct slice shown = slice_head(text, SHOWN_MAX);

    for (size_t i = 0; i < shown.length; i++)
        if (ascii_is_control(shown.at[i]))
            fprintf(to, "\\x%02x", (unsigned)shown.at[i]);
        else
            putc(shown.at[i], to);
    fputs(shown.length < text.length ? "..." : "", to);
}

static json_t *tell_change(
    const struct job *job, struct slice path, int64_t line, struct slice from, struct slice to)
{
    if (job->as_json) {
        json_t *change = json_object();

        json_put_number(change, "line", (uint64_t)line);
        json_put_text(change, "from", from);
        json_put_text(change, "to", to);
        return change;
    }
    print_safe(stdout, slice_from(path, 1));
    printf(":%" PRId64 ": ", line);
    print_safe(stdout, from);
    fputs(" -> ", stdout);
    print_safe(stdout, to);
    putchar('\n');
    return NULL;
}

static void tell_changes(
    struct job *job, struct slice path, struct slice file, const struct rewrite_edits *edits)
{
    json_t *changes = job->as_json ? json_array() : NULL;
    int64_t line = 1;
    size_t at = 0;

    for (size_t i = 0; i < edits->count; i++) {
        const struct rewrite_edit *edit = &edits->rows[i];

        for (; at < edit->at; at++)
            line += file.at[at] == '\n';
        json_array_append_new(changes,
            tell_change(job, path, line, slice_of(file.at + edit->at, edit->length), edit->text));
    }
    if (!job->as_json)
        return;
    json_t *told = json_object();

    json_put_text(told, "file", slice_from(path, 1));
    json_object_set_new(told, "changes", changes);
    json_array_append_new(job->files, told);
}

/* A file that is left as it is, and why; whether that is a failure. */
static void leave(struct job *job, struct slice path, enum err why)
{
    const char *text = why == ERR_UNSUPPORTED ? "its encoding is not one where ASCII is ASCII "
                                                "(UTF-16, ISO-2022-JP)"
                       : why == ERR_LIMIT || why == ERR_SPACE ? "it is larger or lies deeper than "
                                                                "the limits"
                       : why == ERR_STALE ? "somebody changed it just now; run it again"
                                          : err_text(why);

    job->has_failed |= why != ERR_UNSUPPORTED && why != ERR_LIMIT && why != ERR_SPACE;
    fputs("waypost: ", stderr);
    print_safe(stderr, slice_from(path, 1));
    fprintf(stderr, " is left as it is: %s\n", text);
    json_t *told = json_object();

    json_put_text(told, "file", slice_from(path, 1));
    json_put_text(told, "why", slice_text(text));
    json_array_append_new(job->skipped, told);
}

static void leave_found(struct tree_visitor *visitor, struct slice path, enum err why)
{
    leave(container_of(visitor, struct job, visitor), path, why);
}

static enum err rewrite_one(struct job *job, struct slice path, enum tree_kind kind)
{
    struct rewrite_edits edits;
    struct slice file;
    struct stat seen;

    TRY(tree_read(&job->tree, path, REWRITE_FILE_BYTES_MAX, &job->arena, &file, &seen));
    TRY(rewrite_readable(file));
    TRY((kind == TREE_PAGE ? rewrite_page : rewrite_sheet)(
        &job->site, path, file, &job->arena, &edits));
    struct slice after = rewrite_apply(file, &edits, &job->arena);

    if (edits.count > 0 && !job->is_dry)
        TRY(tree_replace(&job->tree, path, after, &seen));
    job->read_count++;
    job->changed_count += edits.count > 0;
    for (int fate = 0; fate < REWRITE_FATE_COUNT; fate++)
        job->fates[fate] += edits.fates[fate];
    if (edits.count > 0)
        tell_changes(job, path, file, &edits);
    return ERR_NONE;
}

static void take_file(struct tree_visitor *visitor, struct slice path, enum tree_kind kind)
{
    struct job *job = container_of(visitor, struct job, visitor);
    enum err err = rewrite_one(job, path, kind);

    if (err != ERR_NONE)
        leave(job, path, err);
    arena_reset(&job->arena);
}

static void print_summary(const struct job *job)
{
    static const char *const texts[] = {
#define X(name, word, text) text,
        REWRITE_FATE_LIST(X)
#undef X
    };

    printf("%" PRIu64 " %s read, %" PRIu64 " %s%s\n", job->read_count,
        job->read_count == 1 ? "file" : "files", job->changed_count,
        job->is_dry ? "would be changed" : "changed", job->is_dry ? "; nothing is written" : "");
    for (int fate = 0; fate < REWRITE_FATE_COUNT; fate++)
        if (job->fates[fate] > 0 || fate == REWRITE_MOVED)
            printf("%8zu URLs %s\n", job->fates[fate],
                fate == REWRITE_MOVED && job->is_dry ? "would point at the site" : texts[fate]);
}

static void print_json(struct job *job)
{
    static const char *const words[] = {
#define X(name, word, text) word,
        REWRITE_FATE_LIST(X)
#undef X
    };
    json_t *told = json_object(), *urls = json_object();
    struct text out;

    for (int fate = 0; fate < REWRITE_FATE_COUNT; fate++)
        json_put_number(urls, words[fate], job->fates[fate]);
    json_put_text(told, "folder", slice_text(job->tree.root));
    json_put_text(told, "site", job->site.host);
    json_put_flag(told, "dry_run", job->is_dry);
    json_put_number(told, "read", job->read_count);
    json_put_number(told, "changed", job->changed_count);
    json_object_set_new(told, "urls", urls);
    json_object_set(told, "files", job->files);
    json_object_set(told, "left", job->skipped);
    text_init(&out, JSON_MAX);
    json_write(told, &out);
    fwrite(out.at, 1, out.length, stdout);
    text_done(&out);
}

/* With all options known: through the folder, and what came of it. */
static int run(struct job *job)
{
    enum err err = tree_open(&job->tree, job->tree.root);

    if (err == ERR_NONE) {
        err = tree_walk(&job->tree, &job->visitor);
        tree_close(&job->tree);
    }
    if (err != ERR_NONE) {
        fprintf(stderr, "waypost: %s: %s; give the folder that holds the pages\n", job->tree.root,
            err_text(err));
        return EXIT_FAILED;
    }
    if (job->as_json)
        print_json(job);
    else
        print_summary(job);
    return job->has_failed ? EXIT_FAILED : EXIT_DONE;
}

/* The site is looked up in the configuration first, if there is one. */
static int run_with(struct job *job)
{
    struct conf_errors errors;
    int code = EXIT_FAILED;

    if (job->config == NULL)
        return run(job);
    conf_errors_init(&errors);
    struct network *network = conf_load_file(job->config, &errors);

    conf_errors_print(&errors, stderr);
    if (network != NULL && consult(job, network))
        code = run(job);
    network_free(network);
    conf_errors_done(&errors);
    return code;
}

int command_rewrite(int argc, char **argv)
{
    struct job job = { .visitor = { take_file, leave_found }, .site = { .has = has_file } };
    int code = EXIT_USAGE;

    job.site.pages = job.pages;
    arena_init(&job.names, REWRITE_ARENA_BYTES);
    arena_init(&job.arena, REWRITE_ARENA_BYTES);
    job.files = json_array();
    job.skipped = json_array();
    if (parse(argc, argv, &job))
        code = run_with(&job);
    else
        command_usage(argv[0]);
    json_decref(job.files);
    json_decref(job.skipped);
    arena_done(&job.arena);
    arena_done(&job.names);
    return code;
}
