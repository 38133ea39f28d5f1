#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/policy.h"
#include "format/json_read.h"

static void test_made(void **state)
{
    struct buf out = {0};
    struct err err;
    struct json json = {0};
    (void)state;
    assert_true(policy_make("aws-us-gov", "123456789012", &out, &err));
    assert_non_null(strstr(out.data, "\"arn:aws-us-gov:ssm:*:123456789012:session/*\""));
    assert_null(strchr(out.data, '@'));
    assert_true(json_parse(&json, out.data, out.len, &err));
    assert_true(json_equals(&json, json_get(&json, 0, "Version"), "2012-10-17"));
    json_free(&json);
    buf_reset(&out);
    assert_true(policy_make("aws", NULL, &out, &err));
    assert_non_null(strstr(out.data, "\"arn:aws:ssm:*:ACCOUNT:session/*\""));
    buf_free(&out);
}

static void test_refused(void **state)
{
    static const char *const ACCOUNTS[] = {"", "12345678901", "1234567890123", "12345678901x", "\"},{}"};
    struct buf out = {0};
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof ACCOUNTS / sizeof ACCOUNTS[0]; i++) {
        assert_false(policy_make("aws", ACCOUNTS[i], &out, &err));
        assert_int_equal(err.code, ERR_CONFIG);
    }
    assert_false(policy_make("aws\"", "123456789012", &out, &err));
    assert_false(policy_make("aws-a-partition-with-a-name-that-is-too-long", "123456789012", &out, &err));
    assert_false(policy_make("", "123456789012", &out, &err));
    assert_int_equal(out.len, 0);
    buf_free(&out);
}

static bool same(const char *a, const char *b)
{
    bool answer = policy_same(a, strlen(a), b, strlen(b));
    assert_int_equal(policy_same(b, strlen(b), a, strlen(a)), answer);
    return answer;
}

#define STATEMENT(action, resource) "{\"Effect\":\"Allow\",\"Action\":" action ",\"Resource\":" resource "}"

static void test_same(void **state)
{
    (void)state;
    assert_true(same("{\"a\":1, \"b\":\"x\"}", "{\"b\":\"\\u0078\",\"a\":1}"));
    assert_true(same(STATEMENT("\"a\"", "\"*\""), STATEMENT("[\"a\"]", "[ \"*\" ]")));
    assert_true(same(STATEMENT("[\"a\",\"b\"]", "\"*\""), STATEMENT("[\"b\",\"a\"]", "\"*\"")));
    assert_true(same("{\"Statement\":" STATEMENT("\"a\"", "\"*\"") "}",
                     "{\"Statement\":[" STATEMENT("[\"a\"]", "\"*\"") "]}"));
    assert_true(same("[[[[[[[1]]]]]]]", "1"));
}

static void test_different(void **state)
{
    (void)state;
    assert_false(same(STATEMENT("\"a\"", "\"*\""), STATEMENT("\"b\"", "\"*\"")));
    assert_false(same(STATEMENT("[\"a\",\"b\"]", "\"*\""), STATEMENT("\"a\"", "\"*\"")));
    assert_false(same("{\"a\":1}", "{\"a\":1,\"b\":2}"));
    assert_false(same("{\"a\":1,\"c\":2}", "{\"a\":1,\"b\":2}"));
    assert_false(same("{\"a\":{}}", "{\"a\":1}"));
    assert_false(same("{\"a\":[]}", "{\"a\":1}"));
    assert_false(same("{\"a\":1}", "no json"));
    assert_false(same("", ""));
    assert_false(same("[[[[[[[[[[[[[[1]]]]]]]]]]]]]]", "[[[[[[[[[[[[[[2]]]]]]]]]]]]]]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_different),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
