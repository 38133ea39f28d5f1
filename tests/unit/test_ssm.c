#include "aws/ssm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"

#define URL   "https://ssm.eu-west-1.amazonaws.com/"
#define OWNER "arn:aws:sts::123456789012:assumed-role/Admin/jane"
#define SESSION(id, start)                                                                                   \
    "{\"SessionId\":\"" id "\",\"Target\":\"i-1\",\"Status\":\"Connected\",\"StartDate\":" start             \
    ",\"Owner\":\"" OWNER "\",\"Reason\":null,\"OutputUrl\":{},\"Details\":{\"Owner\":\"deep\"}}"

struct fixture {
    struct fake fake;
    struct aws_session session;
    struct aws_client client;
    struct session_list list;
    struct err err;
};

static void start(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    fake_start(&f->fake);
    f->session.io = &f->fake.io;
    f->session.credentials.access_key = text_dup("AKID");
    f->session.credentials.secret_key = text_dup("secret");
    f->client.session = &f->session;
    f->client.endpoint = (struct endpoint){.url = "https://ssm.eu-west-1.amazonaws.com",
                                           .signing_region = "eu-west-1",
                                           .signing_service = "ssm"};
}

static void end(struct fixture *f)
{
    session_list_free(&f->list);
    credentials_free(&f->session.credentials);
    fake_end(&f->fake);
}

static void answer(struct fixture *f, const char *body_has, int status, const char *body)
{
    fake_add(&f->fake,
             (struct fake_reply){
                 .method = HTTP_POST, .url = URL, .body_has = body_has, .status = status, .body = body});
}

static bool list(struct fixture *f)
{
    return ssm_list_sessions(&f->client, "i-1", &f->list, NULL, &f->err);
}

static void test_lists_one_page(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    answer(&f, NULL, 200,
           "{\"Sessions\":[" SESSION(
               "jane-1", "1795348800.123") ",{\"AccessType\":\"Standard\",\"Owner\":\"o\\u00e9\\\"\","
                                           "\"DocumentName\":\"SSM-SessionManagerRunShell\",\"StartDate\":1."
                                           "7953488E9,\"Status\":\"Terminating\",\"Target\":"
                                           "\"mi-2\",\"Session\\u0049d\":\"b\"}]}");
    assert_true(list(&f));
    assert_int_equal(f.err.code, ERR_NONE);
    assert_int_equal(f.list.count, 2);
    const struct session *session = &f.list.sessions[0];
    assert_string_equal(session->id, "jane-1");
    assert_string_equal(session->target, "i-1");
    assert_string_equal(session->owner, OWNER);
    assert_string_equal(session->status_text, "Connected");
    assert_int_equal(session->status, SESSION_CONNECTED);
    assert_int_equal(session->start_ms, INT64_C(1795348800123));
    assert_null(session->document_name);
    session = &f.list.sessions[1];
    assert_string_equal(session->id, "b");
    assert_string_equal(session->owner, "oé\"");
    assert_string_equal(session->target, "mi-2");
    assert_int_equal(session->status, SESSION_TERMINATING);
    assert_int_equal(session->start_ms, INT64_C(1795348800000));
    assert_string_equal(session->document_name, "SSM-SessionManagerRunShell");
    assert_int_equal(f.fake.request_count, 1);
    assert_string_equal(
        f.fake.requests[0].body,
        "{\"State\":\"Active\",\"MaxResults\":200,\"Filters\":[{\"key\":\"Target\",\"value\":\"i-1\"}]}");
    assert_string_equal(fake_header(&f.fake, 0, "X-Amz-Target"), "AmazonSSM.DescribeSessions");
    assert_string_equal(fake_header(&f.fake, 0, "Content-Type"), "application/x-amz-json-1.1");
    end(&f);
}

