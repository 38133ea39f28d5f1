/* The report, held against what a person, a program and an auditor should see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/report.h"
#include "format/json_read.h"

#define ASSUMED "arn:aws:sts::123456789012:assumed-role/"
#define NOW     INT64_C(1795348800000) /* 2026-11-22T12:00:00Z */
#define MINUTE  INT64_C(60000)

struct scene {
    struct session_list sessions;
    struct plan plan;
    struct outcomes outcomes;
    struct plan_rules rules;
    struct report report;
};

static const struct report_style plain = {.width = 0};

static void add(struct scene *scene, const char *id, const char *owner, const char *status, int64_t age_ms)
{
    struct err err = {0};
    struct session session = {.id = id,
                              .owner = owner,
                              .target = "i-1",
                              .status_text = status,
                              .document_name = "SSM-SessionManagerRunShell",
                              .start_ms = NOW - age_ms};
    assert_true(session_list_add(&scene->sessions, &session, &err));
}

static void plan(struct scene *scene, int32_t max, const char *self)
{
    struct err err = {0};
    session_list_sort(&scene->sessions);
    scene->rules.max = max;
    scene->rules.target = "i-1";
    assert_true(plan_make(&scene->sessions, &scene->rules, &scene->plan, &err));
    assert_true(outcomes_begin(&scene->plan, &scene->outcomes, &err));
    scene->report = (struct report){.time_ms = NOW,
                                    .region = "eu-west-1",
                                    .instance_id = "i-1",
                                    .self_id = self,
                                    .self_listed = self != NULL,
                                    .has_limit = true,
                                    .per = scene->rules.per,
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

static void one_line_within_the_limit(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct buf text = {0};
    add(&scene, "jane-1", ASSUMED "Admin/jane", "Connected", 5 * MINUTE);
    add(&scene, "jane-2", ASSUMED "Admin/jane", "Connected", 0);
    add(&scene, "joe-1", ASSUMED "Admin/joe", "Connected", 0);
    plan(&scene, 3, "jane-2");
    report_text(&text, &scene.report, &plain);
    assert_string_equal(buf_text(&text), "ssm-enforce: session 2 of 3 for jane on i-1\n");
    buf_reset(&text);
    scene.report.self_id = NULL;
    report_text(&text, &scene.report, &plain);
    assert_string_equal(buf_text(&text), "ssm-enforce: no owner is over the limit on i-1\n");
    end(&scene, &text);
}

static void one_group_without_a_known_session(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct buf text = {0};
    add(&scene, "a", ASSUMED "Admin/jane", "Connected", 0);
    scene.rules.per = PER_ROLE;
    plan(&scene, 3, NULL);
    report_text(&text, &scene.report, &plain);
    assert_string_equal(buf_text(&text), "ssm-enforce: 1 of 3 sessions for role Admin on i-1\n");
    end(&scene, &text);
}

static void an_empty_instance(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct buf text = {0};
    plan(&scene, 3, NULL);
    report_text(&text, &scene.report, &plain);
    assert_string_equal(buf_text(&text), "ssm-enforce: no active session on i-1\n");
    end(&scene, &text);
}

static void over_the_limit_a_line_for_each_session(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct buf text = {0};
    struct err none = {0}, denied = {.code = ERR_DENIED, .message = "no right\033[2J"};
    add(&scene, "jane-1", ASSUMED "Admin/jane", "Connected", 125 * MINUTE);
    add(&scene, "jane-2", ASSUMED "Admin/jane", "Disconnected", 5 * MINUTE);
    add(&scene, "jane-3", ASSUMED "Admin/jane", "Connected", 0);
    plan(&scene, 1, "jane-3");
    outcomes_record(&scene.outcomes, 0, &none);
    outcomes_record(&scene.outcomes, 1, &denied);
    report_text(&text, &scene.report, &plain);
    assert_string_equal(buf_text(&text),
                        "ssm-enforce: 3 sessions of jane on i-1, limit 1: 1 terminated, 1 failed\n"
                        "  terminated  jane-1  2026-11-22 09:55:00Z (2h05m)  Connected\n"
                        "  failed      jane-2  2026-11-22 11:55:00Z (5m00s)  Disconnected: no right\\x1b[2J\n"
                        "  kept        jane-3  2026-11-22 12:00:00Z (0s)     Connected (this session)\n");
    end(&scene, &text);
}

/* Every line fits; what tells sessions apart goes last. */
static void lines_fit_the_terminal(void **state)
{
    (void)state;
    static const struct {
        int width;
        const char *has;
    } widths[] = {
        {200, "2026-11-22 11:59:00Z (1m00s)"},
        {90, "  11-22 11:59Z (1m00s)"},
        {80, "jane.doe@example.com-0a1b2c3d4e5f6a7b8  1m00s ago"},
        {60, "jane.doe@example...  1m00s ago"},
    };
    struct scene scene = {0};
    struct buf text = {0};
    add(&scene, "jane.doe@example.com-0a1b2c3d4e5f6a7b8", "o", "Connected", MINUTE);
    add(&scene, "b", "o", "Connected", 0);
    plan(&scene, 1, NULL);
    scene.report.notify_only = true;
    for (size_t i = 0; i < 4; i++) {
        struct report_style style = {.width = widths[i].width};
        buf_reset(&text);
        report_text(&text, &scene.report, &style);
        if (!strstr(buf_text(&text), widths[i].has))
            fail_msg("at %d columns no '%s' in:\n%s", widths[i].width, widths[i].has, text.data);
        for (const char *line = text.data; *line; line += strcspn(line, "\n") + 1)
            assert_true(strcspn(line, "\n") <= (size_t)widths[i].width);
    }
    struct report_style colored = {.width = 80, .color = true};
    report_text(&text, &scene.report, &colored);
    assert_non_null(strstr(buf_text(&text), "\033[33mwould terminate"));
    buf_reset(&text);
    struct report_style narrow = {.width = 80};
    report_table(&text, &scene.report, &narrow);
    assert_null(strstr(buf_text(&text), "SSM-SessionManagerRunShell"));
    for (const char *line = text.data; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 88);
    end(&scene, &text);
}

/* The own session has still to go when its user reads the report. */
static void the_own_session_is_ending(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct buf text = {0};
    add(&scene, "a", "o", "Connected", MINUTE);
    add(&scene, "b", "o", "Connected", 0);
    scene.rules.order = TERMINATE_NEWEST;
    plan(&scene, 1, "b");
    report_text(&text, &scene.report, &plain);
    assert_string_equal(buf_text(&text),
                        "ssm-enforce: 2 sessions of o on i-1, limit 1: 1 ending\n"
                        "  kept    a  2026-11-22 11:59:00Z (1m00s)  Connected\n"
                        "  ending  b  2026-11-22 12:00:00Z (0s)     Connected (this session)\n");
    end(&scene, &text);
}

/* A member's text from a JSON path of one or two keys. */
static void assert_member(const struct json *json, size_t object, const char *key, const char *expected)
{
    size_t token = json_get(json, object, key);
    assert_true(token != JSON_NONE);
    if (!json_equals(json, token, expected))
        fail_msg("%s is not '%s'", key, expected);
}

static void json_tells_all(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct buf text = {0};
    struct json json = {0};
    struct err err = {0};
    const struct plan_rule robots = {"*robot*", LIMIT_UNLIMITED};
    add(&scene, "jane\033-1", ASSUMED "Admin/jane", "Connected", 1500);
    add(&scene, "robot-1", ASSUMED "Admin/robot", "Connected", 0);
    add(&scene, "gone-1", ASSUMED "Admin/jane", "Terminated", 0);
    scene.rules.rules = &robots;
    scene.rules.rule_count = 1;
    plan(&scene, 3, "robot-1");
    scene.report.error = "it went\nwrong";
    scene.report.exit_code = 1;
    report_json(&text, &scene.report);
    assert_true(json_parse(&json, text.data, text.len, &err));
    assert_member(&json, 0, "region", "eu-west-1");
    assert_member(&json, 0, "mode", "terminate");
    assert_member(&json, 0, "time", "2026-11-22T12:00:00.000Z");
    size_t sessions = json_get(&json, 0, "sessions");
    assert_int_equal(json.tokens[sessions].size, 3);
    assert_member(&json, sessions + 1, "session_id", "jane\033-1");
    assert_member(&json, sessions + 1, "start_time", "2026-11-22T11:59:58.500Z");
    assert_null(strchr(text.data, '\033'));
    size_t groups = json_get(&json, 0, "groups");
    assert_int_equal(json.tokens[groups].size, 2);
    size_t robot = json.tokens[groups + 1].next;
    assert_int_equal(json.tokens[json_get(&json, robot, "limit")].type, JSON_NULL);
    size_t errors = json_get(&json, 0, "errors");
    assert_true(json_equals(&json, errors + 1, "it went\nwrong"));
    json_free(&json);
    end(&scene, &text);
}

static void a_run_that_failed_early_is_valid_json_too(void **state)
{
    (void)state;
    struct buf text = {0};
    struct json json = {0};
    struct err err = {0};
    struct report report = {.time_ms = NOW, .exit_code = 1, .error = "no credentials"};
    report_json(&text, &report);
    assert_true(json_parse(&json, text.data, text.len, &err));
    assert_int_equal(json.tokens[json_get(&json, 0, "sessions")].size, 0);
    assert_int_equal(json.tokens[json_get(&json, 0, "instance_id")].type, JSON_NULL);
    json_free(&json);
    buf_reset(&text);
    report_audit(&text, &report);
    assert_true(json_parse(&json, text.data, text.len, &err));
    assert_member(&json, 0, "outcome", "failure");
    json_free(&json);
    buf_free(&text);
}

static void the_audit_record_is_one_line_of_what_was_over(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct buf text = {0};
    struct err none = {0};
    add(&scene, "jane-1", ASSUMED "Admin/jane", "Connected", 90 * MINUTE);
    add(&scene, "jane-2", ASSUMED "Admin/jane", "Connected", 0);
    add(&scene, "joe-1", ASSUMED "Admin/joe", "Connected", 0);
    plan(&scene, 1, "jane-2");
    outcomes_record(&scene.outcomes, 0, &none);
    report_audit(&text, &scene.report);
    assert_null(strchr(text.data, '\n'));
    assert_non_null(strstr(text.data, "\"outcome\":\"success\""));
    assert_non_null(strstr(text.data, "\"host\":\"web-1\",\"process_id\":42,\"user\":\"ssm-user\""));
    assert_non_null(strstr(text.data, "\"start_time\":\"2026-11-22T10:30:00.000Z\",\"duration_seconds\":5400,"
                                      "\"verdict\":\"terminated\""));
    assert_null(strstr(text.data, "joe"));
    end(&scene, &text);
}

static void the_table_has_a_verdict_only_with_a_limit(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct buf text = {0};
    add(&scene, "jane-1", ASSUMED "Admin/jane", "Connected", 0);
    plan(&scene, 1, "jane-1");
    report_table(&text, &scene.report, &plain);
    assert_non_null(strstr(buf_text(&text), "VERDICT\n"));
    assert_non_null(strstr(buf_text(&text), "kept (this session)\n"));
    buf_reset(&text);
    scene.report.has_limit = false;
    report_table(&text, &scene.report, &plain);
    assert_null(strstr(buf_text(&text), "VERDICT"));
    end(&scene, &text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_within_the_limit),
        cmocka_unit_test(one_group_without_a_known_session),
        cmocka_unit_test(an_empty_instance),
        cmocka_unit_test(over_the_limit_a_line_for_each_session),
        cmocka_unit_test(lines_fit_the_terminal),
        cmocka_unit_test(the_own_session_is_ending),
        cmocka_unit_test(json_tells_all),
        cmocka_unit_test(a_run_that_failed_early_is_valid_json_too),
        cmocka_unit_test(the_audit_record_is_one_line_of_what_was_over),
        cmocka_unit_test(the_table_has_a_verdict_only_with_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
