/*
 * clock.h - time, sleep and chance, handed in, so that a test or a simulation decides all three.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
    void *ctx;
    int64_t (*mono_ms)(void *ctx); /* never goes back; for deadlines and durations */
    int64_t (*wall_ms)(void *ctx); /* since 1970-01-01 UTC; may be wrong; for signatures and ages */
    void (*sleep_ms)(void *ctx, int64_t time_ms); /* at least so long; 0 or less: returns at once */
    uint32_t (*random)(void *ctx);                /* evenly spread; for jitter, not for secrets */
};

static inline int64_t clock_mono_ms(const struct clock *clock)
{
    return clock->mono_ms(clock->ctx);
}

static inline int64_t clock_wall_ms(const struct clock *clock)
{
    return clock->wall_ms(clock->ctx);
}

static inline void clock_sleep_ms(const struct clock *clock, int64_t time_ms)
{
    clock->sleep_ms(clock->ctx, time_ms);
}

/* A time drawn evenly from 0 to most_ms ("full jitter"). */
static inline int64_t clock_jitter_ms(const struct clock *clock, int64_t most_ms)
{
    return most_ms <= 0 ? 0 : (int64_t)(clock->random(clock->ctx) % (uint64_t)(most_ms + 1));
}

#endif
