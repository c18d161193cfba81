// SPDX-License-Identifier: Apache-2.0
/* Single probes by FTP of a server with a script. */
#include "probe/ftp_host_test.h"

#define SIGN_IN                                                    \
    { "USER", "331 Password\r\n" }, { "PASS", "230 Welcome\r\n" }, \
    {                                                              \
        "TYPE I", "200 Ok\r\n"                                     \
    }
#define PASSIVE_PORT                  \
    {                                 \
        "EPSV", "229 Go (|||%u|)\r\n" \
    }
#define FETCH                              \
    {                                      \
        "RETR", "150 Here\r\n226 Done\r\n" \
    }

static struct stream_user *accept_control(struct listener_user *user, struct stream *stream)
{
    struct ftp_host *h = container_of(user, struct ftp_host, control);
    struct ftp_guest *g = ftp_guest_new(h, stream);

    h->heard_length = 0;
    h->is_asked = h->is_hasty;
    ftp_guest_say(g, h->greeting);
    return &g->user;
}

static struct stream_user *accept_data(struct listener_user *user, struct stream *stream)
{
    struct ftp_host *h = container_of(user, struct ftp_host, data);
    struct ftp_guest *g = ftp_guest_new(h, stream);

    h->data_visits++;
    g->is_data = true;
    g->out = h->file;
    stream_ready(stream);
    return &g->user;
}

static void host_open(struct ftp_host *h, struct loop *loop, struct ip ip)
{
    struct endpoint at = { .ip = ip };

    *h = (struct ftp_host){ .control = { accept_control }, .data = { accept_data } };
    list_init(&h->guests);
    h->greeting = "220 ftp.example.net\r\n";
    h->file = SLICE("all well\n");
    assert_int_equal(listener_open(loop, &at, &h->control, &h->control_listener), ERR_NONE);
    assert_int_equal(listener_open(loop, &at, &h->data, &h->data_listener), ERR_NONE);
    h->at = listener_at(h->control_listener);
    h->data_at = listener_at(h->data_listener);
}

static void host_close(struct ftp_host *h)
{
    listener_close(h->control_listener);
    listener_close(h->data_listener);
    while (!list_empty(&h->guests)) {
        struct ftp_guest *g = container_of(h->guests.next, struct ftp_guest, link);

        stream_close(g->stream, false);
        ftp_guest_free(g);
    }
}

static const struct ftp_line USUAL[] = { SIGN_IN, PASSIVE_PORT, FETCH, { NULL, NULL } };

struct room {
    struct lab *lab;
    struct ftp_host host;
};

static void room_open(struct room *r, void *const *state)
{
    r->lab = lab_open(state, CHECK_FTP);
    host_open(&r->host, r->lab->bench->loops[1], bench_ip(1));
    r->host.script = USUAL;
    r->lab->list[0].to = r->host.at;
    r->lab->list[0].path = SLICE_NONE;
    r->lab->list[0].timeout = span_s(8);
}

static void room_close(struct room *r)
{
    assert_int_equal(r->host.open, 0);
    host_close(&r->host);
    lab_close(r->lab);
}

static void sign_in(struct room *r, const char *path)
{
    r->lab->list[0].user = SLICE("probe");
    r->lab->list[0].password = SLICE("secret");
    r->lab->list[0].path = slice_text(path);
}

static void assert_heard(const struct room *r, const char *text)
{
    assert_int_equal(r->host.heard_length, strlen(text));
    assert_memory_equal(r->host.heard, text, strlen(text));
}

/* What comes of one probe with this script. */
static enum probe_outcome outcome_of(struct room *r, const struct ftp_line *script)
{
    r->host.script = script;
    return lab_probe_once(r->lab);
}

static enum probe_outcome greeted_by(struct room *r, const char *greeting)
{
    r->host.greeting = greeting;
    return lab_probe_once(r->lab);
}

