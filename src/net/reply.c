/* reply.c - the parts of http.h that need no network. */
#include "net/reply.h"

#include <ctype.h>
#include <string.h>

enum { ANNOUNCED_MAX = 1024 * 1024 }; /* memory that a body gets on the server's word alone */

static bool same_name(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i]))
            return false;
    return true;
}

bool http_reply_header(const struct http_reply *reply, const char *name, struct buf *out)
{
    size_t len = strlen(name);
    const char *end;
    for (const char *line = buf_text(&reply->headers); *line; line = end + 1) {
        end = strchr(line, '\n');
        if (!end)
            return false;
        if ((size_t)(end - line) > len && line[len] == ':' && same_name(line, name, len)) {
            const char *value = line + len + 1;
            while (value < end && (*value == ' ' || *value == '\t'))
                value++;
            buf_reset(out);
            return buf_add(out, value, (size_t)(end - value));
        }
    }
    return false;
}

void http_reply_free(struct http_reply *reply)
{
    if (!reply)
        return;
    buf_free(&reply->headers);
    buf_free(&reply->body);
    *reply = (struct http_reply){0};
}

void reply_begin(struct reply_reader *reader, struct http_reply *reply, const struct http_request *request)
{
    *reader = (struct reply_reader){.reply = reply};
    reply->headers.max = REPLY_HEADERS_MAX;
    reply->body.max = request->reply_max ? request->reply_max : (size_t)BUF_MAX_DEFAULT;
    reply->headers.secret = reply->body.secret = request->secret;
}

bool reply_take_header(struct reply_reader *reader, const char *line, size_t len)
{
    struct buf *headers = &reader->reply->headers;
    while (len > 0 && strchr("\r\n\t ", line[len - 1]))
        len--;
    if (len == 0) {
        reader->headers_whole = true;
        return true;
    }
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        buf_reset(headers);
        reader->headers_whole = false;
        return true;
    }
    return buf_add(headers, line, len) && buf_add_char(headers, '\n');
}

bool reply_take_body(struct reply_reader *reader, const char *data, size_t len, int64_t announced)
{
    struct buf *body = &reader->reply->body;
    if (body->cap == 0 && announced > 0 && announced <= ANNOUNCED_MAX)
        buf_reserve(body, (size_t)announced);
    return buf_add(body, data, len);
}
