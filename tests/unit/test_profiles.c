#include "aws/profiles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "fake_home.h"

struct run {
    struct fake fake;
    struct fake_home home;
    struct profiles profiles;
    struct err err;
};

static int setup(void **state)
{
    static struct run run;
    run = (struct run){0};
    fake_start(&run.fake);
    fake_home_start(&run.home);
    *state = &run;
    return 0;
}

static int teardown(void **state)
{
    struct run *run = *state;
    profiles_free(&run->profiles);
    fake_home_end(&run->home);
    fake_end(&run->fake);
    return 0;
}

static bool load(struct run *run)
{
    profiles_free(&run->profiles);
    return profiles_load(&run->profiles, &run->fake.env, &run->err);
}

static void expect(const struct run *run, const char *name, const char *key, const char *value)
{
    const char *found = profiles_get(&run->profiles, name, key);
    if (value)
        assert_non_null(found);
    else
        assert_null(found);
    if (value)
        assert_string_equal(found, value);
}

static void test_files(void **state)
{
    struct run *run = *state;
    assert_true(load(run)); /* no files at all */
    assert_false(profiles_has(&run->profiles, "default"));
    fake_home_write(
        &run->home, ".aws/config",
        "[default]\nregion = eu-west-1\noutput =\n[profile \"two words\"]\nRegion=us-east-1\n"
        "[ops]\nregion = ignored\n[profile dev]\nregion = first\nregion = last\naws_access_key_id = CONFIG\n"
        "[sso-session corp]\nsso_region = eu-north-1\n[services s]\nssm =\n  endpoint_url = x\n"
        "[profile empty]\n[plugins]\na = b\n");
    fake_home_write(
        &run->home, ".aws/credentials",
        "[dev]\naws_access_key_id = CREDENTIALS\n[only]\naws_access_key_id = A\n[profile odd]\nregion = x\n");
    assert_true(load(run));
    expect(run, "default", "region", "eu-west-1");
    expect(run, "default", "output", NULL); /* empty is not set */
    expect(run, "two words", "region", "us-east-1");
    assert_false(profiles_has(&run->profiles, "ops")); /* no "profile " before it */
    assert_false(profiles_has(&run->profiles, "plugins"));
    assert_true(profiles_has(&run->profiles, "empty"));
    assert_true(profiles_has(&run->profiles, "only"));
    assert_true(profiles_has(&run->profiles, "profile odd"));
    expect(run, "dev", "region", "last");
    expect(run, "dev", "aws_access_key_id", "CREDENTIALS");
    assert_string_equal(profiles_get_in(&run->profiles, PROFILES_CONFIG, "dev", "aws_access_key_id"),
                        "CONFIG");
    assert_null(profiles_get_in(&run->profiles, PROFILES_CREDENTIALS, "dev", "region"));
    assert_string_equal(profiles_get_sso(&run->profiles, "corp", "sso_region"), "eu-north-1");
    assert_false(profiles_has(&run->profiles, "corp"));
    assert_null(profiles_get_sso(&run->profiles, "dev", "region"));
}

static void test_paths(void **state)
{
    struct run *run = *state;
    char path[128];
    fake_home_write(&run->home, ".aws/config", "[default]\nregion = wrong\n");
    fake_home_write(&run->home, "c", "[default]\nregion = right\n");
    fake_home_write(&run->home, "k", "[default]\naws_access_key_id = A\n");
    fake_set(&run->fake, "AWS_CONFIG_FILE", "~/c");
    (void)snprintf(path, sizeof path, "%s/k", run->home.path);
    fake_set(&run->fake, "AWS_SHARED_CREDENTIALS_FILE", path);
    assert_true(load(run));
    expect(run, "default", "region", "right");
    expect(run, "default", "aws_access_key_id", "A");
    fake_set(&run->fake, "AWS_CONFIG_FILE", "/nowhere/at/all");
    assert_true(load(run));
    expect(run, "default", "region", NULL);
    fake_set(&run->fake, "AWS_CONFIG_FILE", run->home.path);
    assert_false(load(run));
    assert_int_equal(run->err.code, ERR_CONFIG);
    assert_non_null(strstr(run->err.message, run->home.path));
}

static void test_bad_file(void **state)
{
    struct run *run = *state;
    fake_home_write(&run->home, ".aws/credentials", "[default]\naws_access_key_id = A\nrubbish\n");
    assert_false(load(run));
    assert_int_equal(run->err.code, ERR_CONFIG);
    assert_non_null(strstr(run->err.message, "/.aws/credentials"));
    assert_non_null(strstr(run->err.message, "3"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(test_files), TEST(test_paths), TEST(test_bad_file)};
    return cmocka_run_group_tests_name("profiles", tests, NULL, NULL);
}
