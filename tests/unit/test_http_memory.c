// link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
/* The transport where memory runs out, and what it leaves behind in memory that it has released. */
#define _GNU_SOURCE /* memmem, for alloc.h */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "net/wiped.h"
#include "net_bench.h"

static const struct http_signer signer = {.access_key = "AKIDEXAMPLE",
                                          .secret_key = "secret/KEY+1",
                                          .session_token = "TOKEN-of-the-session",
                                          .region = "eu-west-1",
                                          .service = "ssm",
                                          .time_ms = INT64_C(1795365243000)};

/* What a run does: a connection in advance, a request meanwhile, then signed ones. Returns how many
 * succeeded. */
static int run(const struct http_config *config, const char *plain, const char *signed_url)
{
    struct http http = {0};
    struct err err = {0};
    int succeeded = 0;
    if (!http_open(&http, config, &err)) {
        assert_int_not_equal(err.code, ERR_NONE);
        return 0;
    }
    http.connect(http.ctx, signed_url, 1);
    struct http_request requests[3] = {{.method = HTTP_GET, .url = plain, .timeout_ms = 5000}};
    requests[1] = (struct http_request){.method = HTTP_POST,
                                        .url = signed_url,
                                        .body = "{}",
                                        .body_len = 2,
                                        .signer = &signer,
                                        .secret = true,
                                        .timeout_ms = 5000};
    requests[2] = requests[1];
    struct http_reply replies[3] = {0};
    http.perform(http.ctx, requests, replies, 1);
    http.perform(http.ctx, requests + 1, replies + 1, 2);
    for (size_t i = 0; i < 3; i++) {
        if (replies[i].err.code == ERR_NONE) {
            assert_int_equal(replies[i].status, 200);
            assert_true(replies[i].body.len > 0);
            succeeded++;
        } else {
            assert_int_equal(replies[i].body.len, 0);
        }
        http_reply_free(&replies[i]);
    }
    http_close(&http);
    return succeeded;
}

static void test_each_allocation_fails(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, NULL);
    bench.config.trace = NULL;
    int succeeded = -1;
    ALLOC_FAIL_EACH(succeeded = run(&bench.config, net_url("http", "plain", "/echo"),
                                    net_url("http", "plain2", "/echo")));
    assert_int_equal(succeeded, 3);
    net_close(&bench);
}

/* A handshake asks for memory thousands of times: some of them. */
static void test_allocations_of_tls_fail(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, "ca.pem");
    bench.config.trace = NULL;
    int succeeded = -1;
    for (size_t n = 0;; n += 1 + n / 12) {
        alloc_fail(n);
        succeeded = run(&bench.config, net_url("http", "plain", "/echo"), net_url("https", "rsa", "/echo"));
        if (!alloc_done())
            break;
    }
    assert_int_equal(succeeded, 3);
    net_close(&bench);
}

static void look_for(struct net_bench *bench, const char *secret)
{
    alloc.secret = secret;
    alloc.leaked = false;
    assert_int_equal(run(&bench->config, net_url("http", "plain", "/echo"), net_url("https", "tls", "/echo")),
                     3);
    alloc.secret = NULL;
    if (alloc.leaked)
        fail_msg("'%s' was left in memory that was released", secret);
}

/* The echo brings the headers back, so replies hold the secrets as well. */
static void test_secrets_are_wiped(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, "ca.pem");
    look_for(&bench, "secret/KEY+1");
    look_for(&bench, "TOKEN-of-the-session");
    look_for(&bench, "Signature=");
    net_close(&bench);
}

static void test_wiped_memory(void **state)
{
    (void)state;
    char *block = wiped_strdup("a secret");
    assert_string_equal(block, "a secret");
    alloc.secret = "a secret";
    alloc.leaked = false;
    block = wiped_realloc(block, 100);
    assert_string_equal(block, "a secret");
    block = wiped_realloc(block, 4);
    assert_memory_equal(block, "a se", 4);
    wiped_free(block);
    wiped_free(NULL);
    assert_false(alloc.leaked);
    alloc.secret = NULL;
    block = wiped_realloc(NULL, 10);
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % alignof(max_align_t), 0);
    wiped_free(block);
    block = wiped_calloc(3, 5);
    for (size_t i = 0; i < 15; i++)
        assert_int_equal(block[i], 0);
    wiped_free(block);
    volatile size_t huge = SIZE_MAX;
    assert_null(wiped_malloc(huge));
    assert_null(wiped_calloc(huge / 2, 3));
    assert_null(wiped_calloc(1, huge - 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_fails),
        cmocka_unit_test(test_allocations_of_tls_fail),
        cmocka_unit_test(test_secrets_are_wiped),
        cmocka_unit_test(test_wiped_memory),
    };
    return cmocka_run_group_tests(tests, net_server_start, net_server_stop);
}
