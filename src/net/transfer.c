/*
 * transfer.c - the one file that knows libcurl.
 *
 * One multi handle runs all transfers: requests, and warm-ups that open a connection in advance. A warm-up is
 * a request that libcurl can't put together once the connection is there; its handle then holds the
 * connection until a request to the same host needs it.
 */
#include "net/transfer.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "format/timestamp.h"
#include "net/proxy.h"
#include "net/reply.h"
#include "net/wiped.h"

enum {
    BUFFER_SIZE = 16 * 1024, /* for reading and for sending: one TLS record */
    POOL_MAX = 512 /* connections kept, to all hosts: libcurl's default closes some between two batches */
};

enum transfer_state {
    SPARE,   /* may be used */
    OPENING, /* a warm-up under way */
    WARM,    /* a warm-up that is done: the handle holds the open connection */
    BUSY     /* a request under way */
};

struct transfer {
    struct transfer *next;
    struct transfers *all;
    CURL *easy;
    enum transfer_state state;
    struct lane *lane;
    const struct http_request *request; /* NULL: a warm-up */
    struct http_reply *reply;
    struct curl_slist *headers;
    int64_t start_ms;
    int64_t timeout_ms;
    int64_t connect_ms; /* from the start until the connection was there; -1: it never was */
    const char *tls_version;
    uint32_t flaws; /* of the server's certificates */
    struct reply_reader reader;
    char detail[CURL_ERROR_SIZE];
};

struct transfers {
    const struct http_config *config;
    struct trust *trust;
    transfer_done *done;
    void *ctx;
    CURLM *multi;
    struct transfer *first;
};

static int64_t now_ms(const struct transfers *transfers)
{
    return clock_mono_ms(transfers->config->clock);
}

/* ---- what libcurl calls ---- */

static size_t take_header(char *data, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    return reply_take_header(&transfer->reader, data, size * count) ? size * count : 0;
}

static size_t take_body(char *data, size_t size, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    curl_off_t announced = 0;
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    return reply_take_body(&transfer->reader, data, size * count, announced) ? size * count : 0;
}

static CURLcode prepare_tls(CURL *easy, void *ssl_config, void *ctx)
{
    struct transfer *transfer = ctx;
    (void)easy;
    trust_prepare(transfer->all->trust, ssl_config, &transfer->flaws);
    return CURLE_OK;
}

/* The connection is there, the request not yet sent: the one moment to ask for the TLS version. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static int note_connected(void *ctx, char *remote, char *local, int remote_port, int local_port)
{
    struct transfer *transfer = ctx;
    struct curl_tlssessioninfo *info = NULL;
    (void)remote, (void)local, (void)remote_port, (void)local_port;
    transfer->connect_ms = now_ms(transfer->all) - transfer->start_ms;
    if (curl_easy_getinfo(transfer->easy, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK && info && info->internals)
        transfer->tls_version = trust_version(info->internals);
    return CURL_PREREQFUNC_OK;
}

/* ---- handles ---- */

/* A transfer that may be used, NULL where memory is out. */
static struct transfer *transfer_get(struct transfers *all)
{
    struct transfer *transfer = all->first;
    while (transfer && transfer->state != SPARE)
        transfer = transfer->next;
    if (transfer)
        return transfer;
    transfer = calloc(1, sizeof *transfer);
    if (!transfer)
        return NULL;
    transfer->easy = curl_easy_init();
    if (!transfer->easy) {
        free(transfer);
        return NULL;
    }
    transfer->all = all;
    transfer->next = all->first;
    all->first = transfer;
    return transfer;
}

/* Ends what the transfer does; its secrets are wiped by the allocator. */
static void transfer_release(struct transfer *transfer)
{
    (void)curl_multi_remove_handle(transfer->all->multi, transfer->easy);
    curl_easy_reset(transfer->easy);
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    transfer->request = NULL;
    transfer->reply = NULL;
    transfer->state = SPARE;
}

