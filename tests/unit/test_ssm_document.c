#include "aws/ssm_document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"

#define URL       "https://ssm.eu-west-1.amazonaws.com/"
#define OTHER_URL "https://ssm.us-east-1.amazonaws.com/"
#define NAME      "SSM-SessionManagerRunShell"

struct fixture {
    struct fake fake;
    struct aws_session session;
    struct aws_client client;
    struct aws_client other;
};

static void start(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    fake_start(&f->fake);
    f->session.io = &f->fake.io;
    f->session.credentials.access_key = text_dup("AKID");
    f->session.credentials.secret_key = text_dup("secret");
    f->client.session = f->other.session = &f->session;
    f->client.endpoint = (struct endpoint){.url = "https://ssm.eu-west-1.amazonaws.com",
                                           .signing_region = "eu-west-1",
                                           .signing_service = "ssm"};
    f->other.endpoint = (struct endpoint){.url = "https://ssm.us-east-1.amazonaws.com",
                                          .signing_region = "us-east-1",
                                          .signing_service = "ssm"};
}

static void end(struct fixture *f)
{
    credentials_free(&f->session.credentials);
    fake_end(&f->fake);
}

static void answer(struct fixture *f, const char *body_has, int status, const char *body)
{
    fake_add(&f->fake,
             (struct fake_reply){
                 .method = HTTP_POST, .url = URL, .body_has = body_has, .status = status, .body = body});
}

/* One call that the service answers so. */
static struct ssm_document_call call(struct fixture *f, enum ssm_document_op op, int64_t version, int status,
                                     const char *body)
{
    struct ssm_document_call one = {.client = &f->client,
                                    .name = NAME,
                                    .content = "{\"a\":\"\xc3\xa9\\n\"}",
                                    .op = op,
                                    .version = version};
    fake_forget(&f->fake);
    answer(f, NULL, status, body);
    bool ok = ssm_document_call_all(&one, 1);
    assert_int_equal(ok, one.err.code == ERR_NONE);
    return one;
}

static const char *last_body(const struct fixture *f)
{
    return f->fake.requests[f->fake.request_count - 1].body;
}

static const char *last_target(const struct fixture *f)
{
    return fake_header(&f->fake, f->fake.request_count - 1, "X-Amz-Target");
}

static void test_get(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    struct ssm_document_call get =
        call(&f, SSM_DOCUMENT_GET, SSM_VERSION_DEFAULT, 200,
             "{\"Name\":\"" NAME
             "\",\"DocumentVersion\":\"7\",\"Status\":\"Active\",\"Content\":\"{\\n  \\\"x\\\": "
             "\\\"\\u00e9\\\"}\\r\\n\",\"DocumentType\":\"Session\",\"DocumentFormat\":\"JSON\"}");
    assert_int_equal(get.err.code, ERR_NONE);
    assert_string_equal(get.document.content, "{\n  \"x\": \"é\"}\r\n");
    assert_int_equal(get.document.content_len, strlen(get.document.content));
    assert_int_equal(get.document.version, 7);
    assert_string_equal(get.document.status, "Active");
    assert_string_equal(get.document.type, "Session");
    assert_string_equal(get.document.format, "JSON");
    assert_string_equal(get.document.reason, "");
    assert_string_equal(last_body(&f), "{\"Name\":\"" NAME "\"}");
    assert_string_equal(last_target(&f), "AmazonSSM.GetDocument");
    assert_string_equal(fake_header(&f.fake, 0, "Content-Type"), "application/x-amz-json-1.1");
    ssm_document_call_free(&get);
    assert_null(get.document.content);
    assert_ptr_equal(get.client, &f.client);

    get = call(&f, SSM_DOCUMENT_GET, SSM_VERSION_LATEST, 400,
               "{\"__type\":\"InvalidDocument\",\"message\":\"does not exist\"}");
    assert_int_equal(get.err.code, ERR_NOT_FOUND);
    assert_string_equal(get.err.service_code, "InvalidDocument");
    assert_string_equal(last_body(&f), "{\"Name\":\"" NAME "\",\"DocumentVersion\":\"$LATEST\"}");
    ssm_document_call_free(&get);
    get = call(&f, SSM_DOCUMENT_GET, 12, 400, "{\"__type\":\"InvalidDocumentVersion\"}");
    assert_int_equal(get.err.code, ERR_SERVICE);
    assert_string_equal(get.err.service_code, "InvalidDocumentVersion");
    assert_string_equal(last_body(&f), "{\"Name\":\"" NAME "\",\"DocumentVersion\":\"12\"}");
    ssm_document_call_free(&get);
    end(&f);
}

