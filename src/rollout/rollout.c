#include "rollout/rollout.h"

#include <stdlib.h>
#include <string.h>

#include "format/json_read.h"
#include "format/timestamp.h"
#include "platform/platform.h"

bool rollout_open(struct rollout *rollout, struct account *account, const char *document, struct err *err)
{
    size_t count = account->regions.count;
    *rollout = (struct rollout){.account = account, .document = document};
    rollout->regions = calloc(count ? count : 1, sizeof *rollout->regions);
    if (!rollout->regions)
        return err_nomem(err);
    for (; rollout->count < count; rollout->count++) {
        struct rollout_region *region = &rollout->regions[rollout->count];
        region->name = account->regions.items[rollout->count];
        if (!account_client(account, "ssm", region->name, &region->ssm, err))
            return false;
    }
    return true;
}

void rollout_close(struct rollout *rollout)
{
    if (!rollout)
        return;
    for (size_t i = 0; i < rollout->count; i++) {
        struct rollout_region *region = &rollout->regions[i];
        free(region->content);
        free(region->latest_content);
        free(region->wanted);
        free(region->backup);
    }
    free(rollout->regions);
    *rollout = (struct rollout){0};
}

bool rollout_has_work(const struct rollout *rollout)
{
    for (size_t i = 0; i < rollout->count; i++) {
        const struct rollout_region *region = &rollout->regions[i];
        if (region->err.code == ERR_NONE && region->change != CHANGE_NONE && region->change != CHANGE_ABSENT)
            return true;
    }
    return false;
}

bool rollout_same_content(const char *a, const char *b)
{
    struct json json_a = {0}, json_b = {0};
    struct err err;
    if (strcmp(a, b) == 0)
        return true;
    bool same = json_parse(&json_a, a, strlen(a), &err) && json_parse(&json_b, b, strlen(b), &err) &&
                json_same(&json_a, 0, &json_b, 0);
    json_free(&json_a);
    json_free(&json_b);
    return same;
}

/* ---- reading ---- */

/* What is done with one reply. */
typedef void receive(struct rollout_region *region, struct ssm_document_call *call);

static int64_t default_version(const struct rollout_region *region)
{
    (void)region;
    return SSM_VERSION_NONE; /* a call that names none gets the default one */
}

static int64_t latest_version(const struct rollout_region *region)
{
    (void)region;
    return SSM_VERSION_LATEST;
}

static int64_t planned_version(const struct rollout_region *region)
{
    return region->after;
}

/* GetDocument in each region that `wanted` picks, in one batch. */
static void get_all(struct rollout *rollout, int64_t (*version)(const struct rollout_region *),
                    bool (*wanted)(const struct rollout_region *), receive *take)
{
    struct ssm_document_call *calls = calloc(rollout->count + 1, sizeof *calls);
    size_t count = 0, at = 0;
    for (size_t i = 0; i < rollout->count; i++) {
        struct rollout_region *region = &rollout->regions[i];
        if (region->err.code != ERR_NONE || !wanted(region))
            continue;
        if (!calls)
            err_nomem(&region->err);
        else
            calls[count++] = (struct ssm_document_call){.op = SSM_DOCUMENT_GET,
                                                        .client = &region->ssm,
                                                        .name = rollout->document,
                                                        .version = version(region)};
    }
    account_begin(rollout->account);
    if (count)
        (void)ssm_document_call_all(calls, count);
    for (size_t i = 0; i < rollout->count && at < count; i++) {
        if (calls[at].client != &rollout->regions[i].ssm)
            continue;
        take(&rollout->regions[i], &calls[at]);
        ssm_document_call_free(&calls[at]);
        at++;
    }
    free(calls);
}

/* Takes the content out of a reply. */
static char *take_content(struct ssm_document_call *call)
{
    char *content = call->document.content;
    call->document.content = NULL;
    return content;
}

static bool any(const struct rollout_region *region)
{
    (void)region;
    return true;
}

static void take_default(struct rollout_region *region, struct ssm_document_call *call)
{
    if (call->err.code == ERR_NOT_FOUND)
        return;
    region->err = call->err;
    if (call->err.code != ERR_NONE)
        return;
    if (strcmp(call->document.type, "Session") != 0) {
        err_set(&region->err, ERR_MALFORMED, "the document is of type '%s', not 'Session': left alone",
                call->document.type);
        return;
    }
    region->before = call->document.version;
    region->content = take_content(call);
}

void rollout_read(struct rollout *rollout)
{
    if (!rollout->account->identity.account)
        return;
    get_all(rollout, default_version, any, take_default);
}

/* ---- planning ---- */

static bool is_update(const struct rollout_region *region)
{
    return region->change == CHANGE_UPDATE;
}

/* A deploy that was cut off between its two writes left the wanted content as the latest version. */
static void take_latest(struct rollout_region *region, struct ssm_document_call *call)
{
    region->err = call->err;
    if (call->err.code != ERR_NONE)
        return;
    region->latest = call->document.version;
    if (region->latest == region->before)
        return;
    region->latest_content = take_content(call);
    if (strcmp(call->document.status, "Failed") != 0 &&
        rollout_same_content(region->latest_content, region->wanted)) {
        region->change = CHANGE_DEFAULT;
        region->after = region->latest;
    }
}

