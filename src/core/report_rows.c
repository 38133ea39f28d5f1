#include "core/report_rows.h"

#include <string.h>

#include "format/text.h"
#include "format/timestamp.h"

enum { ID_MIN = 16, GAP = 2 };

enum start_form { START_FULL, START_SHORT, START_AGE };

/* How the rows are laid out, from the widest form to the narrowest. */
struct layout {
    const struct report *report;
    const struct report_style *style;
    const struct report_rows *rows;
    enum start_form start;
    bool no_document;
    bool short_owner;
    size_t id_max; /* 0: whole */
    size_t widths[REPORT_COLUMNS_MAX];
    struct buf cell; /* scratch */
    bool lost;       /* a cell had no memory */
};

static const char *const headings[] = {
    [COLUMN_VERDICT] = "VERDICT", [COLUMN_ID] = "SESSION ID",       [COLUMN_OWNER] = "OWNER",
    [COLUMN_STATUS] = "STATUS",   [COLUMN_START] = "STARTED (AGE)", [COLUMN_DOCUMENT] = "DOCUMENT",
};

const char *report_verdict(const struct report *report, size_t index)
{
    enum outcome_code code = report->outcomes->items[index].code;
    static const char *const words[] = {
        [OUTCOME_KEEP] = "kept",
        [OUTCOME_TERMINATED] = "terminated",
        [OUTCOME_WOULD_TERMINATE] = "would terminate",
        [OUTCOME_FAILED] = "failed",
        [OUTCOME_EXEMPT] = "exempt",
        [OUTCOME_NOT_COUNTED] = "not counted",
    };
    /* Of a run that terminates, only the own session is still to go when the report is made. */
    return code == OUTCOME_WOULD_TERMINATE && !report->notify_only ? "ending" : words[code];
}

static const char *color_of(enum outcome_code code)
{
    static const char *const colors[] = {
        [OUTCOME_KEEP] = "\033[32m",
        [OUTCOME_TERMINATED] = "\033[31m",
        [OUTCOME_WOULD_TERMINATE] = "\033[33m",
        [OUTCOME_FAILED] = "\033[31m",
        [OUTCOME_EXEMPT] = "\033[2m",
        [OUTCOME_NOT_COUNTED] = "\033[2m",
    };
    return colors[code];
}

static void empty_cell(struct layout *layout)
{
    layout->lost |= layout->cell.failed;
    buf_reset(&layout->cell);
}

/* "2026-11-22 14:00:03Z (2h34m)", "11-22 14:00Z (2h34m)", "2h34m ago" */
static void put_start(struct layout *layout, int64_t start_ms)
{
    char start[TIMESTAMP_MAX], age[TIMESTAMP_MAX];
    timestamp_rfc3339(start_ms, start);
    timestamp_age(layout->report->time_ms - start_ms, age);
    if (layout->start == START_FULL)
        buf_addf(&layout->cell, "%.10s %.8sZ (%s)", start, start + 11, age);
    else if (layout->start == START_SHORT)
        buf_addf(&layout->cell, "%.5s %.5sZ (%s)", start + 5, start + 11, age);
    else
        buf_addf(&layout->cell, "%s ago", age);
}

static const char *text_of(const struct layout *layout, size_t index, enum report_column column)
{
    const struct session *session = &layout->report->sessions->sessions[index];
    if (column == COLUMN_VERDICT)
        return report_verdict(layout->report, index);
    if (column == COLUMN_ID)
        return session->id;
    if (column == COLUMN_OWNER)
        return layout->short_owner ? session_owner_name(session->owner) : session->owner;
    if (column == COLUMN_STATUS)
        return session->status_text;
    return session->document_name ? session->document_name : "-";
}

/* Makes a cell's text, visible, in layout->cell. */
static void put_cell(struct layout *layout, size_t index, enum report_column column)
{
    empty_cell(layout);
    if (column == COLUMN_START) {
        put_start(layout, layout->report->sessions->sessions[index].start_ms);
    } else {
        const char *text = text_of(layout, index, column);
        text_visible(&layout->cell, text, strlen(text));
    }
}

static bool is_last(const struct layout *layout, size_t column)
{
    return column + 1 == layout->rows->column_count;
}

static bool is_dropped(const struct layout *layout, size_t column)
{
    return layout->no_document && layout->rows->columns[column] == COLUMN_DOCUMENT;
}

static size_t index_of(const struct layout *layout, size_t row)
{
    return layout->rows->indices ? layout->rows->indices[row] : row;
}

static void put_mark(struct layout *layout, size_t index)
{
    if (report_is_self(layout->report, index))
        buf_add_text(&layout->cell, layout->cell.len ? " (this session)" : "(this session)");
}

