/* The transport against a server that misbehaves on demand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net_bench.h"

static const struct http_signer signer = {.access_key = "AKIDEXAMPLE",
                                          .secret_key = "secret/KEY+1",
                                          .session_token = "token+/==",
                                          .region = "eu-west-1",
                                          .service = "ssm",
                                          .time_ms = INT64_C(1795365243000)};

static void assert_ok(const struct http_reply *reply, int status, const char *body)
{
    assert_string_equal(reply->err.message, "");
    assert_int_equal(reply->err.code, ERR_NONE);
    assert_int_equal(reply->status, status);
    if (body)
        assert_string_equal(buf_text(&reply->body), body);
}

static void assert_failed(const struct http_reply *reply, enum err_code code, const char *words)
{
    if (reply->err.code != code || !strstr(reply->err.message, words))
        fail_msg("code %d, '%s' instead of code %d, '%s'", reply->err.code, reply->err.message, code, words);
    assert_int_equal(reply->status, 0);
    assert_int_equal(reply->body.len, 0);
}

/* ---- requests and replies ---- */

static void test_get(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, NULL);
    struct http_reply reply = net_get(&bench, net_url("http", "plain", "/echo?a=b"));
    char want[256];
    (void)snprintf(want, sizeof want,
                   "GET /echo?a=b\nHost: 127.0.0.1:%d\nUser-Agent: test/1\nAccept: */*\n\n",
                   net_port("plain"));
    assert_ok(&reply, 200, want);
    struct buf value = {0};
    assert_true(http_reply_header(&reply, "x-ECHO", &value));
    assert_string_equal(value.data, "spaced");
    assert_false(http_reply_header(&reply, "X-Ech", &value));
    assert_null(strstr(reply.headers.data, "HTTP/"));
    assert_null(strchr(reply.headers.data, '\r'));
    buf_free(&value);
    http_reply_free(&reply);
    net_close(&bench);
}

static void test_methods(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, NULL);
    const char *headers[] = {"X-One: 1", "Content-Type: application/x-amz-json-1.1"};
    const char *url = net_url("http", "plain", "/echo");
    struct http_reply reply = net_ask(&bench, (struct http_request){.method = HTTP_POST,
                                                                    .url = url,
                                                                    .headers = headers,
                                                                    .header_count = 2,
                                                                    .body = "{\"a\":1}",
                                                                    .body_len = 7});
    assert_ok(&reply, 200, NULL);
    assert_memory_equal(reply.body.data, "POST /echo\n", 11);
    assert_non_null(strstr(reply.body.data, "\nX-One: 1\nContent-Type: application/x-amz-json-1.1\n"));
    assert_non_null(strstr(reply.body.data, "\nContent-Length: 7\n"));
    assert_non_null(strstr(reply.body.data, "\n\n{\"a\":1}"));
    http_reply_free(&reply);
    reply = net_ask(&bench, (struct http_request){.method = HTTP_PUT, .url = url});
    assert_ok(&reply, 200, NULL);
    assert_memory_equal(reply.body.data, "PUT /echo\n", 10);
    assert_non_null(strstr(reply.body.data, "\nContent-Length: 0\n"));
    assert_null(strstr(reply.body.data, "Content-Type"));
    http_reply_free(&reply);
    reply =
        net_ask(&bench, (struct http_request){.method = HTTP_HEAD, .url = net_url("http", "plain", "/head")});
    assert_ok(&reply, 200, "");
    assert_non_null(strstr(reply.headers.data, "X-Head: 1\n"));
    http_reply_free(&reply);
    net_close(&bench);
}

/* More than libcurl sends with "Expect: 100-continue", and more than one buffer. */
static void test_large_body(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, "ca.pem");
    size_t len = (size_t)3 * 1024 * 1024;
    char *body = malloc(len);
    memset(body, 'u', len);
    struct http_reply reply = net_ask(&bench, (struct http_request){.method = HTTP_PUT,
                                                                    .url = net_url("https", "tls", "/echo"),
                                                                    .body = body,
                                                                    .body_len = len});
    assert_ok(&reply, 200, NULL);
    assert_null(strstr(reply.body.data, "Expect"));
    assert_true(reply.body.len > len);
    assert_memory_equal(reply.body.data + reply.body.len - len, body, len);
    free(body);
    http_reply_free(&reply);
    net_close(&bench);
}

