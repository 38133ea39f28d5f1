/* Documents of many regions: read, planned, backed up, changed. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "format/json_write.h"
#include "rollout/rollout.h"
#include "script.h"

#define EU   "ssm.eu-west-1"
#define US   "ssm.us-east-1"
#define NAME "SSM-SessionManagerRunShell"
#define GONE "{\"__type\":\"InvalidDocument\",\"message\":\"no such document\"}"

struct fixture {
    struct script script;
    struct rollout rollout;
    size_t told;
};

static void count_progress(void *ctx, const struct rollout_region *region)
{
    struct fixture *f = ctx;
    assert_true(region->done != (region->err.code != ERR_NONE));
    f->told++;
}

static void start(struct fixture *f, const char *regions)
{
    struct err err;
    script_start(&f->script, regions);
    assert_true(rollout_open(&f->rollout, &f->script.account, NAME, &err));
    f->rollout.progress = count_progress;
    f->rollout.progress_ctx = f;
    f->told = 0;
}

static void end(struct fixture *f)
{
    rollout_close(&f->rollout);
    script_end(&f->script);
}

/* ---- replies ---- */

static struct script_step *expect_get(struct fixture *f, const char *host, int version, const char *status,
                                      const char *content)
{
    struct buf body = {0};
    buf_addf(&body,
             "{\"Name\":\"" NAME
             "\",\"DocumentVersion\":\"%d\",\"Status\":\"%s\",\"DocumentType\":\"Session\","
             "\"DocumentFormat\":\"JSON\",\"Content\":\"",
             version, status);
    json_escape(&body, content, strlen(content));
    buf_add_text(&body, "\"}");
    struct script_step *step = script_expect(&f->script, host, "GetDocument", 200, body.data);
    buf_free(&body);
    return step;
}

static struct script_step *expect_description(struct fixture *f, const char *host, const char *operation,
                                              int version, const char *status, const char *more)
{
    struct buf body = {0};
    buf_addf(&body,
             "{\"%s\":{\"Name\":\"" NAME "\",\"DocumentVersion\":\"%d\",\"Status\":\"%s\",\"LatestVersion\":"
             "\"9\",\"DefaultVersion\":\"3\"%s}}",
             strcmp(operation, "DescribeDocument") == 0 ? "Document" : "DocumentDescription", version, status,
             more);
    struct script_step *step = script_expect(&f->script, host, operation, 200, body.data);
    buf_free(&body);
    return step;
}

static struct script_step *expect_default(struct fixture *f, const char *host)
{
    return script_expect(&f->script, host, "UpdateDocumentDefaultVersion", 200, "{\"Description\":{}}");
}

static struct script_step *expect_error(struct fixture *f, const char *host, const char *operation,
                                        const char *code)
{
    struct buf body = {0};
    buf_addf(&body, "{\"__type\":\"%s\",\"message\":\"because\"}", code);
    struct script_step *step = script_expect(&f->script, host, operation, 400, body.data);
    buf_free(&body);
    return step;
}

/* Versions from `first` down to 1; `standard` is the default. */
static void expect_list(struct fixture *f, const char *host, int first, int standard)
{
    struct buf body = {0};
    buf_add_text(&body, "{\"DocumentVersions\":[");
    for (int i = first; i > 0; i--)
        buf_addf(
            &body,
            "%s{\"DocumentVersion\":\"%d\",\"IsDefaultVersion\":%s,\"Status\":\"Active\",\"CreatedDate\":1}",
            i < first ? "," : "", i, i == standard ? "true" : "false");
    buf_add_text(&body, "]}");
    (void)script_expect(&f->script, host, "ListDocumentVersions", 200, body.data);
    buf_free(&body);
}

/* Wants "{}" to be "{"wanted":REGION}". */
static bool merge(void *ctx, const struct rollout_region *region, const char *base, struct buf *out,
                  bool *mentioned, struct err *err)
{
    (void)ctx;
    (void)err;
    *mentioned = base != NULL;
    buf_add_text(out, "{\"wanted\":1}");
    return region->name[0] != 'x';
}

