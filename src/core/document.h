/*
 * document.h - the Session Manager preferences (an SSM document of type Session, schema 1.0): our lines put
 * into its shell profiles and taken out again, by splicing the source text, so that every byte that is not
 * ours stays.
 */
#ifndef CORE_DOCUMENT_H
#define CORE_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* As SSM limits a document's content. */
enum { DOCUMENT_MAX = 64 * 1024 };

/* All borrowed. */
struct document_lines {
    const char *linux_line; /* NULL: none is put in, those that are there are taken out */
    const char *windows_line;
    const char *linux_path; /* names of executables by which ours are recognised beside "ssm-enforce"; NULL */
    const char *windows_path;
};

/*
 * Appends the document with these lines and no others of ours. Ours stands first in its profile, other
 * commands follow. Members that are missing (inputs, shellProfile, linux, windows) are put in, and taken out
 * again with the line: blanks before the line say how much was put in with it (1: the member, 2: with
 * shellProfile, 3: with inputs; a shell overlooks them). So taking out gives back the bytes that were there
 * before putting in.
 *
 * `mentioned`, where not NULL, is set where a profile names ssm-enforce elsewhere too, in a command that
 * is left alone. ERR_MALFORMED: no JSON, another schemaVersion than "1.0" or sessionType than
 * "Standard_Stream", a member on the way of another type or there twice, over DOCUMENT_MAX before or after.
 */
bool document_merge(const char *text, size_t len, const struct document_lines *lines, struct buf *out,
                    bool *mentioned, struct err *err);

/* Appends JSON with one member or element a line, two blanks a level, in its own order; strings and numbers
 * as they are in the source. The text ends with a line end. ERR_MALFORMED: no JSON. */
bool document_pretty(const char *text, size_t len, struct buf *out, struct err *err);

#endif
