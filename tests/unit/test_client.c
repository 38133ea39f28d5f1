#include "aws/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"

#define URL       "https://ssm.eu-west-1.amazonaws.com/"
#define THROTTLED "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}"
#define EXPIRED   "{\"__type\":\"ExpiredTokenException\",\"message\":\"expired\"}"
#define TOO_OLD                                                                                              \
    "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature expired: a is now earlier than b\"}"

/* Draws the whole back-off each time: it is one below a multiple of 100, 200, ... 1600 and 2000. */
enum { DRAW_ALL = 15999, DRAW_LEAST = 0 };

#define HOUR_MS INT64_C(3600000)

struct fixture {
    struct fake fake;
    struct aws_session session;
    struct aws_client client;
    size_t refreshes;
    bool refresh_fails;
};

static bool refresh(void *ctx, struct credentials *out, struct err *err)
{
    struct fixture *f = ctx;
    f->refreshes++;
    if (f->refresh_fails)
        return err_set(err, ERR_NO_CREDENTIALS, "no role");
    out->access_key = text_dup("AKIDFRESH");
    out->secret_key = text_dup("fresh");
    return true;
}

static void start(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    fake_start(&f->fake);
    f->fake.random = DRAW_ALL;
    f->fake.io.timeout_ms = FAKE_DEADLINE_MS;
    f->session.io = &f->fake.io;
    f->session.credentials.access_key = text_dup("AKIDFIRST");
    f->session.credentials.secret_key = text_dup("secret");
    f->session.credentials.session_token = text_dup("token");
    f->session.refresh_ctx = f;
    f->client.session = &f->session;
    f->client.endpoint = (struct endpoint){.url = "https://ssm.eu-west-1.amazonaws.com",
                                           .signing_region = "eu-west-1",
                                           .signing_service = "ssm"};
}

static void end(struct fixture *f)
{
    credentials_free(&f->session.credentials);
    fake_end(&f->fake);
}

static struct aws_call call_with(const char *body)
{
    return (struct aws_call){.action = "TerminateSession",
                             .method = HTTP_POST,
                             .headers = {"Content-Type: application/x-amz-json-1.1"},
                             .header_count = 1,
                             .body = body,
                             .body_len = strlen(body)};
}

/* One call, whose outcome is err. */
static struct err call(struct fixture *f)
{
    struct aws_call one = call_with("{}");
    struct http_reply reply = {0};
    struct err err;
    memset(&err, 'x', sizeof err);
    bool ok = aws_call_one(&f->client, &one, &reply, &err);
    assert_int_equal(ok, err.code == ERR_NONE);
    http_reply_free(&reply);
    return err;
}

static void answer(struct fixture *f, int times, int status, const char *headers, const char *body)
{
    fake_add(&f->fake, (struct fake_reply){.method = HTTP_POST,
                                           .url = URL,
                                           .times = times,
                                           .status = status,
                                           .headers = headers,
                                           .body = body});
}

static int64_t gap_ms(const struct fixture *f, size_t request)
{
    return f->fake.requests[request].at_ms - f->fake.requests[request - 1].at_ms;
}

static void test_one_call(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    fake_add(&f.fake, (struct fake_reply){
                          .method = HTTP_POST, .url = URL, .status = 201, .body = "answer", .takes_ms = 20});
    struct aws_call one = call_with("{\"a\":1}");
    one.secret = true;
    struct http_reply reply = {0};
    struct err err = {.code = ERR_IO};
    assert_true(aws_call_one(&f.client, &one, &reply, &err));
    assert_int_equal(err.code, ERR_NONE);
    assert_int_equal(reply.status, 201);
    assert_string_equal(buf_text(&reply.body), "answer");
    http_reply_free(&reply);
    assert_int_equal(f.fake.request_count, 1);
    const struct fake_request *request = &f.fake.requests[0];
    assert_string_equal(request->body, "{\"a\":1}");
    assert_string_equal(fake_header(&f.fake, 0, "content-type"), "application/x-amz-json-1.1");
    assert_string_equal(request->signing, "eu-west-1/ssm");
    assert_string_equal(request->access_key, "AKIDFIRST");
    assert_string_equal(request->session_token, "token");
    assert_int_equal(request->signed_ms, FAKE_WALL_MS);
    assert_int_equal(request->timeout_ms, 5000);
    assert_int_equal(request->connect_timeout_ms, 3000);
    assert_int_equal(request->total_timeout_ms, 10000);
    assert_true(request->secret);
    assert_false(request->direct);
    assert_int_equal(f.fake.sleeps, 0);
    end(&f);
}

