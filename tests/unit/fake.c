#define _GNU_SOURCE 1 /* memmem */
#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

static int64_t fake_mono(void *ctx)
{
    const struct fake *fake = ctx;
    return fake->mono_ms;
}

static int64_t fake_wall(void *ctx)
{
    const struct fake *fake = ctx;
    return fake->wall_ms;
}

static void pass(struct fake *fake, int64_t time_ms)
{
    fake->mono_ms += time_ms;
    fake->wall_ms += time_ms;
}

static void fake_sleep(void *ctx, int64_t time_ms)
{
    struct fake *fake = ctx;
    if (time_ms <= 0)
        return;
    pass(fake, time_ms);
    fake->slept_ms += time_ms;
    fake->sleeps++;
}

static uint32_t fake_random(void *ctx)
{
    const struct fake *fake = ctx;
    return fake->random;
}

static const char *fake_get(void *ctx, const char *name)
{
    const struct fake *fake = ctx;
    for (size_t i = 0; i < fake->variable_count; i++)
        if (strcmp(fake->names[i], name) == 0)
            return fake->values[i];
    return NULL;
}

static void record(struct fake *fake, const struct http_request *request)
{
    assert_true(fake->request_count < FAKE_REQUESTS_MAX);
    struct fake_request *log = &fake->requests[fake->request_count++];
    struct buf text = {.secret = true};
    for (size_t i = 0; i < request->header_count; i++)
        buf_addf(&text, "%s\n", request->headers[i]);
    *log = (struct fake_request){.method = request->method,
                                 .url = text_dup(request->url),
                                 .at_ms = fake->mono_ms,
                                 .timeout_ms = request->timeout_ms,
                                 .total_timeout_ms = request->total_timeout_ms,
                                 .connect_timeout_ms = request->connect_timeout_ms,
                                 .secret = request->secret,
                                 .direct = request->direct,
                                 .batch = fake->batches};
    log->headers = text_dup(buf_text(&text));
    buf_reset(&text);
    if (request->body)
        buf_add(&text, request->body, request->body_len);
    log->body = text_dup(buf_text(&text));
    if (request->signer) {
        buf_reset(&text);
        buf_addf(&text, "%s/%s", request->signer->region, request->signer->service);
        log->signing = text_dup(buf_text(&text));
        log->access_key = text_dup(request->signer->access_key);
        log->session_token = text_dup(request->signer->session_token);
        log->signed_ms = request->signer->time_ms;
    }
    buf_free(&text);
}

static bool url_fits(const char *pattern, const char *url)
{
    size_t len = strlen(pattern);
    if (len && pattern[len - 1] == '*')
        return strncmp(pattern, url, len - 1) == 0;
    return strcmp(pattern, url) == 0;
}

static bool body_has(const struct http_request *request, const char *text)
{
    return request->body && memmem(request->body, request->body_len, text, strlen(text));
}

static const struct fake_reply *find_reply(struct fake *fake, const struct http_request *request)
{
    for (size_t i = 0; i < fake->reply_count; i++) {
        const struct fake_reply *reply = &fake->replies[i];
        if (reply->method != request->method || !url_fits(reply->url, request->url))
            continue;
        if (reply->body_has && !body_has(request, reply->body_has))
            continue;
        if (reply->times && fake->answered[i] >= reply->times)
            continue;
        fake->answered[i]++;
        return reply;
    }
    fail_msg("no reply for method %d of '%s'", (int)request->method, request->url);
    return NULL;
}

/* Fills the reply; answers how long it took. */
static int64_t answer(const struct fake_reply *script, const struct http_request *request,
                      struct http_reply *out)
{
    out->body.secret = request->secret;
    out->headers.secret = request->secret;
    int64_t timeout_ms = request->timeout_ms;
    if (request->total_timeout_ms && request->total_timeout_ms < timeout_ms)
        timeout_ms = request->total_timeout_ms;
    if (script->takes_ms > timeout_ms) {
        err_set(&out->err, ERR_TIMEOUT, "no answer in %lld ms", (long long)timeout_ms);
        return timeout_ms;
    }
    if (script->error) {
        err_set(&out->err, script->error, "a failure of the script");
        return script->takes_ms;
    }
    out->status = script->status ? script->status : 200;
    if (script->headers)
        buf_add_text(&out->headers, script->headers);
    if (script->body)
        buf_add(&out->body, script->body, script->body_len ? script->body_len : strlen(script->body));
    if (out->headers.failed || out->body.failed)
        err_nomem(&out->err);
    return script->takes_ms;
}

