#include "protocol/listing.h"

#include "aws/ssm.h"

enum { FIRST_PAUSE_MS = 50, LONGEST_PAUSE_MS = 800 };

/* One listing in place of the one before. */
static bool list(struct aws_client *ssm, const char *instance_id, const char *self_id, struct listing *out,
                 struct err *err)
{
    session_list_free(&out->sessions);
    if (!ssm_list_sessions(ssm, instance_id, &out->sessions, err))
        return false;
    out->passes++;
    out->self_listed = self_id && session_list_find(&out->sessions, self_id);
    trace_say(ssm->session->io->trace, "listed %zu sessions%s", out->sessions.count,
              !self_id           ? ""
              : out->self_listed ? ", the own one among them"
                                 : ", the own one not yet among them");
    return true;
}

bool listing_settle(struct aws_client *ssm, const char *instance_id, const char *self_id, struct listing *out,
                    struct err *err)
{
    const struct aws_io *io = ssm->session->io;
    int64_t end_ms = clock_mono_ms(io->clock) + LISTING_SETTLE_MS;
    if (end_ms > io->deadline_ms)
        end_ms = io->deadline_ms;
    *out = (struct listing){0};
    if (!list(ssm, instance_id, self_id, out, err))
        return false;
    for (int64_t pause_ms = FIRST_PAUSE_MS; self_id && !out->self_listed; pause_ms *= 2) {
        if (pause_ms > LONGEST_PAUSE_MS)
            pause_ms = LONGEST_PAUSE_MS;
        if (clock_mono_ms(io->clock) + pause_ms > end_ms)
            break;
        clock_sleep_ms(io->clock, pause_ms);
        if (!list(ssm, instance_id, self_id, out, err))
            return false;
    }
    session_list_sort(&out->sessions);
    return true;
}

void listing_free(struct listing *listing)
{
    if (!listing)
        return;
    session_list_free(&listing->sessions);
    *listing = (struct listing){0};
}