static void test_follows_the_token(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    answer(&f, "\"NextToken\":\"two\\\"\"", 200,
           "{\"Sessions\":[],\"NextToken\":\"three\"}"); /* empty, and goes on */
    answer(&f, "\"NextToken\":\"three\"", 200,
           "{\"NextToken\":\"\",\"Sessions\":[" SESSION("b", "2") "," SESSION("a", "1") "]}");
    answer(&f, NULL, 200, "{\"Sessions\":[" SESSION("a", "1") "],\"NextToken\":\"two\\\"\"}");
    assert_true(list(&f));
    assert_int_equal(f.fake.request_count, 3);
    assert_int_equal(f.list.count, 2); /* `a` stands on two pages and counts once */
    assert_string_equal(f.list.sessions[0].id, "a");
    assert_string_equal(f.list.sessions[1].id, "b");
    end(&f);

    start(&f);
    answer(&f, NULL, 200, "{\"Sessions\":[],\"NextToken\":null}");
    assert_true(list(&f));
    assert_int_equal(f.list.count, 0);
    end(&f);
}

static void test_a_token_that_repeats(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    answer(&f, "\"NextToken\":\"c\"", 200, "{\"Sessions\":[" SESSION("a", "1") "],\"NextToken\":\"b\"}");
    answer(&f, "\"NextToken\":\"b\"", 200, "{\"Sessions\":[],\"NextToken\":\"c\"}");
    answer(&f, NULL, 200, "{\"Sessions\":[],\"NextToken\":\"b\"}");
    assert_false(list(&f));
    assert_int_equal(f.err.code, ERR_MALFORMED);
    assert_string_equal(f.err.message,
                        "malformed reply of ssm:DescribeSessions: the NextToken of page 3 repeats");
    assert_int_equal(f.fake.request_count, 3);
    end(&f);
}

static void test_incomplete_sessions(void **state)
{
    (void)state;
#define GOOD SESSION("first", "1")
#define REST "\"Target\":\"i-1\",\"Status\":\"Connected\",\"StartDate\":1"
    static const struct {
        const char *session;
        const char *what;
    } cases[] = {
        {"{\"Owner\":\"o\"," REST "}", "(``) lacks SessionId"},
        {"{\"SessionId\":\"\",\"Owner\":\"o\"," REST "}", "(``) lacks SessionId"},
        {"{\"SessionId\":7,\"Owner\":\"o\"," REST "}", "(``) lacks SessionId"},
        {"{\"SessionId\":\"s\"," REST "}", "(`s`) lacks Owner"},
        {"{\"SessionId\":\"s\",\"Owner\":null," REST "}", "(`s`) lacks Owner"},
        {"{\"SessionId\":\"s\",\"owner\":\"o\"," REST "}", "(`s`) lacks Owner"},
        {"{\"SessionId\":\"s\",\"Owner\":\"o\",\"Owner\":{}," REST "}", "(`s`) lacks Owner"},
        {"{\"SessionId\":\"s\",\"Owner\":\"o\",\"Target\":[],\"Status\":\"Connected\",\"StartDate\":1}",
         "(`s`) lacks Target"},
        {"{\"SessionId\":\"s\",\"Owner\":\"o\",\"Target\":\"i\",\"StartDate\":1}", "(`s`) lacks Status"},
        {"{\"SessionId\":\"s\",\"Owner\":\"o\",\"Target\":\"i\",\"Status\":\"\",\"StartDate\":1}",
         "(`s`) lacks Status"},
        {"{\"SessionId\":\"s\",\"Owner\":\"o\",\"Target\":\"i\",\"Status\":\"x\"}", "(`s`) lacks StartDate"},
        {"{\"SessionId\":\"s\",\"Owner\":\"o\",\"Target\":\"i\",\"Status\":\"x\",\"StartDate\":\"1\"}",
         "(`s`) lacks StartDate"},
        {"{\"SessionId\":\"s\",\"Owner\":\"o\",\"Target\":\"i\",\"Status\":\"x\",\"StartDate\":-1}",
         "(`s`) lacks StartDate"},
        {"{\"SessionId\":\"s\",\"Owner\":\"o\",\"Target\":\"i\",\"Status\":\"x\",\"StartDate\":1e99}",
         "(`s`) lacks StartDate"},
        {"{\"SessionId\":\"s\\u001b[2J\"," REST "}", "(`s\\x1b[2J`) lacks Owner"},
        {"null", "(``) lacks SessionId"},
        {"\"SessionId\"", "(``) lacks SessionId"},
        {"[]", "(``) lacks SessionId"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        struct buf body = {0};
        char want[256];
        start(&f);
        buf_addf(&body, "{\"Sessions\":[%s,%s]}", GOOD, cases[i].session);
        answer(&f, NULL, 200, buf_text(&body));
        assert_false(list(&f));
        assert_int_equal(f.err.code, ERR_MALFORMED);
        (void)snprintf(want, sizeof want, "malformed reply of ssm:DescribeSessions: session 2 of page 1 %s",
                       cases[i].what);
        assert_string_equal(f.err.message, want);
        assert_int_equal(f.fake.request_count, 1); /* final */
        buf_free(&body);
        end(&f);
    }
}

static void test_malformed_pages(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"Sessions\":null}",
        "{\"Sessions\":{}}",
        "{\"Sessions\":\"x\"}",
        "{\"Sessions\":[" GOOD,
        "{\"Sessions\":[" GOOD "]",
        "{\"Sessions\":[" GOOD ",]}",
        "{\"Sessions\":[" GOOD "]}{}",
        "{\"Sessions\":[" GOOD "],\"NextToken\":7}",
        "{\"Sessions\":[" GOOD "],\"NextToken\":{\"a\":\"b\"}}",
        "<html>",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct fixture f;
        start(&f);
        answer(&f, NULL, 200, bodies[i]);
        assert_false(list(&f));
        assert_int_equal(f.err.code, ERR_MALFORMED);
        assert_non_null(strstr(f.err.message, "ssm:DescribeSessions"));
        assert_int_equal(f.fake.request_count, 1);
        end(&f);
    }
}

