#include "aws/imds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/credentials.h"
#include "fake.h"

#define BASE     "http://169.254.169.254"
#define TOKEN    BASE "/latest/api/token"
#define ROLES    BASE "/latest/meta-data/iam/security-credentials/"
#define IDENTITY BASE "/latest/dynamic/instance-identity/document"

static const char keys[] =
    "{\"Code\":\"Success\",\"LastUpdated\":\"2026-11-22T11:00:00Z\",\"Type\":\"AWS-HMAC\","
    "\"AccessKeyId\":\"ASIAEXAMPLE\",\"SecretAccessKey\":\"secret/EXAMPLE+\","
    "\"Token\":\"token==\",\"Expiration\":\"2026-11-22T17:00:00Z\"}";
static const char identity[] = "{\"accountId\" : \"123456789012\", \"region\" : \"eu-west-1\",\n"
                               "\"instanceId\" : \"i-0abcdef0123456789\", \"devpayProductCodes\" : null}";

struct run {
    struct fake fake;
    struct imds imds;
    struct credentials credentials;
    struct err err;
};

static int setup(void **state)
{
    static struct run run;
    run = (struct run){0};
    fake_start(&run.fake);
    *state = &run;
    return 0;
}

static int teardown(void **state)
{
    struct run *run = *state;
    imds_free(&run->imds);
    credentials_free(&run->credentials);
    fake_end(&run->fake);
    return 0;
}

static void add(struct run *run, enum http_method method, const char *url, int status, const char *body)
{
    fake_add(&run->fake, (struct fake_reply){.method = method, .url = url, .status = status, .body = body});
}

static void add_once(struct run *run, enum http_method method, const char *url, int status, const char *body)
{
    fake_add(&run->fake,
             (struct fake_reply){.method = method, .url = url, .status = status, .body = body, .times = 1});
}

static bool ask(struct run *run)
{
    return imds_credentials(&run->imds, &run->fake.io, &run->credentials, &run->err);
}

static void expect_error(const struct run *run, enum err_code code, const char *says)
{
    assert_int_equal(run->err.code, code);
    if (!strstr(run->err.message, says))
        fail_msg("'%s' lacks '%s'", run->err.message, says);
}

/* Three requests in this order, a token on each, none through a proxy, every reply wiped. */
static void test_credentials(void **state)
{
    struct run *run = *state;
    add(run, HTTP_PUT, TOKEN, 200, "TOKEN-1==");
    add(run, HTTP_GET, ROLES, 200, "web");
    add(run, HTTP_GET, ROLES "web", 200, keys);
    assert_true(ask(run));
    assert_string_equal(run->credentials.access_key, "ASIAEXAMPLE");
    assert_string_equal(run->credentials.secret_key, "secret/EXAMPLE+");
    assert_string_equal(run->credentials.session_token, "token==");
    assert_string_equal(run->credentials.source, "instance role `web`");
    assert_string_equal(run->credentials.role, "web");
    assert_int_equal(run->credentials.expiry_ms, FAKE_WALL_MS + 5 * 3600 * 1000);
    assert_int_equal(run->fake.request_count, 3);
    assert_string_equal(run->fake.requests[0].url, TOKEN);
    assert_string_equal(fake_header(&run->fake, 0, "X-aws-ec2-metadata-token-ttl-seconds"), "300");
    assert_null(fake_header(&run->fake, 0, "X-aws-ec2-metadata-token"));
    for (size_t i = 0; i < 3; i++) {
        if (i > 0)
            assert_string_equal(fake_header(&run->fake, i, "X-aws-ec2-metadata-token"), "TOKEN-1==");
        assert_true(run->fake.requests[i].direct);
        assert_true(run->fake.requests[i].secret);
        assert_int_equal(run->fake.requests[i].connect_timeout_ms, 1000);
        assert_int_equal(run->fake.requests[i].timeout_ms, 1000);
    }
    assert_int_equal(run->fake.slept_ms, 0);
}

