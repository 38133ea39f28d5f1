#define _GNU_SOURCE 1 /* strcasestr */
#include "script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *host_of(const char *url)
{
    return strstr(url, "://") + 3;
}

/* The operation that a request names: a JSON target, a Query action, or its method and path. */
static bool is_operation(const struct http_request *request, const char *what)
{
    struct buf wanted = {0};
    bool found = false;
    buf_addf(&wanted, "X-Amz-Target: AmazonSSM.%s", what);
    for (size_t i = 0; i < request->header_count; i++)
        found = found || strcmp(request->headers[i], wanted.data) == 0;
    buf_reset(&wanted);
    buf_addf(&wanted, "Action=%s&", what);
    found = found || (request->body && memmem(request->body, request->body_len, wanted.data, wanted.len));
    found = found || strstr(request->url, what);
    buf_free(&wanted);
    return found;
}

static struct script_step *next_step(struct script *script, const struct http_request *request)
{
    const char *host = host_of(request->url);
    for (size_t i = 0; i < script->count; i++) {
        struct script_step *step = &script->steps[i];
        if (step->used || strncmp(step->host, host, strlen(step->host)) != 0)
            continue;
        if (!is_operation(request, step->what))
            fail_msg("'%s' was expected of %s, and this came: %s %.*s", step->what, step->host, request->url,
                     (int)request->body_len, request->body ? (const char *)request->body : "");
        return step;
    }
    fail_msg("nothing was expected of %s, and this came: %.*s", request->url, (int)request->body_len,
             request->body ? (const char *)request->body : "");
    return NULL;
}

static void perform(void *ctx, const struct http_request *requests, struct http_reply *replies, size_t count)
{
    struct script *script = ctx;
    for (size_t i = 0; i < count; i++) {
        struct script_step *step = next_step(script, &requests[i]);
        struct buf came = {0};
        step->used = true;
        step->batch = script->batches;
        buf_add(&came, requests[i].body ? requests[i].body : "", requests[i].body_len);
        step->request = buf_take(&came);
        replies[i].status = step->status;
        buf_add_text(&replies[i].body, step->body);
    }
    script->batches++;
    script->fake.mono_ms += 50;
}

static void connect(void *ctx, const char *url, size_t count)
{
    (void)ctx;
    (void)url;
    (void)count;
}

void script_start(struct script *script, const char *regions)
{
    struct err err = {0};
    memset(script, 0, sizeof *script);
    fake_start(&script->fake);
    script->http = (struct http){.ctx = script, .perform = perform, .connect = connect};
    script->fake.io.http = &script->http;
    struct account_options options = {.regions = regions, .timeout_ms = 5000};
    assert_true(account_regions(&script->account, &options, &script->fake.io, &err));
    script->account.session.credentials.access_key = text_dup("AKID");
    script->account.session.credentials.secret_key = text_dup("secret");
    script->account.identity.account = text_dup("123456789012");
    script->account.identity.arn = text_dup("arn:aws:iam::123456789012:user/admin");
}

struct script_step *script_expect(struct script *script, const char *host, const char *what, int status,
                                  const char *body)
{
    assert_true(script->count < SCRIPT_MAX);
    struct script_step *step = &script->steps[script->count++];
    *step = (struct script_step){.host = host, .what = what, .status = status, .body = text_dup(body)};
    return step;
}

void script_end(struct script *script)
{
    for (size_t i = 0; i < script->count; i++) {
        if (!script->steps[i].used)
            fail_msg("'%s' was expected of %s and never came", script->steps[i].what, script->steps[i].host);
        free(script->steps[i].body);
        free(script->steps[i].request);
    }
    account_close(&script->account);
    fake_end(&script->fake);
}
