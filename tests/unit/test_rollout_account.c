/* Regions, credentials and account of an administrator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_home.h"
#include "rollout/account.h"
#include "script.h"

struct fixture {
    struct script script;
    struct fake_home home;
    struct account account;
    struct err err;
};

static void start(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    script_start(&f->script, "eu-west-1");
    fake_home_start(&f->home);
}

static void end(struct fixture *f)
{
    account_close(&f->account);
    fake_home_end(&f->home);
    script_end(&f->script);
}

static bool find(struct fixture *f, const char *regions, bool all, const char *profile)
{
    const struct account_options options = {
        .regions = regions, .all_regions = all, .profile = profile, .timeout_ms = 5000};
    account_close(&f->account);
    return account_regions(&f->account, &options, &f->script.fake.io, &f->err);
}

static void assert_regions(const struct fixture *f, const char *wanted)
{
    struct buf got = {0};
    for (size_t i = 0; i < f->account.regions.count; i++)
        buf_addf(&got, "%s ", f->account.regions.items[i]);
    assert_string_equal(buf_text(&got), wanted);
    buf_free(&got);
}

static void test_given_regions(void **state)
{
    static const char *const BAD[] = {"",          ",",       "eu-west-1,", ",eu-west-1",
                                      "EU-WEST-1", "eu west", "eu-west-1/x"};
    struct fixture f;
    (void)state;
    start(&f);
    assert_true(find(&f, "us-east-1,eu-west-1,us-east-1", false, NULL));
    assert_regions(&f, "us-east-1 eu-west-1 ");
    assert_string_equal(f.account.partition, "aws");
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_false(find(&f, BAD[i], false, NULL));
        assert_int_equal(f.err.code, ERR_USAGE);
        assert_non_null(strstr(f.err.message, "--region"));
    }
    char longer[ENDPOINT_REGION_MAX + 1];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_false(find(&f, longer, false, NULL));
    assert_false(find(&f, "eu-west-1,cn-north-1", false, NULL));
    assert_non_null(strstr(f.err.message, "two partitions"));
    assert_false(find(&f, "eu-west-1", true, NULL));
    assert_int_equal(f.err.code, ERR_USAGE);
    end(&f);
}

static void test_configured_region(void **state)
{
    struct fixture f;
    (void)state;
    start(&f);
    fake_home_write(&f.home, ".aws/config",
                    "[default]\nregion = eu-south-1\n[profile ops]\nregion = eu-north-1\n"
                    "[profile bare]\noutput = json\n[profile odd]\nregion = EU\n");
    assert_true(find(&f, NULL, false, NULL));
    assert_regions(&f, "eu-south-1 ");
    assert_true(find(&f, NULL, false, "ops"));
    assert_regions(&f, "eu-north-1 ");
    assert_false(find(&f, NULL, false, "odd"));
    assert_int_equal(f.err.code, ERR_USAGE);
    assert_false(find(&f, NULL, false, "missing"));
    assert_int_equal(f.err.code, ERR_CONFIG);
    fake_set(&f.script.fake, "AWS_PROFILE", "ops");
    assert_true(find(&f, NULL, false, NULL));
    assert_regions(&f, "eu-north-1 ");
    fake_set(&f.script.fake, "AWS_DEFAULT_REGION", "us-west-2");
    assert_true(find(&f, NULL, false, NULL));
    assert_regions(&f, "us-west-2 ");
    fake_set(&f.script.fake, "AWS_REGION", "us-west-1");
    assert_true(find(&f, NULL, false, "missing"));
    assert_regions(&f, "us-west-1 ");
    fake_set(&f.script.fake, "AWS_REGION", "US");
    assert_false(find(&f, NULL, false, NULL));
    assert_non_null(strstr(f.err.message, "AWS_REGION"));
    end(&f);
}

static void test_region_of_the_instance(void **state)
{
    struct fixture f;
    (void)state;
    start(&f);
    (void)script_expect(&f.script, "169.254.169.254", "api/token", 200, "token");
    (void)script_expect(&f.script, "169.254.169.254", "instance-identity/document", 200,
                        "{\"region\":\"sa-east-1\",\"instanceId\":\"i-1\",\"accountId\":\"123456789012\"}");
    assert_true(find(&f, NULL, false, NULL));
    assert_regions(&f, "sa-east-1 ");
    fake_set(&f.script.fake, "AWS_EC2_METADATA_DISABLED", "true");
    assert_false(find(&f, NULL, false, NULL));
    assert_int_equal(f.err.code, ERR_USAGE);
    assert_non_null(strstr(f.err.message, "give --region"));
    end(&f);
}

static void expect_identity(struct fixture *f, int status)
{
    (void)script_expect(&f->script, "sts.", "GetCallerIdentity", status,
                        status == 200
                            ? "<R><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/a</Arn>"
                              "<Account>123456789012</Account></GetCallerIdentityResult></R>"
                            : "<ErrorResponse><Error><Code>AccessDenied</Code>"
                              "<Message>no</Message></Error></ErrorResponse>");
}

static void test_opened(void **state)
{
    struct fixture f;
    (void)state;
    start(&f);
    fake_set(&f.script.fake, "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    fake_set(&f.script.fake, "AWS_SECRET_ACCESS_KEY", "secret");
    assert_true(find(&f, "eu-west-1", false, NULL));
    expect_identity(&f, 200);
    assert_true(account_open(&f.account, &f.err));
    assert_string_equal(f.account.identity.account, "123456789012");
    assert_string_equal(f.account.session.credentials.access_key, "AKIDEXAMPLE");
    struct aws_client client;
    assert_true(account_client(&f.account, "ssm", "us-east-1", &client, &f.err));
    assert_string_equal(client.endpoint.url, "https://ssm.us-east-1.amazonaws.com");
    assert_true(account_client(&f.account, "ssm", NULL, &client, &f.err));
    assert_string_equal(client.endpoint.url, "https://ssm.eu-west-1.amazonaws.com");
    struct credentials again = {0};
    assert_true(f.account.session.refresh(f.account.session.refresh_ctx, &again, &f.err));
    assert_string_equal(again.access_key, "AKIDEXAMPLE");
    credentials_free(&again);
    end(&f);
}

static void test_not_opened(void **state)
{
    struct fixture f;
    (void)state;
    start(&f);
    fake_set(&f.script.fake, "AWS_EC2_METADATA_DISABLED", "true");
    assert_true(find(&f, "eu-west-1", false, NULL));
    assert_false(account_open(&f.account, &f.err));
    assert_int_equal(f.err.code, ERR_NO_CREDENTIALS);
    fake_set(&f.script.fake, "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    fake_set(&f.script.fake, "AWS_SECRET_ACCESS_KEY", "secret");
    expect_identity(&f, 403);
    assert_false(account_open(&f.account, &f.err));
    assert_null(f.account.identity.account);
    end(&f);
}

static void test_all_regions(void **state)
{
    struct fixture f;
    (void)state;
    start(&f);
    fake_set(&f.script.fake, "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    fake_set(&f.script.fake, "AWS_SECRET_ACCESS_KEY", "secret");
    fake_set(&f.script.fake, "AWS_REGION", "eu-west-1");
    assert_true(find(&f, NULL, true, NULL));
    expect_identity(&f, 200);
    (void)script_expect(&f.script, "ec2.eu-west-1", "DescribeRegions", 200,
                        "<R><regionInfo><item><regionName>us-east-1</regionName></item>"
                        "<item><regionName>ap-south-1</regionName></item></regionInfo></R>");
    assert_true(account_open(&f.account, &f.err));
    assert_regions(&f, "ap-south-1 us-east-1 ");
    assert_true(find(&f, NULL, true, NULL));
    expect_identity(&f, 200);
    (void)script_expect(
        &f.script, "ec2.eu-west-1", "DescribeRegions", 403,
        "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error>"
        "</Errors></Response>");
    assert_false(account_open(&f.account, &f.err));
    assert_non_null(strstr(f.err.message, "--all-regions"));
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_given_regions),
        cmocka_unit_test(test_configured_region),
        cmocka_unit_test(test_region_of_the_instance),
        cmocka_unit_test(test_opened),
        cmocka_unit_test(test_not_opened),
        cmocka_unit_test(test_all_regions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
