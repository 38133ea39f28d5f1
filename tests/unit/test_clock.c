#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

struct state {
    int64_t mono_ms, wall_ms, slept_ms;
    uint32_t random;
};

static int64_t mono(void *ctx)
{
    return ((struct state *)ctx)->mono_ms;
}

static int64_t wall(void *ctx)
{
    return ((struct state *)ctx)->wall_ms;
}

static void sleep_for(void *ctx, int64_t time_ms)
{
    ((struct state *)ctx)->slept_ms += time_ms;
}

static uint32_t random_of(void *ctx)
{
    return ((struct state *)ctx)->random;
}

static void asks_what_was_handed_in(void **state)
{
    struct state now = {.mono_ms = 5, .wall_ms = INT64_C(1795348800000)};
    const struct clock clock = {&now, mono, wall, sleep_for, random_of};
    (void)state;
    assert_int_equal(clock_mono_ms(&clock), 5);
    assert_int_equal(clock_wall_ms(&clock), INT64_C(1795348800000));
    clock_sleep_ms(&clock, 7);
    assert_int_equal(now.slept_ms, 7);
}

static void jitter_is_from_nothing_to_the_most(void **state)
{
    struct state now = {0};
    const struct clock clock = {&now, mono, wall, sleep_for, random_of};
    (void)state;
    for (now.random = 0; now.random < 8; now.random++)
        assert_int_equal(clock_jitter_ms(&clock, 3), now.random % 4);
    now.random = UINT32_MAX;
    assert_int_equal(clock_jitter_ms(&clock, INT64_MAX - 1), UINT32_MAX);
    assert_int_equal(clock_jitter_ms(&clock, 0), 0);
    assert_int_equal(clock_jitter_ms(&clock, -5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_what_was_handed_in),
        cmocka_unit_test(jitter_is_from_nothing_to_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
