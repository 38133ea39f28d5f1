#include "net/http.h"

#include <stdlib.h>

#include "net/batch.h"
#include "net/fault.h"
#include "net/lane.h"
#include "net/transfer.h"
#include "net/trust.h"

enum {
    POLL_MS = 1000,
    POLL_QUEUED_MS = 20 /* while requests wait, for their deadlines */
};

struct transport {
    struct http_config config;
    struct trust *trust;
    struct transfers *transfers;
    struct lane *lanes;
    struct batch batch;
};

static const char *const method_names[] = {
    [HTTP_GET] = "GET", [HTTP_PUT] = "PUT", [HTTP_POST] = "POST", [HTTP_HEAD] = "HEAD"};

/* ---- what became of transfers ---- */

static void warm_up_done(struct transport *transport, const struct transfer_end *end)
{
    end->lane->opening--;
    if (end->taken) {
        end->lane->idle++;
    } else if (end->fault.kind == FAULT_NONE) {
        end->lane->warm++;
    } else {
        struct err err;
        fault_explain(&end->fault, &err);
        trace_say(transport->config.trace, "in advance: %s", err.message);
    }
}

static void request_done(struct transport *transport, const struct transfer_end *end)
{
    const struct trace *trace = transport->config.trace;
    const char *method = method_names[end->request->method];
    struct http_reply *reply = end->reply;
    if (end->fault.kind == FAULT_NONE) {
        trace_say(trace, "%s %s -> %d in %lld ms", method, end->lane->host, reply->status,
                  (long long)end->time_ms);
    } else {
        fault_explain(&end->fault, &reply->err);
        trace_say(trace, "%s %s: %s", method, end->lane->host, reply->err.message);
    }
    end->lane->busy--;
    if (end->kept)
        end->lane->idle++;
    batch_conclude(&transport->batch, reply);
}

static void done(void *ctx, const struct transfer_end *end)
{
    struct transport *transport = ctx;
    if (end->opened)
        trace_say(transport->config.trace, "connected to %s in %lld ms (%s)", end->lane->host,
                  (long long)end->connect_ms, end->tls_version ? end->tls_version : "no TLS");
    if (end->request)
        request_done(transport, end);
    else
        warm_up_done(transport, end);
}

/* ---- what the batch asks for ---- */

static bool start(void *ctx, struct lane *lane, enum lane_way way, const struct http_request *request,
                  struct http_reply *reply, int64_t timeout_ms)
{
    struct transport *transport = ctx;
    return transfers_request(transport->transfers, lane, way, request, reply, timeout_ms);
}

static void give_up(void *ctx, struct lane *lane)
{
    struct transport *transport = ctx;
    transfers_give_up(transport->transfers, lane);
}

/* ---- struct http ---- */

static void transport_perform(void *ctx, const struct http_request *requests, struct http_reply *replies,
                              size_t count)
{
    struct transport *transport = ctx;
    struct batch *batch = &transport->batch;
    if (!batch_begin(batch, requests, replies, count))
        return;
    while (batch->left > 0) {
        batch_schedule(batch);
        if (batch->left > 0 && !transfers_work(transport->transfers))
            transfers_wait(transport->transfers, batch->queued > 0 ? POLL_QUEUED_MS : POLL_MS);
    }
    batch_end(batch);
}

static void transport_connect(void *ctx, const char *url, size_t count)
{
    struct transport *transport = ctx;
    bool nomem;
    struct lane *lane = lane_find(&transport->lanes, url, false, &nomem);
    if (!lane)
        return;
    for (unsigned missing = lane_missing(lane, count); missing > 0; missing--) {
        if (!transfers_warm_up(transport->transfers, lane, url))
            break;
        lane->opening++;
    }
    (void)transfers_work(transport->transfers); /* the first packets leave now */
}

static void transport_free(struct transport *transport)
{
    transfers_close(transport->transfers);
    trust_free(transport->trust);
    lanes_free(&transport->lanes);
    free(transport);
}

bool http_open(struct http *out, const struct http_config *config, struct err *err)
{
    struct transport *transport = calloc(1, sizeof *transport);
    if (!transport)
        return err_nomem(err);
    transport->config = *config;
    transport->batch = (struct batch){.clock = config->clock,
                                      .trace = config->trace,
                                      .lanes = &transport->lanes,
                                      .ctx = transport,
                                      .start = start,
                                      .give_up = give_up};
    if (!trust_open(&transport->trust, config->ca_bundle, err) ||
        !transfers_open(&transport->transfers, &transport->config, transport->trust, done, transport, err)) {
        transport_free(transport);
        return false;
    }
    *out = (struct http){.ctx = transport, .perform = transport_perform, .connect = transport_connect};
    return true;
}

void http_close(struct http *http)
{
    if (!http || !http->ctx)
        return;
    transport_free(http->ctx);
    *http = (struct http){0};
}
