/*
 * Each test starts the executable anew in a pseudo console of its own, and is its user. The child's exit
 * status is the result.
 */
#define NTDDI_VERSION 0x0A000006 /* pseudo consoles */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/windows.h"

enum { COLUMNS = 132, ROWS = 40, MANY_MS = 20000, LARGE = 200000 };

struct terminal {
    HPCON console;
    HANDLE keys, screen, child;
    struct buf seen;
};

static wchar_t self[MAX_PATH];

static void start(struct terminal *terminal, const wchar_t *check)
{
    wchar_t command[MAX_PATH + 64];
    HANDLE input, output;
    SIZE_T size = 0;
    STARTUPINFOEXW how = {.StartupInfo.cb = sizeof how};
    PROCESS_INFORMATION about;
    *terminal = (struct terminal){0};
    assert_true(CreatePipe(&input, &terminal->keys, NULL, 0));
    assert_true(CreatePipe(&terminal->screen, &output, NULL, 0));
    assert_int_equal(CreatePseudoConsole((COORD){COLUMNS, ROWS}, input, output, 0, &terminal->console), S_OK);
    CloseHandle(input);
    CloseHandle(output);
    InitializeProcThreadAttributeList(NULL, 1, 0, &size);
    how.lpAttributeList = malloc(size);
    assert_true(InitializeProcThreadAttributeList(how.lpAttributeList, 1, 0, &size));
    assert_true(UpdateProcThreadAttribute(how.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE,
                                          terminal->console, sizeof terminal->console, NULL, NULL));
    (void)swprintf(command, sizeof command / sizeof command[0], L"\"%ls\" %ls", self, check);
    assert_true(CreateProcessW(NULL, command, NULL, NULL, FALSE, EXTENDED_STARTUPINFO_PRESENT, NULL, NULL,
                               &how.StartupInfo, &about));
    CloseHandle(about.hThread);
    terminal->child = about.hProcess;
    DeleteProcThreadAttributeList(how.lpAttributeList);
    free(how.lpAttributeList);
}

/* Reads on until `text` was seen. False: not within MANY_MS, or the child has ended. */
static bool wait_for(struct terminal *terminal, const char *text)
{
    int64_t deadline_ms = windows_mono_ms() + MANY_MS;
    bool ended = false;
    while (!strstr(buf_text(&terminal->seen), text)) {
        char chunk[4096];
        DWORD ready = 0, got = 0;
        if (!PeekNamedPipe(terminal->screen, NULL, 0, NULL, &ready, NULL) || windows_mono_ms() > deadline_ms)
            return false;
        if (ready == 0) {
            if (ended)
                return false;
            ended = WaitForSingleObject(terminal->child, 100) == WAIT_OBJECT_0;
        } else if (ReadFile(terminal->screen, chunk, sizeof chunk, &got, NULL)) {
            buf_add(&terminal->seen, chunk, got);
        }
    }
    return true;
}

static void type(const struct terminal *terminal, const char *keys)
{
    DWORD put = 0;
    assert_true(WriteFile(terminal->keys, keys, (DWORD)strlen(keys), &put, NULL));
}

static void assert_ends_well(struct terminal *terminal)
{
    DWORD status = 99;
    (void)wait_for(terminal, "\x01"); /* read to the end, which it never prints */
    assert_int_equal(WaitForSingleObject(terminal->child, MANY_MS), WAIT_OBJECT_0);
    assert_true(GetExitCodeProcess(terminal->child, &status));
    ClosePseudoConsole(terminal->console);
    CloseHandle(terminal->child);
    CloseHandle(terminal->keys);
    CloseHandle(terminal->screen);
    buf_free(&terminal->seen);
    assert_int_equal(status, 0);
}

static bool say(const char *text)
{
    return platform_write(PLATFORM_STDOUT, text, strlen(text));
}

/* ---- what the children do ---- */

static int check_width(void)
{
    DWORD mode = 0;
    if (!platform_is_terminal(PLATFORM_STDOUT) || !platform_is_terminal(PLATFORM_STDERR))
        return 1;
    if (platform_terminal_width(PLATFORM_STDOUT) != COLUMNS)
        return 2;
    if (!GetConsoleMode(GetStdHandle(STD_OUTPUT_HANDLE), &mode) ||
        !(mode & ENABLE_VIRTUAL_TERMINAL_PROCESSING))
        return 3;
    SetStdHandle(STD_OUTPUT_HANDLE, CreateFileW(L"NUL", GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL));
    return !platform_is_terminal(PLATFORM_STDOUT) && platform_terminal_width(PLATFORM_STDOUT) == 80 ? 0 : 4;
}

static int check_write(bool unstoppable)
{
    static char text[LARGE];
    if (unstoppable)
        platform_ignore_signals();
    memset(text, 'x', sizeof text);
    return platform_write(PLATFORM_STDOUT, text, sizeof text) && say("\n\xc3\xa4\xe2\x82\xac end.\n") &&
                   say("")
               ? 0
               : 1;
}

