#include "rollout/policy_rollout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy.h"

static const char DESCRIPTION[] =
    "Lets instances list and terminate their Session Manager sessions (ssm-enforce)";

/* ---- planning ---- */

static bool has(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

/* What is there: nothing, or the policy with its document and its roles. */
static bool read_policy(struct policy_rollout *policy)
{
    struct err *err = &policy->err;
    if (!policy->account->identity.account)
        return true;
    account_begin(policy->account);
    if (!iam_get_policy(&policy->iam, policy->arn, &policy->found, err)) {
        if (err->code != ERR_NOT_FOUND)
            return false;
        policy->found = (struct iam_policy){0};
        err_clear(err);
        return true;
    }
    (void)snprintf(policy->after, sizeof policy->after, "%s", policy->found.default_version);
    account_begin(policy->account);
    return iam_get_policy_version(&policy->iam, policy->arn, policy->found.default_version, &policy->document,
                                  err);
}

static bool read_roles(struct policy_rollout *policy)
{
    if (!policy->found.arn[0])
        return true;
    account_begin(policy->account);
    return iam_list_policy_roles(&policy->iam, policy->arn, &policy->attached, &policy->err);
}

static bool open_policy(struct policy_rollout *policy, struct account *account, const char *name)
{
    const char *id = account->identity.account;
    *policy = (struct policy_rollout){.account = account, .name = name};
    int len = snprintf(policy->arn, sizeof policy->arn, "arn:%s:iam::%s:policy/%s", account->partition,
                       id ? id : "ACCOUNT", name);
    if (len < 0 || (size_t)len >= sizeof policy->arn)
        return err_set(&policy->err, ERR_USAGE, "--policy-name is too long");
    return account_client(account, "iam", NULL, &policy->iam, &policy->err);
}

static bool make_roles(struct policy_rollout *policy, const char *const *names, size_t count)
{
    policy->roles = calloc(count + 1, sizeof *policy->roles);
    if (!policy->roles)
        return err_nomem(&policy->err);
    for (size_t i = 0; i < count; i++)
        policy->roles[policy->role_count++] =
            (struct policy_role){.name = names[i], .attached = has(&policy->attached, names[i])};
    return true;
}

bool policy_plan(struct policy_rollout *policy, struct account *account, const char *name,
                 const char *const *roles, size_t role_count)
{
    if (!open_policy(policy, account, name) || !read_policy(policy) ||
        !policy_make(account->partition, account->identity.account, &policy->wanted, &policy->err) ||
        (role_count && !read_roles(policy)))
        return false;
    if (!policy->found.arn[0])
        policy->change = CHANGE_CREATE;
    else if (!policy_same(buf_text(&policy->document), policy->document.len, policy->wanted.data,
                          policy->wanted.len))
        policy->change = CHANGE_UPDATE;
    return make_roles(policy, roles, role_count);
}

bool policy_plan_removal(struct policy_rollout *policy, struct account *account, const char *name)
{
    if (!open_policy(policy, account, name) || !read_policy(policy) || !read_roles(policy))
        return false;
    policy->change = policy->found.arn[0] ? CHANGE_REMOVE : CHANGE_ABSENT;
    return make_roles(policy, (const char *const *)policy->attached.items, policy->attached.count);
}

bool policy_has_work(const struct policy_rollout *policy)
{
    bool work = policy->change != CHANGE_NONE && policy->change != CHANGE_ABSENT;
    for (size_t i = 0; i < policy->role_count; i++)
        work = work || !policy->roles[i].attached;
    return work && policy->err.code == ERR_NONE;
}

bool policy_failed(const struct policy_rollout *policy)
{
    bool failed = policy->err.code != ERR_NONE;
    for (size_t i = 0; i < policy->role_count; i++)
        failed = failed || policy->roles[i].err.code != ERR_NONE;
    return failed;
}

/* ---- applying ---- */

/* Deletes the oldest version that is not the default, where there is no room for another. */
static bool make_room(struct policy_rollout *policy)
{
    struct iam_policy_versions versions = {0};
    account_begin(policy->account);
    bool ok = iam_list_policy_versions(&policy->iam, policy->arn, &versions, &policy->err);
    bool full = ok && versions.count >= IAM_POLICY_VERSIONS_MAX;
    for (size_t i = 0; full && i < versions.count; i++) {
        if (versions.items[i].is_default)
            continue;
        account_begin(policy->account);
        ok = iam_delete_policy_version(&policy->iam, policy->arn, versions.items[i].id, &policy->err);
        full = false;
    }
    iam_policy_versions_free(&versions);
    return ok;
}

static bool update(struct policy_rollout *policy)
{
    struct iam_policy_version version;
    if (!make_room(policy))
        return false;
    account_begin(policy->account);
    if (!iam_create_policy_version(&policy->iam, policy->arn, policy->wanted.data, &version, &policy->err))
        return false;
    (void)snprintf(policy->after, sizeof policy->after, "%s", version.id);
    return true;
}

static bool create(struct policy_rollout *policy)
{
    struct iam_policy made;
    account_begin(policy->account);
    if (iam_create_policy(&policy->iam, policy->name, DESCRIPTION, policy->wanted.data, &made,
                          &policy->err)) {
        (void)snprintf(policy->after, sizeof policy->after, "%s", made.default_version);
        return true;
    }
    if (strcmp(policy->err.service_code, "EntityAlreadyExists") != 0)
        return false;
    /* Another deploy was quicker, or the reply to an earlier try was lost. */
    err_clear(&policy->err);
    if (!read_policy(policy))
        return false;
    if (!policy->found.arn[0])
        return err_set(&policy->err, ERR_SERVICE,
                       "a policy '%s' is there under another path: give another --policy-name", policy->name);
    return policy_same(buf_text(&policy->document), policy->document.len, policy->wanted.data,
                       policy->wanted.len) ||
           update(policy);
}

static void attach(struct policy_rollout *policy)
{
    for (size_t i = 0; i < policy->role_count; i++) {
        struct policy_role *role = &policy->roles[i];
        if (role->attached)
            continue;
        account_begin(policy->account);
        role->done = iam_attach_role_policy(&policy->iam, role->name, policy->arn, &role->err);
        if (role->err.code == ERR_NOT_FOUND)
            err_set(&role->err, ERR_NOT_FOUND, "there is no role '%s'", role->name);
    }
}

static void detach(struct policy_rollout *policy)
{
    for (size_t i = 0; i < policy->role_count; i++) {
        struct policy_role *role = &policy->roles[i];
        account_begin(policy->account);
        role->done = iam_detach_role_policy(&policy->iam, role->name, policy->arn, &role->err);
        if (role->err.code == ERR_NOT_FOUND) { /* gone already */
            role->done = true;
            err_clear(&role->err);
        }
    }
}

/* The versions that are not the default, then the policy. */
static bool delete_all(struct policy_rollout *policy)
{
    struct iam_policy_versions versions = {0};
    struct err *err = &policy->err;
    account_begin(policy->account);
    bool ok = iam_list_policy_versions(&policy->iam, policy->arn, &versions, err);
    for (size_t i = 0; ok && i < versions.count; i++) {
        if (versions.items[i].is_default)
            continue;
        account_begin(policy->account);
        ok = iam_delete_policy_version(&policy->iam, policy->arn, versions.items[i].id, err) ||
             err->code == ERR_NOT_FOUND;
    }
    iam_policy_versions_free(&versions);
    if (ok) {
        account_begin(policy->account);
        ok = iam_delete_policy(&policy->iam, policy->arn, err);
    }
    if (ok || err->code == ERR_NOT_FOUND) {
        err_clear(err);
        policy->after[0] = '\0';
        return true;
    }
    if (strcmp(err->service_code, "DeleteConflict") == 0)
        (void)err_prefix(err, "'%s' is still attached to users, groups or as a boundary", policy->name);
    return false;
}

bool policy_apply(struct policy_rollout *policy)
{
    if (policy->err.code != ERR_NONE)
        return false;
    switch (policy->change) {
    case CHANGE_CREATE:
        policy->done = create(policy);
        break;
    case CHANGE_UPDATE:
        policy->done = update(policy);
        break;
    case CHANGE_REMOVE:
        detach(policy);
        policy->done = !policy_failed(policy) && delete_all(policy);
        break;
    default:
        break;
    }
    if (policy->change != CHANGE_REMOVE && policy->err.code == ERR_NONE)
        attach(policy);
    return !policy_failed(policy);
}

void policy_rollout_close(struct policy_rollout *policy)
{
    if (!policy)
        return;
    buf_free(&policy->document);
    buf_free(&policy->wanted);
    names_free(&policy->attached);
    free(policy->roles);
    *policy = (struct policy_rollout){0};
}