static void test_statuses_are_replies(void **state)
{
    static const int statuses[] = {204, 304, 400, 401, 403, 404, 407, 429, 500, 503};
    struct net_bench bench;
    (void)state;
    net_open(&bench, NULL);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, "/status?%d", statuses[i]);
        struct http_reply reply = net_ask(&bench, (struct http_request){.method = HTTP_GET,
                                                                        .url = net_url("http", "plain", path),
                                                                        .signer = &signer});
        assert_ok(&reply, statuses[i], NULL);
        http_reply_free(&reply);
    }
    net_close(&bench);
}

static void test_redirect_is_not_followed(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, NULL);
    struct http_reply reply = net_get(&bench, net_url("http", "plain", "/redirect"));
    assert_ok(&reply, 302, "");
    http_reply_free(&reply);
    net_counts(&bench);
    assert_int_equal(net_count("plain.requests"), 1);
    net_close(&bench);
}

static void test_odd_but_whole(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, NULL);
    struct http_reply reply = net_get(&bench, net_url("http", "plain", "/nolength"));
    assert_ok(&reply, 200, "until the end");
    http_reply_free(&reply);
    reply = net_get(&bench, net_url("http", "plain", "/interim"));
    assert_ok(&reply, 200, "ok");
    assert_string_equal(reply.headers.data, "X-Final: 2\nContent-Length: 2\n");
    http_reply_free(&reply);
    reply = net_get(&bench, net_url("http", "plain", "/chunks?100"));
    assert_ok(&reply, 200, NULL);
    assert_int_equal(reply.body.len, 102400);
    http_reply_free(&reply);
    net_close(&bench);
}

static void test_secret_reply(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, NULL);
    struct http_reply reply = net_ask(
        &bench, (struct http_request){
                    .method = HTTP_GET, .url = net_url("http", "plain", "/big?5000"), .secret = true});
    assert_ok(&reply, 200, NULL);
    assert_true(reply.body.secret);
    assert_true(reply.headers.secret);
    http_reply_free(&reply);
    net_close(&bench);
}

/* ---- signing: the server computes the signature again with botocore ---- */

static void check_signed(struct net_bench *bench, enum http_method method, const char *path,
                         const char *service, const char *body)
{
    struct http_signer own = signer;
    own.service = service;
    const char *headers[] = {"X-Amz-Target: AmazonSSM.DescribeSessions",
                             "Content-Type: application/x-amz-json-1.1"};
    struct http_reply reply = net_ask(bench, (struct http_request){.method = method,
                                                                   .url = net_url("https", "tls", path),
                                                                   .headers = headers,
                                                                   .header_count = body ? 2 : 1,
                                                                   .body = body,
                                                                   .body_len = body ? strlen(body) : 0,
                                                                   .signer = &own});
    if (strcmp(buf_text(&reply.body), "ok") != 0)
        fail_msg("%s %s: %s %s", service, path, reply.err.message, buf_text(&reply.body));
    http_reply_free(&reply);
}

static void test_signatures(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, "ca.pem");
    check_signed(&bench, HTTP_POST, "/signed", "ssm", "{\"State\":\"Active\"}");
    check_signed(&bench, HTTP_POST, "/signed", "ssm", "");
    check_signed(&bench, HTTP_GET, "/signed?b=2&a=1&Action=List&empty=&sp=a%20b", "iam", NULL);
    check_signed(&bench, HTTP_PUT, "/signed/prefix/1.0.0/linux-x86_64/ssm-enforce", "s3",
                 "\x7f"
                 "ELF bytes");
    check_signed(&bench, HTTP_PUT, "/signed/a%20b/c%2Bd/%C3%A4%26%3D%40~x.y_z-%28%29%2A%21", "s3", "x");
    check_signed(&bench, HTTP_GET, "/signed/list?list-type=2&prefix=a%2Fb%20c&max-keys=1", "s3", NULL);
    check_signed(&bench, HTTP_GET, "/signed/a%20b/c", "sts", NULL);
    net_close(&bench);
}

static void test_signed_headers(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, NULL);
    struct http_reply reply = net_ask(&bench, (struct http_request){.method = HTTP_POST,
                                                                    .url = net_url("http", "plain", "/echo"),
                                                                    .signer = &signer});
    assert_ok(&reply, 200, NULL);
    assert_non_null(strstr(reply.body.data, "\nX-Amz-Date: 20261122T163403Z\n"));
    assert_non_null(strstr(reply.body.data, "\nX-Amz-Security-Token: token+/==\n"));
    assert_non_null(strstr(reply.body.data, "Credential=AKIDEXAMPLE/20261122/eu-west-1/ssm/aws4_request, "
                                            "SignedHeaders=host;x-amz-date;x-amz-security-token, "));
    http_reply_free(&reply);
    struct http_signer plain = signer;
    plain.session_token = NULL;
    reply =
        net_ask(&bench, (struct http_request){
                            .method = HTTP_POST, .url = net_url("http", "plain", "/echo"), .signer = &plain});
    assert_ok(&reply, 200, NULL);
    assert_null(strstr(reply.body.data, "Token"));
    http_reply_free(&reply);
    assert_null(strstr(bench.traced.data, "token"));
    assert_null(strstr(bench.traced.data, "secret"));
    assert_null(strstr(bench.traced.data, "AKID"));
    net_close(&bench);
}