static bool refuse(void *ctx, const struct rollout_region *region, const char *base, struct buf *out,
                   bool *mentioned, struct err *err)
{
    (void)ctx;
    (void)region;
    (void)out;
    (void)mentioned;
    return base && err_set(err, ERR_MALFORMED, "not ours");
}

/* Reads version 3, which is not as wanted, and plans an update. */
static struct rollout_region *plan_update(struct fixture *f)
{
    start(f, "eu-west-1");
    (void)expect_get(f, EU, 3, "Active", "{}");
    (void)expect_get(f, EU, 3, "Active", "{}");
    rollout_read(&f->rollout);
    rollout_plan(&f->rollout, merge, NULL);
    struct rollout_region *region = &f->rollout.regions[0];
    assert_int_equal(region->err.code, ERR_NONE);
    assert_int_equal(region->change, CHANGE_UPDATE);
    return region;
}

/* ---- tests ---- */

static void test_update(void **state)
{
    struct fixture f;
    (void)state;
    struct rollout_region *region = plan_update(&f);
    assert_int_equal(region->before, 3);
    assert_string_equal(region->content, "{}");
    assert_string_equal(region->wanted, "{\"wanted\":1}");
    assert_true(region->mentioned);
    assert_null(region->latest_content);
    assert_true(rollout_has_work(&f.rollout));
    const struct script_step *update = expect_description(&f, EU, "UpdateDocument", 4, "Updating", "");
    (void)expect_description(&f, EU, "DescribeDocument", 4, "Updating", "");
    (void)expect_description(&f, EU, "DescribeDocument", 4, "Active", "");
    const struct script_step *set = expect_default(&f, EU);
    rollout_apply(&f.rollout);
    assert_true(region->done);
    assert_int_equal(region->after, 4);
    assert_non_null(strstr(update->request, "\"$LATEST\""));
    assert_non_null(strstr(set->request, "\"4\""));
    assert_int_equal(f.script.fake.slept_ms, 50);
    assert_int_equal(f.told, 1);
    end(&f);
}

static void test_up_to_date(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, "eu-west-1");
    (void)expect_get(&f, EU, 3, "Active", "{\"wanted\":1}");
    rollout_read(&f.rollout);
    rollout_plan(&f.rollout, merge, NULL);
    assert_int_equal(f.rollout.regions[0].change, CHANGE_NONE);
    assert_int_equal(f.rollout.regions[0].after, 3);
    assert_false(rollout_has_work(&f.rollout));
    rollout_apply(&f.rollout);
    assert_int_equal(f.told, 0);
    end(&f);
}

static void test_create(void **state)
{
    static const char *const statuses[] = {"Active", "Creating"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        start(&f, "eu-west-1");
        (void)script_expect(&f.script, EU, "GetDocument", 400, GONE);
        rollout_read(&f.rollout);
        rollout_plan(&f.rollout, merge, NULL);
        struct rollout_region *region = &f.rollout.regions[0];
        assert_int_equal(region->change, CHANGE_CREATE);
        assert_int_equal(region->before, 0);
        (void)expect_description(&f, EU, "CreateDocument", 1, statuses[i], "");
        if (i == 1)
            (void)expect_description(&f, EU, "DescribeDocument", 1, "Active", "");
        rollout_apply(&f.rollout);
        assert_true(region->done);
        assert_int_equal(region->after, 1);
        end(&f);
    }
}

static void test_nothing_wanted(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, "eu-west-1,us-east-1");
    (void)script_expect(&f.script, EU, "GetDocument", 400, GONE);
    (void)expect_get(&f, US, 1, "Active", "{}");
    rollout_read(&f.rollout);
    rollout_plan(&f.rollout, refuse, NULL);
    assert_int_equal(f.rollout.regions[0].change, CHANGE_ABSENT);
    assert_int_equal(f.rollout.regions[0].err.code, ERR_NONE);
    assert_string_equal(f.rollout.regions[1].err.message, "not ours");
    assert_false(rollout_has_work(&f.rollout));
    end(&f);
}

