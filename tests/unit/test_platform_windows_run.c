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

/* Starts this executable anew to wait, without our streams, and prints its number. */
static int start_another(void)
{
    wchar_t command[MAX_PATH + 16];
    char text[16];
    PROCESS_INFORMATION about = {0};
    STARTUPINFOW how = {.cb = sizeof how, .dwFlags = STARTF_USESTDHANDLES};
    (void)swprintf(command, MAX_PATH + 16, L"\"%ls\" wait", self);
    if (!CreateProcessW(NULL, command, NULL, NULL, FALSE, DETACHED_PROCESS, NULL, NULL, &how, &about))
        return 9;
    (void)snprintf(text, sizeof text, "%lu\n", (unsigned long)about.dwProcessId);
    return platform_write(PLATFORM_STDOUT, text, strlen(text)) ? 0 : 1;
}

static int act(int argc, char **argv)
{
    static char block[100000];
    const char *what = argv[1];
    memset(block, 'x', sizeof block);
    if (strcmp(what, "say") == 0 && argc > 2)
        return platform_write(PLATFORM_STDOUT, argv[2], strlen(argv[2])) ? 0 : 1;
    if (strcmp(what, "large") == 0)
        return platform_write(PLATFORM_STDOUT, block, sizeof block) ? 0 : 1;
    if (strcmp(what, "parent") == 0 || strcmp(what, "daemon") == 0) {
        int status = start_another();
        if (status != 0 || strcmp(what, "daemon") == 0)
            return status;
        Sleep(60000);
    }
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

/* What the command started goes with it, unless all went well. */
static void test_grandchildren(void **state)
{
    (void)state;
    static const char *const arguments[] = {"parent", "daemon"};
    for (int i = 0; i < 2; i++) {
        struct err err = {0};
        struct buf command = {0}, out = {0};
        command_for(&command, arguments[i]);
        bool ran = platform_run(command.data, i == 0 ? 1500 : LONG_MS, &out, &err);
        assert_int_equal(ran, i == 1);
        DWORD id = (DWORD)strtoul(buf_text(&out), NULL, 10);
        assert_true(id > 0);
        HANDLE process = OpenProcess(SYNCHRONIZE | PROCESS_TERMINATE, FALSE, id);
        if (i == 0) {
            assert_int_equal(err.code, ERR_TIMEOUT);
            assert_true(!process || WaitForSingleObject(process, LONG_MS / 2) == WAIT_OBJECT_0);
        } else {
            assert_non_null(process);
            assert_int_equal(WaitForSingleObject(process, 500), WAIT_TIMEOUT);
            assert_true(TerminateProcess(process, 0));
        }
        windows_close(process);
        buf_free(&command);
        buf_free(&out);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_grandchildren),
    };
    platform_start(&argc, &argv);
    GetModuleFileNameW(NULL, self, MAX_PATH);
    return argc > 1 ? act(argc, argv) : cmocka_run_group_tests(tests, NULL, NULL);
}
