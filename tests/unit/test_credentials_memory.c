// link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
#define _GNU_SOURCE 1 /* memmem */
/* Every source with each allocation failed in turn, and what it leaves behind in memory. */
#include "alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/credentials_source.h"
#include "aws/sha1.h"
#include "fake.h"
#include "fake_home.h"

#define SECRET "wipe-this-secret"
#define KEYS   "\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"" SECRET "\",\"Token\":\"" SECRET "\""
#define ROLES  "http://169.254.169.254/latest/meta-data/iam/security-credentials/"

struct run {
    struct fake fake;
    struct fake_home home;
    char sso_cache[96];
    char token_path[96];
    char agent_path[96];
};

static int setup(void **state)
{
    static struct run run;
    char digest[SHA1_HEX_SIZE];
    run = (struct run){0};
    fake_start(&run.fake);
    fake_home_start(&run.home);
    fake_add(&run.fake,
             (struct fake_reply){.method = HTTP_PUT, .url = "http://169.254.169.254/*", .body = SECRET});
    fake_add(&run.fake, (struct fake_reply){.method = HTTP_GET, .url = ROLES, .body = "web"});
    fake_add(&run.fake, (struct fake_reply){.method = HTTP_GET,
                                            .url = ROLES "web",
                                            .body = "{\"Code\":\"Success\"," KEYS "}"});
    fake_add(&run.fake,
             (struct fake_reply){.method = HTTP_GET,
                                 .url = "http://169.254.169.254/*",
                                 .body = "{\"instanceId\":\"i-1\",\"region\":\"r\",\"accountId\":\"1\"}"});
    fake_add(&run.fake,
             (struct fake_reply){.method = HTTP_GET, .url = "http://169.254.170.2/x", .body = "{" KEYS "}"});
    fake_add(&run.fake,
             (struct fake_reply){
                 .method = HTTP_POST,
                 .url = "https://sts.*",
                 .body = "<R><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>" SECRET
                         "</SecretAccessKey><SessionToken>" SECRET "</SessionToken></Credentials></R>"});
    fake_add(&run.fake, (struct fake_reply){.method = HTTP_POST,
                                            .url = "https://oidc.*",
                                            .body = "{\"accessToken\":\"" SECRET "\",\"expiresIn\":3600}"});
    fake_add(&run.fake,
             (struct fake_reply){
                 .method = HTTP_GET,
                 .url = "https://portal.*",
                 .body = "{\"roleCredentials\":{\"accessKeyId\":\"A\",\"secretAccessKey\":\"" SECRET
                         "\",\"sessionToken\":\"" SECRET "\"}}"});
    fake_home_write(&run.home, ".aws/config",
                    "[profile role]\nrole_arn = r\nsource_profile = keys\n"
                    "[profile sso]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
                    "[sso-session s]\nsso_start_url = u\nsso_region = r\n"
                    "[profile command]\ncredential_process = /bin/sh -c 'echo \"$SOME_KEYS\"'\n");
    fake_home_write(&run.home, ".aws/credentials",
                    "[keys]\naws_access_key_id = A\naws_secret_access_key = " SECRET "\n");
    sha1_hex("s", 1, digest);
    (void)snprintf(run.sso_cache, sizeof run.sso_cache, ".aws/sso/cache/%s.json", digest);
    fake_home_write(&run.home, "agent",
                    "[default]\naws_access_key_id = A\naws_secret_access_key = " SECRET "\n");
    fake_home_write(&run.home, "token", SECRET);
    (void)snprintf(run.token_path, sizeof run.token_path, "%s/token", run.home.path);
    (void)snprintf(run.agent_path, sizeof run.agent_path, "%s/agent", run.home.path);
    assert_int_equal(setenv("SOME_KEYS", "{\"Version\":1," KEYS "}", 1), 0);
    alloc.secret = SECRET;
    alloc.leaked = false;
    *state = &run;
    return 0;
}

static int teardown(void **state)
{
    struct run *run = *state;
    alloc.secret = NULL;
    fake_home_end(&run->home);
    fake_end(&run->fake);
    return 0;
}

/* Either the credentials, all of them and of the source that was meant (its name may be lost), or an error
 * and nothing at all. */