static void test_other_type(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, "eu-west-1");
    (void)script_expect(&f.script, EU, "GetDocument", 200,
                        "{\"DocumentVersion\":\"1\",\"Status\":\"Active\",\"DocumentType\":\"Command\","
                        "\"DocumentFormat\":\"JSON\",\"Content\":\"{}\"}");
    rollout_read(&f.rollout);
    assert_non_null(strstr(f.rollout.regions[0].err.message, "'Command'"));
    rollout_plan(&f.rollout, merge, NULL);
    assert_null(f.rollout.regions[0].wanted);
    end(&f);
}

/* Cut off between the two writes: the latest version is what is wanted, as text or as JSON. */
static void test_heal(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, "eu-west-1");
    (void)expect_get(&f, EU, 3, "Active", "{}");
    (void)expect_get(&f, EU, 4, "Updating", "{ \"wanted\": 1 }");
    rollout_read(&f.rollout);
    rollout_plan(&f.rollout, merge, NULL);
    struct rollout_region *region = &f.rollout.regions[0];
    assert_int_equal(region->change, CHANGE_DEFAULT);
    assert_int_equal(region->after, 4);
    (void)expect_description(&f, EU, "DescribeDocument", 4, "Updating", "");
    (void)expect_description(&f, EU, "DescribeDocument", 4, "Active", "");
    (void)expect_default(&f, EU);
    rollout_apply(&f.rollout);
    assert_true(region->done);
    end(&f);
}

/* A latest version that failed can't be the default. */
static void test_latest_failed(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, "eu-west-1");
    (void)expect_get(&f, EU, 3, "Active", "{}");
    (void)expect_get(&f, EU, 4, "Failed", "{\"wanted\":1}");
    rollout_read(&f.rollout);
    rollout_plan(&f.rollout, merge, NULL);
    assert_int_equal(f.rollout.regions[0].change, CHANGE_UPDATE);
    assert_non_null(f.rollout.regions[0].latest_content);
    end(&f);
}

static void test_duplicate(void **state)
{
    struct fixture f;
    (void)state;
    struct rollout_region *region = plan_update(&f);
    (void)expect_error(&f, EU, "UpdateDocument", "DuplicateDocumentContent");
    expect_list(&f, EU, 12, 3);
    for (int version = 12; version > 4; version--)
        (void)expect_get(&f, EU, version, "Active", "{\"other\":1}");
    (void)expect_get(&f, EU, 4, "Failed", "{\"wanted\":1}");
    (void)expect_get(&f, EU, 3, "Active", "{}");
    (void)expect_error(&f, EU, "GetDocument", "InvalidDocumentVersion"); /* deleted meanwhile */
    (void)expect_get(&f, EU, 1, "Active", "{\"wanted\" :1}");
    const struct script_step *set = expect_default(&f, EU);
    rollout_apply(&f.rollout);
    assert_true(region->done);
    assert_int_equal(region->after, 1);
    assert_non_null(strstr(set->request, "\"1\""));
    end(&f);
}

/* Another deploy made it the default meanwhile. */
static void test_duplicate_is_default(void **state)
{
    struct fixture f;
    (void)state;
    struct rollout_region *region = plan_update(&f);
    (void)expect_error(&f, EU, "UpdateDocument", "DuplicateDocumentContent");
    expect_list(&f, EU, 1, 1);
    (void)expect_get(&f, EU, 1, "Active", "{\"wanted\":1}");
    rollout_apply(&f.rollout);
    assert_true(region->done);
    end(&f);
}

