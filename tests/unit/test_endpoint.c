#include "aws/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"

struct endpoint_case {
    const char *service;
    const char *region;
    int fips;
    int dual;
    const char *url; /* NULL: there is none */
    const char *signing_region;
};

static const struct endpoint_case cases[] = {
#include "endpoint_cases.inc"
};

static int setup(void **state)
{
    static struct fake fake;
    fake_start(&fake);
    *state = &fake;
    return 0;
}

static int teardown(void **state)
{
    fake_end(*state);
    return 0;
}

/* The same URL and signing region as botocore's rules, but for FIPS in China: botocore makes up names that do
 * not exist in the DNS. */
static void test_as_botocore(void **state)
{
    struct fake *fake = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct endpoint_case *c = &cases[i];
        struct endpoint endpoint = {0};
        struct err err = {0};
        fake_set(fake, "AWS_USE_FIPS_ENDPOINT", c->fips ? "true" : "false");
        fake_set(fake, "AWS_USE_DUALSTACK_ENDPOINT", c->dual ? "true" : NULL);
        bool found = endpoint_find(c->service, c->region, NULL, &fake->env, &endpoint, &err);
        if (!c->url || (c->fips && strncmp(c->region, "cn-", 3) == 0)) {
            assert_false(found);
            assert_int_equal(err.code, ERR_CONFIG);
            assert_non_null(strstr(err.message, "AWS_USE_FIPS_ENDPOINT"));
            continue;
        }
        if (!found)
            fail_msg("%s %s: %s", c->service, c->region, err.message);
        assert_string_equal(endpoint.url, c->url);
        assert_string_equal(endpoint.signing_region, c->signing_region);
        assert_false(endpoint.given);
    }
    assert_true(sizeof cases / sizeof *cases > 1000);
}

static void test_signing_service(void **state)
{
    struct fake *fake = *state;
    struct endpoint endpoint = {0};
    struct err err = {0};
    assert_true(endpoint_find("ssm", "eu-west-1", NULL, &fake->env, &endpoint, &err));
    assert_string_equal(endpoint.signing_service, "ssm");
    assert_true(endpoint_find("sso", "eu-west-1", NULL, &fake->env, &endpoint, &err));
    assert_string_equal(endpoint.signing_service, "awsssoportal");
}

static void test_partition(void **state)
{
    (void)state;
    assert_string_equal(endpoint_partition("eu-west-1"), "aws");
    assert_string_equal(endpoint_partition("cn-north-1"), "aws-cn");
    assert_string_equal(endpoint_partition("us-gov-west-1"), "aws-us-gov");
    assert_string_equal(endpoint_partition("us-iso-east-1"), "aws-iso");
    assert_string_equal(endpoint_partition("us-isob-east-1"), "aws-iso-b");
    assert_string_equal(endpoint_partition("eu-isoe-west-1"), "aws-iso-e");
    assert_string_equal(endpoint_partition("us-isof-south-1"), "aws-iso-f");
    assert_string_equal(endpoint_partition("eusc-de-east-1"), "aws-eusc");
    assert_string_equal(endpoint_partition(""), "aws");
    assert_string_equal(endpoint_partition("moon-1"), "aws");
}

static void expect_url(struct fake *fake, const char *service, const char *option, const char *url,
                       bool given)
{
    struct endpoint endpoint = {0};
    struct err err = {0};
    if (!endpoint_find(service, "eu-west-1", option, &fake->env, &endpoint, &err))
        fail_msg("%s", err.message);
    assert_string_equal(endpoint.url, url);
    assert_int_equal(endpoint.given, given);
}

