/*
 * A listing from a service that nobody vouches for. The input is the pages of one DescribeSessions listing,
 * each ended by a line of "---". What comes out is whole or an error.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/ssm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct pages {
    const char *next;
    const char *end;
    int64_t now_ms;
};

/* The next line of "---", with the line end before it; NULL: there is none. */
static const char *find_separator(const char *pos, const char *end)
{
    while (pos < end && (pos = memchr(pos, '\n', (size_t)(end - pos)))) {
        if (end - pos >= 5 && memcmp(pos, "\n---\n", 5) == 0)
            return pos;
        pos++;
    }
    return NULL;
}

/* Answers with the next page; 404 when there is none. */
static void perform(void *ctx, const struct http_request *requests, struct http_reply *replies, size_t count)
{
    struct pages *pages = ctx;
    (void)requests;
    for (size_t i = 0; i < count; i++) {
        size_t left = (size_t)(pages->end - pages->next);
        const char *end = find_separator(pages->next, pages->end);
        size_t len = end ? (size_t)(end - pages->next) : left;
        replies[i].status = left ? 200 : 404;
        buf_add(&replies[i].body, pages->next, len);
        pages->next = end ? end + 5 : pages->end;
    }
}

static int64_t now_ms(void *ctx)
{
    const struct pages *pages = ctx;
    return pages->now_ms;
}

static void sleep_ms(void *ctx, int64_t time_ms)
{
    struct pages *pages = ctx;
    pages->now_ms += time_ms;
}

static uint32_t draw(void *ctx)
{
    (void)ctx;
    return 0;
}

static void check(const struct session_list *list, bool ok, const struct err *err)
{
    if (ok != (err->code == ERR_NONE) || (!ok && !*err->message))
        abort();
    for (size_t i = 0; i < list->count; i++) {
        const struct session *session = &list->sessions[i];
        if (!*session->id || !*session->owner || !*session->target || !*session->status_text ||
            session->start_ms < 0)
            abort();
        if (session_list_find(list, session->id) != session)
            abort();
    }
    for (const char *c = err->message; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pages pages = {.next = (const char *)data, .end = (const char *)data + size};
    struct clock clock = {
        .ctx = &pages, .mono_ms = now_ms, .wall_ms = now_ms, .sleep_ms = sleep_ms, .random = draw};
    struct http http = {.ctx = &pages, .perform = perform};
    struct aws_io io = {.http = &http, .clock = &clock, .deadline_ms = 1000};
    char key[] = "key";
    struct aws_session session = {.io = &io, .credentials = {.access_key = key, .secret_key = key}};
    struct aws_client client = {.session = &session,
                                .endpoint = {.url = "https://ssm", .signing_service = "ssm"}};
    struct session_list list = {0};
    struct err err = {0};
    bool ok = size > 0 && ssm_list_sessions(&client, "i-1", &list, NULL, &err);
    if (size > 0)
        check(&list, ok, &err);
    session_list_free(&list);
    return 0;
}
