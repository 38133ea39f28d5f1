/*
 * console.h - every word to a person.
 */
#ifndef CMD_CONSOLE_H
#define CMD_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/env.h"
#include "base/err.h"
#include "core/report.h"

struct console {
    bool quiet;
    bool verbose;
    const struct clock *clock; /* borrowed */
    int64_t start_ms;
    struct report_style style; /* of standard output */
    struct trace trace;        /* what the lower floors say with --verbose */
};

/* Made in place: the trace points to the console. */
void console_open(struct console *console, bool quiet, bool verbose, const struct env *env,
                  const struct clock *clock);

/* To standard output, all but errors; nothing with --quiet. */
void console_print(const struct console *console, const struct buf *text);

/* To standard output, --quiet or not: what a program reads, what was asked for. */
void console_write(const struct buf *text);

/* One line "ssm-enforce: ..." to standard error, made visible, also with --quiet. */
void console_error(const struct err *err);
void console_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line to standard error for a person, made visible, also with --quiet: the end of the own session. */
void console_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Clears the terminal behind standard output; nothing where there is none. */
void console_clear(void);

#endif
