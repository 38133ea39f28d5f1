#include "aws/iam.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"

#define URL      "https://iam.amazonaws.com/"
#define ARN      "arn:aws:iam::123456789012:policy/P"
#define SENT_ARN "arn%3Aaws%3Aiam%3A%3A123456789012%3Apolicy%2FP"
#define REPLY(action, result)                                                                                \
    "<" action "Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><" action "Result>" result      \
    "</" action "Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></" action "Response>"
#define REFUSAL(code)                                                                                        \
    "<ErrorResponse><Error><Type>Sender</Type><Code>" code                                                   \
    "</Code><Message>m</Message></Error></ErrorResponse>"

struct fixture {
    struct fake fake;
    struct aws_session session;
    struct aws_client client;
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
        .url = "https://iam.amazonaws.com", .signing_region = "us-east-1", .signing_service = "iam"};
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

static void test_get_policy(void **state)
{
    (void)state;
    struct fixture f;
    struct iam_policy policy;
    start(&f);
    answer(&f, NULL, 200,
           REPLY("GetPolicy", "<Policy><PolicyName>P</PolicyName><Arn>" ARN "</Arn><DefaultVersionId>v3"
                              "</DefaultVersionId><AttachmentCount>1</AttachmentCount></Policy>"));
    assert_true(iam_get_policy(&f.client, ARN, &policy, &f.err));
    assert_string_equal(policy.arn, ARN);
    assert_string_equal(policy.default_version, "v3");
    assert_string_equal(f.fake.requests[0].body, "Action=GetPolicy&Version=2010-05-08&PolicyArn=" SENT_ARN);
    assert_string_equal(f.fake.requests[0].signing, "us-east-1/iam");
    fake_forget(&f.fake);
    answer(&f, NULL, 404, REFUSAL("NoSuchEntity"));
    assert_false(iam_get_policy(&f.client, ARN, &policy, &f.err));
    assert_int_equal(f.err.code, ERR_NOT_FOUND);
    assert_string_equal(f.err.message, "NoSuchEntity for iam:GetPolicy: m");
    end(&f);
}

static void test_create_policy(void **state)
{
    (void)state;
    struct fixture f;
    struct iam_policy policy;
    start(&f);
    answer(
        &f, NULL, 200,
        REPLY("CreatePolicy", "<Policy><Arn>" ARN "</Arn><DefaultVersionId>v1</DefaultVersionId></Policy>"));
    assert_true(iam_create_policy(&f.client, "P", "what it is", "{\"a\": [\"*\"]}", &policy, &f.err));
    assert_string_equal(policy.arn, ARN);
    assert_string_equal(
        f.fake.requests[0].body,
        "Action=CreatePolicy&Version=2010-05-08&PolicyName=P&Description=what%20it%20is&PolicyDocument="
        "%7B%22a%22%3A%20%5B%22%2A%22%5D%7D");
    fake_forget(&f.fake);
    answer(&f, NULL, 409, REFUSAL("EntityAlreadyExists"));
    assert_false(iam_create_policy(&f.client, "P", NULL, "{}", &policy, &f.err));
    assert_int_equal(f.err.code, ERR_SERVICE);
    assert_string_equal(f.err.service_code, "EntityAlreadyExists");
    assert_null(strstr(f.fake.requests[1].body, "Description"));
    end(&f);
}

