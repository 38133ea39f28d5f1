#include "aws/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/timestamp.h"

enum {
    TRY_MAX_MS = 5000,       /* for one try, where the session sets no other */
    TRY_MIN_MS = 300,        /* no further try is begun with less left */
    TRY_SHARE_MIN_MS = 1000, /* half of less is no try worth making */
    CONNECT_MAX_MS = 3000,   /* time for one SYN that is lost */
    BACKOFF_MS = 100,
    BACKOFF_THROTTLED_MS = 200,
    BACKOFF_MAX_MS = 2000,
    SKEW_MIN_MS = 4 * 60 * 1000, /* a signature holds for 5 minutes */
    SKEW_CORRECTIONS_MAX = 4
};

/* The calls of one aws_call_all that have no outcome yet, and the arrays of a round of tries. */
struct batch {
    struct aws_client *client;
    struct aws_session *session;
    const struct aws_call *calls;
    struct aws_result *results;
    size_t *pending; /* indexes into calls */
    size_t pending_count;
    struct http_request *requests;
    struct http_signer *signers;
    struct http_reply *replies;
    char **urls;
    unsigned tries;
    unsigned mended;               /* of them, those whose calls failed for a reason that is mended now */
    int64_t signed_skew_ms;        /* the skew that this round was signed with */
    unsigned had_skew_corrections; /* before this round */
    bool was_refreshed;
    bool is_fresh; /* the credentials were fetched afresh in this round */
};

enum verdict { IS_FINAL, AGAIN_NOW, AGAIN_LATER };