/* ---- faults ---- */

static void test_faults(void **state)
{
    static const struct {
        const char *listener;
        const char *path;
        enum err_code code;
        const char *words;
    } cases[] = {
        {"refused", "/", ERR_NETWORK, "' refused"},
        {"plain", "/nothing", ERR_NETWORK, "closed the connection without an answer"},
        {"plain", "/reset", ERR_NETWORK, "was lost"},
        {"plain", "/cut", ERR_NETWORK, "was cut off"},
        {"plain", "/cutchunk", ERR_NETWORK, "was cut off"},
        {"plain", "/cutheaders", ERR_NETWORK, "was cut off"},
        {"plain", "/garbage", ERR_MALFORMED, "is no HTTP"},
        {"plain", "/http09", ERR_MALFORMED, "is no HTTP"},
        {"plain", "/badchunk", ERR_MALFORMED, "is no HTTP"},
        {"plain", "/badlength", ERR_MALFORMED, "is no HTTP"},
        {"plain", "/nul", ERR_MALFORMED, "is no HTTP"},
        {"plain", "/longheader", ERR_MALFORMED, "headers of the answer"},
        {"plain", "/headers?900", ERR_MALFORMED, "headers of the answer"},
        {"plain", "/big?1001", ERR_MALFORMED, "is larger than 1000 bytes"},
        {"plain", "/chunks?2", ERR_MALFORMED, "is larger than 1000 bytes"},
        {"plain", "/endless", ERR_MALFORMED, "is larger than 1000 bytes"},
    };
    struct net_bench bench;
    (void)state;
    net_open(&bench, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_reply reply =
            net_ask(&bench, (struct http_request){.method = HTTP_GET,
                                                  .url = net_url("http", cases[i].listener, cases[i].path),
                                                  .reply_max = 1000});
        assert_failed(&reply, cases[i].code, cases[i].words);
        char name[64];
        (void)snprintf(name, sizeof name, "'127.0.0.1:%d'", net_port(cases[i].listener));
        assert_non_null(strstr(reply.err.message, name));
        http_reply_free(&reply);
    }
    net_close(&bench);
}

static void test_reply_of_just_the_limit(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, NULL);
    struct http_reply reply = net_ask(
        &bench, (struct http_request){
                    .method = HTTP_GET, .url = net_url("http", "plain", "/big?1000"), .reply_max = 1000});
    assert_ok(&reply, 200, NULL);
    http_reply_free(&reply);
    reply = net_get(&bench, net_url("http", "plain", "/big?8388608"));
    assert_ok(&reply, 200, NULL);
    http_reply_free(&reply);
    reply = net_get(&bench, net_url("http", "plain", "/big?8388609"));
    assert_failed(&reply, ERR_MALFORMED, "is larger than 8388608 bytes");
    http_reply_free(&reply);
    net_close(&bench);
}

static void test_bad_requests(void **state)
{
    static const char *const urls[] = {"",
                                       "127.0.0.1/x",
                                       "http://",
                                       "http:///x",
                                       "ftp://127.0.0.1/",
                                       "http//x",
                                       "http://u:p@127.0.0.1/",
                                       "file:///etc/passwd",
                                       "http://a b/"};
    struct net_bench bench;
    (void)state;
    net_open(&bench, NULL);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct http_reply reply = net_get(&bench, urls[i]);
        assert_failed(&reply, ERR_CONFIG, "is no http or https URL");
        http_reply_free(&reply);
    }
    const char *headers[] = {"X-Token: a\r\nX-Evil: b"};
    struct http_reply reply = net_ask(&bench, (struct http_request){.method = HTTP_GET,
                                                                    .url = net_url("http", "plain", "/echo"),
                                                                    .headers = headers,
                                                                    .header_count = 1});
    assert_failed(&reply, ERR_MALFORMED, "line end");
    http_reply_free(&reply);
    struct http_signer evil = signer;
    evil.session_token = "token\nX-Evil: b";
    reply = net_ask(
        &bench,
        (struct http_request){.method = HTTP_GET, .url = net_url("http", "plain", "/echo"), .signer = &evil});
    assert_failed(&reply, ERR_MALFORMED, "line end");
    http_reply_free(&reply);
    net_counts(&bench);
    assert_int_equal(net_count("plain.requests"), 0);
    net_close(&bench);
}

