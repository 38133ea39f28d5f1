/* windows_terminal.c - what a person sees and is asked. */
#include "platform/windows.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH_DEFAULT = 80, STUCK_MS = 2000, CONSOLE_PART = 8192, PIPE_PART = 4096, ANSWER_MAX = 1024 };

/* State of the process, as the console handler that goes with it is. */
static bool never_wait;

void windows_terminal_never_wait(void)
{
    never_wait = true;
}

static DWORD number_of(enum platform_stream stream)
{
    return stream == PLATFORM_STDOUT ? STD_OUTPUT_HANDLE : STD_ERROR_HANDLE;
}

bool platform_is_terminal(enum platform_stream stream)
{
    DWORD mode;
    return GetConsoleMode(GetStdHandle(number_of(stream)), &mode);
}

int platform_terminal_width(enum platform_stream stream)
{
    CONSOLE_SCREEN_BUFFER_INFO about;
    if (!GetConsoleScreenBufferInfo(GetStdHandle(number_of(stream)), &about))
        return WIDTH_DEFAULT;
    int width = about.srWindow.Right - about.srWindow.Left + 1;
    return width > 0 ? width : WIDTH_DEFAULT;
}

/* ---- writing ---- */

struct writing {
    HANDLE handle;
    wchar_t *text; /* for a console */
    char *data;    /* for anything else */
    size_t len;    /* units of the one or the other */
    LONG64 done;   /* how many are out; read by another thread */
    bool ok;
};

static void writing_free(struct writing *writing)
{
    if (!writing)
        return;
    free(writing->text);
    free(writing->data);
    free(writing);
}

/* Text for a console is UTF-16, whatever its code page; all else gets the UTF-8 that it is. */
static struct writing *writing_new(HANDLE handle, const char *data, size_t len)
{
    DWORD mode;
    struct writing *writing = calloc(1, sizeof *writing);
    if (!writing || len > INT32_MAX / 2)
        goto fail;
    writing->handle = handle;
    if (!GetConsoleMode(handle, &mode)) {
        writing->data = malloc(len);
        if (!writing->data)
            goto fail;
        memcpy(writing->data, data, len);
        writing->len = len;
        return writing;
    }
    writing->text = malloc(len * sizeof *writing->text); /* a unit a byte at the most */
    if (!writing->text)
        goto fail;
    writing->len = (size_t)MultiByteToWideChar(CP_UTF8, 0, data, (int)len, writing->text, (int)len);
    return writing;
fail:
    writing_free(writing);
    return NULL;
}

static bool write_part(const struct writing *writing, size_t at, DWORD *put)
{
    size_t left = writing->len - at;
    if (!writing->text)
        return WriteFile(writing->handle, writing->data + at, (DWORD)(left < PIPE_PART ? left : PIPE_PART),
                         put, NULL);
    size_t part = left < CONSOLE_PART ? left : CONSOLE_PART;
    if (part < left && IS_HIGH_SURROGATE(writing->text[at + part - 1]))
        part--; /* a pair stays together */
    return WriteConsoleW(writing->handle, writing->text + at, (DWORD)part, put, NULL);
}

static DWORD WINAPI write_all(void *ctx)
{
    struct writing *writing = ctx;
    DWORD put = 0;
    size_t at = 0;
    while (at < writing->len && write_part(writing, at, &put) && put > 0) {
        at += put;
        (void)InterlockedExchange64(&writing->done, (LONG64)at);
    }
    writing->ok = at == writing->len;
    return 0;
}

/*
 * A user who presses Ctrl-S or marks text stops the console, and a write to it does not return. So a run that
 * must not stop writes in a thread, which is left behind (with its memory) when it is stuck; later writes go
 * to NUL.
 */
static bool write_unstoppable(struct writing *writing, DWORD number)
{
    LONG64 before = 0, done = 0;
    HANDLE thread = CreateThread(NULL, 0, write_all, writing, 0, NULL);
    if (!thread) {
        writing_free(writing);
        return false;
    }
    DWORD ended;
    while ((ended = WaitForSingleObject(thread, STUCK_MS)) == WAIT_TIMEOUT) {
        done = InterlockedOr64(&writing->done, 0);
        if (done == before)
            break;
        before = done;
    }
    windows_close(thread);
    if (ended == WAIT_OBJECT_0) {
        bool ok = writing->ok;
        writing_free(writing);
        return ok;
    }
    (void)SetStdHandle(number, CreateFileW(L"NUL", GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                                           OPEN_EXISTING, 0, NULL));
    return false;
}

bool platform_write(enum platform_stream stream, const char *data, size_t len)
{
    if (len == 0)
        return true;
    struct writing *writing = writing_new(GetStdHandle(number_of(stream)), data, len);
    if (!writing)
        return false;
    if (never_wait)
        return write_unstoppable(writing, number_of(stream));
    (void)write_all(writing);
    bool ok = writing->ok;
    writing_free(writing);
    return ok;
}

/* ---- asking ---- */

/* Ctrl-C ends the line (ReadConsole gives nothing), not the program: the echo is to be put back on first. */
static BOOL WINAPI end_line(DWORD event)
{
    return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
}

/* One line without its end. False: the console ended, Ctrl-C or Ctrl-Z was pressed, or it is too long. */
static bool read_line(HANDLE input, struct buf *answer)
{
    wchar_t line[ANSWER_MAX] = {0};
    DWORD len = 0, got = 0;
    bool whole = false;
    while (!whole && len < ANSWER_MAX && ReadConsoleW(input, line + len, ANSWER_MAX - len, &got, NULL) &&
           got > 0) {
        len += got;
        whole = line[len - 1] == L'\n';
    }
    while (len > 0 && (line[len - 1] == L'\n' || line[len - 1] == L'\r'))
        len--;
    enum { CTRL_Z = 0x1a };
    bool ok = whole && !(len > 0 && line[0] == CTRL_Z) && windows_narrow(answer, line, len);
    mem_wipe(line, sizeof line);
    return ok;
}

static HANDLE open_console(const wchar_t *name)
{
    return CreateFileW(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                       OPEN_EXISTING, 0, NULL);
}

static bool say(HANDLE output, const char *text)
{
    struct writing *writing = writing_new(output, text, strlen(text));
    if (!writing)
        return false;
    (void)write_all(writing);
    bool ok = writing->ok;
    writing_free(writing);
    return ok;
}

bool platform_ask(const char *prompt, bool echo, struct buf *answer, struct err *err)
{
    bool ok = false;
    DWORD before = 0;
    HANDLE input = open_console(L"CONIN$"), output = open_console(L"CONOUT$");
    if (!GetConsoleMode(input, &before) || output == INVALID_HANDLE_VALUE) {
        err_set(err, ERR_USAGE, "there is no terminal to ask '%s' on", prompt);
        goto out;
    }
    DWORD mode = before | ENABLE_LINE_INPUT | ENABLE_PROCESSED_INPUT | ENABLE_ECHO_INPUT;
    if (!echo)
        mode &= ~(DWORD)ENABLE_ECHO_INPUT;
    (void)SetConsoleCtrlHandler(end_line, TRUE);
    ok = SetConsoleMode(input, mode) && say(output, prompt) && read_line(input, answer);
    if (!ok)
        err_set(err, ERR_IO, "the terminal gave no answer to '%s'", prompt);
    if (!echo)
        (void)say(output, "\r\n");
    (void)SetConsoleMode(input, before);
    (void)SetConsoleCtrlHandler(end_line, FALSE);
out:
    windows_close(input);
    windows_close(output);
    return ok;
}
