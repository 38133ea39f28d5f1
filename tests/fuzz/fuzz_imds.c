/*
 * What the instance metadata service answers. The input is the bodies of its replies one after the other,
 * each ended by a line of "---", with the status in the line before each. What comes out is whole or an
 * error.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/credentials.h"
#include "aws/imds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
    const char *next;
    const char *end;
    int64_t now_ms;
};

static const char *find_end(const char *pos, const char *end)
{
    for (; end - pos >= 5; pos++)
        if (memcmp(pos, "\n---\n", 5) == 0)
            return pos;
    return NULL;
}

/* "404\nBODY\n---\n": the next status and body; no answer at all where there is none. */
static void perform(void *ctx, const struct http_request *requests, struct http_reply *replies, size_t count)
{
    struct script *script = ctx;
    (void)requests;
    for (size_t i = 0; i < count; i++) {
        const char *line = memchr(script->next, '\n', (size_t)(script->end - script->next));
        if (!line) {
            err_set(&replies[i].err, ERR_TIMEOUT, "no answer");
            script->now_ms += 1000;
            continue;
        }
        replies[i].status = atoi(script->next);
        const char *end = find_end(line, script->end);
        if (end > line)
            buf_add(&replies[i].body, line + 1, (size_t)(end - line - 1));
        else if (!end)
            buf_add(&replies[i].body, line + 1, (size_t)(script->end - line - 1));
        script->next = end ? end + 5 : script->end;
    }
}

static int64_t now_ms(void *ctx)
{
    const struct script *script = ctx;
    return script->now_ms;
}

static void sleep_ms(void *ctx, int64_t time_ms)
{
    struct script *script = ctx;
    script->now_ms += time_ms;
}

static uint32_t draw(void *ctx)
{
    (void)ctx;
    return 0;
}

static const char *no_variable(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return NULL;
}

static void check(bool ok)
{
    if (!ok)
        abort();
}

/* No name of a role or an instance leads elsewhere or acts on a terminal. */
static void check_name(const char *name)
{
    check(name && *name && strlen(name) <= 64 && !strpbrk(name, "/?#% \x1b\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    check(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    struct script script = {.next = text, .end = text + size};
    struct http http = {.ctx = &script, .perform = perform};
    struct clock clock = {
        .ctx = &script, .mono_ms = now_ms, .wall_ms = now_ms, .sleep_ms = sleep_ms, .random = draw};
    struct env env = {.get = no_variable};
    struct aws_io io = {.http = &http, .clock = &clock, .env = &env, .deadline_ms = 10000};
    struct imds imds = {0};
    struct credentials credentials = {0};
    struct err err = {0};
    if (imds_credentials(&imds, &io, &credentials, &err)) {
        check_name(credentials.role);
        check(*credentials.access_key && *credentials.secret_key &&
              !strpbrk(credentials.secret_key, " \r\n"));
    } else {
        check(err.code != ERR_NONE && !credentials.access_key);
    }
    if (imds_identity(&imds, &io, &err)) {
        check_name(imds.instance_id);
        check_name(imds.region);
    }
    check(script.now_ms <= 10000);
    credentials_free(&credentials);
    imds_free(&imds);
    free(text);
    return 0;
}
