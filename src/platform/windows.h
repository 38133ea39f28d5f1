/*
 * windows.h - the inner functions of platform/windows*.c: text in and out of UTF-16, errors, and what a test
 * sets.
 */
#ifndef PLATFORM_WINDOWS_H
#define PLATFORM_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <windows.h>

#include "base/buf.h"
#include "base/err.h"
#include "platform/platform.h"

/* A copy in UTF-16 (what is no UTF-8 becomes U+FFFD); the caller frees it. NULL: memory is out. */
wchar_t *windows_wide(const char *text);

/* Appends len UTF-16 units as UTF-8 (a lone surrogate becomes U+FFFD). */
bool windows_narrow(struct buf *out, const wchar_t *text, size_t len);

/* Appends a string of UTF-16, up to its NUL. */
bool windows_narrow_text(struct buf *out, const wchar_t *text);

/* Says what failed on what (`can't WHAT 'SUBJECT': `) and why: the text of GetLastError. Returns false. */
bool windows_fail(struct err *err, enum err_code code, const char *what, const char *subject);

/* Closes a handle, leaves GetLastError as it is; NULL and INVALID_HANDLE_VALUE are fine. */
void windows_close(HANDLE handle);

/* Milliseconds that never go back. */
int64_t windows_mono_ms(void);

/* 32 random bits of the system's generator; weaker ones where it fails. */
uint32_t windows_random(void);

/* From here on a console or pipe that takes nothing for 2 s is given up (platform_ignore_signals). */
void windows_terminal_never_wait(void);

/* The nearest ancestor of the process `id` that is a worker of `owner` (SYSTEM). NULL: none. The caller
 * closes it. */
HANDLE windows_find_worker(DWORD id, PSID owner);

/* The session id in a worker's command line. False: it can't be read, or holds none. */
bool windows_session_of(HANDLE worker, char out[PLATFORM_SESSION_ID_MAX + 1]);

#endif