static void test_unknown_host(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, NULL);
    struct http_reply reply = net_get(&bench, "http://no-such-host.invalid/");
    assert_failed(&reply, ERR_NETWORK, "cannot resolve host 'no-such-host.invalid'");
    http_reply_free(&reply);
    net_close(&bench);
}

static void check_timeout(struct net_bench *bench, struct http_request request, const char *words,
                          int64_t least_ms)
{
    int64_t start_ms = net_now_ms(bench);
    struct http_reply reply = net_ask(bench, request);
    int64_t took_ms = net_now_ms(bench) - start_ms;
    assert_failed(&reply, ERR_TIMEOUT, words);
    assert_in_range(took_ms, least_ms - 5, least_ms + 1000);
    http_reply_free(&reply);
}

static void test_timeouts(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, "ca.pem");
    struct http_request request = {
        .method = HTTP_GET, .url = net_url("http", "plain", "/hang"), .timeout_ms = 200};
    check_timeout(&bench, request, "no answer from '127.0.0.1:", 200);
    request.url = net_url("http", "plain", "/drip");
    check_timeout(&bench, request, "was not complete within 200 ms", 200);
    request.url = net_url("http", "blackhole", "/");
    check_timeout(&bench, request, "no connection to '127.0.0.1:", 200);
    request.connect_timeout_ms = 100;
    check_timeout(&bench, request, "within 100 ms", 100);
    request.url = net_url("https", "mute", "/");
    check_timeout(&bench, request, "no connection to '127.0.0.1:", 100);
    net_close(&bench);
}

/* ---- batches ---- */

static void test_batch_overlaps(void **state)
{
    struct net_bench bench;
    struct http_request requests[8];
    struct http_reply replies[8] = {0};
    (void)state;
    net_open(&bench, NULL);
    for (size_t i = 0; i < 8; i++)
        requests[i] = (struct http_request){
            .method = HTTP_GET, .url = net_url("http", "plain", "/wait?100"), .timeout_ms = 10000};
    int64_t start_ms = net_now_ms(&bench);
    bench.http.perform(bench.http.ctx, requests, replies, 8);
    assert_in_range(net_now_ms(&bench) - start_ms, 100, 700);
    for (size_t i = 0; i < 8; i++) {
        assert_ok(&replies[i], 200, "waited");
        http_reply_free(&replies[i]);
    }
    net_counts(&bench);
    assert_int_equal(net_count("plain.connections"), 8);
    net_close(&bench);
}

/* More than the window: each goes, on no more connections than the limit. */
static void test_large_batch(void **state)
{
    enum { COUNT = 1000 };
    struct net_bench bench;
    (void)state;
    net_open(&bench, "ca.pem");
    struct http_request *requests = calloc(COUNT, sizeof *requests);
    struct http_reply *replies = calloc(COUNT, sizeof *replies);
    char(*urls)[NET_URL_MAX] = calloc(COUNT, NET_URL_MAX);
    for (size_t i = 0; i < COUNT; i++) {
        (void)snprintf(urls[i], NET_URL_MAX, "%s?%zu", net_url("https", "tls", "/echo"), i);
        requests[i] = (struct http_request){
            .method = HTTP_POST, .url = urls[i], .body = "x", .body_len = 1, .timeout_ms = 10000};
    }
    bench.http.perform(bench.http.ctx, requests, replies, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        char want[32];
        (void)snprintf(want, sizeof want, "POST /echo?%zu\n", i);
        assert_ok(&replies[i], 200, NULL);
        assert_memory_equal(replies[i].body.data, want, strlen(want));
        http_reply_free(&replies[i]);
    }
    net_counts(&bench);
    assert_int_equal(net_count("tls.connections"), HTTP_CONNECTIONS_MAX);
    assert_int_equal(net_count("tls.requests"), COUNT);
    free(requests);
    free(replies);
    free(urls);
    net_close(&bench);
}

