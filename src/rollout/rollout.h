/*
 * rollout.h - the preferences of many regions, changed side by side: read, plan, back up, apply.
 *
 * All regions take each step together, in one batch of calls: thirty regions take as long as the slowest.
 * What fails in one region is kept there, and the others go on.
 */
#ifndef ROLLOUT_ROLLOUT_H
#define ROLLOUT_ROLLOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/ssm_document.h"
#include "base/err.h"
#include "rollout/account.h"

/* What has to be done to a thing. */
enum rollout_change {
    CHANGE_NONE,   /* it is as it should be */
    CHANGE_ABSENT, /* it is not there, and needs not be */
    CHANGE_CREATE,
    CHANGE_UPDATE,  /* a new version, made the default */
    CHANGE_DEFAULT, /* another version that is there made the default */
    CHANGE_REMOVE
};

/* The document of one region. */
struct rollout_region {
    const char *name; /* borrowed from the account */
    struct aws_client ssm;
    /* as it was found */
    int64_t before; /* the default version's number; 0: no document */
    char *content;  /* of it */
    int64_t latest;
    char *latest_content; /* NULL: not asked for, or the default version is the latest */
    /* the plan */
    enum rollout_change change;
    char *wanted;   /* content that the default version has to have; NULL: nothing to do */
    int64_t after;  /* the version that is to be the default; 0: not made yet */
    bool mentioned; /* a profile names ssm-enforce in a command that is left alone */
    /* the outcome */
    char *backup; /* the file that has what was there; NULL: none was needed */
    bool done;
    struct err err;
    struct region_work *work; /* while applying */
};

struct rollout {
    struct account *account; /* borrowed */
    const char *document;    /* its name, borrowed */
    struct rollout_region *regions;
    size_t count;
    /* Told of each region that is done or has failed while applying; may be NULL. */
    void (*progress)(void *ctx, const struct rollout_region *region);
    void *progress_ctx;
};

/* Makes a client for each region of the account. Released by rollout_close in any case. */
bool rollout_open(struct rollout *rollout, struct account *account, const char *document, struct err *err);
void rollout_close(struct rollout *rollout);

/* Reads the default version of each region's document. None is no failure: before is 0. Of an account that
 * was not opened nothing is read. */
void rollout_read(struct rollout *rollout);

/*
 * Says what a region's document has to be like: appends it to `out`. `base` is what is there, NULL where
 * there is no document. False with ERR_NONE: nothing has to be there.
 */
typedef bool rollout_merge(void *ctx, const struct rollout_region *region, const char *base, struct buf *out,
                           bool *mentioned, struct err *err);

/* Plans each region by `merge`; where something has to change, reads the latest version too, which may have
 * that very content already. */
void rollout_plan(struct rollout *rollout, rollout_merge *merge, void *ctx);

/* Plans to make the version before each default one the default. */
void rollout_plan_back(struct rollout *rollout);

/* Does something remain to be done in any region? */
bool rollout_has_work(const struct rollout *rollout);

/*
 * Saves what is there in each region that is to be changed, flushed to disk:
 * FOLDER/ACCOUNT-REGION-DOCUMENT-vN-TIME.json, byte by byte as it came. Where that fails for any, nothing may
 * be changed anywhere. ERR_IO.
 */
bool rollout_back_up(struct rollout *rollout, const char *folder, struct err *err);

/* Carries the plan out. Each region's `done` or `err` tells its outcome. */
void rollout_apply(struct rollout *rollout);

/* True if both are equal as JSON, or byte by byte. */
bool rollout_same_content(const char *a, const char *b);

#endif
