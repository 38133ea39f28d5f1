/*
 * json_write.h - writes valid JSON into a buf, with no error to check but the buf's own at the end.
 *
 * `key` is the member's name inside an object and NULL inside an array or for the root. Strings are written
 * so that nothing in them acts on a terminal or a log: what text_hidden knows (control characters,
 * bidirectional controls, line separators, ...) as \n or \uXXXX; bytes that are no UTF-8 as U+FFFD.
 */
#ifndef FORMAT_JSON_WRITE_H
#define FORMAT_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct json_writer {
    struct buf *out; /* borrowed */
    unsigned indent; /* blanks a level; 0: all in one line */
    unsigned depth;
    bool not_first; /* a value was written on this level */
};

void json_begin_object(struct json_writer *writer, const char *key);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer, const char *key);
void json_end_array(struct json_writer *writer);

/* A NULL text is written as null. */
void json_add_string(struct json_writer *writer, const char *key, const char *text);
void json_add_integer(struct json_writer *writer, const char *key, int64_t value);
void json_add_bool(struct json_writer *writer, const char *key, bool value);
void json_add_null(struct json_writer *writer, const char *key);
/* `json` is one valid JSON value and goes out as it is. */
void json_add_raw(struct json_writer *writer, const char *key, const char *json, size_t len);

/* Appends len bytes of text with JSON's escapes as above, without quotes: for splicing into a document. */
void json_escape(struct buf *out, const char *text, size_t len);

#endif
