/*
 * http.h - the one seam to the network: a batch of requests in, replies out.
 *
 * A struct http is handed to all that speaks to a server. http_open makes the real one (libcurl with mbedTLS:
 * one multi handle, connections kept and used again); tests and the simulation bring their own functions.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/env.h"
#include "base/err.h"

enum http_method { HTTP_GET, HTTP_PUT, HTTP_POST, HTTP_HEAD };

/* At most so many connections to one host, and requests under way to it at once. */
enum { HTTP_CONNECTIONS_MAX = 8 };

/* What AWS Signature Version 4 needs. All borrowed. */
struct http_signer {
    const char *access_key;
    const char *secret_key;
    const char *session_token; /* NULL: none */
    const char *region;        /* the signing region */
    const char *service;       /* the signing name: "ssm" */
    int64_t time_ms;           /* the corrected wall clock: becomes X-Amz-Date */
};

/* All borrowed until perform returns. */
struct http_request {
    enum http_method method;
    /* Its path is sent without "." and ".." segments. What is signed must have no %2B in its query:
     * libcurl 8.14 signs it as a blank (lib/http_aws_sigv4.c, encode_query_component). */
    const char *url;
    const char *const *headers; /* "Name: value" each; signing adds X-Amz-Date and X-Amz-Security-Token */
    size_t header_count;
    const void *body; /* NULL: none */
    size_t body_len;
    const struct http_signer *signer; /* NULL: not signed */
    int64_t connect_timeout_ms;       /* to connect, TLS included; 0: timeout_ms alone */
    int64_t timeout_ms;               /* from its own start to the last byte of the reply; more than 0 */
    int64_t total_timeout_ms;         /* the same, its wait for a turn included; 0: no limit */
    size_t reply_max;                 /* largest body, 0: 8 MiB */
    bool secret;                      /* the reply holds secrets: its buffers are wiped */
    bool direct;                      /* never through a proxy (IMDS, container credentials) */
};

struct http_reply {
    /*
     * ERR_NONE: a whole reply was read, whatever its status. ERR_NETWORK, ERR_TIMEOUT, ERR_TLS, ERR_MALFORMED
     * (no HTTP, over reply_max), ERR_CONFIG (url is none), ERR_NOMEM: message says what failed on which host.
     * A reply that is cut off is ERR_NETWORK: worth another try.
     */
    struct err err;
    int status;         /* 200, 404, ...; 0 with an error, and both bufs are empty then */
    struct buf headers; /* "Name: value\n" each, of the final reply alone */
    struct buf body;
};

struct http {
    void *ctx;
    /*
     * Carries out all requests side by side and returns when each has its reply; replies[i] starts as {0} and
     * is released by http_reply_free. Redirects are not followed. Requests to the same host go over
     * connections that are open already, then over new ones, at most HTTP_CONNECTIONS_MAX at once; the others
     * wait for their turn.
     */
    void (*perform)(void *ctx, const struct http_request *requests, struct http_reply *replies, size_t count);
    /*
     * Begins to open connections (TCP and TLS) to url's host until `count` are open or opening, without
     * waiting: they make way while perform is at work on something else. A failure is silent here: the
     * request that needs the connection will meet it again and report it.
     */
    void (*connect)(void *ctx, const char *url, size_t count);
};

/* Sets `out` to the value of the reply's header `name` (case does not matter; the first of several). False:
 * none. */
bool http_reply_header(const struct http_reply *reply, const char *name, struct buf *out);
void http_reply_free(struct http_reply *reply);

struct http_config {
    const char *ca_bundle;     /* PEM file that replaces built-in roots and system store; NULL: those two */
    const char *user_agent;    /* "ssm-enforce/1.0.0" */
    const struct env *env;     /* proxies: https_proxy, http_proxy, no_proxy, both cases */
    const struct clock *clock; /* for timings in the trace */
    /* Connections, requests with status and time; never a header's value or a body. */
    const struct trace *trace;
};

/*
 * Makes the real transport. TLS 1.2 at the least; certificate and host name always verified against the
 * Amazon roots that are built in, then, where the server's chain ends in none of them, the system's store.
 * ERR_CONFIG: the CA bundle can't be read or holds no certificate. `config` is copied, what it points to is
 * borrowed until http_close.
 */
bool http_open(struct http *out, const struct http_config *config, struct err *err);
void http_close(struct http *http);

/* SHA-256 of data. */
void http_sha256(const void *data, size_t len, unsigned char out[32]);

#endif
