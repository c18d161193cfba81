// SPDX-License-Identifier: Apache-2.0
#include "meter/invoice_test.h"

#include <stdlib.h>

#include "admin/invoice.h"
#include "base/mem.h"

/* The example's bytes with one text in place of another; freed by the caller. */
static char *changed(const char *from, const char *to)
{
    struct invoice *invoice = example();
    struct text text;
    char *result = NULL;
    size_t length;
    FILE *out = open_memstream(&result, &length);

    text_init(&text, INVOICE_TEXT_MAX);
    invoice_json_write(invoice, &text);
    const char *at = strstr(text.at, from);

    assert_non_null(at);
    fwrite(text.at, 1, (size_t)(at - text.at), out);
    fputs(to, out);
    fputs(at + strlen(from), out);
    fclose(out);
    text_done(&text);
    invoice_free(invoice);
    return result;
}

static void an_invoice_comes_back_from_its_bytes(void **)
{
    struct invoice *invoice = example(), *read;
    char *bytes = changed("", "");
    struct diag why = { 0 };

    assert_int_equal(invoice_json_read(slice_text(bytes), &read, &why), ERR_NONE);
    if (!invoice_same(read, invoice, &why))
        fail_msg("%s", why.text);
    assert_true(invoice_json_verify(slice_text(bytes), invoice, &why));
    free(bytes);
    invoice_free(read);
    invoice_free(invoice);
}

/* Of a plan that held from the middle of the month on. */
static const char CANONICAL[] =
    "{\n"
    "  \"invoice\": 1,\n"
    "  \"customer\": \"acme\",\n"
    "  \"month\": \"2026-11\",\n"
    "  \"totals\": [\n"
    "    {\n"
    "      \"currency\": \"EUR\",\n"
    "      \"amount\": \"50.00\"\n"
    "    }\n"
    "  ],\n"
    "  \"plans\": [\n"
    "    {\n"
    "      \"plan\": \"\",\n"
    "      \"currency\": \"\",\n"
    "      \"from_ms\": 1793491200000,\n"
    "      \"held_ms\": 1296000000,\n"
    "      \"text\": \"\",\n"
    "      \"sha256\": \"0000000000000000000000000000000000000000000000000000000000000000\"\n"
    "    },\n"
    "    {\n"
    "      \"plan\": \"standard\",\n"
    "      \"currency\": \"EUR\",\n"
    "      \"from_ms\": 1794787200000,\n"
    "      \"held_ms\": 1296000000,\n"
    "      \"text\": \"plan 1 standard\\ncurrency EUR\\nmonthly 50.00\\nminimum "
    "100.00\\nper_million_requests 0.60 included 1000000\\nper_million_answers 0.00 included "
    "0\\nper_gb 0.02 up_to 10000000000000\\nper_gb 0.01\\nincluded_traffic "
    "100000000000\\ngroup asia sin tyo\\nper_gb 0.05\\nincluded_traffic 0\\n\",\n"
    "      \"sha256\": \"e4b0f4280b17002a91148404b1fe1d1070445e74bb2c0388d7750571ef0a4b14\"\n"
    "    }\n"
    "  ],\n"
    "  \"lines\": [\n"
    "    {\n"
    "      \"plan\": 0,\n"
    "      \"line\": \"traffic\",\n"
    "      \"tier\": 1,\n"
    "      \"quantity\": 1500000000,\n"
    "      \"unit\": \"B\",\n"
    "      \"price\": \"0.00\",\n"
    "      \"per\": \"GB\",\n"
    "      \"amount\": \"0\"\n"
    "    },\n"
    "    {\n"
    "      \"plan\": 0,\n"
    "      \"line\": \"requests\",\n"
    "      \"quantity\": 1501,\n"
    "      \"unit\": \"requests\",\n"
    "      \"price\": \"0.00\",\n"
    "      \"per\": \"million\",\n"
    "      \"amount\": \"0\"\n"
    "    },\n"
    "    {\n"
    "      \"plan\": 0,\n"
    "      \"line\": \"answers\",\n"
    "      \"quantity\": 10,\n"
    "      \"unit\": \"answers\",\n"
    "      \"price\": \"0.00\",\n"
    "      \"per\": \"million\",\n"
    "      \"amount\": \"0\"\n"
    "    },\n"
    "    {\n"
    "      \"plan\": 1,\n"
    "      \"line\": \"month\",\n"
    "      \"quantity\": 1296000000,\n"
    "      \"unit\": \"ms\",\n"
    "      \"price\": \"50.00\",\n"
    "      \"per\": \"month\",\n"
    "      \"amount\": \"25.00\"\n"
    "    },\n"
    "    {\n"
    "      \"plan\": 1,\n"
    "      \"line\": \"minimum\",\n"
    "      \"quantity\": 1296000000,\n"
    "      \"unit\": \"ms\",\n"
    "      \"price\": \"100.00\",\n"
    "      \"per\": \"month\",\n"
    "      \"amount\": \"25.00\"\n"
    "    }\n"
    "  ],\n"
    "  \"entries\": [\n"
    "    {\n"
    "      \"node\": \"fra1\",\n"
    "      \"first\": 5,\n"
    "      \"last\": 5,\n"
    "      \"count\": 1,\n"
    "      \"sha256\": \"0505050505050505050505050505050505050505050505050505050505050505\"\n"
    "    }\n"
    "  ]\n"
    "}\n";

