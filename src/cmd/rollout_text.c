/* rollout_text.c - plan and outcome of a rollout, for people. */
#include <string.h>

#include "cmd/rollout_run.h"
#include "core/diff.h"
#include "core/document.h"
#include "format/text.h"

/* JSON laid out; what is no JSON as it is; nothing for NULL. */
static void add_pretty(struct buf *out, const char *text)
{
    struct err err;
    if (text && !document_pretty(text, strlen(text), out, &err))
        buf_add_text(out, text);
}

/* One diff of two JSON texts; NULL stands for nothing. */
static bool add_diff(struct buf *out, const char *name_a, const char *a, const char *name_b, const char *b,
                     bool color, struct err *err)
{
    struct buf pretty_a = {0}, pretty_b = {0};
    add_pretty(&pretty_a, a);
    add_pretty(&pretty_b, b);
    bool ok = buf_ok(&pretty_a, "the plan", err) && buf_ok(&pretty_b, "the plan", err) &&
              diff_unified(a ? name_a : "/dev/null", buf_text(&pretty_a), b ? name_b : "/dev/null",
                           buf_text(&pretty_b), color, out, err);
    buf_free(&pretty_a);
    buf_free(&pretty_b);
    return ok;
}

static bool changes(enum rollout_change change)
{
    return change != CHANGE_NONE && change != CHANGE_ABSENT;
}

static bool add_region(const struct rollout_run *run, const struct rollout_region *region, bool color,
                       struct buf *out, struct err *err)
{
    struct buf before = {0}, after = {0};
    if (region->err.code != ERR_NONE || !changes(region->change))
        return true;
    buf_addf(&before, "%s/%s version %lld", region->name, run->documents.document, (long long)region->before);
    buf_addf(&after, "%s/%s", region->name, run->documents.document);
    if (region->after)
        buf_addf(&after, " version %lld", (long long)region->after);
    bool ok = add_diff(out, buf_text(&before), region->content, buf_text(&after), region->wanted, color, err);
    buf_free(&before);
    buf_free(&after);
    return ok;
}

static bool add_policy(const struct rollout_run *run, bool color, struct buf *out, struct err *err)
{
    const struct policy_rollout *policy = &run->policy;
    struct buf before = {0}, after = {0};
    bool ok = true;
    buf_addf(&before, "policy %s %s", policy->name, policy->found.default_version);
    buf_addf(&after, "policy %s", policy->name);
    if (changes(policy->change))
        ok = add_diff(out, buf_text(&before), policy->document.data, buf_text(&after), policy->wanted.data,
                      color, err);
    for (size_t i = 0; i < policy->role_count; i++) {
        const struct policy_role *role = &policy->roles[i];
        bool removal = policy->change == CHANGE_REMOVE;
        if (role->attached != removal)
            continue;
        buf_addf(out, removal ? "detach %s from role " : "attach %s to role ", buf_text(&after));
        text_visible(out, role->name, strlen(role->name));
        buf_add_char(out, '\n');
    }
    buf_free(&before);
    buf_free(&after);
    return ok;
}

static void add_publish(const struct rollout_run *run, struct buf *out)
{
    const struct publish *publish = &run->publish;
    for (size_t i = 0; i <= publish->count; i++) {
        const struct publish_object *object = &publish->objects[i];
        if (object->there)
            continue;
        buf_addf(out, "upload s3://%s/%s: ", publish->bucket.name, object->key);
        if (object->file)
            text_visible(out, object->file, strlen(object->file));
        buf_addf(out, "%s%zu bytes, SHA-256 %s\n", object->file ? ", " : "", object->data.len,
                 object->sha256);
    }
}

void rollout_text_plan(const struct rollout_run *run, bool color, struct buf *out, struct err *err)
{
    if (run->has_publish)
        add_publish(run, out);
    if (run->has_policy && !add_policy(run, color, out, err))
        return;
    for (size_t i = 0; i < run->documents.count; i++)
        if (!add_region(run, &run->documents.regions[i], color, out, err))
            return;
    (void)buf_ok(out, "the plan", err);
}

/* ---- the end ---- */

