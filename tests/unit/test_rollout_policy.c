/* The policy: planned, made, brought up to date, attached, removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/policy.h"
#include "format/text.h"
#include "rollout/policy_rollout.h"
#include "script.h"

#define IAM  "iam."
#define NAME "SSMConcurrentSessionsPolicy"
#define ARN  "arn:aws:iam::123456789012:policy/" NAME

static const char POLICY[] =
    "<R><Policy><Arn>" ARN "</Arn><DefaultVersionId>v3</DefaultVersionId></Policy></R>";
static const char OTHER[] = "{\"Version\":\"2012-10-17\",\"Statement\":[]}";
static const char *const ROLES[] = {"web", "db"};

struct fixture {
    struct script script;
    struct policy_rollout policy;
};

static void start(struct fixture *f)
{
    script_start(&f->script, "eu-west-1");
    f->policy = (struct policy_rollout){0};
}

static void end(struct fixture *f)
{
    policy_rollout_close(&f->policy);
    script_end(&f->script);
}

static struct script_step *expect(struct fixture *f, const char *what, const char *body)
{
    return script_expect(&f->script, IAM, what, 200, body);
}

static void expect_error(struct fixture *f, const char *what, int status, const char *code)
{
    struct buf body = {0};
    buf_addf(&body, "<ErrorResponse><Error><Code>%s</Code><Message>because</Message></Error></ErrorResponse>",
             code);
    (void)script_expect(&f->script, IAM, what, status, body.data);
    buf_free(&body);
}

static void expect_document(struct fixture *f, const char *document)
{
    struct buf body = {0};
    buf_add_text(&body, "<R><PolicyVersion><Document>");
    text_percent_encode(&body, document, strlen(document), false);
    buf_add_text(&body, "</Document></PolicyVersion></R>");
    (void)expect(f, "GetPolicyVersion", body.data);
    buf_free(&body);
}

static void expect_roles(struct fixture *f, const char *roles)
{
    struct buf body = {0};
    buf_addf(&body, "<R><PolicyRoles>%s</PolicyRoles><IsTruncated>false</IsTruncated></R>", roles);
    (void)expect(f, "ListEntitiesForPolicy", body.data);
    buf_free(&body);
}

#define ROLE(name) "<member><RoleName>" name "</RoleName></member>"

/* Versions v1 to vN; v3 is the default. */
static void expect_versions(struct fixture *f, int count)
{
    struct buf body = {0};
    buf_add_text(&body, "<R><Versions>");
    for (int i = count; i > 0; i--)
        buf_addf(&body,
                 "<member><VersionId>v%d</VersionId><IsDefaultVersion>%s</IsDefaultVersion>"
                 "<CreateDate>2026-01-0%dT00:00:00Z</CreateDate></member>",
                 i, i == 3 ? "true" : "false", i);
    buf_add_text(&body, "</Versions><IsTruncated>false</IsTruncated></R>");
    (void)expect(f, "ListPolicyVersions", body.data);
    buf_free(&body);
}

static bool plan(struct fixture *f, size_t roles)
{
    return policy_plan(&f->policy, &f->script.account, NAME, ROLES, roles);
}

/* A policy that says something else, with no roles wanted. */
static void plan_update(struct fixture *f)
{
    start(f);
    (void)expect(f, "GetPolicy", POLICY);
    expect_document(f, OTHER);
    assert_true(plan(f, 0));
    assert_int_equal(f->policy.change, CHANGE_UPDATE);
    assert_true(policy_has_work(&f->policy));
}

