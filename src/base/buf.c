#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 128 };

static bool set_cap(struct buf *buf, size_t cap)
{
    char *data = buf->secret ? malloc(cap) : realloc(buf->data, cap);
    if (!data)
        return false;
    if (buf->secret && buf->data) {
        memcpy(data, buf->data, buf->len + 1);
        mem_wipe(buf->data, buf->cap);
        free(buf->data);
    }
    if (buf->len == 0)
        data[0] = '\0';
    buf->data = data;
    buf->cap = cap;
    return true;
}

/* Makes room for `more` bytes and the NUL. */
static bool grow(struct buf *buf, size_t more)
{
    size_t max = buf->max ? buf->max : (size_t)BUF_MAX_DEFAULT;
    if (buf->failed)
        return false;
    if (more > max || buf->len > max - more) {
        buf->failed = true;
        return false;
    }
    size_t need = buf->len + more + 1;
    if (need <= buf->cap)
        return true;
    size_t cap = buf->cap ? buf->cap : (size_t)FIRST_CAP;
    while (cap < need)
        cap += cap / 2;
    if (cap > max + 1)
        cap = max + 1;
    if (!set_cap(buf, cap))
        buf->failed = true;
    return !buf->failed;
}

void buf_reserve(struct buf *buf, size_t len)
{
    size_t max = buf->max ? buf->max : (size_t)BUF_MAX_DEFAULT;
    if (!buf->failed && len <= max && len >= buf->cap)
        (void)set_cap(buf, len + 1);
}

bool buf_add(struct buf *buf, const void *data, size_t len)
{
    if (!grow(buf, len))
        return false;
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return true;
}

bool buf_add_text(struct buf *buf, const char *text)
{
    return buf_add(buf, text, strlen(text));
}

bool buf_add_char(struct buf *buf, char c)
{
    return buf_add(buf, &c, 1);
}

bool buf_add_repeat(struct buf *buf, char c, size_t times)
{
    if (!grow(buf, times))
        return false;
    memset(buf->data + buf->len, c, times);
    buf->len += times;
    buf->data[buf->len] = '\0';
    return true;
}

bool buf_addv(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    bool ok = len >= 0 && grow(buf, (size_t)len);
    if (ok) {
        (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    } else {
        buf->failed = true;
    }
    va_end(again);
    return ok;
}

bool buf_addf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool ok = buf_addv(buf, format, args);
    va_end(args);
    return ok;
}

const char *buf_text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

bool buf_ok(const struct buf *buf, const char *what, struct err *err)
{
    if (!buf->failed)
        return true;
    return err_set(err, ERR_NOMEM, "%s does not fit into memory or is over %zu bytes", what,
                   buf->max ? buf->max : (size_t)BUF_MAX_DEFAULT);
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->data)
        buf->data[0] = '\0';
}

char *buf_take(struct buf *buf)
{
    char *data = buf->data;
    if (buf->failed) {
        buf_free(buf);
        data = NULL;
    }
    *buf = (struct buf){.max = buf->max, .secret = buf->secret};
    return data;
}

void buf_free(struct buf *buf)
{
    if (!buf)
        return;
    if (buf->secret && buf->data)
        mem_wipe(buf->data, buf->cap);
    free(buf->data);
    *buf = (struct buf){.max = buf->max, .secret = buf->secret};
}

void mem_wipe(void *data, size_t len)
{
    if (!len)
        return;
    memset(data, 0, len);
    /* The compiler has to believe that the zeros are read. */
    __asm__ volatile("" : : "r"(data) : "memory");
}

char *text_dup(const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void text_wipe(char *text)
{
    if (!text)
        return;
    mem_wipe(text, strlen(text));
    free(text);
}
