/*
 * apply.c - carries the plans out. Each region is a small machine of steps; in each round the regions' next
 * calls go out together.
 */
#include <stdlib.h>
#include <string.h>

#include "rollout/rollout.h"

enum {
    CALLS_MAX = 8,
    PRUNE_MAX = 8,
    TRIES_MAX = 8,
    WAIT_MS = 60 * 1000,
    PAUSE_FIRST_MS = 50,
    PAUSE_MAX_MS = 1000
};

enum step {
    STEP_CREATE,
    STEP_UPDATE,
    STEP_LIST_TO_FIND, /* the content is in some version */
    STEP_FIND,
    STEP_LIST_TO_PRUNE, /* there are too many versions */
    STEP_PRUNE,
    STEP_WAIT, /* until the new version is active */
    STEP_SET_DEFAULT,
    STEP_END
};

/* What a region is at. */
struct region_work {
    enum step step;
    struct ssm_document_call calls[CALLS_MAX];
    size_t call_count;
    struct ssm_document_version *versions; /* newest first */
    size_t version_count;
    size_t next_version; /* to look into */
    bool created;
    int busy; /* refusals because of another update */
    bool pruned;
    int64_t pause_ms; /* the last one */
    int64_t ready_ms; /* not before, on the monotonic clock */
    int64_t wait_until_ms;
};

/* ---- steps ---- */

static void fail(struct rollout_region *region, const struct err *err)
{
    region->err = *err;
    region->work->step = STEP_END;
}

static void pause_step(const struct rollout *rollout, struct region_work *work)
{
    work->pause_ms = work->pause_ms ? work->pause_ms * 2 : PAUSE_FIRST_MS;
    if (work->pause_ms > PAUSE_MAX_MS)
        work->pause_ms = PAUSE_MAX_MS;
    work->ready_ms = clock_mono_ms(rollout->account->io.clock) + work->pause_ms;
}

static void finish(struct rollout_region *region)
{
    region->done = true;
    region->work->step = STEP_END;
}

/* The version is there: it has to be active before it can be the default. */
static void await(const struct rollout *rollout, struct rollout_region *region, int64_t version,
                  const char *status)
{
    struct region_work *work = region->work;
    region->after = version;
    work->pause_ms = 0;
    work->wait_until_ms = clock_mono_ms(rollout->account->io.clock) + WAIT_MS;
    if (strcmp(status, "Active") != 0)
        work->step = STEP_WAIT;
    else if (work->created)
        finish(region);
    else
        work->step = STEP_SET_DEFAULT;
}

static void after_create(const struct rollout *rollout, struct rollout_region *region,
                         const struct ssm_document_call *call)
{
    if (call->err.code == ERR_NONE) {
        region->work->created = true;
        await(rollout, region, call->document.version ? call->document.version : 1, call->document.status);
    } else if (strcmp(call->err.service_code, "DocumentAlreadyExists") == 0) {
        region->work->step = STEP_LIST_TO_FIND; /* by another deploy, or by a call whose reply was lost */
    } else {
        fail(region, &call->err);
    }
}

static void after_update(const struct rollout *rollout, struct rollout_region *region,
                         const struct ssm_document_call *call)
{
    struct region_work *work = region->work;
    const char *code = call->err.service_code;
    if (call->err.code == ERR_NONE) {
        await(rollout, region, call->document.version, call->document.status);
    } else if (strcmp(code, "DuplicateDocumentContent") == 0) {
        work->step = STEP_LIST_TO_FIND;
    } else if (strcmp(code, "DocumentVersionLimitExceeded") == 0 && !work->pruned) {
        work->step = STEP_LIST_TO_PRUNE;
    } else if (strcmp(code, "TooManyUpdates") == 0 && ++work->busy < TRIES_MAX) {
        pause_step(rollout, work);
    } else {
        fail(region, &call->err);
    }
}

static void after_list(struct rollout_region *region, struct ssm_document_call *call)
{
    struct region_work *work = region->work;
    if (call->err.code != ERR_NONE) {
        fail(region, &call->err);
        return;
    }
    free(work->versions);
    work->versions = call->versions;
    work->version_count = call->version_count;
    work->next_version = 0;
    call->versions = NULL;
    call->version_count = 0;
    work->step = work->step == STEP_LIST_TO_FIND ? STEP_FIND : STEP_PRUNE;
}