static void test_created_and_attached(void **state)
{
    struct fixture f;
    (void)state;
    start(&f);
    expect_error(&f, "GetPolicy", 404, "NoSuchEntity");
    assert_true(plan(&f, 2));
    assert_int_equal(f.policy.change, CHANGE_CREATE);
    const struct script_step *create =
        expect(&f, "CreatePolicy",
               "<R><Policy><Arn>" ARN "</Arn><DefaultVersionId>v1</DefaultVersionId></Policy></R>");
    expect_error(&f, "AttachRolePolicy", 404, "NoSuchEntity");
    (void)expect(&f, "AttachRolePolicy", "<R/>");
    assert_false(policy_apply(&f.policy));
    assert_non_null(strstr(create->request, "session%2F%2A"));
    assert_string_equal(f.policy.after, "v1");
    assert_true(f.policy.done);
    assert_string_equal(f.policy.roles[0].err.message, "there is no role 'web'");
    assert_true(f.policy.roles[1].done);
    assert_true(policy_failed(&f.policy));
    end(&f);
}

static void test_up_to_date(void **state)
{
    struct fixture f;
    struct buf wanted = {0};
    struct err err;
    (void)state;
    assert_true(policy_make("aws", "123456789012", &wanted, &err));
    start(&f);
    (void)expect(&f, "GetPolicy", POLICY);
    expect_document(&f, wanted.data);
    expect_roles(&f, ROLE("db") ROLE("web"));
    assert_true(plan(&f, 2));
    assert_int_equal(f.policy.change, CHANGE_NONE);
    assert_false(policy_has_work(&f.policy));
    assert_true(policy_apply(&f.policy));
    assert_string_equal(f.policy.after, "v3");
    end(&f);
    buf_free(&wanted);
}

static void test_another_version(void **state)
{
    struct fixture f;
    (void)state;
    plan_update(&f);
    expect_versions(&f, 4);
    (void)expect(&f, "CreatePolicyVersion",
                 "<R><PolicyVersion><VersionId>v5</VersionId><IsDefaultVersion>true</IsDefaultVersion>"
                 "</PolicyVersion></R>");
    assert_true(policy_apply(&f.policy));
    assert_string_equal(f.policy.after, "v5");
    end(&f);
}

static void test_five_versions(void **state)
{
    struct fixture f;
    (void)state;
    plan_update(&f);
    expect_versions(&f, 5);
    const struct script_step *deleted = expect(&f, "DeletePolicyVersion", "<R/>");
    (void)expect(&f, "CreatePolicyVersion",
                 "<R><PolicyVersion><VersionId>v6</VersionId><IsDefaultVersion>true</IsDefaultVersion>"
                 "</PolicyVersion></R>");
    assert_true(policy_apply(&f.policy));
    assert_non_null(strstr(deleted->request, "VersionId=v1"));
    end(&f);
}

static void test_denied(void **state)
{
    static const char *const STEPS[] = {"GetPolicy", "GetPolicyVersion", "ListEntitiesForPolicy"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct fixture f;
        start(&f);
        if (i > 0)
            (void)expect(&f, "GetPolicy", POLICY);
        if (i > 1)
            expect_document(&f, OTHER);
        expect_error(&f, STEPS[i], 403, "AccessDenied");
        assert_false(plan(&f, 1));
        assert_int_equal(f.policy.err.code, ERR_DENIED);
        assert_false(policy_has_work(&f.policy));
        assert_false(policy_apply(&f.policy));
        end(&f);
    }
}

static void test_denied_while_changing(void **state)
{
    static const char *const STEPS[] = {"ListPolicyVersions", "DeletePolicyVersion", "CreatePolicyVersion"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct fixture f;
        plan_update(&f);
        if (i > 0)
            expect_versions(&f, 5);
        if (i > 1)
            (void)expect(&f, "DeletePolicyVersion", "<R/>");
        expect_error(&f, STEPS[i], 403, "AccessDenied");
        assert_false(policy_apply(&f.policy));
        assert_false(f.policy.done);
        assert_int_equal(f.policy.err.code, ERR_DENIED);
        end(&f);
    }
}

