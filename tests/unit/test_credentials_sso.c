#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/credentials.h"
#include "aws/sha1.h"
#include "fake.h"
#include "fake_home.h"

#define START_URL "https://corp.awsapps.com/start"
#define PORTAL    "https://portal.sso.eu-north-1.amazonaws.com/federation/credentials"
#define OIDC      "https://oidc.eu-north-1.amazonaws.com/token"

static const char config[] =
    "[profile new]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Ad min\n"
    "[profile old]\nsso_start_url = " START_URL "\nsso_region = eu-north-1\n"
    "sso_account_id = 123456789012\nsso_role_name = Admin\n"
    "[sso-session corp]\nsso_start_url = " START_URL "\nsso_region = eu-north-1\n"
    "sso_registration_scopes = sso:account:access\n";
static const char reply[] = "{\"roleCredentials\":{\"accessKeyId\":\"ASIASSO\",\"secretAccessKey\":\"S\","
                            "\"sessionToken\":\"T\",\"expiration\":1795352400000}}";

struct run {
    struct fake fake;
    struct fake_home home;
    struct imds imds;
    struct credentials credentials;
    struct err err;
};

static int setup(void **state)
{
    static struct run run;
    run = (struct run){0};
    fake_start(&run.fake);
    fake_home_start(&run.home);
    fake_home_write(&run.home, ".aws/config", config);
    *state = &run;
    return 0;
}

static int teardown(void **state)
{
    struct run *run = *state;
    imds_free(&run->imds);
    credentials_free(&run->credentials);
    fake_home_end(&run->home);
    fake_end(&run->fake);
    return 0;
}

static const char *cache_name(const char *key)
{
    static char name[96];
    char digest[SHA1_HEX_SIZE];
    sha1_hex(key, strlen(key), digest);
    (void)snprintf(name, sizeof name, ".aws/sso/cache/%s.json", digest);
    return name;
}

static bool find(struct run *run, const char *profile)
{
    struct credentials_options options = {.profile = profile, .full_chain = true};
    credentials_free(&run->credentials);
    return credentials_find(&options, &run->imds, &run->fake.io, &run->credentials, &run->err);
}

static void expect_error(struct run *run, const char *profile, enum err_code code, const char *says)
{
    assert_false(find(run, profile));
    if (!strstr(run->err.message, says))
        fail_msg("'%s' lacks '%s'", run->err.message, says);
    assert_int_equal(run->err.code, code);
    assert_null(run->credentials.access_key);
    assert_null(strstr(run->err.message, "hidden"));
}

static void serve(struct run *run, int status, const char *body)
{
    fake_forget(&run->fake);
    fake_add(&run->fake,
             (struct fake_reply){.method = HTTP_GET, .url = PORTAL "*", .status = status, .body = body});
}

/* Both forms: the cache's file is named after the session, or after the start URL. */
static void test_signed_in(void **state)
{
    struct run *run = *state;
    serve(run, 200, reply);
    fake_home_write(&run->home, cache_name("corp"),
                    "{\"startUrl\":\"" START_URL "\",\"region\":\"eu-north-1\",\"accessToken\":\"new-token\","
                    "\"expiresAt\":\"2026-11-22T12:00:01Z\"}");
    fake_home_write(&run->home, cache_name(START_URL),
                    "{\"accessToken\":\"old-token\",\"expiresAt\":\"2026-11-22T12:00:01UTC\"}");
    assert_true(find(run, "new"));
    assert_string_equal(run->credentials.access_key, "ASIASSO");
    assert_string_equal(run->credentials.secret_key, "S");
    assert_string_equal(run->credentials.session_token, "T");
    assert_string_equal(run->credentials.source, "profile `new`, IAM Identity Center");
    assert_int_equal(run->credentials.expiry_ms, FAKE_WALL_MS + 3600 * 1000);
    assert_string_equal(run->fake.requests[0].url, PORTAL "?role_name=Ad%20min&account_id=123456789012");
    assert_string_equal(fake_header(&run->fake, 0, "x-amz-sso_bearer_token"), "new-token");
    assert_null(run->fake.requests[0].access_key);
    assert_true(run->fake.requests[0].secret);
    assert_true(find(run, "old"));
    assert_string_equal(fake_header(&run->fake, 1, "x-amz-sso_bearer_token"), "old-token");
    assert_int_equal(run->fake.request_count, 2);
}

