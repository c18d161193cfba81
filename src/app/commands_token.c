// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "admin/mint.h"
#include "app/commands.h"
#include "conf/units.h"

enum { SAID_MAX = 4096 };

static const struct option OPTIONS[] = {
    { "customer", required_argument, NULL, 'C' },
    { "role", required_argument, NULL, 'r' },
    { "json", no_argument, NULL, 'j' },
    { NULL, 0, NULL, 0 },
};

/* The role as it stands in the configuration; false, and told, when there is no such. */
static bool check_role(const struct mint *mint)
{
    const char *changer = mint->customer.length > 0 ? "manager" : "operator";

    if (slice_equal(mint->role, slice_text(changer)) || slice_equal(mint->role, SLICE("viewer")))
        return true;
    fprintf(stderr, "waypost: there is no role %.*s for %s; give viewer or %s\n",
        SLICE_ARG(mint->role), mint->customer.length > 0 ? "a customer" : "operators", changer);
    return false;
}

static bool check_name(const char *what, struct slice name)
{
    if (units_is_name(name))
        return true;
    fprintf(stderr,
        "waypost: \"%.*s\" is no name of a %s; use letters, digits, - _ and dots, at most 63\n",
        SLICE_ARG(name), what);
    return false;
}

/* False, and told, when the system has no random bytes. */
static bool draw(struct mint *mint)
{
    unsigned char random[MINT_RANDOM_SIZE];

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        fprintf(stderr, "waypost: no random bytes: %s\n", strerror(errno));
        return false;
    }
    mint_make(mint, random);
    explicit_bzero(random, sizeof random);
    return true;
}

/* False: an option that there is not, or not one name. */
static bool parse(int argc, char **argv, struct mint *mint, bool *as_json)
{
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;)
        switch (option) {
        case 'C': mint->customer = slice_text(optarg); break;
        case 'r': mint->role = slice_text(optarg); break;
        case 'j': *as_json = true; break;
        default: return false;
        }
    if (optind != argc - 1)
        return false;
    mint->name = slice_text(argv[optind]);
    return true;
}

int command_token(int argc, char **argv)
{
    struct mint mint = { .role = SLICE("viewer") };
    bool as_json = false;
    struct text text;

    if (!parse(argc, argv, &mint, &as_json))
        return command_usage(argv[0]);
    if (!check_name("token", mint.name) ||
        (mint.customer.at != NULL && !check_name("customer", mint.customer)) || !check_role(&mint))
        return EXIT_USAGE;
    if (!draw(&mint))
        return EXIT_FAILED;
    text_init(&text, SAID_MAX);
    if (as_json)
        mint_write(&mint, &text);
    else
        mint_say(&mint, &text);
    printf("%.*s", SLICE_ARG(text_slice(&text)));
    text_done(&text);
    return EXIT_DONE;
}
