#include "core/report.h"

#include <string.h>

#include "base/version.h"
#include "format/json_write.h"
#include "format/timestamp.h"

static void add_time(struct json_writer *json, const char *key, int64_t time_ms)
{
    char text[TIMESTAMP_MAX];
    timestamp_rfc3339(time_ms, text);
    json_add_string(json, key, text);
}

static int64_t seconds_since(const struct report *report, int64_t start_ms)
{
    return report->time_ms > start_ms ? (report->time_ms - start_ms) / 1000 : 0;
}

static void add_groups(struct json_writer *json, const struct report *report, bool only_over)
{
    json_begin_array(json, "groups");
    for (size_t i = 0; report->plan && report->has_limit && i < report->plan->group_count; i++) {
        const struct plan_group *group = &report->plan->groups[i];
        if (only_over && !group->surplus)
            continue;
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
    add_time(json, "start_time", session->start_ms);
    json_add_integer(json, "age_seconds", seconds_since(report, session->start_ms));
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
    add_time(&json, "time", report->time_ms);
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
    add_groups(&json, report, false);
    json_begin_array(&json, "sessions");
    for (size_t i = 0; report->outcomes && i < report->outcomes->count; i++)
        add_session(&json, report, i);
    json_end_array(&json);
    add_errors(&json, report);
    json_end_object(&json);
    buf_add_char(out, '\n');
}

/* Sessions of groups over their limit, with start and duration: FedRAMP AU-3 (1). */
static void add_audited_sessions(struct json_writer *json, const struct report *report)
{
    json_begin_array(json, "sessions");
    for (size_t i = 0; report->outcomes && i < report->outcomes->count; i++) {
        const struct session *session = &report->sessions->sessions[i];
        size_t group = report->plan->entries[i].group;
        if (group == PLAN_NO_GROUP || !report->plan->groups[group].surplus)
            continue;
        json_begin_object(json, NULL);
        json_add_string(json, "session_id", session->id);
        json_add_string(json, "owner", session->owner);
        add_time(json, "start_time", session->start_ms);
        json_add_integer(json, "duration_seconds", seconds_since(report, session->start_ms));
        json_add_string(json, "verdict", outcome_name(report->outcomes->items[i].code));
        if (report->outcomes->items[i].error)
            json_add_string(json, "error", report->outcomes->items[i].error);
        json_end_object(json);
    }
    json_end_array(json);
}

void report_audit(struct buf *out, const struct report *report)
{
    bool failed = report->error || (report->outcomes && outcomes_tally(report->outcomes, OUTCOME_FAILED));
    struct json_writer json = {.out = out};
    json_begin_object(&json, NULL);
    json_add_string(&json, "event", "concurrent_session_control");
    json_add_string(&json, "version", SSM_ENFORCE_VERSION);
    add_time(&json, "time", report->time_ms);
    json_add_string(&json, "outcome", failed ? "failure" : "success");
    json_add_string(&json, "mode", report->notify_only ? "notify" : "terminate");
    json_add_integer(&json, "exit_code", report->exit_code);
    json_add_string(&json, "region", report->region);
    json_add_string(&json, "instance_id", report->instance_id);
    json_add_string(&json, "host", report->host);
    json_add_integer(&json, "process_id", report->process_id);
    json_add_string(&json, "user", report->user);
    json_add_string(&json, "self_session_id", report->self_id);
    add_groups(&json, report, true);
    add_audited_sessions(&json, report);
    add_errors(&json, report);
    json_end_object(&json);
}