/* The identity first: the token and what was read serve for the rest of the run. */
static void test_identity(void **state)
{
    struct run *run = *state;
    add(run, HTTP_PUT, TOKEN, 200, "T");
    add(run, HTTP_GET, IDENTITY, 200, identity);
    add(run, HTTP_GET, ROLES, 200, "web\n");
    add(run, HTTP_GET, ROLES "web", 200, keys);
    assert_true(imds_identity(&run->imds, &run->fake.io, &run->err));
    assert_string_equal(run->imds.instance_id, "i-0abcdef0123456789");
    assert_string_equal(run->imds.region, "eu-west-1");
    assert_string_equal(run->imds.account_id, "123456789012");
    assert_true(imds_identity(&run->imds, &run->fake.io, &run->err));
    assert_true(ask(run));
    assert_int_equal(run->fake.request_count, 4);
    credentials_free(&run->credentials);
    assert_true(ask(run)); /* afresh: neither token nor name again */
    assert_int_equal(run->fake.request_count, 5);
}

static void expect_base(struct run *run, const char *url)
{
    size_t before = run->fake.request_count;
    assert_true(imds_identity(&run->imds, &run->fake.io, &run->err));
    assert_string_equal(run->fake.requests[before].url, url);
    imds_free(&run->imds);
}

