/*
 * report_rows.h - sessions one a line, in columns that fit the terminal. Part of the report.
 */
#ifndef CORE_REPORT_ROWS_H
#define CORE_REPORT_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/report.h"

enum report_column { COLUMN_VERDICT, COLUMN_ID, COLUMN_OWNER, COLUMN_STATUS, COLUMN_START, COLUMN_DOCUMENT };

enum { REPORT_COLUMNS_MAX = 6 };

/* What is shown, in this order; the last column is marked "(this session)". */
struct report_rows {
    enum report_column columns[REPORT_COLUMNS_MAX];
    size_t column_count;
    const size_t *indices; /* of the sessions; NULL: all, in the list's order */
    size_t count;
    size_t indent;
    bool heading;
    bool errors; /* why a termination failed stands behind its line */
};

/*
 * Appends the lines. Where they are wider than the style's width, the start loses its date, then its time of
 * day (its age stays), the document goes, an owner is called by its last part, and at last the ids are cut:
 * what tells sessions apart goes last.
 */
void report_rows_add(struct buf *out, const struct report *report, const struct report_style *style,
                     const struct report_rows *rows);

/* What a person calls an outcome: "kept", "terminated". */
const char *report_verdict(const struct report *report, size_t index);

#endif