static void test_duplicate_of_none(void **state)
{
    struct fixture f;
    (void)state;
    struct rollout_region *region = plan_update(&f);
    (void)expect_error(&f, EU, "UpdateDocument", "DuplicateDocumentContent");
    expect_list(&f, EU, 1, 1);
    (void)expect_get(&f, EU, 1, "Active", "{}");
    rollout_apply(&f.rollout);
    assert_false(region->done);
    assert_non_null(strstr(region->err.message, "run it again"));
    end(&f);
}

static void test_created_by_another(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, "eu-west-1");
    (void)script_expect(&f.script, EU, "GetDocument", 400, GONE);
    rollout_read(&f.rollout);
    rollout_plan(&f.rollout, merge, NULL);
    (void)expect_error(&f, EU, "CreateDocument", "DocumentAlreadyExists");
    expect_list(&f, EU, 1, 1);
    (void)expect_get(&f, EU, 1, "Active", "{\"theirs\":1}");
    rollout_apply(&f.rollout);
    assert_non_null(strstr(f.rollout.regions[0].err.message, "somebody else created"));
    end(&f);
}

static void test_prune(void **state)
{
    struct fixture f;
    (void)state;
    struct rollout_region *region = plan_update(&f);
    const struct script_step *deleted[3];
    (void)expect_error(&f, EU, "UpdateDocument", "DocumentVersionLimitExceeded");
    expect_list(&f, EU, 5, 3);
    for (size_t i = 0; i < 3; i++)
        deleted[i] = script_expect(&f.script, EU, "DeleteDocument", i == 1 ? 400 : 200,
                                   i == 1 ? "{\"__type\":\"InvalidDocumentOperation\"}" : "{}");
    (void)expect_description(&f, EU, "UpdateDocument", 6, "Active", "");
    (void)expect_default(&f, EU);
    rollout_apply(&f.rollout);
    assert_true(region->done);
    assert_non_null(strstr(deleted[0]->request, "\"1\""));
    assert_non_null(strstr(deleted[1]->request, "\"2\""));
    assert_non_null(strstr(deleted[2]->request, "\"4\""));
    end(&f);
}

static void test_prune_in_vain(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        struct fixture f;
        struct rollout_region *region = plan_update(&f);
        (void)expect_error(&f, EU, "UpdateDocument", "DocumentVersionLimitExceeded");
        if (round == 0) {
            expect_list(&f, EU, 1, 1);
        } else {
            expect_list(&f, EU, 3, 3);
            (void)script_expect(&f.script, EU, "DeleteDocument", round == 1 ? 400 : 200,
                                round == 1 ? "{\"__type\":\"AccessDeniedException\",\"Message\":\"no\"}"
                                           : "{}");
            (void)script_expect(&f.script, EU, "DeleteDocument", round == 1 ? 400 : 200,
                                round == 1 ? "{\"__type\":\"AccessDeniedException\",\"Message\":\"no\"}"
                                           : "{}");
            if (round == 2)
                (void)expect_error(&f, EU, "UpdateDocument", "DocumentVersionLimitExceeded");
        }
        rollout_apply(&f.rollout);
        assert_false(region->done);
        assert_int_not_equal(region->err.code, ERR_NONE);
        end(&f);
    }
}

static void test_too_many_updates(void **state)
{
    struct fixture f;
    (void)state;
    struct rollout_region *region = plan_update(&f);
    for (int i = 0; i < 2; i++)
        (void)expect_error(&f, EU, "UpdateDocument", "TooManyUpdates");
    (void)expect_description(&f, EU, "UpdateDocument", 4, "Active", "");
    (void)expect_default(&f, EU);
    rollout_apply(&f.rollout);
    assert_true(region->done);
    assert_int_equal(f.script.fake.slept_ms, 50 + 100);
    end(&f);
}