/* The option, then the service's variable, then the one for all, then the partition. */
static void test_given(void **state)
{
    struct fake *fake = *state;
    fake_set(fake, "AWS_USE_FIPS_ENDPOINT", "true");
    fake_set(fake, "AWS_ENDPOINT_URL", "http://localhost:4566/");
    expect_url(fake, "ssm", NULL, "http://localhost:4566", true);
    fake_set(fake, "AWS_ENDPOINT_URL_SSM", "https://vpce-1.ssm.eu-west-1.vpce.amazonaws.com/prefix//");
    expect_url(fake, "ssm", NULL, "https://vpce-1.ssm.eu-west-1.vpce.amazonaws.com/prefix", true);
    expect_url(fake, "sts", NULL, "http://localhost:4566", true);
    expect_url(fake, "ssm", "https://[::1]:8443", "https://[::1]:8443", true);
    fake_set(fake, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    expect_url(fake, "ssm", NULL, "https://ssm-fips.eu-west-1.amazonaws.com", false);
    expect_url(fake, "ssm", "https://h", "https://h", true);
}

/* IAM is signed for its partition's own region wherever it is asked. */
static void test_given_signs_the_same(void **state)
{
    struct fake *fake = *state;
    struct endpoint endpoint = {0};
    struct err err = {0};
    assert_true(endpoint_find("iam", "us-gov-east-1", "http://h", &fake->env, &endpoint, &err));
    assert_string_equal(endpoint.signing_region, "us-gov-west-1");
    assert_true(endpoint_find("ssm", "us-gov-east-1", "http://h", &fake->env, &endpoint, &err));
    assert_string_equal(endpoint.signing_region, "us-gov-east-1");
}

static void test_bad_url(void **state)
{
    struct fake *fake = *state;
    static const char *const bad[] = {
        "",           "localhost:1",     "ftp://h",    "https://",        "https:///path",
        "https://:1", "https://a@b",     "https://h?", "https://h/#x",    "https://h h",
        "http://h\n", "https://h\\evil", "HTTPS://h",  "https://\xc3\xa9"};
    char too_long[ENDPOINT_URL_MAX + 16];
    struct endpoint endpoint = {0};
    struct err err = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (endpoint_find("ssm", "eu-west-1", bad[i], &fake->env, &endpoint, &err))
            fail_msg("took '%s'", bad[i]);
        assert_int_equal(err.code, ERR_CONFIG);
        assert_non_null(strstr(err.message, "--endpoint-url"));
    }
    memset(too_long, 'a', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    memcpy(too_long, "https://", 8);
    assert_false(endpoint_find("ssm", "eu-west-1", too_long, &fake->env, &endpoint, &err));
    too_long[ENDPOINT_URL_MAX - 1] = '\0';
    assert_true(endpoint_find("ssm", "eu-west-1", too_long, &fake->env, &endpoint, &err));
    fake_set(fake, "AWS_ENDPOINT_URL_SSM", "x");
    assert_false(endpoint_find("ssm", "eu-west-1", NULL, &fake->env, &endpoint, &err));
    assert_non_null(strstr(err.message, "AWS_ENDPOINT_URL_SSM"));
}

/* A region becomes a part of a host's name. */
static void test_bad_region(void **state)
{
    struct fake *fake = *state;
    static const char *const bad[] = {"",       "-a",      "a-",          "a.b",     "eu-west-1/",
                                      "x@evil", "eu west", "eu-west-1\n", "\xc3\xa9"};
    char long_name[66];
    struct endpoint endpoint = {0};
    struct err err = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(endpoint_find("ssm", bad[i], "https://h", &fake->env, &endpoint, &err));
        assert_int_equal(err.code, ERR_CONFIG);
    }
    memset(long_name, 'a', sizeof long_name);
    long_name[64] = '\0';
    assert_false(endpoint_find("ssm", long_name, NULL, &fake->env, &endpoint, &err));
    long_name[63] = '\0';
    assert_true(endpoint_find("ssm", long_name, NULL, &fake->env, &endpoint, &err));
    assert_string_equal(endpoint.signing_region, long_name);
    assert_false(endpoint_find("sqs", "eu-west-1", NULL, &fake->env, &endpoint, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_as_botocore, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signing_service, setup, teardown),
        cmocka_unit_test(test_partition),
        cmocka_unit_test_setup_teardown(test_given, setup, teardown),
        cmocka_unit_test_setup_teardown(test_given_signs_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_url, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_region, setup, teardown),
    };
    return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