static void test_describe(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    struct ssm_document_call one =
        call(&f, SSM_DOCUMENT_DESCRIBE, SSM_VERSION_LATEST, 200,
             "{\"Document\":{\"DocumentVersion\":\"9\",\"DefaultVersion\":\"3\",\"LatestVersion\":\"9\","
             "\"Status\":"
             "\"Failed\",\"StatusInformation\":\"bad\\u001b[31m\",\"DocumentType\":\"Session\"}}");
    assert_int_equal(one.err.code, ERR_NONE);
    assert_int_equal(one.document.version, 9);
    assert_int_equal(one.document.default_version, 3);
    assert_int_equal(one.document.latest_version, 9);
    assert_string_equal(one.document.status, "Failed");
    assert_string_equal(one.document.reason, "bad\\x1b[31m");
    assert_string_equal(one.document.type, "Session");
    assert_null(one.document.content);
    assert_string_equal(last_target(&f), "AmazonSSM.DescribeDocument");
    ssm_document_call_free(&one);
    end(&f);
}

static void test_create_and_update(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    struct ssm_document_call one =
        call(&f, SSM_DOCUMENT_CREATE, 0, 200,
             "{\"DocumentDescription\":{\"DocumentVersion\":\"1\",\"Status\":\"Creating\"}}");
    assert_int_equal(one.err.code, ERR_NONE);
    assert_int_equal(one.document.version, 1);
    assert_string_equal(one.document.status, "Creating");
    assert_string_equal(last_target(&f), "AmazonSSM.CreateDocument");
    assert_string_equal(last_body(&f),
                        "{\"Name\":\"" NAME
                        "\",\"DocumentType\":\"Session\",\"Content\":\"{\\\"a\\\":\\\"é\\\\n\\\"}\","
                        "\"DocumentFormat\":\"JSON\"}");
    ssm_document_call_free(&one);

    one = call(&f, SSM_DOCUMENT_UPDATE, 0, 200,
               "{\"DocumentDescription\":{\"DocumentVersion\":\"8\",\"Status\":\"Updating\","
               "\"DefaultVersion\":\"7\","
               "\"LatestVersion\":\"8\"}}");
    assert_int_equal(one.document.version, 8);
    assert_string_equal(last_target(&f), "AmazonSSM.UpdateDocument");
    assert_string_equal(last_body(&f),
                        "{\"Name\":\"" NAME
                        "\",\"DocumentVersion\":\"$LATEST\",\"Content\":\"{\\\"a\\\":\\\"é\\\\n\\\"}\","
                        "\"DocumentFormat\":\"JSON\"}");
    ssm_document_call_free(&one);

    static const char *const codes[] = {"DocumentAlreadyExists", "DuplicateDocumentContent", "TooManyUpdates",
                                        "DocumentVersionLimitExceeded", "MaxDocumentSizeExceeded"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct buf body = {0};
        buf_addf(&body, "{\"__type\":\"%s\"}", codes[i]);
        one = call(&f, SSM_DOCUMENT_UPDATE, 0, 400, buf_text(&body));
        assert_int_equal(one.err.code, ERR_SERVICE);
        assert_string_equal(one.err.service_code, codes[i]);
        ssm_document_call_free(&one);
        buf_free(&body);
    }
    end(&f);
}

