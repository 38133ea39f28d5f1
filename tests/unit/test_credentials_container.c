#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "aws/credentials.h"
#include "fake.h"

#define RELATIVE   "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL       "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN      "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"

static const char keys[] =
    "{\"RoleArn\":\"arn:aws:iam::1:role/task\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"B\","
    "\"Token\":\"C\",\"Expiration\":\"2026-11-22T12:00:10Z\"}";

struct run {
    struct fake fake;
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
    credentials_free(&run->credentials);
    fake_end(&run->fake);
    return 0;
}

static bool ask(struct run *run)
{
    credentials_free(&run->credentials);
    return credentials_from_container(&run->fake.io, &run->credentials, &run->err);
}

static void expect_error(struct run *run, enum err_code code, const char *says)
{
    assert_false(ask(run));
    if (!strstr(run->err.message, says))
        fail_msg("'%s' lacks '%s'", run->err.message, says);
    assert_int_equal(run->err.code, code);
    assert_null(run->credentials.access_key);
}

static void serve(struct run *run, int status, const char *body)
{
    fake_forget(&run->fake);
    fake_add(&run->fake,
             (struct fake_reply){.method = HTTP_GET, .url = "http*", .status = status, .body = body});
}

static void test_none(void **state)
{
    struct run *run = *state;
    expect_error(run, ERR_NONE, "");
    assert_int_equal(run->fake.request_count, 0);
}

static void test_relative(void **state)
{
    struct run *run = *state;
    serve(run, 200, keys);
    fake_set(&run->fake, RELATIVE, "/v2/credentials?id=1");
    fake_set(&run->fake, FULL, "http://evil.example/");
    assert_true(ask(run));
    assert_string_equal(run->credentials.access_key, "A");
    assert_string_equal(run->credentials.secret_key, "B");
    assert_string_equal(run->credentials.session_token, "C");
    assert_string_equal(run->credentials.source, "container endpoint");
    assert_null(run->credentials.role);
    assert_int_equal(run->credentials.expiry_ms, FAKE_WALL_MS + 10000);
    const struct fake_request *request = &run->fake.requests[0];
    assert_string_equal(request->url, "http://169.254.170.2/v2/credentials?id=1");
    assert_true(request->direct);
    assert_true(request->secret);
    assert_null(fake_header(&run->fake, 0, "Authorization"));
    static const char *const bad[] = {"v2",  ".evil.example/", "@evil.example/", "/a b", "/a\r\nX: y", "/\\x",
                                      ":80/"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fake_set(&run->fake, RELATIVE, bad[i]);
        expect_error(run, ERR_CONFIG, RELATIVE);
    }
    assert_int_equal(run->fake.request_count, 1);
}

static void test_full(void **state)
{
    static const char *const good[] = {"https://anywhere.example/creds",
                                       "https://anywhere.example:8443?x",
                                       "https://[2001:db8::1]/x",
                                       "http://localhost/x",
                                       "http://LOCALHOST:51678/x",
                                       "http://127.0.0.1:1/x",
                                       "http://127.255.3.4",
                                       "http://[::1]:8080/x",
                                       "http://169.254.170.2/x",
                                       "http://169.254.170.23/v1/credentials",
                                       "http://[fd00:ec2::23]/v1/credentials",
                                       "http://[FD00:EC2::23]:80/v1/credentials"};
    static const char *const bad[] = {
        "http://evil.example/x",
        "http://169.254.169.254/x",
        "http://127.0.0.1.evil.example/x",
        "http://127.0.0/x",
        "http://127.0.0.0001/x",
        "http://127.0.0.1@evil.example/x",
        "http://127.0.0.1:80@evil.example/x",
        "http://localhost:80x/",
        "http://localhost\\@evil.example/x",
        "http://localhost#@evil.example/x",
        "http://[::1].evil.example/x",
        "http://[::1/x",
        "http://[::2]/x",
        "http:///x",
        "https:///x",
        "https://user@evil.example/x",
        "http://localhost /x",
        "http://128.0.0.1/x",
        "file:///etc/passwd",
        "localhost/x",
        "http://llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllo/"};
    struct run *run = *state;
    serve(run, 200, keys);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        fake_set(&run->fake, FULL, good[i]);
        if (!ask(run))
            fail_msg("%s: %s", good[i], run->err.message);
        assert_string_equal(run->fake.requests[i].url, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fake_set(&run->fake, FULL, bad[i]);
        expect_error(run, ERR_CONFIG, FULL);
    }
    assert_int_equal(run->fake.request_count, sizeof good / sizeof *good);
}

static void write_token(const char *path, const char *text, size_t len)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    fclose(file);
}

static void test_token(void **state)
{
    struct run *run = *state;
    char path[] = "/tmp/test_container.XXXXXX";
    close(mkstemp(path));
    serve(run, 200, keys);
    fake_set(&run->fake, FULL, "http://localhost/x");
    fake_set(&run->fake, TOKEN, "Basic abc");
    assert_true(ask(run));
    assert_string_equal(fake_header(&run->fake, 0, "Authorization"), "Basic abc");
    fake_set(&run->fake, TOKEN_FILE, path);
    write_token(path, "from-file", 9);
    assert_true(ask(run));
    assert_string_equal(fake_header(&run->fake, 1, "Authorization"), "from-file");
    write_token(path, "from-file\n", 10);
    expect_error(run, ERR_CONFIG, TOKEN_FILE);
    write_token(path, "a\0b", 3);
    expect_error(run, ERR_CONFIG, TOKEN_FILE);
    fake_set(&run->fake, TOKEN_FILE, "/nowhere/at/all");
    expect_error(run, ERR_NOT_FOUND, TOKEN_FILE);
    fake_set(&run->fake, TOKEN_FILE, NULL);
    fake_set(&run->fake, TOKEN, "hidden\r\nX: y");
    expect_error(run, ERR_CONFIG, TOKEN);
    assert_null(strstr(run->err.message, "hidden"));
    assert_int_equal(run->fake.request_count, 2);
    unlink(path);
}

static void test_refusals(void **state)
{
    struct run *run = *state;
    fake_set(&run->fake, FULL, "http://localhost/x");
    serve(run, 403, "{\"code\":\"AccessDenied\"}");
    expect_error(run, ERR_NO_CREDENTIALS, "answers 403: check " TOKEN);
    assert_int_equal(run->fake.request_count, 1);
    serve(run, 404, "");
    expect_error(run, ERR_NO_CREDENTIALS,
                 "container credentials from 'http://localhost/x': the endpoint answers 404");
    serve(run, 503, "");
    expect_error(run, ERR_SERVER, "answers 503");
    assert_int_equal(run->fake.request_count, 5);
    serve(run, 429, "");
    expect_error(run, ERR_THROTTLED, "answers 429");
    serve(run, 200, "{\"code\":\"x\",\"message\":\"y\"}");
    expect_error(run, ERR_MALFORMED, "the credentials of container endpoint: 'AccessKeyId' is missing");
    fake_forget(&run->fake);
    fake_add(&run->fake, (struct fake_reply){.method = HTTP_GET, .url = "http*", .takes_ms = 60000});
    expect_error(run, ERR_TIMEOUT, "container credentials from 'http://localhost/x'");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_none), TEST(test_relative), TEST(test_full), TEST(test_token), TEST(test_refusals),
    };
    return cmocka_run_group_tests_name("credentials_container", tests, NULL, NULL);
}