/* Width of the widest cell of each column; that of the whole table. */
static size_t measure(struct layout *layout)
{
    size_t total = layout->rows->indent;
    for (size_t c = 0; c < layout->rows->column_count; c++) {
        enum report_column column = layout->rows->columns[c];
        size_t widest = layout->rows->heading ? strlen(headings[column]) : 0;
        if (is_dropped(layout, c))
            continue;
        for (size_t row = 0; row < layout->rows->count; row++) {
            size_t index = index_of(layout, row);
            put_cell(layout, index, column);
            if (is_last(layout, c))
                put_mark(layout, index);
            size_t columns = text_columns(buf_text(&layout->cell), layout->cell.len);
            widest = columns > widest ? columns : widest;
        }
        if (column == COLUMN_ID && layout->id_max && widest > layout->id_max)
            widest = layout->id_max;
        layout->widths[c] = widest;
        total += widest + (is_last(layout, c) ? 0 : GAP);
    }
    return total;
}

static bool has(const struct report_rows *rows, enum report_column column)
{
    for (size_t c = 0; c < rows->column_count; c++)
        if (rows->columns[c] == column)
            return true;
    return false;
}

/* Makes the rows narrower in steps until they fit. */
static void fit(struct layout *layout)
{
    size_t total = measure(layout), room = (size_t)layout->style->width;
    while (room && total > room) {
        if (layout->start != START_AGE) {
            layout->start++;
        } else if (has(layout->rows, COLUMN_DOCUMENT) && !layout->no_document) {
            layout->no_document = true;
        } else if (has(layout->rows, COLUMN_OWNER) && !layout->short_owner) {
            layout->short_owner = true;
        } else if (!layout->id_max) {
            size_t id = 0;
            for (size_t c = 0; c < layout->rows->column_count; c++)
                if (layout->rows->columns[c] == COLUMN_ID)
                    id = layout->widths[c];
            layout->id_max = total - room + ID_MIN < id ? id - (total - room) : (size_t)ID_MIN;
        } else {
            break;
        }
        total = measure(layout);
    }
}

/* The cell, cut with "..." to its width or filled up to it. */
static void add_cell(struct buf *out, const struct layout *layout, size_t width, bool last)
{
    const char *text = buf_text(&layout->cell);
    size_t len = layout->cell.len, columns = text_columns(text, len);
    if (columns <= width || last) {
        buf_add(out, text, len);
        buf_add_repeat(out, ' ', last ? 0 : width - columns + GAP);
        return;
    }
    size_t bytes = 0;
    for (size_t kept = 0; kept + 3 < width; kept++) {
        uint32_t code_point;
        size_t step = text_decode(text + bytes, len - bytes, &code_point);
        bytes += step ? step : 1;
    }
    buf_add(out, text, bytes);
    buf_add_text(out, "...");
    buf_add_repeat(out, ' ', GAP);
}

static void add_heading(struct buf *out, struct layout *layout)
{
    for (size_t c = 0; c < layout->rows->column_count; c++) {
        if (is_dropped(layout, c))
            continue;
        empty_cell(layout);
        buf_add_text(&layout->cell, headings[layout->rows->columns[c]]);
        add_cell(out, layout, layout->widths[c], is_last(layout, c));
    }
    buf_add_char(out, '\n');
}

static void add_row(struct buf *out, struct layout *layout, size_t index)
{
    const struct outcome *outcome = &layout->report->outcomes->items[index];
    buf_add_repeat(out, ' ', layout->rows->indent);
    for (size_t c = 0; c < layout->rows->column_count; c++) {
        bool colored = layout->rows->columns[c] == COLUMN_VERDICT && layout->style->color;
        if (is_dropped(layout, c))
            continue;
        put_cell(layout, index, layout->rows->columns[c]);
        if (is_last(layout, c))
            put_mark(layout, index);
        if (colored)
            buf_add_text(out, color_of(outcome->code));
        add_cell(out, layout, layout->widths[c], is_last(layout, c));
        if (colored)
            buf_add_text(out, "\033[0m");
    }
    if (layout->rows->errors && outcome->error) {
        buf_add_text(out, ": ");
        text_visible(out, outcome->error, strlen(outcome->error));
    }
    buf_add_char(out, '\n');
}

void report_rows_add(struct buf *out, const struct report *report, const struct report_style *style,
                     const struct report_rows *rows)
{
    struct layout layout = {.report = report, .style = style, .rows = rows};
    fit(&layout);
    if (rows->heading)
        add_heading(out, &layout);
    for (size_t row = 0; row < rows->count; row++)
        add_row(out, &layout, index_of(&layout, row));
    empty_cell(&layout);
    out->failed |= layout.lost;
    buf_free(&layout.cell);
}
