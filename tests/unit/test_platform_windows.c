/* The process. The executable starts itself anew as a child that says what it sees, in UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "platform/windows.h"

#define UMLAUT  "\xc3\xa4"
#define PILE    "\xf0\x9f\x92\xa9" /* beyond the first 65,536 characters */
#define REPLACE "\xef\xbf\xbd"

static wchar_t self[MAX_PATH];

/* What a child that is started with these arguments prints. */
static void assert_child_prints(const char *arguments, const char *expected)
{
    struct err err = {0};
    struct buf command = {0}, out = {0};
    buf_add_char(&command, '"');
    windows_narrow_text(&command, self);
    buf_add_text(&command, "\" ");
    buf_add_text(&command, arguments);
    assert_true(platform_run(command.data, 20000, &out, &err));
    assert_string_equal(buf_text(&out), expected);
    buf_free(&command);
    buf_free(&out);
}

static int child_arguments(int argc, char **argv)
{
    struct buf out = {0};
    for (int i = 2; i < argc; i++)
        buf_addf(&out, "[%s]", argv[i]);
    bool ok = argv[argc] == NULL && platform_write(PLATFORM_STDOUT, buf_text(&out), out.len);
    buf_free(&out);
    return ok ? 0 : 1;
}

static void test_arguments(void **state)
{
    (void)state;
    assert_child_prints("arguments", "");
    assert_child_prints("arguments plain \"with blank\" \"\" a\\\"b \"c\\\\\" *.exe",
                        "[plain][with blank][][a\"b][c\\][*.exe]");
    assert_child_prints("arguments " UMLAUT " \"*:role/" PILE " x\"", "[" UMLAUT "][*:role/" PILE " x]");
}

static int child_environment(void)
{
    struct env env;
    platform_env(&env);
    const char *value = env_get(&env, "ssm_ENFORCE_test");
    if (env_get(&env, "SSM_ENFORCE_TEST_EMPTY") || env_get(&env, "SSM_ENFORCE") || env_get(&env, "=C:") ||
        !value)
        return 1;
    return platform_write(PLATFORM_STDOUT, value, strlen(value)) ? 0 : 1;
}

static void test_environment(void **state)
{
    (void)state;
    assert_true(SetEnvironmentVariableW(L"SSM_ENFORCE_TEST", L"\u00e4 = \U0001f4a9"));
    assert_true(SetEnvironmentVariableW(L"SSM_ENFORCE_TEST_EMPTY", L""));
    assert_child_prints("environment", UMLAUT " = " PILE);
}

/* Handles that are not there take what is written. */
static int child_streams(void)
{
    SetStdHandle(STD_INPUT_HANDLE, NULL);
    SetStdHandle(STD_OUTPUT_HANDLE, INVALID_HANDLE_VALUE);
    SetStdHandle(STD_ERROR_HANDLE, NULL);
    platform_start(&(int){0}, &(char **){NULL});
    return platform_write(PLATFORM_STDOUT, "x", 1) && platform_write(PLATFORM_STDERR, "x", 1) ? 0 : 1;
}

static void test_streams(void **state)
{
    (void)state;
    assert_child_prints("streams", "");
}

static int child_signals(void)
{
    platform_ignore_signals();
    /* To all processes of this console, which is ours alone where there is one at all. */
    (void)GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0);
    Sleep(200);
    return platform_write(PLATFORM_STDOUT, "alive", 5) ? 0 : 1;
}

static void test_signals(void **state)
{
    (void)state;
    assert_child_prints("signals", "alive");
}