static void test_batch_of_many_fates(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, NULL);
    struct http_request requests[] = {
        {.method = HTTP_GET, .url = net_url("http", "refused", "/"), .timeout_ms = 5000},
        {.method = HTTP_GET, .url = net_url("http", "plain", "/echo"), .timeout_ms = 5000},
        {.method = HTTP_GET, .url = "nonsense", .timeout_ms = 5000},
        {.method = HTTP_GET, .url = net_url("http", "plain", "/hang"), .timeout_ms = 100},
        {.method = HTTP_GET, .url = net_url("http", "plain", "/cut"), .timeout_ms = 5000},
    };
    struct http_reply replies[5] = {0};
    bench.http.perform(bench.http.ctx, requests, replies, 5);
    assert_failed(&replies[0], ERR_NETWORK, "refused");
    assert_ok(&replies[1], 200, NULL);
    assert_failed(&replies[2], ERR_CONFIG, "nonsense");
    assert_failed(&replies[3], ERR_TIMEOUT, "no answer");
    assert_failed(&replies[4], ERR_NETWORK, "cut off");
    for (size_t i = 0; i < 5; i++)
        http_reply_free(&replies[i]);
    bench.http.perform(bench.http.ctx, requests, replies, 0);
    net_close(&bench);
}

/* Behind eight that hang: those that wait have all their own time, unless the total says otherwise. */
static void test_waiting_has_its_own_time(void **state)
{
    struct net_bench bench;
    struct http_request requests[17];
    struct http_reply replies[17] = {0};
    (void)state;
    net_open(&bench, NULL);
    for (size_t i = 0; i < 16; i++)
        requests[i] = (struct http_request){
            .method = HTTP_GET, .url = net_url("http", "plain", "/hang"), .timeout_ms = 200};
    requests[16] = (struct http_request){
        .method = HTTP_GET, .url = net_url("http", "plain", "/echo"), .timeout_ms = 200};
    int64_t start_ms = net_now_ms(&bench);
    bench.http.perform(bench.http.ctx, requests, replies, 17);
    assert_in_range(net_now_ms(&bench) - start_ms, 400, 1500);
    for (size_t i = 0; i < 16; i++)
        assert_failed(&replies[i], ERR_TIMEOUT, "no answer");
    assert_ok(&replies[16], 200, NULL);
    http_reply_free(&replies[16]);
    memset(replies, 0, sizeof replies);
    requests[16] = requests[0];
    for (size_t i = 0; i < 17; i++)
        requests[i].total_timeout_ms = 300;
    start_ms = net_now_ms(&bench);
    bench.http.perform(bench.http.ctx, requests, replies, 17);
    assert_in_range(net_now_ms(&bench) - start_ms, 290, 600);
    for (size_t i = 0; i < 17; i++)
        assert_failed(&replies[i], ERR_TIMEOUT, "no ");
    net_close(&bench);
}

/* ---- connections ---- */

static void test_connection_is_kept(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, "ca.pem");
    for (int i = 0; i < 5; i++) {
        struct http_reply reply = net_get(&bench, net_url("https", "tls", "/echo"));
        assert_ok(&reply, 200, NULL);
        http_reply_free(&reply);
    }
    net_counts(&bench);
    assert_int_equal(net_count("tls.connections"), 1);
    assert_int_equal(net_count("tls.handshakes"), 1);
    net_close(&bench);
}

/* The server closes a connection, with and without saying so: the next request opens another one. */
static void test_connection_that_ended(void **state)
{
    static const char *const paths[] = {"/bye", "/leave"};
    struct net_bench bench;
    (void)state;
    net_open(&bench, "ca.pem");
    for (size_t i = 0; i < 2; i++) {
        struct http_reply reply = net_get(&bench, net_url("https", "tls", paths[i]));
        assert_ok(&reply, 200, NULL);
        http_reply_free(&reply);
        reply = net_get(&bench, net_url("https", "tls", "/echo"));
        assert_ok(&reply, 200, NULL);
        http_reply_free(&reply);
    }
    net_close(&bench);
}

/* Opened in advance and used: one handshake, however long before it was opened (session tickets wait to be
 * read). */
