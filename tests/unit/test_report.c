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

/* Of a group as a whole, and of an owner whose rule says that there is no limit. */
static void groups_have_names_for_people(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct buf text = {0};
    const struct plan_rule robots = {"*robot*", LIMIT_UNLIMITED};
    add(&scene, "robot-1", ASSUMED "Admin/robot", "Connected", 0);
    add(&scene, "gone-1", ASSUMED "Admin/robot", "Terminated", MINUTE);
    scene.rules.rules = &robots;
    scene.rules.rule_count = 1;
    plan(&scene, 3, "robot-1");
    report_text(&text, &scene.report, &plain);
    assert_string_equal(buf_text(&text), "ssm-enforce: 1 session, no limit, for robot on i-1\n");
    assert_ptr_equal(report_self_group(&scene.report), &scene.plan.groups[0]);
    scene.report.self_id = "gone-1";
    assert_null(report_self_group(&scene.report));
    end(&scene, &text);

    report_group_name(&text, "all", PER_ALL);
    report_group_name(&text, " arn:aws:iam::123456789012:user/joe", PER_ROLE);
    report_group_name(&text, " arn:aws:iam::123456789012:root", PER_OWNER);
    report_group_name(&text, " no ARN", PER_OWNER);
    report_group_name(&text, " arn:", PER_OWNER);
    assert_string_equal(buf_text(&text), "all ownersjoeroot no ARN arn:");
    buf_free(&text);
}

/* A terminal that nothing fits on gets the ids by their first and the ages; no step is taken twice. */
static void the_narrowest_terminal(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct buf text = {0};
    struct report_style style = {.width = 20};
    add(&scene, "jane.doe@example.com-0a1b2c3d4e5f6a7b8", "o", "Connected", MINUTE);
    add(&scene, "b", "o", "Connected", 0);
    plan(&scene, 1, NULL);
    scene.report.notify_only = true;
    report_text(&text, &scene.report, &style);
    assert_string_equal(buf_text(&text), "ssm-enforce: 2 sessions of o on i-1, limit 1: 1 over it\n"
                                         "  would terminate  jane.doe@exam...  1m00s ago  Connected\n"
                                         "  kept             b                 0s ago     Connected\n");
    end(&scene, &text);
}

/* Documents are not always listed; a name may be empty, and the mark has its place all the same. */
static void sessions_without_a_document(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct buf text = {0};
    struct err err = {0};
    struct session session = {
        .id = "a", .owner = "o", .target = "i-1", .status_text = "Connected", .start_ms = NOW};
    assert_true(session_list_add(&scene.sessions, &session, &err));
    session.id = "b";
    session.document_name = "";
    assert_true(session_list_add(&scene.sessions, &session, &err));
    plan(&scene, 2, "b");
    scene.report.has_limit = false;
    report_table(&text, &scene.report, &plain);
    assert_string_equal(buf_text(&text),
                        "SESSION ID  OWNER  STATUS     STARTED (AGE)              DOCUMENT\n"
                        "a           o      Connected  2026-11-22 12:00:00Z (0s)  -\n"
                        "b           o      Connected  2026-11-22 12:00:00Z (0s)  (this session)\n");
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

/* The words of each way to run, and what became of each session. */
static void json_has_a_word_for_everything(void **state)
{
    (void)state;
    static const struct {
        enum plan_per per;
        const char *word;
    } groupings[] = {{PER_OWNER, "owner"}, {PER_ROLE, "role"}, {PER_ALL, "all"}};
    struct scene scene = {0};
    struct buf text = {0};
    struct json json = {0};
    struct err err = {0}, none = {0}, denied = {.code = ERR_DENIED, .message = "no right"};
    add(&scene, "a", "o", "Connected", 3 * MINUTE);
    add(&scene, "b", "o", "Connected", 2 * MINUTE);
    add(&scene, "c", "o", "Connected", -MINUTE);
    plan(&scene, 1, "c");
    outcomes_record(&scene.outcomes, 0, &denied);
    outcomes_record(&scene.outcomes, 1, &none);
    scene.report.order = TERMINATE_NEWEST;
    scene.report.notify_only = true;
    for (size_t i = 0; i < 3; i++) {
        scene.report.per = groupings[i].per;
        buf_reset(&text);
        report_json(&text, &scene.report);
        assert_true(json_parse(&json, text.data, text.len, &err));
        assert_member(&json, 0, "per", groupings[i].word);
        assert_member(&json, 0, "order", "newest");
        assert_member(&json, 0, "mode", "notify");
        json_free(&json);
    }
    assert_true(json_parse(&json, text.data, text.len, &err));
    size_t first = json_get(&json, 0, "sessions") + 1, second = json.tokens[first].next;
    assert_member(&json, first, "verdict", "failed");
    assert_member(&json, first, "error", "no right");
    assert_member(&json, second, "verdict", "terminated");
    assert_int_equal(json.tokens[json_get(&json, second, "error")].type, JSON_NULL);
    int64_t age_s = -1;
    assert_true(json_integer(&json, json_get(&json, json.tokens[second].next, "age_seconds"), &age_s, &err));
    assert_int_equal(age_s, 0);
    size_t errors = json_get(&json, 0, "errors");
    assert_int_equal(json.tokens[errors].size, 1);
    assert_true(json_equals(&json, errors + 1, "a: no right"));
    json_free(&json);

    scene.report.has_limit = false;
    buf_reset(&text);
    report_json(&text, &scene.report);
    assert_true(json_parse(&json, text.data, text.len, &err));
    assert_int_equal(json.tokens[json_get(&json, 0, "groups")].size, 0);
    assert_int_equal(json.tokens[json_get(&json, json_get(&json, 0, "sessions") + 1, "verdict")].type,
                     JSON_NULL);
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
    assert_null(report_self_group(&report));
    report_json(&text, &report);
    assert_true(json_parse(&json, text.data, text.len, &err));
    assert_int_equal(json.tokens[json_get(&json, 0, "sessions")].size, 0);
    assert_int_equal(json.tokens[json_get(&json, 0, "instance_id")].type, JSON_NULL);
    json_free(&json);
    buf_free(&text);
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
        cmocka_unit_test(groups_have_names_for_people),
        cmocka_unit_test(the_narrowest_terminal),
        cmocka_unit_test(sessions_without_a_document),
        cmocka_unit_test(json_tells_all),
        cmocka_unit_test(json_has_a_word_for_everything),
        cmocka_unit_test(a_run_that_failed_early_is_valid_json_too),
        cmocka_unit_test(the_table_has_a_verdict_only_with_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