/* A pipe whose reader stands still, once; then NUL takes it. */
static int check_stuck(void)
{
    static char text[LARGE];
    HANDLE reader, writer;
    platform_ignore_signals();
    if (!CreatePipe(&reader, &writer, NULL, 0))
        return 1;
    SetStdHandle(STD_OUTPUT_HANDLE, writer);
    int64_t start_ms = windows_mono_ms();
    if (platform_write(PLATFORM_STDOUT, text, sizeof text))
        return 2;
    int64_t took_ms = windows_mono_ms() - start_ms;
    if (took_ms < 1000 || took_ms > 8000)
        return 3;
    start_ms = windows_mono_ms();
    if (!platform_write(PLATFORM_STDOUT, text, sizeof text))
        return 4;
    return windows_mono_ms() - start_ms < 1000 ? 0 : 5;
}

static int check_ask(bool echo, const char *expected)
{
    struct err err = {0};
    struct buf answer = {0};
    SetStdHandle(STD_INPUT_HANDLE, NULL); /* it is the terminal that is asked */
    bool ok = platform_ask("code? ", echo, &answer, &err);
    bool as_expected = expected ? ok && strcmp(buf_text(&answer), expected) == 0 : !ok && err.code == ERR_IO;
    buf_free(&answer);
    return as_expected && say("answered.\n") ? 0 : 1;
}

static int check_ask_nobody(void)
{
    struct err err = {0};
    struct buf answer = {0};
    FreeConsole();
    return !platform_ask("code? ", true, &answer, &err) && err.code == ERR_USAGE &&
                   strstr(err.message, "no terminal")
               ? 0
               : 1;
}

/* Where this test's own streams are no console, they are passed on to the child. */
static void use_console(void)
{
    HANDLE console = CreateFileW(L"CONOUT$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                                 NULL, OPEN_EXISTING, 0, NULL);
    SetStdHandle(STD_OUTPUT_HANDLE, console);
    SetStdHandle(STD_ERROR_HANDLE, console);
}

static int act(const char *check)
{
    if (strcmp(check, "width") == 0)
        return check_width();
    if (strcmp(check, "write") == 0 || strcmp(check, "write-unstoppable") == 0)
        return check_write(strcmp(check, "write") != 0);
    if (strcmp(check, "stuck") == 0)
        return check_stuck();
    if (strcmp(check, "ask") == 0)
        return check_ask(true, "yes");
    if (strcmp(check, "ask-silently") == 0)
        return check_ask(false, "123456");
    if (strcmp(check, "ask-in-vain") == 0)
        return check_ask(false, NULL);
    return strcmp(check, "ask-nobody") == 0 ? check_ask_nobody() : 98;
}

/* ---- the tests ---- */

static void run_alone(const wchar_t *check)
{
    struct terminal terminal;
    start(&terminal, check);
    assert_ends_well(&terminal);
}

static void test_width(void **state)
{
    (void)state;
    run_alone(L"width");
}

static void test_write(void **state)
{
    (void)state;
    static const wchar_t *const checks[] = {L"write", L"write-unstoppable"};
    for (size_t i = 0; i < 2; i++) {
        struct terminal terminal;
        start(&terminal, checks[i]);
        assert_true(wait_for(&terminal, "\xc3\xa4\xe2\x82\xac end."));
        assert_ends_well(&terminal);
    }
}

static void test_write_stuck(void **state)
{
    (void)state;
    run_alone(L"stuck");
}

static void assert_asks(const wchar_t *check, const char *keys, const char *hidden)
{
    struct terminal terminal;
    start(&terminal, check);
    assert_true(wait_for(&terminal, "code?"));
    Sleep(300); /* until it reads */
    type(&terminal, keys);
    assert_true(wait_for(&terminal, "answered."));
    if (hidden)
        assert_null(strstr(terminal.seen.data, hidden));
    assert_ends_well(&terminal);
}

static void test_ask(void **state)
{
    (void)state;
    assert_asks(L"ask", "yes\r", NULL);
    assert_asks(L"ask-silently", "123456\r", "123");
    assert_asks(L"ask-in-vain", "\x1a\r", NULL); /* Ctrl-Z */
}

static void test_ask_interrupted(void **state)
{
    (void)state;
    if (GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version"))
        skip(); /* wine 8 reads on after Ctrl-C */
    assert_asks(L"ask-in-vain", "12\x03", "12");
}

static void test_ask_nobody(void **state)
{
    (void)state;
    run_alone(L"ask-nobody");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_width),           cmocka_unit_test(test_write),
        cmocka_unit_test(test_write_stuck),     cmocka_unit_test(test_ask),
        cmocka_unit_test(test_ask_interrupted), cmocka_unit_test(test_ask_nobody),
    };
    if (argc > 1)
        use_console();
    platform_start(&argc, &argv);
    GetModuleFileNameW(NULL, self, MAX_PATH);
    return argc > 1 ? act(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
