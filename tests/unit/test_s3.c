#include "aws/s3.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"

#define EMPTY_SUM "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

struct fixture {
    struct fake fake;
    struct aws_session session;
    struct aws_client client;
    struct s3_bucket bucket;
    struct s3_object object;
    struct err err;
};

static void start(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    fake_start(&f->fake);
    f->session.io = &f->fake.io;
    f->session.credentials.access_key = text_dup("AKID");
    f->session.credentials.secret_key = text_dup("secret");
    f->client.session = &f->session;
    f->client.endpoint = (struct endpoint){
        .url = "https://s3.eu-west-1.amazonaws.com", .signing_region = "eu-west-1", .signing_service = "s3"};
}

static void end(struct fixture *f)
{
    credentials_free(&f->session.credentials);
    fake_end(&f->fake);
}

static void answer(struct fixture *f, enum http_method method, const char *url, int status,
                   const char *headers, const char *body)
{
    fake_add(&f->fake, (struct fake_reply){
                           .method = method, .url = url, .status = status, .headers = headers, .body = body});
}

static void test_checksum(void **state)
{
    (void)state;
    char sum[S3_CHECKSUM_SIZE];
    s3_checksum("", 0, sum);
    assert_string_equal(sum, EMPTY_SUM);
    s3_checksum("abc", 3, sum);
    assert_string_equal(sum, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

static void test_put(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    assert_true(s3_bucket_open(&f.client, "releases", &f.bucket, &f.err));
    answer(&f, HTTP_PUT, "https://releases.s3.eu-west-1.amazonaws.com/a%20b/1.0.0/%C3%A9%2B", 200, "", "");
    assert_true(
        s3_put_object(&f.bucket, "a b/1.0.0/\xc3\xa9+", "abc", 3, "application/octet-stream", &f.err));
    assert_string_equal(f.fake.requests[0].body, "abc");
    assert_string_equal(f.fake.requests[0].signing, "eu-west-1/s3");
    assert_string_equal(fake_header(&f.fake, 0, "x-amz-checksum-sha256"),
                        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    assert_string_equal(fake_header(&f.fake, 0, "Content-Type"), "application/octet-stream");
    fake_forget(&f.fake);
    answer(&f, HTTP_PUT, "https://releases.s3.eu-west-1.amazonaws.com/*", 403, "x-amz-request-id: 1\n",
           "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>");
    assert_false(s3_put_object(&f.bucket, "k", "", 0, "text/plain", &f.err));
    assert_int_equal(f.err.code, ERR_DENIED);
    end(&f);
}

static void test_head(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    assert_true(s3_bucket_open(&f.client, "releases", &f.bucket, &f.err));
    answer(&f, HTTP_HEAD, "https://releases.s3.eu-west-1.amazonaws.com/k", 200,
           "ETag: \"x\"\nX-Amz-Checksum-Sha256: " EMPTY_SUM "\n", "");
    answer(&f, HTTP_HEAD, "https://releases.s3.eu-west-1.amazonaws.com/parts", 200,
           "x-amz-checksum-sha256: " EMPTY_SUM "-3\n", "");
    answer(&f, HTTP_HEAD, "https://releases.s3.eu-west-1.amazonaws.com/old", 200, "", "");
    answer(&f, HTTP_HEAD, "https://releases.s3.eu-west-1.amazonaws.com/none", 404, "x-amz-request-id: 1\n",
           "");
    assert_true(s3_head_object(&f.bucket, "k", &f.object, &f.err));
    assert_string_equal(f.object.checksum, EMPTY_SUM);
    assert_string_equal(fake_header(&f.fake, 0, "x-amz-checksum-mode"), "ENABLED");
    assert_true(s3_head_object(&f.bucket, "parts", &f.object, &f.err));
    assert_string_equal(f.object.checksum, "");
    assert_true(s3_head_object(&f.bucket, "old", &f.object, &f.err));
    assert_string_equal(f.object.checksum, "");
    assert_false(s3_head_object(&f.bucket, "none", &f.object, &f.err));
    assert_int_equal(f.err.code, ERR_NOT_FOUND);
    assert_string_equal(f.err.message, "HTTP status 404 for s3:HeadObject");
    end(&f);
}

static void test_path_style(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    assert_true(s3_bucket_open(&f.client, "my.releases", &f.bucket, &f.err));
    answer(&f, HTTP_PUT, "https://s3.eu-west-1.amazonaws.com/my.releases/k", 200, "", "");
    assert_true(s3_put_object(&f.bucket, "k", "", 0, "text/plain", &f.err));
    f.client.endpoint = (struct endpoint){.url = "http://localhost:9000",
                                          .signing_region = "eu-west-1",
                                          .signing_service = "s3",
                                          .given = true};
    assert_true(s3_bucket_open(&f.client, "releases", &f.bucket, &f.err));
    answer(&f, HTTP_PUT, "http://localhost:9000/releases/k", 200, "", "");
    assert_true(s3_put_object(&f.bucket, "k", "", 0, "text/plain", &f.err));
    end(&f);
}

static void test_names_of_buckets(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "ab",
        "Releases",
        "a_b",
        "a/b",
        "-abc",
        "abc-",
        "a..b",
        ".abc",
        "abc.",
        "a@b.c",
        "b\xc3\xa9h",
        "0123456789012345678901234567890123456789012345678901234567890123",
    };
    struct fixture f;
    start(&f);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(s3_bucket_open(&f.client, wrong[i], &f.bucket, &f.err));
        assert_int_equal(f.err.code, ERR_USAGE);
    }
    assert_true(s3_bucket_open(&f.client, "012345678901234567890123456789012345678901234567890123456789012",
                               &f.bucket, &f.err));
    end(&f);
}

static void test_follows_a_bucket_once(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        const char *body;
        enum http_method method;
        int status;
    } cases[] = {
        {"x-amz-bucket-region: us-west-2\n", "", HTTP_HEAD, 301},
        {"x-amz-bucket-region: us-west-2\n", "", HTTP_HEAD, 400},
        {"x-amz-bucket-region: us-west-2\nLocation: https://evil.example/\n",
         "<Error><Code>PermanentRedirect</Code></Error>", HTTP_PUT, 301},
        {"", "<Error><Code>AuthorizationHeaderMalformed</Code><Region>us-west-2</Region></Error>", HTTP_PUT,
         400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        start(&f);
        assert_true(s3_bucket_open(&f.client, "releases", &f.bucket, &f.err));
        answer(&f, cases[i].method, "https://releases.s3.eu-west-1.amazonaws.com/k", cases[i].status,
               cases[i].headers, cases[i].body);
        answer(&f, cases[i].method, "https://releases.s3.us-west-2.amazonaws.com/k", 200, "", "");
        for (int times = 0; times < 2; times++) {
            if (cases[i].method == HTTP_HEAD)
                assert_true(s3_head_object(&f.bucket, "k", &f.object, &f.err));
            else
                assert_true(s3_put_object(&f.bucket, "k", "", 0, "text/plain", &f.err));
        }
        assert_int_equal(f.fake.request_count, 3); /* the second time it goes there at once */
        assert_string_equal(f.fake.requests[1].signing, "us-west-2/s3");
        end(&f);
    }
}

static void test_redirects_that_are_not_followed(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        const char *body;
        int status;
    } cases[] = {
        {"Location: https://evil.example/\n", "", 301},
        {"x-amz-bucket-region: eu-west-1\n", "", 301},
        {"x-amz-bucket-region: evil.example/\n", "", 301},
        {"x-amz-bucket-region: us-west-2\n", "", 403},
        {"", "<Error><Region>a@evil.example</Region></Error>", 400},
        {"", "<Error><Region>us-west-2</Region>", 302},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        start(&f);
        assert_true(s3_bucket_open(&f.client, "releases", &f.bucket, &f.err));
        answer(&f, HTTP_PUT, "https://releases.s3.eu-west-1.amazonaws.com/k", cases[i].status,
               cases[i].headers, cases[i].body);
        assert_false(s3_put_object(&f.bucket, "k", "", 0, "text/plain", &f.err));
        assert_int_equal(f.fake.request_count, 1);
        end(&f);
    }
    struct fixture f; /* two regions that point at each other */
    start(&f);
    assert_true(s3_bucket_open(&f.client, "releases", &f.bucket, &f.err));
    answer(&f, HTTP_PUT, "https://releases.s3.eu-west-1.amazonaws.com/k", 301,
           "x-amz-bucket-region: us-west-2\n", "");
    answer(&f, HTTP_PUT, "https://releases.s3.us-west-2.amazonaws.com/k", 301,
           "x-amz-bucket-region: eu-west-1\n", "");
    assert_false(s3_put_object(&f.bucket, "k", "", 0, "text/plain", &f.err));
    assert_int_equal(f.fake.request_count, 2);
    assert_string_equal(f.err.message, "redirect refused for s3:PutObject (HTTP status 301)");
    end(&f);
}

static void test_given_endpoint_stays(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    f.client.endpoint = (struct endpoint){.url = "https://localhost:9000",
                                          .signing_region = "eu-west-1",
                                          .signing_service = "s3",
                                          .given = true};
    assert_true(s3_bucket_open(&f.client, "releases", &f.bucket, &f.err));
    fake_add(&f.fake, (struct fake_reply){
                          .method = HTTP_PUT,
                          .url = "https://localhost:9000/releases/k",
                          .times = 1,
                          .status = 400,
                          .body = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>us-west-2</Region>"
                                  "</Error>"});
    answer(&f, HTTP_PUT, "https://localhost:9000/releases/k", 200, "", "");
    assert_true(s3_put_object(&f.bucket, "k", "", 0, "text/plain", &f.err));
    assert_string_equal(f.fake.requests[1].signing, "us-west-2/s3");
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_put),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_path_style),
        cmocka_unit_test(test_names_of_buckets),
        cmocka_unit_test(test_follows_a_bucket_once),
        cmocka_unit_test(test_redirects_that_are_not_followed),
        cmocka_unit_test(test_given_endpoint_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
