/* reply.c - the parts of http.h that need no network. */
#include "net/http.h"

#include <ctype.h>
#include <string.h>

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
