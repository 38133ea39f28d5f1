/*
 * listing.h - a listing that may be acted upon.
 */
#ifndef PROTOCOL_LISTING_H
#define PROTOCOL_LISTING_H

#include <stdbool.h>

#include "aws/client.h"
#include "core/session.h"

/* How long in all a run waits for its own session to be listed. */
enum { LISTING_SETTLE_MS = 3000 };

/* Starts as {0}; released by listing_free. */
struct listing {
    struct session_list sessions; /* in the order of session_compare */
    bool self_listed;             /* the own session stands in it, whatever its status */
    unsigned passes;              /* listings made */
};

/*
 * Lists the instance's active sessions. Where the own session is known, lists again with growing pauses until
 * it is in the listing, for LISTING_SETTLE_MS in all and within the deadline; then the last listing stands.
 *
 * Why that is enough however many sessions start at once: of all sessions the one that becomes visible last
 * has a run too, and that run lists after it is visible, so it sees them all. Pages are read one after the
 * other; so an own session that appears on a later page says nothing of the first one, which may have been
 * read before: the listing is then made once more. tests/model/ has the argument checked, and what goes wrong
 * without.
 */
bool listing_settle(struct aws_client *ssm, const char *instance_id, const char *self_id, struct listing *out,
                    struct err *err);
void listing_free(struct listing *listing);

#endif
