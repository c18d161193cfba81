// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/books.h"
#include "admin/books_ask.h"
#include "admin/client.h"
#include "admin/invoice.h"
#include "admin/query.h"
#include "admin/table_books.h"
#include "admin/text.h"
#include "app/asking.h"
#include "app/commands.h"
#include "app/wall.h"
#include "base/mem.h"
#include "conf/units.h"
#include "meter/month.h"

enum { TEXT_MAX = 64 << 20 };

enum form { FORM_TEXT, FORM_JSON, FORM_CSV };

static const struct option OPTIONS[] = {
    ASKING_OPTIONS,
    { "json", no_argument, NULL, 'j' },
    { "month", required_argument, NULL, 'm' },
    { "csv", no_argument, NULL, 'v' }, // of usage, as far as `by`
    { "from", required_argument, NULL, 'f' },
    { "to", required_argument, NULL, 't' },
    { "by", required_argument, NULL, 'b' },
    { "audit", required_argument, NULL, 'u' },
    { "site", required_argument, NULL, 'h' }, // of usage and correct
    { "pop", required_argument, NULL, 'p' },
    { "format", required_argument, NULL, 'F' }, // of invoice
    { "output", required_argument, NULL, 'o' },
    { "verify", required_argument, NULL, 'V' },
    { "at", required_argument, NULL, 'A' }, // of correct
    { "kind", required_argument, NULL, 'K' },
    { "take-back", required_argument, NULL, 'T' },
    { "reason", required_argument, NULL, 'R' },
    { NULL, 0, NULL, 0 },
};

/* What the command line says; NULL: not said. */
struct wish {
    struct asking who;
    const char *customer, *site, *pop, *month, *from, *to, *by;
    const char *audit;
    enum form form;
    bool has_form;
    const char *output, *verify;
    const char *at, *kind, *take_back, *reason;
};

static bool parse_form(struct wish *w, const char *word)
{
    static const char *const WORDS[] = { "text", "json", "csv" };

    w->has_form = true;
    for (size_t i = 0; i < COUNT_OF(WORDS); i++)
        if (strcmp(word, WORDS[i]) == 0) {
            w->form = (enum form)i;
            return true;
        }
    return false;
}

/* False: an option that there is not, or more than one word beside them. */
static bool parse(int argc, char **argv, struct wish *w)
{
    *w = (struct wish){ .form = FORM_TEXT };
    for (int option; (option = getopt_long(argc, argv, "c:o:", OPTIONS, NULL)) != -1;)
        switch (option) {
        case 'j': parse_form(w, "json"); break;
        case 'v': parse_form(w, "csv"); break;
        case 'm': w->month = optarg; break;
        case 'f': w->from = optarg; break;
        case 't': w->to = optarg; break;
        case 'b': w->by = optarg; break;
        case 'u': w->audit = optarg; break;
        case 'h': w->site = optarg; break;
        case 'p': w->pop = optarg; break;
        case 'o': w->output = optarg; break;
        case 'V': w->verify = optarg; break;
        case 'A': w->at = optarg; break;
        case 'K': w->kind = optarg; break;
        case 'T': w->take_back = optarg; break;
        case 'R': w->reason = optarg; break;
        case 'F':
            if (!parse_form(w, optarg))
                return false;
            break;
        default:
            if (!asking_option(&w->who, option, optarg))
                return false;
        }
    if (optind < argc)
        w->customer = argv[optind++];
    return optind == argc;
}

static bool is_of_usage(const struct wish *w)
{
    return w->from != NULL || w->to != NULL || w->by != NULL || w->audit != NULL;
}

static bool is_of_invoice(const struct wish *w)
{
    return w->output != NULL || w->verify != NULL;
}

static bool is_of_correction(const struct wish *w)
{
    return w->at != NULL || w->kind != NULL || w->take_back != NULL || w->reason != NULL;
}

/* The socket of another node in the same state folder: STATE/NODE/admin.sock. */
static bool find_neighbour(const char *path, const char *node, char found[ADMIN_PATH_MAX])
{
    const char *name = strrchr(path, '/'), *folder = name;

    while (folder != NULL && folder > path && folder[-1] != '/')
        folder--;
    if (folder == NULL || folder == path)
        return false;
    int length =
        snprintf(found, ADMIN_PATH_MAX, "%.*s%s%s", (int)(folder - path), path, node, name);

    return length < ADMIN_PATH_MAX && access(found, F_OK) == 0;
}

/*
 * Asks; and where the answer says that another node keeps the accounts, asks that one, if its
 * socket is here. Only with EXIT_DONE, which is status 200, there is an answer to give back.
 */