static void check_warm(const char *scheme, const char *listener, size_t count, int64_t pause_ms)
{
    struct net_bench bench;
    char name[64];
    net_open(&bench, "ca.pem");
    for (size_t i = 0; i < count; i++)
        bench.http.connect(bench.http.ctx, net_url(scheme, listener, "/"), 1);
    struct http_reply reply = net_get(&bench, net_url("http", "plain", "/wait?300"));
    assert_ok(&reply, 200, "waited");
    http_reply_free(&reply);
    net_sleep_ms(&bench, pause_ms);
    for (int i = 0; i < 3; i++) {
        reply = net_ask(&bench, (struct http_request){.method = HTTP_POST,
                                                      .url = net_url(scheme, listener, "/signed"),
                                                      .body = "{}",
                                                      .body_len = 2,
                                                      .signer = &signer});
        assert_ok(&reply, 200, "ok");
        http_reply_free(&reply);
    }
    net_counts(&bench);
    (void)snprintf(name, sizeof name, "%s.connections", listener);
    assert_int_equal(net_count(name), 1);
    (void)snprintf(name, sizeof name, "%s.requests", listener);
    assert_int_equal(net_count(name), 3);
    net_close(&bench);
}

static void test_warm_connection_is_used(void **state)
{
    (void)state;
    check_warm("https", "tls", 1, 0);
    check_warm("https", "tls", 4, 0);
    check_warm("https", "tls", 1, 300);
    check_warm("https", "tls12", 1, 300);
    check_warm("http", "plain2", 1, 100);
}

/* The connection opens while another request is at work: both together take as long as the longer one. */
static void test_warm_up_overlaps(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, "ca.pem");
    int64_t start_ms = net_now_ms(&bench);
    bench.http.connect(bench.http.ctx, net_url("https", "slowtls", "/"), 1);
    struct http_reply reply = net_get(&bench, net_url("http", "plain", "/wait?500"));
    http_reply_free(&reply);
    reply = net_get(&bench, net_url("https", "slowtls", "/echo"));
    assert_ok(&reply, 200, NULL);
    http_reply_free(&reply);
    assert_in_range(net_now_ms(&bench) - start_ms, 500, 890);
    net_counts(&bench);
    assert_int_equal(net_count("slowtls.connections"), 1);
    net_close(&bench);
}

/* A request for a host whose connection is opening waits for it; those beyond open their own. */
static void test_request_waits_for_warm_up(void **state)
{
    struct net_bench bench;
    struct http_request requests[5];
    struct http_reply replies[5] = {0};
    (void)state;
    net_open(&bench, "ca.pem");
    bench.http.connect(bench.http.ctx, net_url("https", "slowtls", "/"), 1);
    struct http_reply reply = net_get(&bench, net_url("https", "slowtls", "/echo"));
    assert_ok(&reply, 200, NULL);
    http_reply_free(&reply);
    net_counts(&bench);
    assert_int_equal(net_count("slowtls.connections"), 1);
    net_close(&bench);

    net_open(&bench, "ca.pem");
    int64_t start_ms = net_now_ms(&bench);
    bench.http.connect(bench.http.ctx, net_url("https", "slowtls", "/"), 3);
    for (size_t i = 0; i < 5; i++)
        requests[i] = (struct http_request){
            .method = HTTP_GET, .url = net_url("https", "slowtls", "/wait?400"), .timeout_ms = 5000};
    bench.http.perform(bench.http.ctx, requests, replies, 5);
    assert_in_range(net_now_ms(&bench) - start_ms, 800, 1190);
    for (size_t i = 0; i < 5; i++) {
        assert_ok(&replies[i], 200, "waited");
        http_reply_free(&replies[i]);
    }
    net_counts(&bench);
    assert_int_equal(net_count("slowtls.connections"), 5);
    net_close(&bench);
}

static void test_many_warm_ups(void **state)
{
    struct net_bench bench;
    struct http_request requests[16];
    struct http_reply replies[16] = {0};
    (void)state;
    net_open(&bench, "ca.pem");
    struct http_reply reply = net_get(&bench, net_url("https", "slowtls", "/echo"));
    http_reply_free(&reply);
    bench.http.connect(bench.http.ctx, net_url("https", "slowtls", "/"), 1);
    bench.http.connect(bench.http.ctx, net_url("https", "slowtls", "/"), 3);
    bench.http.connect(bench.http.ctx, net_url("https", "slowtls", "/"), 100);
    reply = net_get(&bench, net_url("http", "plain", "/wait?600"));
    http_reply_free(&reply);
    net_sleep_ms(&bench, 50);
    int64_t start_ms = net_now_ms(&bench);
    for (size_t i = 0; i < 16; i++)
        requests[i] = (struct http_request){
            .method = HTTP_GET, .url = net_url("https", "slowtls", "/wait?50"), .timeout_ms = 5000};
    bench.http.perform(bench.http.ctx, requests, replies, 16);
    assert_in_range(net_now_ms(&bench) - start_ms, 100, 490);
    for (size_t i = 0; i < 16; i++) {
        assert_ok(&replies[i], 200, "waited");
        http_reply_free(&replies[i]);
    }
    net_counts(&bench);
    assert_int_equal(net_count("slowtls.connections"), HTTP_CONNECTIONS_MAX);
    assert_int_equal(net_count("slowtls.handshakes"), HTTP_CONNECTIONS_MAX);
    net_close(&bench);
}