static void without_a_user_the_greeting_is_all(void **state)
{
    struct room r;

    room_open(&r, state);
    assert_int_equal(lab_probe_once(r.lab), PROBE_OK);
    assert_int_equal(r.lab->last.status, 220);
    assert_true(r.lab->last.has_latency);
    assert_true(r.lab->last.response.ns >= r.lab->last.latency.ns);
    assert_heard(&r, "QUIT\r\n");
    assert_int_equal(
        greeted_by(&r, "220-Hello.\r\n\r\n 220 not yet\r\n500 nor now\r\n220-so\r\n220 Go\r\n"),
        PROBE_OK);
    assert_int_equal(greeted_by(&r, "120 Soon\r\n220 Now\r\n"), PROBE_OK);
    room_close(&r);
}

static void another_greeting_is_told(void **state)
{
    struct room r;

    room_open(&r, state);
    assert_int_equal(greeted_by(&r, "421 Too many\r\n"), PROBE_STATUS);
    assert_int_equal(r.lab->last.status, 421);
    room_close(&r);
}

static void with_a_user_sign_in_is_part_of_it(void **state)
{
    static const struct ftp_line NO_PASSWORD[] = { { "USER", "230 Hi\r\n" }, { NULL, NULL } };
    struct room r;

    room_open(&r, state);
    sign_in(&r, "");
    assert_int_equal(lab_probe_once(r.lab), PROBE_OK);
    assert_int_equal(r.lab->last.status, 230);
    assert_heard(&r, "USER probe\r\nPASS secret\r\nQUIT\r\n");
    assert_int_equal(outcome_of(&r, NO_PASSWORD), PROBE_OK);
    assert_heard(&r, "USER probe\r\nQUIT\r\n");
    room_close(&r);
}

static void refused_commands_are_told_by_their_codes(void **state)
{
    static const struct ftp_line SCRIPTS[][4] = {
        { { "USER", "530 No\r\n" } },
        { { "USER", "331 Password\r\n" }, { "PASS", "530 No\r\n" } },
        { SIGN_IN, { "EPSV", "425 No\r\n" } },
        { { "USER", "332 Account\r\n" } },
    };
    static const struct ftp_line NO_FILE[] = { SIGN_IN, PASSIVE_PORT, { "RETR", "550 No\r\n" },
        { NULL, NULL } };
    static const uint16_t CODES[] = { 530, 530, 425, 332 };
    struct room r;

    room_open(&r, state);
    sign_in(&r, "/file");
    for (size_t i = 0; i < COUNT_OF(SCRIPTS); i++) {
        struct ftp_line script[5] = { 0 };

        memcpy(script, SCRIPTS[i], sizeof SCRIPTS[i]);
        assert_int_equal(outcome_of(&r, script), PROBE_STATUS);
        assert_int_equal(r.lab->last.status, CODES[i]);
    }
    assert_int_equal(outcome_of(&r, NO_FILE), PROBE_STATUS);
    assert_int_equal(r.lab->last.status, 550);
    room_close(&r);
}

static void a_file_is_fetched_over_a_connection_of_its_own(void **state)
{
    struct room r;

    room_open(&r, state);
    sign_in(&r, "/pub/file");
    assert_int_equal(lab_probe_once(r.lab), PROBE_OK);
    assert_int_equal(r.lab->last.status, 226);
    assert_int_equal(r.host.data_visits, 1);
    assert_heard(&r, "USER probe\r\nPASS secret\r\nTYPE I\r\nEPSV\r\nRETR /pub/file\r\nQUIT\r\n");
    room_close(&r);
}

static void what_the_file_must_contain_is_looked_for(void **state)
{
    struct room r;

    room_open(&r, state);
    sign_in(&r, "/file");
    r.lab->list[0].match = SLICE("all well");
    assert_int_equal(lab_probe_once(r.lab), PROBE_OK);
    r.lab->list[0].match = SLICE("all ill");
    assert_int_equal(lab_probe_once(r.lab), PROBE_MISMATCH);
    room_close(&r);
}