static void test_a_page_that_fails(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    answer(&f, "NextToken", 400, "{\"__type\":\"InvalidNextToken\",\"message\":\"stale\"}");
    answer(&f, NULL, 200, "{\"Sessions\":[" GOOD "],\"NextToken\":\"b\"}");
    assert_false(list(&f));
    assert_int_equal(f.err.code, ERR_SERVICE);
    assert_string_equal(f.err.message, "InvalidNextToken for ssm:DescribeSessions: stale");
    end(&f);

    start(&f); /* a page that is cut off is asked for again */
    fake_add(&f.fake, (struct fake_reply){.method = HTTP_POST, .url = URL, .times = 1, .error = ERR_NETWORK});
    answer(&f, NULL, 200, "{\"Sessions\":[" GOOD "]}");
    assert_true(list(&f));
    assert_int_equal(f.list.count, 1);
    end(&f);
}

static void test_long_fields(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        int len;
        bool ok;
    } cases[] = {
        {"{\"SessionId\":\"%0*d\",\"Owner\":\"o\"," REST "}", 1024, true},
        {"{\"SessionId\":\"%0*d\",\"Owner\":\"o\"," REST "}", 1025, false},
        {"{\"SessionId\":\"s\",\"Owner\":\"%0*d\"," REST "}", 4096, true},
        {"{\"SessionId\":\"s\",\"Owner\":\"%0*d\"," REST "}", 4097, false},
        {"{\"SessionId\":\"s\",\"Owner\":\"o\",\"DocumentName\":\"%0*d\"," REST "}", 5000, false},
        {"{\"SessionId\":\"s\",\"Owner\":\"o\",\"Reason\":\"%0*d\"," REST "}", 100000, true},
    };
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        struct buf body = {0};
        start(&f);
        buf_add_text(&body, "{\"Sessions\":[");
        buf_addf(&body, cases[i].format, cases[i].len, 0);
        buf_add_text(&body, "]}");
        answer(&f, NULL, 200, buf_text(&body));
        assert_int_equal(list(&f), cases[i].ok);
        assert_int_equal(f.err.code, cases[i].ok ? ERR_NONE : ERR_MALFORMED);
        buf_free(&body);
        end(&f);
    }
