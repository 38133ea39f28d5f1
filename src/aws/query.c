#include "aws/query.h"

#include <string.h>

#include "format/text.h"

void query_begin(struct buf *body, const char *action, const char *version)
{
    buf_addf(body, "Action=%s&Version=%s", action, version);
}

void query_add(struct buf *body, const char *name, const char *value)
{
    if (!value)
        return;
    buf_addf(body, "&%s=", name);
    text_percent_encode(body, value, strlen(value), false);
}

struct aws_call query_call(const char *action, const struct buf *body)
{
    return (struct aws_call){.action = action,
                             .method = HTTP_POST,
                             .path = "/",
                             .headers = {"Content-Type: application/x-www-form-urlencoded; charset=utf-8"},
                             .header_count = 1,
                             .body = buf_text(body),
                             .body_len = body->len};
}
