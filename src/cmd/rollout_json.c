/* rollout_json.c - a rollout as one JSON object: everything done and left. */
#include <string.h>

#include "base/version.h"
#include "cmd/rollout_run.h"
#include "format/json_write.h"
#include "format/timestamp.h"

static void add_error(struct json_writer *writer, const struct err *err)
{
    json_add_string(writer, "error", err->code == ERR_NONE ? NULL : err->message);
}

static void add_version(struct json_writer *writer, const char *key, int64_t version)
{
    if (version)
        json_add_integer(writer, key, version);
    else
        json_add_null(writer, key);
}

static void add_regions(struct json_writer *writer, const struct rollout_run *run)
{
    json_begin_array(writer, "regions");
    for (size_t i = 0; i < run->documents.count; i++) {
        const struct rollout_region *region = &run->documents.regions[i];
        bool known = region->err.code == ERR_NONE && (region->done || region->change == CHANGE_NONE);
        json_begin_object(writer, NULL);
        json_add_string(writer, "region", region->name);
        json_add_string(writer, "document_name", run->documents.document);
        json_add_string(writer, "outcome",
                        rollout_run_outcome(run, region->change, region->done, &region->err).json);
        add_version(writer, "version_before", region->before);
        add_version(writer, "version_after", known ? region->after : 0);
        json_add_string(writer, "content_before", region->content);
        json_add_string(writer, "content_after", region->wanted);
        json_add_string(writer, "backup", region->backup);
        json_add_bool(writer, "named_elsewhere", region->mentioned);
        add_error(writer, &region->err);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static const char *role_outcome(const struct rollout_run *run, const struct policy_role *role)
{
    bool removal = run->policy.change == CHANGE_REMOVE;
    if (role->err.code != ERR_NONE)
        return "failed";
    if (role->done)
        return removal ? "detached" : "attached";
    if (role->attached && !removal)
        return "up_to_date";
    if (run->command->options->dry_run)
        return removal ? "would_detach" : "would_attach";
    return "left";
}

static void add_policy(struct json_writer *writer, const struct rollout_run *run)
{
    const struct policy_rollout *policy = &run->policy;
    if (!run->has_policy) {
        json_add_null(writer, "policy");
        return;
    }
    json_begin_object(writer, "policy");
    json_add_string(writer, "name", policy->name);
    json_add_string(writer, "arn", policy->arn);
    json_add_string(writer, "outcome",
                    rollout_run_outcome(run, policy->change, policy->done, &policy->err).json);
    json_add_string(writer, "version_before",
                    policy->found.default_version[0] ? policy->found.default_version : NULL);
    json_add_string(writer, "version_after", policy->after[0] ? policy->after : NULL);
    json_add_string(writer, "document_before", policy->document.data);
    json_add_string(writer, "document_after", policy->wanted.data);
    json_begin_array(writer, "roles");
    for (size_t i = 0; i < policy->role_count; i++) {
        json_begin_object(writer, NULL);
        json_add_string(writer, "role", policy->roles[i].name);
        json_add_string(writer, "outcome", role_outcome(run, &policy->roles[i]));
        add_error(writer, &policy->roles[i].err);
        json_end_object(writer);
    }
    json_end_array(writer);
    add_error(writer, &policy->err);
    json_end_object(writer);
}

static void add_objects(struct json_writer *writer, const struct rollout_run *run)
{
    const struct publish *publish = &run->publish;
    json_begin_array(writer, "objects");
    for (size_t i = 0; publish->objects && i <= publish->count; i++) {
        const struct publish_object *object = &publish->objects[i];
        enum rollout_change change = object->there ? CHANGE_NONE : CHANGE_CREATE;
        json_begin_object(writer, NULL);
        json_add_string(writer, "bucket", publish->bucket.name);
        json_add_string(writer, "key", object->key);
        json_add_string(writer, "target", object->target);
        json_add_string(writer, "sha256", object->sha256);
        json_add_string(writer, "outcome", rollout_run_outcome(run, change, object->done, &object->err).json);
        add_error(writer, &object->err);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void add_user_data(struct json_writer *writer, const struct rollout_run *run)
{
    const struct options *options = run->command->options;
    const struct publish_paths paths = {options->linux_path, options->windows_path};
    json_begin_object(writer, "user_data");
    for (int windows = 0; windows < 2; windows++) {
        struct buf text = {0};
        struct err err;
        bool made = publish_user_data(&run->publish, windows, &paths, &text, &err);
        json_add_string(writer, windows ? "windows" : "linux", made ? buf_text(&text) : NULL);
        buf_free(&text);
    }
    json_end_object(writer);
}

static void add_errors(struct json_writer *writer, const struct rollout_run *run)
{
    json_begin_array(writer, "errors");
    if (run->err.code != ERR_NONE)
        json_add_string(writer, NULL, run->err.message);
    if (run->policy.err.code != ERR_NONE)
        json_add_string(writer, NULL, run->policy.err.message);
    for (size_t i = 0; i < run->policy.role_count; i++)
        if (run->policy.roles[i].err.code != ERR_NONE)
            json_add_string(writer, NULL, run->policy.roles[i].err.message);
    for (size_t i = 0; run->publish.objects && i <= run->publish.count; i++)
        if (run->publish.objects[i].err.code != ERR_NONE)
            json_add_string(writer, NULL, run->publish.objects[i].err.message);
    for (size_t i = 0; i < run->documents.count; i++)
        if (run->documents.regions[i].err.code != ERR_NONE)
            json_add_string(writer, NULL, run->documents.regions[i].err.message);
    json_end_array(writer);
}

void rollout_json(const struct rollout_run *run, int exit_code, struct buf *out)
{
    struct json_writer writer = {.out = out};
    const struct options *options = run->command->options;
    char time[TIMESTAMP_MAX];
    timestamp_rfc3339(clock_wall_ms(run->command->clock) + run->account.session.skew_ms, time);
    json_begin_object(&writer, NULL);
    json_add_string(&writer, "version", SSM_ENFORCE_VERSION);
    json_add_string(&writer, "time", time);
    json_add_string(&writer, "command", options_command(options->command)->name);
    json_add_bool(&writer, "dry_run", options->dry_run);
    json_add_string(&writer, "account", run->account.identity.account);
    json_add_string(&writer, "principal", run->account.identity.arn);
    json_add_string(&writer, "partition", run->account.partition);
    json_add_integer(&writer, "exit_code", exit_code);
    add_objects(&writer, run);
    if (run->has_publish && run->publish.account && !run->nobody)
        add_user_data(&writer, run);
    add_policy(&writer, run);
    add_regions(&writer, run);
    add_errors(&writer, run);
    json_end_object(&writer);
    buf_add_char(out, '\n');
}
