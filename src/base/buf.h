/*
 * buf.h - bytes that grow up to a cap.
 *
 * A struct buf starts as {0} (or with `max` set to a cap of its own) and is released by buf_free. The first
 * append that fails (out of memory, over the cap) sets `failed`, and all later ones do nothing: a writer
 * appends freely and checks once at the end. `data` is always NUL-terminated behind `len` bytes once anything
 * was appended.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* The cap of a buf whose `max` is 0: that of the largest reply that is read. */
enum { BUF_MAX_DEFAULT = 8 * 1024 * 1024 };

struct buf {
    char *data;  /* NUL-terminated, or NULL while nothing was appended */
    size_t len;  /* bytes before the NUL */
    size_t cap;  /* bytes allocated */
    size_t max;  /* most bytes it may hold, 0: BUF_MAX_DEFAULT */
    bool failed; /* an append failed since the last buf_reset */
    bool secret; /* set by the owner: memory that is outgrown or released is wiped first */
};

/* Append len bytes, a C string, one byte, printf output. False where it (or an earlier append) failed. */
bool buf_add(struct buf *buf, const void *data, size_t len);
bool buf_add_text(struct buf *buf, const char *text);
bool buf_add_char(struct buf *buf, char c);
bool buf_add_repeat(struct buf *buf, char c, size_t times);
bool buf_addf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool buf_addv(struct buf *buf, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* Makes room for len bytes in all, so that they are not moved while they come. No more than a hint: no error
 * is told. */
void buf_reserve(struct buf *buf, size_t len);

/* The text so far, "" while nothing was appended. Borrowed: valid until the next call that changes the buf.
 */
const char *buf_text(const struct buf *buf);

/* True if no append failed; otherwise fills err (ERR_NOMEM: out of memory, or `what` is over its cap). */
bool buf_ok(const struct buf *buf, const char *what, struct err *err);

/* Empties the buf and clears `failed`, keeps the memory. */
void buf_reset(struct buf *buf);

/* Hands the memory to the caller, who frees it; the buf is empty again. NULL where an append failed or none
 * was. */
char *buf_take(struct buf *buf);

/* Releases the memory, wiped where `secret` is set. */
void buf_free(struct buf *buf);

/* Overwrites len bytes with zeros in a way that a compiler keeps. */
void mem_wipe(void *data, size_t len);

/* A copy of a C string, NULL for NULL or where memory is out. The caller frees it. */
char *text_dup(const char *text);

/* Wipes a C string and frees it; NULL is fine. */
void text_wipe(char *text);

#endif
