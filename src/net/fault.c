#include "net/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/trust.h"

/* Windows has numbers of its own for what a socket says (WSAECONNREFUSED and so on). */
static const struct {
    long posix;
    long windows;
    const char *words;
} connect_words[] = {
    {ECONNREFUSED, 10061, "refused"},
    {ECONNRESET, 10054, "reset"},
    {ENETUNREACH, 10051, "impossible: no route"},
    {EHOSTUNREACH, 10065, "impossible: no route"},
    {ETIMEDOUT, 10060, "impossible: no answer"},
    {EACCES, 10013, "forbidden on this machine"},
};

static bool explain_connect(const struct fault *fault, struct err *err)
{
    const char *words = "impossible";
    for (size_t i = 0; i < sizeof connect_words / sizeof *connect_words; i++)
        if (fault->os_error == connect_words[i].posix || fault->os_error == connect_words[i].windows)
            words = connect_words[i].words;
    return err_set(err, ERR_NETWORK, "connection to '%s' %s", fault->host, words);
}

static bool explain_timeout(const struct fault *fault, struct err *err)
{
    long long time_ms = fault->timeout_ms, connect_ms = fault->connect_timeout_ms;
    if (fault->answered)
        return err_set(err, ERR_TIMEOUT, "the answer of '%s' was not complete within %lld ms", fault->host,
                       time_ms);
    if (fault->connected)
        return err_set(err, ERR_TIMEOUT, "no answer from '%s' within %lld ms", fault->host, time_ms);
    if (connect_ms > 0 && connect_ms < time_ms)
        time_ms = connect_ms;
    return err_set(err, ERR_TIMEOUT, "no connection to '%s' within %lld ms", fault->host, time_ms);
}

/* libcurl's mbedTLS layer gives the number as "ssl_handshake returned: (-0x7780) ..." and in no other way. */
static bool explain_tls(const struct fault *fault, struct err *err)
{
    const char *hex = strstr(fault->detail, "(-0x");
    return trust_explain(fault->flaws, hex ? strtol(hex + 2, NULL, 16) : 0, fault->host, err);
}

static size_t max_of(const struct buf *buf)
{
    return buf->max ? buf->max : (size_t)BUF_MAX_DEFAULT;
}

/* What libcurl's code alone does not tell. */
static enum fault_kind refine(const struct fault *fault)
{
    switch (fault->kind) {
    case FAULT_URL: /* HTTP/0.9 is an "unsupported protocol" as well */
        return fault->connected ? FAULT_NO_HTTP : FAULT_URL;
    case FAULT_LOST: /* bad framing has no code of its own (lib/http_chunks.c) */
        return strstr(fault->detail, "chunk") ? FAULT_NO_HTTP : FAULT_LOST;
    case FAULT_TLS: /* "Recv failure: Connection reset by peer" (lib/cf-socket.c) during the handshake */
        return !fault->flaws && strstr(fault->detail, "failure: ") ? FAULT_LOST : FAULT_TLS;
    case FAULT_KEPT_OUT:
        if (fault->reply->headers.failed)
            return FAULT_HEADERS;
        return fault->reply->body.failed ? FAULT_BODY : FAULT_NOMEM;
    default:
        return fault->kind;
    }
}

bool fault_explain(const struct fault *fault, struct err *err)
{
    const char *host = fault->host;
    if (!fault->connected && fault->proxy_status != 0 && fault->proxy_status / 100 != 2)
        return err_set(err, ERR_NETWORK, "the proxy refuses a connection to '%s' with status %ld", host,
                       fault->proxy_status);
    switch (refine(fault)) {
    case FAULT_URL:
        return err_set(err, ERR_CONFIG, "'%s' is no http or https URL", host);
    case FAULT_RESOLVE:
        return err_set(err, ERR_NETWORK, "cannot resolve host '%s'", host);
    case FAULT_RESOLVE_PROXY:
        return err_set(err, ERR_NETWORK, "cannot resolve the host of the proxy on the way to '%s'", host);
    case FAULT_CONNECT:
        return explain_connect(fault, err);
    case FAULT_TLS:
        return explain_tls(fault, err);
    case FAULT_TIMEOUT:
        return explain_timeout(fault, err);
    case FAULT_EMPTY:
        return err_set(err, ERR_NETWORK, "'%s' closed the connection without an answer", host);
    case FAULT_CUT_OFF:
        return err_set(err, ERR_NETWORK, "the answer of '%s' was cut off", host);
    case FAULT_LOST:
        return err_set(err, ERR_NETWORK, "the connection to '%s' was lost", host);
    case FAULT_NO_HTTP:
        return err_set(err, ERR_MALFORMED, "the answer of '%s' is no HTTP: %s", host, fault->detail);
    case FAULT_HEADERS:
        return err_set(err, ERR_MALFORMED, "the headers of the answer of '%s' are larger than %zu bytes",
                       host, max_of(&fault->reply->headers));
    case FAULT_BODY:
        return err_set(err, ERR_MALFORMED, "the answer of '%s' is larger than %zu bytes", host,
                       max_of(&fault->reply->body));
    case FAULT_KEPT_OUT:
    case FAULT_NOMEM:
        return err_nomem(err);
    case FAULT_NONE:
    case FAULT_OTHER:
        break;
    }
    return err_set(err, ERR_NETWORK, "the request to '%s' failed: %s", host, fault->detail);
}
