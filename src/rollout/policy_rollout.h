/*
 * policy_rollout.h - the managed policy of the instance roles: planned, then made, brought up to date,
 * attached, or removed. Once an account.
 */
#ifndef ROLLOUT_POLICY_ROLLOUT_H
#define ROLLOUT_POLICY_ROLLOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/iam.h"
#include "aws/names.h"
#include "base/buf.h"
#include "rollout/account.h"
#include "rollout/rollout.h"

/* A role that the policy is to be attached to or taken from. */
struct policy_role {
    const char *name; /* borrowed */
    bool attached;    /* as it was found */
    bool done;
    struct err err;
};

/* Starts as {0}, released by policy_rollout_close. */
struct policy_rollout {
    struct account *account; /* borrowed */
    const char *name;        /* borrowed */
    struct aws_client iam;
    char arn[IAM_ARN_MAX + 1];
    /* as it was found */
    struct iam_policy found; /* arn "": there is none */
    struct buf document;     /* of its default version */
    struct names attached;   /* to these roles */
    /* the plan */
    enum rollout_change change;
    struct buf wanted;
    struct policy_role *roles;
    size_t role_count;
    /* the outcome: of the policy itself; the roles have their own */
    char after[IAM_VERSION_MAX + 1]; /* the default version */
    bool done;
    struct err err;
};

/* Reads the policy and where it is attached, and plans: to have it as deploy/policy.json says, attached to
 * `roles` (borrowed names). `err` of the rollout tells of what can't be read. Of an account that was not
 * opened nothing is read: the plan is that for one that has nothing yet. */
bool policy_plan(struct policy_rollout *policy, struct account *account, const char *name,
                 const char *const *roles, size_t role_count);

/* Plans to take it from all roles and to delete it with all its versions. */
bool policy_plan_removal(struct policy_rollout *policy, struct account *account, const char *name);

bool policy_has_work(const struct policy_rollout *policy);

/* Carries the plan out. A role that fails does not stop the others; true if nothing failed. */
bool policy_apply(struct policy_rollout *policy);

bool policy_failed(const struct policy_rollout *policy);

void policy_rollout_close(struct policy_rollout *policy);

#endif