/* Another deploy made it between our look and our try. */
static void test_made_by_another(void **state)
{
    (void)state;
    for (int round = 0; round < 4; round++) {
        struct fixture f;
        struct buf wanted = {0};
        struct err err;
        assert_true(policy_make("aws", "123456789012", &wanted, &err));
        start(&f);
        expect_error(&f, "GetPolicy", 404, "NoSuchEntity");
        assert_true(plan(&f, 0));
        expect_error(&f, "CreatePolicy", 409, round == 3 ? "LimitExceeded" : "EntityAlreadyExists");
        if (round == 2)
            expect_error(&f, "GetPolicy", 404, "NoSuchEntity");
        if (round < 2) {
            (void)expect(&f, "GetPolicy", POLICY);
            expect_document(&f, round == 0 ? wanted.data : OTHER);
        }
        if (round == 1) {
            expect_versions(&f, 1);
            (void)expect(
                &f, "CreatePolicyVersion",
                "<R><PolicyVersion><VersionId>v2</VersionId><IsDefaultVersion>true</IsDefaultVersion>"
                "</PolicyVersion></R>");
        }
        assert_int_equal(policy_apply(&f.policy), round < 2);
        if (round == 2)
            assert_non_null(strstr(f.policy.err.message, "another path"));
        end(&f);
        buf_free(&wanted);
    }
}

static void plan_removal(struct fixture *f)
{
    start(f);
    (void)expect(f, "GetPolicy", POLICY);
    expect_document(f, OTHER);
    expect_roles(f, ROLE("web") ROLE("db"));
    assert_true(policy_plan_removal(&f->policy, &f->script.account, NAME));
    assert_int_equal(f->policy.change, CHANGE_REMOVE);
    assert_int_equal(f->policy.role_count, 2);
}

static void test_removed(void **state)
{
    struct fixture f;
    (void)state;
    plan_removal(&f);
    (void)expect(&f, "DetachRolePolicy", "<R/>");
    expect_error(&f, "DetachRolePolicy", 404, "NoSuchEntity"); /* gone meanwhile */
    expect_versions(&f, 4);
    (void)expect(&f, "DeletePolicyVersion", "<R/>");
    expect_error(&f, "DeletePolicyVersion", 404, "NoSuchEntity");
    (void)expect(&f, "DeletePolicyVersion", "<R/>");
    (void)expect(&f, "DeletePolicy", "<R/>");
    assert_true(policy_apply(&f.policy));
    assert_true(f.policy.done);
    assert_string_equal(f.policy.after, "");
    end(&f);
}

static void test_removal_refused(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        struct fixture f;
        plan_removal(&f);
        if (round == 0)
            expect_error(&f, "DetachRolePolicy", 403, "AccessDenied");
        else
            (void)expect(&f, "DetachRolePolicy", "<R/>");
        (void)expect(&f, "DetachRolePolicy", "<R/>");
        if (round > 0) {
            expect_versions(&f, 3);
            (void)expect(&f, "DeletePolicyVersion", "<R/>");
            (void)expect(&f, "DeletePolicyVersion", "<R/>");
            expect_error(&f, "DeletePolicy", round == 1 ? 409 : 403,
                         round == 1 ? "DeleteConflict" : "AccessDenied");
        }
        assert_false(policy_apply(&f.policy));
        assert_false(f.policy.done);
        assert_true(policy_failed(&f.policy));
        if (round == 1)
            assert_non_null(strstr(f.policy.err.message, "still attached"));
        end(&f);
    }
}

static void test_nothing_to_remove(void **state)
{
    struct fixture f;
    (void)state;
    start(&f);
    expect_error(&f, "GetPolicy", 404, "NoSuchEntity");
    assert_true(policy_plan_removal(&f.policy, &f.script.account, NAME));
    assert_int_equal(f.policy.change, CHANGE_ABSENT);
    assert_false(policy_has_work(&f.policy));
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_created_and_attached),
        cmocka_unit_test(test_up_to_date),
        cmocka_unit_test(test_another_version),
        cmocka_unit_test(test_five_versions),
        cmocka_unit_test(test_denied),
        cmocka_unit_test(test_denied_while_changing),
        cmocka_unit_test(test_made_by_another),
        cmocka_unit_test(test_removed),
        cmocka_unit_test(test_removal_refused),
        cmocka_unit_test(test_nothing_to_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
