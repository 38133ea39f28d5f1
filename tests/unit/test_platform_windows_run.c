/* The executable starts itself anew as the command: its first argument says what that does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/windows.h"

enum { LONG_MS = 30000 };

static wchar_t self[MAX_PATH];

static int act(int argc, char **argv)
{
    static char block[100000];
    const char *what = argv[1];
    memset(block, 'x', sizeof block);
    if (strcmp(what, "say") == 0 && argc > 2)
        return platform_write(PLATFORM_STDOUT, argv[2], strlen(argv[2])) ? 0 : 1;
    if (strcmp(what, "large") == 0)
        return platform_write(PLATFORM_STDOUT, block, sizeof block) ? 0 : 1;
    if (strcmp(what, "stay") == 0)
        CloseHandle(GetStdHandle(STD_OUTPUT_HANDLE));
    if (strcmp(what, "stay") == 0 || strcmp(what, "wait") == 0)
        Sleep(60000);
    return atoi(what);
}

static void command_for(struct buf *command, const char *arguments)
{
    buf_add_text(command, "  \"");
    windows_narrow_text(command, self);
    buf_addf(command, "\" %s", arguments);
}

static void test_output(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf command = {0}, out = {0};
    buf_add_text(&out, "before|");
    command_for(&command, "say \"a \\\"b\\\" \xc3\xa4\"");
    assert_true(platform_run(command.data, LONG_MS, &out, &err));
    assert_string_equal(out.data, "before|a \"b\" \xc3\xa4");
    buf_reset(&command);
    buf_reset(&out);
    command_for(&command, "large");
    assert_true(platform_run(command.data, LONG_MS, &out, &err));
    assert_int_equal(out.len, 100000);
    buf_free(&command);
    buf_free(&out);
}

static void assert_fails(const char *arguments, int64_t timeout_ms, enum err_code code, const char *why)
{
    struct err err = {0};
    struct buf command = {0}, out = {.max = 1000};
    int64_t before_ms = windows_mono_ms();
    command_for(&command, arguments);
    assert_false(platform_run(command.data, timeout_ms, &out, &err));
    assert_true(windows_mono_ms() - before_ms < LONG_MS / 2);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.message, why));
    assert_null(strstr(err.message, "secret"));
    buf_free(&command);
    buf_free(&out);
}

static void test_failures(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf out = {0};
    assert_fails("3 secret", LONG_MS, ERR_CONFIG, "failed with exit status 3");
    assert_fails("large", LONG_MS, ERR_CONFIG, "more than 1000 bytes");
    assert_false(platform_run("\"C:\\no such program.exe\" secret", LONG_MS, &out, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_non_null(strstr(err.message, "can't run 'C:\\no such program.exe': "));
    assert_false(platform_run(" \t ", LONG_MS, &out, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_false(platform_run("", LONG_MS, &out, &err));
    buf_free(&out);
}

static void test_timeouts(void **state)
{
    (void)state;
    assert_fails("wait secret", 300, ERR_TIMEOUT, "did not end in time");
    assert_fails("stay", 300, ERR_TIMEOUT, "did not end in time");
    assert_fails("wait", 0, ERR_TIMEOUT, "did not end in time");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_timeouts),
    };
    platform_start(&argc, &argv);
    GetModuleFileNameW(NULL, self, MAX_PATH);
    return argc > 1 ? act(argc, argv) : cmocka_run_group_tests(tests, NULL, NULL);
}
