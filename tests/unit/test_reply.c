#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/client.h"

static struct credentials web_role = {.source = (char *)"instance role `web`", .role = (char *)"web"};
static struct credentials from_env = {.source = (char *)"environment"};

/* aws_reply_error on a reply made of these parts. */
static struct err read_error(int status, const char *headers, const char *body, const char *service,
                             const char *action, const struct credentials *credentials)
{
    struct http_reply reply = {.status = status};
    struct err err;
    memset(&err, 'x', sizeof err);
    buf_add_text(&reply.headers, headers);
    buf_add_text(&reply.body, body);
    aws_reply_error(&reply, service, action, credentials, &err);
    http_reply_free(&reply);
    return err;
}

static struct err describe(int status, const char *headers, const char *body)
{
    return read_error(status, headers, body, "ssm", "DescribeSessions", &web_role);
}

static void test_json_code_and_message(void **state)
{
    (void)state;
    struct err err =
        describe(400, "", "{\"__type\":\"com.amazonaws.ssm#InvalidFilterKey\",\"message\":\"no such key\"}");
    assert_int_equal(err.code, ERR_SERVICE);
    assert_string_equal(err.service_code, "InvalidFilterKey");
    assert_string_equal(err.message, "InvalidFilterKey for ssm:DescribeSessions: no such key");
    err = describe(400, "", "{\"__type\":\"ThrottlingException\",\"Message\":\"Rate exceeded\"}");
    assert_int_equal(err.code, ERR_THROTTLED);
    assert_string_equal(err.message, "ThrottlingException for ssm:DescribeSessions: Rate exceeded");
    err = describe(400, "", "{\"__type\":\"ValidationException\"}");
    assert_string_equal(err.message, "ValidationException for ssm:DescribeSessions");
}

static void test_code_from_header(void **state)
{
    (void)state;
    struct err err = describe(400, "x-amzn-ErrorType: InvalidNextToken:http://internal.amazon.com/\n", "{}");
    assert_int_equal(err.code, ERR_SERVICE);
    assert_string_equal(err.service_code, "InvalidNextToken");
    /* the body speaks first */
    err = describe(400, "X-Amzn-Errortype: Other\n", "{\"__type\":\"InvalidFilterKey\"}");
    assert_string_equal(err.service_code, "InvalidFilterKey");
}

static void test_xml_of_each_service(void **state)
{
    (void)state;
    struct err err =
        read_error(409, "",
                   "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender"
                   "</Type><Code>EntityAlreadyExists</Code><Message>A policy called x already exists."
                   "</Message></Error><RequestId>1</RequestId></ErrorResponse>",
                   "iam", "CreatePolicy", NULL);
    assert_int_equal(err.code, ERR_SERVICE);
    assert_string_equal(err.service_code, "EntityAlreadyExists");
    assert_string_equal(err.message,
                        "EntityAlreadyExists for iam:CreatePolicy: A policy called x already exists.");
    err = read_error(
        404, "", "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchBucket</Code><Message>gone</Message></Error>",
        "s3", "PutObject", NULL);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.service_code, "NoSuchBucket");
    err = read_error(
        403, "",
        "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized"
        "</Message></Error></Errors></Response>",
        "ec2", "DescribeRegions", &from_env);
    assert_int_equal(err.code, ERR_DENIED);
    assert_string_equal(
        err.message, "AccessDenied for ec2:DescribeRegions: allow ec2:DescribeRegions to the role of these "
                     "credentials (environment) (You are not authorized)");
}

static void test_denied_names_the_remedy(void **state)
{
    (void)state;
    struct err err = describe(400, "", "{\"__type\":\"AccessDeniedException\"}");
    assert_int_equal(err.code, ERR_DENIED);
    assert_string_equal(err.service_code, "AccessDeniedException");
    assert_string_equal(err.message, "AccessDenied for ssm:DescribeSessions: attach the policy "
                                     "SSMConcurrentSessionsPolicy to the instance role `web`");
    err =
        read_error(400, "", "{\"__type\":\"AccessDeniedException\",\"Message\":\"explicit deny in an SCP\"}",
                   "ssm", "TerminateSession", NULL);
    assert_string_equal(
        err.message,
        "AccessDenied for ssm:TerminateSession: attach the policy SSMConcurrentSessionsPolicy to "
        "the role of these credentials (explicit deny in an SCP)");
    err = read_error(400, "", "{\"__type\":\"AccessDeniedException\"}", "ssm", "CreateDocument", &from_env);
    assert_string_equal(err.message,
                        "AccessDenied for ssm:CreateDocument: allow ssm:CreateDocument to the role of these "
                        "credentials (environment)");
}

