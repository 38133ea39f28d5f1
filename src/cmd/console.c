#include "cmd/console.h"

#include <string.h>

#include "format/text.h"
#include "platform/platform.h"

/* One line to standard error, whatever is in it. */
__attribute__((format(printf, 2, 0))) static void say(const char *before, const char *format, va_list args)
{
    struct buf raw = {0}, line = {0};
    buf_addv(&raw, format, args);
    buf_add_text(&line, before);
    text_visible(&line, buf_text(&raw), raw.len);
    buf_add_char(&line, '\n');
    if (!line.failed)
        (void)platform_write(PLATFORM_STDERR, line.data, line.len);
    buf_free(&raw);
    buf_free(&line);
}

__attribute__((format(printf, 2, 0))) static void trace(void *ctx, const char *format, va_list args)
{
    const struct console *console = ctx;
    struct buf before = {0};
    buf_addf(&before, "ssm-enforce: [%5lld ms] ",
             (long long)(clock_mono_ms(console->clock) - console->start_ms));
    say(buf_text(&before), format, args);
    buf_free(&before);
}

void console_open(struct console *console, bool quiet, bool verbose, const struct env *env,
                  const struct clock *clock)
{
    *console = (struct console){.quiet = quiet, .verbose = verbose, .clock = clock};
    console->start_ms = clock_mono_ms(clock);
    const char *term = env_get(env, "TERM");
    if (platform_is_terminal(PLATFORM_STDOUT)) {
        console->style.width = platform_terminal_width(PLATFORM_STDOUT);
        console->style.color = !env_get(env, "NO_COLOR") && !(term && strcmp(term, "dumb") == 0);
    }
    console->trace.ctx = console;
    if (verbose)
        console->trace.say = trace;
}

void console_print(const struct console *console, const struct buf *text)
{
    if (!console->quiet)
        console_write(text);
}

void console_write(const struct buf *text)
{
    if (text->len)
        (void)platform_write(PLATFORM_STDOUT, text->data, text->len);
}

void console_error(const struct err *err)
{
    console_tell("%s", err->message);
}

void console_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("ssm-enforce: warning: ", format, args);
    va_end(args);
}

void console_tell(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("ssm-enforce: ", format, args);
    va_end(args);
}

void console_clear(void)
{
    static const char clear[] = "\033[H\033[2J\033[3J";
    if (platform_is_terminal(PLATFORM_STDOUT))
        (void)platform_write(PLATFORM_STDOUT, clear, sizeof clear - 1);
}
