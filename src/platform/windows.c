/* windows.c - the process: its start, clock, environment, signals and who it is. */
#include "platform/windows.h"

#include <stdlib.h>
#include <string.h>

#include <bcrypt.h>

/* ---- text and errors ---- */

wchar_t *windows_wide(const char *text)
{
    int count = MultiByteToWideChar(CP_UTF8, 0, text, -1, NULL, 0);
    wchar_t *wide = count > 0 ? malloc((size_t)count * sizeof *wide) : NULL;
    if (wide && MultiByteToWideChar(CP_UTF8, 0, text, -1, wide, count) != count) {
        free(wide);
        wide = NULL;
    }
    return wide;
}

bool windows_narrow(struct buf *out, const wchar_t *text, size_t len)
{
    if (len == 0)
        return buf_add(out, "", 0);
    if (len > INT32_MAX / 4)
        return false;
    int size = WideCharToMultiByte(CP_UTF8, 0, text, (int)len, NULL, 0, NULL, NULL);
    size_t before = out->len;
    if (size <= 0 || !buf_add_repeat(out, ' ', (size_t)size))
        return false;
    return WideCharToMultiByte(CP_UTF8, 0, text, (int)len, out->data + before, size, NULL, NULL) == size;
}

bool windows_narrow_text(struct buf *out, const wchar_t *text)
{
    return windows_narrow(out, text, wcslen(text));
}

bool windows_fail(struct err *err, enum err_code code, const char *what, const char *subject)
{
    DWORD error = GetLastError();
    wchar_t wide[256];
    struct buf text = {0};
    DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK;
    DWORD len = FormatMessageW(flags, NULL, error, 0, wide, sizeof wide / sizeof wide[0], NULL);
    while (len > 0 && (wide[len - 1] == L' ' || wide[len - 1] == L'.'))
        len--;
    if (len == 0 || !windows_narrow(&text, wide, len))
        buf_addf(&text, "error %lu", (unsigned long)error);
    err_set(err, code, "can't %s '%s': %s", what, subject, buf_text(&text));
    buf_free(&text);
    return false;
}

void windows_close(HANDLE handle)
{
    DWORD error = GetLastError();
    if (handle && handle != INVALID_HANDLE_VALUE)
        (void)CloseHandle(handle);
    SetLastError(error);
}

/* ---- start ---- */

/* The C library's own parsing of the command line into UTF-16: that of main is in the ANSI code page, and
 * CommandLineToArgvW would load shell32.dll and half of the user interface with it. */
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): that is its name
int __cdecl __wgetmainargs(int *argc, wchar_t ***argv, wchar_t ***env, int expand, int *mode);

static void use_wide_arguments(int *argc, char ***argv)
{
    int count = 0, mode = 0;
    wchar_t **wide = NULL, **environment = NULL;
    if (__wgetmainargs(&count, &wide, &environment, 0, &mode) != 0 || count < 1)
        return;
    struct buf text = {0}; /* all of them, each with its NUL */
    for (int i = 0; i < count; i++)
        (void)windows_narrow(&text, wide[i], wcslen(wide[i]) + 1);
    char **narrow = text.failed ? NULL : calloc((size_t)count + 1, sizeof *narrow);
    if (!narrow) {
        buf_free(&text);
        return; /* memory is out before anything began: the run will say so */
    }
    char *at = buf_take(&text);
    for (int i = 0; i < count; i++, at += strlen(at) + 1)
        narrow[i] = at;
    *argc = count;
    *argv = narrow;
}

