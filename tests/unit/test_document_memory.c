// link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
/* Profile lines, documents, diffs and policies with each allocation failed in turn. */
#define _GNU_SOURCE 1 /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "core/diff.h"
#include "core/document.h"
#include "core/policy.h"
#include "core/profile.h"

static struct buf out;
static struct err err;
static bool ok;

/* A failed allocation is an error, and the only one. */
static void check(void)
{
    assert_int_equal(ok, !alloc.failed);
    if (!ok)
        assert_int_equal(err.code, ERR_NOMEM);
    buf_free(&out);
}

static void merge(const char *text, const char *on_linux, const char *on_windows)
{
    const struct document_lines lines = {.linux_line = on_linux, .windows_line = on_windows};
    ok = document_merge(text, strlen(text), &lines, &out, NULL, &err);
    check();
}

static void line(enum profile_shell shell)
{
    const struct plan_rule rules[] = {{"a \"b\"", 1}, {"{{'", LIMIT_UNLIMITED}};
    const struct profile_settings settings = {.max = 3,
                                              .rules = rules,
                                              .rule_count = 2,
                                              .region = "r",
                                              .linux_path = "/x",
                                              .windows_path = "C:\\{{x",
                                              .deny = true};
    ok = profile_line(shell, &settings, &out, &err);
    check();
}

static void diff(void)
{
    ok = diff_unified("a", "1\n2\n3\n", "b", "1\nx\n3\n", true, &out, &err);
    check();
}

static void pretty(void)
{
    static const char text[] = "{\"a\":[1,{\"b\":\"c\"}],\"d\":null}";
    ok = document_pretty(text, sizeof text - 1, &out, &err);
    check();
}

static void policy(void)
{
    static const char text[] = "{\"a\":[1,{\"b\":\"c\"}],\"d\":null}";
    ok = policy_make("aws", "123456789012", &out, &err);
    check();
    bool had_failed = alloc.failed;
    bool same = policy_same(text, sizeof text - 1, text, sizeof text - 1);
    assert_true(same || alloc.failed || had_failed);
}

static void test_each_allocation(void **state)
{
    static const char HAS[] = "{\"schemaVersion\":\"1.0\",\"sessionType\":\"Standard_Stream\",\"inputs\":{"
                              "\"shellProfile\":{\"linux\":\" ssm-enforce --max 3\",\"windows\":\"dir\"}}}";
    static const char LACKS[] = "{\"schemaVersion\":\"1.0\",\"sessionType\":\"Standard_Stream\"}";
    static const char PUT_IN[] =
        "{\"inputs\":{\"shellProfile\":{\"linux\":\" ssm-enforce --max 3\",\"windows\":"
        "\"   ssm-enforce --max 3\"}},\"schemaVersion\":\"1.0\","
        "\"sessionType\":\"Standard_Stream\"}";
    static const char LONG[] = "{\"schemaVersion\":\"1.0\",\"sessionType\":\"Standard_Stream\",\"inputs\":{"
                               "\"shellProfile\":{\"linux\":\"a b c d e f g h 'i'; ssm-enforce --max 3\","
                               "\"windows\":\"echo 'a' ; & ('ssm-'+'enforce') --max '3'\"}}}";
    (void)state;
    ALLOC_FAIL_EACH(merge(HAS, "ssm-enforce --max 4", "ssm-enforce --max 4"))
    ALLOC_FAIL_EACH(merge(HAS, NULL, NULL))
    ALLOC_FAIL_EACH(merge(LACKS, "ssm-enforce --max 4", "ssm-enforce --max 4"))
    ALLOC_FAIL_EACH(merge(PUT_IN, NULL, NULL))
    ALLOC_FAIL_EACH(merge(LONG, "ssm-enforce --max 4", "ssm-enforce --max 4"))
    ALLOC_FAIL_EACH(line(PROFILE_LINUX))
    ALLOC_FAIL_EACH(line(PROFILE_WINDOWS))
    ALLOC_FAIL_EACH(diff())
    ALLOC_FAIL_EACH(pretty())
    ALLOC_FAIL_EACH(policy())
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_allocation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
