// link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
/*
 * Sessions, plan, outcomes and reports with each allocation failed in turn: a clean error, or all of it.
 * (What an administrator's commands have of core/: test_document_memory.c.)
 */
#define _GNU_SOURCE 1 /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "core/report.h"

#define NOW INT64_C(1795348800000) /* 2026-11-22T12:00:00Z */

enum { SESSIONS = 80, OWNERS = 7, LIMIT = 3 };

static struct err err;
static bool ok;

/* A failed allocation is an error, and the only one. */
static void check(void)
{
    assert_int_equal(ok, !alloc.failed);
    if (!ok)
        assert_int_equal(err.code, ERR_NOMEM);
}

static bool add_session(struct session_list *list, unsigned i)
{
    char id[32], owner[80];
    snprintf(id, sizeof id, "s-%03u", i);
    snprintf(owner, sizeof owner, "arn:aws:sts::123456789012:assumed-role/Admin/owner-%u", i % OWNERS);
    struct session session = {.id = id,
                              .owner = owner,
                              .target = i % 10 ? "i-1" : "i-2",
                              .status_text = "Connected",
                              .document_name = i % 2 ? "Document" : NULL,
                              .start_ms = NOW - i * 1000};
    return session_list_add(list, &session, &err);
}

/* More than the first room of the list, so that it grows with sessions in it; one comes twice. */
static void sessions(void)
{
    struct session_list list = {0};
    ok = true;
    unsigned added = 0;
    while (ok && added < SESSIONS) {
        ok = add_session(&list, added);
        added += ok;
    }
    ok = ok && add_session(&list, 5);
    check();
    assert_int_equal(list.count, added);
    session_list_sort(&list);
    for (unsigned i = 0; i < SESSIONS; i++) {
        char id[32];
        snprintf(id, sizeof id, "s-%03u", i);
        assert_int_equal(session_list_find(&list, id) != NULL, i < added);
    }
    session_list_free(&list);
}

/* One world for all that comes after the listing. */
static struct {
    struct session_list list;
    struct plan plan;
    struct outcomes outcomes;
    struct report report;
} world;

static const struct plan_rules rules = {.max = LIMIT, .target = "i-1"};

static int begin(void **state)
{
    (void)state;
    struct err none = {0}, denied = {.code = ERR_DENIED, .message = "no right"};
    for (unsigned i = 0; i < SESSIONS; i++)
        assert_true(add_session(&world.list, i));
    session_list_sort(&world.list);
    assert_true(plan_make(&world.list, &rules, &world.plan, &err));
    assert_true(outcomes_begin(&world.plan, &world.outcomes, &err));
    for (size_t i = 0; i < world.plan.entry_count; i++)
        if (world.plan.entries[i].verdict == PLAN_TERMINATE)
            outcomes_record(&world.outcomes, i, i % 3 ? &none : &denied);
    world.report = (struct report){.time_ms = NOW,
                                   .region = "r",
                                   .instance_id = "i-1",
                                   .self_id = "s-001",
                                   .has_limit = true,
                                   .sessions = &world.list,
                                   .plan = &world.plan,
                                   .outcomes = &world.outcomes};
    return 0;
}

static int end(void **state)
{
    (void)state;
    outcomes_free(&world.outcomes);
    plan_free(&world.plan);
    session_list_free(&world.list);
    return 0;
}

static void plan(void)
{
    struct plan made;
    ok = plan_make(&world.list, &rules, &made, &err);
    check();
    if (ok) {
        assert_int_equal(made.surplus, world.plan.surplus);
        assert_int_equal(made.group_count, OWNERS);
    }
    plan_free(&made);
}

/* A failure whose reason has no room is a failure all the same. */
static void outcomes(void)
{
    struct outcomes made;
    struct err denied = {.code = ERR_DENIED, .message = "no right"};
    ok = outcomes_begin(&world.plan, &made, &err);
    check();
    if (ok) {
        outcomes_record(&made, 0, &denied);
        assert_int_equal(made.items[0].code, OUTCOME_FAILED);
        assert_int_equal(made.items[0].error_code, ERR_DENIED);
        assert_int_equal(made.items[0].error == NULL, alloc.failed);
    }
    outcomes_free(&made);
}

/* ---- reports: whole, or known not to be ---- */

static const struct report_style narrow = {.width = 60, .color = true};
static char *whole; /* what the report is where no allocation fails */

static void text(struct buf *out)
{
    report_text(out, &world.report, &narrow);
}

static void table(struct buf *out)
{
    report_table(out, &world.report, &narrow);
}

static void audit(struct buf *out)
{
    struct report_place place = {0};
    do
        report_audit(out, &world.report, 2000, &place);
    while (place.more);
}

static void json(struct buf *out)
{
    report_json(out, &world.report);
}

static void make(void (*write)(struct buf *out))
{
    struct buf out = {0};
    write(&out);
    ok = buf_ok(&out, "the report", &err);
    check();
    if (ok)
        assert_string_equal(buf_text(&out), whole);
    buf_free(&out);
}

static void group_name(struct buf *out)
{
    report_group_name(out, "arn:aws:sts::123456789012:assumed-role/Admin", PER_ROLE);
}

static void test_sessions(void **state)
{
    (void)state;
    ALLOC_FAIL_EACH(sessions())
}

static void test_plan(void **state)
{
    (void)state;
    ALLOC_FAIL_EACH(plan())
    ALLOC_FAIL_EACH(outcomes())
}

static void test_reports(void **state)
{
    (void)state;
    static void (*const writers[])(struct buf * out) = {text, table, json, audit, group_name};
    for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++) {
        struct buf out = {0};
        writers[i](&out);
        whole = buf_take(&out);
        assert_non_null(whole);
        ALLOC_FAIL_EACH(make(writers[i]))
        free(whole);
    }
}

/* What is not there is released all the same. */
static void test_nothing_to_free(void **state)
{
    (void)state;
    session_list_free(NULL);
    plan_free(NULL);
    outcomes_free(NULL);
    struct session_list list = {0};
    session_list_sort(&list);
    assert_null(session_list_find(&list, "s-001"));
    session_list_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_reports),
        cmocka_unit_test(test_nothing_to_free),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
