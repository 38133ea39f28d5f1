#include "format/text.h"

#include <string.h>

/*
 * What shows nothing or acts on what stands around it: the general categories Cf, Zl and Zp and the property
 * Default_Ignorable_Code_Point (Unicode 15: UnicodeData.txt, DerivedCoreProperties.txt). Sorted.
 */
static const struct {
    uint32_t first, last;
} HIDDEN[] = {
    {0x00ad, 0x00ad},   {0x034f, 0x034f},   {0x0600, 0x0605},   {0x061c, 0x061c},   {0x06dd, 0x06dd},
    {0x070f, 0x070f},   {0x0890, 0x0891},   {0x08e2, 0x08e2},   {0x115f, 0x1160},   {0x17b4, 0x17b5},
    {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},   {0x3164, 0x3164},
    {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb},   {0x110bd, 0x110bd},
    {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

enum { HIDDEN_COUNT = sizeof HIDDEN / sizeof HIDDEN[0] };

bool text_hidden(uint32_t code_point)
{
    if (code_point < 0xa0)
        return code_point < 0x20 || code_point >= 0x7f;
    for (size_t i = 0; i < HIDDEN_COUNT && HIDDEN[i].first <= code_point; i++)
        if (code_point <= HIDDEN[i].last)
            return true;
    return false;
}

size_t text_decode(const char *text, size_t len, uint32_t *code_point)
{
    const unsigned char *byte = (const unsigned char *)text;
    if (len == 0)
        return 0;
    if (byte[0] < 0x80) {
        *code_point = byte[0];
        return 1;
    }
    size_t size = byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;
    if (byte[0] < 0xc2 || byte[0] > 0xf4 || len < size)
        return 0;
    uint32_t value = byte[0] & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (byte[i] & 0x3fU);
    }
    bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
    if (overlong || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code_point = value;
    return size;
}

size_t text_encode(uint32_t code_point, char out[4])
{
    size_t size = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    static const unsigned LEAD[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size - 1; i > 0; i--, code_point >>= 6)
        out[i] = (char)(0x80 | (code_point & 0x3f));
    out[0] = (char)(LEAD[size] | code_point);
    return size;
}

void text_visible(struct buf *out, const char *text, size_t len)
{
    size_t plain = 0; /* where the stretch begins that needs no change and is not written yet */
    for (size_t i = 0; i < len;) {
        uint32_t code_point = 0;
        size_t size = text_decode(text + i, len - i, &code_point);
        if (size && !text_hidden(code_point)) {
            i += size;
            continue;
        }
        buf_add(out, text + plain, i - plain);
        if (!size)
            buf_addf(out, "\\x%02x", (unsigned)(unsigned char)text[i]);
        else if (code_point < 0xa0)
            buf_addf(out, "\\x%02x", (unsigned)code_point);
        else
            buf_addf(out, "\\u{%04x}", (unsigned)code_point);
        i += size ? size : 1;
        plain = i;
    }
    buf_add(out, text + plain, len - plain);
}

size_t text_columns(const char *text, size_t len)
{
    size_t columns = 0;
    for (size_t i = 0; i < len; columns++) {
        uint32_t code_point = 0;
        size_t size = text_decode(text + i, len - i, &code_point);
        i += size ? size : 1;
    }
    return columns;
}

/* One character for the glob: a code point, or a byte that belongs to none (kept apart from every code
 * point). */
static size_t take(const char *text, size_t len, uint32_t *c)
{
    size_t size = text_decode(text, len, c);
    if (size)
        return size;
    *c = 0x110000U + (unsigned char)text[0];
    return 1;
}

/*
 * Length of the set `[...]` that begins at `pattern`, 0 where it has no end. A `]` right behind `[` or `[!`
 * is a member. `last` is the pattern's last `]` (or NULL), so that many a `[` without its `]` costs nothing.
 */
static size_t set_length(const char *pattern, const char *last)
{
    const char *member = pattern + 1;
    if (*member == '!')
        member++;
    if (!last || last <= member)
        return 0;
    return (size_t)(strchr(member + 1, ']') - pattern) + 1;
}

static bool set_has(const char *set, size_t len, uint32_t c)
{
    const char *p = set + 1;
    const char *end = set + len - 1;
    bool negated = *p == '!';
    if (negated)
        p++;
    bool found = false;
    while (p < end) {
        uint32_t low = 0;
        p += take(p, (size_t)(end - p), &low);
        uint32_t high = low;
        if (end - p >= 2 && *p == '-')
            p += 1 + take(p + 1, (size_t)(end - p - 1), &high);
        found |= low <= c && c <= high;
    }
    return found != negated;
}

/* Matches the one-character element at `pattern` (no `*`, not its end) against c; its length goes to *len. */
static bool element_matches(const char *pattern, const char *pattern_end, const char *last, uint32_t c,
                            size_t *len)
{
    uint32_t want = 0;
    *len = 1;
    if (*pattern == '?')
        return true;
    if (*pattern == '[') {
        size_t set = set_length(pattern, last);
        if (set) {
            *len = set;
            return set_has(pattern, set, c);
        }
    }
    size_t quoted = *pattern == '\\' && pattern + 1 < pattern_end ? 1 : 0;
    *len = quoted + take(pattern + quoted, (size_t)(pattern_end - pattern) - quoted, &want);
    return want == c;
}

bool text_glob(const char *pattern, const char *text)
{
    const char *last = strrchr(pattern, ']');
    const char *pattern_end = pattern + strlen(pattern);
    const char *after_star =
        NULL; /* only the last `*` ever has to take more: the ones before it are settled */
    const char *star_text = text;
    const char *end = text + strlen(text);
    while (text < end || pattern < pattern_end) {
        if (*pattern == '*') {
            after_star = ++pattern;
            star_text = text;
            continue;
        }
        uint32_t c = 0;
        size_t size = text < end ? take(text, (size_t)(end - text), &c) : 0;
        size_t len = 0;
        if (size && pattern < pattern_end && element_matches(pattern, pattern_end, last, c, &len)) {
            pattern += len;
            text += size;
            continue;
        }
        if (!after_star || star_text == end)
            return false;
        star_text += take(star_text, (size_t)(end - star_text), &c);
        text = star_text;
        pattern = after_star;
    }
    return true;
}

bool text_number(const char *text, int64_t min, int64_t max, int64_t *out)
{
    int64_t value = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        int digit = *text - '0';
        if (value > (INT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value < min || value > max)
        return false;
    *out = value;
    return true;
}

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

bool text_same_nocase(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

static bool is_unreserved(char c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

void text_percent_encode(struct buf *out, const char *text, size_t len, bool keep_slash)
{
    for (size_t i = 0; i < len; i++) {
        if (is_unreserved(text[i]) || (keep_slash && text[i] == '/'))
            buf_add_char(out, text[i]);
        else
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)text[i]);
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : -1;
}

bool text_percent_decode(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '%') {
            buf_add_char(out, text[i]);
            continue;
        }
        if (len - i < 3 || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0)
            return false;
        buf_add_char(out, (char)(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2])));
        i += 2;
    }
    return true;
}