static void test_versions(void **state)
{
    (void)state;
    struct fixture f;
    struct iam_policy_version version;
    struct buf document = {0};
    start(&f);
    answer(&f, "Action=GetPolicyVersion&", 200,
           REPLY("GetPolicyVersion",
                 "<PolicyVersion><Document>%7B%22a%22%3A%20%22%2B+%C3%A9%22%7D</Document><VersionId>v2"
                 "</VersionId></PolicyVersion>"));
    assert_true(iam_get_policy_version(&f.client, ARN, "v2", &document, &f.err));
    assert_string_equal(buf_text(&document), "{\"a\": \"++é\"}");
    assert_string_equal(f.fake.requests[0].body,
                        "Action=GetPolicyVersion&Version=2010-05-08&PolicyArn=" SENT_ARN "&VersionId=v2");
    answer(&f, "Action=CreatePolicyVersion&", 200,
           REPLY("CreatePolicyVersion",
                 "<PolicyVersion><VersionId>v6</VersionId><IsDefaultVersion>true</IsDefaultVersion>"
                 "<CreateDate>2026-11-22T12:00:00Z</CreateDate></PolicyVersion>"));
    assert_true(iam_create_policy_version(&f.client, ARN, "{}", &version, &f.err));
    assert_string_equal(version.id, "v6");
    assert_true(version.is_default);
    assert_int_equal(version.created_ms, FAKE_WALL_MS);
    assert_string_equal(f.fake.requests[1].body,
                        "Action=CreatePolicyVersion&Version=2010-05-08&PolicyArn=" SENT_ARN
                        "&PolicyDocument=%7B%7D&SetAsDefault=true");
    answer(&f, "Action=DeletePolicyVersion&", 200, "<DeletePolicyVersionResponse/>");
    assert_true(iam_delete_policy_version(&f.client, ARN, "v1", &f.err));
    assert_string_equal(f.fake.requests[2].body,
                        "Action=DeletePolicyVersion&Version=2010-05-08&PolicyArn=" SENT_ARN "&VersionId=v1");
    fake_forget(&f.fake);
    answer(&f, NULL, 409, REFUSAL("LimitExceeded"));
    assert_false(iam_create_policy_version(&f.client, ARN, "{}", &version, &f.err));
    assert_int_equal(f.err.code, ERR_SERVICE);
    assert_string_equal(f.err.service_code, "LimitExceeded");
    assert_int_equal(f.fake.request_count, 4);
    buf_free(&document);
    end(&f);
}

static void test_lists_versions(void **state)
{
    (void)state;
    struct fixture f;
    struct iam_policy_versions versions = {0};
    start(&f);
    answer(&f, "&Marker=m%2F2", 200,
           REPLY("ListPolicyVersions",
                 "<IsTruncated>false</IsTruncated><Marker>ignored</Marker><Versions><member><VersionId>v2"
                 "</VersionId><IsDefaultVersion>false</IsDefaultVersion></member></Versions>"));
    answer(
        &f, NULL, 200,
        REPLY(
            "ListPolicyVersions",
            "<Versions><member><VersionId>v10</VersionId><IsDefaultVersion>true</"
            "IsDefaultVersion><CreateDate>"
            "2026-11-22T12:00:00Z</CreateDate></member><member><VersionId>v9</VersionId></member></Versions>"
            "<IsTruncated>true</IsTruncated><Marker>m/2</Marker>"));
    assert_true(iam_list_policy_versions(&f.client, ARN, &versions, &f.err));
    assert_int_equal(versions.count, 3);
    assert_string_equal(versions.items[0].id, "v2");
    assert_string_equal(versions.items[1].id, "v9");
    assert_false(versions.items[1].is_default);
    assert_int_equal(versions.items[1].created_ms, 0);
    assert_string_equal(versions.items[2].id, "v10");
    assert_true(versions.items[2].is_default);
    assert_int_equal(versions.items[2].created_ms, FAKE_WALL_MS);
    assert_int_equal(f.fake.request_count, 2);
    iam_policy_versions_free(&versions);
    iam_policy_versions_free(NULL);
    end(&f);
}

