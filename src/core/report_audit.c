/* report_audit.c - the record for an auditor, in as many lines as the log needs for it. */
#include <string.h>

#include "base/version.h"
#include "core/report.h"
#include "core/report_time.h"
#include "format/json_write.h"

/*
 * TEXT_MAX: bytes of a text; Systems Manager's session ids have at most 96 characters, its owners 256.
 * END_MAX: what closes a record behind its last item.
 */
enum { TEXT_MAX = 512, END_MAX = 64 };

/* One record on its way. */
struct record {
    const struct report *report;
    struct json_writer json;
    size_t max;      /* bytes that it may have */
    size_t items;    /* groups and sessions in it so far */
    struct buf item; /* scratch */
    bool full;
};

/* The text; one that is too long is cut. */
static void add_text(struct json_writer *json, const char *key, const char *text)
{
    char cut[TEXT_MAX + sizeof "..."];
    if (!text || strlen(text) <= TEXT_MAX) {
        json_add_string(json, key, text);
        return;
    }
    size_t len = TEXT_MAX;
    while (len > TEXT_MAX - 3 && (text[len] & 0xc0) == 0x80) /* inside a character */
        len--;
    memcpy(cut, text, len);
    memcpy(cut + len, "...", sizeof "...");
    json_add_string(json, key, cut);
}

static void put_group(struct json_writer *json, const struct plan_group *group)
{
    json_begin_object(json, NULL);
    add_text(json, "key", group->key);
    json_add_integer(json, "limit", group->limit);
    json_add_integer(json, "count", (int64_t)group->count);
    json_add_integer(json, "surplus", (int64_t)group->surplus);
    json_end_object(json);
}

/* With start and duration: FedRAMP AU-3 (1). */
static void put_session(struct json_writer *json, const struct report *report, size_t index)
{
    const struct session *session = &report->sessions->sessions[index];
    const struct outcome *outcome = &report->outcomes->items[index];
    json_begin_object(json, NULL);
    add_text(json, "session_id", session->id);
    add_text(json, "owner", session->owner);
    report_add_time(json, "start_time", session->start_ms);
    json_add_integer(json, "duration_seconds", report_seconds_since(report, session->start_ms));
    json_add_string(json, "verdict", outcome_name(outcome->code));
    if (outcome->error)
        json_add_string(json, "error", outcome->error);
    json_end_object(json);
}

/* Adds the item that is in `scratch` if there is room for it. The first of a record always goes in: one that
 * has no room in a record of its own would never go out. */
static void add_item(struct record *record)
{
    struct buf *out = record->json.out;
    record->full = record->items && out->len + record->item.len + END_MAX > record->max;
    if (record->full)
        return;
    out->failed |= record->item.failed;
    json_add_raw(&record->json, NULL, buf_text(&record->item), record->item.len);
    record->items++;
}

/* Groups over their limit, from *at on. */
static void add_groups(struct record *record, size_t *at)
{
    const struct plan *plan = record->report->plan;
    json_begin_array(&record->json, "groups");
    for (; plan && *at < plan->group_count; ++*at) {
        struct json_writer item = {.out = &record->item};
        if (!plan->groups[*at].surplus)
            continue;
        buf_reset(&record->item);
        put_group(&item, &plan->groups[*at]);
        add_item(record);
        if (record->full)
            break;
    }
    json_end_array(&record->json);
}

/* Their sessions. */
static void add_sessions(struct record *record, size_t *at)
{
    const struct report *report = record->report;
    json_begin_array(&record->json, "sessions");
    for (; !record->full && report->outcomes && *at < report->outcomes->count; ++*at) {
        struct json_writer item = {.out = &record->item};
        size_t group = report->plan->entries[*at].group;
        if (group == PLAN_NO_GROUP || !report->plan->groups[group].surplus)
            continue;
        buf_reset(&record->item);
        put_session(&item, report, *at);
        add_item(record);
        if (record->full)
            break;
    }
    json_end_array(&record->json);
}

static void add_head(struct record *record, unsigned part)
{
    const struct report *report = record->report;
    struct json_writer *json = &record->json;
    bool failed = report->error || (report->outcomes && outcomes_tally(report->outcomes, OUTCOME_FAILED));
    buf_addf(&record->item, "\"%lld-%lld\"", (long long)report->process_id, (long long)report->time_ms);
    json_add_string(json, "event", "concurrent_session_control");
    json_add_string(json, "version", SSM_ENFORCE_VERSION);
    report_add_time(json, "time", report->time_ms);
    json_add_raw(json, "run_id", buf_text(&record->item), record->item.len);
    json->out->failed |= record->item.failed;
    json_add_integer(json, "part", part);
    json_add_string(json, "outcome", failed ? "failure" : "success");
    json_add_string(json, "mode", report->notify_only ? "notify" : "terminate");
    json_add_integer(json, "exit_code", report->exit_code);
    add_text(json, "region", report->region);
    add_text(json, "instance_id", report->instance_id);
    add_text(json, "host", report->host);
    json_add_integer(json, "process_id", report->process_id);
    add_text(json, "user", report->user);
    add_text(json, "self_session_id", report->self_id);
    if (part == 1)
        json_add_string(json, "error", report->error);
}

void report_audit(struct buf *out, const struct report *report, size_t max, struct report_place *place)
{
    struct record record = {.report = report, .json = {.out = out}, .max = max};
    place->part++;
    json_begin_object(&record.json, NULL);
    add_head(&record, place->part);
    add_groups(&record, &place->group);
    add_sessions(&record, &place->session);
    json_add_bool(&record.json, "more", record.full);
    json_end_object(&record.json);
    place->more = record.full;
    buf_free(&record.item);
}
