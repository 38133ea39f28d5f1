// link: -Wl,--wrap=platform_ask
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/credentials.h"
#include "fake.h"
#include "fake_home.h"
#include "platform/platform.h"

#define REPLY(key)                                                                                           \
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>" key                                   \
    "</AccessKeyId><SecretAccessKey>s"                                                                       \
    "</SecretAccessKey><SessionToken>token-of-" key                                                          \
    "</SessionToken><Expiration>2026-11-22T13:00:00Z</Expiration>"                                           \
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
#define ARN "arn:aws:iam::123456789012:role/"

struct run {
    struct fake fake;
    struct fake_home home;
    struct imds imds;
    struct credentials credentials;
    struct err err;
};

/* What the terminal answers, and what it was asked. NULL: there is none. */
static const char *answer;
static char asked[512];

bool __wrap_platform_ask(const char *prompt, bool echo, struct buf *out, struct err *err);

bool __wrap_platform_ask(const char *prompt, bool echo, struct buf *out, struct err *err)
{
    assert_false(echo);
    (void)snprintf(asked, sizeof asked, "%s", prompt);
    return answer ? buf_add_text(out, answer) : err_set(err, ERR_USAGE, "there is no terminal");
}

static int setup(void **state)
{
    static struct run run;
    run = (struct run){0};
    fake_start(&run.fake);
    fake_home_start(&run.home);
    answer = NULL;
    asked[0] = '\0';
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

static void serve(struct run *run, const char *role, const char *body)
{
    fake_add(&run->fake, (struct fake_reply){
                             .method = HTTP_POST, .url = "https://sts.*", .body_has = role, .body = body});
}

static bool find(struct run *run, const char *profile)
{
    struct credentials_options options = {.profile = profile, .full_chain = true};
    credentials_free(&run->credentials);
    return credentials_find(&options, &run->imds, &run->fake.io, &run->credentials, &run->err);
}

static void expect_found(struct run *run, const char *profile, const char *key, const char *source)
{
    if (!find(run, profile))
        fail_msg("%s", run->err.message);
    assert_string_equal(run->credentials.access_key, key);
    assert_string_equal(run->credentials.source, source);
}

static void expect_error(struct run *run, const char *profile, enum err_code code, const char *says)
{
    assert_false(find(run, profile));
    if (!strstr(run->err.message, says))
        fail_msg("'%s' lacks '%s'", run->err.message, says);
    assert_int_equal(run->err.code, code);
    assert_null(run->credentials.access_key);
}

static void test_source_profile(void **state)
{
    struct run *run = *state;
    fake_home_write(&run->home, ".aws/config",
                    "[profile admin]\nrole_arn = " ARN "admin\nsource_profile = base\nexternal_id = x y\n"
                    "role_session_name = jane\nduration_seconds = 900\nregion = eu-west-1\n");
    fake_home_write(&run->home, ".aws/credentials",
                    "[base]\naws_access_key_id = BASE\naws_secret_access_key = S\naws_session_token = T\n");
    serve(run, "role%2Fadmin", REPLY("ADMIN"));
    expect_found(run, "admin", "ADMIN", "profile `admin`, role `" ARN "admin`");
    assert_string_equal(run->credentials.session_token, "token-of-ADMIN");
    assert_int_equal(run->credentials.expiry_ms, FAKE_WALL_MS + 3600 * 1000);
    const struct fake_request *request = &run->fake.requests[0];
    assert_string_equal(request->url, "https://sts.eu-west-1.amazonaws.com/");
    assert_string_equal(request->access_key, "BASE");
    assert_string_equal(request->session_token, "T");
    assert_non_null(strstr(request->body, "&RoleSessionName=jane&DurationSeconds=900&ExternalId=x%20y"));
    assert_int_equal(run->fake.request_count, 1);
}

/* --region, AWS_REGION, AWS_DEFAULT_REGION, the profile that was named, us-east-1. */
static void test_region(void **state)
{
    struct run *run = *state;
    struct credentials_options options = {.profile = "a", .full_chain = true};
    static const char *const urls[] = {
        "https://sts.us-east-1.amazonaws.com/", "https://sts.eu-west-3.amazonaws.com/",
        "https://sts.eu-west-2.amazonaws.com/", "https://sts.eu-west-1.amazonaws.com/"};
    fake_home_write(&run->home, ".aws/credentials",
                    "[a]\nrole_arn = " ARN "a\nsource_profile = b\n"
                    "[b]\naws_access_key_id = B\naws_secret_access_key = S\nregion = sa-east-1\n");
    serve(run, NULL, REPLY("A"));
    for (size_t i = 0; i < 4; i++) {
        if (i == 1)
            fake_set(&run->fake, "AWS_DEFAULT_REGION", "eu-west-3");
        else if (i == 2)
            fake_set(&run->fake, "AWS_REGION", "eu-west-2");
        else if (i == 3)
            options.region = "eu-west-1";
        credentials_free(&run->credentials);
        assert_true(credentials_find(&options, &run->imds, &run->fake.io, &run->credentials, &run->err));
        assert_string_equal(run->fake.requests[i].url, urls[i]);
    }
    assert_non_null(strstr(run->fake.requests[0].body, "&RoleSessionName=ssm-enforce-1795348800"));
    options.region = "no/region";
    assert_false(credentials_find(&options, &run->imds, &run->fake.io, &run->credentials, &run->err));
    assert_int_equal(run->err.code, ERR_CONFIG);
}

/* Roles in a row: each is assumed with the keys of the one before it. */
static void test_chain(void **state)
{
    struct run *run = *state;
    fake_home_write(&run->home, ".aws/config",
                    "[profile c]\nrole_arn = " ARN "c\nsource_profile = b\n"
                    "[profile b]\nrole_arn = " ARN "b\nsource_profile = a\n"
                    "[profile a]\naws_access_key_id = A\naws_secret_access_key = S\n");
    serve(run, "role%2Fb", REPLY("B"));
    serve(run, "role%2Fc", REPLY("C"));
    expect_found(run, "c", "C", "profile `c`, role `" ARN "c`");
    assert_int_equal(run->fake.request_count, 2);
    assert_string_equal(run->fake.requests[0].access_key, "A");
    assert_string_equal(run->fake.requests[1].access_key, "B");
    assert_string_equal(run->fake.requests[1].session_token, "token-of-B");
}

/* A profile with a role and keys: the role is what the user gets, the keys are what a source_profile gives.
 */
static void test_keys_of_its_own(void **state)
{
    struct run *run = *state;
    fake_home_write(&run->home, ".aws/credentials",
                    "[self]\nrole_arn = " ARN "self\nsource_profile = self\naws_access_key_id = S\n"
                    "aws_secret_access_key = S\n"
                    "[user]\nrole_arn = " ARN "user\nsource_profile = self\n");
    serve(run, "role%2Fself", REPLY("SELF"));
    serve(run, "role%2Fuser", REPLY("USER"));
    expect_found(run, "self", "SELF", "profile `self`, role `" ARN "self`");
    assert_string_equal(run->fake.requests[0].access_key, "S");
    expect_found(run, "user", "USER", "profile `user`, role `" ARN "user`");
    assert_string_equal(run->fake.requests[1].access_key, "S");
    assert_int_equal(run->fake.request_count, 2);
}

static void test_circles(void **state)
{
    struct run *run = *state;
    struct buf text = {0};
    fake_home_write(
        &run->home, ".aws/config",
        "[profile self]\nrole_arn = r\nsource_profile = self\n"
        "[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = a\n"
        "[profile d]\nrole_arn = r\nsource_profile = e\n"
        "[profile e]\nrole_arn = r\nsource_profile = e\n");
    expect_error(run, "self", ERR_CONFIG, "profile 'self': source_profile 'self' leads back to itself");
    expect_error(run, "a", ERR_CONFIG, "profile 'b': source_profile 'a' leads back to itself");
    expect_error(run, "d", ERR_CONFIG, "profile 'e': source_profile 'e' leads back to itself");
    for (int i = 0; i < 1000; i++)
        buf_addf(&text, "[profile p%d]\nrole_arn = r\nsource_profile = p%d\n", i, i + 1);
    fake_home_write(&run->home, ".aws/config", buf_text(&text));
    buf_free(&text);
    expect_error(run, "p0", ERR_CONFIG, "more than 8 roles in a row");
    assert_int_equal(run->fake.request_count, 0);
}

static void test_misconfigured(void **state)
{
    struct run *run = *state;
    fake_home_write(&run->home, ".aws/config",
                    "[profile neither]\nrole_arn = r\n"
                    "[profile both]\nrole_arn = r\nsource_profile = x\ncredential_source = Environment\n"
                    "[profile gone]\nrole_arn = r\nsource_profile = x\n"
                    "[profile bare]\nregion = x\n"
                    "[profile of-bare]\nrole_arn = r\nsource_profile = bare\n"
                    "[profile half]\naws_access_key_id = A\n"
                    "[profile of-half]\nrole_arn = r\nsource_profile = half\n"
                    "[profile long]\nrole_arn = r\nsource_profile = half\nduration_seconds = 1h\n"
                    "[profile odd]\nrole_arn = r\ncredential_source = Moon\n"
                    "[profile env]\nrole_arn = r\ncredential_source = Environment\n");
    expect_error(run, "neither", ERR_CONFIG,
                 "profile 'neither': it has a role_arn and neither source_profile nor");
    expect_error(run, "both", ERR_CONFIG, "both source_profile and credential_source");
    expect_error(run, "gone", ERR_CONFIG, "profile 'gone': there is no profile 'x'");
    expect_error(run, "of-bare", ERR_CONFIG, "its source_profile 'bare' names no credentials");
    expect_error(run, "of-half", ERR_CONFIG, "profile 'half': it has an aws_access_key_id and no");
    expect_error(run, "long", ERR_CONFIG, "duration_seconds '1h' is no number of 900 to 43200");
    expect_error(run, "odd", ERR_CONFIG,
                 "credential_source 'Moon' is not known: Environment, EcsContainer or");
    expect_error(run, "env", ERR_CONFIG, "its credential_source 'Environment' has no credentials");
    assert_int_equal(run->fake.request_count, 0);
}

static void test_credential_source(void **state)
{
    struct run *run = *state;
    fake_home_write(&run->home, ".aws/config",
                    "[profile env]\nrole_arn = r\ncredential_source = Environment\n"
                    "[profile ecs]\nrole_arn = r\ncredential_source = EcsContainer\n"
                    "[profile ec2]\nrole_arn = r\ncredential_source = ec2instancemetadata\n");
    fake_set(&run->fake, "AWS_ACCESS_KEY_ID", "ENV");
    fake_set(&run->fake, "AWS_SECRET_ACCESS_KEY", "S");
    fake_set(&run->fake, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x");
    fake_add(&run->fake, (struct fake_reply){
                             .method = HTTP_GET,
                             .url = "http://169.254.170.2/x",
                             .body = "{\"AccessKeyId\":\"ECS\",\"SecretAccessKey\":\"S\",\"Token\":\"T\"}"});
    fake_add(&run->fake,
             (struct fake_reply){.method = HTTP_PUT, .url = "http://169.254.169.254/*", .body = "T"});
    fake_add(&run->fake,
             (struct fake_reply){.method = HTTP_GET,
                                 .url = "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
                                 .body = "web"});
    fake_add(&run->fake, (struct fake_reply){.method = HTTP_GET,
                                             .url = "http://169.254.169.254/*",
                                             .body = "{\"AccessKeyId\":\"EC2\",\"SecretAccessKey\":\"S\"}"});
    serve(run, NULL, REPLY("R"));
    static const char *const profiles[] = {"env", "ecs", "ec2"};
    static const char *const keys[] = {"ENV", "ECS", "EC2"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(find(run, profiles[i]));
        assert_string_equal(run->credentials.access_key, "R");
        assert_string_equal(run->fake.requests[run->fake.request_count - 1].access_key, keys[i]);
    }
}

static void test_mfa(void **state)
{
    struct run *run = *state;
    struct credentials_options options = {.profile = "mfa", .full_chain = true, .may_ask = true};
    fake_home_write(&run->home, ".aws/credentials",
                    "[mfa]\nrole_arn = r\nsource_profile = mfa\nmfa_serial = arn:mfa\naws_access_key_id = S\n"
                    "aws_secret_access_key = S\n");
    serve(run, NULL, REPLY("R"));
    expect_error(run, "mfa", ERR_CONFIG, "wants a code of the MFA device 'arn:mfa', and nobody can be asked");
    assert_string_equal(asked, "");
    assert_false(credentials_find(&options, &run->imds, &run->fake.io, &run->credentials, &run->err));
    assert_int_equal(run->err.code, ERR_CONFIG);
    assert_non_null(strstr(run->err.message, "there is no terminal"));
    answer = "";
    assert_false(credentials_find(&options, &run->imds, &run->fake.io, &run->credentials, &run->err));
    assert_non_null(strstr(run->err.message, "no code was given"));
    assert_int_equal(run->fake.request_count, 0);
    answer = "123456";
    assert_true(credentials_find(&options, &run->imds, &run->fake.io, &run->credentials, &run->err));
    assert_string_equal(asked, "Code of the MFA device arn:mfa: ");
    assert_non_null(strstr(run->fake.requests[0].body, "&SerialNumber=arn%3Amfa&TokenCode=123456"));
}

/* What STS says, with the profile before it. */
static void test_refused(void **state)
{
    struct run *run = *state;
    fake_home_write(&run->home, ".aws/credentials",
                    "[a]\nrole_arn = " ARN
                    "a\nsource_profile = a\naws_access_key_id = S\naws_secret_access_key = S\n");
    fake_add(&run->fake,
             (struct fake_reply){
                 .method = HTTP_POST,
                 .url = "https://sts.*",
                 .status = 403,
                 .body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not trusted</Message>"
                         "</Error></ErrorResponse>"});
    expect_error(run, "a", ERR_DENIED, "profile `a`, role `" ARN "a`: AccessDenied for sts:AssumeRole");
    expect_error(run, "a", ERR_DENIED, "not trusted");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_source_profile),    TEST(test_region),  TEST(test_chain),
        TEST(test_keys_of_its_own),   TEST(test_circles), TEST(test_misconfigured),
        TEST(test_credential_source), TEST(test_mfa),     TEST(test_refused),
    };
    return cmocka_run_group_tests_name("credentials_role", tests, NULL, NULL);
}