static const struct {
    CURLoption option;
    long value;
} fixed_options[] = {
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2}, /* or newer */
    {CURLOPT_SSL_SESSIONID_CACHE, 0},
    {CURLOPT_BUFFERSIZE, BUFFER_SIZE},
    {CURLOPT_UPLOAD_BUFFERSIZE, BUFFER_SIZE},
    {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_QUICK_EXIT, 1}, /* not to wait for a look-up that hangs: it has its own thread and time-out */
};

/* What requests and warm-ups share: all that decides which connection they may use. False: no memory. */
static bool transfer_set_up(struct transfer *transfer, struct lane *lane, const char *url)
{
    struct transfers *all = transfer->all;
    const struct http_config *config = all->config;
    const char *proxy = lane->direct ? NULL : proxy_find(config->env, lane->tls);
    CURL *easy = transfer->easy;
    int failed = 0;
    transfer->lane = lane;
    transfer->flaws = 0;
    transfer->connect_ms = -1;
    transfer->tls_version = NULL;
    transfer->detail[0] = '\0';
    transfer->start_ms = now_ms(all);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->detail);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_URL, url);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    for (size_t i = 0; i < sizeof fixed_options / sizeof *fixed_options; i++)
        failed |= (int)curl_easy_setopt(easy, fixed_options[i].option, fixed_options[i].value);
    /* libcurl asks the environment itself unless a proxy is set; "" is none. */
    failed |= (int)curl_easy_setopt(easy, CURLOPT_PROXY, proxy ? proxy : "");
    failed |= (int)curl_easy_setopt(easy, CURLOPT_NOPROXY, proxy ? proxy_exceptions(config->env) : "");
    failed |= (int)curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, prepare_tls);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, transfer);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, note_connected);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    return failed == 0;
}

static bool add_header(struct transfer *transfer, const char *line)
{
    struct curl_slist *list = curl_slist_append(transfer->headers, line);
    if (list)
        transfer->headers = list;
    return list != NULL;
}

/* The request's headers, those that signing needs, and those of libcurl's own that are unwanted ("Name:"). */
static bool add_headers(struct transfer *transfer, const struct http_request *request)
{
    const struct http_signer *signer = request->signer;
    bool ok = true;
    for (size_t i = 0; i < request->header_count; i++)
        ok = ok && add_header(transfer, request->headers[i]);
    if (signer) {
        struct buf line = {.secret = true};
        char date[TIMESTAMP_MAX];
        timestamp_amz(signer->time_ms, date);
        ok = ok && buf_addf(&line, "X-Amz-Date: %s", date) && add_header(transfer, line.data);
        if (signer->session_token && *signer->session_token) {
            buf_reset(&line);
            ok = ok && buf_addf(&line, "X-Amz-Security-Token: %s", signer->session_token) &&
                 add_header(transfer, line.data);
        }
        buf_free(&line);
    }
    return ok && add_header(transfer, "Expect:") && add_header(transfer, "Content-Type:") &&
           curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK;
}

static bool set_signer(CURL *easy, const struct http_signer *signer)
{
    struct buf scope = {0};
    bool ok = buf_addf(&scope, "aws:amz:%s:%s", signer->region, signer->service) &&
              curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, scope.data) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_USERNAME, signer->access_key) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_PASSWORD, signer->secret_key) == CURLE_OK;
    buf_free(&scope);
    return ok;
}

static bool set_method(CURL *easy, const struct http_request *request)
{
    int failed = 0;
    switch (request->method) {
    case HTTP_GET:
        return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    case HTTP_HEAD:
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
    case HTTP_PUT: /* not CURLOPT_UPLOAD: for signatures libcurl hashes POSTFIELDS alone */
        failed |= (int)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PUT");
        break;
    case HTTP_POST:
        break;
    }
    failed |= (int)curl_easy_setopt(easy, CURLOPT_POST, 1L);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body ? request->body : "");
    return failed == 0;
}

