/*
 * transfer.h - requests on their way, and connections that are opened in advance. Its other half, transfer.c,
 * is the one file that knows libcurl.
 */
#ifndef NET_TRANSFER_H
#define NET_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/fault.h"
#include "net/http.h"
#include "net/lane.h"
#include "net/trust.h"

/* All transfers of a transport, and the connections that they keep open. */
struct transfers;

/* How a transfer ended. Borrowed for the time of the call that tells it. */
struct transfer_end {
    struct lane *lane;
    const struct http_request *request; /* NULL: a connection was to be opened in advance */
    struct http_reply *reply;
    struct fault fault; /* FAULT_NONE: reply is whole, or the connection is there */
    bool kept;          /* its connection is still open */
    bool opened;        /* it opened a connection */
    bool taken; /* opened in advance and at once used by a request that was under way, in place of an idle one
                 */
    const char *tls_version; /* of that one, NULL: no TLS */
    int64_t connect_ms;      /* to open it */
    int64_t time_ms;         /* of the whole transfer */
};

typedef void transfer_done(void *ctx, const struct transfer_end *end);

/*
 * `done` is called by transfers_work, with ctx. config and trust are borrowed until transfers_close.
 * ERR_NOMEM. The caller releases what comes with transfers_close, which ends what is under way and tells no
 * one.
 */
bool transfers_open(struct transfers **out, const struct http_config *config, struct trust *trust,
                    transfer_done *done, void *ctx, struct err *err);
void transfers_close(struct transfers *transfers);

/*
 * Starts a request, to end within timeout_ms. LANE_WARM: a connection of the lane that was opened in advance
 * is put to use for it. request and reply are borrowed until its end is told. False: no memory.
 */
bool transfers_request(struct transfers *transfers, struct lane *lane, enum lane_way way,
                       const struct http_request *request, struct http_reply *reply, int64_t timeout_ms);

/* Begins to open a connection to url, which is the lane's. False: no memory. */
bool transfers_warm_up(struct transfers *transfers, struct lane *lane, const char *url);

/* Ends one of the lane's warm-ups that are under way; its end is not told. */
void transfers_give_up(struct transfers *transfers, const struct lane *lane);

/* Does all that can be done without waiting. True: something came to its end. */
bool transfers_work(struct transfers *transfers);

/* Waits until there is something to do, at most time_ms. */
void transfers_wait(struct transfers *transfers, int time_ms);

#endif