static void test_paths_and_clients(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    struct aws_client other = {.session = &f.session,
                               .endpoint = {.url = "https://ssm.us-east-1.amazonaws.com",
                                            .signing_region = "us-east-1",
                                            .signing_service = "ssm"}};
    fake_add(&f.fake, (struct fake_reply){.method = HTTP_POST, .url = URL "a/b?c=d"});
    fake_add(&f.fake,
             (struct fake_reply){.method = HTTP_POST, .url = "https://ssm.us-east-1.amazonaws.com/"});
    struct aws_call calls[2] = {call_with("1"), call_with("2")};
    struct aws_result results[2];
    memset(results, 0, sizeof results);
    calls[0].path = "/a/b?c=d";
    calls[0].unsigned_call = true;
    calls[1].client = &other;
    assert_true(aws_call_all(&f.client, calls, results, 2));
    assert_int_equal(f.fake.batches, 1);
    assert_null(f.fake.requests[0].access_key);
    assert_string_equal(f.fake.requests[1].signing, "us-east-1/ssm");
    http_reply_free(&results[0].reply);
    http_reply_free(&results[1].reply);
    assert_true(aws_call_all(&f.client, NULL, NULL, 0));
    end(&f);
}

static void test_backs_off(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    answer(&f, 3, 500, "", "");
    answer(&f, 0, 200, "", "");
    assert_int_equal(call(&f).code, ERR_NONE);
    assert_int_equal(f.fake.request_count, 4);
    assert_int_equal(gap_ms(&f, 1), 100);
    assert_int_equal(gap_ms(&f, 2), 200);
    assert_int_equal(gap_ms(&f, 3), 400);
    assert_int_equal(f.fake.requests[3].signed_ms, FAKE_WALL_MS + 700); /* signed anew */
    end(&f);

    start(&f);
    answer(&f, 2, 400, "", THROTTLED);
    fake_add(&f.fake, (struct fake_reply){.method = HTTP_POST, .url = URL, .times = 1, .error = ERR_NETWORK});
    answer(&f, 1, 429, "", "");
    answer(&f, 0, 200, "", "");
    assert_int_equal(call(&f).code, ERR_NONE);
    assert_int_equal(f.fake.request_count, 5);
    assert_int_equal(gap_ms(&f, 1), 200);
    assert_int_equal(gap_ms(&f, 2), 400);
    assert_int_equal(gap_ms(&f, 3), 400); /* a lost connection */
    assert_int_equal(gap_ms(&f, 4), 1600);
    end(&f);

    start(&f);
    f.fake.random = DRAW_LEAST; /* full jitter */
    answer(&f, 3, 500, "", "");
    answer(&f, 0, 200, "", "");
    assert_int_equal(call(&f).code, ERR_NONE);
    assert_int_equal(f.fake.slept_ms, 3);
    end(&f);
}

static void test_as_many_tries_as_are_wanted(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    f.client.tries_max = 2;
    answer(&f, 0, 400, "", THROTTLED);
    struct err err = call(&f);
    assert_int_equal(err.code, ERR_THROTTLED);
    assert_string_equal(err.message, "ThrottlingException for ssm:TerminateSession: Rate exceeded");
    assert_int_equal(f.fake.request_count, 2);
    assert_int_equal(f.fake.slept_ms, 200); /* between the two, and not behind the last one */
    end(&f);
}