/* timeout_ms: what is left of the request's time. False: no memory. */
static bool transfer_request(struct transfer *transfer, struct lane *lane, const struct http_request *request,
                             struct http_reply *reply, int64_t timeout_ms)
{
    CURL *easy = transfer->easy;
    int failed = 0;
    transfer->request = request;
    transfer->reply = reply;
    transfer->timeout_ms = timeout_ms;
    reply_begin(&transfer->reader, reply, request);
    if (!transfer_set_up(transfer, lane, request->url) || !set_method(easy, request) ||
        !add_headers(transfer, request) || (request->signer && !set_signer(easy, request->signer)))
        return false;
    failed |= (int)curl_easy_setopt(easy, CURLOPT_USERAGENT, transfer->all->config->user_agent);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_timeout_ms);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    if (request->method != HTTP_HEAD)
        failed |= (int)curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)reply->body.max);
    return failed == 0;
}

/* ---- connections in advance ---- */

static struct transfer *transfer_find(struct transfers *all, const struct lane *lane,
                                      enum transfer_state state)
{
    struct transfer *transfer = all->first;
    while (transfer && !(transfer->state == state && transfer->lane == lane))
        transfer = transfer->next;
    return transfer;
}

/*
 * libcurl has no call that opens a connection and leaves it to other transfers: that of a
 * CURLOPT_CONNECT_ONLY handle is never given to another one (lib/url.c, url_match_connect_config), and a
 * handle that is removed or aborted by its PREREQFUNCTION takes its connection along. But when a request
 * can't be put together once the connection is up (MSTATE_DO, lib/multi.c state_do), nothing has been sent,
 * and multi_done is called with premature = FALSE and an error that is none of those that close: the
 * connection goes into the pool. Signing together with CURLOPT_PATH_AS_IS is such a request
 * (lib/http_aws_sigv4.c refuses the two at once). Should another release send or close something here, the
 * worst is one more connection; test_http.c counts them.
 */
bool transfers_warm_up(struct transfers *transfers, struct lane *lane, const char *url)
{
    struct transfer *transfer = transfer_get(transfers);
    if (!transfer)
        return false;
    CURL *easy = transfer->easy;
    bool ok = transfer_set_up(transfer, lane, url) &&
              curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, "aws:amz") == CURLE_OK &&
              curl_easy_setopt(easy, CURLOPT_USERNAME, "none") == CURLE_OK &&
              curl_multi_add_handle(transfers->multi, easy) == CURLM_OK;
    if (!ok) {
        transfer_release(transfer);
        return false;
    }
    transfer->state = OPENING;
    return true;
}

/* Whether a request has taken the connection that this warm-up has just put into the pool. */
static bool is_taken(const struct transfer *warm_up)
{
    curl_off_t own_id = -1, id;
    (void)curl_easy_getinfo(warm_up->easy, CURLINFO_CONN_ID, &own_id);
    for (const struct transfer *other = warm_up->all->first; other; other = other->next) {
        id = -1;
        if (other->state == BUSY)
            (void)curl_easy_getinfo(other->easy, CURLINFO_CONN_ID, &id);
        if (id == own_id)
            return true;
    }
    return false;
}

/*
 * Reads what came on a finished warm-up's connection and keeps it from other transfers: curl_easy_recv
 * attaches the connection of a handle's last transfer to the handle, given CURLOPT_CONNECT_ONLY at that
 * moment.
 *
 * A TLS 1.3 server sends session tickets right behind the handshake (OpenSSL: two), and libcurl takes an idle
 * connection with input pending for a dead one (lib/url.c, Curl_conn_seems_dead); here they are read and done
 * with. False: what came is no ticket, the server has said something or hung up. As CONNECT_ONLY is left on
 * then, curl_multi_remove_handle closes the connection.
 */
static bool warm_hold(struct transfer *transfer)
{
    char byte;
    size_t got = 0;
    return curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK &&
           curl_easy_recv(transfer->easy, &byte, 1, &got) == CURLE_AGAIN &&
           curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_ONLY, 0L) == CURLE_OK;
}

/* Gives the connection of a finished warm-up back to the pool, from where the next request takes it. */
static void warm_use(struct transfer *transfer)
{
    (void)warm_hold(transfer);
    transfer_release(transfer);
}

/* ---- what transfer.h promises ---- */

