#include "base/env.h"

void trace_say(const struct trace *trace, const char *format, ...)
{
    if (!trace || !trace->say)
        return;
    va_list args;
    va_start(args, format);
    trace->say(trace->ctx, format, args);
    va_end(args);
}