static void test_text(void **state)
{
    (void)state;
    static const wchar_t lone[] = {L'a', 0xd800, L'b', 0};
    struct buf out = {0};
    wchar_t *wide = windows_wide("a" UMLAUT PILE);
    assert_int_equal(wcslen(wide), 4);
    assert_true(windows_narrow_text(&out, wide));
    assert_string_equal(out.data, "a" UMLAUT PILE);
    free(wide);
    buf_reset(&out);

    assert_true(windows_narrow_text(&out, lone));
    assert_string_equal(out.data, "a" REPLACE "b");
    buf_reset(&out);
    assert_true(windows_narrow_text(&out, L""));
    assert_string_equal(buf_text(&out), "");

    wide = windows_wide("x\xff"
                        "y");
    assert_true(windows_narrow_text(&out, wide));
    assert_string_equal(out.data, "x" REPLACE "y");
    free(wide);
    buf_free(&out);

    struct buf small = {.max = 3};
    assert_false(windows_narrow_text(&small, L"abcd"));
    buf_free(&small);
}

static void test_errors(void **state)
{
    (void)state;
    struct err err = {0};
    SetLastError(ERROR_ACCESS_DENIED);
    assert_false(windows_fail(&err, ERR_IO, "read", "C:\\x"));
    assert_int_equal(err.code, ERR_IO);
    assert_memory_equal(err.message, "can't read 'C:\\x': ", 19);
    assert_true(strlen(err.message) > 25);
    assert_null(strpbrk(err.message, "\r\n"));
    SetLastError(0x2fffffff);
    assert_false(windows_fail(&err, ERR_CONFIG, "read", "x"));
    assert_string_equal(err.message, "can't read 'x': error 805306367");
}

static void test_clock(void **state)
{
    (void)state;
    struct clock clock;
    platform_clock(&clock);
    int64_t wall_ms = clock_wall_ms(&clock), mono_ms = clock_mono_ms(&clock);
    assert_in_range(wall_ms / 1000, time(NULL) - 2, time(NULL) + 2);
    clock_sleep_ms(&clock, -5);
    clock_sleep_ms(&clock, 0);
    clock_sleep_ms(&clock, 30);
    assert_in_range(clock_mono_ms(&clock) - mono_ms, 30, 5000);
    uint32_t first = clock.random(clock.ctx);
    int same = 0;
    for (int i = 0; i < 8; i++)
        same += clock.random(clock.ctx) == first;
    assert_true(same < 8);
}

static void test_names(void **state)
{
    (void)state;
    char name[PLATFORM_NAME_MAX];
    struct buf out = {0};
    platform_host_name(name);
    assert_string_not_equal(name, "");
    assert_string_not_equal(name, "?");
    platform_user_name(name);
    assert_string_not_equal(name, "?");
    assert_int_equal(platform_process_id(), GetCurrentProcessId());

    assert_true(SetEnvironmentVariableW(L"USERPROFILE", L"C:\\Users\\\u00e4 b"));
    assert_true(platform_home(&out));
    assert_string_equal(out.data, "C:\\Users\\" UMLAUT " b");
    buf_reset(&out);
    assert_true(SetEnvironmentVariableW(L"USERPROFILE", NULL));
    assert_false(platform_home(&out));

    assert_true(platform_home_of_root(&out));
    assert_non_null(strstr(out.data, "\\config\\systemprofile"));
    buf_reset(&out);
    assert_true(SetEnvironmentVariableW(L"ProgramFiles", L"C:\\mine"));
    assert_true(platform_agent_credentials(&out));
    assert_string_equal(out.data, "C:\\Program Files\\Amazon\\SSM\\credentials");
    buf_free(&out);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments), cmocka_unit_test(test_environment), cmocka_unit_test(test_streams),
        cmocka_unit_test(test_signals),   cmocka_unit_test(test_text),        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_clock),     cmocka_unit_test(test_names),
    };
    platform_start(&argc, &argv);
    GetModuleFileNameW(NULL, self, MAX_PATH);
    if (argc < 2)
        return cmocka_run_group_tests(tests, NULL, NULL);
    if (strcmp(argv[1], "arguments") == 0)
        return child_arguments(argc, argv);
    if (strcmp(argv[1], "environment") == 0)
        return child_environment();
    if (strcmp(argv[1], "streams") == 0)
        return child_streams();
    return strcmp(argv[1], "signals") == 0 ? child_signals() : 99;
}