static void plan_region(struct rollout_region *region, rollout_merge *merge, void *ctx)
{
    struct buf wanted = {0};
    err_clear(&region->err);
    if (!merge(ctx, region, region->content, &wanted, &region->mentioned, &region->err)) {
        region->change = CHANGE_ABSENT;
        buf_free(&wanted);
        return;
    }
    region->wanted = buf_take(&wanted);
    if (!region->wanted) {
        err_nomem(&region->err);
        return;
    }
    if (!region->content)
        region->change = CHANGE_CREATE;
    else
        region->change = strcmp(region->content, region->wanted) == 0 ? CHANGE_NONE : CHANGE_UPDATE;
    if (region->change == CHANGE_NONE)
        region->after = region->before;
}

void rollout_plan(struct rollout *rollout, rollout_merge *merge, void *ctx)
{
    for (size_t i = 0; i < rollout->count; i++)
        if (rollout->regions[i].err.code == ERR_NONE)
            plan_region(&rollout->regions[i], merge, ctx);
    get_all(rollout, latest_version, is_update, take_latest);
}

/* ---- planning to go back ---- */

static bool is_back(const struct rollout_region *region)
{
    return region->change == CHANGE_DEFAULT;
}

static void take_previous(struct rollout_region *region, struct ssm_document_call *call)
{
    region->err = call->err;
    if (call->err.code == ERR_NONE)
        region->wanted = take_content(call);
}

/* The newest active version that is older than the default one. */
static void pick_previous(struct rollout_region *region, const struct ssm_document_call *list)
{
    region->err = list->err;
    if (list->err.code != ERR_NONE)
        return;
    for (size_t i = 0; i < list->version_count && !region->after; i++)
        if (list->versions[i].version < region->before &&
            (!list->versions[i].status[0] || strcmp(list->versions[i].status, "Active") == 0))
            region->after = list->versions[i].version;
    if (region->after)
        region->change = CHANGE_DEFAULT;
    else
        err_set(&region->err, ERR_NOT_FOUND, "there is no version before the default one (version %lld)",
                (long long)region->before);
}

void rollout_plan_back(struct rollout *rollout)
{
    struct ssm_document_call *lists = calloc(rollout->count + 1, sizeof *lists);
    size_t count = 0, at = 0;
    for (size_t i = 0; i < rollout->count; i++) {
        struct rollout_region *region = &rollout->regions[i];
        if (region->err.code != ERR_NONE)
            continue;
        if (!region->before)
            err_set(&region->err, ERR_NOT_FOUND, "there is no document '%s'", rollout->document);
        else if (!lists)
            err_nomem(&region->err);
        else
            lists[count++] = (struct ssm_document_call){
                .op = SSM_DOCUMENT_LIST_VERSIONS, .client = &region->ssm, .name = rollout->document};
    }
    account_begin(rollout->account);
    if (count)
        (void)ssm_document_call_all(lists, count);
    for (size_t i = 0; i < rollout->count && at < count; i++) {
        if (lists[at].client != &rollout->regions[i].ssm)
            continue;
        pick_previous(&rollout->regions[i], &lists[at]);
        ssm_document_call_free(&lists[at]);
        at++;
    }
    free(lists);
    get_all(rollout, planned_version, is_back, take_previous);
}

/* ---- backup ---- */

/* A name that is one path component everywhere. */
static void add_component(struct buf *out, const char *text)
{
    for (; *text; text++) {
        bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                     (*text >= '0' && *text <= '9') || *text == '-' || *text == '_' || *text == '.';
        buf_add(out, plain ? text : "_", 1);
    }
}

static bool save(const struct rollout *rollout, const struct rollout_region *region, const char *folder,
                 int64_t version, const char *content, char **path, struct err *err)
{
    struct buf name = {0};
    char time[TIMESTAMP_MAX];
    timestamp_amz(clock_wall_ms(rollout->account->io.clock), time);
    buf_addf(&name, "%s/%s-%s-", folder, rollout->account->identity.account, region->name);
    add_component(&name, rollout->document);
    buf_addf(&name, "-v%lld-%s.json", (long long)version, time);
    bool ok =
        buf_ok(&name, "a file name", err) && platform_write_file(name.data, content, strlen(content), err);
    if (ok && path)
        *path = buf_take(&name);
    buf_free(&name);
    return ok;
}

bool rollout_back_up(struct rollout *rollout, const char *folder, struct err *err)
{
    bool made = false;
    for (size_t i = 0; i < rollout->count; i++) {
        struct rollout_region *region = &rollout->regions[i];
        bool changes = region->change == CHANGE_UPDATE || region->change == CHANGE_DEFAULT;
        if (region->err.code != ERR_NONE || !changes || !region->content)
            continue;
        made = made || platform_make_directory(folder, err);
        if (!made || !save(rollout, region, folder, region->before, region->content, &region->backup, err) ||
            (region->latest_content &&
             !save(rollout, region, folder, region->latest, region->latest_content, NULL, err)))
            return err_prefix(err, "no backup of '%s' in %s, so nothing was changed", rollout->document,
                              region->name);
    }
    return true;
}
