#include "core/report.h"

#include <string.h>

#include "core/report_rows.h"
#include "format/text.h"

static void add_visible(struct buf *out, const char *text)
{
    text_visible(out, text, strlen(text));
}

void report_group_name(struct buf *out, const char *key, enum plan_per per)
{
    if (per == PER_ALL) {
        buf_add_text(out, "all owners");
        return;
    }
    if (per == PER_ROLE && strstr(key, ":assumed-role/"))
        buf_add_text(out, "role ");
    add_visible(out, session_owner_name(key));
}

bool report_is_self(const struct report *report, size_t index)
{
    return report->self_id && strcmp(report->sessions->sessions[index].id, report->self_id) == 0;
}

const struct plan_group *report_self_group(const struct report *report)
{
    for (size_t i = 0; report->plan && i < report->plan->entry_count; i++)
        if (report_is_self(report, i) && report->plan->entries[i].group != PLAN_NO_GROUP)
            return &report->plan->groups[report->plan->entries[i].group];
    return NULL;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* How many of a group's sessions came to this. */
static size_t tally(const struct report *report, const struct plan_group *group, enum outcome_code code)
{
    size_t count = 0;
    for (size_t i = 0; i < group->size; i++)
        count += report->outcomes->items[report->plan->members[group->first + i]].code == code;
    return count;
}

/* "ssm-enforce: 5 sessions of jane on i-0abc, limit 3: 2 terminated" */
static void add_over_line(struct buf *out, const struct report *report, const struct plan_group *group)
{
    static const enum outcome_code told[] = {OUTCOME_TERMINATED, OUTCOME_WOULD_TERMINATE, OUTCOME_FAILED};
    buf_addf(out, "ssm-enforce: %zu session%s of ", group->count, plural(group->count));
    report_group_name(out, group->key, report->per);
    buf_add_text(out, " on ");
    add_visible(out, report->instance_id);
    buf_addf(out, ", limit %d:", (int)group->limit);
    const char *between = " ";
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        size_t count = tally(report, group, told[i]);
        const char *words = told[i] == OUTCOME_TERMINATED ? "terminated"
                            : told[i] == OUTCOME_FAILED   ? "failed"
                            : report->notify_only         ? "over it"
                                                          : "ending";
        if (!count)
            continue;
        buf_addf(out, "%s%zu %s", between, count, words);
        between = ", ";
    }
    buf_add_char(out, '\n');
}

static void add_over_group(struct buf *out, const struct report *report, const struct report_style *style,
                           const struct plan_group *group)
{
    struct report_rows rows = {.columns = {COLUMN_VERDICT, COLUMN_ID, COLUMN_START, COLUMN_STATUS},
                               .column_count = 4,
                               .indices = report->plan->members + group->first,
                               .count = group->size,
                               .indent = 2,
                               .errors = true};
    add_over_line(out, report, group);
    report_rows_add(out, report, style, &rows);
}

/* "ssm-enforce: session 2 of 3 for jane on i-0abc" */
static void add_within_line(struct buf *out, const struct report *report, const struct plan_group *group,
                            bool self)
{
    if (group->limit == LIMIT_UNLIMITED)
        buf_addf(out, "ssm-enforce: %zu session%s, no limit, for ", group->count, plural(group->count));
    else
        buf_addf(out, "ssm-enforce: %s%zu of %d%s for ", self ? "session " : "", group->count,
                 (int)group->limit, self ? "" : " sessions");
    report_group_name(out, group->key, report->per);
    buf_add_text(out, " on ");
    add_visible(out, report->instance_id);
    buf_add_char(out, '\n');
}

void report_text(struct buf *out, const struct report *report, const struct report_style *style)
{
    const struct plan *plan = report->plan;
    const struct plan_group *own = report_self_group(report);
    for (size_t i = 0; i < plan->group_count; i++)
        if (plan->groups[i].surplus)
            add_over_group(out, report, style, &plan->groups[i]);
    if (own && !own->surplus)
        add_within_line(out, report, own, true);
    else if (!plan->surplus && plan->group_count == 1)
        add_within_line(out, report, &plan->groups[0], false);
    else if (!plan->surplus) {
        buf_addf(out, "ssm-enforce: %s on ",
                 plan->group_count ? "no owner is over the limit" : "no active session");
        add_visible(out, report->instance_id);
        buf_add_char(out, '\n');
    }
}

void report_table(struct buf *out, const struct report *report, const struct report_style *style)
{
    struct report_rows rows = {
        .columns = {COLUMN_ID, COLUMN_OWNER, COLUMN_STATUS, COLUMN_START, COLUMN_DOCUMENT, COLUMN_VERDICT},
        .column_count = report->has_limit ? 6 : 5,
        .count = report->sessions->count,
        .heading = true};
    report_rows_add(out, report, style, &rows);
}
