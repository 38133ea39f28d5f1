#include "core/outcome.h"

#include <stdlib.h>

#include "base/buf.h"

bool outcomes_begin(const struct plan *plan, struct outcomes *out, struct err *err)
{
    static const enum outcome_code begin[] = {
        [PLAN_KEEP] = OUTCOME_KEEP,
        [PLAN_TERMINATE] = OUTCOME_WOULD_TERMINATE,
        [PLAN_EXEMPT] = OUTCOME_EXEMPT,
        [PLAN_NOT_COUNTED] = OUTCOME_NOT_COUNTED,
    };
    *out = (struct outcomes){0};
    if (!plan->entry_count)
        return true;
    out->items = calloc(plan->entry_count, sizeof *out->items);
    if (!out->items)
        return err_nomem(err);
    out->count = plan->entry_count;
    for (size_t i = 0; i < out->count; i++)
        out->items[i].code = begin[plan->entries[i].verdict];
    return true;
}

void outcomes_record(struct outcomes *outcomes, size_t index, const struct err *err)
{
    struct outcome *outcome = &outcomes->items[index];
    free(outcome->error);
    outcome->error = err->code == ERR_NONE ? NULL : text_dup(err->message);
    outcome->error_code = err->code;
    outcome->code = err->code == ERR_NONE ? OUTCOME_TERMINATED : OUTCOME_FAILED;
}

size_t outcomes_tally(const struct outcomes *outcomes, enum outcome_code code)
{
    size_t tally = 0;
    for (size_t i = 0; i < outcomes->count; i++)
        tally += outcomes->items[i].code == code;
    return tally;
}

const char *outcome_name(enum outcome_code code)
{
    static const char *const names[] = {
        [OUTCOME_KEEP] = "keep",
        [OUTCOME_TERMINATED] = "terminated",
        [OUTCOME_WOULD_TERMINATE] = "would_terminate",
        [OUTCOME_FAILED] = "failed",
        [OUTCOME_EXEMPT] = "exempt",
        [OUTCOME_NOT_COUNTED] = "not_counted",
    };
    return names[code];
}

void outcomes_free(struct outcomes *outcomes)
{
    if (!outcomes)
        return;
    for (size_t i = 0; i < outcomes->count; i++)
        free(outcomes->items[i].error);
    free(outcomes->items);
    *outcomes = (struct outcomes){0};
}
