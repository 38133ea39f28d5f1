/*
 * text.h - text that came from elsewhere, made fit to be looked at, and small helpers on text.
 */
#ifndef FORMAT_TEXT_H
#define FORMAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* True for a code point that shows nothing or acts on what stands around it: control characters (C0, DEL,
 * C1), bidirectional controls, zero-width characters, line and paragraph separators, tags and other format
 * characters (Unicode Cf, Default_Ignorable_Code_Point). */
bool text_hidden(uint32_t code_point);

/*
 * Appends text so that a terminal or a log shows it and does nothing else: control characters (C0, DEL, C1)
 * as \x1b, invalid UTF-8 byte by byte as \xff, what else text_hidden knows as \u{202e}. Everything else
 * stays.
 */
void text_visible(struct buf *out, const char *text, size_t len);

/* Code points in UTF-8 text: its columns, but for wide characters. */
size_t text_columns(const char *text, size_t len);

/* Length in bytes of the valid UTF-8 sequence at `text` (at most len bytes; strict: no overlong form, no
 * surrogate, at most U+10FFFF), with its code point; 0 where there is none. */
size_t text_decode(const char *text, size_t len, uint32_t *code_point);

/* Writes a code point (at most U+10FFFF) as UTF-8; its length, 1 to 4, is returned. */
size_t text_encode(uint32_t code_point, char out[4]);

/*
 * True if `text` matches the glob `pattern` as a whole: `*` any run, `?` one character (a code point, or a
 * byte that is no UTF-8), `[abc]`, `[a-z]`, `[!a]` (a `]` that comes first is a member, a `\` too), elsewhere
 * `\` takes the next character as it is. A `[` without its `]` and a `\` at the end stand for themselves.
 * Case matters. No memory, no recursion, at most pattern x text steps.
 */
bool text_glob(const char *pattern, const char *text);

/* A whole number in decimal digits (no sign, no blank) of min to max. False leaves *out as it was. */
bool text_number(const char *text, int64_t min, int64_t max, int64_t *out);

/* True if both are equal but for ASCII case. */
bool text_same_nocase(const char *a, const char *b);

/* Appends percent-encoded as SigV4 and AWS's Query APIs want it: all but A-Z a-z 0-9 - . _ ~ (and '/' where
 * keep_slash). */
void text_percent_encode(struct buf *out, const char *text, size_t len, bool keep_slash);

/* Appends the decoded form; false at a '%' without two hex digits. '+' stays. */
bool text_percent_decode(struct buf *out, const char *text, size_t len);

#endif
