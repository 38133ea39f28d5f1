/*
 * metadata.h - asks a service of the machine itself (instance metadata, container credentials): never through
 * a proxy, with short time-outs and few tries, and with replies that are wiped.
 */
#ifndef AWS_METADATA_H
#define AWS_METADATA_H

#include <stdbool.h>

#include "aws/io.h"
#include "net/http.h"

struct metadata_request {
    enum http_method method;
    const char *url;
    const char *header; /* "Name: value", may be a secret; NULL: none */
    int64_t timeout_ms; /* to connect, and for the whole of one try */
    int timeout_tries;  /* a try that timed out is followed by another while fewer than so many were made */
};

/*
 * Carries it out, at most three times within the deadline: lost connections, cut-off replies, 429 and 5xx are
 * tried again after a short, jittered pause; nothing waits after the last try. `out` starts as {0} and is
 * released by http_reply_free; out->err and out->status tell how it went. True: a whole reply with a status
 * below 500 that is not 429.
 */
bool metadata_ask(const struct metadata_request *request, const struct aws_io *io, struct http_reply *out);

#endif
