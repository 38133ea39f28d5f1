/*
 * json_read.h - reads JSON that nobody vouches for (RFC 8259), on top of jsmn with the checks that jsmn
 * lacks.
 *
 * The text is borrowed and has to outlive the struct json. Tokens stand in document order; the value of a
 * member follows its key; `next` leads past a value with all that is in it, so that walking a document is
 * linear.
 */
#ifndef FORMAT_JSON_READ_H
#define FORMAT_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum json_type { JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL };

struct json_token {
    enum json_type type;
    uint32_t start; /* first byte in the text; of a string: behind its opening quote */
    uint32_t end;   /* behind the last byte; of a string: its closing quote */
    uint32_t size;  /* members of an object, elements of an array, else 0 */
    uint32_t next;  /* index of the first token behind this value and all that is in it */
};

struct json {
    const char *text;          /* borrowed */
    struct json_token *tokens; /* tokens[0] is the root */
    size_t count;
    size_t cap; /* there is memory for so many tokens */
};

/* The index of no token: json_get's answer for a member that is not there (0 is the root, which is no
 * member). */
enum { JSON_NONE = 0, JSON_DEPTH_MAX = 32 };

/*
 * Parses one JSON value of len bytes. Refused (ERR_MALFORMED, with the byte's offset): anything that RFC 8259
 * does not allow (a key without value, a trailing comma, two roots, a bad escape, a control character in a
 * string, a bad number), a NUL byte, invalid UTF-8, more than JSON_DEPTH_MAX levels, more than 8 MiB,
 * more than 524,288 values and keys, a cut-off text. Takes time in proportion to the text. `out` is freed
 * with json_free in any case.
 */
bool json_parse(struct json *out, const char *text, size_t len, struct err *err);
void json_free(struct json *json);

/* The value of an object's member `key` (unescaped; of several the last, as most readers do), or JSON_NONE:
 * also where `object` is no object. */
size_t json_get(const struct json *json, size_t object, const char *key);

/* True if the token is a string whose unescaped text is `text`. */
bool json_equals(const struct json *json, size_t token, const char *text);

/*
 * Appends a string's unescaped text (UTF-8; surrogate pairs joined). U+0000 and lone surrogates become
 * U+FFFD, so that the result is a C string. ERR_MALFORMED where the token is no string.
 */
bool json_string(const struct json *json, size_t token, struct buf *out, struct err *err);

/* The same as a new C string that the caller frees; at most max bytes, otherwise ERR_MALFORMED. */
bool json_string_dup(const struct json *json, size_t token, size_t max, char **out, struct err *err);

/* A number without fraction that fits, else ERR_MALFORMED. */
bool json_integer(const struct json *json, size_t token, int64_t *out, struct err *err);

/* True if both values are equal as JSON: members in any order, strings unescaped, numbers by value where both
 * are integers, else by text; of members with the same key the last counts. Takes time in proportion to the
 * square of an object's members: for documents, not for replies. */
bool json_same(const struct json *a, size_t token_a, const struct json *b, size_t token_b);

#endif