static void add_version(struct buf *out, int64_t version)
{
    size_t before = out->len;
    if (version)
        buf_addf(out, "%lld", (long long)version);
    else
        buf_add_char(out, '-');
    buf_add_repeat(out, ' ', out->len - before < 8 ? 8 - (out->len - before) : 1);
}

static void add_table(const struct rollout_run *run, struct buf *out)
{
    size_t width = strlen("region");
    for (size_t i = 0; i < run->documents.count; i++)
        if (strlen(run->documents.regions[i].name) > width)
            width = strlen(run->documents.regions[i].name);
    buf_addf(out, "%-*s  %-8s%-8s%s\n", (int)width, "region", "before", "after", "outcome");
    for (size_t i = 0; i < run->documents.count; i++) {
        const struct rollout_region *region = &run->documents.regions[i];
        bool known = region->done || region->change == CHANGE_NONE;
        buf_addf(out, "%-*s  ", (int)width, region->name);
        add_version(out, region->before);
        add_version(out, region->err.code == ERR_NONE && known ? region->after : 0);
        buf_addf(out, "%s\n", rollout_run_outcome(run, region->change, region->done, &region->err).text);
    }
}

static const char *role_outcome(const struct rollout_run *run, const struct policy_role *role)
{
    bool removal = run->policy.change == CHANGE_REMOVE;
    if (role->err.code != ERR_NONE)
        return "failed";
    if (role->done)
        return removal ? "detached" : "attached";
    if (role->attached && !removal)
        return "attached already";
    if (run->command->options->dry_run)
        return removal ? "would be detached" : "would be attached";
    return "not changed";
}

static void add_policy_end(const struct rollout_run *run, struct buf *out)
{
    const struct policy_rollout *policy = &run->policy;
    buf_addf(out, "policy %s: %s", policy->name,
             rollout_run_outcome(run, policy->change, policy->done, &policy->err).text);
    if (policy->after[0])
        buf_addf(out, " (%s)", policy->after);
    buf_add_char(out, '\n');
    for (size_t i = 0; i < policy->role_count; i++) {
        buf_add_text(out, "role ");
        text_visible(out, policy->roles[i].name, strlen(policy->roles[i].name));
        buf_addf(out, ": %s\n", role_outcome(run, &policy->roles[i]));
    }
}

static void add_user_data(const struct rollout_run *run, struct buf *out)
{
    const struct options *options = run->command->options;
    const struct publish_paths paths = {options->linux_path, options->windows_path};
    for (int windows = 0; windows < 2; windows++) {
        struct buf text = {0};
        struct err err;
        if (publish_user_data(&run->publish, windows, &paths, &text, &err))
            buf_addf(out, "\nuser-data for %s:\n\n%s", windows ? "Windows" : "Linux", buf_text(&text));
        buf_free(&text);
    }
}

static void add_publish_end(const struct rollout_run *run, struct buf *out)
{
    const struct publish *publish = &run->publish;
    for (size_t i = 0; i <= publish->count; i++) {
        const struct publish_object *object = &publish->objects[i];
        enum rollout_change change = object->there ? CHANGE_NONE : CHANGE_CREATE;
        const char *outcome =
            object->done ? "uploaded" : rollout_run_outcome(run, change, false, &object->err).text;
        buf_addf(out, "s3://%s/%s: %s\n", publish->bucket.name, object->key, outcome);
    }
}

static bool is_published(const struct publish *publish)
{
    for (size_t i = 0; i <= publish->count; i++)
        if (!publish->objects[i].there && !publish->objects[i].done)
            return false;
    return true;
}

void rollout_text_end(const struct rollout_run *run, struct buf *out)
{
    if (run->has_publish)
        add_publish_end(run, out);
    if (run->has_policy)
        add_policy_end(run, out);
    if (run->has_documents)
        add_table(run, out);
    for (size_t i = 0; i < run->documents.count; i++)
        if (run->documents.regions[i].backup) {
            buf_addf(out, "what was there before: %s", run->documents.regions[i].backup);
            buf_add_char(out, '\n');
        }
    if (run->has_publish && is_published(&run->publish))
        add_user_data(run, out);
}
