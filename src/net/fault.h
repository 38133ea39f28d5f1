/* fault.h - why a request has no answer, in words for a person. */
#ifndef NET_FAULT_H
#define NET_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/http.h"

enum fault_kind {
    FAULT_NONE = 0,
    FAULT_OTHER,
    FAULT_URL,           /* no http or https URL */
    FAULT_RESOLVE,       /* the host's name is not known */
    FAULT_RESOLVE_PROXY, /* the proxy's */
    FAULT_CONNECT,       /* os_error */
    FAULT_TLS,           /* flaws, detail */
    FAULT_TIMEOUT,       /* connected, answered, timeout_ms, connect_timeout_ms */
    FAULT_EMPTY,         /* the connection ended instead of an answer */
    FAULT_CUT_OFF,       /* it ended within the answer */
    FAULT_LOST,          /* it broke */
    FAULT_NO_HTTP,       /* detail */
    FAULT_HEADERS,       /* the headers are too large */
    FAULT_BODY,          /* the body is */
    FAULT_KEPT_OUT,      /* one of reply's bufs took no more */
    FAULT_NOMEM
};

/* What is known of a request that failed. Borrowed. */
struct fault {
    enum fault_kind kind;
    const char *host;   /* "host:port" */
    const char *detail; /* libcurl's words */
    long os_error;      /* of the socket */
    long proxy_status;  /* with which the proxy answered CONNECT; 0: there was none */
    uint32_t flaws;     /* of the server's certificates, see trust.h */
    bool connected;     /* a connection was there */
    bool answered;      /* the answer had begun */
    int64_t timeout_ms;
    int64_t connect_timeout_ms; /* 0: none of its own */
    const struct http_reply *reply;
};

/* Sets code and message of err. Returns false. */
bool fault_explain(const struct fault *fault, struct err *err);

#endif
