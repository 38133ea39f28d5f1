/*
 * client.h - sends calls to one AWS service: signs, tries again, corrects the clock, and turns refusals into
 * errors.
 */
#ifndef AWS_CLIENT_H
#define AWS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/io.h"
#include "net/http.h"

/*
 * What all clients of a run share: credentials, the clock's skew. `refresh` fetches the credentials afresh,
 * once a run, when the service calls them expired; NULL: they can't be.
 */
struct aws_session {
    const struct aws_io *io;
    struct credentials credentials;
    int64_t skew_ms;           /* added to the wall clock; learnt from a server's Date */
    unsigned skew_corrections; /* a few a run: one server's clock may be wrong, and the next one's right */
    bool refreshed;            /* once a run */
    bool (*refresh)(void *ctx, struct credentials *out, struct err *err);
    void *refresh_ctx;
    int64_t call_timeout_ms; /* for one try; 0: at most 5 s and half of what is left until the deadline */
};

struct aws_client {
    struct aws_session *session; /* borrowed, shared */
    struct endpoint endpoint;
    unsigned
        tries_max; /* 0: as many as the deadline allows; one that mends the reason (skew, expiry) is free */
};

/* One call. All borrowed. */
struct aws_call {
    struct aws_client *client; /* NULL: that of aws_call_all; or one more of its session (another region's) */
    const char *action;        /* for messages: "DescribeSessions", said as "ssm:DescribeSessions" */
    const char *path;          /* NULL, "" or "/..." with query, behind the endpoint's URL */
    const char *headers[8];
    size_t header_count;
    const void *body;
    size_t body_len;
    enum http_method method;
    bool unsigned_call; /* AssumeRoleWithWebIdentity, SSO */
    bool secret;        /* the reply holds secrets */
};

/* Its outcome. The reply is freed by http_reply_free. */
struct aws_result {
    struct http_reply reply; /* of the last try */
    struct err err;          /* ERR_NONE: the service answered 2xx */
};

/*
 * Carries the calls out side by side. Those that are throttled, meet a 5xx, a time-out or a lost connection
 * are tried again together after an exponential back-off with full jitter (100 ms, for throttling 200 ms,
 * doubled up to 2 s), as long as the deadline leaves time for another try; at once, and once a run each, on a
 * clock skew (corrected from the reply's Date) and on credentials that the service calls expired (fetched
 * afresh). results[i] starts as {0} and its reply, that of the last try, is there for the caller whatever err
 * says. ERR_CONFIG: plain http to an endpoint that was not given. True if all succeeded.
 */
bool aws_call_all(struct aws_client *client, const struct aws_call *calls, struct aws_result *results,
                  size_t count);

/* One call; err is filled from its outcome. `out` starts as {0} and is released by http_reply_free. */
bool aws_call_one(struct aws_client *client, const struct aws_call *call, struct http_reply *out,
                  struct err *err);

/*
 * An error reply as an error: `code` from the service's own ("__type" or x-amzn-ErrorType of JSON, Error/Code
 * of XML), made visible and cut; the message says the service's words and, for AccessDenied, what mends it:
 * the action, the principal's role where it is known and the policy to attach.
 */
void aws_reply_error(const struct http_reply *reply, const char *service, const char *action,
                     const struct credentials *credentials, struct err *err);

/* Appends a remote's text, made visible and cut to at most max bytes between two characters. */
void aws_words(struct buf *out, const char *text, size_t len, size_t max);

#endif
