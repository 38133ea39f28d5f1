#include "base/version.h"
#include "core/report.h"
#include "core/report_time.h"
#include "format/json_write.h"

static void add_groups(struct json_writer *json, const struct report *report)
{
    json_begin_array(json, "groups");
    for (size_t i = 0; report->plan && report->has_limit && i < report->plan->group_count; i++) {
        const struct plan_group *group = &report->plan->groups[i];
        json_begin_object(json, NULL);
        json_add_string(json, "key", group->key);
        if (group->limit == LIMIT_UNLIMITED)
            json_add_null(json, "limit");
        else
            json_add_integer(json, "limit", group->limit);
        json_add_integer(json, "count", (int64_t)group->count);
        json_add_integer(json, "surplus", (int64_t)group->surplus);
        json_end_object(json);
    }
    json_end_array(json);
}

static void add_errors(struct json_writer *json, const struct report *report)
{
    json_begin_array(json, "errors");
    if (report->error)
        json_add_string(json, NULL, report->error);
    for (size_t i = 0; report->outcomes && i < report->outcomes->count; i++) {
        if (!report->outcomes->items[i].error)
            continue;
        struct buf text = {0};
        buf_addf(&text, "%s: %s", report->sessions->sessions[i].id, report->outcomes->items[i].error);
        json_add_string(json, NULL, buf_text(&text));
        json->out->failed |= text.failed;
        buf_free(&text);
    }
    json_end_array(json);
}

static void add_session(struct json_writer *json, const struct report *report, size_t index)
{
    const struct session *session = &report->sessions->sessions[index];
    const struct outcome *outcome = &report->outcomes->items[index];
    size_t group = report->plan->entries[index].group;
    json_begin_object(json, NULL);
    json_add_string(json, "session_id", session->id);
    json_add_string(json, "owner", session->owner);
    json_add_string(json, "target", session->target);
    json_add_string(json, "status", session->status_text);
    report_add_time(json, "start_time", session->start_ms);
    json_add_integer(json, "age_seconds", report_seconds_since(report, session->start_ms));
    json_add_string(json, "document_name", session->document_name);
    json_add_string(json, "group", group == PLAN_NO_GROUP ? NULL : report->plan->groups[group].key);
    json_add_bool(json, "self", report_is_self(report, index));
    json_add_string(json, "verdict", report->has_limit ? outcome_name(outcome->code) : NULL);
    json_add_string(json, "error", outcome->error);
    json_end_object(json);
}

void report_json(struct buf *out, const struct report *report)
{
    struct json_writer json = {.out = out, .indent = 2};
    json_begin_object(&json, NULL);
    json_add_string(&json, "version", SSM_ENFORCE_VERSION);
    report_add_time(&json, "time", report->time_ms);
    json_add_string(&json, "region", report->region);
    json_add_string(&json, "instance_id", report->instance_id);
    json_add_string(&json, "self_session_id", report->self_id);
    json_add_bool(&json, "self_listed", report->self_listed);
    json_add_string(&json, "mode", report->notify_only ? "notify" : "terminate");
    json_add_string(&json, "order", report->order == TERMINATE_OLDEST ? "oldest" : "newest");
    json_add_string(&json, "per",
                    report->per == PER_OWNER  ? "owner"
                    : report->per == PER_ROLE ? "role"
                                              : "all");
    json_add_integer(&json, "exit_code", report->exit_code);
    add_groups(&json, report);
    json_begin_array(&json, "sessions");
    for (size_t i = 0; report->outcomes && i < report->outcomes->count; i++)
        add_session(&json, report, i);
    json_end_array(&json);
    add_errors(&json, report);
    json_end_object(&json);
    buf_add_char(out, '\n');
}