static void an_endless_file_is_left_at_the_limit(void **state)
{
    static const struct ftp_line SCRIPT[] = { SIGN_IN, PASSIVE_PORT, { "RETR", "150 Here\r\n" },
        { NULL, NULL } };
    struct room r;

    room_open(&r, state);
    sign_in(&r, "/file");
    r.host.goes_on = true;
    assert_int_equal(outcome_of(&r, SCRIPT), PROBE_OK);
    r.lab->list[0].match = SLICE("all well");
    assert_int_equal(lab_probe_once(r.lab), PROBE_OK);
    r.lab->list[0].match = SLICE("all ill");
    assert_int_equal(lab_probe_once(r.lab), PROBE_TOO_LONG);
    assert_in_range(loop_counts(r.lab->bench->loop)->bytes_in.total, 3 * PROBE_BODY_MAX,
        3 * (PROBE_BODY_MAX + STREAM_READ_MAX));
    room_close(&r);
}

static void data_comes_from_the_same_address_whatever_is_said(void **state)
{
    static const struct ftp_line SCRIPT[] = { SIGN_IN, { "EPSV", "500 What?\r\n" },
        { "PASV", "227 Go (192,0,2,1,%p).\r\n" }, FETCH, { NULL, NULL } };
    struct room r;

    room_open(&r, state);
    sign_in(&r, "/file");
    assert_int_equal(outcome_of(&r, SCRIPT), PROBE_OK);
    assert_int_equal(r.host.data_visits, 1);
    assert_heard(
        &r, "USER probe\r\nPASS secret\r\nTYPE I\r\nEPSV\r\nPASV\r\nRETR /file\r\nQUIT\r\n");
    room_close(&r);
}

static void ports_that_are_none_are_against_the_protocol(void **state)
{
    static const struct ftp_line EXTENDED[] = { SIGN_IN, { "EPSV", "229 Go (|||0|)\r\n" },
        { NULL, NULL } };
    static const struct ftp_line PASSIVE[] = { SIGN_IN, { "EPSV", "500 What?\r\n" },
        { "PASV", "227 Go (1,2,3,4,5,256)\r\n" }, { NULL, NULL } };
    struct room r;

    room_open(&r, state);
    sign_in(&r, "/file");
    assert_int_equal(outcome_of(&r, EXTENDED), PROBE_PROTOCOL);
    assert_int_equal(outcome_of(&r, PASSIVE), PROBE_PROTOCOL);
    assert_int_equal(r.host.data_visits, 0);
    room_close(&r);
}

static void data_that_does_not_come_is_told(void **state)
{
    struct room r;

    room_open(&r, state);
    sign_in(&r, "/file");
    r.host.cuts = true;
    assert_int_equal(lab_probe_once(r.lab), PROBE_UNREACHABLE);
    listener_close(r.host.data_listener);
    r.host.data_listener = NULL;
    assert_int_equal(lab_probe_once(r.lab), PROBE_REFUSED);
    assert_true(r.lab->last.has_latency);
    room_close(&r);
}

static void a_transfer_that_nobody_confirms_times_out(void **state)
{
    static const struct ftp_line SCRIPT[] = { SIGN_IN, PASSIVE_PORT, { "RETR", "150 Here\r\n" },
        { NULL, NULL } };
    struct room r;

    room_open(&r, state);
    sign_in(&r, "/file");
    r.lab->list[0].timeout = span_ms(300);
    assert_int_equal(outcome_of(&r, SCRIPT), PROBE_TIMEOUT);
    if (r.lab->bench->sim != NULL) // a busy machine may not come so far
        assert_int_equal(r.lab->last.status, 150);
    room_close(&r);
}

