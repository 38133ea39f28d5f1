/*
 * outcome.h - what became of each listed session: the plan's verdicts carried out.
 */
#ifndef CORE_OUTCOME_H
#define CORE_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "core/plan.h"

enum outcome_code {
    OUTCOME_KEEP,
    OUTCOME_TERMINATED,
    OUTCOME_WOULD_TERMINATE,
    OUTCOME_FAILED,
    OUTCOME_EXEMPT,
    OUTCOME_NOT_COUNTED
};

struct outcome {
    enum outcome_code code;
    char *error;              /* why it failed; else NULL */
    enum err_code error_code; /* likewise; else ERR_NONE */
};

/* One outcome for each session of the list that was planned on. Starts as {0}. */
struct outcomes {
    struct outcome *items;
    size_t count;
};

/* Every session that is to be terminated begins as OUTCOME_WOULD_TERMINATE, until it is. */
bool outcomes_begin(const struct plan *plan, struct outcomes *out, struct err *err);

/* Records the end of a termination: err->code ERR_NONE says it worked. */
void outcomes_record(struct outcomes *outcomes, size_t index, const struct err *err);

size_t outcomes_tally(const struct outcomes *outcomes, enum outcome_code code);

/* "keep", "terminated", ...: the word of the JSON report. */
const char *outcome_name(enum outcome_code code);

void outcomes_free(struct outcomes *outcomes);

#endif