static void test_not_signed_in(void **state)
{
    struct run *run = *state;
    static const char *const bad[] = {
        "",
        "{\"accessToken\":\"hidden",
        "[]",
        "{\"accessToken\":\"hidden\"}",
        "{\"expiresAt\":\"2027-01-01T00:00:00Z\"}",
        "{\"accessToken\":\"hidden\",\"expiresAt\":\"soon\"}",
        "{\"accessToken\":\"hidden\",\"expiresAt\":\"2026-11-22T12:00:00Z\"}",
        "{\"accessToken\":\"hidden\\r\\nX: y\",\"expiresAt\":\"2027-01-01T00:00:00Z\"}",
        "{\"accessToken\":\"\",\"expiresAt\":\"2027-01-01T00:00:00Z\"}",
        "{\"accessToken\":1,\"expiresAt\":\"2027-01-01T00:00:00Z\"}",
    };
    expect_error(run, "new", ERR_NO_CREDENTIALS, "profile 'new': not signed in to IAM Identity Center");
    expect_error(run, "new", ERR_NO_CREDENTIALS, "run: aws sso login --profile new");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fake_home_write(&run->home, cache_name("corp"), bad[i]);
        expect_error(run, "new", ERR_NO_CREDENTIALS, "run: aws sso login --profile new");
    }
    assert_int_equal(run->fake.request_count, 0);
}

static void test_portal_refuses(void **state)
{
    struct run *run = *state;
    fake_home_write(&run->home, cache_name("corp"),
                    "{\"accessToken\":\"T\",\"expiresAt\":\"2027-01-01T00:00:00Z\"}");
    serve(run, 401,
          "{\"__type\":\"UnauthorizedException\",\"message\":\"Session token not found or invalid\"}");
    expect_error(run, "new", ERR_NO_CREDENTIALS,
                 "Session token not found or invalid: run: aws sso login --profile new");
    serve(run, 403, "{\"__type\":\"ForbiddenException\",\"message\":\"No access\"}");
    expect_error(run, "new", ERR_SERVICE, "profile `new`, IAM Identity Center: ForbiddenException");
    static const char *const bad[] = {
        "", "{}", "{\"roleCredentials\":1}", "{\"roleCredentials\":{\"accessKeyId\":\"A\"}}",
        "{\"roleCredentials\":{\"accessKeyId\":\"A\",\"secretAccessKey\":\"hidden\",\"sessionToken\":\"\"}}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        serve(run, 200, bad[i]);
        expect_error(run, "new", ERR_MALFORMED, "the reply to sso:GetRoleCredentials");
    }
}

static void test_misconfigured(void **state)
{
    struct run *run = *state;
    fake_set(&run->fake, "AWS_EC2_METADATA_DISABLED", "true");
    fake_home_write(&run->home, ".aws/config",
                    "[profile a]\nsso_session = x\nsso_account_id = 1\nsso_role_name = r\n"
                    "[profile b]\nsso_session = y\nsso_account_id = 1\nsso_role_name = r\n"
                    "[sso-session y]\nsso_start_url = u\n"
                    "[profile c]\nsso_start_url = u\nsso_account_id = 1\n"
                    "[profile d]\nsso_start_url = u\nsso_role_name = 1\n"
                    "[profile e]\nsso_start_url = u\nsso_region = r\n");
    expect_error(run, "a", ERR_CONFIG,
                 "profile 'a': its [sso-session x] is not there or has no sso_start_url");
    expect_error(run, "b", ERR_CONFIG, "its [sso-session y] is not there or has no sso_region");
    expect_error(run, "c", ERR_CONFIG, "profile 'c': it has no sso_role_name");
    expect_error(run, "d", ERR_CONFIG, "profile 'd': it has no sso_account_id");
    expect_error(run, "e", ERR_NO_CREDENTIALS, "`: names no credentials"); /* a sign-in and no role */
}

