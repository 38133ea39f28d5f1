#include "format/json_check.h"

#include <stdint.h>
#include <string.h>

#include "format/text.h"

/* What may stand next. */
enum expect { A_VALUE, A_VALUE_OR_END, A_KEY, A_KEY_OR_END, A_COLON, A_COMMA_OR_END, NOTHING };

struct check {
    const char *pos;
    const char *end;
    const char *wrong; /* what was found wrong at pos, NULL: nothing so far */
    enum expect expect;
    unsigned depth;
    unsigned depth_max;
    uint32_t objects; /* bit 0: the innermost level is an object, bit 1: the one around it, ... */
    size_t tokens;
};

static bool fail(struct check *check, const char *wrong)
{
    check->wrong = wrong;
    return false;
}

static bool is_digit(const struct check *check)
{
    return check->pos < check->end && *check->pos >= '0' && *check->pos <= '9';
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool check_escape(struct check *check)
{
    const char *pos = check->pos + 1;
    if (pos < check->end && *pos && strchr("\"\\/bfnrt", *pos)) {
        check->pos += 2;
        return true;
    }
    if (check->end - pos < 5 || *pos != 'u')
        return fail(check, "a bad escape");
    for (int i = 1; i <= 4; i++)
        if (!is_hex(pos[i]))
            return fail(check, "a bad escape");
    check->pos += 6;
    return true;
}

/* True if one of the eight bytes needs a look: it is a control character, a quote, a backslash or not ASCII.
 */
static bool has_special(uint64_t bytes)
{
    const uint64_t ones = 0x0101010101010101U, tops = 0x8080808080808080U;
    uint64_t quote = bytes ^ ones * '"', backslash = bytes ^ ones * '\\';
    /* Below n: the subtraction borrows into the byte's top bit. A borrow from the byte below can only add a
     * finding where there was one already. */
    return ((bytes | (bytes - ones * 0x20) | (quote - ones) | (backslash - ones)) & tops) != 0;
}

/* Over what needs no look: printable ASCII but for the quote and the backslash. Most of a reply goes through
 * here. */
static const char *skip_plain(const char *pos, const char *end)
{
    uint64_t bytes;
    for (; (size_t)(end - pos) >= sizeof bytes; pos += sizeof bytes) {
        memcpy(&bytes, pos, sizeof bytes);
        if (has_special(bytes))
            break;
    }
    while (pos < end && *pos >= 0x20 && (unsigned char)*pos < 0x80 && *pos != '"' && *pos != '\\')
        pos++;
    return pos;
}

/* From behind the opening quote to behind the closing one. */
static bool check_string(struct check *check)
{
    check->pos++;
    while (check->pos < check->end) {
        check->pos = skip_plain(check->pos, check->end);
        if (check->pos == check->end)
            break;
        unsigned char c = (unsigned char)*check->pos;
        if (c == '"') {
            check->pos++;
            return true;
        }
        if (c == '\\') {
            if (!check_escape(check))
                return false;
        } else if (c < 0x20) {
            return fail(check, "a control character in a string");
        } else {
            uint32_t code_point = 0;
            size_t size = text_decode(check->pos, (size_t)(check->end - check->pos), &code_point);
            if (!size)
                return fail(check, "invalid UTF-8");
            check->pos += size;
        }
    }
    return fail(check, "a string without its end");
}

static bool check_digits(struct check *check)
{
    if (!is_digit(check))
        return fail(check, "a bad number");
    while (is_digit(check))
        check->pos++;
    return true;
}

static bool check_number(struct check *check)
{
    if (*check->pos == '-')
        check->pos++;
    if (check->pos < check->end && *check->pos == '0')
        check->pos++;
    else if (!check_digits(check))
        return false;
    if (check->pos < check->end && *check->pos == '.') {
        check->pos++;
        if (!check_digits(check))
            return false;
    }
    if (check->pos < check->end && (*check->pos == 'e' || *check->pos == 'E')) {
        check->pos++;
        if (check->pos < check->end && (*check->pos == '+' || *check->pos == '-'))
            check->pos++;
        return check_digits(check);
    }
    return true;
}

static bool check_word(struct check *check, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(check->end - check->pos) < len || memcmp(check->pos, word, len) != 0)
        return fail(check, "no value");
    check->pos += len;
    return true;
}

static void value_ended(struct check *check)
{
    check->expect = check->depth ? A_COMMA_OR_END : NOTHING;
}

static bool open_level(struct check *check, bool object)
{
    if (check->depth == check->depth_max)
        return fail(check, "too many levels");
    check->depth++;
    check->objects = check->objects << 1 | (object ? 1 : 0);
    check->expect = object ? A_KEY_OR_END : A_VALUE_OR_END;
    check->pos++;
    return true;
}

static bool close_level(struct check *check)
{
    check->depth--;
    check->objects >>= 1;
    check->pos++;
    value_ended(check);
    return true;
}

static bool check_value(struct check *check)
{
    bool ok = false;
    check->tokens++;
    switch (*check->pos) {
    case '{':
        return open_level(check, true);
    case '[':
        return open_level(check, false);
    case '"':
        ok = check_string(check);
        break;
    case 't':
        ok = check_word(check, "true");
        break;
    case 'f':
        ok = check_word(check, "false");
        break;
    case 'n':
        ok = check_word(check, "null");
        break;
    default:
        if (*check->pos != '-' && !is_digit(check))
            return fail(check, "no value");
        ok = check_number(check);
    }
    value_ended(check);
    return ok;
}

static bool check_key(struct check *check)
{
    if (*check->pos != '"')
        return fail(check, "no key");
    check->tokens++;
    check->expect = A_COLON;
    return check_string(check);
}

/* One token, of those that may stand here, or one mark between tokens. */
static bool check_next(struct check *check)
{
    char c = *check->pos;
    bool in_object = check->objects & 1;
    bool closes = check->depth && c == (in_object ? '}' : ']');
    switch (check->expect) {
    case A_VALUE_OR_END:
        return closes ? close_level(check) : check_value(check);
    case A_VALUE:
        return check_value(check);
    case A_KEY_OR_END:
        return closes ? close_level(check) : check_key(check);
    case A_KEY:
        return check_key(check);
    case A_COLON:
        if (c != ':')
            return fail(check, "no colon behind a key");
        check->pos++;
        check->expect = A_VALUE;
        return true;
    case A_COMMA_OR_END:
        if (closes)
            return close_level(check);
        if (c != ',')
            return fail(check, "neither a comma nor the end of an object or array");
        check->pos++;
        check->expect = in_object ? A_KEY : A_VALUE;
        return true;
    default:
        return fail(check, "more text behind the value");
    }
}

static void skip_space(struct check *check)
{
    while (check->pos < check->end &&
           (*check->pos == ' ' || *check->pos == '\n' || *check->pos == '\r' || *check->pos == '\t'))
        check->pos++;
}

bool json_check(const char *text, size_t len, unsigned depth_max, size_t tokens_max, size_t *tokens,
                struct err *err)
{
    struct check check = {.pos = text, .end = text + len, .depth_max = depth_max};
    skip_space(&check);
    while (!check.wrong && check.pos < check.end) {
        if (check_next(&check) && check.tokens > tokens_max)
            fail(&check, "too many values");
        if (!check.wrong)
            skip_space(&check);
    }
    if (!check.wrong && check.expect != NOTHING)
        fail(&check, "cut off");
    if (check.wrong)
        return err_set(err, ERR_MALFORMED, "malformed JSON: %s at byte %zu", check.wrong,
                       (size_t)(check.pos - text));
    *tokens = check.tokens;
    return true;
}
