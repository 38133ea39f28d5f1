/*
 * io.h - what a run is handed: network, time, environment, and until when.
 */
#ifndef AWS_IO_H
#define AWS_IO_H

#include <stdint.h>

#include "base/clock.h"
#include "base/env.h"
#include "net/http.h"

struct aws_io {
    const struct http *http;
    const struct clock *clock;
    const struct env *env;
    const struct trace *trace; /* may be NULL */
    int64_t deadline_ms; /* of the whole run, on the monotonic clock: nothing waits or tries beyond it */
    int64_t timeout_ms;  /* the length of the run that the deadline ends, for messages; 0: not said */
};

/* Milliseconds until the deadline, never below 0. */
static inline int64_t aws_io_left_ms(const struct aws_io *io)
{
    int64_t left_ms = io->deadline_ms - clock_mono_ms(io->clock);
    return left_ms > 0 ? left_ms : 0;
}

#endif
