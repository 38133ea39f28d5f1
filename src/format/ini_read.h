/*
 * ini_read.h - reads the shared AWS config and credentials files as the AWS command line (botocore) does.
 *
 * Sections `[profile a]`, `[a]`, `[sso-session b]`, `[services c]`; names may be quoted; `key = value` or
 * `key: value`, blanks around both dropped, the key in lower case; an indented line goes on with the setting
 * above: under `s3 =` as a nested setting, named "s3.key". `#` and `;` begin a comment at the start of a line
 * or behind white space (botocore keeps the latter as part of the value, the other SDKs do not).
 */
#ifndef FORMAT_INI_READ_H
#define FORMAT_INI_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Called for each setting, and at the beginning of each section with key and value "" (a section may be
 * empty); all borrowed for the call. `section` as written between the brackets, white space inside folded to
 * one blank and quotes removed ("profile a"). A section may come twice. False (with err filled) ends the
 * reading. */
typedef bool ini_setting(void *ctx, const char *section, const char *key, const char *value, struct err *err);

/* Reads a whole file's text. ERR_MALFORMED with the line's number: a setting before any section, a line that
 * is neither, a section without end, a NUL byte, a line over 64 KiB. A UTF-8 byte order mark and CRLF are
 * fine. The values may be secret: what is copied for the call is wiped. */
bool ini_read(const char *text, size_t len, ini_setting *setting, void *ctx, struct err *err);

#endif
