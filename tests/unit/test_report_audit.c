/* The audit record: what an auditor finds of a run, in as many lines as the log needs for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/version.h"
#include "core/report.h"
#include "format/json_read.h"

#define NOW    INT64_C(1795348800000) /* 2026-11-22T12:00:00Z */
#define MINUTE INT64_C(60000)

enum { LINE_MAX_BYTES = 8000 };

struct scene {
    struct session_list sessions;
    struct plan plan;
    struct outcomes outcomes;
    struct report report;
};

static void add(struct scene *scene, const char *id, const char *owner, int64_t age_ms)
{
    struct err err = {0};
    struct session session = {
        .id = id, .owner = owner, .target = "i-1", .status_text = "Connected", .start_ms = NOW - age_ms};
    assert_true(session_list_add(&scene->sessions, &session, &err));
}

static void plan(struct scene *scene, int32_t max, const char *self)
{
    struct err err = {0};
    const struct plan_rules rules = {.max = max, .target = "i-1"};
    session_list_sort(&scene->sessions);
    assert_true(plan_make(&scene->sessions, &rules, &scene->plan, &err));
    assert_true(outcomes_begin(&scene->plan, &scene->outcomes, &err));
    scene->report = (struct report){.time_ms = NOW,
                                    .region = "eu-west-1",
                                    .instance_id = "i-1",
                                    .self_id = self,
                                    .has_limit = true,
                                    .sessions = &scene->sessions,
                                    .plan = &scene->plan,
                                    .outcomes = &scene->outcomes,
                                    .host = "web-1",
                                    .user = "ssm-user",
                                    .process_id = 42};
}

static void end(struct scene *scene, struct buf *text)
{
    outcomes_free(&scene->outcomes);
    plan_free(&scene->plan);
    session_list_free(&scene->sessions);
    buf_free(text);
}

static void one_line_of_what_was_over(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct buf text = {0};
    struct report_place place = {0};
    struct err none = {0};
    add(&scene, "gone-1", "jane", 90 * MINUTE);
    add(&scene, "jane-2", "jane", 0);
    add(&scene, "joe-1", "joe", 0);
    plan(&scene, 1, "jane-2");
    outcomes_record(&scene.outcomes, 0, &none);
    report_audit(&text, &scene.report, LINE_MAX_BYTES, &place);
    assert_false(place.more);
    assert_string_equal(
        text.data,
        "{\"event\":\"concurrent_session_control\",\"version\":\"" SSM_ENFORCE_VERSION "\","
        "\"time\":\"2026-11-22T12:00:00.000Z\",\"run_id\":\"42-1795348800000\",\"part\":1,"
        "\"outcome\":\"success\",\"mode\":\"terminate\",\"exit_code\":0,\"region\":\"eu-west-1\","
        "\"instance_id\":\"i-1\",\"host\":\"web-1\",\"process_id\":42,\"user\":\"ssm-user\","
        "\"self_session_id\":\"jane-2\",\"error\":null,"
        "\"groups\":[{\"key\":\"jane\",\"limit\":1,\"count\":2,\"surplus\":1}],"
        "\"sessions\":[{\"session_id\":\"gone-1\",\"owner\":\"jane\","
        "\"start_time\":\"2026-11-22T10:30:00.000Z\",\"duration_seconds\":5400,\"verdict\":\"terminated\"},"
        "{\"session_id\":\"jane-2\",\"owner\":\"jane\",\"start_time\":\"2026-11-22T12:00:00.000Z\","
        "\"duration_seconds\":0,\"verdict\":\"keep\"}],\"more\":false}");
    end(&scene, &text);
}

/* Nothing is known, and nothing went wrong: the record of a run that --verbose asks for. */
static void a_run_without_a_listing(void **state)
{
    (void)state;
    struct buf text = {0};
    struct report_place place = {0};
    const struct report report = {.time_ms = NOW};
    report_audit(&text, &report, LINE_MAX_BYTES, &place);
    assert_false(place.more);
    assert_non_null(strstr(text.data, "\"outcome\":\"success\""));
    assert_non_null(strstr(text.data, "\"error\":null,\"groups\":[],\"sessions\":[]"));
    buf_free(&text);
}