static struct aws_client *client_of(const struct batch *batch, size_t call)
{
    return batch->calls[call].client ? batch->calls[call].client : batch->client;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Plain http is for endpoints that were given, and for nothing else. */
static bool check_endpoint(const struct endpoint *endpoint, struct err *err)
{
    if (starts_with(endpoint->url, "https://") || (endpoint->given && starts_with(endpoint->url, "http://")))
        return true;
    return err_set(err, ERR_CONFIG, "endpoint `%s` refused: it is not https", endpoint->url);
}

/* ---- one round ---- */

/* A session without a time-out of its own gives a try half of what is left, so that one that hangs leaves
 * time for another, of its own call and of those that went out beside it. */
static int64_t try_timeout_ms(const struct aws_session *session, int64_t left_ms)
{
    int64_t timeout_ms = session->call_timeout_ms;
    if (timeout_ms <= 0) {
        timeout_ms = left_ms / 2 > TRY_SHARE_MIN_MS ? left_ms / 2 : TRY_SHARE_MIN_MS;
        if (timeout_ms > TRY_MAX_MS)
            timeout_ms = TRY_MAX_MS;
    }
    return timeout_ms < left_ms ? timeout_ms : left_ms;
}

static char *url_of(const struct endpoint *endpoint, const char *path)
{
    struct buf url = {0};
    buf_add_text(&url, endpoint->url);
    buf_add_text(&url, path && *path ? path : "/");
    return buf_take(&url);
}

/* Fills request `slot` of the round for the call; signed anew each time, for the clock and the keys may have
 * changed. */
static bool prepare(struct batch *batch, size_t slot, int64_t left_ms)
{
    const struct aws_session *session = batch->session;
    const struct aws_call *call = &batch->calls[batch->pending[slot]];
    const struct endpoint *endpoint = &client_of(batch, batch->pending[slot])->endpoint;
    int64_t timeout_ms = try_timeout_ms(session, left_ms);
    free(batch->urls[slot]);
    batch->urls[slot] = url_of(endpoint, call->path);
    if (!batch->urls[slot])
        return false;
    batch->signers[slot] = (struct http_signer){
        .access_key = session->credentials.access_key,
        .secret_key = session->credentials.secret_key,
        .session_token = session->credentials.session_token,
        .region = endpoint->signing_region,
        .service = endpoint->signing_service,
        .time_ms = clock_wall_ms(session->io->clock) + session->skew_ms,
    };
    batch->requests[slot] = (struct http_request){
        .method = call->method,
        .url = batch->urls[slot],
        .headers = call->headers,
        .header_count = call->header_count,
        .body = call->body,
        .body_len = call->body_len,
        .signer = call->unsigned_call ? NULL : &batch->signers[slot],
        .connect_timeout_ms = timeout_ms < CONNECT_MAX_MS ? timeout_ms : CONNECT_MAX_MS,
        .timeout_ms = timeout_ms,
        .total_timeout_ms = left_ms,
        .secret = call->secret,
    };
    batch->replies[slot] = (struct http_reply){0};
    return true;
}

/* Sends all pending calls and moves their replies into the results. False: out of memory, nothing was sent.
 */
static bool send_round(struct batch *batch, int64_t left_ms)
{
    const struct http *http = batch->session->io->http;
    batch->signed_skew_ms = batch->session->skew_ms;
    batch->had_skew_corrections = batch->session->skew_corrections;
    batch->was_refreshed = batch->session->refreshed;
    batch->tries++;
    for (size_t slot = 0; slot < batch->pending_count; slot++)
        if (!prepare(batch, slot, left_ms))
            return false;
    http->perform(http->ctx, batch->requests, batch->replies, batch->pending_count);
    for (size_t slot = 0; slot < batch->pending_count; slot++) {
        struct http_reply *reply = &batch->results[batch->pending[slot]].reply;
        http_reply_free(reply);
        *reply = batch->replies[slot];
    }
    return true;
}

/* ---- outcomes ---- */

/* True if a refusal with this code may come from a wrong clock: the SDKs' lists of definite and possible
 * skew. */
static bool may_be_skew(const struct err *err)
{
    static const char *const codes[] = {"InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure",
                                        "RequestExpired"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(err->service_code, codes[i]) == 0)
            return true;
    return false;
}

/* Learns the clock's skew from a reply that complains of it. */
static enum verdict judge_skew(struct batch *batch, struct aws_result *result)
{
    struct aws_session *session = batch->session;
    struct buf date = {0};
    char difference[TIMESTAMP_MAX];
    int64_t server_ms = 0;
    int64_t wall_ms = clock_wall_ms(session->io->clock);
    bool known =
        http_reply_header(&result->reply, "Date", &date) && timestamp_from_http(buf_text(&date), &server_ms);
    int64_t off_ms = known ? server_ms - (wall_ms + batch->signed_skew_ms) : 0;
    bool far_off = off_ms > SKEW_MIN_MS || off_ms < -SKEW_MIN_MS;
    buf_free(&date);
    if (result->err.code != ERR_SKEW && !(may_be_skew(&result->err) && far_off))
        return IS_FINAL;
    result->err.code = ERR_SKEW;
    unsigned had = batch->had_skew_corrections;
    if (known && (had == 0 || (far_off && had < SKEW_CORRECTIONS_MAX))) {
        if (session->skew_corrections == had)
            trace_say(session->io->trace, "the local clock is %lld ms off the service's: corrected",
                      (long long)off_ms);
        session->skew_ms = server_ms - wall_ms;
        session->skew_corrections = had + 1; /* once a round, however many calls complain */
        return AGAIN_NOW;
    }
    if (far_off) {
        timestamp_age(off_ms < 0 ? -off_ms : off_ms, difference);
        err_prefix(&result->err, "the clock is %s %s the service's: set it", difference,
                   off_ms < 0 ? "ahead of" : "behind");
    }
    return IS_FINAL;
}

/* Fetches fresh credentials, once a run. */
static enum verdict judge_expired(struct batch *batch, struct aws_result *result)
{
    struct aws_session *session = batch->session;
    struct credentials fresh = {0};
    struct err err = {0};
    if (!session->refresh || batch->was_refreshed)
        return IS_FINAL;
    if (!session->refreshed) {
        session->refreshed = true;
        batch->is_fresh = session->refresh(session->refresh_ctx, &fresh, &err);
        if (batch->is_fresh) {
            credentials_free(&session->credentials);
            session->credentials = fresh;
            trace_say(session->io->trace, "the credentials were refused: fetched afresh");
        } else {
            credentials_free(&fresh);
            err_prefix(&result->err, "no fresh credentials (%s)", err.message);
        }
    }
    return batch->is_fresh ? AGAIN_NOW : IS_FINAL;
}

/* Sets the result's err from its reply, and says whether the call is to be tried again. */
static enum verdict judge(struct batch *batch, size_t call)
{
    struct aws_result *result = &batch->results[call];
    const struct aws_session *session = batch->session;
    const char *service = client_of(batch, call)->endpoint.signing_service;
    enum verdict verdict = IS_FINAL;
    err_clear(&result->err);
    if (result->reply.err.code != ERR_NONE) {
        result->err = result->reply.err;
        err_prefix(&result->err, "%s:%s", service, batch->calls[call].action);
    } else if (result->reply.status < 200 || result->reply.status > 299) {
        aws_reply_error(&result->reply, service, batch->calls[call].action, &session->credentials,
                        &result->err);
        verdict = judge_skew(batch, result);
    }
    if (verdict == IS_FINAL && result->err.code == ERR_EXPIRED)
        verdict = judge_expired(batch, result);
    switch (result->err.code) {
    case ERR_NETWORK:
    case ERR_TIMEOUT:
    case ERR_THROTTLED:
    case ERR_SERVER:
        return AGAIN_LATER;
    default:
        return verdict;
    }
}

/* Judges the round, keeps as pending what is to be tried again, and tells how long to wait before that. */
static int64_t judge_round(struct batch *batch)
{
    size_t kept = 0;
    bool later = false;
    int64_t most_ms = BACKOFF_MS;
    for (size_t slot = 0; slot < batch->pending_count; slot++) {
        size_t call = batch->pending[slot];
        enum verdict verdict = judge(batch, call);
        if (verdict == IS_FINAL)
            continue;
        later = later || verdict == AGAIN_LATER;
        if (batch->results[call].err.code == ERR_THROTTLED)
            most_ms = BACKOFF_THROTTLED_MS;
        batch->pending[kept++] = call;
    }
    batch->pending_count = kept;
    if (!later) {
        batch->mended++;
        return 0;
    }
    for (unsigned i = 1; i < batch->tries && most_ms < BACKOFF_MAX_MS; i++)
        most_ms *= 2;
    if (most_ms > BACKOFF_MAX_MS)
        most_ms = BACKOFF_MAX_MS;
    return 1 + clock_jitter_ms(batch->session->io->clock, most_ms - 1);
}

/* The caller wants no more tries: the last refusal stands. */
static bool is_enough(const struct batch *batch)
{
    return batch->client->tries_max && batch->tries - batch->mended >= batch->client->tries_max;
}

/* The deadline is over for a call that still hoped: says so, what failed last, and how often it was tried. */
static void give_up(const struct batch *batch, struct err *err)
{
    const char *what = err->code == ERR_THROTTLED ? "throttled past"
                       : err->code == ERR_TIMEOUT ? "no answer within"
                       : err->code == ERR_NETWORK ? "no connection within"
                                                  : "failing past";
    char whole[sizeof err->message];
    char length[48] = "";
    int64_t timeout_ms = batch->session->io->timeout_ms;
    if (timeout_ms > 0 && timeout_ms % 1000 == 0)
        (void)snprintf(length, sizeof length, " of %lld s", (long long)(timeout_ms / 1000));
    else if (timeout_ms > 0)
        (void)snprintf(length, sizeof length, " of %lld ms", (long long)timeout_ms);
    (void)snprintf(whole, sizeof whole, "%s the deadline%s: %.900s (%u %s)", what, length, err->message,
                   batch->tries, batch->tries == 1 ? "try" : "tries");
    memcpy(err->message, whole, sizeof whole);
}

/* Says of the calls that are still pending why they have no outcome. */
static void end_pending(struct batch *batch, bool enough_memory)
{
    for (size_t slot = 0; slot < batch->pending_count; slot++) {
        size_t call = batch->pending[slot];
        struct err *err = &batch->results[call].err;
        if (!enough_memory)
            err_nomem(err);
        else if (batch->tries > 0 && !is_enough(batch))
            give_up(batch, err);
        else if (batch->tries > 0)
            continue;
        else
            err_set(err, ERR_TIMEOUT, "the deadline is over: %s:%s was not tried",
                    client_of(batch, call)->endpoint.signing_service, batch->calls[call].action);
    }
}

/* Waits before the next round, but no longer than leaves time for it. */
static void pause_for(const struct batch *batch, int64_t time_ms, int64_t left_ms)
{
    const struct aws_io *io = batch->session->io;
    if (time_ms > left_ms - TRY_MIN_MS)
        time_ms = left_ms - TRY_MIN_MS;
    for (size_t slot = 0; slot < batch->pending_count; slot++)
        trace_say(io->trace, "again in %lld ms: %s", (long long)time_ms,
                  batch->results[batch->pending[slot]].err.message);
    if (time_ms > 0)
        clock_sleep_ms(io->clock, time_ms);
}

/* Tries the pending calls until each has its outcome or the deadline leaves no time for another round. */
static void run(struct batch *batch)
{
    const struct aws_io *io = batch->session->io;
    bool enough_memory = true;
    int64_t left_ms = aws_io_left_ms(io);
    while (batch->pending_count > 0 && left_ms > 0) {
        enough_memory = send_round(batch, left_ms);
        if (!enough_memory)
            break;
        int64_t backoff_ms = judge_round(batch);
        left_ms = aws_io_left_ms(io);
        if (batch->pending_count == 0 || left_ms <= TRY_MIN_MS || is_enough(batch))
            break;
        pause_for(batch, backoff_ms, left_ms);
        left_ms = aws_io_left_ms(io);
    }
    end_pending(batch, enough_memory);
}

static bool allocate(struct batch *batch, size_t count)
{
    batch->pending = calloc(count, sizeof *batch->pending);
    batch->requests = calloc(count, sizeof *batch->requests);
    batch->signers = calloc(count, sizeof *batch->signers);
    batch->replies = calloc(count, sizeof *batch->replies);
    batch->urls = calloc(count, sizeof *batch->urls);
    return batch->pending && batch->requests && batch->signers && batch->replies && batch->urls;
}

static void release(struct batch *batch, size_t count)
{
    for (size_t i = 0; batch->urls && i < count; i++)
        free(batch->urls[i]);
    free((void *)batch->urls);
    free(batch->replies);
    free(batch->signers);
    free(batch->requests);
    free(batch->pending);
}

bool aws_call_all(struct aws_client *client, const struct aws_call *calls, struct aws_result *results,
                  size_t count)
{
    struct batch batch = {.client = client, .session = client->session, .calls = calls, .results = results};
    bool ok = true;
    if (count == 0)
        return true;
    bool enough = allocate(&batch, count);
    for (size_t i = 0; i < count; i++) {
        if (!enough)
            err_nomem(&results[i].err);
        else if (check_endpoint(&client_of(&batch, i)->endpoint, &results[i].err))
            batch.pending[batch.pending_count++] = i;
    }
    run(&batch);
    for (size_t i = 0; i < count; i++)
        ok = ok && results[i].err.code == ERR_NONE;
    release(&batch, count);
    return ok;
}

bool aws_call_one(struct aws_client *client, const struct aws_call *call, struct http_reply *out,
                  struct err *err)
{
    struct aws_result result = {0};
    bool ok = aws_call_all(client, call, &result, 1);
    *out = result.reply;
    *err = result.err;
    return ok;
}
