#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

static void sets_code_and_message(void **state)
{
    struct err err = {.service_code = "Old"};
    (void)state;
    assert_false(err_set(&err, ERR_IO, "cannot read \"%s\": %d", "a", 7));
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.message, "cannot read \"a\": 7");
    assert_string_equal(err.service_code, "");
}

static void a_prefix_leaves_the_codes(void **state)
{
    struct err err = {0};
    (void)state;
    err_set(&err, ERR_SERVICE, "refused");
    memcpy(err.service_code, "X", 2);
    assert_false(err_prefix(&err, "call %d", 2));
    assert_string_equal(err.message, "call 2: refused");
    assert_int_equal(err.code, ERR_SERVICE);
    assert_string_equal(err.service_code, "X");
}

static void what_is_too_long_is_cut(void **state)
{
    struct err err = {0};
    char text[2 * sizeof err.message];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set(&err, ERR_IO, "%s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    err_prefix(&err, "p");
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_memory_equal(err.message, "p: xxx", 6);
    /* A prefix that leaves no room for the message is left out. */
    err_set(&err, ERR_IO, "message");
    err_prefix(&err, "%s", text);
    assert_string_equal(err.message, "message");
    text[sizeof err.message - 4] = '\0';
    err_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_string_equal(err.message + sizeof err.message - 5, "x: m");
}

static void clears(void **state)
{
    struct err err = {0};
    (void)state;
    assert_false(err_nomem(&err));
    assert_int_equal(err.code, ERR_NOMEM);
    assert_string_equal(err.message, "out of memory");
    memcpy(err.service_code, "X", 2);
    err_clear(&err);
    assert_int_equal(err.code, ERR_NONE);
    assert_string_equal(err.message, "");
    assert_string_equal(err.service_code, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_code_and_message),
        cmocka_unit_test(a_prefix_leaves_the_codes),
        cmocka_unit_test(what_is_too_long_is_cut),
        cmocka_unit_test(clears),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
