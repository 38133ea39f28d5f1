#include "aws/pages.h"

#include <stdint.h>
#include <string.h>

enum { TOKEN_MAX = 64 * 1024 };

/* FNV-1a of 64 bits. */
static uint64_t hash(const char *text)
{
    uint64_t value = UINT64_C(14695981039346656037);
    for (; *text; text++)
        value = (value ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return value;
}

static bool was_seen(const struct pages *pages, uint64_t mark)
{
    for (size_t at = 0; at < pages->seen.len; at += sizeof mark)
        if (memcmp(pages->seen.data + at, &mark, sizeof mark) == 0)
            return true;
    return false;
}

bool pages_turn(struct pages *pages, const char *what, const char *name, const char *token, struct err *err)
{
    pages->read++;
    buf_reset(&pages->token);
    if (!token || !*token)
        return true;
    uint64_t mark = hash(token);
    if (strlen(token) > TOKEN_MAX)
        return err_set(err, ERR_MALFORMED, "malformed reply of %s: the %s of page %u is too long", what, name,
                       pages->read);
    if (was_seen(pages, mark))
        return err_set(err, ERR_MALFORMED, "malformed reply of %s: the %s of page %u repeats", what, name,
                       pages->read);
    if (pages->read >= PAGES_MAX)
        return err_set(err, ERR_MALFORMED, "malformed reply of %s: more than %d pages", what, PAGES_MAX);
    buf_add(&pages->seen, &mark, sizeof mark);
    buf_add_text(&pages->token, token);
    return buf_ok(&pages->seen, "a list of tokens", err) && buf_ok(&pages->token, "a token", err);
}

bool pages_more(const struct pages *pages)
{
    return pages->token.len > 0;
}

void pages_free(struct pages *pages)
{
    if (!pages)
        return;
    buf_free(&pages->token);
    buf_free(&pages->seen);
    *pages = (struct pages){0};
}
