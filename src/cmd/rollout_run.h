/*
 * rollout_run.h - what deploy, undeploy and rollback have in common: show the plan, ask once, back up, act,
 * tell how it ended.
 */
#ifndef CMD_ROLLOUT_RUN_H
#define CMD_ROLLOUT_RUN_H

#include "cmd/command.h"
#include "rollout/account.h"
#include "rollout/policy_rollout.h"
#include "rollout/publish.h"
#include "rollout/rollout.h"

/* Starts with its command alone, released by rollout_run_end. */
struct rollout_run {
    const struct command *command;
    struct account account;
    bool nobody; /* a dry run without credentials: for an account that has nothing yet */
    bool has_documents, has_policy, has_publish;
    struct rollout documents;
    struct policy_rollout policy;
    struct publish publish;
    bool applied;   /* the plan was carried out, as far as that went */
    struct err err; /* what stopped it all */
};

/* Regions, credentials and account; makes the documents' clients. */
bool rollout_run_open(struct rollout_run *run);

/* Shows the plan and, unless it is a dry run or nothing is to be done, asks, backs up and carries it out:
 * objects, policy, documents; or, to remove, documents, then the policy. */
void rollout_run_carry_out(struct rollout_run *run);

/* Tells how it ended, releases everything and returns the exit status. */
int rollout_run_end(struct rollout_run *run);

/* ---- how things ended, in words ---- */

struct rollout_words {
    const char *text; /* "updated" */
    const char *json; /* "updated" */
};

struct rollout_words rollout_run_outcome(const struct rollout_run *run, enum rollout_change change, bool done,
                                         const struct err *err);

/* Does the policy or the documents' part of the run count? */
bool rollout_run_failed(const struct rollout_run *run);

/* Appends the plan (diffs), the table of the end, the JSON object of the end. */
void rollout_text_plan(const struct rollout_run *run, bool color, struct buf *out, struct err *err);
void rollout_text_end(const struct rollout_run *run, struct buf *out);
void rollout_json(const struct rollout_run *run, int exit_code, struct buf *out);

#endif