static void test_throttled_past_the_deadline(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    answer(&f, 0, 400, "", "{\"__type\":\"ThrottlingException\"}");
    struct err err = call(&f);
    assert_int_equal(err.code, ERR_THROTTLED);
    assert_string_equal(err.service_code, "ThrottlingException");
    assert_string_equal(
        err.message,
        "throttled past the deadline of 10 s: ThrottlingException for ssm:TerminateSession (9 tries)");
    /* 200 400 800 1600 2000 2000 2000, and a last one 300 ms before the end; nothing waits behind that */
    assert_int_equal(f.fake.request_count, 9);
    assert_int_equal(f.fake.requests[8].at_ms, FAKE_MONO_MS + 9700);
    assert_int_equal(f.fake.mono_ms, FAKE_MONO_MS + 9700);
    assert_int_equal(f.fake.requests[8].timeout_ms, 300);
    end(&f);

    start(&f);
    f.fake.io.timeout_ms = 0;
    f.fake.mono_ms += 9900;
    answer(&f, 0, 503, "", "");
    err = call(&f);
    assert_int_equal(err.code, ERR_SERVER);
    assert_string_equal(err.message,
                        "failing past the deadline: HTTP status 503 for ssm:TerminateSession (1 try)");
    assert_int_equal(f.fake.requests[0].timeout_ms, 100);
    assert_int_equal(f.fake.requests[0].connect_timeout_ms, 100);
    assert_int_equal(f.fake.sleeps, 0);
    end(&f);
}

static void test_hangs_past_the_deadline(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    fake_add(&f.fake, (struct fake_reply){.method = HTTP_POST, .url = URL, .takes_ms = 60000});
    struct err err = call(&f);
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_non_null(
        strstr(err.message, "no answer within the deadline of 10 s: ssm:TerminateSession: no answer in "));
    assert_true(f.fake.mono_ms <= f.fake.io.deadline_ms);
    assert_true(f.fake.request_count >= 4);
    assert_int_equal(f.fake.requests[0].timeout_ms, 5000);
    assert_int_equal(f.fake.requests[1].timeout_ms, 2450);
    end(&f);

    start(&f);
    f.session.call_timeout_ms = 8000;
    fake_add(&f.fake, (struct fake_reply){.method = HTTP_POST, .url = URL, .takes_ms = 60000});
    err = call(&f);
    assert_int_equal(f.fake.requests[0].timeout_ms, 8000);
    assert_int_equal(f.fake.requests[1].timeout_ms, 1900);
    assert_int_equal(f.fake.mono_ms, f.fake.io.deadline_ms);
    assert_non_null(strstr(err.message, "(2 tries)"));
    end(&f);

    start(&f);
    f.fake.mono_ms = f.fake.io.deadline_ms;
    err = call(&f);
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_string_equal(err.message, "the deadline is over: ssm:TerminateSession was not tried");
    assert_int_equal(f.fake.request_count, 0);
    end(&f);
}

static void test_what_is_never_tried_again(void **state)
{
    (void)state;
    static const enum err_code codes[] = {ERR_TLS, ERR_MALFORMED, ERR_NOMEM};
    struct fixture f;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        start(&f);
        fake_add(&f.fake, (struct fake_reply){.method = HTTP_POST, .url = URL, .error = codes[i]});
        struct err err = call(&f);
        assert_int_equal(err.code, codes[i]);
        assert_string_equal(err.message, "ssm:TerminateSession: a failure of the script");
        assert_int_equal(f.fake.request_count, 1);
        end(&f);
    }
    static const struct {
        const char *body;
        int status;
        enum err_code code;
    } refusals[] = {
        {"{\"__type\":\"AccessDeniedException\"}", 400, ERR_DENIED},
        {"{\"__type\":\"ValidationException\"}", 400, ERR_SERVICE},
        {"{\"__type\":\"InvalidSignatureException\",\"message\":\"do not match\"}", 400, ERR_SERVICE},
        {EXPIRED, 400, ERR_EXPIRED},
        {"", 302, ERR_SERVICE},
        {"", 404, ERR_NOT_FOUND},
        {"", 100, ERR_SERVICE},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        start(&f);
        answer(&f, 0, refusals[i].status, "Date: Sun, 22 Nov 2026 12:03:00 GMT\n", refusals[i].body);
        assert_int_equal(call(&f).code, refusals[i].code);
        assert_int_equal(f.fake.request_count, 1);
        assert_int_equal(f.fake.sleeps, 0);
        end(&f);
    }
}

