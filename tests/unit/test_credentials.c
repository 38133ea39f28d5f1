// link: -Wl,--wrap=platform_agent_credentials -Wl,--wrap=platform_home_of_root
#include "aws/credentials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/credentials_source.h"
#include "fake.h"
#include "fake_home.h"
#include "platform/platform.h"

#define IMDS  "http://169.254.169.254"
#define ROLES IMDS "/latest/meta-data/iam/security-credentials/"

struct run {
    struct fake fake;
    struct imds imds;
    struct credentials credentials;
    struct err err;
    struct fake_home home;
};

/* Where the agent's file and root's home directory are said to be. */
static char agent_file[128];
static char root_home[128];

bool __wrap_platform_agent_credentials(struct buf *path);
bool __wrap_platform_home_of_root(struct buf *out);

bool __wrap_platform_agent_credentials(struct buf *path)
{
    return *agent_file && buf_add_text(path, agent_file);
}

bool __wrap_platform_home_of_root(struct buf *out)
{
    return *root_home && buf_add_text(out, root_home);
}

static int setup(void **state)
{
    static struct run run;
    run = (struct run){0};
    fake_home_start(&run.home);
    fake_start(&run.fake);
    agent_file[0] = '\0';
    root_home[0] = '\0';
    *state = &run;
    return 0;
}

static int teardown(void **state)
{
    struct run *run = *state;
    imds_free(&run->imds);
    credentials_free(&run->credentials);
    fake_end(&run->fake);
    fake_home_end(&run->home);
    return 0;
}

static void write_file(const struct run *run, const char *name, const char *text)
{
    fake_home_write(&run->home, name, text);
}

static void serve_imds(struct run *run)
{
    fake_add(&run->fake,
             (struct fake_reply){.method = HTTP_PUT, .url = IMDS "/latest/api/token", .body = "T"});
    fake_add(&run->fake, (struct fake_reply){.method = HTTP_GET, .url = ROLES, .body = "web"});
    fake_add(&run->fake, (struct fake_reply){
                             .method = HTTP_GET,
                             .url = ROLES "web",
                             .body = "{\"AccessKeyId\":\"IMDS\",\"SecretAccessKey\":\"S\",\"Token\":\"T\"}"});
}

static bool find(struct run *run, struct credentials_options options)
{
    credentials_free(&run->credentials);
    return credentials_find(&options, &run->imds, &run->fake.io, &run->credentials, &run->err);
}

static void expect_found(struct run *run, struct credentials_options options, const char *key,
                         const char *source)
{
    if (!find(run, options))
        fail_msg("%s", run->err.message);
    assert_string_equal(run->credentials.access_key, key);
    assert_string_equal(run->credentials.source, source);
}

static void expect_error(const struct run *run, enum err_code code, const char *says)
{
    if (!strstr(run->err.message, says))
        fail_msg("'%s' lacks '%s'", run->err.message, says);
    assert_int_equal(run->err.code, code);
    assert_null(run->credentials.access_key);
    assert_null(run->credentials.secret_key);
}

static const struct credentials_options enforcement = {0};
static const struct credentials_options administrator = {.full_chain = true};

