/*
 * report.h - a run told to a person, to a program, and to an auditor. Pure: from values to text.
 */
#ifndef CORE_REPORT_H
#define CORE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/outcome.h"
#include "core/plan.h"
#include "core/session.h"

/* All borrowed. A run that failed early has what it knows: NULL and 0 for the rest. */
struct report {
    int64_t time_ms;
    const char *region;
    const char *instance_id;
    const char *self_id; /* NULL: the own session is not known */
    bool self_listed;    /* the own session was in the listing */
    bool has_limit;      /* there are rules to hold sessions to (`list` without --max has none) */
    bool notify_only;
    enum plan_order order;
    enum plan_per per;
    int exit_code;
    const struct session_list *sessions; /* in order of session_compare */
    const struct plan *plan;
    const struct outcomes *outcomes;
    const char *error; /* what ended the run, NULL: nothing */
    const char *host;  /* audit record only */
    const char *user;
    int64_t process_id;
};

struct report_style {
    int width; /* columns; 0: no limit */
    bool color;
};

/*
 * Text to a person, made visible, lines ended: within the limit one line, over it one line a group and one a
 * session.
 */
void report_text(struct buf *out, const struct report *report, const struct report_style *style);

/* The table of `list`: verdicts only where report->has_limit. */
void report_table(struct buf *out, const struct report *report, const struct report_style *style);

/* One JSON object and a line end: complete and valid whatever is missing. */
void report_json(struct buf *out, const struct report *report);

/* How far the audit record of a run has come. Starts as {0}. */
struct report_place {
    unsigned part;         /* lines so far */
    size_t group, session; /* the next to go in */
    bool more;             /* not all of it is out */
};

/*
 * The audit record, one line of JSON without its end. What NIST AU-3 asks for: what happened (event, action),
 * when, where (region, instance, host, process), source (own session, local user), outcome, and whose
 * sessions with start and duration, the limit and the count. Only groups over their limit and their sessions
 * stand in it.
 *
 * `max`: bytes that one line of the log takes. A record over that goes out in several lines, each of them a
 * whole object with the same head and `run_id`, numbered by `part`, `more` false in the last: call again with
 * the same `place` while place->more. So no session is left out, however many there are. Texts that are
 * longer than those of Systems Manager are cut at 512 bytes, with "..." behind them; a line is longer than
 * `max` only where one session alone is (texts of control characters, a small `max`).
 */
void report_audit(struct buf *out, const struct report *report, size_t max, struct report_place *place);

/* True if session `index` of the list is the own one. */
bool report_is_self(const struct report *report, size_t index);

/* The group of the own session, NULL where it is not known or not counted. Borrowed. */
const struct plan_group *report_self_group(const struct report *report);

/* A group's name for people ("jane", "role Admin", "all owners"), made visible, appended. */
void report_group_name(struct buf *out, const char *key, enum plan_per per);

#endif