bool transfers_request(struct transfers *transfers, struct lane *lane, enum lane_way way,
                       const struct http_request *request, struct http_reply *reply, int64_t timeout_ms)
{
    struct transfer *transfer = transfer_get(transfers);
    bool ok = transfer && transfer_request(transfer, lane, request, reply, timeout_ms);
    /* One that is meant to open its own must not take what a warm-up is about to hand to another. */
    ok = ok && curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, way == LANE_NEW ? 1L : 0L) == CURLE_OK;
    if (way == LANE_WARM)
        warm_use(transfer_find(transfers, lane, WARM));
    if (ok && curl_multi_add_handle(transfers->multi, transfer->easy) == CURLM_OK) {
        transfer->state = BUSY;
        return true;
    }
    if (transfer)
        transfer_release(transfer);
    return false;
}

void transfers_give_up(struct transfers *transfers, const struct lane *lane)
{
    transfer_release(transfer_find(transfers, lane, OPENING));
}

static const struct {
    CURLcode code;
    enum fault_kind kind;
} fault_kinds[] = {
    {CURLE_URL_MALFORMAT, FAULT_URL},
    {CURLE_UNSUPPORTED_PROTOCOL, FAULT_URL},
    {CURLE_COULDNT_RESOLVE_HOST, FAULT_RESOLVE},
    {CURLE_COULDNT_RESOLVE_PROXY, FAULT_RESOLVE_PROXY},
    {CURLE_COULDNT_CONNECT, FAULT_CONNECT},
    {CURLE_PEER_FAILED_VERIFICATION, FAULT_TLS},
    {CURLE_SSL_CONNECT_ERROR, FAULT_TLS},
    {CURLE_OPERATION_TIMEDOUT, FAULT_TIMEOUT},
    {CURLE_GOT_NOTHING, FAULT_EMPTY},
    {CURLE_PARTIAL_FILE, FAULT_CUT_OFF},
    {CURLE_SEND_ERROR, FAULT_LOST},
    {CURLE_RECV_ERROR, FAULT_LOST},
    {CURLE_WEIRD_SERVER_REPLY, FAULT_NO_HTTP},
    {CURLE_BAD_CONTENT_ENCODING, FAULT_NO_HTTP},
    {CURLE_TOO_LARGE, FAULT_HEADERS},
    {CURLE_FILESIZE_EXCEEDED, FAULT_BODY},
    {CURLE_WRITE_ERROR, FAULT_KEPT_OUT},
    {CURLE_OUT_OF_MEMORY, FAULT_NOMEM},
};

static long info_long(const struct transfer *transfer, CURLINFO info)
{
    long value = 0;
    (void)curl_easy_getinfo(transfer->easy, info, &value);
    return value;
}

static enum fault_kind fault_kind_of(CURLcode result)
{
    for (size_t i = 0; i < sizeof fault_kinds / sizeof *fault_kinds; i++)
        if (fault_kinds[i].code == result)
            return fault_kinds[i].kind;
    return FAULT_OTHER;
}

static struct fault fault_of(const struct transfer *transfer, CURLcode result)
{
    return (struct fault){
        .kind = fault_kind_of(result),
        .host = transfer->lane->host,
        .detail = transfer->detail[0] ? transfer->detail : "libcurl gives no reason",
        .os_error = info_long(transfer, CURLINFO_OS_ERRNO),
        .proxy_status = info_long(transfer, CURLINFO_HTTP_CONNECTCODE),
        .flaws = transfer->flaws,
        .connected = transfer->connect_ms >= 0,
        .answered = transfer->reply && transfer->reply->headers.len > 0,
        .timeout_ms = transfer->timeout_ms,
        .connect_timeout_ms = transfer->request ? transfer->request->connect_timeout_ms : 0,
        .reply = transfer->reply,
    };
}

