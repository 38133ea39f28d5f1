/*
 * fake.h - a network, a clock and an environment that a test decides: replies by a script, time that passes
 * only where something sleeps or waits for a reply, variables from a table.
 *
 *     struct fake fake;
 *     fake_start(&fake);
 *     fake_set(&fake, "AWS_REGION", "eu-west-1");
 *     fake_add(&fake, (struct fake_reply){.method = HTTP_GET, .url = "http://host/path", .status = 200, .body
 * = "x"});
 *     ... use &fake.io, fake.http, fake.clock, fake.env ...
 *     assert_int_equal(fake.request_count, 1);
 *     fake_end(&fake);
 */
#ifndef TESTS_FAKE_H
#define TESTS_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/io.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/env.h"
#include "net/http.h"

enum { FAKE_REPLIES_MAX = 64, FAKE_REQUESTS_MAX = 512, FAKE_VARIABLES_MAX = 32 };

/* The wall clock's start: 2026-11-22T12:00:00Z. The monotonic clock starts at 1,000,000 ms. */
#define FAKE_WALL_MS INT64_C(1795348800000)
enum { FAKE_MONO_MS = 1000000, FAKE_DEADLINE_MS = 10000 };

/* What one request is answered with; all strings borrowed. */
struct fake_reply {
    enum http_method method;
    const char *url;      /* the whole URL; with '*' as its last character: its beginning */
    const char *body_has; /* answers only requests with this text in their body; NULL: any */
    int times;            /* how often it answers; 0: always */
    int status;           /* 0: 200 */
    const char *headers;  /* "Name: value\n" each */
    const char *body;     /* NULL: empty */
    size_t body_len;      /* 0: strlen(body) */
    enum err_code error;  /* no reply, but this error (http_reply.err) */
    int64_t takes_ms;     /* how long it takes; over the request's time-out: ERR_TIMEOUT after that time */
};

/* What was asked: copies, owned by the fake. */
struct fake_request {
    enum http_method method;
    char *url;
    char *headers; /* "Name: value\n" each */
    char *body;
    char *access_key; /* of its signer, NULL: not signed */
    char *session_token;
    char *signing; /* "region/service" */
    int64_t signed_ms;
    int64_t at_ms; /* on the monotonic clock */
    int64_t timeout_ms;
    int64_t total_timeout_ms;
    int64_t connect_timeout_ms;
    bool secret;
    bool direct;
    size_t batch; /* requests of one perform have the same, counted from 0 */
};

struct fake {
    struct http http;
    struct clock clock;
    struct env env;
    struct aws_io io; /* http, clock, env, no trace, deadline in FAKE_DEADLINE_MS */

    int64_t mono_ms;
    int64_t wall_ms;
    int64_t slept_ms; /* by sleep alone */
    size_t sleeps;    /* sleeps of more than 0 ms */
    uint32_t random; /* what the clock's random answers: UINT32_MAX makes jitter draw anywhere, 0 the least */

    struct fake_reply replies[FAKE_REPLIES_MAX];
    int answered[FAKE_REPLIES_MAX]; /* how often each answered */
    size_t reply_count;
    struct fake_request requests[FAKE_REQUESTS_MAX];
    size_t request_count;
    size_t batches;
    size_t connects; /* calls of http.connect */

    const char *names[FAKE_VARIABLES_MAX];
    const char *values[FAKE_VARIABLES_MAX];
    size_t variable_count;
};

/* `fake` must stay where it is: its parts point to it. */
void fake_start(struct fake *fake);
void fake_end(struct fake *fake);

/* Appends a reply to the script. A request is answered by the first one that fits and still has times left;
 * one that nothing fits fails the test. */
void fake_add(struct fake *fake, struct fake_reply reply);

/* Forgets the script, keeps the log. */
void fake_forget(struct fake *fake);

/* Forgets the log, keeps the script. */
void fake_forget_requests(struct fake *fake);

/* Sets a variable (value borrowed; NULL: unsets it). */
void fake_set(struct fake *fake, const char *name, const char *value);

/* The value of a header of request i, without its name, in a static buffer; NULL: it has none. */
const char *fake_header(const struct fake *fake, size_t i, const char *name);

/* How many requests went to URLs that begin with `url`. */
size_t fake_requests_to(const struct fake *fake, const char *url);

#endif