static void test_default_and_delete(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    struct ssm_document_call one = call(&f, SSM_DOCUMENT_SET_DEFAULT, 8, 200, "{\"Description\":{}}");
    assert_int_equal(one.err.code, ERR_NONE);
    assert_string_equal(last_target(&f), "AmazonSSM.UpdateDocumentDefaultVersion");
    assert_string_equal(last_body(&f), "{\"Name\":\"" NAME "\",\"DocumentVersion\":\"8\"}");
    one = call(&f, SSM_DOCUMENT_DELETE, 2, 200, "{}");
    assert_int_equal(one.err.code, ERR_NONE);
    assert_string_equal(last_target(&f), "AmazonSSM.DeleteDocument");
    assert_string_equal(last_body(&f), "{\"Name\":\"" NAME "\",\"DocumentVersion\":\"2\"}");
    one = call(&f, SSM_DOCUMENT_DELETE, SSM_VERSION_NONE, 200, "{}");
    assert_int_equal(one.err.code, ERR_NONE);
    assert_string_equal(last_body(&f), "{\"Name\":\"" NAME "\"}");
    size_t asked = f.fake.request_count;
    one = call(&f, SSM_DOCUMENT_DELETE, SSM_VERSION_DEFAULT, 200, "{}"); /* never the whole document */
    assert_int_equal(one.err.code, ERR_USAGE);
    one = call(&f, SSM_DOCUMENT_SET_DEFAULT, SSM_VERSION_NONE, 200, "{}");
    assert_int_equal(one.err.code, ERR_USAGE);
    assert_int_equal(f.fake.request_count, asked);
    ssm_document_call_free(NULL);
    end(&f);
}

static void test_lists_versions(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    struct ssm_document_call one = {.client = &f.client, .name = NAME, .op = SSM_DOCUMENT_LIST_VERSIONS};
    answer(&f, "\"NextToken\":\"p2\"", 200,
           "{\"DocumentVersions\":[{\"DocumentVersion\":\"10\",\"CreatedDate\":1795348800.5,"
           "\"IsDefaultVersion\":false,"
           "\"Status\":\"Active\"}]}");
    answer(&f, NULL, 200,
           "{\"DocumentVersions\":[{\"DocumentVersion\":\"2\",\"IsDefaultVersion\":true},{"
           "\"DocumentVersion\":\"9\"}],"
           "\"NextToken\":\"p2\"}");
    assert_true(ssm_document_call_all(&one, 1));
    assert_int_equal(one.version_count, 3);
    assert_int_equal(one.versions[0].version, 10);
    assert_int_equal(one.versions[0].created_ms, INT64_C(1795348800500));
    assert_string_equal(one.versions[0].status, "Active");
    assert_false(one.versions[0].is_default);
    assert_int_equal(one.versions[1].version, 9);
    assert_int_equal(one.versions[2].version, 2);
    assert_true(one.versions[2].is_default);
    assert_string_equal(f.fake.requests[0].body, "{\"Name\":\"" NAME "\",\"MaxResults\":50}");
    assert_true(ssm_document_call_all(&one, 1)); /* made again: nothing of the first time is left */
    assert_int_equal(one.version_count, 3);
    ssm_document_call_free(&one);

    fake_forget(&f.fake);
    answer(&f, NULL, 200, "{\"DocumentVersions\":[],\"NextToken\":\"p2\"}");
    assert_false(ssm_document_call_all(&one, 1));
    assert_int_equal(one.err.code, ERR_MALFORMED);
    assert_non_null(strstr(one.err.message, "repeats"));
    ssm_document_call_free(&one);
    end(&f);
}