/* Each source in its place: what comes before it is taken away step by step. */
static void test_order_of_enforcement(void **state)
{
    struct run *run = *state;
    write_file(run, ".aws/credentials",
               "[default]\naws_access_key_id = USER\naws_secret_access_key = S\n"
               "[ops]\naws_access_key_id = OPS\naws_secret_access_key = S\n"
               "[empty]\nregion = eu-west-1\n");
    write_file(run, "agent",
               "[default]\naws_access_key_id=AGENT\naws_secret_access_key=S\naws_session_token=T\n");
    (void)snprintf(agent_file, sizeof agent_file, "%s/agent", run->home.path);
    serve_imds(run);
    fake_add(&run->fake, (struct fake_reply){
                             .method = HTTP_GET,
                             .url = "http://169.254.170.2/creds",
                             .body = "{\"AccessKeyId\":\"ECS\",\"SecretAccessKey\":\"S\",\"Token\":\"T\"}"});
    fake_set(&run->fake, "AWS_ACCESS_KEY_ID", "ENV");
    fake_set(&run->fake, "AWS_SECRET_ACCESS_KEY", "S");
    fake_set(&run->fake, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/creds");
    fake_set(&run->fake, "AWS_PROFILE", "ops"); /* means nothing to enforcement */

    expect_found(run, (struct credentials_options){.profile = "ops"}, "OPS", "profile `ops`");
    expect_found(run, (struct credentials_options){.profile = "empty"}, "ENV", "environment");
    expect_found(run, enforcement, "ENV", "environment");
    fake_set(&run->fake, "AWS_ACCESS_KEY_ID", "");
    expect_found(run, enforcement, "ECS", "container endpoint");
    fake_set(&run->fake, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", NULL);
    expect_found(run, enforcement, "IMDS", "instance role `web`");
    assert_string_equal(run->credentials.role, "web");
    fake_set(&run->fake, "AWS_EC2_METADATA_DISABLED", "true");
    char source[192];
    (void)snprintf(source, sizeof source, "ssm agent's file `%s`", agent_file);
    expect_found(run, enforcement, "AGENT", source);
    assert_string_equal(run->credentials.session_token, "T");
    agent_file[0] = '\0';
    (void)snprintf(root_home, sizeof root_home, "%s", run->home.path);
    (void)snprintf(source, sizeof source, "ssm agent's file `%s/.aws/credentials`", run->home.path);
    expect_found(run, enforcement, "USER", source);
    root_home[0] = '\0';
    assert_false(find(run, enforcement));
    expect_error(
        run, ERR_NO_CREDENTIALS,
        "no credentials: the instance metadata service is not asked: AWS_EC2_METADATA_DISABLED is 'true'; "
        "environment: AWS_ACCESS_KEY_ID is not set; container endpoint: "
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and "
        "_FULL_URI are not set; ssm agent's file: not there");
}

static void test_order_of_administrator(void **state)
{
    struct run *run = *state;
    write_file(run, ".aws/credentials",
               "[default]\naws_access_key_id = USER\naws_secret_access_key = S\n"
               "[ops]\naws_access_key_id = OPS\naws_secret_access_key = S\n"
               "[dev]\naws_access_key_id = DEV\naws_secret_access_key = S\n");
    write_file(run, "agent", "[default]\naws_access_key_id=AGENT\naws_secret_access_key=S\n");
    (void)snprintf(agent_file, sizeof agent_file, "%s/agent", run->home.path);
    serve_imds(run);
    fake_add(&run->fake, (struct fake_reply){
                             .method = HTTP_GET,
                             .url = "http://169.254.170.2/creds",
                             .body = "{\"AccessKeyId\":\"ECS\",\"SecretAccessKey\":\"S\",\"Token\":\"T\"}"});
    fake_set(&run->fake, "AWS_ACCESS_KEY_ID", "ENV");
    fake_set(&run->fake, "AWS_SECRET_ACCESS_KEY", "S");
    fake_set(&run->fake, "AWS_SESSION_TOKEN", "T");
    fake_set(&run->fake, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/creds");
    fake_set(&run->fake, "AWS_PROFILE", "ops");
    fake_set(&run->fake, "AWS_DEFAULT_PROFILE", "dev");

    expect_found(run, (struct credentials_options){.full_chain = true, .profile = "dev"}, "DEV",
                 "profile `dev`");
    assert_null(run->credentials.session_token);
    expect_found(run, administrator, "ENV", "environment");
    assert_string_equal(run->credentials.session_token, "T");
    fake_set(&run->fake, "AWS_ACCESS_KEY_ID", NULL);
    expect_found(run, administrator, "OPS", "profile `ops`");
    fake_set(&run->fake, "AWS_PROFILE", NULL);
    expect_found(run, administrator, "DEV", "profile `dev`");
    fake_set(&run->fake, "AWS_DEFAULT_PROFILE", NULL);
    expect_found(run, administrator, "USER", "profile `default`");
    write_file(run, ".aws/credentials", "");
    expect_found(run, administrator, "ECS", "container endpoint");
    fake_set(&run->fake, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", NULL);
    expect_found(run, administrator, "IMDS", "instance role `web`");
    fake_set(&run->fake, "AWS_EC2_METADATA_DISABLED", "true");
    assert_false(find(run, administrator));
    expect_error(
        run, ERR_NO_CREDENTIALS,
        "no credentials: the instance metadata service is not asked: AWS_EC2_METADATA_DISABLED is 'true'; "
        "environment: AWS_ACCESS_KEY_ID is not set; profile `default`: names no credentials; container "
        "endpoint: "
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set");
}

/* A profile that was named and is not there, or is half there, ends the search. */
static void test_profile_is_meant(void **state)
{
    struct run *run = *state;
    write_file(run, ".aws/config", "[profile half]\naws_access_key_id = A\n[profile there]\n");
    fake_set(&run->fake, "AWS_EC2_METADATA_DISABLED", "true");
    assert_false(find(run, (struct credentials_options){.profile = "a\x1b"}));
    expect_error(run, ERR_CONFIG, "profile 'a\\x1b' is not in the shared config and credentials files");
    assert_false(find(run, (struct credentials_options){.profile = "half"}));
    expect_error(run, ERR_CONFIG, "profile 'half': it has an aws_access_key_id and no aws_secret_access_key");
    fake_set(&run->fake, "AWS_PROFILE", "gone");
    assert_false(find(run, administrator));
    expect_error(run, ERR_CONFIG, "profile 'gone' is not in");
    fake_set(&run->fake, "AWS_PROFILE", "there");
    assert_false(find(run, administrator));
    expect_error(run, ERR_NO_CREDENTIALS, "; profile `there`: names no credentials; ");
}

static void test_environment(void **state)
{
    struct run *run = *state;
    fake_set(&run->fake, "AWS_SECRET_ACCESS_KEY", "S");
    assert_false(credentials_from_env(&run->fake.env, &run->credentials, &run->err));
    assert_int_equal(run->err.code, ERR_NONE);
    fake_set(&run->fake, "AWS_ACCESS_KEY_ID", "A");
    fake_set(&run->fake, "AWS_SECRET_ACCESS_KEY", NULL);
    assert_false(find(run, enforcement));
    expect_error(run, ERR_CONFIG, "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not");
    fake_set(&run->fake, "AWS_SECRET_ACCESS_KEY", "visible-secret\n");
    assert_false(find(run, enforcement));
    expect_error(run, ERR_CONFIG, "environment: the secret key is empty or holds a character that none has");
    assert_null(strstr(run->err.message, "visible-secret"));
    fake_set(&run->fake, "AWS_SECRET_ACCESS_KEY", "S");
    fake_set(&run->fake, "AWS_CREDENTIAL_EXPIRATION", "2026-11-22T12:00:01Z");
    assert_true(find(run, enforcement));
    assert_int_equal(run->credentials.expiry_ms, FAKE_WALL_MS + 1000);
    assert_null(run->credentials.session_token);
}

/* Without any other source the instance role's own words are the message; the agent's file adds what it
 * knows. */
static void test_role_speaks_for_itself(void **state)
{
    struct run *run = *state;
    fake_add(&run->fake,
             (struct fake_reply){.method = HTTP_PUT, .url = IMDS "/latest/api/token", .body = "T"});
    fake_add(&run->fake, (struct fake_reply){.method = HTTP_GET, .url = ROLES, .status = 404});
    assert_false(find(run, enforcement));
    expect_error(run, ERR_NO_CREDENTIALS, "this instance has no instance profile: attach one");
    assert_int_equal(strncmp(run->err.message, "this instance", 13), 0);
    assert_null(strstr(run->err.message, "sudo"));
    (void)snprintf(agent_file, sizeof agent_file, "%s", run->home.path); /* there, and can't be read */
    assert_false(find(run, enforcement));
    expect_error(run, ERR_NO_CREDENTIALS, "this instance has no instance profile: attach one");
    expect_error(run, ERR_NO_CREDENTIALS, "run it as root (sudo -n)");
}

/* Where no metadata service answers this need not be an instance at all. */
static void test_no_instance(void **state)
{
    struct run *run = *state;
    fake_add(&run->fake,
             (struct fake_reply){.method = HTTP_PUT, .url = IMDS "/latest/api/token", .error = ERR_NETWORK});
    assert_false(find(run, enforcement));
    expect_error(run, ERR_NO_CREDENTIALS,
                 "no credentials: the instance metadata service at '" IMDS "' can't be reached: ");
    expect_error(run, ERR_NO_CREDENTIALS, "; environment: AWS_ACCESS_KEY_ID is not set; ");
    fake_set(&run->fake, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "nonsense");
    assert_false(find(run, enforcement));
    expect_error(run, ERR_CONFIG, "AWS_EC2_METADATA_SERVICE_ENDPOINT is no http URL");
}

static void test_agent_file(void **state)
{
    struct run *run = *state;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/agent", run->home.path);
    assert_false(credentials_from_agent_file(path, &run->credentials, &run->err));
    assert_int_equal(run->err.code, ERR_NONE);
    write_file(run, "agent", "[other]\naws_access_key_id = A\naws_secret_access_key = B\n");
    assert_false(credentials_from_agent_file(path, &run->credentials, &run->err));
    assert_int_equal(run->err.code, ERR_NONE);
    write_file(run, "agent", "[default]\naws_access_key_id = A\n");
    assert_false(credentials_from_agent_file(path, &run->credentials, &run->err));
    expect_error(run, ERR_CONFIG, "the secret key is empty");
    write_file(run, "agent", "aws_access_key_id = A\n");
    assert_false(credentials_from_agent_file(path, &run->credentials, &run->err));
    expect_error(run, ERR_MALFORMED, path);
}

static void test_json(void **state)
{
    struct run *run = *state;
    static const char process[] = "{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"B\","
                                  "\"SessionToken\":\"C\",\"Expiration\":\"2026-11-22T13:00:00+01:00\"}";
    static const char bare[] =
        "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"B\",\"Token\":null,\"Expiration\":7}";
    assert_true(credentials_from_json(process, strlen(process), "x", &run->credentials, &run->err));
    assert_string_equal(run->credentials.session_token, "C");
    assert_int_equal(run->credentials.expiry_ms, FAKE_WALL_MS);
    assert_true(credentials_from_json(bare, strlen(bare), "x", &run->credentials, &run->err));
    assert_null(run->credentials.session_token);
    assert_int_equal(run->credentials.expiry_ms, 0);
    assert_string_equal(run->credentials.source, "x");
}

static void expect_region(struct run *run, const char *profile, const char *region)
{
    struct buf out = {0};
    assert_int_equal(credentials_profile_region(profile, &run->fake.io, &out, &run->err), region != NULL);
    assert_string_equal(buf_text(&out), region ? region : "");
    buf_free(&out);
}

static void test_region(void **state)
{
    struct run *run = *state;
    write_file(run, ".aws/config",
               "[default]\nregion = eu-west-1\n[profile a b]\nREGION=us-east-1\n[profile none]\n");
    expect_region(run, "default", "eu-west-1");
    expect_region(run, "a b", "us-east-1");
    expect_region(run, "none", NULL);
    assert_int_equal(run->err.code, ERR_NONE);
    expect_region(run, "gone", NULL);
    assert_int_equal(run->err.code, ERR_CONFIG);
    write_file(run, ".aws/config", "no section\n");
    expect_region(run, "default", NULL);
    assert_int_equal(run->err.code, ERR_CONFIG);
    assert_non_null(strstr(run->err.message, "/.aws/config"));
    fake_set(&run->fake, "AWS_CONFIG_FILE", "~/.aws/other");
    write_file(run, ".aws/other", "[default]\nregion=ap-south-1\n");
    expect_region(run, "default", "ap-south-1");
    fake_set(&run->fake, "AWS_CONFIG_FILE", "/nowhere/at/all");
    expect_region(run, "default", NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_order_of_enforcement),
        TEST(test_order_of_administrator),
        TEST(test_profile_is_meant),
        TEST(test_environment),
        TEST(test_role_speaks_for_itself),
        TEST(test_no_instance),
        TEST(test_agent_file),
        TEST(test_json),
        TEST(test_region),
    };
    return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