static void test_too_many_updates_for_ever(void **state)
{
    struct fixture f;
    (void)state;
    struct rollout_region *region = plan_update(&f);
    for (int i = 0; i < 8; i++)
        (void)expect_error(&f, EU, "UpdateDocument", "TooManyUpdates");
    rollout_apply(&f.rollout);
    assert_string_equal(region->err.service_code, "TooManyUpdates");
    end(&f);
}

static void test_version_fails(void **state)
{
    struct fixture f;
    (void)state;
    struct rollout_region *region = plan_update(&f);
    (void)expect_description(&f, EU, "UpdateDocument", 4, "Updating", "");
    (void)expect_description(&f, EU, "DescribeDocument", 4, "Failed",
                             ",\"StatusInformation\":\"the key is gone\"");
    rollout_apply(&f.rollout);
    assert_false(region->done);
    assert_non_null(strstr(region->err.message, "the key is gone"));
    end(&f);
}

static void test_never_active(void **state)
{
    struct fixture f;
    (void)state;
    struct rollout_region *region = plan_update(&f);
    (void)expect_description(&f, EU, "UpdateDocument", 4, "Updating", "");
    for (int i = 0; i < 64; i++)
        (void)expect_description(&f, EU, "DescribeDocument", 4, "Updating", "");
    rollout_apply(&f.rollout);
    assert_int_equal(region->err.code, ERR_TIMEOUT);
    assert_non_null(strstr(region->err.message, "still 'Updating'"));
    for (size_t i = 0; i < f.script.count; i++)
        f.script.steps[i].used = true; /* how often it looked in a minute does not matter */
    end(&f);
}

/* What is denied in one region does not hold the other up; each step is one batch. */
static void test_regions(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, "eu-west-1,us-east-1,eu-west-1");
    assert_int_equal(f.rollout.count, 2);
    const struct script_step *eu = expect_get(&f, EU, 1, "Active", "{}");
    const struct script_step *us = expect_get(&f, US, 7, "Active", "{}");
    (void)expect_get(&f, EU, 1, "Active", "{}");
    (void)expect_get(&f, US, 7, "Active", "{}");
    rollout_read(&f.rollout);
    assert_int_equal(eu->batch, us->batch);
    rollout_plan(&f.rollout, merge, NULL);
    const struct script_step *denied = expect_error(&f, EU, "UpdateDocument", "AccessDeniedException");
    const struct script_step *update = expect_description(&f, US, "UpdateDocument", 8, "Active", "");
    (void)expect_default(&f, US);
    rollout_apply(&f.rollout);
    assert_int_equal(denied->batch, update->batch);
    assert_int_equal(f.rollout.regions[0].err.code, ERR_DENIED);
    assert_true(f.rollout.regions[1].done);
    assert_int_equal(f.told, 2);
    end(&f);
}

static void test_back(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, "eu-west-1,us-east-1");
    (void)expect_get(&f, EU, 3, "Active", "{}");
    (void)expect_get(&f, US, 1, "Active", "{}");
    rollout_read(&f.rollout);
    expect_list(&f, EU, 5, 3);
    expect_list(&f, US, 5, 1);
    const struct script_step *get = expect_get(&f, EU, 2, "Active", "{\"old\":1}");
    rollout_plan_back(&f.rollout);
    struct rollout_region *region = &f.rollout.regions[0];
    assert_non_null(strstr(get->request, "\"2\""));
    assert_int_equal(region->change, CHANGE_DEFAULT);
    assert_int_equal(region->after, 2);
    assert_string_equal(region->wanted, "{\"old\":1}");
    assert_int_equal(f.rollout.regions[1].err.code, ERR_NOT_FOUND);
    (void)expect_description(&f, EU, "DescribeDocument", 2, "Active", "");
    (void)expect_default(&f, EU);
    rollout_apply(&f.rollout);
    assert_true(region->done);
    end(&f);
}

