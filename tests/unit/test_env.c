#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/env.h"

static const char *get(void *ctx, const char *name)
{
    const char *const *pair = ctx;
    return strcmp(name, pair[0]) == 0 ? pair[1] : NULL;
}

static void an_empty_variable_is_not_set(void **state)
{
    const char *pair[2] = {"AWS_REGION", "eu-west-1"};
    struct env env = {.ctx = (void *)pair, .get = get};
    (void)state;
    assert_string_equal(env_get(&env, "AWS_REGION"), "eu-west-1");
    assert_null(env_get(&env, "AWS_PROFILE"));
    pair[1] = "";
    assert_null(env_get(&env, "AWS_REGION"));
}

__attribute__((format(printf, 2, 0))) static void note(void *ctx, const char *format, va_list args)
{
    (void)vsnprintf(ctx, 32, format, args);
}

static void tells_who_listens(void **state)
{
    char said[32] = "";
    struct trace trace = {.ctx = said, .say = note};
    (void)state;
    trace_say(&trace, "%s %d", "step", 3);
    assert_string_equal(said, "step 3");
    trace.say = NULL;
    trace_say(&trace, "nobody");
    trace_say(NULL, "nobody");
    assert_string_equal(said, "step 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_variable_is_not_set),
        cmocka_unit_test(tells_who_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
