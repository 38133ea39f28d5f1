#include "protocol/act.h"

#include <stdlib.h>
#include <string.h>

#include "aws/ssm.h"

enum { FIRST_PAUSE_MS = 50, LONGEST_PAUSE_MS = 800 };

/* So many are asked to go at once: what the errors of one batch take stays small. */
enum { BATCH = 128 };

struct batch {
    const char *ids[BATCH];
    size_t indices[BATCH];
    struct err errs[BATCH];
    size_t count;
};

static void flush(struct batch *batch, struct aws_client *ssm, struct outcomes *outcomes)
{
    memset(batch->errs, 0, batch->count * sizeof batch->errs[0]);
    ssm_terminate_sessions(ssm, batch->ids, batch->errs, batch->count);
    for (size_t i = 0; i < batch->count; i++)
        outcomes_record(outcomes, batch->indices[i], &batch->errs[i]);
    batch->count = 0;
}

bool act_on_others(struct aws_client *ssm, const struct session_list *sessions, const char *self_id,
                   struct outcomes *outcomes, struct err *err)
{
    if (!outcomes_tally(outcomes, OUTCOME_WOULD_TERMINATE))
        return true;
    struct batch *batch = malloc(sizeof *batch);
    if (!batch)
        return err_nomem(err);
    batch->count = 0;
    for (size_t i = 0; i < outcomes->count; i++) {
        const char *id = sessions->sessions[i].id;
        if (outcomes->items[i].code != OUTCOME_WOULD_TERMINATE || (self_id && strcmp(id, self_id) == 0))
            continue;
        batch->ids[batch->count] = id;
        batch->indices[batch->count++] = i;
        if (batch->count == BATCH)
            flush(batch, ssm, outcomes);
    }
    if (batch->count)
        flush(batch, ssm, outcomes);
    free(batch);
    return true;
}

bool act_self_is_due(const struct session_list *sessions, const char *self_id,
                     const struct outcomes *outcomes, size_t *index)
{
    const struct session *self = self_id ? session_list_find(sessions, self_id) : NULL;
    if (!self)
        return false;
    *index = (size_t)(self - sessions->sessions);
    return outcomes->items[*index].code == OUTCOME_WOULD_TERMINATE;
}

void act_on_self(struct aws_client *ssm, const struct session_list *sessions, size_t index,
                 struct outcomes *outcomes)
{
    struct err err = {0};
    ssm_terminate_sessions(ssm, &sessions->sessions[index].id, &err, 1);
    outcomes_record(outcomes, index, &err);
}

/* The index of a terminated session that the new listing still counts, or the count of sessions. */
static size_t find_survivor(const struct session_list *before, const struct session_list *now,
                            const struct outcomes *outcomes)
{
    for (size_t i = 0; i < before->count; i++) {
        if (outcomes->items[i].code != OUTCOME_TERMINATED)
            continue;
        const struct session *session = session_list_find(now, before->sessions[i].id);
        if (session && session_is_live(session))
            return i;
    }
    return before->count;
}

bool act_confirm(struct aws_client *ssm, const char *instance_id, const struct session_list *sessions,
                 struct outcomes *outcomes, struct err *err)
{
    const struct aws_io *io = ssm->session->io;
    if (!outcomes_tally(outcomes, OUTCOME_TERMINATED))
        return true;
    for (int64_t pause_ms = FIRST_PAUSE_MS;; pause_ms *= 2) {
        struct session_list now = {0};
        bool listed = ssm_list_sessions(ssm, instance_id, &now, NULL, err);
        size_t survivor = listed ? find_survivor(sessions, &now, outcomes) : 0;
        session_list_free(&now);
        if (!listed)
            return err_prefix(err, "terminations not confirmed");
        if (survivor == sessions->count)
            return true;
        if (pause_ms > LONGEST_PAUSE_MS)
            pause_ms = LONGEST_PAUSE_MS;
        if (aws_io_left_ms(io) <= pause_ms) {
            err_set(err, ERR_TIMEOUT, "terminated, but still listed as active at the end of --timeout");
            outcomes_record(outcomes, survivor, err);
            return false;
        }
        clock_sleep_ms(io->clock, pause_ms);
    }
}
