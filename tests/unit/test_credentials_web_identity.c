#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/credentials.h"
#include "fake.h"
#include "fake_home.h"

static const char reply[] = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><"
                            "Credentials><AccessKeyId>WEB</AccessKeyId>"
                            "<SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken></"
                            "Credentials></AssumeRoleWithWebIdentityResult>"
                            "</AssumeRoleWithWebIdentityResponse>";

struct run {
    struct fake fake;
    struct fake_home home;
    struct imds imds;
    struct credentials credentials;
    struct err err;
    char token_path[128];
};

static int setup(void **state)
{
    static struct run run;
    run = (struct run){0};
    fake_start(&run.fake);
    fake_home_start(&run.home);
    fake_set(&run.fake, "AWS_EC2_METADATA_DISABLED", "true");
    fake_home_write(&run.home, "token", "eyJ.a.b\n");
    (void)snprintf(run.token_path, sizeof run.token_path, "%s/token", run.home.path);
    fake_add(&run.fake, (struct fake_reply){.method = HTTP_POST, .url = "https://sts.*", .body = reply});
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

static bool find(struct run *run, struct credentials_options options)
{
    credentials_free(&run->credentials);
    return credentials_find(&options, &run->imds, &run->fake.io, &run->credentials, &run->err);
}

static void expect_error(const struct run *run, enum err_code code, const char *says)
{
    if (!strstr(run->err.message, says))
        fail_msg("'%s' lacks '%s'", run->err.message, says);
    assert_int_equal(run->err.code, code);
}

static const struct credentials_options administrator = {.full_chain = true};

static void test_environment(void **state)
{
    struct run *run = *state;
    fake_set(&run->fake, "AWS_WEB_IDENTITY_TOKEN_FILE", run->token_path);
    fake_set(&run->fake, "AWS_ROLE_ARN", "arn:role");
    fake_set(&run->fake, "AWS_ROLE_SESSION_NAME", "pod");
    fake_set(&run->fake, "AWS_REGION", "eu-west-1");
    assert_true(find(run, administrator));
    assert_string_equal(run->credentials.access_key, "WEB");
    assert_string_equal(run->credentials.source, "profile `default`, role `arn:role`");
    assert_string_equal(run->fake.requests[0].url, "https://sts.eu-west-1.amazonaws.com/");
    assert_null(run->fake.requests[0].access_key);
    assert_non_null(strstr(run->fake.requests[0].body, "&RoleSessionName=pod&WebIdentityToken=eyJ.a.b"));
    /* Enforcement has no such source, and a profile that is named speaks for itself. */
    assert_false(find(run, (struct credentials_options){0}));
    fake_home_write(&run->home, ".aws/config", "[profile x]\nregion = r\n");
    assert_false(find(run, (struct credentials_options){.full_chain = true, .profile = "x"}));
    expect_error(run, ERR_NO_CREDENTIALS, "`: names no credentials");
    assert_int_equal(run->fake.request_count, 1);
}

static void test_profile(void **state)
{
    struct run *run = *state;
    char text[512];
    (void)snprintf(text, sizeof text,
                   "[profile web]\nrole_arn = arn:role\nweb_identity_token_file = %s\n"
                   "[profile user]\nrole_arn = arn:user\nsource_profile = web\n",
                   run->token_path);
    fake_home_write(&run->home, ".aws/config", text);
    assert_true(find(run, (struct credentials_options){.full_chain = true, .profile = "web"}));
    assert_string_equal(run->credentials.source, "profile `web`, role `arn:role`");
    assert_non_null(strstr(run->fake.requests[0].body, "&RoleSessionName=ssm-enforce-1795348800&"));
    fake_set(&run->fake, "AWS_ROLE_SESSION_NAME", "from-environment");
    fake_set(&run->fake, "AWS_PROFILE", "web");
    assert_true(find(run, administrator));
    assert_non_null(strstr(run->fake.requests[1].body, "&RoleSessionName=from-environment&"));
    assert_true(find(run, (struct credentials_options){.profile = "user"}));
    assert_string_equal(run->fake.requests[3].access_key, "WEB");
}

static void test_misconfigured(void **state)
{
    struct run *run = *state;
    fake_set(&run->fake, "AWS_WEB_IDENTITY_TOKEN_FILE", run->token_path);
    assert_false(find(run, administrator));
    expect_error(run, ERR_CONFIG, "a web_identity_token_file is named, and no role_arn");
    fake_set(&run->fake, "AWS_ROLE_ARN", "arn:role");
    fake_home_write(&run->home, "token", " \n");
    assert_false(find(run, administrator));
    expect_error(run, ERR_CONFIG, "holds no token");
    fake_set(&run->fake, "AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/at/all");
    assert_false(find(run, administrator));
    expect_error(run, ERR_CONFIG, "web_identity_token_file: ");
    assert_int_equal(run->fake.request_count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(test_environment), TEST(test_profile), TEST(test_misconfigured)};
    return cmocka_run_group_tests_name("credentials_web_identity", tests, NULL, NULL);
}