/* Requests and connections in advance in all proportions: each request gets its own answer. */
static void test_mixture(void **state)
{
    enum { ROUNDS = 60, COUNT = 12 };
    struct net_bench bench;
    struct http_request requests[COUNT];
    struct http_reply replies[COUNT];
    char urls[COUNT][NET_URL_MAX], want[64];
    (void)state;
    for (size_t round = 0; round < ROUNDS; round++) {
        const char *base =
            round % 3 == 0 ? net_url("https", "rsa", "/echo") : net_url("http", "plain2", "/echo");
        size_t at = 0;
        net_open(&bench, "ca.pem");
        while (at < COUNT) {
            size_t batch = 1 + (round + at) % 4;
            if (batch > COUNT - at)
                batch = COUNT - at;
            bench.http.connect(bench.http.ctx, base, 1 + (round * 7 + at) % 6);
            for (size_t i = at; i < at + batch; i++) {
                (void)snprintf(urls[i], NET_URL_MAX, "%s?%zu", base, i);
                requests[i] = (struct http_request){.method = HTTP_GET, .url = urls[i], .timeout_ms = 10000};
                replies[i] = (struct http_reply){0};
            }
            bench.http.perform(bench.http.ctx, requests + at, replies + at, batch);
            at += batch;
        }
        for (size_t i = 0; i < COUNT; i++) {
            (void)snprintf(want, sizeof want, "GET /echo?%zu\n", i);
            assert_ok(&replies[i], 200, NULL);
            assert_memory_equal(replies[i].body.data, want, strlen(want));
            http_reply_free(&replies[i]);
        }
        net_counts(&bench);
        /* Counted are all that were ever opened; one that was taken for ended just before its use is
         * replaced. */
        assert_in_range(net_count(round % 3 == 0 ? "rsa.connections" : "plain2.connections"), 1,
                        HTTP_CONNECTIONS_MAX + 2);
        net_close(&bench);
    }
}

/* A warm-up that fails says nothing; the request meets the fault itself, and no later than without it. */
static void test_warm_up_that_fails(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, "ca.pem");
    bench.http.connect(bench.http.ctx, "nonsense", 1);
    bench.http.connect(bench.http.ctx, net_url("https", "refused", "/"), 2);
    bench.http.connect(bench.http.ctx, net_url("https", "untrusted", "/"), 1);
    struct http_reply reply = net_get(&bench, net_url("https", "refused", "/"));
    assert_failed(&reply, ERR_NETWORK, "refused");
    reply = net_get(&bench, net_url("https", "untrusted", "/"));
    assert_failed(&reply, ERR_TLS, "is not trusted");
    net_close(&bench);

    net_open(&bench, "ca.pem");
    bench.http.connect(bench.http.ctx, net_url("https", "blackhole", "/"), 2);
    struct http_request request = {.method = HTTP_GET,
                                   .url = net_url("https", "blackhole", "/"),
                                   .timeout_ms = 300,
                                   .connect_timeout_ms = 150};
    check_timeout(&bench, request, "no connection to '127.0.0.1:", 150);
    check_timeout(&bench, request, "no connection to '127.0.0.1:", 150);
    net_close(&bench);
}

/* The server hangs up on a connection that nobody used yet: one more connection, and no error. */
static void test_warm_connection_that_ended(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, "ca.pem");
    bench.http.connect(bench.http.ctx, net_url("https", "impatient", "/"), 2);
    struct http_reply reply = net_get(&bench, net_url("http", "plain", "/wait?300"));
    http_reply_free(&reply);
    reply = net_get(&bench, net_url("https", "impatient", "/echo"));
    assert_ok(&reply, 200, NULL);
    http_reply_free(&reply);
    net_close(&bench);
}

/* ---- proxies ---- */

