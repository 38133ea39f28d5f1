/*
 * Each test runs a function in a child whose session, controlling terminal and standard output are a pseudo
 * terminal of its own, and is its user. The child's exit status is the result.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "child.h"
#include "platform/linux.h"

enum { LARGE = 200000, MANY_MS = 10000, STUCK_MS = 2000, CTRL_C = 3, CTRL_D = 4, CTRL_S = 19, CTRL_Q = 17 };

struct terminal {
    int master;
    pid_t child;
    struct buf seen;
};

static void start(struct terminal *terminal, int (*run)(void))
{
    *terminal = (struct terminal){0};
    terminal->child = forkpty(&terminal->master, NULL, NULL, NULL);
    assert_true(terminal->child >= 0);
    if (terminal->child == 0)
        child_end(run());
}

/* Reads on until `text` was seen. False: not within MANY_MS, or the terminal ended. */
static bool wait_for(struct terminal *terminal, const char *text)
{
    int64_t deadline_ms = linux_mono_ms() + MANY_MS;
    while (!strstr(buf_text(&terminal->seen), text)) {
        char chunk[4096];
        struct pollfd wait = {.fd = terminal->master, .events = POLLIN};
        int64_t left_ms = deadline_ms - linux_mono_ms();
        if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) <= 0)
            return false;
        ssize_t got = read(terminal->master, chunk, sizeof chunk);
        if (got <= 0)
            return false;
        buf_add(&terminal->seen, chunk, (size_t)got);
    }
    return true;
}

static void type(const struct terminal *terminal, const char *keys)
{
    assert_int_equal(write(terminal->master, keys, strlen(keys)), strlen(keys));
}