static void after_find(const struct rollout *rollout, struct rollout_region *region)
{
    struct region_work *work = region->work;
    for (size_t i = 0; i < work->call_count; i++) {
        const struct ssm_document_call *call = &work->calls[i];
        const struct ssm_document_version *version = &work->versions[work->next_version + i];
        if (call->err.code != ERR_NONE && strcmp(call->err.service_code, "InvalidDocumentVersion") != 0) {
            fail(region, &call->err);
            return;
        }
        if (call->err.code != ERR_NONE || strcmp(call->document.status, "Failed") == 0 ||
            !rollout_same_content(call->document.content, region->wanted))
            continue;
        region->after = version->version;
        if (version->is_default && strcmp(call->document.status, "Active") == 0)
            finish(region);
        else
            await(rollout, region, version->version, call->document.status);
        return;
    }
    work->next_version += work->call_count;
    if (work->next_version < work->version_count)
        return;
    struct err err;
    err_set(&err, ERR_SERVICE,
            region->change == CHANGE_CREATE
                ? "somebody else created the document meanwhile: run it again"
                : "the service says that a version has this content already, and none has: run it again");
    fail(region, &err);
}

static void after_prune(struct rollout_region *region)
{
    struct region_work *work = region->work;
    size_t deleted = 0;
    for (size_t i = 0; i < work->call_count; i++)
        deleted += work->calls[i].err.code == ERR_NONE ? 1 : 0;
    work->pruned = true;
    work->step = STEP_UPDATE;
    if (!deleted)
        fail(region, &work->calls[0].err);
}

static void after_wait(const struct rollout *rollout, struct rollout_region *region,
                       const struct ssm_document_call *call)
{
    struct region_work *work = region->work;
    struct err err = call->err;
    if (err.code == ERR_NONE && strcmp(call->document.status, "Failed") == 0)
        err_set(&err, ERR_SERVICE, "version %lld of the document failed: %s", (long long)region->after,
                call->document.reason[0] ? call->document.reason : "the service says no more");
    else if (err.code == ERR_NONE && strcmp(call->document.status, "Active") != 0 &&
             clock_mono_ms(rollout->account->io.clock) >= work->wait_until_ms)
        err_set(&err, ERR_TIMEOUT,
                "version %lld of the document is still '%s' after %d s: run it again later",
                (long long)region->after, call->document.status, WAIT_MS / 1000);
    if (err.code != ERR_NONE)
        fail(region, &err);
    else if (strcmp(call->document.status, "Active") != 0)
        pause_step(rollout, work);
    else if (work->created)
        finish(region);
    else
        work->step = STEP_SET_DEFAULT;
}

/* ---- the calls of a step ---- */

static void add_call(const struct rollout *rollout, struct rollout_region *region, enum ssm_document_op op,
                     int64_t version)
{
    struct region_work *work = region->work;
    work->calls[work->call_count++] = (struct ssm_document_call){.op = op,
                                                                 .client = &region->ssm,
                                                                 .name = rollout->document,
                                                                 .content = region->wanted,
                                                                 .version = version};
}

static void prepare_find(const struct rollout *rollout, struct rollout_region *region)
{
    const struct region_work *work = region->work;
    for (size_t i = work->next_version; i < work->version_count && work->call_count < CALLS_MAX; i++)
        add_call(rollout, region, SSM_DOCUMENT_GET, work->versions[i].version);
}

/* The oldest that are neither default nor latest. */
static void prepare_prune(const struct rollout *rollout, struct rollout_region *region)
{
    const struct region_work *work = region->work;
    for (size_t i = work->version_count; i-- > 1 && work->call_count < PRUNE_MAX;)
        if (!work->versions[i].is_default)
            add_call(rollout, region, SSM_DOCUMENT_DELETE, work->versions[i].version);
}

static void prepare(const struct rollout *rollout, struct rollout_region *region)
{
    struct region_work *work = region->work;
    work->call_count = 0;
    switch (work->step) {
    case STEP_CREATE:
        add_call(rollout, region, SSM_DOCUMENT_CREATE, SSM_VERSION_NONE);
        break;
    case STEP_UPDATE:
        add_call(rollout, region, SSM_DOCUMENT_UPDATE, SSM_VERSION_LATEST);
        break;
    case STEP_LIST_TO_FIND:
    case STEP_LIST_TO_PRUNE:
        add_call(rollout, region, SSM_DOCUMENT_LIST_VERSIONS, SSM_VERSION_NONE);
        break;
    case STEP_FIND:
        prepare_find(rollout, region);
        break;
    case STEP_PRUNE:
        prepare_prune(rollout, region);
        break;
    case STEP_WAIT:
        add_call(rollout, region, SSM_DOCUMENT_DESCRIBE, region->after);
        break;
    case STEP_SET_DEFAULT:
        add_call(rollout, region, SSM_DOCUMENT_SET_DEFAULT, region->after);
        break;
    case STEP_END:
        break;
    }
    if (work->call_count == 0 && work->step != STEP_END) {
        struct err err;
        err_set(&err, ERR_SERVICE,
                "the document has too many versions, and none but the default and the latest can be deleted");
        fail(region, &err);
    }
}

