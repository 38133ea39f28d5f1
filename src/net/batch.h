/*
 * batch.h - the requests of one perform: in which order and on which connection they go, and how long they
 * wait.
 *
 * Opens and sends nothing itself: what has to be done is asked of the two functions that it is given.
 */
#ifndef NET_BATCH_H
#define NET_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/http.h"
#include "net/lane.h"

struct batch {
    /* Set by the owner, borrowed. */
    const struct clock *clock;
    const struct trace *trace;
    struct lane **lanes;
    void *ctx;
    /* Sends a request, within timeout_ms. LANE_WARM: first puts a connection opened in advance to use. False:
     * no memory. */
    bool (*start)(void *ctx, struct lane *lane, enum lane_way way, const struct http_request *request,
                  struct http_reply *reply, int64_t timeout_ms);
    /* Gives up a connection that is opening in advance; lane->opening is at least 1. */
    void (*give_up)(void *ctx, struct lane *lane);
    /* The batch's own. */
    const struct http_request *requests;
    struct http_reply *replies;
    size_t *links;
    size_t left;   /* requests that have no outcome yet */
    size_t queued; /* those of them that wait */
    int64_t start_ms;
};

/* Queues all requests; those that can't be sent get their error. False: no memory, each reply says so. */
bool batch_begin(struct batch *batch, const struct http_request *requests, struct http_reply *replies,
                 size_t count);

/* Starts what may start and ends what has waited too long. Called again whenever something has changed. */
void batch_schedule(struct batch *batch);

/* A request that was started has its outcome in reply. */
void batch_conclude(struct batch *batch, struct http_reply *reply);

void batch_end(struct batch *batch);

#endif
