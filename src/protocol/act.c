#include "protocol/act.h"

#include <stdlib.h>
#include <string.h>

#include "aws/ssm.h"

enum { FIRST_PAUSE_MS = 50, LONGEST_PAUSE_MS = 800 };

enum {
    BATCH = 16,       /* so many go out before the next look at what is left: two rounds of all connections */
    FIRST_BATCH = 18, /* and at first two more, which the open connection carries while the others open */
    HASTY_TRIES = 2,  /* of a call, before the sessions are listed again */
    LAST_ROUND_MS = 2500, /* with less time than this left, calls are tried to the end */
    FIRST_BACKOFF_MS = 200,
    LONGEST_BACKOFF_MS = 2000
};

/* What act_on_others works on. */
struct work {
    struct aws_client ssm; /* with its own number of tries */
    const char *instance_id;
    const struct session_list *sessions;
    struct outcomes *outcomes;
    size_t *due; /* indices of sessions that are still to go */
    size_t due_count;
    bool crowded; /* a call of the last batch was throttled, or had no answer */
    size_t batch;
    const char *ids[FIRST_BATCH];
    struct err errs[FIRST_BATCH];
};

static bool may_pass(enum err_code code)
{
    return code == ERR_THROTTLED || code == ERR_TIMEOUT || code == ERR_NETWORK || code == ERR_SERVER;
}

/* Terminates the first of those due; where another try is to come, those whose failure may pass stay due. */
static void terminate_batch(struct work *work)
{
    size_t kept = 0, count = work->due_count < work->batch ? work->due_count : work->batch;
    for (size_t i = 0; i < count; i++) {
        work->ids[i] = work->sessions->sessions[work->due[i]].id;
        err_clear(&work->errs[i]);
    }
    ssm_terminate_sessions(&work->ssm, work->ids, work->errs, count);
    work->crowded = false;
    for (size_t i = 0; i < count; i++) {
        outcomes_record(work->outcomes, work->due[i], &work->errs[i]);
        if (!work->ssm.tries_max || !may_pass(work->errs[i].code))
            continue;
        work->due[kept++] = work->due[i];
        work->crowded = true;
    }
    memmove(work->due + kept, work->due + count, (work->due_count - count) * sizeof *work->due);
    work->due_count -= count - kept;
    work->batch = BATCH;
}

/* Those that a new listing no longer counts have gone. A listing that fails tells nothing, and changes
 * nothing. */
static void drop_gone(struct work *work)
{
    struct session_list now = {0};
    struct err err = {0}, none = {0};
    size_t kept = 0;
    if (ssm_list_sessions(&work->ssm, work->instance_id, &now, NULL, &err)) {
        for (size_t i = 0; i < work->due_count; i++) {
            const struct session *session =
                session_list_find(&now, work->sessions->sessions[work->due[i]].id);
            if (session && session_is_live(session))
                work->due[kept++] = work->due[i];
            else
                outcomes_record(work->outcomes, work->due[i], &none);
        }
        work->due_count = kept;
    }
    session_list_free(&now);
}

/* Waits, longer from time to time, and looks which are left. False: no time is left for that. */
static bool breathe(struct work *work, int64_t *backoff_ms)
{
    const struct aws_io *io = work->ssm.session->io;
    int64_t pause_ms = 1 + clock_jitter_ms(io->clock, *backoff_ms - 1);
    if (aws_io_left_ms(io) < LAST_ROUND_MS + pause_ms)
        return false;
    clock_sleep_ms(io->clock, pause_ms);
    *backoff_ms = *backoff_ms * 2 < LONGEST_BACKOFF_MS ? *backoff_ms * 2 : LONGEST_BACKOFF_MS;
    drop_gone(work);
    return true;
}

/*
 * Collects what is due, from a random place on: where many runs end the same sessions at once, each begins
 * elsewhere, and finds the others' share done when it looks again.
 */
static void collect_due(struct work *work, const char *self_id)
{
    size_t count = work->sessions->count;
    size_t from = count ? work->ssm.session->io->clock->random(work->ssm.session->io->clock->ctx) % count : 0;
    for (size_t n = 0; n < count; n++) {
        size_t i = (from + n) % count;
        bool own = self_id && strcmp(work->sessions->sessions[i].id, self_id) == 0;
        if (work->outcomes->items[i].code == OUTCOME_WOULD_TERMINATE && !own)
            work->due[work->due_count++] = i;
    }
}

bool act_on_others(struct aws_client *ssm, const char *instance_id, const struct session_list *sessions,
                   const char *self_id, struct outcomes *outcomes, struct err *err)
{
    size_t due = outcomes_tally(outcomes, OUTCOME_WOULD_TERMINATE);
    if (!due)
        return true;
    struct work *work = calloc(1, sizeof *work);
    if (!work)
        return err_nomem(err);
    *work = (struct work){.ssm = *ssm,
                          .instance_id = instance_id,
                          .sessions = sessions,
                          .outcomes = outcomes,
                          .batch = FIRST_BATCH};
    work->ssm.tries_max = HASTY_TRIES;
    work->due = calloc(due, sizeof *work->due);
    bool ok = work->due != NULL;
    int64_t backoff_ms = FIRST_BACKOFF_MS;
    if (!ok) {
        err_nomem(err);
        goto out;
    }
    collect_due(work, self_id);
    while (work->due_count && !(work->crowded && !breathe(work, &backoff_ms)))
        terminate_batch(work);
    /* Little time is left: one more look, and one more try that lasts as long as the time does. */
    if (work->due_count)
        drop_gone(work);
    work->ssm.tries_max = 0;
    while (work->due_count)
        terminate_batch(work);
out:
    free(work->due);
    free(work);
    return ok;
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