static void test_status_without_code(void **state)
{
    (void)state;
    struct err err = describe(502, "", "<html><body>Bad Gateway<br></body></html>");
    assert_int_equal(err.code, ERR_SERVER);
    assert_string_equal(err.service_code, "");
    assert_string_equal(err.message, "HTTP status 502 for ssm:DescribeSessions");
    assert_int_equal(describe(429, "", "").code, ERR_THROTTLED);
    assert_int_equal(describe(500, "", "{\"__type\":\"InternalServerError\"}").code, ERR_SERVER);
    assert_int_equal(describe(503, "", "<Error><Code>SlowDown</Code></Error>").code, ERR_THROTTLED);
    assert_int_equal(describe(418, "", "").code, ERR_SERVICE);
    assert_int_equal(read_error(404, "x-amz-request-id: 1\n", "", "s3", "HeadObject", NULL).code,
                     ERR_NOT_FOUND);
    err = read_error(403, "x-amz-request-id: 1\n", "", "s3", "HeadObject", NULL);
    assert_int_equal(err.code, ERR_DENIED);
    assert_non_null(strstr(err.message, "allow s3:HeadObject"));
    err = describe(403, "Server: squid\n", "<html>blocked</html>");
    assert_int_equal(err.code, ERR_DENIED);
    assert_string_equal(
        err.message,
        "HTTP status 403 for ssm:DescribeSessions, and not from AWS: look for a proxy on the way");
}

static void test_redirect_is_refused(void **state)
{
    (void)state;
    struct err err = describe(302, "Location: https://evil.example/\n", "");
    assert_int_equal(err.code, ERR_SERVICE);
    assert_string_equal(err.message, "redirect refused for ssm:DescribeSessions (HTTP status 302)");
    err = read_error(301, "", "<Error><Code>PermanentRedirect</Code><Message>m</Message></Error>", "s3",
                     "PutObject", NULL);
    assert_string_equal(err.service_code, "PermanentRedirect");
    /* not even a code that would be tried again makes it anything else */
    assert_int_equal(describe(307, "", "{\"__type\":\"ThrottlingException\"}").code, ERR_SERVICE);
}