static void fake_perform(void *ctx, const struct http_request *requests, struct http_reply *replies,
                         size_t count)
{
    struct fake *fake = ctx;
    int64_t longest_ms = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(requests[i].timeout_ms > 0);
        record(fake, &requests[i]);
        int64_t took_ms = answer(find_reply(fake, &requests[i]), &requests[i], &replies[i]);
        longest_ms = took_ms > longest_ms ? took_ms : longest_ms;
    }
    pass(fake, longest_ms);
    fake->batches++;
}

static void fake_connect(void *ctx, const char *url, size_t count)
{
    struct fake *fake = ctx;
    (void)url;
    (void)count;
    fake->connects++;
}

void fake_start(struct fake *fake)
{
    memset(fake, 0, sizeof *fake);
    fake->http = (struct http){.ctx = fake, .perform = fake_perform, .connect = fake_connect};
    fake->clock = (struct clock){.ctx = fake,
                                 .mono_ms = fake_mono,
                                 .wall_ms = fake_wall,
                                 .sleep_ms = fake_sleep,
                                 .random = fake_random};
    fake->env = (struct env){.ctx = fake, .get = fake_get};
    fake->mono_ms = FAKE_MONO_MS;
    fake->wall_ms = FAKE_WALL_MS;
    fake->random = 12345;
    fake->io = (struct aws_io){.http = &fake->http,
                               .clock = &fake->clock,
                               .env = &fake->env,
                               .deadline_ms = FAKE_MONO_MS + FAKE_DEADLINE_MS,
                               .timeout_ms = FAKE_DEADLINE_MS};
}

void fake_forget_requests(struct fake *fake)
{
    for (size_t i = 0; i < fake->request_count; i++) {
        struct fake_request *request = &fake->requests[i];
        free(request->url);
        free(request->headers);
        free(request->body);
        free(request->access_key);
        free(request->session_token);
        free(request->signing);
    }
    fake->request_count = 0;
}

void fake_end(struct fake *fake)
{
    fake_forget_requests(fake);
    memset(fake, 0, sizeof *fake);
}

void fake_add(struct fake *fake, struct fake_reply reply)
{
    assert_true(fake->reply_count < FAKE_REPLIES_MAX);
    fake->replies[fake->reply_count++] = reply;
}

void fake_forget(struct fake *fake)
{
    fake->reply_count = 0;
    memset(fake->answered, 0, sizeof fake->answered);
}

void fake_set(struct fake *fake, const char *name, const char *value)
{
    for (size_t i = 0; i < fake->variable_count; i++) {
        if (strcmp(fake->names[i], name) == 0) {
            fake->values[i] = value;
            return;
        }
    }
    assert_true(fake->variable_count < FAKE_VARIABLES_MAX);
    fake->names[fake->variable_count] = name;
    fake->values[fake->variable_count++] = value;
}

const char *fake_header(const struct fake *fake, size_t i, const char *name)
{
    static char value[4096];
    assert_true(i < fake->request_count);
    size_t name_len = strlen(name);
    for (const char *line = fake->requests[i].headers; *line; line = strchr(line, '\n') + 1) {
        if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
            continue;
        line += name_len + 1 + strspn(line + name_len + 1, " ");
        size_t len = strcspn(line, "\n");
        assert_true(len < sizeof value);
        memcpy(value, line, len);
        value[len] = '\0';
        return value;
    }
    return NULL;
}

size_t fake_requests_to(const struct fake *fake, const char *url)
{
    size_t count = 0;
    for (size_t i = 0; i < fake->request_count; i++)
        count += strncmp(fake->requests[i].url, url, strlen(url)) == 0;
    return count;
}