/* Nothing is known but that it failed. */
static void a_run_that_failed_early(void **state)
{
    (void)state;
    struct buf text = {0};
    struct report_place place = {0};
    struct report report = {.time_ms = NOW, .exit_code = 1, .error = "no\ncredentials", .notify_only = true};
    report_audit(&text, &report, LINE_MAX_BYTES, &place);
    assert_false(place.more);
    assert_non_null(strstr(text.data, "\"outcome\":\"failure\",\"mode\":\"notify\",\"exit_code\":1,"
                                      "\"region\":null,"));
    assert_non_null(strstr(text.data, "\"error\":\"no\\ncredentials\",\"groups\":[],\"sessions\":[]"));
    buf_free(&text);
}

static void a_termination_that_failed(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct buf text = {0};
    struct report_place place = {0};
    struct err denied = {.code = ERR_DENIED, .message = "no right"};
    add(&scene, "jane-1", "jane", MINUTE);
    add(&scene, "jane-2", "jane", 0);
    plan(&scene, 1, NULL);
    outcomes_record(&scene.outcomes, 0, &denied);
    report_audit(&text, &scene.report, LINE_MAX_BYTES, &place);
    assert_non_null(strstr(text.data, "\"outcome\":\"failure\""));
    assert_non_null(strstr(text.data, "\"verdict\":\"failed\",\"error\":\"no right\"}"));
    end(&scene, &text);
}

/* ---- more than one line takes ---- */

static int64_t number(const struct json *json, size_t object, const char *key)
{
    struct err err = {0};
    int64_t value = -1;
    assert_true(json_integer(json, json_get(json, object, key), &value, &err));
    return value;
}

/* What all lines of a record have together. */
struct found {
    size_t lines, groups, surplus, sessions, errors;
    bool seen[4000];
};

/* Reads one line: it is whole, small enough, and goes on where the one before stopped. */
static void read_line(const struct buf *text, const struct report_place *place, struct found *found)
{
    struct json json = {0};
    struct err err = {0};
    assert_true(text->len <= LINE_MAX_BYTES);
    assert_true(json_parse(&json, text->data, text->len, &err));
    assert_int_equal(number(&json, 0, "part"), ++found->lines);
    assert_true(json_equals(&json, json_get(&json, 0, "run_id"), "42-1795348800000"));
    assert_true(json_equals(&json, json_get(&json, 0, "instance_id"), "i-1"));
    assert_int_equal(json.tokens[json_get(&json, 0, "more")].type, place->more ? JSON_TRUE : JSON_FALSE);
    size_t error = json_get(&json, 0, "error");
    found->errors += error != JSON_NONE;
    size_t groups = json_get(&json, 0, "groups");
    for (size_t at = groups + 1; at < json.tokens[groups].next; at = json.tokens[at].next) {
        found->groups++;
        found->surplus += (size_t)number(&json, at, "surplus");
        assert_int_equal(found->sessions, 0);
    }
    size_t sessions = json_get(&json, 0, "sessions");
    for (size_t at = sessions + 1; at < json.tokens[sessions].next; at = json.tokens[at].next) {
        struct buf id = {0};
        unsigned n = 0;
        assert_true(json_string(&json, json_get(&json, at, "session_id"), &id, &err));
        assert_int_equal(sscanf(id.data, "s-%u", &n), 1);
        assert_false(found->seen[n]);
        found->seen[n] = true;
        found->sessions++;
        buf_free(&id);
    }
    json_free(&json);
}