static void test_meanings(void **state)
{
    (void)state;
    static const struct {
        const char *service_code;
        enum err_code code;
    } cases[] = {
        {"Throttling", ERR_THROTTLED},
        {"TooManyRequestsException", ERR_THROTTLED},
        {"RequestLimitExceeded", ERR_THROTTLED},
        {"PriorRequestNotComplete", ERR_THROTTLED},
        {"EC2ThrottledException", ERR_THROTTLED},
        {"LimitExceeded", ERR_SERVICE},
        {"LimitExceededException", ERR_SERVICE},
        {"DocumentVersionLimitExceeded", ERR_SERVICE},
        {"RequestTimeout", ERR_TIMEOUT},
        {"RequestTimeTooSkewed", ERR_SKEW},
        {"RequestInTheFuture", ERR_SKEW},
        {"SignatureDoesNotMatch", ERR_SERVICE},
        {"ExpiredTokenException", ERR_EXPIRED},
        {"ExpiredToken", ERR_EXPIRED},
        {"RequestExpired", ERR_EXPIRED},
        {"UnrecognizedClientException", ERR_EXPIRED},
        {"InvalidClientTokenId", ERR_EXPIRED},
        {"AccessDenied", ERR_DENIED},
        {"AuthorizationError", ERR_DENIED},
        {"DoesNotExistException", ERR_NOT_FOUND},
        {"InvalidDocument", ERR_NOT_FOUND},
        {"NoSuchEntity", ERR_NOT_FOUND},
        {"throttlingexception", ERR_SERVICE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[128];
        (void)snprintf(body, sizeof body, "{\"__type\":\"%s\"}", cases[i].service_code);
        struct err err = describe(400, "", body);
        assert_string_equal(err.service_code, cases[i].service_code);
        assert_int_equal(err.code, cases[i].code);
    }
    assert_int_equal(
        describe(
            403, "",
            "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature expired: 20261122T110000Z is "
            "now earlier than 20261122T115500Z\"}")
            .code,
        ERR_SKEW);
    assert_int_equal(
        describe(403, "",
                 "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature not yet current: "
                 "20261122T130000Z\"}")
            .code,
        ERR_SKEW);
    assert_int_equal(
        describe(403, "", "{\"__type\":\"InvalidSignatureException\",\"message\":\"do not match\"}").code,
        ERR_SERVICE);
}

static void test_hostile_words_are_visible_and_cut(void **state)
{
    (void)state;
    struct err err = describe(
        400, "", "{\"__type\":\"a\\u001b[31m\\u202eb\",\"message\":\"x\\u001b]0;title\\u0007\\ny\"}");
    assert_int_equal(err.code, ERR_SERVICE);
    assert_string_equal(err.service_code, "a\\x1b[31m\\u{202e}b");
    assert_string_equal(err.message,
                        "a\\x1b[31m\\u{202e}b for ssm:DescribeSessions: x\\x1b]0;title\\x07\\x0ay");

    struct buf body = {0};
    buf_add_text(&body, "{\"__type\":\"");
    for (int i = 0; i < 100; i++)
        buf_add_text(&body, "é");
    buf_add_text(&body, "\",\"message\":\"x");
    for (int i = 0; i < 100000; i++)
        buf_add_text(&body, "é");
    buf_add_text(&body, "\"}");
    err = describe(400, "", buf_text(&body));
    buf_free(&body);
    assert_int_equal(strlen(err.service_code), 62); /* 31 characters: none is cut in two */
    assert_memory_equal(err.service_code + 60, "é", 3);
    assert_true(strlen(err.message) < 450);
    assert_memory_equal(err.message + strlen(err.message) - 2, "é", 3);

    static struct credentials hostile = {.role = (char *)"we\x1b[2Jb"};
    err = read_error(400, "", "{\"__type\":\"AccessDenied\"}", "ssm", "DescribeSessions", &hostile);
    assert_non_null(strstr(err.message, "the instance role `we\\x1b[2Jb`"));
}

static void test_bodies_that_are_no_error(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "{",
        "{\"__type\":",
        "[]",
        "null",
        "\"x\"",
        "{\"__type\":7,\"message\":[]}",
        "<",
        "<Error><Code>x",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><Error><Code>&b;</Code></Error>",
        "{\"__type\":\"\",\"message\":\"\"}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct err err = describe(500, "", bodies[i]);
        assert_int_equal(err.code, ERR_SERVER);
        assert_string_equal(err.service_code, "");
        assert_string_equal(err.message, "HTTP status 500 for ssm:DescribeSessions");
    }
}

static void test_repeated_secrets_are_cut_off(void **state)
{
    (void)state;
    struct credentials keys = {.secret_key = (char *)"wJalrXUtnFEMI",
                               .session_token = (char *)"IQoJb3JpZ2lu"};
    struct err err =
        read_error(400, "", "{\"__type\":\"E\",\"message\":\"host:x\\nx-amz-security-token:IQoJb3JpZ\"}",
                   "ssm", "DescribeSessions", &keys);
    assert_string_equal(err.message, "E for ssm:DescribeSessions: host:x\\x0ax-amz-security-token:...");
    err = read_error(403, "", "<Error><Code>E</Code><Message>wJalrXUtnFEMI</Message></Error>", "s3",
                     "GetObject", &keys);
    assert_string_equal(err.message, "E for s3:GetObject: ...");
    keys = (struct credentials){.secret_key = (char *)"", .session_token = (char *)"short"};
    err = read_error(400, "", "{\"__type\":\"E\",\"message\":\"a short one\"}", "ssm", "X", &keys);
    assert_string_equal(err.message, "E for ssm:X: a short one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_code_and_message),
        cmocka_unit_test(test_code_from_header),
        cmocka_unit_test(test_xml_of_each_service),
        cmocka_unit_test(test_denied_names_the_remedy),
        cmocka_unit_test(test_status_without_code),
        cmocka_unit_test(test_redirect_is_refused),
        cmocka_unit_test(test_meanings),
        cmocka_unit_test(test_hostile_words_are_visible_and_cut),
        cmocka_unit_test(test_bodies_that_are_no_error),
        cmocka_unit_test(test_repeated_secrets_are_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
