#include "aws/sts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"

#define URL "https://sts.eu-west-1.amazonaws.com/"

static const char identity[] =
    "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
    "  <GetCallerIdentityResult>\n    <UserId>AROAEXAMPLE:jane</UserId>\n    "
    "<Account>123456789012</Account>\n"
    "    <Arn>arn:aws:sts::123456789012:assumed-role/Admin/jane</Arn>\n  </GetCallerIdentityResult>\n"
    "  <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>\n</GetCallerIdentityResponse>";

#define ROLE_REPLY(action, keys)                                                                             \
    "<" action "Response><" action "Result><AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn>"      \
    "</AssumedRoleUser><Credentials>" keys "</Credentials></" action "Result></" action "Response>"
#define KEYS                                                                                                 \
    "<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role/secret</SecretAccessKey>"                      \
    "<SessionToken>role-token</SessionToken><Expiration>2026-11-22T13:00:00Z</Expiration>"

struct run {
    struct fake fake;
    struct aws_session session;
    struct aws_client client;
    struct sts_identity identity;
    struct credentials credentials;
    struct err err;
};

static int setup(void **state)
{
    static struct run run;
    run = (struct run){0};
    fake_start(&run.fake);
    run.session = (struct aws_session){
        .io = &run.fake.io,
        .credentials = {.access_key = "AKIABASE", .secret_key = "base", .source = "profile `base`"}};
    run.client.session = &run.session;
    assert_true(endpoint_find("sts", "eu-west-1", NULL, &run.fake.env, &run.client.endpoint, &run.err));
    *state = &run;
    return 0;
}

static int teardown(void **state)
{
    struct run *run = *state;
    sts_identity_free(&run->identity);
    credentials_free(&run->credentials);
    fake_end(&run->fake);
    return 0;
}

static void serve(struct run *run, int status, const char *body)
{
    fake_forget(&run->fake);
    fake_add(&run->fake,
             (struct fake_reply){.method = HTTP_POST, .url = URL, .status = status, .body = body});
}

static void expect_error(const struct run *run, enum err_code code, const char *says)
{
    if (!strstr(run->err.message, says))
        fail_msg("'%s' lacks '%s'", run->err.message, says);
    assert_int_equal(run->err.code, code);
}

static void test_caller_identity(void **state)
{
    struct run *run = *state;
    serve(run, 200, identity);
    assert_true(sts_caller_identity(&run->client, &run->identity, &run->err));
    assert_string_equal(run->identity.account, "123456789012");
    assert_string_equal(run->identity.arn, "arn:aws:sts::123456789012:assumed-role/Admin/jane");
    const struct fake_request *request = &run->fake.requests[0];
    assert_string_equal(request->body, "Action=GetCallerIdentity&Version=2011-06-15");
    assert_string_equal(request->signing, "eu-west-1/sts");
    assert_string_equal(request->access_key, "AKIABASE");
    assert_string_equal(fake_header(&run->fake, 0, "Content-Type"),
                        "application/x-www-form-urlencoded; charset=utf-8");
}

static void test_bad_identity(void **state)
{
    static const char *const bad[] = {
        "",
        "<a/>",
        "{}",
        "<R><GetCallerIdentityResult><Account>123</Account></GetCallerIdentityResult></R>",
        "<R><GetCallerIdentityResult><Account>12x</Account><Arn>arn:aws:iam::1:root</Arn></"
        "GetCallerIdentityResult></R>",
        "<R><GetCallerIdentityResult><Account></Account><Arn>arn:aws:iam::1:root</Arn></"
        "GetCallerIdentityResult></R>",
        "<R><GetCallerIdentityResult><Account>1</Account><Arn>x</Arn></GetCallerIdentityResult></R>",
    };
    struct run *run = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        serve(run, 200, bad[i]);
        assert_false(sts_caller_identity(&run->client, &run->identity, &run->err));
        expect_error(run, ERR_MALFORMED, "the reply to sts:GetCallerIdentity");
        sts_identity_free(&run->identity);
    }
}

static void test_assume_role(void **state)
{
    struct run *run = *state;
    struct sts_role role = {.arn = "arn:aws:iam::1:role/a+b",
                            .session_name = "me@x",
                            .duration_s = "900",
                            .external_id = "a&b c",
                            .mfa_serial = "arn:aws:iam::1:mfa/jane",
                            .mfa_code = "123456"};
    serve(run, 200, ROLE_REPLY("AssumeRole", KEYS));
    assert_true(sts_assume_role(&run->client, &role, "profile `x`", &run->credentials, &run->err));
    assert_string_equal(run->credentials.access_key, "ASIAROLE");
    assert_string_equal(run->credentials.secret_key, "role/secret");
    assert_string_equal(run->credentials.session_token, "role-token");
    assert_string_equal(run->credentials.source, "profile `x`");
    assert_int_equal(run->credentials.expiry_ms, FAKE_WALL_MS + 3600 * 1000);
    assert_string_equal(run->fake.requests[0].body,
                        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa%2Bb"
                        "&RoleSessionName=me%40x&DurationSeconds=900&ExternalId=a%26b%20c"
                        "&SerialNumber=arn%3Aaws%3Aiam%3A%3A1%3Amfa%2Fjane&TokenCode=123456");
    assert_string_equal(run->fake.requests[0].access_key, "AKIABASE");
    assert_true(run->fake.requests[0].secret);
}

static void test_web_identity(void **state)
{
    struct run *run = *state;
    struct sts_role role = {.arn = "arn:r", .session_name = "s", .web_token = "eyJ.a.b="};
    serve(run, 200, ROLE_REPLY("AssumeRoleWithWebIdentity", KEYS));
    assert_true(sts_assume_role(&run->client, &role, "x", &run->credentials, &run->err));
    assert_string_equal(
        run->fake.requests[0].body,
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Ar&RoleSessionName=s"
        "&WebIdentityToken=eyJ.a.b%3D");
    assert_null(run->fake.requests[0].access_key);
}

static void test_refused(void **state)
{
    struct run *run = *state;
    struct sts_role role = {.arn = "arn:r", .session_name = "s"};
    serve(run, 403,
          "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
          "<Message>User: u is not authorized</Message></Error></ErrorResponse>");
    assert_false(sts_assume_role(&run->client, &role, "x", &run->credentials, &run->err));
    expect_error(run, ERR_DENIED, "sts:AssumeRole");
    expect_error(run, ERR_DENIED, "User: u is not authorized");
    assert_string_equal(run->err.service_code, "AccessDenied");
    static const char *const bad[] = {
        "",
        "<a>",
        ROLE_REPLY("AssumeRole", ""),
        ROLE_REPLY("AssumeRole", "<AccessKeyId>A</AccessKeyId><SecretAccessKey>hidden</SecretAccessKey>"),
        ROLE_REPLY("AssumeRole", "<AccessKeyId>A</AccessKeyId><SecretAccessKey>hid den</SecretAccessKey>"
                                 "<SessionToken>T</SessionToken>"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        serve(run, 200, bad[i]);
        assert_false(sts_assume_role(&run->client, &role, "x", &run->credentials, &run->err));
        expect_error(run, ERR_MALFORMED, "the reply to sts:AssumeRole");
        assert_null(strstr(run->err.message, "hid"));
        assert_null(run->credentials.access_key);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_caller_identity), TEST(test_bad_identity), TEST(test_assume_role),
        TEST(test_web_identity),    TEST(test_refused),
    };
    return cmocka_run_group_tests_name("sts", tests, NULL, NULL);
}
