/* A document from elsewhere: our lines go in and come out again, and nothing else changes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/diff.h"
#include "core/document.h"
#include "core/policy.h"
#include "core/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds)
        abort();
}

static int is_same(const struct buf *a, const struct buf *b)
{
    return a->len == b->len && memcmp(buf_text(a), buf_text(b), a->len) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct document_lines PUT = {
        .linux_line = "trap '' INT QUIT TSTP; /usr/local/bin/ssm-enforce --max 3; trap - INT QUIT TSTP",
        .windows_line = "& 'C:\\x\\ssm-enforce.exe' --max 3; if (!$?) { exit }"};
    static const struct document_lines TAKE = {0};
    struct buf text = {0}, bare = {0}, once = {0}, twice = {0}, gone = {0}, pretty = {0}, diff = {0};
    struct err err;
    struct profile_found found;
    buf_add(&text, data, size);
    must(profile_find(PROFILE_LINUX, buf_text(&text), text.len, NULL, &found, &err));
    must(profile_find(PROFILE_WINDOWS, buf_text(&text), text.len, "C:\\x\\y.exe", &found, &err));
    (void)policy_same(buf_text(&text), text.len, buf_text(&text), text.len);
    if (document_merge(buf_text(&text), text.len, &PUT, &once, NULL, &err)) {
        must(document_merge(once.data, once.len, &PUT, &twice, NULL, &err));
        must(is_same(&once, &twice));
        must(document_pretty(once.data, once.len, &pretty, &err));
        must(diff_unified("a", pretty.data, "b", buf_text(&text), false, &diff, &err));
        if (document_merge(text.data, text.len, &TAKE, &bare, NULL, &err) && is_same(&bare, &text)) {
            must(document_merge(once.data, once.len, &TAKE, &gone, NULL, &err));
            must(is_same(&gone, &text));
        }
    }
    buf_free(&text);
    buf_free(&bare);
    buf_free(&once);
    buf_free(&twice);
    buf_free(&gone);
    buf_free(&pretty);
    buf_free(&diff);
    return 0;
}