static void test_back_without_document(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, "eu-west-1,us-east-1");
    (void)script_expect(&f.script, EU, "GetDocument", 400, GONE);
    (void)expect_get(&f, US, 2, "Active", "{}");
    rollout_read(&f.rollout);
    (void)expect_error(&f, US, "ListDocumentVersions", "AccessDeniedException");
    rollout_plan_back(&f.rollout);
    assert_int_equal(f.rollout.regions[0].err.code, ERR_NOT_FOUND);
    assert_int_equal(f.rollout.regions[1].err.code, ERR_DENIED);
    end(&f);
}

static void read_back(const char *path, const char *wanted)
{
    char text[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(text, 1, sizeof text - 1, file), strlen(wanted));
    assert_string_equal(text, wanted);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(unlink(path), 0);
}

static void test_backup(void **state)
{
    struct fixture f;
    struct err err = {0};
    char folder[] = "/tmp/rollout-XXXXXX", path[160], latest[160];
    (void)state;
    assert_non_null(mkdtemp(folder));
    start(&f, "eu-west-1,us-east-1");
    (void)expect_get(&f, EU, 3, "Active", "{ }\r\n");
    (void)expect_get(&f, US, 3, "Active", "{\"wanted\":1}");
    (void)expect_get(&f, EU, 5, "Active", "{\"draft\":1}");
    rollout_read(&f.rollout);
    rollout_plan(&f.rollout, merge, NULL);
    f.rollout.document = "arn:a/b";
    (void)snprintf(path, sizeof path, "%s/file", folder);
    assert_true(rollout_back_up(&f.rollout, folder, &err));
    (void)snprintf(path, sizeof path, "%s/123456789012-eu-west-1-arn_a_b-v3-20261122T120000Z.json", folder);
    (void)snprintf(latest, sizeof latest, "%s/123456789012-eu-west-1-arn_a_b-v5-20261122T120000Z.json",
                   folder);
    assert_string_equal(f.rollout.regions[0].backup, path);
    assert_null(f.rollout.regions[1].backup);
    read_back(path, "{ }\r\n");
    read_back(latest, "{\"draft\":1}");
    assert_false(rollout_back_up(&f.rollout, "/dev/null/x", &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.message, "nothing was changed"));
    assert_int_equal(rmdir(folder), 0);
    end(&f);
}

static void test_nobody(void **state)
{
    struct fixture f;
    (void)state;
    start(&f, "eu-west-1");
    free(f.script.account.identity.account);
    f.script.account.identity.account = NULL;
    rollout_read(&f.rollout);
    rollout_plan(&f.rollout, merge, NULL);
    assert_int_equal(f.rollout.regions[0].change, CHANGE_CREATE);
    end(&f);
}

static void test_same_content(void **state)
{
    (void)state;
    assert_true(rollout_same_content("no json", "no json"));
    assert_false(rollout_same_content("no json", "nor this"));
    assert_true(rollout_same_content("{\"a\":1,\"b\":\"\\u0041\"}", "{\"b\":\"A\", \"a\":1}"));
    assert_false(rollout_same_content("{\"a\":1}", "{\"a\":2}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_up_to_date),
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_nothing_wanted),
        cmocka_unit_test(test_other_type),
        cmocka_unit_test(test_heal),
        cmocka_unit_test(test_latest_failed),
        cmocka_unit_test(test_duplicate),
        cmocka_unit_test(test_duplicate_is_default),
        cmocka_unit_test(test_duplicate_of_none),
        cmocka_unit_test(test_created_by_another),
        cmocka_unit_test(test_prune),
        cmocka_unit_test(test_prune_in_vain),
        cmocka_unit_test(test_too_many_updates),
        cmocka_unit_test(test_too_many_updates_for_ever),
        cmocka_unit_test(test_version_fails),
        cmocka_unit_test(test_never_active),
        cmocka_unit_test(test_regions),
        cmocka_unit_test(test_back),
        cmocka_unit_test(test_back_without_document),
        cmocka_unit_test(test_backup),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_same_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