#pragma GCC diagnostic pop
}

/* A network of its own: page after page, each with a token that is new. */
struct pages {
    unsigned asked;
    unsigned last;     /* number of the page without token, 0: there is none */
    unsigned sessions; /* a page */
};

static void perform_pages(void *ctx, const struct http_request *requests, struct http_reply *replies,
                          size_t count)
{
    struct pages *pages = ctx;
    (void)requests;
    assert_int_equal(count, 1);
    pages->asked++;
    replies[0].status = 200;
    buf_add_text(&replies[0].body, "{\"Sessions\":[");
    for (unsigned i = 0; i < pages->sessions; i++)
        buf_addf(&replies[0].body,
                 "%s{\"SessionId\":\"s-%u-%u\",\"Target\":\"i-1\",\"Status\":\"Connected\",\"StartDate\":%u,"
                 "\"Owner\":\"" OWNER "\"}",
                 i ? "," : "", pages->asked, i, i);
    buf_add_text(&replies[0].body, "]");
    if (pages->asked != pages->last)
        buf_addf(&replies[0].body, ",\"NextToken\":\"t%u\"", pages->asked);
    buf_add_text(&replies[0].body, "}");
}

static void test_many_pages(void **state)
{
    (void)state;
    struct fixture f;
    struct pages pages = {.last = 50, .sessions = 200};
    start(&f);
    f.fake.http.ctx = &pages;
    f.fake.http.perform = perform_pages;
    assert_true(list(&f));
    assert_int_equal(f.list.count, 10000);
    assert_int_equal(pages.asked, 50);
    assert_non_null(session_list_find(&f.list, "s-50-199"));
    end(&f);

    start(&f);
    pages = (struct pages){.sessions = 0};
    f.fake.http.ctx = &pages;
    f.fake.http.perform = perform_pages;
    assert_false(list(&f));
    assert_int_equal(f.err.code, ERR_MALFORMED);
    assert_int_equal(pages.asked, 10000);
    end(&f);
}

static void test_target_of_a_session(void **state)
{
    (void)state;
    struct fixture f;
    struct buf target = {0};
    start(&f);
    answer(&f, "\"jane-1\"", 200, "{\"Sessions\":[" SESSION("other", "1") "," SESSION("jane-1", "1") "]}");
    answer(&f, NULL, 200, "{\"Sessions\":[]}");
    assert_true(ssm_session_target(&f.client, "jane-1", &target, &f.err));
    assert_string_equal(buf_text(&target), "i-1");
    assert_string_equal(f.fake.requests[0].body,
                        "{\"State\":\"Active\",\"MaxResults\":200,\"Filters\":[{\"key\":"
                        "\"SessionId\",\"value\":\"jane-1\"}]}");
    buf_reset(&target);
    assert_false(ssm_session_target(&f.client, "jane-2", &target, &f.err));
    assert_int_equal(f.err.code, ERR_NOT_FOUND);
    assert_int_equal(target.len, 0);
    buf_free(&target);
    end(&f);
}

