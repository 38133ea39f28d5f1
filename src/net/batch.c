#include "net/batch.h"

#include <stdlib.h>
#include <string.h>

#include "net/fault.h"

/* A request that has waited so long for a busy connection opens its own: the one ahead of it may never end.
 */
enum { PATIENCE_MS = 300 };

static int64_t now_ms(const struct batch *batch)
{
    return clock_mono_ms(batch->clock);
}

void batch_conclude(struct batch *batch, struct http_reply *reply)
{
    if (reply->err.code != ERR_NONE) {
        buf_free(&reply->headers);
        buf_free(&reply->body);
        reply->status = 0;
    }
    batch->left--;
}

static bool has_line_end(const char *text)
{
    return text && strpbrk(text, "\r\n");
}

/* What came from elsewhere (a token of the metadata service) must not become a header of its own. */
static bool check_headers(const struct http_request *request, struct err *err)
{
    const struct http_signer *signer = request->signer;
    bool bad = signer && (has_line_end(signer->access_key) || has_line_end(signer->session_token));
    for (size_t i = 0; i < request->header_count; i++)
        bad = bad || has_line_end(request->headers[i]);
    return !bad || err_set(err, ERR_MALFORMED, "a header for '%s' has a line end in it", request->url);
}

static struct lane *find_lane(struct batch *batch, const struct http_request *request, struct err *err)
{
    bool nomem = false;
    if (!check_headers(request, err))
        return NULL;
    struct lane *lane = lane_find(batch->lanes, request->url, request->direct, &nomem);
    if (!lane)
        fault_explain(&(struct fault){.kind = nomem ? FAULT_NOMEM : FAULT_URL, .host = request->url}, err);
    return lane;
}

bool batch_begin(struct batch *batch, const struct http_request *requests, struct http_reply *replies,
                 size_t count)
{
    batch->links = calloc(count ? count : 1, sizeof *batch->links);
    if (!batch->links) {
        for (size_t i = 0; i < count; i++)
            err_nomem(&replies[i].err);
        return false;
    }
    batch->requests = requests;
    batch->replies = replies;
    batch->left = count;
    batch->start_ms = now_ms(batch);
    for (size_t i = 0; i < count; i++) {
        struct lane *lane = find_lane(batch, &requests[i], &replies[i].err);
        if (lane) {
            lane_push(lane, batch->links, i);
            batch->queued++;
        } else {
            batch_conclude(batch, &replies[i]);
        }
    }
    for (struct lane *lane = *batch->lanes; lane; lane = lane->next)
        lane_set_window(lane);
    return true;
}

void batch_end(struct batch *batch)
{
    free(batch->links);
    batch->links = NULL;
}

static size_t take_first(struct batch *batch, struct lane *lane)
{
    batch->queued--;
    return lane_pop(lane, batch->links);
}

/* The first request that waits got no turn or no connection in time. */
static void fail_first(struct batch *batch, struct lane *lane, int64_t time_ms)
{
    struct http_reply *reply = &batch->replies[take_first(batch, lane)];
    fault_explain(&(struct fault){.kind = FAULT_TIMEOUT, .host = lane->host, .timeout_ms = time_ms},
                  &reply->err);
    trace_say(batch->trace, "%s", reply->err.message);
    batch_conclude(batch, reply);
}

static int64_t shorter(int64_t time_ms, int64_t limit_ms)
{
    return limit_ms > 0 && limit_ms < time_ms ? limit_ms : time_ms;
}

/* Requests whose total time is over before their turn came. */
static void expire_turns(struct batch *batch, struct lane *lane)
{
    while (lane->queued > 0) {
        int64_t total_ms = batch->requests[lane->first].total_timeout_ms;
        if (total_ms <= 0 || now_ms(batch) - batch->start_ms < total_ms)
            return;
        fail_first(batch, lane, total_ms);
    }
}

/*
 * Requests that wait for a connection that is opening: they get no more time than if they had opened it
 * themselves, and then it is given up, so that the next try opens its own.
 */
static void expire_openings(struct batch *batch, struct lane *lane)
{
    if (lane->queued == 0 || lane->opening == 0 || lane->wait_start_ms < 0)
        return;
    const struct http_request *first = &batch->requests[lane->first];
    int64_t most_ms = shorter(first->timeout_ms, first->connect_timeout_ms);
    if (now_ms(batch) - lane->wait_start_ms < most_ms)
        return;
    while (lane->opening > 0) {
        batch->give_up(batch->ctx, lane);
        lane->opening--;
        if (lane->queued > 0 && lane->busy == 0)
            fail_first(batch, lane, most_ms);
    }
}

static void start_first(struct batch *batch, struct lane *lane, enum lane_way way)
{
    size_t index = take_first(batch, lane);
    const struct http_request *request = &batch->requests[index];
    struct http_reply *reply = &batch->replies[index];
    int64_t timeout_ms = request->timeout_ms;
    if (request->total_timeout_ms > 0) {
        int64_t left_ms = batch->start_ms + request->total_timeout_ms - now_ms(batch);
        timeout_ms = shorter(timeout_ms, left_ms > 0 ? left_ms : 1);
    }
    if (way == LANE_IDLE)
        lane->idle--;
    else if (way == LANE_WARM)
        lane->warm--;
    if (batch->start(batch->ctx, lane, way, request, reply, timeout_ms)) {
        lane->busy++;
        return;
    }
    err_nomem(&reply->err);
    batch_conclude(batch, reply);
}

void batch_schedule(struct batch *batch)
{
    for (struct lane *lane = *batch->lanes; lane; lane = lane->next) {
        enum lane_way way = LANE_WAIT;
        expire_turns(batch, lane);
        expire_openings(batch, lane);
        if (lane->wait_start_ms >= 0 && now_ms(batch) - lane->wait_start_ms >= PATIENCE_MS)
            lane->window = HTTP_CONNECTIONS_MAX;
        while (lane->queued > 0 && (way = lane_way(lane)) != LANE_WAIT) {
            lane->wait_start_ms = -1;
            start_first(batch, lane, way);
            expire_turns(batch, lane);
        }
        if (lane->queued == 0)
            lane->wait_start_ms = -1;
        else if (lane->wait_start_ms < 0)
            lane->wait_start_ms = now_ms(batch);
    }
}
