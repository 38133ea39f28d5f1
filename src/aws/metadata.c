#include "aws/metadata.h"

enum { TRIES_MAX = 3, PAUSE_MS = 100, REPLY_MAX = 64 * 1024 };

static bool is_worth_another_try(const struct http_reply *reply, int tries, int timeout_tries)
{
    switch (reply->err.code) {
    case ERR_NONE:
        return reply->status == 429 || reply->status >= 500;
    case ERR_NETWORK:
    case ERR_MALFORMED:
        return true;
    case ERR_TIMEOUT:
        return tries < timeout_tries;
    default:
        return false;
    }
}

static void ask_once(const struct metadata_request *request, const struct aws_io *io, struct http_reply *out)
{
    int64_t left_ms = aws_io_left_ms(io);
    if (left_ms == 0) {
        err_set(&out->err, ERR_TIMEOUT, "no time is left before the deadline of the run");
        return;
    }
    int64_t timeout_ms = request->timeout_ms < left_ms ? request->timeout_ms : left_ms;
    struct http_request http_request = {.method = request->method,
                                        .url = request->url,
                                        .headers = &request->header,
                                        .header_count = request->header ? 1 : 0,
                                        .connect_timeout_ms = timeout_ms,
                                        .timeout_ms = timeout_ms,
                                        .reply_max = REPLY_MAX,
                                        .secret = true,
                                        .direct = true};
    io->http->perform(io->http->ctx, &http_request, out, 1);
}

bool metadata_ask(const struct metadata_request *request, const struct aws_io *io, struct http_reply *out)
{
    for (int tries = 1;; tries++) {
        ask_once(request, io, out);
        if (!is_worth_another_try(out, tries, request->timeout_tries))
            break;
        int64_t most_ms = (int64_t)PAUSE_MS << tries;
        int64_t pause_ms = most_ms / 2 + clock_jitter_ms(io->clock, most_ms / 2);
        if (tries == TRIES_MAX || aws_io_left_ms(io) <= pause_ms)
            return false;
        trace_say(io->trace, "'%s': %s, try %d of %d in %d ms", request->url,
                  out->err.code ? out->err.message : "asks to come back", tries + 1, TRIES_MAX,
                  (int)pause_ms);
        clock_sleep_ms(io->clock, pause_ms);
        http_reply_free(out);
    }
    return out->err.code == ERR_NONE;
}
