/* profile_scan_ps.c - commands of a line for PowerShell: quotes, brackets, ';', comments. */
#include <string.h>

#include "base/buf.h"
#include "core/profile_scan.h"
#include "format/text.h"

struct ps {
    const char *text;
    size_t at, stop;
    const char *path;
    bool nomem;
};

static size_t peek(const struct ps *ps, uint32_t *code_point)
{
    *code_point = 0;
    return text_decode(ps->text + ps->at, ps->stop - ps->at, code_point);
}

static bool is_single(uint32_t c)
{
    return c == '\'' || (c >= 0x2018 && c <= 0x201b);
}

static bool is_double(uint32_t c)
{
    return c == '"' || (c >= 0x201c && c <= 0x201e);
}

static bool has_text(const struct ps *ps, const char *text)
{
    size_t len = strlen(text);
    return ps->stop - ps->at >= len && memcmp(ps->text + ps->at, text, len) == 0;
}

static void skip_blanks(struct ps *ps)
{
    while (ps->at < ps->stop && (ps->text[ps->at] == ' ' || ps->text[ps->at] == '\t'))
        ps->at++;
}

/* A string in single quotes, which starts here; its text is appended. */
static bool read_literal(struct ps *ps, struct buf *out)
{
    uint32_t c = 0;
    ps->at += peek(ps, &c);
    for (;;) {
        size_t size = peek(ps, &c);
        if (!size)
            return false;
        ps->at += size;
        if (is_single(c)) {
            size = peek(ps, &c);
            if (!size || !is_single(c))
                return true;
            ps->at += size;
        }
        buf_add(out, ps->text + ps->at - size, size);
    }
}

/* Over a string in double quotes, which starts here. */
static bool skip_double(struct ps *ps)
{
    uint32_t c = 0;
    ps->at += peek(ps, &c);
    for (;;) {
        size_t size = peek(ps, &c);
        if (!size || c == '`' || has_text(ps, "$("))
            return false;
        ps->at += size;
        if (is_double(c))
            return true; /* a doubled one starts the next string at once: the same end */
    }
}

/* Over a foreign command, to the ';' or comment that ends it, or the line's end. */
static bool skip_command(struct ps *ps, struct scan_command *command)
{
    size_t depth = 0;
    bool word_begins = true;
    while (ps->at < ps->stop) {
        struct buf ignored = {0};
        uint32_t c = 0;
        size_t size = peek(ps, &c);
        if (depth == 0 && (c == ';' || (c == '#' && word_begins)))
            break;
        if (!size || c == '`' || c == '#' || has_text(ps, "@'") || has_text(ps, "@\""))
            return false;
        bool ok = true;
        if (is_single(c)) {
            ok = read_literal(ps, &ignored);
            if (ignored.failed)
                ps->nomem = true;
            buf_free(&ignored);
        } else if (is_double(c)) {
            ok = skip_double(ps);
        } else {
            ps->at += size;
        }
        bool closes = c == ')' || c == '}' || c == ']';
        if (!ok || (closes && depth == 0))
            return false;
        depth += (c == '(' || c == '{' || c == '[') ? 1 : 0;
        depth -= closes ? 1 : 0;
        word_begins = c == ' ' || c == '\t';
        if (!word_begins)
            command->end = ps->at;
    }
    return depth == 0;
}

/* ('a'+'b'), which starts here. Its quotes have their ends: skip_command went over them. */
static bool read_sum(struct ps *ps, struct buf *out)
{
    uint32_t c = 0;
    do {
        ps->at++;
        (void)peek(ps, &c);
        if (!is_single(c))
            return false;
        (void)read_literal(ps, out);
    } while (has_text(ps, "+"));
    if (!has_text(ps, ")"))
        return false;
    ps->at++;
    return true;
}

/* One word as profile_line makes it; false: it is something else. */
static bool read_word(struct ps *ps, struct buf *out)
{
    static const char PLAIN[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./\\:=";
    uint32_t c = 0;
    (void)peek(ps, &c);
    if (is_single(c))
        return read_literal(ps, out);
    if (c == '(')
        return read_sum(ps, out);
    size_t start = ps->at;
    while (ps->at < ps->stop && ps->text[ps->at] && strchr(PLAIN, ps->text[ps->at]))
        ps->at++;
    buf_add(out, ps->text + start, ps->at - start);
    return ps->at > start;
}

/* Is [at, end of the command) the executable with words alone, the first of them an option or "enforce"? */
static bool is_enforce(struct ps ps, size_t end, bool *nomem)
{
    struct buf word = {0};
    size_t count = 0;
    ps.stop = end;
    if (has_text(&ps, "&")) {
        ps.at++;
        skip_blanks(&ps);
    }
    bool ok = true;
    for (; ok && ps.at < ps.stop; count++) {
        buf_reset(&word);
        ok = read_word(&ps, &word) && (ps.at == ps.stop || ps.text[ps.at] == ' ' || ps.text[ps.at] == '\t');
        const char *text = buf_text(&word);
        if (word.failed)
            *nomem = true;
        if (count == 0)
            ok = ok && scan_is_executable(text, ps.path, "\\/");
        else if (count == 1)
            ok = ok && (text[0] == '-' || strcmp(text, "enforce") == 0);
        skip_blanks(&ps);
    }
    buf_free(&word);
    return ok && count > 1;
}

/* The condition on which the line exits, whatever its blanks. */
static bool is_exit(const char *text, size_t start, size_t end)
{
    static const char *const EXITS[] = {"if(!$?){exit}", "if($LASTEXITCODE){exit}"};
    char packed[32];
    size_t len = 0;
    for (size_t i = start; i < end; i++) {
        if (text[i] == ' ')
            continue;
        if (len == sizeof packed - 1)
            return false;
        packed[len++] = text[i];
    }
    packed[len] = '\0';
    return strcmp(packed, EXITS[0]) == 0 || strcmp(packed, EXITS[1]) == 0;
}

bool scan_ps(const char *text, const char *path, struct scan_line *out)
{
    struct ps ps = {.text = text, .at = out->start, .stop = out->stop, .path = path};
    out->count = 0;
    out->nomem = false;
    skip_blanks(&ps);
    while (ps.at < ps.stop && text[ps.at] != '#') {
        struct scan_command command = {.start = ps.at, .end = ps.at};
        struct ps before = ps;
        bool skipped = skip_command(&ps, &command);
        if (skipped && is_enforce(before, command.end, &ps.nomem))
            command.kind = SCAN_ENFORCE;
        else if (skipped && is_exit(text, command.start, command.end))
            command.kind = SCAN_EXIT;
        out->nomem = ps.nomem;
        if (!skipped || ps.nomem)
            return false;
        if (has_text(&ps, ";")) {
            command.join = SCAN_NEXT;
            ps.at++;
            skip_blanks(&ps);
        }
        command.next = ps.at;
        if (!scan_add(out, &command))
            return false;
    }
    return true;
}