static int ask(struct wish *w, const struct asking_request *request, struct client_answer *answer)
{
    char keeper[BOOKS_KEEPER_MAX], path[ADMIN_PATH_MAX];

    if (!asking_send(&w->who, request, answer))
        return EXIT_FAILED;
    if (answer->status == 409 && w->who.url == NULL && books_ask_keeper(answer->body, keeper) &&
        find_neighbour(w->who.path, keeper, path)) {
        client_answer_done(answer);
        memcpy(w->who.path, path, sizeof path);
        if (!asking_send(&w->who, request, answer))
            return EXIT_FAILED;
    }
    if (answer->status == 200)
        return EXIT_DONE;
    asking_explain(answer);
    client_answer_done(answer);
    return EXIT_FAILED;
}

/* Adds "?key=value" or "&key=value". */
static void add_to_query(struct text *path, const char *key, const char *value)
{
    if (value == NULL)
        return;
    text_say(path, "%c%s=", strchr(path->at, '?') == NULL ? '?' : '&', key);
    query_escape(path, slice_text(value));
}

static int get(struct wish *w, const struct text *path, struct client_answer *answer)
{
    return ask(w, &(struct asking_request){ .method = "GET", .path = path->at }, answer);
}

static int say_file(const char *path)
{
    fprintf(stderr, "waypost: %s: %s\n", path, strerror(errno));
    return EXIT_FAILED;
}

/* Reads a ledger's file, which nobody asks a node for: it takes its time. */
static int audit(const char *path)
{
    struct ledger *ledger = NULL;
    struct diag why = { 0 };

    if (access(path, R_OK | W_OK) != 0) // it would be made where there is none
        return say_file(path);
    enum err err = ledger_open(path, &ledger, &why);

    if (err == ERR_NONE)
        err = ledger_audit(ledger, &why);
    ledger_close(ledger);
    if (err != ERR_NONE) {
        fprintf(stderr, "waypost: %s: %s\n", path, why.text);
        return EXIT_FAILED;
    }
    printf("%s is whole: chains, entries and sums agree\n", path);
    return EXIT_DONE;
}

int command_usage_of(int argc, char **argv)
{
    struct client_answer answer;
    struct text path;
    struct wish w;

    if (!parse(argc, argv, &w) || is_of_invoice(&w) || is_of_correction(&w) ||
        (w.month != NULL && (w.from != NULL || w.to != NULL)))
        return command_usage(argv[0]);
    if (w.audit != NULL)
        return argc - optind == 0 && w.customer == NULL ? audit(w.audit) : command_usage(argv[0]);
    text_init(&path, TEXT_MAX);
    text_say(&path, "/api/v1/usage");
    add_to_query(&path, "customer", w.customer);
    add_to_query(&path, "site", w.site);
    add_to_query(&path, "pop", w.pop);
    add_to_query(&path, "month", w.month);
    add_to_query(&path, "from", w.from);
    add_to_query(&path, "to", w.to);
    add_to_query(&path, "by", w.by);
    int code = get(&w, &path, &answer);

    text_done(&path);
    if (code != EXIT_DONE)
        return code;
    code = asking_print(
        &answer, w.form == FORM_JSON, w.form == FORM_CSV ? table_usage_csv : table_usage);
    client_answer_done(&answer);
    return code;
}

/* The invoice in the form that was asked for; false: it is none, or it cannot be written. */
static bool write_invoice(const struct wish *w, struct slice json, FILE *out)
{
    struct invoice *invoice;
    struct diag why = { 0 };

    if (w->form == FORM_JSON)
        return fwrite(json.at, 1, json.length, out) == json.length;
    if (invoice_json_read(json, &invoice, &why) != ERR_NONE) {
        fprintf(stderr, "waypost: the answer is no invoice: %s\n", why.text);
        return false;
    }
    (w->form == FORM_CSV ? invoice_write_csv : invoice_write_text)(invoice, out);
    if (w->form == FORM_TEXT && month_end(invoice->month).ms > wall_now().ms)
        fputs("\nThe month is not over: this is of what is settled so far.\n", out);
    invoice_free(invoice);
    return true;
}

/* To a file of that name, which is there wholly or as before. */
static int write_file(const struct wish *w, struct slice json)
{
    size_t size = strlen(w->output) + sizeof ".XXXXXX";
    char *room = mem_alloc(size);

    snprintf(room, size, "%s.XXXXXX", w->output);
    int fd = mkstemp(room);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    bool is_written = out != NULL && write_invoice(w, json, out) && fflush(out) == 0 &&
                      fchmod(fd, 0644) == 0 && fsync(fd) == 0;

    is_written = (out == NULL || fclose(out) == 0) && is_written && rename(room, w->output) == 0;
    int code = is_written ? EXIT_DONE : say_file(w->output);

    if (!is_written && fd >= 0)
        unlink(room);
    mem_free(room);
    return code;
}

/* To a device, a pipe or what a link leads to: in a file's place they would be gone. */
static int write_through(const struct wish *w, struct slice json)
{
    FILE *out = fopen(w->output, "w");
    bool is_written = out != NULL && write_invoice(w, json, out);

    is_written = (out == NULL || fclose(out) == 0) && is_written;
    return is_written ? EXIT_DONE : say_file(w->output);
}

static bool may_replace(const char *path)
{
    struct stat there;

    return lstat(path, &there) < 0 || S_ISREG(there.st_mode);
}