/* Sends are cut short in the simulated world, so that data overtakes the command now and then. */
static void data_before_the_question_ends_it_and_no_more(void **)
{
    unsigned early = 0;

    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct sim *sim = sim_new(seed);
        struct room r = { .lab = lab_new(bench_new(sim), CHECK_FTP, seed) };

        host_open(&r.host, r.lab->bench->loops[1], bench_ip(1));
        r.host.script = USUAL;
        r.host.is_hasty = r.host.goes_on = true;
        r.lab->list[0].to = r.host.at;
        sign_in(&r, "/file");
        enum probe_outcome outcome = lab_probe_once(r.lab);

        assert_true(outcome == PROBE_OK || outcome == PROBE_PROTOCOL);
        early += outcome == PROBE_PROTOCOL;
        room_close(&r);
    }
    assert_in_range(early, 1, 39);
}

static void silence_times_out_at_every_step(void **state)
{
    struct room r;

    room_open(&r, state);
    r.lab->list[0].timeout = span_ms(50);
    assert_int_equal(greeted_by(&r, ""), PROBE_TIMEOUT);
    assert_int_equal(greeted_by(&r, "220-Hello\r\n"), PROBE_TIMEOUT);
    r.host.greeting = "220 Hello\r\n";
    sign_in(&r, "/file");
    for (size_t i = 0; USUAL[i].command != NULL; i++) {
        struct ftp_line script[COUNT_OF(USUAL)];

        memcpy(script, USUAL, sizeof script);
        script[i].answer = NULL;
        assert_int_equal(outcome_of(&r, script), PROBE_TIMEOUT);
    }
    room_close(&r);
}

static void what_is_no_ftp_is_against_the_protocol(void **state)
{
    static const struct ftp_line CHATTY[] = { { "USER", "331 Password\r\n230 Hi\r\n" },
        { NULL, NULL } };
    char endless[201] = { 0 };
    struct room r;

    room_open(&r, state);
    assert_int_equal(greeted_by(&r, "HTTP/1.1 400 Bad Request\r\n\r\n"), PROBE_PROTOCOL);
    assert_int_equal(greeted_by(&r, "\r\n"), PROBE_PROTOCOL);
    assert_int_equal(greeted_by(&r, "2200 Hello\r\n"), PROBE_PROTOCOL);
    sign_in(&r, "/file");
    // An answer to a question that is not out yet.
    assert_int_equal(greeted_by(&r, "220 Hello\r\n331 Password\r\n"), PROBE_PROTOCOL);
    r.host.greeting = "220 Hello\r\n";
    assert_int_equal(outcome_of(&r, CHATTY), PROBE_PROTOCOL);
    r.host.script = USUAL;
    r.host.is_closer = true;
    assert_int_equal(lab_probe_once(r.lab), PROBE_PROTOCOL);
    memset(endless, 'x', sizeof endless - 1);
    assert_int_equal(greeted_by(&r, endless), PROBE_PROTOCOL);
    room_close(&r);
}

static void nobody_there_is_refused(void **state)
{
    struct room r;

    room_open(&r, state);
    listener_close(r.host.control_listener);
    r.host.control_listener = NULL;
    assert_int_equal(lab_probe_once(r.lab), PROBE_REFUSED);
    assert_false(r.lab->last.has_latency);
    room_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(without_a_user_the_greeting_is_all),
        ON_BOTH(another_greeting_is_told),
        ON_BOTH(with_a_user_sign_in_is_part_of_it),
        ON_BOTH(refused_commands_are_told_by_their_codes),
        ON_BOTH(a_file_is_fetched_over_a_connection_of_its_own),
        ON_BOTH(what_the_file_must_contain_is_looked_for),
        ON_BOTH(an_endless_file_is_left_at_the_limit),
        ON_BOTH(data_comes_from_the_same_address_whatever_is_said),
        ON_BOTH(ports_that_are_none_are_against_the_protocol),
        ON_BOTH(data_that_does_not_come_is_told),
        ON_BOTH(a_transfer_that_nobody_confirms_times_out),
        cmocka_unit_test(data_before_the_question_ends_it_and_no_more),
        ON_BOTH(silence_times_out_at_every_step),
        ON_BOTH(what_is_no_ftp_is_against_the_protocol),
        ON_BOTH(nobody_there_is_refused),
    };

    return cmocka_run_group_tests_name("ftp", tests, NULL, NULL);
}