static void check(bool ok, const char *source, struct credentials *credentials, const struct err *err)
{
    if (ok) {
        assert_string_equal(credentials->secret_key, SECRET);
        assert_non_null(strstr(credentials->source, source));
    } else {
        assert_true(alloc.failed);
        assert_int_not_equal(err->code, ERR_NONE);
        assert_null(credentials->access_key);
        assert_null(credentials->secret_key);
        assert_null(credentials->source);
    }
    credentials_free(credentials);
    assert_false(alloc.leaked);
}

/* A new run: time for it, and a log without the secrets that were sent. */
static void begin(struct run *run)
{
    alloc.secret = NULL;
    fake_forget_requests(&run->fake);
    run->fake.io.deadline_ms = run->fake.mono_ms + FAKE_DEADLINE_MS;
    alloc.secret = SECRET;
}

static void find(struct run *run, const char *profile, bool full_chain, const char *source)
{
    struct credentials_options options = {.profile = profile, .full_chain = full_chain};
    struct imds imds = {0};
    struct credentials credentials = {0};
    struct err err = {0};
    begin(run);
    bool ok = credentials_find(&options, &imds, &run->fake.io, &credentials, &err);
    imds_free(&imds);
    check(ok, source, &credentials, &err);
}

static void test_role_of_the_instance(void **state)
{
    ALLOC_FAIL_EACH(find(*state, NULL, false, "instance role"));
}

static void identify(struct run *run)
{
    struct imds imds = {0};
    struct err err = {0};
    begin(run);
    if (imds_identity(&imds, &run->fake.io, &err))
        assert_string_equal(imds.instance_id, "i-1");
    else
        assert_int_not_equal(err.code, ERR_NONE);
    imds_free(&imds);
    assert_false(alloc.leaked);
}

static void test_identity(void **state)
{
    ALLOC_FAIL_EACH(identify(*state));
}

static void test_container(void **state)
{
    struct run *run = *state;
    fake_set(&run->fake, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x");
    fake_set(&run->fake, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", run->token_path);
    ALLOC_FAIL_EACH(find(run, NULL, false, "container"));
}

static void test_environment(void **state)
{
    struct run *run = *state;
    fake_set(&run->fake, "AWS_ACCESS_KEY_ID", "A");
    fake_set(&run->fake, "AWS_SECRET_ACCESS_KEY", SECRET);
    ALLOC_FAIL_EACH(find(run, NULL, false, "environment"));
}

static void test_keys(void **state)
{
    ALLOC_FAIL_EACH(find(*state, "keys", true, "profile `"));
}

static void test_role(void **state)
{
    ALLOC_FAIL_EACH(find(*state, "role", true, ", role `"));
}

static void test_process(void **state)
{
    ALLOC_FAIL_EACH(find(*state, "command", true, "credential_process"));
}

/* With a sign-in that has to be renewed, each time anew. */
static void find_sso(struct run *run)
{
    bool armed = alloc.armed;
    alloc.armed = false;
    alloc.secret = NULL;
    fake_home_write(&run->home, run->sso_cache,
                    "{\"accessToken\":\"old\",\"expiresAt\":\"2020-01-01T00:00:00Z\",\"clientId\":\"c\","
                    "\"clientSecret\":\"" SECRET "\",\"refreshToken\":\"" SECRET
                    "\",\"registrationExpiresAt\":\"2030-01-01T00:00:00Z\"}");
    alloc.armed = armed;
    find(run, "sso", true, "IAM Identity Center");
}

static void test_sso(void **state)
{
    ALLOC_FAIL_EACH(find_sso(*state));
}

static void test_web_identity(void **state)
{
    struct run *run = *state;
    fake_set(&run->fake, "AWS_WEB_IDENTITY_TOKEN_FILE", run->token_path);
    fake_set(&run->fake, "AWS_ROLE_ARN", "r");
    ALLOC_FAIL_EACH(find(run, NULL, true, ", role `"));
}

static void read_agent(const struct run *run)
{
    struct credentials credentials = {0};
    struct err err = {0};
    bool ok = credentials_from_agent_file(run->agent_path, &credentials, &err);
    check(ok, "agent", &credentials, &err);
}

static void test_agent(void **state)
{
    ALLOC_FAIL_EACH(read_agent(*state));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_role_of_the_instance),
        TEST(test_identity),
        TEST(test_container),
        TEST(test_environment),
        TEST(test_keys),
        TEST(test_role),
        TEST(test_process),
        TEST(test_sso),
        TEST(test_web_identity),
        TEST(test_agent),
    };
    return cmocka_run_group_tests_name("credentials_memory", tests, NULL, NULL);
}
