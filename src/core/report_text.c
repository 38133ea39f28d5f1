#include "core/report.h"

#include <string.h>

#include "format/text.h"
#include "format/timestamp.h"

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

enum color { COLOR_NONE, COLOR_BAD, COLOR_WARN, COLOR_GOOD, COLOR_DIM };

static void add_color(struct buf *out, const struct report_style *style, enum color color)
{
    static const char *const codes[] = {"\033[0m", "\033[31m", "\033[33m", "\033[32m", "\033[2m"};
    if (style->color)
        buf_add_text(out, codes[color]);
}

/* What a person calls an outcome. */
static const char *verdict_words(enum outcome_code code, enum color *color)
{
    static const struct {
        const char *words;
        enum color color;
    } verdicts[] = {
        [OUTCOME_KEEP] = {"kept", COLOR_GOOD},
        [OUTCOME_TERMINATED] = {"terminated", COLOR_BAD},
        [OUTCOME_WOULD_TERMINATE] = {"would terminate", COLOR_WARN},
        [OUTCOME_FAILED] = {"failed", COLOR_BAD},
        [OUTCOME_EXEMPT] = {"exempt", COLOR_DIM},
        [OUTCOME_NOT_COUNTED] = {"not counted", COLOR_DIM},
    };
    *color = verdicts[code].color;
    return verdicts[code].words;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* Session ids reach 96 characters. A column is as wide as its widest cell, within reason. */
struct widths {
    size_t verdict, id, owner, status, document;
};

static void widen(size_t *width, const char *text, size_t most)
{
    size_t columns = 0;
    if (text) {
        struct buf visible = {0};
        add_visible(&visible, text);
        columns = text_columns(buf_text(&visible), visible.len);
        buf_free(&visible);
    }
    if (columns > most)
        columns = most;
    if (columns > *width)
        *width = columns;
}

/* A cell: visible, cut with "..." to its width or filled up to it, two blanks behind it. */
static void add_cell(struct buf *out, const char *text, size_t width)
{
    struct buf visible = {0};
    add_visible(&visible, text);
    const char *cell = buf_text(&visible);
    size_t columns = text_columns(cell, visible.len);
    if (columns <= width) {
        buf_add(out, cell, visible.len);
        buf_add_repeat(out, ' ', width - columns);
    } else {
        size_t bytes = 0;
        for (size_t kept = 0; kept + 3 < width; kept++) {
            uint32_t code_point;
            size_t step = text_decode(cell + bytes, visible.len - bytes, &code_point);
            bytes += step ? step : 1;
        }
        buf_add(out, cell, bytes);
        buf_add_repeat(out, '.', width < 3 ? width : 3);
    }
    buf_add_text(out, "  ");
    buf_free(&visible);
}

/* "2026-11-22 14:00:03 (2h34m)" */
static void add_start(struct buf *out, const struct report *report, int64_t start_ms)
{
    char start[TIMESTAMP_MAX], age[TIMESTAMP_MAX];
    timestamp_rfc3339(start_ms, start);
    timestamp_age(report->time_ms - start_ms, age);
    buf_addf(out, "%.10s %.8sZ (%s)", start, start + 11, age);
}

/* One session of a group that is over its limit. */
static void add_session_line(struct buf *out, const struct report *report, const struct report_style *style,
                             const struct widths *widths, size_t index)
{
    const struct session *session = &report->sessions->sessions[index];
    const struct outcome *outcome = &report->outcomes->items[index];
    enum color color;
    const char *words = verdict_words(outcome->code, &color);
    buf_add_text(out, "  ");
    add_color(out, style, color);
    add_cell(out, words, widths->verdict);
    add_color(out, style, COLOR_NONE);
    add_cell(out, session->id, widths->id);
    add_start(out, report, session->start_ms);
    buf_add_text(out, "  ");
    add_visible(out, session->status_text);
    if (report_is_self(report, index))
        buf_add_text(out, " (this session)");
    if (outcome->error) {
        buf_add_text(out, ": ");
        add_visible(out, outcome->error);
    }
    buf_add_char(out, '\n');
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
        enum color color;
        size_t count = tally(report, group, told[i]);
        if (!count)
            continue;
        buf_addf(out, "%s%zu %s", between, count,
                 told[i] == OUTCOME_WOULD_TERMINATE ? "over it" : verdict_words(told[i], &color));
        between = ", ";
    }
    buf_add_char(out, '\n');
}

static void add_over_group(struct buf *out, const struct report *report, const struct report_style *style,
                           const struct plan_group *group)
{
    /* Beside the id a line holds the verdict, blanks, the start with its age, and the status. */
    enum { BESIDE_ID = 2 + 2 + 2 + 30 + 2 + 14, ID_MIN = 16, ID_MAX = 96, VERDICT_MAX = 20 };
    const size_t *members = report->plan->members + group->first;
    struct widths widths = {0};
    add_over_line(out, report, group);
    for (size_t i = 0; i < group->size; i++) {
        enum color color;
        widen(&widths.verdict, verdict_words(report->outcomes->items[members[i]].code, &color), VERDICT_MAX);
    }
    size_t most = ID_MAX, taken = widths.verdict + BESIDE_ID;
    if (style->width)
        most = (size_t)style->width > taken + ID_MIN ? (size_t)style->width - taken : ID_MIN;
    for (size_t i = 0; i < group->size; i++)
        widen(&widths.id, report->sessions->sessions[members[i]].id, most);
    for (size_t i = 0; i < group->size; i++)
        add_session_line(out, report, style, &widths, members[i]);
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

static void add_table_row(struct buf *out, const struct report *report, const struct report_style *style,
                          const struct widths *widths, size_t index)
{
    const struct session *session = &report->sessions->sessions[index];
    add_cell(out, session->id, widths->id);
    add_cell(out, session->owner, widths->owner);
    add_cell(out, session->status_text, widths->status);
    size_t before = out->len;
    add_start(out, report, session->start_ms);
    size_t len = out->len - before;
    buf_add_repeat(out, ' ', (len < 30 ? 30 - len : 0) + 2);
    add_cell(out, session->document_name ? session->document_name : "-", widths->document);
    if (report->has_limit) {
        enum color color;
        const char *words = verdict_words(report->outcomes->items[index].code, &color);
        add_color(out, style, color);
        buf_add_text(out, words);
        add_color(out, style, COLOR_NONE);
    }
    if (report_is_self(report, index))
        buf_add_text(out, report->has_limit ? " (this session)" : "(this session)");
    while (out->len && out->data[out->len - 1] == ' ')
        out->data[--out->len] = '\0';
    buf_add_char(out, '\n');
}

void report_table(struct buf *out, const struct report *report, const struct report_style *style)
{
    struct widths widths = {.id = 10, .owner = 5, .status = 6, .document = 8};
    for (size_t i = 0; i < report->sessions->count; i++) {
        const struct session *session = &report->sessions->sessions[i];
        widen(&widths.id, session->id, 96);
        widen(&widths.owner, session->owner, 128);
        widen(&widths.status, session->status_text, 16);
        widen(&widths.document, session->document_name, 64);
    }
    add_cell(out, "SESSION ID", widths.id);
    add_cell(out, "OWNER", widths.owner);
    add_cell(out, "STATUS", widths.status);
    add_cell(out, "STARTED (AGE)", 30);
    add_cell(out, "DOCUMENT", widths.document);
    if (report->has_limit)
        buf_add_text(out, "VERDICT");
    buf_add_char(out, '\n');
    for (size_t i = 0; i < report->sessions->count; i++)
        add_table_row(out, report, style, &widths, i);
}