static void the_bytes_of_an_invoice_are_its_canonical_form(void **)
{
    struct invoice_entry entry = entry_of("fra1", "sin", 5, 2, 1500000000);
    struct price_term term = { november(15, 0), SLICE(STANDARD_TEXT) };
    struct invoice *invoice = derive(&entry, 1, &term, 1);
    struct text text;

    text_init(&text, INVOICE_TEXT_MAX);
    invoice_json_write(invoice, &text);
    assert_string_equal(text.at, CANONICAL);
    text_done(&text);
    invoice_free(invoice);
}

static void a_changed_byte_is_found_and_told(void **)
{
    static const struct {
        const char *from, *to, *expected;
    } CASES[] = {
        { "\"amount\": \"155.19\"", "\"amount\": \"155.18\"",
            "total: given 155.18000000, the ledger says 155.19000000" },
        { "\"quantity\": 3500359", "\"quantity\": 3500358",
            "line 6 (requests), quantity: given 3500358, the ledger says 3500359" },
        { "\"last\": 9", "\"last\": 8",
            "entries of node fra1, the last: given 8, the ledger says 9" },
        { "0909", "0908", "the hash of entry 9 of node fra1 is another in the ledger" },
        { "per_gb 0.02", "per_gb 0.01",
            "plan 1, standard: its prices or its hash are others in the ledger" },
        { "\"customer\": \"acme\"", "\"customer\": \"acne\"",
            "customer: given \"acne\", the ledger says \"acme\"" },
        { "{\n", "{ \n",
            "it says the same as the ledger, but not in the same bytes: line 1, "
            "column 2" },
        { "\"month\": \"2026-11\",\n", "\"month\": \"2026-11\", \"paid\": true,\n",
            "it says the same as the ledger, but not in the same bytes: line 4, column 22" },
    };
    struct invoice *invoice = example();

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        char *bytes = changed(CASES[i].from, CASES[i].to);
        struct diag why = { 0 };

        assert_false(invoice_json_verify(slice_text(bytes), invoice, &why));
        assert_string_equal(why.text, CASES[i].expected);
        free(bytes);
    }
    invoice_free(invoice);
}

static void what_is_no_invoice_is_refused_with_its_first_fault(void **)
{
    static const struct {
        const char *from, *to, *expected;
    } CASES[] = {
        { "{\n", "", "\"invoice\" to be 1, the version of its form" },
        { "\"invoice\": 1", "\"invoice\": 2", "\"invoice\" to be 1, the version of its form" },
        { "\"acme\"", "\"a b\"", "\"customer\" to be a name" },
        { "\"acme\"", "\"a\\u001bb\"", "\"customer\" to be plain text" },
        { "\"acme\"", "7", "\"customer\" to be text" },
        { "2026-11", "2026-13", "\"month\" to be a month, such as 2026-11" },
        { "\"totals\": [", "\"total\": [", "\"totals\" to be a list of no unusual length" },
        { "\"EUR\"", "\"EUX\"", "\"currency\" of totals 1 to be one that is known" },
        { "155.19", "155.191", "\"amount\" of totals 1 to be an amount of the currency" },
        { "155.19", "-155.19", "\"amount\" of totals 1 to be an amount of the currency" },
        { "\"held_ms\": 2591400000", "\"held_ms\": -1",
            "\"held_ms\" of plans 1 to be a whole number" },
        { "\"text\": \"plan", "\"texts\": \"plan", "\"text\" of plans 1 to be text" },
        { "\"sha256\": \"", "\"sha256\": \"0",
            "\"sha256\" of plans 1 to be 64 hexadecimal digits" },
        { "0909", "090g", "\"sha256\" of entries 1 to be 64 hexadecimal digits" },
        { "\"plan\": 1", "\"plan\": 2", "\"plan\" of lines 8 to be the position of a plan" },
        { "\"line\": \"rate\"", "\"line\": \"tax\"",
            "\"line\" of lines 8 to be a kind of line that is known" },
        { "\"unit\": \"bit/s\"", "\"unit\": \"B\"", "\"unit\" of lines 8 to be that of the line" },
        { "\"per\": \"GB\"", "\"per\": \"B\"", "\"per\" of lines 2 to be that of the line" },
        { "\"tier\": 1", "\"tier\": 99", "\"tier\" of lines 3 to be one that a plan can have" },
        { "\"group\": \"asia\"", "\"group\": \"a,b\"", "\"group\" of lines 4 to be a name" },
        { "\"price\": \"50.00\"", "\"price\": 50",
            "\"price\" of lines 1 to be an amount of the currency" },
        { "\"first\": 7", "\"first\": \"7\"", "\"first\" of entries 1 to be a whole number" },
    };

    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        char *bytes = changed(CASES[i].from, CASES[i].to), expected[200];
        struct invoice *invoice = NULL;
        struct diag why = { 0 };

        snprintf(expected, sizeof expected, "not an invoice: expected %s", CASES[i].expected);
        assert_int_equal(invoice_json_read(slice_text(bytes), &invoice, &why), ERR_PARSE);
        assert_string_equal(why.text, expected);
        assert_null(invoice);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_invoice_comes_back_from_its_bytes),
        cmocka_unit_test(the_bytes_of_an_invoice_are_its_canonical_form),
        cmocka_unit_test(a_changed_byte_is_found_and_told),
        cmocka_unit_test(what_is_no_invoice_is_refused_with_its_first_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
