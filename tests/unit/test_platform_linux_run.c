#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform/linux.h"

enum { LONG_MS = 20000 };

/* As Python's shlex.split answers; words joined by '|', NULL: an error. */
static void test_words(void **state)
{
    (void)state;
    static const struct {
        const char *command, *words;
    } examples[] = {
        {"one", "one"},
        {"  a\tb\r\nc  ", "a|b|c"},
        {"/opt/x y --z", "/opt/x|y|--z"},
        {"'a b' \"c d\" e\\ f", "a b|c d|e f"},
        {"a'b c'd\"e f\"g", "ab cde fg"},
        {"'' \"\" x", "||x"},
        {"\"a\\\"b\\\\c\\d\\$\"", "a\"b\\c\\d\\$"},
        {"'a\\b' \\'x\\'", "a\\b|'x'"},
        {"a\\\nb", "a\nb"},
        {"$HOME `x` $(y) *;&| #z", "$HOME|`x`|$(y)|*;&||#z"},
        {"\xc3\xa4\xe2\x82\xac 'x\x01'", "\xc3\xa4\xe2\x82\xac|x\x01"},
        {"x'", NULL},
        {"x \"a", NULL},
        {"x \"a\\\"", NULL},
        {"x \"a\\", NULL},
        {"x \\", NULL},
        {"", NULL},
        {" \t ", NULL},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        struct err err = {0};
        struct linux_words words = {0};
        struct buf joined = {0};
        bool ok = linux_split_words(examples[i].command, &words, &err);
        assert_int_equal(ok, examples[i].words != NULL);
        for (size_t w = 0; w < words.count; w++) {
            buf_add_text(&joined, w > 0 ? "|" : "");
            buf_add_text(&joined, words.word[w]);
        }
        if (ok)
            assert_null(words.word[words.count]);
        else
            assert_int_equal(err.code, ERR_CONFIG);
        assert_string_equal(buf_text(&joined), ok ? examples[i].words : "");
        buf_free(&joined);
        linux_words_free(&words);
    }
    linux_words_free(NULL);
}

static void assert_prints(const char *command, const char *expected)
{
    struct err err = {0};
    struct buf out = {0};
    assert_true(platform_run(command, LONG_MS, &out, &err));
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
}

static void assert_fails(const char *command, int64_t timeout_ms, enum err_code code, const char *why)
{
    struct err err = {0};
    struct buf out = {.max = 1000};
    int64_t before_ms = linux_mono_ms();
    assert_false(platform_run(command, timeout_ms, &out, &err));
    assert_true(linux_mono_ms() - before_ms < LONG_MS / 2);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.message, why));
    buf_free(&out);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left behind */
}

static void test_output(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf out = {0};
    assert_prints("printf '%s|' 'a b' \"c\" '$x'", "a b|c|$x|");
    assert_prints("/bin/sh -c 'printf x; printf y >/dev/null; printf z'", "xz");
    assert_prints("true", "");
    assert_true(platform_run("head -c 300000 /dev/zero", LONG_MS, &out, &err));
    assert_int_equal(out.len, 300000);
    buf_free(&out);
}

/* The keys that do not stop the run do not stop what it starts either; a script's pipelines work as ever. */
static void test_signals_of_the_child(void **state)
{
    (void)state;
    void (*pipe_before)(int) = signal(SIGPIPE, SIG_IGN);
    void (*key_before)(int) = signal(SIGINT, SIG_IGN);
    assert_fails("sh -c 'kill -PIPE $$'", LONG_MS, ERR_CONFIG, "ended by signal 13");
    assert_prints("sh -c 'kill -INT $$; printf on'", "on");
    signal(SIGINT, key_before);
    signal(SIGPIPE, pipe_before);
}

static void test_failures(void **state)
{
    (void)state;
    assert_fails("sh -c 'exit 3'", LONG_MS, ERR_CONFIG, "'sh' failed with exit status 3");
    assert_fails("sh -c 'kill -9 $$'", LONG_MS, ERR_CONFIG, "'sh' was ended by signal 9");
    assert_fails("/no/such/program x", LONG_MS, ERR_CONFIG, "'/no/such/program'");
    assert_fails("no-such-program-anywhere", LONG_MS, ERR_CONFIG, "'no-such-program-anywhere'");
    assert_fails("/", LONG_MS, ERR_CONFIG, "'/'");
    assert_fails("x 'y", LONG_MS, ERR_CONFIG, "quotation mark");
    assert_fails("   ", LONG_MS, ERR_CONFIG, "empty");
    assert_fails("head -c 1001 /dev/zero", LONG_MS, ERR_CONFIG, "more than 1000 bytes");
    assert_fails("cat /dev/zero", LONG_MS, ERR_CONFIG, "more than 1000 bytes");
}

static void test_timeouts(void **state)
{
    (void)state;
    assert_fails("sleep 60", 100, ERR_TIMEOUT, "'sleep' did not end in time");
    assert_fails("sh -c 'exec >&-; exec sleep 60'", 100, ERR_TIMEOUT, "'sh' did not end in time");
    assert_fails("sh -c 'trap \"\" TERM; while :; do :; done'", 100, ERR_TIMEOUT, "did not end in time");
    assert_fails("sleep 60", 0, ERR_TIMEOUT, "did not end in time");
}

/* The process whose number is in the file has ended, or does so at once. */
static void assert_ended(const char *path)
{
    long pid = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld", &pid), 1);
    assert_int_equal(fclose(file), 0);
    assert_true(pid > 1);
    int64_t end_ms = linux_mono_ms() + LONG_MS;
    while (kill((pid_t)pid, 0) == 0 && linux_mono_ms() < end_ms)
        usleep(1000);
    assert_int_equal(kill((pid_t)pid, 0), -1);
}

/* What the command started goes with it, a session of its own or a parent that has ended notwithstanding. */
static void test_grandchildren(void **state)
{
    (void)state;
    char folder[] = "/tmp/test-run-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/pid", folder);
    assert_int_equal(setenv("PID_FILE", path, 1), 0);
    static const char *const commands[] = {
        "sh -c 'sleep 60 & echo $! >$PID_FILE; wait'",
        "sh -c 'sleep 60 & echo $! >$PID_FILE'",
        "sh -c 'exec >&-; (setsid sh -c \"echo \\$\\$ >$PID_FILE; exec sleep 60\" &); exec sleep 60'",
        "sh -c 'sleep 60 & echo $! >$PID_FILE; exec cat /dev/zero'",
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        bool talks = strstr(commands[i], "zero") != NULL;
        assert_fails(commands[i], talks ? LONG_MS : 500, talks ? ERR_CONFIG : ERR_TIMEOUT,
                     talks ? "more than" : "did not end in time");
        assert_ended(path);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

/* What it leaves behind on purpose, an agent for keys, stays. */
static void test_a_daemon_stays(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf out = {0};
    assert_true(platform_run("sh -c 'sleep 60 >/dev/null & echo $!'", LONG_MS, &out, &err));
    long pid = strtol(buf_text(&out), NULL, 10);
    assert_true(pid > 1);
    assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_signals_of_the_child),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_grandchildren),
        cmocka_unit_test(test_a_daemon_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