static void receive(const struct rollout *rollout, struct rollout_region *region)
{
    struct region_work *work = region->work;
    struct ssm_document_call *call = &work->calls[0];
    switch (work->step) {
    case STEP_CREATE:
        after_create(rollout, region, call);
        break;
    case STEP_UPDATE:
        after_update(rollout, region, call);
        break;
    case STEP_LIST_TO_FIND:
    case STEP_LIST_TO_PRUNE:
        after_list(region, call);
        break;
    case STEP_FIND:
        after_find(rollout, region);
        break;
    case STEP_PRUNE:
        after_prune(region);
        break;
    case STEP_WAIT:
        after_wait(rollout, region, call);
        break;
    case STEP_SET_DEFAULT:
        if (call->err.code == ERR_NONE)
            finish(region);
        else
            fail(region, &call->err);
        break;
    case STEP_END:
        break;
    }
    for (size_t i = 0; i < work->call_count; i++)
        ssm_document_call_free(&work->calls[i]);
    if (work->step == STEP_END && rollout->progress)
        rollout->progress(rollout->progress_ctx, region);
}

/* ---- rounds ---- */

/* Moves the calls of all regions that are ready into one array, sends them, and moves them back. */
static bool send_round(struct rollout *rollout, const bool *takes_part, size_t total)
{
    struct ssm_document_call *all = calloc(total, sizeof *all);
    size_t at = 0;
    if (!all)
        return false;
    for (size_t i = 0; i < rollout->count; i++)
        for (size_t k = 0; takes_part[i] && k < rollout->regions[i].work->call_count; k++)
            all[at++] = rollout->regions[i].work->calls[k];
    account_begin(rollout->account);
    (void)ssm_document_call_all(all, total);
    at = 0;
    for (size_t i = 0; i < rollout->count; i++)
        for (size_t k = 0; takes_part[i] && k < rollout->regions[i].work->call_count; k++)
            rollout->regions[i].work->calls[k] = all[at++];
    free(all);
    return true;
}

/* One round; false where nothing is left to be done. */
static bool round_of(struct rollout *rollout, bool *takes_part)
{
    size_t total = 0;
    int64_t now_ms = clock_mono_ms(rollout->account->io.clock), next_ms = INT64_MAX;
    for (size_t i = 0; i < rollout->count; i++) {
        struct rollout_region *region = &rollout->regions[i];
        takes_part[i] = false;
        if (!region->work || region->work->step == STEP_END)
            continue;
        if (region->work->ready_ms > now_ms) {
            next_ms = region->work->ready_ms < next_ms ? region->work->ready_ms : next_ms;
            continue;
        }
        prepare(rollout, region);
        takes_part[i] = true;
        total += region->work->call_count;
    }
    if (total == 0) {
        if (next_ms != INT64_MAX)
            clock_sleep_ms(rollout->account->io.clock, next_ms - now_ms);
        return next_ms != INT64_MAX;
    }
    bool sent = send_round(rollout, takes_part, total);
    for (size_t i = 0; i < rollout->count; i++) {
        if (!takes_part[i])
            continue;
        if (sent) {
            receive(rollout, &rollout->regions[i]);
        } else {
            err_nomem(&rollout->regions[i].err);
            rollout->regions[i].work->step = STEP_END;
        }
    }
    return true;
}

static void start(const struct rollout *rollout, struct rollout_region *region, struct region_work *work)
{
    switch (region->change) {
    case CHANGE_CREATE:
        work->step = STEP_CREATE;
        break;
    case CHANGE_UPDATE:
        work->step = STEP_UPDATE;
        break;
    case CHANGE_DEFAULT:
        work->step = STEP_WAIT;
        work->wait_until_ms = clock_mono_ms(rollout->account->io.clock) + WAIT_MS;
        break;
    default:
        return;
    }
    if (region->err.code == ERR_NONE)
        region->work = work;
}

void rollout_apply(struct rollout *rollout)
{
    size_t count = rollout->count ? rollout->count : 1;
    bool *takes_part = calloc(count, sizeof *takes_part);
    struct region_work *works = calloc(count, sizeof *works);
    bool ok = takes_part && works;
    for (size_t i = 0; i < rollout->count; i++) {
        if (ok)
            start(rollout, &rollout->regions[i], &works[i]);
        else
            err_nomem(&rollout->regions[i].err);
    }
    while (ok && round_of(rollout, takes_part))
        continue;
    for (size_t i = 0; ok && i < rollout->count; i++) {
        free(works[i].versions);
        rollout->regions[i].work = NULL;
    }
    free(works);
    free(takes_part);
}