static void test_roles(void **state)
{
    (void)state;
    struct fixture f;
    struct names roles = {0};
    start(&f);
    answer(&f, "Action=ListEntitiesForPolicy&Version=2010-05-08&Marker=2", 200,
           REPLY("ListEntitiesForPolicy",
                 "<PolicyGroups/><PolicyUsers/><PolicyRoles><member><RoleName>b</RoleName></member>"
                 "</PolicyRoles><IsTruncated>false</IsTruncated>"));
    answer(&f, "Action=ListEntitiesForPolicy", 200,
           REPLY("ListEntitiesForPolicy",
                 "<PolicyUsers><member><UserName>u</UserName></member></PolicyUsers><PolicyRoles>"
                 "<member><RoleName>a</RoleName><RoleId>AROA</RoleId></member></PolicyRoles>"
                 "<IsTruncated>true</IsTruncated><Marker>2</Marker>"));
    assert_true(iam_list_policy_roles(&f.client, ARN, &roles, &f.err));
    assert_int_equal(roles.count, 2);
    assert_string_equal(roles.items[0], "a");
    assert_string_equal(roles.items[1], "b");
    assert_string_equal(f.fake.requests[0].body,
                        "Action=ListEntitiesForPolicy&Version=2010-05-08&PolicyArn=" SENT_ARN
                        "&EntityFilter=Role&PolicyUsageFilter=PermissionsPolicy");
    names_free(&roles);
    answer(&f, "Action=AttachRolePolicy&Version=2010-05-08&RoleName=web&PolicyArn=" SENT_ARN, 200, "<A/>");
    answer(&f, "Action=DetachRolePolicy&Version=2010-05-08&RoleName=web&PolicyArn=" SENT_ARN, 200, "<A/>");
    answer(&f, "Action=DeletePolicy&Version=2010-05-08&PolicyArn=" SENT_ARN, 409, REFUSAL("DeleteConflict"));
    assert_true(iam_attach_role_policy(&f.client, "web", ARN, &f.err));
    assert_true(iam_detach_role_policy(&f.client, "web", ARN, &f.err));
    assert_false(iam_delete_policy(&f.client, ARN, &f.err));
    assert_string_equal(f.err.service_code, "DeleteConflict");
    end(&f);
}

static void test_malformed_replies(void **state)
{
    (void)state;
    static const char *const policies[] = {
        "",
        "{}",
        "<a>",
        REPLY("GetPolicy", ""),
        REPLY("GetPolicy", "<Policy><Arn>" ARN "</Arn></Policy>"),
        REPLY("GetPolicy", "<Policy><DefaultVersionId>v1</DefaultVersionId></Policy>")};
    static const char *const listings[] = {
        "<a",
        REPLY("L", "<IsTruncated>true</IsTruncated>"),
        REPLY("L", "<IsTruncated>true</IsTruncated><Marker>same</Marker>"),
        REPLY("L", "<Versions><member></member></Versions>"),
        REPLY("L", "<Versions><member><IsDefaultVersion>true</IsDefaultVersion></member></Versions>"),
    };
    struct fixture f;
    struct iam_policy policy;
    struct iam_policy_versions versions = {0};
    struct buf document = {0};
    start(&f);
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        fake_forget(&f.fake);
        answer(&f, NULL, 200, policies[i]);
        assert_false(iam_get_policy(&f.client, ARN, &policy, &f.err));
        assert_int_equal(f.err.code, ERR_MALFORMED);
    }
    for (size_t i = 0; i < sizeof listings / sizeof listings[0]; i++) {
        fake_forget(&f.fake);
        answer(&f, NULL, 200, listings[i]);
        assert_false(iam_list_policy_versions(&f.client, ARN, &versions, &f.err));
        assert_int_equal(f.err.code, ERR_MALFORMED);
        iam_policy_versions_free(&versions);
    }
    fake_forget(&f.fake);
    answer(&f, NULL, 200, REPLY("G", "<PolicyVersion><Document>%7</Document></PolicyVersion>"));
    assert_false(iam_get_policy_version(&f.client, ARN, "v1", &document, &f.err));
    assert_int_equal(f.err.code, ERR_MALFORMED);
    assert_int_equal(document.len, 0);
    buf_free(&document);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_policy), cmocka_unit_test(test_create_policy),
        cmocka_unit_test(test_versions),   cmocka_unit_test(test_lists_versions),
        cmocka_unit_test(test_roles),      cmocka_unit_test(test_malformed_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