static void start_stream(DWORD number, DWORD access)
{
    DWORD mode;
    HANDLE handle = GetStdHandle(number);
    if (!handle || handle == INVALID_HANDLE_VALUE) {
        handle =
            CreateFileW(L"NUL", access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
        (void)SetStdHandle(number, handle);
    } else if (access == GENERIC_WRITE && GetConsoleMode(handle, &mode)) {
        /* For colours. The code page stays: text goes to a console as UTF-16. */
        (void)SetConsoleMode(handle, mode | ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
    }
}

void platform_start(int *argc, char ***argv)
{
    /* No crash dialog and no dump of the memory by error reporting; what is loaded at run time is the
     * system's. */
    (void)SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
    (void)SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
    start_stream(STD_INPUT_HANDLE, GENERIC_READ);
    start_stream(STD_OUTPUT_HANDLE, GENERIC_WRITE);
    start_stream(STD_ERROR_HANDLE, GENERIC_WRITE);
    use_wide_arguments(argc, argv);
}

/* ---- clock ---- */

/* The system's tick count moves in steps of 16 ms. */
int64_t windows_mono_ms(void)
{
    LARGE_INTEGER count, per_s;
    (void)QueryPerformanceFrequency(&per_s);
    (void)QueryPerformanceCounter(&count);
    return count.QuadPart / per_s.QuadPart * 1000 + count.QuadPart % per_s.QuadPart * 1000 / per_s.QuadPart;
}

static int64_t mono_ms(void *ctx)
{
    (void)ctx;
    return windows_mono_ms();
}

static int64_t wall_ms(void *ctx)
{
    (void)ctx;
    FILETIME now;
    GetSystemTimePreciseAsFileTime(&now); /* 100 ns since 1601 */
    return (((int64_t)now.dwHighDateTime << 32) | now.dwLowDateTime) / 10000 - 11644473600000;
}

static void sleep_ms(void *ctx, int64_t time_ms)
{
    enum { SPELL_MS = 3600 * 1000 };
    (void)ctx;
    if (time_ms <= 0)
        return;
    /* Sleep may end up to a tick early. */
    int64_t until_ms = windows_mono_ms() + time_ms;
    for (int64_t left_ms = time_ms; left_ms > 0; left_ms = until_ms - windows_mono_ms())
        Sleep((DWORD)(left_ms < SPELL_MS ? left_ms : SPELL_MS));
}

uint32_t windows_random(void)
{
    uint32_t bits = 0;
    if (BCryptGenRandom(NULL, (unsigned char *)&bits, sizeof bits, BCRYPT_USE_SYSTEM_PREFERRED_RNG) == 0)
        return bits;
    LARGE_INTEGER count;
    (void)QueryPerformanceCounter(&count);
    return count.u.LowPart * 2654435761U ^ GetCurrentProcessId();
}

static uint32_t random_bits(void *ctx)
{
    (void)ctx;
    return windows_random();
}

void platform_clock(struct clock *out)
{
    *out =
        (struct clock){.mono_ms = mono_ms, .wall_ms = wall_ms, .sleep_ms = sleep_ms, .random = random_bits};
}

/* ---- environment ---- */

/* ctx: "NAME=value" strings in UTF-8, an empty one at the end. Names do not tell case apart. */
static const char *get_variable(void *ctx, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = ctx; at && *at; at += strlen(at) + 1)
        if (_strnicmp(at, name, len) == 0 && at[len] == '=')
            return at + len + 1;
    return NULL;
}

void platform_env(struct env *out)
{
    struct buf block = {0};
    wchar_t *wide = GetEnvironmentStringsW();
    size_t len = 0;
    while (wide && wide[len])
        len += wcslen(wide + len) + 1;
    if (wide)
        (void)windows_narrow(&block, wide, len + 1);
    (void)FreeEnvironmentStringsW(wide);
    *out = (struct env){.ctx = buf_take(&block), .get = get_variable}; /* lives as long as the process */
}

/* ---- signals ---- */

static BOOL WINAPI ignore_event(DWORD event)
{
    /* The process is ended when this returns from the later events, or some 5 s later: until then the run
     * goes on. */
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT)
        Sleep(INFINITE);
    return TRUE;
}

void platform_ignore_signals(void)
{
    (void)SetConsoleCtrlHandler(ignore_event, TRUE);
    (void)SetConsoleCtrlHandler(NULL, TRUE); /* Ctrl-C in what is started from here, too */
    windows_terminal_never_wait();
}

/* ---- who and where ---- */

static void name_from(char out[PLATFORM_NAME_MAX], bool known, const wchar_t *wide)
{
    struct buf text = {.max = PLATFORM_NAME_MAX - 1};
    if (known && *wide && windows_narrow_text(&text, wide))
        memcpy(out, text.data, text.len + 1);
    else
        memcpy(out, "?", 2);
    buf_free(&text);
}

void platform_host_name(char out[PLATFORM_NAME_MAX])
{
    wchar_t wide[PLATFORM_NAME_MAX];
    DWORD size = PLATFORM_NAME_MAX;
    /* Not GetComputerName: that one is cut to 15 characters. */
    name_from(out, GetComputerNameExW(ComputerNameDnsHostname, wide, &size), wide);
}

void platform_user_name(char out[PLATFORM_NAME_MAX])
{
    wchar_t wide[PLATFORM_NAME_MAX];
    DWORD size = PLATFORM_NAME_MAX;
    name_from(out, GetUserNameW(wide, &size), wide); /* the token's, not a variable's */
}

int64_t platform_process_id(void)
{
    return GetCurrentProcessId();
}

bool platform_home(struct buf *out)
{
    wchar_t wide[4096];
    DWORD len = GetEnvironmentVariableW(L"USERPROFILE", wide, sizeof wide / sizeof wide[0]);
    return len > 0 && len < sizeof wide / sizeof wide[0] && windows_narrow(out, wide, len);
}

bool platform_home_of_root(struct buf *out)
{
    wchar_t wide[MAX_PATH];
    UINT len = GetSystemDirectoryW(wide, MAX_PATH); /* SYSTEM's profile */
    return len > 0 && len < MAX_PATH && windows_narrow(out, wide, len) &&
           buf_add_text(out, "\\config\\systemprofile");
}

bool platform_agent_credentials(struct buf *path)
{
    wchar_t wide[MAX_PATH];
    DWORD size = sizeof wide;
    /* From the registry: the session user could set the variable ProgramFiles. The agent's
     * DefaultEC2SharedCredentialsFilePath (agent/appconfig/constants_windows.go) is in its program folder. */
    LSTATUS status = RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\Windows\\CurrentVersion",
                                  L"ProgramFilesDir", RRF_RT_REG_SZ, NULL, wide, &size);
    return status == ERROR_SUCCESS && windows_narrow_text(path, wide) &&
           buf_add_text(path, "\\Amazon\\SSM\\credentials");
}