static void test_many_at_once(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    struct ssm_document_call calls[] = {
        {.client = &f.client, .name = NAME, .op = SSM_DOCUMENT_GET, .version = SSM_VERSION_DEFAULT},
        {.client = &f.other, .name = NAME, .op = SSM_DOCUMENT_GET, .version = SSM_VERSION_DEFAULT},
        {.client = &f.other, .name = NAME, .op = SSM_DOCUMENT_LIST_VERSIONS},
    };
    answer(&f, NULL, 200, "{\"DocumentVersion\":\"1\",\"Content\":\"here\"}");
    fake_add(&f.fake, (struct fake_reply){.method = HTTP_POST,
                                          .url = OTHER_URL,
                                          .body_has = "p2",
                                          .body = "{\"DocumentVersions\":[{\"DocumentVersion\":\"1\"}]}"});
    fake_add(&f.fake, (struct fake_reply){.method = HTTP_POST,
                                          .url = OTHER_URL,
                                          .body_has = "MaxResults",
                                          .body = "{\"DocumentVersions\":[],\"NextToken\":\"p2\"}"});
    fake_add(&f.fake, (struct fake_reply){.method = HTTP_POST,
                                          .url = OTHER_URL,
                                          .status = 400,
                                          .body = "{\"__type\":\"AccessDeniedException\"}"});
    assert_false(ssm_document_call_all(calls, 3));
    assert_string_equal(calls[0].document.content, "here");
    assert_int_equal(calls[1].err.code, ERR_DENIED);
    assert_int_equal(calls[2].err.code, ERR_NONE);
    assert_int_equal(calls[2].version_count, 1);
    assert_int_equal(f.fake.request_count, 4);
    assert_int_equal(f.fake.batches, 2);
    assert_string_equal(f.fake.requests[0].signing, "eu-west-1/ssm");
    assert_string_equal(f.fake.requests[1].signing, "us-east-1/ssm");
    for (size_t i = 0; i < 3; i++)
        ssm_document_call_free(&calls[i]);
    assert_true(ssm_document_call_all(NULL, 0));
    end(&f);
}

static void test_malformed_replies(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum ssm_document_op op;
    } cases[] = {
        {"", SSM_DOCUMENT_GET},
        {"{", SSM_DOCUMENT_GET},
        {"[]", SSM_DOCUMENT_GET},
        {"{\"DocumentVersion\":\"1\"}", SSM_DOCUMENT_GET},
        {"{\"Content\":\"x\"}", SSM_DOCUMENT_GET},
        {"{\"Content\":7,\"DocumentVersion\":\"1\"}", SSM_DOCUMENT_GET},
        {"{\"Content\":\"x\",\"DocumentVersion\":1}", SSM_DOCUMENT_GET},
        {"{\"Content\":\"x\",\"DocumentVersion\":\"$LATEST\"}", SSM_DOCUMENT_GET},
        {"{\"Content\":\"x\",\"DocumentVersion\":\"99999999999999999999\"}", SSM_DOCUMENT_GET},
        {"{}", SSM_DOCUMENT_DESCRIBE},
        {"{\"Document\":[]}", SSM_DOCUMENT_DESCRIBE},
        {"{\"Document\":{\"DocumentVersion\":\"1\"}}", SSM_DOCUMENT_DESCRIBE},
        {"{\"Document\":{\"DocumentVersion\":\"1\"}}", SSM_DOCUMENT_UPDATE},
        {"{\"DocumentDescription\":null}", SSM_DOCUMENT_CREATE},
        {"null", SSM_DOCUMENT_LIST_VERSIONS},
        {"{\"DocumentVersions\":{}}", SSM_DOCUMENT_LIST_VERSIONS},
        {"{\"DocumentVersions\":[1]}", SSM_DOCUMENT_LIST_VERSIONS},
        {"{\"DocumentVersions\":[{}]}", SSM_DOCUMENT_LIST_VERSIONS},
        {"{\"DocumentVersions\":[],\"NextToken\":[]}", SSM_DOCUMENT_LIST_VERSIONS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        start(&f);
        struct ssm_document_call one = call(&f, cases[i].op, 1, 200, cases[i].body);
        assert_int_equal(one.err.code, ERR_MALFORMED);
        assert_non_null(strstr(one.err.message, "the reply of ssm:"));
        ssm_document_call_free(&one);
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_create_and_update),
        cmocka_unit_test(test_default_and_delete),
        cmocka_unit_test(test_lists_versions),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_malformed_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
