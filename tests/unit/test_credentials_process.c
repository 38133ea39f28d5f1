#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "aws/credentials.h"
#include "fake.h"
#include "fake_home.h"

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
    *state = &run;
    return 0;
}

static int teardown(void **state)
{
    struct run *run = *state;
    credentials_free(&run->credentials);
    fake_home_end(&run->home);
    fake_end(&run->fake);
    return 0;
}

/* A profile `p` whose command says `output` and ends with `status`. */
static void use_command(struct run *run, const char *output, int status)
{
    char text[1024];
    char path[128];
    (void)snprintf(path, sizeof path, "%s/a b.sh", run->home.path);
    (void)snprintf(text, sizeof text,
                   "#!/bin/sh\n[ \"$1 $2\" = 'x y z' ] || exit 9\ncat <<'END'\n%s\nEND\nexit %d\n", output,
                   status);
    fake_home_write(&run->home, "a b.sh", text);
    assert_int_equal(chmod(path, 0700), 0);
    (void)snprintf(text, sizeof text,
                   "[profile p]\ncredential_process = \"%s\" x 'y z'\naws_access_key_id = LATER\n"
                   "aws_secret_access_key = S\n",
                   path);
    fake_home_write(&run->home, ".aws/config", text);
}

static bool find(struct run *run)
{
    struct credentials_options options = {.profile = "p", .full_chain = true};
    credentials_free(&run->credentials);
    return credentials_find(&options, &run->imds, &run->fake.io, &run->credentials, &run->err);
}

static void expect_error(struct run *run, enum err_code code, const char *says)
{
    assert_false(find(run));
    if (!strstr(run->err.message, says))
        fail_msg("'%s' lacks '%s'", run->err.message, says);
    assert_int_equal(run->err.code, code);
    assert_null(strstr(run->err.message, "hidden"));
    assert_non_null(strstr(run->err.message, "profile `p`, credential_process"));
}

static void test_process(void **state)
{
    struct run *run = *state;
    use_command(
        run,
        "{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"B\", \"SessionToken\": \"C\","
        " \"Expiration\": \"2026-11-22T12:30:00Z\"}",
        0);
    assert_true(find(run));
    assert_string_equal(run->credentials.access_key, "A");
    assert_string_equal(run->credentials.secret_key, "B");
    assert_string_equal(run->credentials.session_token, "C");
    assert_string_equal(run->credentials.source, "profile `p`, credential_process");
    assert_int_equal(run->credentials.expiry_ms, FAKE_WALL_MS + 1800 * 1000);
    /* Keys in the credentials file go before the command, those in the config file behind it. */
    fake_home_write(&run->home, ".aws/credentials",
                    "[p]\naws_access_key_id = K\naws_secret_access_key = S\n");
    assert_true(find(run));
    assert_string_equal(run->credentials.access_key, "K");
}

static void test_failures(void **state)
{
    struct run *run = *state;
    use_command(run, "{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"hidden\"}", 3);
    expect_error(run, ERR_CONFIG, "3");
    use_command(run, "{\"Version\": 2, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"hidden\"}", 0);
    expect_error(run, ERR_MALFORMED, "\"Version\": 1");
    use_command(run, "{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"hidden\"}", 0);
    expect_error(run, ERR_MALFORMED, "\"Version\": 1");
    use_command(run, "{\"Version\": 1, \"SecretAccessKey\": \"hidden\"}", 0);
    expect_error(run, ERR_MALFORMED, "'AccessKeyId' is missing");
    use_command(run, "hidden", 0);
    expect_error(run, ERR_MALFORMED, "");
    fake_home_write(&run->home, ".aws/config", "[profile p]\ncredential_process = /nowhere/at/all\n");
    expect_error(run, ERR_CONFIG, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(test_process), TEST(test_failures)};
    return cmocka_run_group_tests_name("credentials_process", tests, NULL, NULL);
}
