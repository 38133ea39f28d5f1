#include "protocol/listing.h"

#include "aws/ssm.h"

enum { FIRST_PAUSE_MS = 50, LONGEST_PAUSE_MS = 800 };

/*
 * One listing in place of the one before. `whole`: it began when the own session was visible, which stands on
 * its first page.
 */
static bool list(struct aws_client *ssm, const char *instance_id, const char *self_id, struct listing *out,
                 bool *whole, struct err *err)
{
    size_t first_page = 0;
    session_list_free(&out->sessions);
    if (!ssm_list_sessions(ssm, instance_id, &out->sessions, &first_page, err))
        return false;
    const struct session *self = self_id ? session_list_find(&out->sessions, self_id) : NULL;
    out->passes++;
    out->self_listed = self != NULL;
    *whole = self && (size_t)(self - out->sessions.sessions) < first_page;
    trace_say(ssm->session->io->trace, "listed %zu sessions%s", out->sessions.count,
              !self_id ? ""
              : self   ? ", the own one among them"
                       : ", the own one not yet among them");
    return true;
}

/*
 * Lists again, with growing pauses, until the own session is listed. The last listing begins when the time
 * for that is over, however long those before it took: a session that is visible by then is seen.
 */
static bool wait_for_self(struct aws_client *ssm, const char *instance_id, const char *self_id,
                          struct listing *out, bool *whole, struct err *err)
{
    const struct aws_io *io = ssm->session->io;
    int64_t time_ms = aws_io_left_ms(io) / 2; /* the other half is for acting */
    if (time_ms > LISTING_SETTLE_MS)
        time_ms = LISTING_SETTLE_MS;
    int64_t end_ms = clock_mono_ms(io->clock) + time_ms;
    bool last = false;
    for (int64_t pause_ms = FIRST_PAUSE_MS; !out->self_listed && !last; pause_ms *= 2) {
        int64_t left_ms = end_ms - clock_mono_ms(io->clock);
        if (pause_ms > LONGEST_PAUSE_MS)
            pause_ms = LONGEST_PAUSE_MS;
        last = pause_ms >= left_ms;
        clock_sleep_ms(io->clock, last ? left_ms : pause_ms);
        if (!list(ssm, instance_id, self_id, out, whole, err))
            return false;
    }
    return true;
}

bool listing_settle(struct aws_client *ssm, const char *instance_id, const char *self_id, struct listing *out,
                    struct err *err)
{
    bool whole = false;
    *out = (struct listing){0};
    if (!list(ssm, instance_id, self_id, out, &whole, err))
        return false;
    if (self_id && !wait_for_self(ssm, instance_id, self_id, out, &whole, err))
        return false;
    if (out->self_listed && !whole && !list(ssm, instance_id, self_id, out, &whole, err))
        return false;
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