static void test_base(void **state)
{
    struct run *run = *state;
    add(run, HTTP_PUT, "http*", 200, "T");
    add(run, HTTP_GET, "http*", 200, identity);
    fake_set(&run->fake, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6");
    expect_base(run, "http://[fd00:ec2::254]/latest/api/token");
    fake_set(&run->fake, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/");
    expect_base(run, "http://127.0.0.1:1338/latest/api/token");
    fake_set(&run->fake, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/a//");
    expect_base(run, "http://127.0.0.1:1338/a/latest/api/token");
    fake_set(&run->fake, "AWS_EC2_METADATA_SERVICE_ENDPOINT", NULL);
    fake_set(&run->fake, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv4");
    fake_set(&run->fake, "AWS_EC2_METADATA_DISABLED", "false");
    expect_base(run, TOKEN);
    fake_set(&run->fake, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "169.254.169.254\x1b");
    assert_false(ask(run));
    expect_error(run, ERR_CONFIG, "AWS_EC2_METADATA_SERVICE_ENDPOINT is no http URL: '169.254.169.254\\x1b'");
}

static void test_disabled(void **state)
{
    struct run *run = *state;
    fake_set(&run->fake, "AWS_EC2_METADATA_DISABLED", "True");
    assert_false(ask(run));
    expect_error(run, ERR_NO_CREDENTIALS, "AWS_EC2_METADATA_DISABLED");
    assert_int_equal(run->fake.request_count, 0);
}

/* A hop limit that is too small: the token request hangs. Said within 3 s. */
static void test_token_hangs(void **state)
{
    struct run *run = *state;
    fake_add(&run->fake, (struct fake_reply){.method = HTTP_PUT, .url = TOKEN, .takes_ms = 60000});
    assert_false(ask(run));
    expect_error(run, ERR_TIMEOUT, "set http-put-response-hop-limit 2");
    expect_error(run, ERR_TIMEOUT, BASE);
    assert_int_equal(run->fake.request_count, 2);
    assert_in_range(run->fake.mono_ms - FAKE_MONO_MS, 2000, 3000);
}

static void test_unreachable(void **state)
{
    struct run *run = *state;
    fake_add(&run->fake, (struct fake_reply){.method = HTTP_PUT, .url = TOKEN, .error = ERR_NETWORK});
    assert_false(ask(run));
    expect_error(run, ERR_NETWORK, "can't be reached");
    assert_int_equal(run->fake.request_count, 3);
    assert_int_equal(run->fake.sleeps, 2); /* none after the last try */
    assert_in_range(run->fake.slept_ms, 300, 600);
}

/* Nothing is begun or waited for beyond the deadline. */
static void test_deadline(void **state)
{
    struct run *run = *state;
    run->fake.io.deadline_ms = FAKE_MONO_MS + 1500;
    fake_add(&run->fake, (struct fake_reply){.method = HTTP_PUT, .url = TOKEN, .takes_ms = 60000});
    assert_false(ask(run));
    assert_in_range(run->fake.mono_ms - FAKE_MONO_MS, 1000, 1500);
    assert_true(run->fake.requests[1].timeout_ms < 500);
    run->fake.io.deadline_ms = run->fake.mono_ms;
    assert_false(ask(run));
    assert_int_equal(run->fake.request_count, 2);
    assert_int_equal(run->err.code, ERR_TIMEOUT);
}

/* Throttling and an outage are not "no role". */
static void test_tries_again(void **state)
{
    struct run *run = *state;
    add_once(run, HTTP_PUT, TOKEN, 503, "");
    add(run, HTTP_PUT, TOKEN, 200, "T");
    add_once(run, HTTP_GET, ROLES, 429, "");
    fake_add(&run->fake,
             (struct fake_reply){.method = HTTP_GET, .url = ROLES, .error = ERR_MALFORMED, .times = 1});
    add(run, HTTP_GET, ROLES, 200, "web");
    fake_add(&run->fake,
             (struct fake_reply){.method = HTTP_GET, .url = ROLES "web", .takes_ms = 5000, .times = 2});
    add(run, HTTP_GET, ROLES "web", 200, keys);
    assert_true(ask(run));
    assert_int_equal(run->fake.request_count, 2 + 3 + 3);
}

static void test_keeps_failing(void **state)
{
    struct run *run = *state;
    add(run, HTTP_PUT, TOKEN, 200, "T");
    add(run, HTTP_GET, ROLES, 429, "");
    assert_false(ask(run));
    expect_error(run, ERR_THROTTLED, "answers 429 when asked for the instance role's name");
    fake_forget(&run->fake);
    add(run, HTTP_GET, ROLES, 500, "");
    assert_false(ask(run));
    expect_error(run, ERR_SERVER, "answers 500");
    assert_int_equal(run->fake.request_count, 1 + 3 + 3);
    assert_null(run->credentials.access_key);
}

static void test_switched_off(void **state)
{
    struct run *run = *state;
    add(run, HTTP_PUT, TOKEN, 403, "");
    assert_false(ask(run));
    expect_error(run, ERR_NO_CREDENTIALS, "--instance-id INSTANCE-ID --http-endpoint enabled");
    assert_int_equal(run->fake.request_count, 1);
}

static void test_no_profile(void **state)
{
    struct run *run = *state;
    add(run, HTTP_PUT, TOKEN, 200, "T");
    add(run, HTTP_GET, IDENTITY, 200, identity);
    add_once(run, HTTP_GET, ROLES, 404, "<html/>");
    add(run, HTTP_GET, ROLES, 200, "");
    assert_true(imds_identity(&run->imds, &run->fake.io, &run->err));
    assert_false(ask(run));
    expect_error(run, ERR_NO_CREDENTIALS, "this instance has no instance profile: attach one");
    expect_error(run, ERR_NO_CREDENTIALS, "--instance-id i-0abcdef0123456789 ");
    assert_false(ask(run));
    expect_error(run, ERR_NO_CREDENTIALS, "no instance profile");
}

/* 401 on a later request: the token has run out; a new one is fetched, once. */
static void test_token_runs_out(void **state)
{
    struct run *run = *state;
    add_once(run, HTTP_PUT, TOKEN, 200, "OLD");
    add(run, HTTP_PUT, TOKEN, 200, "NEW");
    add_once(run, HTTP_GET, ROLES, 401, "");
    add(run, HTTP_GET, ROLES, 200, "web");
    add(run, HTTP_GET, ROLES "web", 401, "");
    assert_false(ask(run));
    expect_error(run, ERR_SERVICE, "answers 401");
    static const char *const urls[] = {TOKEN, ROLES, TOKEN, ROLES, ROLES "web", TOKEN, ROLES "web"};
    static const char *const tokens[] = {NULL, "OLD", NULL, "NEW", "NEW", NULL, "NEW"};
    assert_int_equal(run->fake.request_count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(run->fake.requests[i].url, urls[i]);
        if (tokens[i])
            assert_string_equal(fake_header(&run->fake, i, "X-aws-ec2-metadata-token"), tokens[i]);
    }
}

/* The role was replaced since its name was read: the list is read once again. */
static void test_stale_role(void **state)
{
    struct run *run = *state;
    add(run, HTTP_PUT, TOKEN, 200, "T");
    add_once(run, HTTP_GET, ROLES, 200, "old");
    add(run, HTTP_GET, ROLES, 200, "new");
    add_once(run, HTTP_GET, ROLES "old", 200, keys);
    add(run, HTTP_GET, ROLES "old", 404, "");
    add_once(run, HTTP_GET, ROLES "new", 200, keys);
    add(run, HTTP_GET, ROLES "new", 404, "");
    assert_true(ask(run));
    assert_string_equal(run->credentials.role, "old");
    credentials_free(&run->credentials);
    assert_true(ask(run));
    assert_string_equal(run->credentials.role, "new");
    credentials_free(&run->credentials);
    assert_false(ask(run));
    expect_error(run, ERR_NO_CREDENTIALS, "no credentials for the instance role `new`");
}

static void expect_role(struct run *run, const char *list, size_t len, const char *role)
{
    imds_free(&run->imds);
    fake_forget(&run->fake);
    add(run, HTTP_PUT, TOKEN, 200, "T");
    fake_add(&run->fake,
             (struct fake_reply){
                 .method = HTTP_GET, .url = ROLES, .body = list, .body_len = len ? len : strlen(list)});
    add(run, HTTP_GET, ROLES "*", 200, keys);
    bool found = ask(run);
    if (!role) {
        assert_false(found);
        assert_int_equal(run->err.code, ERR_MALFORMED);
        return;
    }
    assert_true(found);
    assert_string_equal(run->credentials.role, role);
    credentials_free(&run->credentials);
}

static void test_role_name(void **state)
{
    struct run *run = *state;
    char name[66];
    memset(name, 'r', sizeof name);
    name[64] = '\0';
    expect_role(run, "a\nb\n", 0, "a");
    expect_role(run, "a\r\nb", 0, "a");
    expect_role(run, "My+Role=1,2.3@x_y-z", 0, "My+Role=1,2.3@x_y-z");
    expect_role(run, name, 0, name);
    name[64] = 'r';
    name[65] = '\0';
    expect_role(run, name, 0, NULL);
    expect_role(run, "../../dynamic", 0, NULL);
    expect_role(run, "a b", 0, NULL);
    expect_role(run, "a?x", 0, NULL);
    expect_role(run, "\na", 0, NULL);
    expect_role(run, "a\0b", 3, NULL);
    expect_role(run, "<!DOCTYPE html>", 0, NULL);
}

static void expect_keys(struct run *run, const char *json, enum err_code code, const char *says)
{
    fake_forget(&run->fake);
    add(run, HTTP_PUT, TOKEN, 200, "T");
    add(run, HTTP_GET, ROLES, 200, "web");
    add(run, HTTP_GET, ROLES "web", 200, json);
    assert_false(ask(run));
    expect_error(run, code, says);
    assert_null(run->credentials.secret_key);
}

static void test_bad_keys(void **state)
{
    struct run *run = *state;
    expect_keys(run,
                "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot assume it\\u001b\"}",
                ERR_NO_CREDENTIALS,
                "'AssumeRoleUnauthorizedAccess': EC2 cannot assume it\\x1b; mend the role's trust");
    expect_keys(run, "{\"Code\":\"Failed\"}", ERR_NO_CREDENTIALS,
                "no credentials of instance role `web`: 'Failed'");
    expect_keys(run, "{\"Code\":\"Success\",\"AccessKeyId\":\"A\"}", ERR_MALFORMED,
                "'SecretAccessKey' is missing");
    expect_keys(run, "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hidden\\nX: y\"}", ERR_MALFORMED,
                "the secret key");
    assert_null(strstr(run->err.message, "hidden"));
    expect_keys(run, "{\"AccessKeyId\":1,\"SecretAccessKey\":\"B\"}", ERR_MALFORMED, "AccessKeyId");
    expect_keys(run, "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"B\"", ERR_MALFORMED,
                "instance role `web`");
    expect_keys(run, "[]", ERR_MALFORMED, "instance role `web`");
    expect_keys(run, "", ERR_MALFORMED, "instance role `web`");
}

/* During an outage IMDS hands out keys that have run out, and they work. */
static void test_expired(void **state)
{
    struct run *run = *state;
    add(run, HTTP_PUT, TOKEN, 200, "T");
    add(run, HTTP_GET, ROLES, 200, "web");
    add(run, HTTP_GET, ROLES "web", 200,
        "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"B\",\"Token\":\"C\",\"Expiration\":\"2026-11-22T11:00:"
        "00Z\"}");
    assert_true(ask(run));
    assert_int_equal(run->credentials.expiry_ms, FAKE_WALL_MS - 3600 * 1000);
}

static void test_bad_token(void **state)
{
    struct run *run = *state;
    add_once(run, HTTP_PUT, TOKEN, 200, "a\r\nX: y");
    add_once(run, HTTP_PUT, TOKEN, 200, "");
    add(run, HTTP_PUT, TOKEN, 404, "");
    assert_false(ask(run));
    expect_error(run, ERR_MALFORMED, "no token");
    assert_false(ask(run));
    expect_error(run, ERR_MALFORMED, "no token");
    assert_false(ask(run));
    expect_error(run, ERR_SERVICE, "answers 404 when asked for a token");
    assert_null(run->imds.token);
}

static void test_bad_identity(void **state)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "{",
                                      "{}",
                                      "{\"instanceId\":\"i-1\",\"region\":\"eu-west-1\"}",
                                      "{\"instanceId\":\"i-1\",\"region\":\"\",\"accountId\":\"1\"}",
                                      "{\"instanceId\":\"i-1\",\"region\":\"a/b\",\"accountId\":\"1\"}",
                                      "{\"instanceId\":{},\"region\":\"eu-west-1\",\"accountId\":\"1\"}",
                                      "{\"instanceId\":\"i-1\\u0000\",\"region\":\"x\",\"accountId\":\"1\"}"};
    struct run *run = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fake_forget(&run->fake);
        add(run, HTTP_PUT, TOKEN, 200, "T");
        add(run, HTTP_GET, IDENTITY, 200, bad[i]);
        assert_false(imds_identity(&run->imds, &run->fake.io, &run->err));
        expect_error(run, ERR_MALFORMED, "instance identity document");
        assert_null(run->imds.instance_id);
        assert_false(run->imds.has_identity);
    }
    fake_forget(&run->fake);
    add(run, HTTP_GET, IDENTITY, 404, "");
    assert_false(imds_identity(&run->imds, &run->fake.io, &run->err));
    expect_error(run, ERR_NOT_FOUND, "no instance identity document");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_credentials),   TEST(test_identity),     TEST(test_base),       TEST(test_disabled),
        TEST(test_token_hangs),   TEST(test_unreachable),  TEST(test_deadline),   TEST(test_tries_again),
        TEST(test_keeps_failing), TEST(test_switched_off), TEST(test_no_profile), TEST(test_token_runs_out),
        TEST(test_stale_role),    TEST(test_role_name),    TEST(test_bad_keys),   TEST(test_expired),
        TEST(test_bad_token),     TEST(test_bad_identity),
    };
    return cmocka_run_group_tests_name("imds", tests, NULL, NULL);
}