static void test_plain_http_only_where_given(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    f.client.endpoint = (struct endpoint){.url = "http://localhost:1", .signing_service = "ssm"};
    struct err err = call(&f);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_int_equal(f.fake.request_count, 0);
    f.client.endpoint.given = true;
    fake_add(&f.fake, (struct fake_reply){.method = HTTP_POST, .url = "http://localhost:1/"});
    assert_int_equal(call(&f).code, ERR_NONE);
    memcpy(f.client.endpoint.url, "ftp://x", 8);
    assert_int_equal(call(&f).code, ERR_CONFIG);
    end(&f);
}

static void test_a_batch_leaves_no_call_behind(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    fake_add(&f.fake,
             (struct fake_reply){.method = HTTP_POST, .url = URL, .body_has = "hole", .takes_ms = 60000});
    fake_add(&f.fake, (struct fake_reply){.method = HTTP_POST,
                                          .url = URL,
                                          .body_has = "slow down",
                                          .times = 2,
                                          .status = 400,
                                          .body = THROTTLED});
    fake_add(&f.fake, (struct fake_reply){.method = HTTP_POST,
                                          .url = URL,
                                          .body_has = "denied",
                                          .status = 400,
                                          .body = "{\"__type\":\"AccessDeniedException\"}"});
    answer(&f, 0, 200, "", "done");
    struct aws_call calls[4] = {call_with("hole"), call_with("slow down"), call_with("denied"),
                                call_with("fine")};
    struct aws_result results[4];
    memset(results, 0, sizeof results);
    assert_false(aws_call_all(&f.client, calls, results, 4));
    assert_int_equal(results[0].err.code, ERR_TIMEOUT);
    assert_int_equal(results[1].err.code, ERR_NONE);
    assert_string_equal(buf_text(&results[1].reply.body), "done");
    assert_int_equal(results[2].err.code, ERR_DENIED);
    assert_int_equal(results[3].err.code, ERR_NONE);
    assert_true(f.fake.mono_ms <= f.fake.io.deadline_ms);
    size_t asked[4] = {0};
    for (size_t i = 0; i < f.fake.request_count; i++)
        for (size_t k = 0; k < 4; k++)
            asked[k] += strcmp(f.fake.requests[i].body, (const char *)calls[k].body) == 0;
    assert_int_equal(asked[1], 3);
    assert_int_equal(asked[2], 1);
    assert_int_equal(asked[3], 1);
    for (size_t k = 0; k < 4; k++)
        http_reply_free(&results[k].reply);
    end(&f);
}

static void test_corrects_the_clock(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    answer(&f, 2, 400, "Date: Sun, 22 Nov 2026 13:00:00 GMT\n", TOO_OLD);
    answer(&f, 0, 200, "", "");
    struct aws_call calls[2] = {call_with("1"), call_with("2")};
    struct aws_result results[2];
    memset(results, 0, sizeof results);
    assert_true(aws_call_all(&f.client, calls, results, 2)); /* both complained */
    assert_int_equal(f.fake.request_count, 4);
    assert_int_equal(f.fake.sleeps, 0);
    assert_int_equal(f.session.skew_ms, HOUR_MS);
    assert_int_equal(f.fake.requests[0].signed_ms, FAKE_WALL_MS);
    assert_int_equal(f.fake.requests[2].signed_ms, FAKE_WALL_MS + HOUR_MS);
    assert_int_equal(f.fake.requests[3].signed_ms, FAKE_WALL_MS + HOUR_MS);
    http_reply_free(&results[0].reply);
    http_reply_free(&results[1].reply);
    fake_forget(&f.fake);
    answer(&f, 0, 400, "Date: Sun, 22 Nov 2026 13:00:00 GMT\n", TOO_OLD); /* signed with this very time */
    struct err err = call(&f);
    assert_int_equal(err.code, ERR_SKEW);
    assert_int_equal(f.fake.request_count, 5);
    end(&f);
}

