// link: -lntdll
/* Real process trees: the executable is copied under the worker's name, and the process at the bottom says
 * what it finds. */
#include <process.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/windows.h"

#include <winternl.h>

#define ID    "alice-0f1e2d3c4b5a69788"
#define NONE  "(none)"
#define NO_ID "(worker without an id)"

static wchar_t self[MAX_PATH], folder[MAX_PATH];

/* As the tests' process tree has no SYSTEM in it, "own": this user; "system": SYSTEM, as in earnest. */
static const char *look(const wchar_t *owner, char id[PLATFORM_SESSION_ID_MAX + 1])
{
    union {
        TOKEN_USER user;
        unsigned char room[256];
    } about;
    HANDLE token;
    DWORD size;
    if (wcscmp(owner, L"system") == 0)
        return platform_own_session(id) ? id : NONE;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) ||
        !GetTokenInformation(token, TokenUser, &about, sizeof about, &size))
        return "?";
    CloseHandle(token);
    HANDLE worker = windows_find_worker(GetCurrentProcessId(), about.user.User.Sid);
    if (!worker)
        return NONE;
    bool found = windows_session_of(worker, id);
    CloseHandle(worker);
    return found ? id : NO_ID;
}

static int probe(const wchar_t *owner)
{
    char id[PLATFORM_SESSION_ID_MAX + 1];
    const char *said = look(owner, id);
    return platform_write(PLATFORM_STDOUT, said, strlen(said)) ? 0 : 1;
}

/* Windows 8.1 and newer can; wine 8 can't. */
static bool tells_command_lines(void)
{
    union {
        UNICODE_STRING text;
        unsigned char room[4096];
    } line;
    return NtQueryInformationProcess(GetCurrentProcess(), (PROCESSINFOCLASS)60, &line, sizeof line, NULL) >=
           0;
}

static const wchar_t *last_part(const wchar_t *path)
{
    const wchar_t *slash = wcsrchr(path, L'\\');
    return slash ? slash + 1 : path;
}

/* worker ID OWNER -> shell OWNER -> probe OWNER */
static int act(int argc, wchar_t **argv)
{
    wchar_t shell[MAX_PATH];
    const wchar_t *owner = argv[argc - 1];
    if (wcscmp(last_part(self), L"shell.exe") == 0)
        return argc == 3 ? probe(owner) : (int)_wspawnl(_P_WAIT, self, L"shell.exe", L"probe", owner, NULL);
    (void)swprintf(shell, MAX_PATH, L"%.*ls\\shell.exe", (int)(last_part(self) - self - 1), self);
    return (int)_wspawnl(_P_WAIT, shell, L"shell.exe", owner, NULL);
}

static int set_up(void **state)
{
    wchar_t temp[MAX_PATH], path[MAX_PATH];
    static const wchar_t *const names[] = {L"ssm-session-worker.exe", L"SSM-Session-Worker2.exe",
                                           L"shell.exe"};
    (void)state;
    GetTempPathW(MAX_PATH, temp);
    (void)swprintf(folder, MAX_PATH, L"%lsssm-enforce \u00e4 %lu", temp, GetCurrentProcessId());
    if (!CreateDirectoryW(folder, NULL))
        return 1;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)swprintf(path, MAX_PATH, L"%ls\\%ls", folder, names[i]);
        if (!CopyFileW(self, path, FALSE))
            return 1;
    }
    return 0;
}

static int tear_down(void **state)
{
    static const wchar_t *const names[] = {L"ssm-session-worker.exe", L"SSM-Session-Worker2.exe",
                                           L"shell.exe"};
    wchar_t path[MAX_PATH];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)swprintf(path, MAX_PATH, L"%ls\\%ls", folder, names[i]);
        DeleteFileW(path);
    }
    return RemoveDirectoryW(folder) ? 0 : 1;
}

static void assert_found(const char *program, const char *arguments, const char *expected)
{
    struct err err = {0};
    struct buf command = {0}, out = {0};
    buf_add_char(&command, '"');
    windows_narrow_text(&command, folder);
    buf_addf(&command, "\\%s\" %s", program, arguments);
    assert_true(platform_run(command.data, 60000, &out, &err));
    assert_string_equal(buf_text(&out), expected);
    buf_free(&command);
    buf_free(&out);
}

static void test_found(void **state)
{
    (void)state;
    const char *expected = tells_command_lines() ? ID : NO_ID;
    assert_found("ssm-session-worker.exe", ID " own", expected);
    assert_found("ssm-session-worker.exe", "\"" ID "\" i-0123456789abcdef0 own", expected);
}

static void test_not_found(void **state)
{
    (void)state;
    assert_found("ssm-session-worker.exe", ID " system",
                 NONE); /* the owner is asked for, not only the name */
    assert_found("ssm-session-worker.exe", "\"not an id\" own", NO_ID);
    assert_found("ssm-session-worker2.exe", ID " own", NONE);
    assert_found("shell.exe", "own", NONE);
}

static void test_unknown_processes(void **state)
{
    (void)state;
    unsigned char room[SECURITY_MAX_SID_SIZE];
    DWORD size = sizeof room;
    assert_true(CreateWellKnownSid(WinLocalSystemSid, NULL, room, &size));
    assert_null(windows_find_worker(0, room));
    assert_null(windows_find_worker(0x7ffffffc, room));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_unknown_processes),
    };
    int argc = 0, mode = 0;
    wchar_t **argv, **environment;
    GetModuleFileNameW(NULL, self, MAX_PATH);
    int __cdecl __wgetmainargs(int *, wchar_t ***, wchar_t ***, int, int *);
    if (__wgetmainargs(&argc, &argv, &environment, 0, &mode) != 0)
        return 99;
    if (argc > 1)
        return act(argc, argv);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
