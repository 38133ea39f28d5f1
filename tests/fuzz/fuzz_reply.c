/*
 * An error reply from anyone. The input is the status in the first line, then headers, an empty line and the
 * body. The message is complete, short, and can act on no terminal.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/client.h"
#include "format/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_visible(const char *text, size_t max)
{
    struct buf shown = {0};
    size_t len = strlen(text);
    text_visible(&shown, text, len);
    if (len > max || strcmp(buf_text(&shown), text) != 0)
        abort();
    buf_free(&shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_reply reply = {0};
    struct buf text = {0};
    struct err err;
    memset(&err, 'x', sizeof err);
    buf_add(&text, data, size);
    char *headers = text.data ? strchr(text.data, '\n') : NULL;
    char *body = headers ? strstr(headers, "\n\n") : NULL;
    if (body) {
        reply.status = abs(atoi(text.data)) % 1000; // NOLINT(cert-err34-c): any number will do
        buf_add(&reply.headers, headers + 1, (size_t)(body - headers));
        buf_add(&reply.body, body + 2, (size_t)(text.data + text.len - body - 2));
        aws_reply_error(&reply, "ssm", "DescribeSessions", NULL, &err);
        if (err.code == ERR_NONE || !*err.message)
            abort();
        check_visible(err.message, 600);
        check_visible(err.service_code, sizeof err.service_code - 1);
    }
    http_reply_free(&reply);
    buf_free(&text);
    return 0;
}