static int show_invoice(struct wish *w)
{
    struct client_answer answer;
    struct text path;

    text_init(&path, TEXT_MAX);
    text_say(&path, "/api/v1/invoices/");
    query_escape(&path, slice_text(w->customer));
    add_to_query(&path, "month", w->month);
    int code = get(w, &path, &answer);

    text_done(&path);
    if (code != EXIT_DONE)
        return code;
    if (w->output != NULL)
        code = (may_replace(w->output) ? write_file : write_through)(w, answer.body);
    else if (!write_invoice(w, answer.body, stdout))
        code = EXIT_FAILED;
    client_answer_done(&answer);
    return code;
}

static int list_invoices(struct wish *w)
{
    struct client_answer answer;
    struct text path;

    text_init(&path, TEXT_MAX);
    text_say(&path, "/api/v1/invoices");
    add_to_query(&path, "month", w->month);
    int code = get(w, &path, &answer);

    text_done(&path);
    if (code != EXIT_DONE)
        return code;
    code = asking_print(&answer, w->form == FORM_JSON, table_invoices);
    client_answer_done(&answer);
    return code;
}

/* Reads the file; false: stderr has said why not. */
static bool read_file(const char *path, struct text *text)
{
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char room[16 * 1024];
    size_t length;

    if (in == NULL) {
        say_file(path);
        return false;
    }
    while ((length = fread(room, 1, sizeof room, in)) > 0)
        text_add(text, slice_of(room, length));
    bool is_read = ferror(in) == 0;

    if (!is_read)
        say_file(path);
    else if (text->is_full)
        fprintf(stderr, "waypost: %s is larger than an invoice of ours\n", path);
    if (in != stdin)
        fclose(in);
    return is_read && !text->is_full;
}

static int verify(struct wish *w)
{
    struct client_answer answer;
    struct text body;
    int code = EXIT_FAILED;

    text_init(&body, BOOKS_INVOICE_MAX);
    if (read_file(w->verify, &body))
        code =
            ask(w, &(struct asking_request){ "POST", "/api/v1/invoices/verify", text_slice(&body) },
                &answer);
    text_done(&body);
    if (code != EXIT_DONE)
        return code;
    code = asking_print(&answer, w->form == FORM_JSON, table_verified);
    if (code == EXIT_DONE && !books_ask_is_verified(answer.body))
        code = EXIT_FAILED;
    client_answer_done(&answer);
    return code;
}

int command_invoice(int argc, char **argv)
{
    struct wish w;

    if (!parse(argc, argv, &w) || is_of_usage(&w) || is_of_correction(&w) || w.site != NULL ||
        w.pop != NULL)
        return command_usage(argv[0]);
    if (w.verify != NULL && (w.customer != NULL || w.month != NULL || w.output != NULL))
        return command_usage(argv[0]);
    if (w.customer == NULL && (w.output != NULL || w.form == FORM_CSV))
        return command_usage(argv[0]);
    if (w.verify != NULL)
        return verify(&w);
    return w.customer != NULL ? show_invoice(&w) : list_invoices(&w);
}

/* "1200", or of bytes "1.5 GB". */
static bool parse_amount(const struct wish *w, uint64_t *amount)
{
    struct slice text = slice_text(w->take_back);

    if (slice_number(text, INT64_MAX, amount) && *amount > 0)
        return true;
    if (slice_ends(slice_text(w->kind), SLICE("_bytes")) && units_size(text, amount) == ERR_NONE &&
        *amount > 0 && *amount <= INT64_MAX)
        return true;
    fprintf(stderr, "waypost: --take-back %s is no amount of %s; give a number%s\n", w->take_back,
        w->kind,
        slice_ends(slice_text(w->kind), SLICE("_bytes")) ? ", or one with its unit: '1.5 GB'" : "");
    return false;
}

int command_correct(int argc, char **argv)
{
    struct client_answer answer;
    struct text body;
    struct wish w;

    if (!parse(argc, argv, &w) || is_of_usage(&w) || is_of_invoice(&w) || w.customer == NULL ||
        w.site == NULL || w.kind == NULL || w.take_back == NULL || w.reason == NULL ||
        (w.month == NULL) == (w.at == NULL) || w.form == FORM_CSV)
        return command_usage(argv[0]);
    struct correction_words words = { .customer = w.customer,
        .site = w.site,
        .pop = w.pop,
        .month = w.month,
        .at = w.at,
        .kind = w.kind,
        .reason = w.reason };

    if (!parse_amount(&w, &words.take_back))
        return EXIT_USAGE;
    text_init(&body, TEXT_MAX);
    books_ask_write(&words, &body);
    int code = ask(
        &w, &(struct asking_request){ "POST", "/api/v1/corrections", text_slice(&body) }, &answer);

    text_done(&body);
    if (code != EXIT_DONE)
        return code;
    code = asking_print(&answer, w.form == FORM_JSON, table_correction);
    client_answer_done(&answer);
    return code;
}