static void test_terminates_side_by_side(void **state)
{
    (void)state;
    struct fixture f;
    struct err errs[3];
    memset(errs, 'x', sizeof errs);
    start(&f);
    answer(&f, "\"b\\\"\"", 400, "{\"__type\":\"AccessDeniedException\"}");
    answer(&f, NULL, 200, "{\"SessionId\":\"x\"}");
    ssm_terminate_sessions(&f.client, (const char *const[]){"a", "b\"", "c"}, errs, 3);
    assert_int_equal(errs[0].code, ERR_NONE);
    assert_int_equal(errs[1].code, ERR_DENIED);
    assert_int_equal(errs[2].code, ERR_NONE);
    assert_int_equal(f.fake.request_count, 3);
    assert_int_equal(f.fake.batches, 1);
    assert_string_equal(f.fake.requests[0].body, "{\"SessionId\":\"a\"}");
    assert_string_equal(f.fake.requests[1].body, "{\"SessionId\":\"b\\\"\"}");
    assert_string_equal(fake_header(&f.fake, 2, "X-Amz-Target"), "AmazonSSM.TerminateSession");
    ssm_terminate_sessions(&f.client, NULL, NULL, 0);
    assert_int_equal(f.fake.request_count, 3);
    end(&f);
}

static void test_what_says_that_a_session_is_gone(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        bool gone;
    } cases[] = {
        {"{\"__type\":\"DoesNotExistException\"}", true},
        {"{\"__type\":\"com.amazonaws.ssm#DoesNotExistException\",\"message\":\"anything\"}", true},
        {"{\"__type\":\"ValidationException\",\"message\":\"Session jane-1 does not exist.\"}", true},
        {"{\"__type\":\"ValidationException\",\"message\":\"Session jane-1 is not in a valid state to "
         "terminate.\"}",
         true},
        {"{\"__type\":\"ValidationException\",\"message\":\"The session is ALREADY TERMINATED\"}", true},
        {"{\"__type\":\"InvalidSessionId\",\"message\":\"Session jane-1 not found\"}", true},
        {"{\"__type\":\"InvalidSessionId\",\"message\":\"malformed id\"}", false},
        {"{\"__type\":\"ValidationException\"}", false},
        {"{\"__type\":\"ValidationException\",\"message\":\"1 validation error detected: Value 'x does not "
         "exist' at "
         "'sessionId' failed to satisfy constraint: Member must have length less than or equal to 96\"}",
         false},
        {"{\"__type\":\"ValidationException\",\"message\":\"The session can't be terminated\"}", false},
        {"{\"__type\":\"AccessDeniedException\",\"message\":\"the policy does not exist\"}", false},
        {"{\"__type\":\"InvalidDocument\",\"message\":\"does not exist\"}", false},
        {"{\"__type\":\"InternalException\",\"message\":\"role not found\"}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        struct err err = {0};
        start(&f);
        answer(&f, NULL, 400, cases[i].body);
        ssm_terminate_sessions(&f.client, (const char *const[]){"jane-1"}, &err, 1);
        assert_int_equal(err.code == ERR_NONE, cases[i].gone);
        if (cases[i].gone)
            assert_string_equal(err.message, "");
        end(&f);
    }
}

/* The reply to the first call is lost, and the session is gone when it is tried again. */
static void test_a_lost_reply(void **state)
{
    (void)state;
    struct fixture f;
    struct err err = {0};
    start(&f);
    fake_add(&f.fake, (struct fake_reply){.method = HTTP_POST, .url = URL, .times = 1, .error = ERR_NETWORK});
    answer(&f, NULL, 400, "{\"__type\":\"DoesNotExistException\"}");
    ssm_terminate_sessions(&f.client, (const char *const[]){"jane-1"}, &err, 1);
    assert_int_equal(err.code, ERR_NONE);
    assert_int_equal(f.fake.request_count, 2);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_one_page),
        cmocka_unit_test(test_follows_the_token),
        cmocka_unit_test(test_a_token_that_repeats),
        cmocka_unit_test(test_incomplete_sessions),
        cmocka_unit_test(test_malformed_pages),
        cmocka_unit_test(test_a_page_that_fails),
        cmocka_unit_test(test_long_fields),
        cmocka_unit_test(test_many_pages),
        cmocka_unit_test(test_target_of_a_session),
        cmocka_unit_test(test_terminates_side_by_side),
        cmocka_unit_test(test_what_says_that_a_session_is_gone),
        cmocka_unit_test(test_a_lost_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
