/*
 * pages.h - the way through a listing that comes in pages, each naming the next one by a token.
 */
#ifndef AWS_PAGES_H
#define AWS_PAGES_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum { PAGES_MAX = 10000 };

/* Starts as {0}, released by pages_free. */
struct pages {
    struct buf token; /* of the page to ask for next; empty: there is none, or it is the first */
    struct buf seen;  /* hashes of all tokens so far, 8 bytes each */
    unsigned read;    /* pages read so far */
};

/*
 * Counts a page as read and takes the token that it gave; NULL and "" end the listing. ERR_MALFORMED: a token
 * that this listing had before and that so leads round in a circle, one of over 64 KiB, or more than
 * PAGES_MAX pages. `what` names the call ("ssm:DescribeSessions"), `name` the token ("NextToken").
 */
bool pages_turn(struct pages *pages, const char *what, const char *name, const char *token, struct err *err);

/* True if there is a page to ask for after the last one that was read. */
bool pages_more(const struct pages *pages);

void pages_free(struct pages *pages);

#endif