static struct transfer_end end_of(const struct transfer *transfer)
{
    curl_socket_t socket = CURL_SOCKET_BAD;
    /* The transfer's last connection, where it is open still: the pool has kept it. */
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &socket);
    return (struct transfer_end){
        .lane = transfer->lane,
        .request = transfer->request,
        .reply = transfer->reply,
        .kept = socket != CURL_SOCKET_BAD,
        .opened = transfer->connect_ms >= 0 &&
                  (!transfer->request || info_long(transfer, CURLINFO_NUM_CONNECTS) > 0),
        .tls_version = transfer->tls_version,
        .connect_ms = transfer->connect_ms,
        .time_ms = now_ms(transfer->all) - transfer->start_ms,
    };
}

static void finish_request(struct transfer *transfer, CURLcode result)
{
    struct transfer_end end = end_of(transfer);
    /* libcurl takes a connection that ends within the headers for the reply's proper end. */
    if (result == CURLE_OK && !transfer->reader.headers_whole)
        result = CURLE_PARTIAL_FILE;
    if (result == CURLE_OK)
        transfer->reply->status = (int)info_long(transfer, CURLINFO_RESPONSE_CODE);
    else
        end.fault = fault_of(transfer, result);
    transfer->all->done(transfer->all->ctx, &end);
    transfer_release(transfer);
}

static void finish_warm_up(struct transfer *transfer, CURLcode result)
{
    struct transfer_end end = end_of(transfer);
    end.taken = end.kept && is_taken(transfer);
    if (end.kept && !end.taken && warm_hold(transfer)) {
        transfer->state = WARM; /* stays in the multi handle: only there it finds its connection again */
    } else if (!end.taken) {
        end.kept = false;
        end.fault = fault_of(transfer, result);
    }
    transfer->all->done(transfer->all->ctx, &end);
    if (transfer->state != WARM)
        transfer_release(transfer);
}

static void finish(struct transfer *transfer, CURLcode result)
{
    if (transfer->request)
        finish_request(transfer, result);
    else
        finish_warm_up(transfer, result);
}

bool transfers_work(struct transfers *transfers)
{
    int count = 0;
    bool any = false;
    CURLMsg *message;
    bool broken = curl_multi_perform(transfers->multi, &count) != CURLM_OK;
    while ((message = curl_multi_info_read(transfers->multi, &count)) != NULL) {
        struct transfer *transfer = NULL;
        CURLcode result = message->data.result;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        finish(transfer, result);
        any = true;
    }
    /* Out of memory within libcurl: nothing under way can be relied on to end. */
    for (struct transfer *transfer = transfers->first; broken && transfer; transfer = transfer->next)
        if (transfer->state == BUSY || transfer->state == OPENING) {
            finish(transfer, CURLE_OUT_OF_MEMORY);
            any = true;
        }
    return any;
}

void transfers_wait(struct transfers *transfers, int time_ms)
{
    (void)curl_multi_poll(transfers->multi, NULL, 0, time_ms, NULL);
}

bool transfers_open(struct transfers **out, const struct http_config *config, struct trust *trust,
                    transfer_done *done, void *ctx, struct err *err)
{
    struct transfers *transfers = NULL;
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, wiped_malloc, wiped_free, wiped_realloc, wiped_strdup,
                             wiped_calloc) != CURLE_OK)
        return err_nomem(err);
    transfers = calloc(1, sizeof *transfers);
    if (!transfers) {
        curl_global_cleanup();
        return err_nomem(err);
    }
    *transfers = (struct transfers){.config = config, .trust = trust, .done = done, .ctx = ctx};
    transfers->multi = curl_multi_init();
    if (!transfers->multi ||
        curl_multi_setopt(transfers->multi, CURLMOPT_MAXCONNECTS, (long)POOL_MAX) != CURLM_OK) {
        transfers_close(transfers);
        return err_nomem(err);
    }
    *out = transfers;
    return true;
}

void transfers_close(struct transfers *transfers)
{
    if (!transfers)
        return;
    while (transfers->first) {
        struct transfer *transfer = transfers->first;
        transfers->first = transfer->next;
        transfer_release(transfer);
        curl_easy_cleanup(transfer->easy);
        free(transfer);
    }
    if (transfers->multi)
        (void)curl_multi_cleanup(transfers->multi);
    free(transfers);
    curl_global_cleanup();
}