/* Behind one name stand many servers, and one of them may have a wrong clock. Not for ever. */
static void test_believes_another_server_next(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    f.client.tries_max = 1; /* what is mended is no try */
    answer(&f, 1, 400, "Date: Sun, 22 Nov 2026 13:00:00 GMT\n", TOO_OLD);
    answer(&f, 1, 400, "Date: Sun, 22 Nov 2026 12:00:00 GMT\n", TOO_OLD);
    answer(&f, 1, 200, "", "");
    struct err err = call(&f);
    assert_int_equal(err.code, ERR_NONE);
    assert_int_equal(f.fake.request_count, 3);
    assert_int_equal(f.fake.requests[1].signed_ms, FAKE_WALL_MS + HOUR_MS);
    assert_int_equal(f.fake.requests[2].signed_ms, FAKE_WALL_MS);
    assert_int_equal(f.session.skew_ms, 0);
    answer(&f, 1, 400, "Date: Sun, 22 Nov 2026 13:00:00 GMT\n", TOO_OLD);
    answer(&f, 1, 400, "Date: Sun, 22 Nov 2026 12:00:00 GMT\n", TOO_OLD);
    answer(&f, 1, 400, "Date: Sun, 22 Nov 2026 12:30:00 GMT\n", TOO_OLD);
    err = call(&f);
    assert_int_equal(err.code, ERR_SKEW);
    assert_int_equal(f.fake.request_count, 6);
    assert_non_null(
        strstr(err.message, "the clock is 30m00s behind the service's: set it: InvalidSignatureException"));
    end(&f);
}

static void test_which_refusals_tell_of_skew(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        const char *date;
        bool again;
    } cases[] = {
        {"RequestTimeTooSkewed", "Date: Sun, 22 Nov 2026 11:00:00 GMT\n", true},
        {"RequestTimeTooSkewed", "Date: Sun, 22 Nov 2026 12:00:01 GMT\n", true},
        {"RequestTimeTooSkewed", "", false},
        {"RequestTimeTooSkewed", "Date: yesterday\n", false},
        {"RequestInTheFuture", "Date: Sun, 22 Nov 2026 11:00:00 GMT\n", true},
        {"SignatureDoesNotMatch", "Date: Sun, 22 Nov 2026 12:04:01 GMT\n", true},
        {"SignatureDoesNotMatch", "Date: Sun, 22 Nov 2026 12:03:59 GMT\n", false},
        {"SignatureDoesNotMatch", "Date: Sun, 22 Nov 2026 11:55:59 GMT\n", true},
        {"AuthFailure", "Date: Sun, 22 Nov 2026 13:00:00 GMT\n", true},
        {"AuthFailure", "Date: Sun, 22 Nov 2026 12:00:00 GMT\n", false},
        {"RequestExpired", "Date: Sun, 22 Nov 2026 13:00:00 GMT\n", true},
        {"RequestExpired", "Date: Sun, 22 Nov 2026 12:00:00 GMT\n", false},
        {"AccessDeniedException", "Date: Sun, 22 Nov 2026 13:00:00 GMT\n", false},
        {"ValidationException", "Date: Sun, 22 Nov 2026 13:00:00 GMT\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        struct buf body = {0};
        start(&f);
        buf_addf(&body, "{\"__type\":\"%s\"}", cases[i].code);
        answer(&f, 1, 403, cases[i].date, buf_text(&body));
        answer(&f, 0, 200, "", "");
        struct err err = call(&f);
        assert_int_equal(err.code == ERR_NONE, cases[i].again);
        assert_int_equal(f.fake.request_count, cases[i].again ? 2 : 1);
        assert_int_equal(f.session.skew_corrections, cases[i].again);
        buf_free(&body);
        end(&f);
    }
}

