/*
 * env.h - environment variables and the verbose trace, handed in, so that nothing below a command reads or
 * writes process-wide state.
 */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include <stdarg.h>
#include <stddef.h>

struct env {
    void *ctx;
    const char *(*get)(void *ctx, const char *name); /* borrowed; NULL where the variable is not set */
};

/* The variable's value, NULL where it is not set or empty (an empty AWS_* variable means "not set", as in the
 * AWS command line). Borrowed. */
static inline const char *env_get(const struct env *env, const char *name)
{
    const char *value = env->get(env->ctx, name);
    return value && *value ? value : NULL;
}

struct trace {
    void *ctx;
    void (*say)(void *ctx, const char *format, va_list args); /* NULL: nobody listens */
};

/* Tells the trace one step (printf format, no line end). Never a secret. */
void trace_say(const struct trace *trace, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
