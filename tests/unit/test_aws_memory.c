// link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
#define _GNU_SOURCE 1 /* memmem */
/* Each allocation of the calls failed in turn: a clean error, nothing leaked, and never a part for the whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "aws/ec2.h"
#include "aws/iam.h"
#include "aws/s3.h"
#include "aws/ssm.h"
#include "aws/ssm_document.h"

#define SESSION(id)                                                                                          \
    "{\"SessionId\":\"" id                                                                                   \
    "\",\"Target\":\"i-1\",\"Status\":\"Connected\",\"StartDate\":1,\"Owner\":\"\\u0061rn\"}"

/* Answers by what the body, or else the URL, holds; the last entry answers everything. */
static const struct {
    const char *has;
    int status;
    const char *headers;
    const char *body;
} script[] = {
    {"\"two\"", 200, "", "{\"Sessions\":[" SESSION("c") "]}"},
    {"\"State\":", 200, "", "{\"Sessions\":[" SESSION("a") "," SESSION("b") "],\"NextToken\":\"two\"}"},
    {"\"gone\"", 400, "", "{\"__type\":\"DoesNotExistException\"}"},
    {"\"denied\"", 400, "", "{\"__type\":\"AccessDeniedException\",\"message\":\"m\"}"},
    {"\"SessionId\":", 200, "", "{}"},
    {"MaxResults", 200, "",
     "{\"DocumentVersions\":[{\"DocumentVersion\":\"1\"},{\"DocumentVersion\":\"2\"}]}"},
    {"\"Name\":", 200, "", "{\"Content\":\"{}\",\"DocumentVersion\":\"3\",\"Status\":\"Active\"}"},
    {"DescribeRegions", 200, "", "<a><regionInfo><item><regionName>b-1</regionName></item></regionInfo></a>"},
    {"ListPolicyVersions", 200, "",
     "<a><Versions><member><VersionId>v1</VersionId></member></Versions><IsTruncated>false</IsTruncated></"
     "a>"},
    {"GetPolicyVersion", 200, "", "<a><PolicyVersion><Document>%7B%7D</Document></PolicyVersion></a>"},
    {"/moved", 301, "x-amz-bucket-region: us-west-2\n", "<Error><Code>PermanentRedirect</Code></Error>"},
    {"", 200, "x-amz-checksum-sha256: 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", ""},
};

static void perform(void *ctx, const struct http_request *requests, struct http_reply *replies, size_t count)
{
    (void)ctx;
    for (size_t i = 0; i < count; i++) {
        const char *body = requests[i].body ? requests[i].body : "";
        size_t k = 0;
        while (!strstr(body, script[k].has) && !strstr(requests[i].url, script[k].has))
            k++;
        replies[i].status = strstr(requests[i].url, "us-west-2") ? 200 : script[k].status;
        buf_add_text(&replies[i].headers, script[k].headers);
        buf_add_text(&replies[i].body, script[k].body);
        if (replies[i].headers.failed || replies[i].body.failed)
            err_nomem(&replies[i].err);
    }
}

static int64_t no_time(void *ctx)
{
    (void)ctx;
    return 0;
}

static void no_sleep(void *ctx, int64_t time_ms)
{
    (void)ctx;
    (void)time_ms;
    fail_msg("nothing is tried again");
}

static uint32_t no_chance(void *ctx)
{
    (void)ctx;
    return 0;
}

static const char *no_variable(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return NULL;
}

static char key[] = "key";
static const struct http http = {.perform = perform};
static const struct clock test_clock = {
    .mono_ms = no_time, .wall_ms = no_time, .sleep_ms = no_sleep, .random = no_chance};
static const struct env env = {.get = no_variable};
static const struct aws_io io = {.http = &http, .clock = &test_clock, .env = &env, .deadline_ms = 10000};
static struct aws_session session = {.io = &io, .credentials = {.access_key = key, .secret_key = key}};
static struct aws_client client = {.session = &session,
                                   .endpoint = {.url = "https://s3.eu-west-1.amazonaws.com",
                                                .signing_region = "eu-west-1",
                                                .signing_service = "ssm"}};

static void check(bool ok, const struct err *err)
{
    assert_int_equal(ok, err->code == ERR_NONE);
    if (!ok)
        assert_int_equal(err->code, ERR_NOMEM);
}

static void list_sessions(void)
{
    struct session_list list = {0};
    struct err err = {0};
    bool ok = ssm_list_sessions(&client, "i-1", &list, NULL, &err);
    check(ok, &err);
    if (ok)
        assert_int_equal(list.count, 3);
    session_list_free(&list);
}

static void terminate_sessions(void)
{
    struct err errs[3];
    ssm_terminate_sessions(&client, (const char *const[]){"fine", "gone", "denied"}, errs, 3);
    assert_true(errs[0].code == ERR_NONE || errs[0].code == ERR_NOMEM);
    assert_true(errs[1].code == ERR_NONE || errs[1].code == ERR_NOMEM || errs[1].code == ERR_SERVICE);
    assert_true(errs[2].code == ERR_DENIED || errs[2].code == ERR_NOMEM || errs[2].code == ERR_SERVICE);
}

static void call_documents(void)
{
    struct ssm_document_call calls[] = {
        {.client = &client, .name = "n", .op = SSM_DOCUMENT_GET},
        {.client = &client, .name = "n", .op = SSM_DOCUMENT_LIST_VERSIONS},
    };
    bool ok = ssm_document_call_all(calls, 2);
    assert_int_equal(ok, calls[0].err.code == ERR_NONE && calls[1].err.code == ERR_NONE);
    for (size_t i = 0; i < 2; i++) {
        check(calls[i].err.code == ERR_NONE, &calls[i].err);
        ssm_document_call_free(&calls[i]);
    }
}

static void call_iam(void)
{
    struct iam_policy_versions versions = {0};
    struct buf document = {0};
    struct names regions = {0};
    struct err err = {0};
    bool ok = iam_list_policy_versions(&client, "arn", &versions, &err);
    check(ok, &err);
    ok = ok && iam_get_policy_version(&client, "arn", "v1", &document, &err);
    check(ok, &err);
    ok = ok && ec2_list_regions(&client, &regions, &err);
    check(ok, &err);
    names_free(&regions);
    buf_free(&document);
    iam_policy_versions_free(&versions);
}

static void call_s3(void)
{
    struct s3_bucket bucket;
    struct s3_object object;
    struct err err = {0};
    assert_true(s3_bucket_open(&client, "releases", &bucket, &err));
    bool ok = s3_head_object(&bucket, "k", &object, &err);
    check(ok, &err);
    ok = ok && s3_put_object(&bucket, "moved", "x", 1, "text/plain", &err);
    /* out of memory, the redirect is not understood and stays refused */
    assert_true(ok || err.code == ERR_NOMEM || err.code == ERR_SERVICE);
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    ALLOC_FAIL_EACH(list_sessions());
    ALLOC_FAIL_EACH(terminate_sessions());
    ALLOC_FAIL_EACH(call_documents());
    ALLOC_FAIL_EACH(call_iam());
    ALLOC_FAIL_EACH(call_s3());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
