/*
 * json_check.h - is a text JSON (RFC 8259)? For json_read.c, before jsmn sees the text.
 *
 * jsmn, even strict, takes {"a"}, {"a":1,}, [1,,3], {}{} and any byte in a string, and its closing brackets
 * cost time in proportion to the depth. So the text is proven first.
 */
#ifndef FORMAT_JSON_CHECK_H
#define FORMAT_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * True if the len bytes are one JSON value in UTF-8, of at most depth_max levels (32 at the most) and
 * tokens_max tokens (values and keys), which are counted in *tokens. ERR_MALFORMED with the byte's offset.
 * One pass, no memory.
 */
bool json_check(const char *text, size_t len, unsigned depth_max, size_t tokens_max, size_t *tokens,
                struct err *err);

#endif