static void test_fetches_credentials_afresh_once(void **state)
{
    (void)state;
    static const char *const codes[] = {"ExpiredTokenException", "ExpiredToken", "RequestExpired",
                                        "UnrecognizedClientException", "InvalidClientTokenId"};
    struct fixture f;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct buf body = {0};
        start(&f);
        f.session.refresh = refresh;
        buf_addf(&body, "{\"__type\":\"%s\"}", codes[i]);
        answer(&f, 2, 400, "", buf_text(&body));
        answer(&f, 1, 200, "", "");
        struct aws_call calls[2] = {call_with("1"), call_with("2")};
        struct aws_result results[2];
        memset(results, 0, sizeof results);
        answer(&f, 1, 200, "", "");
        assert_true(aws_call_all(&f.client, calls, results, 2));
        assert_int_equal(f.refreshes, 1);
        assert_int_equal(f.fake.request_count, 4);
        assert_int_equal(f.fake.sleeps, 0);
        assert_string_equal(f.fake.requests[3].access_key, "AKIDFRESH");
        assert_null(f.fake.requests[3].session_token);
        http_reply_free(&results[0].reply);
        http_reply_free(&results[1].reply);
        answer(&f, 0, 400, "", EXPIRED); /* once a run */
        assert_int_equal(call(&f).code, ERR_EXPIRED);
        assert_int_equal(f.refreshes, 1);
        assert_int_equal(f.fake.request_count, 5);
        buf_free(&body);
        end(&f);
    }
    start(&f);
    f.session.refresh = refresh;
    f.refresh_fails = true;
    answer(&f, 0, 400, "", EXPIRED);
    struct err err = call(&f);
    assert_int_equal(err.code, ERR_EXPIRED);
    assert_string_equal(err.service_code, "ExpiredTokenException");
    assert_string_equal(
        err.message,
        "no fresh credentials (no role): ExpiredTokenException for ssm:TerminateSession: expired");
    assert_int_equal(f.fake.request_count, 1);
    assert_string_equal(f.session.credentials.access_key, "AKIDFIRST");
    end(&f);
}

static void test_skew_and_expiry_in_one_call(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    f.session.refresh = refresh;
    answer(&f, 1, 400, "Date: Sun, 22 Nov 2026 11:00:00 GMT\n", TOO_OLD);
    answer(&f, 1, 400, "", EXPIRED);
    answer(&f, 1, 500, "", "");
    answer(&f, 1, 200, "", "");
    assert_int_equal(call(&f).code, ERR_NONE);
    assert_int_equal(f.fake.request_count, 4);
    assert_int_equal(f.fake.requests[3].signed_ms, f.fake.wall_ms - HOUR_MS);
    assert_string_equal(f.fake.requests[3].access_key, "AKIDFRESH");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_call),
        cmocka_unit_test(test_paths_and_clients),
        cmocka_unit_test(test_backs_off),
        cmocka_unit_test(test_as_many_tries_as_are_wanted),
        cmocka_unit_test(test_throttled_past_the_deadline),
        cmocka_unit_test(test_hangs_past_the_deadline),
        cmocka_unit_test(test_what_is_never_tried_again),
        cmocka_unit_test(test_plain_http_only_where_given),
        cmocka_unit_test(test_a_batch_leaves_no_call_behind),
        cmocka_unit_test(test_corrects_the_clock),
        cmocka_unit_test(test_believes_another_server_next),
        cmocka_unit_test(test_which_refusals_tell_of_skew),
        cmocka_unit_test(test_fetches_credentials_afresh_once),
        cmocka_unit_test(test_skew_and_expiry_in_one_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