static void assert_ends_well(struct terminal *terminal)
{
    int status = 0;
    (void)wait_for(terminal, "\x01"); /* read to the end, which it never prints */
    assert_int_equal(waitpid(terminal->child, &status, 0), terminal->child);
    if (terminal->master >= 0)
        close(terminal->master);
    buf_free(&terminal->seen);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void say(const char *text)
{
    (void)!write(STDOUT_FILENO, text, strlen(text));
}

static void await_byte(void)
{
    char byte;
    (void)!read(STDIN_FILENO, &byte, 1);
}

/* ---- width ---- */

static int check_width(void)
{
    struct winsize size = {.ws_row = 24};
    int ends[2];
    if (!platform_is_terminal(PLATFORM_STDOUT) || !platform_is_terminal(PLATFORM_STDERR))
        return 1;
    if (ioctl(1, TIOCSWINSZ, &size) != 0 || platform_terminal_width(PLATFORM_STDOUT) != 80)
        return 2; /* 0 columns, as the agent leaves it */
    size.ws_col = 132;
    if (ioctl(1, TIOCSWINSZ, &size) != 0 || platform_terminal_width(PLATFORM_STDOUT) != 132)
        return 3;
    if (pipe(ends) != 0 || dup2(ends[1], 1) != 1)
        return 4;
    if (platform_is_terminal(PLATFORM_STDOUT) || platform_terminal_width(PLATFORM_STDOUT) != 80)
        return 5;
    return platform_terminal_width(PLATFORM_STDERR) == 132 ? 0 : 6;
}

static void test_width(void **state)
{
    (void)state;
    struct terminal terminal;
    start(&terminal, check_width);
    assert_ends_well(&terminal);
}

/* ---- writing ---- */

static bool write_large(void)
{
    static char text[LARGE];
    memset(text, 'x', sizeof text);
    return platform_write(PLATFORM_STDOUT, text, sizeof text);
}

static int write_all(void)
{
    return write_large() && platform_write(PLATFORM_STDERR, "end.\n", 5) ? 0 : 1;
}

static int write_all_unstoppable(void)
{
    platform_ignore_signals();
    return write_all();
}

/* As whoever shares the terminal may have made it. */
static int write_all_nonblocking(void)
{
    return fcntl(1, F_SETFL, fcntl(1, F_GETFL) | O_NONBLOCK) == 0 ? write_all() : 2;
}

static void assert_writes_all(int (*run)(void))
{
    struct terminal terminal;
    start(&terminal, run);
    usleep(100 * 1000); /* it fills up first */
    assert_true(wait_for(&terminal, "end."));
    assert_int_equal(strspn(terminal.seen.data, "x"), LARGE);
    assert_ends_well(&terminal);
}

static void test_write(void **state)
{
    (void)state;
    assert_writes_all(write_all);
    assert_writes_all(write_all_unstoppable);
    assert_writes_all(write_all_nonblocking);
}

/* Stuck for STUCK_MS once, and then no more. */
static int write_to_stuck(void)
{
    platform_ignore_signals();
    say("ready");
    await_byte();
    int64_t start_ms = linux_mono_ms();
    if (write_large())
        return 1;
    int64_t took_ms = linux_mono_ms() - start_ms;
    if (took_ms < STUCK_MS / 2 || took_ms > 3 * STUCK_MS)
        return 2;
    start_ms = linux_mono_ms();
    (void)write_large();
    return linux_mono_ms() - start_ms < STUCK_MS / 2 ? 0 : 3;
}

static void assert_survives_stuck(const char *keys)
{
    struct terminal terminal;
    int status = 0;
    start(&terminal, write_to_stuck);
    assert_true(wait_for(&terminal, "ready"));
    type(&terminal, keys);
    assert_int_equal(waitpid(terminal.child, &status, 0), terminal.child); /* and nobody reads */
    close(terminal.master);
    buf_free(&terminal.seen);
    assert_int_equal(status, 0);
}

static void test_write_stuck(void **state)
{
    (void)state;
    static const char stop[] = {CTRL_S, '\n', '\0'};
    assert_survives_stuck(stop);
    assert_survives_stuck("\n");
}

/* Whoever stops the terminal to read a long list gets the rest of it. */
static int write_list(void)
{
    say("ready");
    await_byte();
    return write_all();
}

static void test_write_waits(void **state)
{
    (void)state;
    static const char stop[] = {CTRL_S, '\n', '\0'}, go[] = {CTRL_Q, '\0'};
    struct terminal terminal;
    start(&terminal, write_list);
    assert_true(wait_for(&terminal, "ready"));
    type(&terminal, stop);
    usleep((STUCK_MS + 500) * 1000);
    type(&terminal, go);
    assert_true(wait_for(&terminal, "end."));
    assert_ends_well(&terminal);
}

static int write_to_gone(void)
{
    struct pollfd wait = {.fd = 0};
    platform_ignore_signals();
    say("ready");
    if (poll(&wait, 1, MANY_MS) != 1) /* POLLHUP */
        return 1;
    int64_t start_ms = linux_mono_ms();
    bool written = platform_write(PLATFORM_STDOUT, "x", 1);
    return !written && linux_mono_ms() - start_ms < STUCK_MS / 2 ? 0 : 2;
}

static void test_write_gone(void **state)
{
    (void)state;
    struct terminal terminal;
    int status = 0;
    start(&terminal, write_to_gone);
    assert_true(wait_for(&terminal, "ready"));
    close(terminal.master);
    assert_int_equal(waitpid(terminal.child, &status, 0), terminal.child);
    buf_free(&terminal.seen);
    assert_int_equal(status, 0);
}

/* A pipe: what reads slowly gets all, what does not read holds up nothing. */
static int write_to_pipe(void)
{
    int ends[2];
    char chunk[4096];
    platform_ignore_signals();
    if (pipe(ends) != 0)
        return 1;
    pid_t reader = fork();
    if (reader == 0) {
        size_t all = 0;
        close(ends[1]);
        for (ssize_t got; (got = read(ends[0], chunk, sizeof chunk)) > 0; usleep(5000))
            all += (size_t)got;
        child_end(all == LARGE ? 0 : 1);
    }
    int status = 1;
    if (dup2(ends[1], 1) != 1 || close(ends[1]) != 0 || !write_large() || close(1) != 0 ||
        waitpid(reader, &status, 0) != reader || status != 0)
        return 2;
    if (pipe(ends) != 0 || dup2(ends[1], 1) != 1 || write_large())
        return 3;
    if (pipe(ends) != 0 || dup2(ends[1], 1) != 1 || close(ends[0]) != 0)
        return 4;
    return write_large() ? 5 : 0;
}

static void test_write_pipe(void **state)
{
    (void)state;
    struct terminal terminal;
    start(&terminal, write_to_pipe);
    assert_ends_well(&terminal);
}

/* ---- asking ---- */

static bool echoes(void)
{
    struct termios now;
    return tcgetattr(0, &now) == 0 && (now.c_lflag & ECHO) && (now.c_lflag & ISIG);
}

static int ask(bool echo, bool answered, const char *expected)
{
    struct err err = {0};
    struct buf answer = {.max = 40};
    int input = open("/dev/null", O_RDONLY);
    (void)dup2(input, 1); /* it is the terminal that is asked, not standard output */
    bool ok = platform_ask("code? ", echo, &answer, &err);
    int result = 0;
    if (ok != answered)
        result = 1;
    else if (ok && strcmp(buf_text(&answer), expected) != 0)
        result = 2;
    else if (!ok && err.code != ERR_IO)
        result = 3;
    else if (!echoes())
        result = 4;
    buf_free(&answer);
    return result;
}

static int ask_aloud(void)
{
    return ask(true, true, "yes \xc3\xa4");
}

static int ask_silently(void)
{
    return ask(false, true, "123456");
}

static int ask_aloud_in_vain(void)
{
    return ask(true, false, "");
}

static int ask_silently_in_vain(void)
{
    return ask(false, false, "");
}

static void assert_asks(int (*run)(void), const char *keys, const char *shown)
{
    struct terminal terminal;
    start(&terminal, run);
    assert_true(wait_for(&terminal, "code? "));
    usleep(50 * 1000); /* until the echo is off */
    type(&terminal, keys);
    (void)wait_for(&terminal, "\x01");
    assert_string_equal(buf_text(&terminal.seen), shown);
    assert_ends_well(&terminal);
}

static void test_ask(void **state)
{
    (void)state;
    static const char end[] = {CTRL_D, '\0'}, interrupt[] = {'1', '2', CTRL_C, '\0'};
    assert_asks(ask_aloud, "yes \xc3\xa4\n", "code? yes \xc3\xa4\r\n");
    assert_asks(ask_silently, "123456\n", "code? \r\n");
    assert_asks(ask_silently_in_vain, interrupt, "code? \r\n");
    assert_asks(ask_silently_in_vain, end, "code? \r\n");
    assert_asks(ask_aloud_in_vain, end, "code? ");
    assert_asks(ask_silently_in_vain, "0123456789012345678901234567890123456789x\n", "code? \r\n");
}

static int ask_nobody(void)
{
    struct err err = {0};
    struct buf answer = {0};
    if (setsid() < 0)
        return 1;
    return !platform_ask("code? ", true, &answer, &err) && err.code == ERR_USAGE &&
                   strstr(err.message, "no terminal")
               ? 0
               : 2;
}

static void test_ask_nobody(void **state)
{
    (void)state;
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        child_end(ask_nobody());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_width),       cmocka_unit_test(test_write),
        cmocka_unit_test(test_write_stuck), cmocka_unit_test(test_write_waits),
        cmocka_unit_test(test_write_gone),  cmocka_unit_test(test_write_pipe),
        cmocka_unit_test(test_ask),         cmocka_unit_test(test_ask_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