static void test_proxies(void **state)
{
    struct net_bench bench;
    char proxy[64], refusing[64];
    (void)state;
    (void)snprintf(proxy, sizeof proxy, "http://user:pass@127.0.0.1:%d", net_port("proxy"));
    (void)snprintf(refusing, sizeof refusing, "http://127.0.0.1:%d", net_port("proxy407"));
    net_open(&bench, "ca.pem");
    fake_set(&bench.fake, "https_proxy", proxy);
    fake_set(&bench.fake, "http_proxy", refusing);
    bench.http.connect(bench.http.ctx, net_url("https", "rsa", "/"), 1);
    struct http_reply reply = net_get(&bench, net_url("https", "rsa", "/echo"));
    assert_ok(&reply, 200, NULL);
    assert_null(strstr(reply.headers.data, "X-Proxy"));
    assert_null(strstr(reply.body.data, "Proxy-"));
    http_reply_free(&reply);
    reply = net_get(&bench, net_url("http", "plain", "/echo"));
    assert_ok(&reply, 407, NULL);
    http_reply_free(&reply);
    reply = net_ask(
        &bench,
        (struct http_request){.method = HTTP_GET, .url = net_url("http", "plain", "/echo"), .direct = true});
    assert_ok(&reply, 200, NULL);
    http_reply_free(&reply);
    net_counts(&bench);
    assert_int_equal(net_count("proxy.CONNECT"), 1);
    assert_int_equal(net_count("proxy.authorized"), 1);
    assert_int_equal(net_count("rsa.connections"), 1);
    assert_int_equal(net_count("proxy407.GET"), 1);
    net_close(&bench);

    net_open(&bench, "ca.pem");
    fake_set(&bench.fake, "HTTPS_PROXY", refusing);
    fake_set(&bench.fake, "HTTP_PROXY", refusing);
    reply = net_get(&bench, net_url("https", "rsa", "/echo"));
    assert_failed(&reply, ERR_NETWORK, "the proxy refuses a connection to '127.0.0.1:");
    reply = net_get(&bench, net_url("http", "plain", "/echo"));
    assert_ok(&reply, 200, NULL);
    http_reply_free(&reply);
    net_close(&bench);

    net_open(&bench, "ca.pem");
    fake_set(&bench.fake, "HTTPS_PROXY", refusing);
    fake_set(&bench.fake, "no_proxy", "10.0.0.0/8,127.0.0.1");
    reply = net_get(&bench, net_url("https", "rsa", "/echo"));
    assert_ok(&reply, 200, NULL);
    http_reply_free(&reply);
    net_close(&bench);
}

static void test_trace(void **state)
{
    struct net_bench bench;
    char want[128];
    (void)state;
    net_open(&bench, "ca.pem");
    bench.http.connect(bench.http.ctx, net_url("https", "tls", "/"), 1);
    struct http_reply reply = net_get(&bench, net_url("https", "tls", "/status?404"));
    http_reply_free(&reply);
    (void)snprintf(want, sizeof want, "connected to 127.0.0.1:%d in ", net_port("tls"));
    assert_memory_equal(bench.traced.data, want, strlen(want));
    assert_non_null(strstr(bench.traced.data, " ms (TLSv1.3)\n"));
    (void)snprintf(want, sizeof want, "GET 127.0.0.1:%d -> 404 in ", net_port("tls"));
    assert_non_null(strstr(bench.traced.data, want));
    net_close(&bench);
}

static void test_sha256(void **state)
{
    static const unsigned char want[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                           0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                           0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    unsigned char digest[32];
    (void)state;
    http_sha256("abc", 3, digest);
    assert_memory_equal(digest, want, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_large_body),
        cmocka_unit_test(test_statuses_are_replies),
        cmocka_unit_test(test_redirect_is_not_followed),
        cmocka_unit_test(test_odd_but_whole),
        cmocka_unit_test(test_secret_reply),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_signed_headers),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_reply_of_just_the_limit),
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_unknown_host),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_batch_overlaps),
        cmocka_unit_test(test_large_batch),
        cmocka_unit_test(test_batch_of_many_fates),
        cmocka_unit_test(test_waiting_has_its_own_time),
        cmocka_unit_test(test_connection_is_kept),
        cmocka_unit_test(test_connection_that_ended),
        cmocka_unit_test(test_warm_connection_is_used),
        cmocka_unit_test(test_warm_up_overlaps),
        cmocka_unit_test(test_request_waits_for_warm_up),
        cmocka_unit_test(test_many_warm_ups),
        cmocka_unit_test(test_mixture),
        cmocka_unit_test(test_warm_up_that_fails),
        cmocka_unit_test(test_warm_connection_that_ended),
        cmocka_unit_test(test_proxies),
        cmocka_unit_test(test_trace),
        cmocka_unit_test(test_sha256),
    };
    return cmocka_run_group_tests(tests, net_server_start, net_server_stop);
}