static const char renewable[] =
    "{\"startUrl\":\"" START_URL "\",\"region\":\"eu-north-1\",\"accessToken\":\"hidden-old\","
    "\"expiresAt\":\"2026-11-22T11:00:00Z\",\"clientId\":\"client\",\"clientSecret\":\"client\\\"secret\","
    "\"refreshToken\":\"refresh-1\",\"registrationExpiresAt\":\"2026-12-22T12:00:00Z\"}";

/* A sign-in that has run out is renewed as long as the registration holds, and kept. */
static void test_renewed(void **state)
{
    struct run *run = *state;
    serve(run, 200, reply);
    fake_add(&run->fake, (struct fake_reply){.method = HTTP_POST,
                                             .url = OIDC,
                                             .body = "{\"accessToken\":\"fresh\",\"tokenType\":\"Bearer\","
                                                     "\"expiresIn\":3600,\"refreshToken\":\"refresh-2\"}"});
    fake_home_write(&run->home, cache_name("corp"), renewable);
    assert_true(find(run, "new"));
    assert_string_equal(run->fake.requests[0].url, OIDC);
    assert_string_equal(run->fake.requests[0].body,
                        "{\"grantType\":\"refresh_token\",\"clientId\":\"client\",\"clientSecret\":"
                        "\"client\\\"secret\",\"refreshToken\":\"refresh-1\"}");
    assert_null(run->fake.requests[0].access_key);
    assert_string_equal(fake_header(&run->fake, 1, "x-amz-sso_bearer_token"), "fresh");
    assert_string_equal(fake_home_read(&run->home, cache_name("corp")),
                        "{\"startUrl\":\"" START_URL "\",\"region\":\"eu-north-1\",\"accessToken\":\"fresh\","
                        "\"expiresAt\":\"2026-11-22T13:00:00.000Z\",\"clientId\":\"client\",\"clientSecret\":"
                        "\"client\\\"secret\",\"registrationExpiresAt\":\"2026-12-22T12:00:00Z\","
                        "\"refreshToken\":\"refresh-2\"}");
    assert_true(find(run, "new"));
    assert_int_equal(run->fake.request_count, 3); /* no second renewal */
}

static void test_not_renewed(void **state)
{
    struct run *run = *state;
    fake_home_write(&run->home, cache_name("corp"), renewable);
    serve(run, 200, reply);
    fake_add(&run->fake,
             (struct fake_reply){
                 .method = HTTP_POST, .url = OIDC, .status = 400, .body = "{\"error\":\"invalid_grant\"}"});
    expect_error(run, "new", ERR_NO_CREDENTIALS, "the sign-in to IAM Identity Center has run out: ");
    expect_error(run, "new", ERR_NO_CREDENTIALS, "run: aws sso login --profile new");
    static const char *const bad[] = {"",
                                      "{}",
                                      "{\"accessToken\":\"a\"}",
                                      "{\"accessToken\":\"a\",\"expiresIn\":-1}",
                                      "{\"accessToken\":\"a\",\"expiresIn\":1e9}",
                                      "{\"expiresIn\":1}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fake_forget(&run->fake);
        fake_add(&run->fake, (struct fake_reply){.method = HTTP_POST, .url = OIDC, .body = bad[i]});
        expect_error(run, "new", ERR_NO_CREDENTIALS, "has run out: ");
    }
    assert_string_equal(fake_home_read(&run->home, cache_name("corp")), renewable);
    size_t before = run->fake.request_count;
    run->fake.wall_ms += INT64_C(31) * 24 * 3600 * 1000; /* the registration has run out too */
    expect_error(run, "new", ERR_NO_CREDENTIALS, "has run out: run: aws sso login");
    assert_int_equal(run->fake.request_count, before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_signed_in),     TEST(test_not_signed_in), TEST(test_portal_refuses),
        TEST(test_misconfigured), TEST(test_renewed),       TEST(test_not_renewed),
    };
    return cmocka_run_group_tests_name("credentials_sso", tests, NULL, NULL);
}