/* 3,000 sessions of 600 owners, all of them over the limit, and one owner who is not. */
static void thousands_of_sessions_in_many_lines(void **state)
{
    (void)state;
    enum { COUNT = 3000, OWNERS = 600, LIMIT = 2 };
    static struct found found;
    struct scene scene = {0};
    struct buf text = {0};
    struct report_place place = {0};
    for (unsigned i = 0; i < COUNT; i++) {
        char id[32], owner[96];
        snprintf(id, sizeof id, "s-%u", i);
        snprintf(owner, sizeof owner, "arn:aws:sts::123456789012:assumed-role/Admin/owner-%u", i % OWNERS);
        add(&scene, id, owner, i * MINUTE);
    }
    add(&scene, "within", "arn:aws:sts::123456789012:assumed-role/Admin/other", 0);
    plan(&scene, LIMIT, NULL);
    scene.report.error = "one error";
    do {
        buf_reset(&text);
        report_audit(&text, &scene.report, LINE_MAX_BYTES, &place);
        read_line(&text, &place, &found);
    } while (place.more);
    assert_in_range(found.lines, 60, 120);
    assert_int_equal(found.groups, OWNERS);
    assert_int_equal(found.surplus, COUNT - OWNERS * LIMIT);
    assert_int_equal(found.sessions, COUNT);
    assert_int_equal(found.errors, 1);

    place = (struct report_place){0};
    buf_reset(&text);
    report_audit(&text, &scene.report, 1024 * 1024, &place);
    assert_false(place.more);
    assert_true(text.len > 50 * (size_t)LINE_MAX_BYTES);
    end(&scene, &text);
}

/* Texts that are longer than any of Systems Manager's are cut, between two characters, where lines have an
 * end. */
static void texts_without_an_end(void **state)
{
    (void)state;
    static char ascii[20000], accents[20001], rest[20000];
    struct scene scene = {0};
    struct buf text = {0};
    struct report_place place = {0};
    memset(ascii, 'x', sizeof ascii - 1);
    for (size_t i = 1; i < sizeof accents - 2; i += 2)
        memcpy(accents + i, "\xc3\xa9", 2);
    accents[0] = 'y';
    memset(rest, '\x80', sizeof rest - 1);
    add(&scene, ascii, accents, MINUTE);
    add(&scene, rest, accents, 0);
    plan(&scene, 1, ascii);
    report_audit(&text, &scene.report, LINE_MAX_BYTES, &place);
    assert_false(place.more);
    assert_true(text.len <= LINE_MAX_BYTES);
    char wanted[600] = "\"self_session_id\":\"";
    size_t len = strlen(wanted);
    memset(wanted + len, 'x', 512);
    memcpy(wanted + len + 512, "...\",", 6);
    assert_non_null(strstr(text.data, wanted));
    strcpy(wanted, "\"owner\":\"y");
    len = strlen(wanted);
    memcpy(wanted + len, accents + 1, 510);
    memcpy(wanted + len + 510, "...\",", 6);
    assert_non_null(strstr(text.data, wanted));
    end(&scene, &text);
}

/* What has no room in any line still goes out, alone: whether the log takes it is seen then. */
static void a_session_larger_than_a_line(void **state)
{
    (void)state;
    static char escapes[513];
    struct scene scene = {0};
    struct buf text = {0};
    struct report_place place = {0};
    struct err none = {0};
    memset(escapes, '\033', sizeof escapes - 1);
    add(&scene, "a", escapes, 2 * MINUTE);
    add(&scene, "b", escapes, MINUTE);
    plan(&scene, 1, NULL);
    outcomes_record(&scene.outcomes, 0, &none);
    for (unsigned lines = 1; lines <= 3; lines++) {
        buf_reset(&text);
        report_audit(&text, &scene.report, 2000, &place);
        assert_int_equal(place.more, lines < 3);
        assert_true(text.len > 2000);
    }
    assert_non_null(strstr(text.data, "\"session_id\":\"b\""));
    end(&scene, &text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_of_what_was_over),
        cmocka_unit_test(a_run_without_a_listing),
        cmocka_unit_test(a_run_that_failed_early),
        cmocka_unit_test(a_termination_that_failed),
        cmocka_unit_test(thousands_of_sessions_in_many_lines),
        cmocka_unit_test(texts_without_an_end),
        cmocka_unit_test(a_session_larger_than_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
