#include "format/json_read.h"

#include <stdlib.h>
#include <string.h>

#include "format/json_check.h"
#include "format/text.h"

#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>

/* More than any reply has (200 sessions of 15 members are 6,000): bounds the memory that a text of 8 MiB can
 * ask for. */
enum { LEN_MAX = BUF_MAX_DEFAULT, TOKENS_MAX = 512 * 1024 };

static enum json_type type_of(const jsmntok_t *token, const char *text)
{
    if (token->type == JSMN_OBJECT)
        return JSON_OBJECT;
    if (token->type == JSMN_ARRAY)
        return JSON_ARRAY;
    if (token->type == JSMN_STRING)
        return JSON_STRING;
    switch (text[token->start]) {
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

/* A token as jsmn leaves it, and as it is read: one array serves both, for listings are long. */
union slot {
    jsmntok_t raw;
    struct json_token token;
};

_Static_assert(sizeof(union slot) == sizeof(struct json_token), "an array of slots is one of tokens");

static struct json_token translate(jsmntok_t raw, size_t index, const char *text)
{
    enum json_type type = type_of(&raw, text);
    bool holds = type == JSON_OBJECT || type == JSON_ARRAY;
    return (struct json_token){.type = type,
                               .start = (uint32_t)raw.start,
                               .end = (uint32_t)raw.end,
                               .size = holds ? (uint32_t)raw.size : 0,
                               .next = (uint32_t)index + 1};
}

/* Gives each token its type and its `next`: an object or array ends where the first token behind its end
 * starts. */
static void link_tokens(union slot *slots, size_t count, const char *text)
{
    size_t open[JSON_DEPTH_MAX];
    size_t depth = 0;
    for (size_t i = 0; i < count; i++) {
        struct json_token token = translate(slots[i].raw, i, text);
        while (depth > 0 && slots[open[depth - 1]].token.end <= token.start)
            slots[open[--depth]].token.next = (uint32_t)i;
        slots[i].token = token;
        if (token.type == JSON_OBJECT || token.type == JSON_ARRAY)
            open[depth++] = i;
    }
    while (depth > 0)
        slots[open[--depth]].token.next = (uint32_t)count;
}

/* jsmn in strict mode wants something behind a number or word: a value of that kind alone is read here. */
static bool is_lone_word(const char *text, size_t len, jsmntok_t *raw)
{
    size_t start = strspn(text, " \t\r\n");
    if (strchr("{[\"", text[start]))
        return false;
    size_t end = len;
    while (strchr(" \t\r\n", text[end - 1]))
        end--;
    *raw = (jsmntok_t){.type = JSMN_PRIMITIVE, .start = (int)start, .end = (int)end, .parent = -1};
    return true;
}

/* jsmn and we take turns at the array: its tokens are as large as ours. */
static bool read_tokens(union slot *slots, size_t count, const char *text, size_t len)
{
    jsmn_parser parser;
    jsmn_init(&parser);
    if (!is_lone_word(text, len, &slots[0].raw) &&
        jsmn_parse(&parser, text, len, &slots[0].raw, (unsigned)count) != (int)count)
        return false;
    link_tokens(slots, count, text);
    return true;
}

/* Room for out->count tokens: what an earlier text took, if that is enough. */
static bool make_room(struct json *out)
{
    if (out->count <= out->cap)
        return true;
    free(out->tokens);
    out->tokens = malloc(out->count * sizeof *out->tokens);
    out->cap = out->tokens ? out->count : 0;
    return out->tokens != NULL;
}

bool json_parse(struct json *out, const char *text, size_t len, struct err *err)
{
    out->text = text;
    if (len > LEN_MAX) {
        json_free(out);
        return err_set(err, ERR_MALFORMED, "malformed JSON: over %d bytes", LEN_MAX);
    }
    if (!json_check(text, len, JSON_DEPTH_MAX, TOKENS_MAX, &out->count, err)) {
        json_free(out);
        return false;
    }
    if (!make_room(out)) {
        json_free(out);
        return err_nomem(err);
    }
    if (read_tokens((union slot *)out->tokens, out->count, text, len))
        return true;
    json_free(out);
    return err_set(err, ERR_MALFORMED, "malformed JSON");
}

void json_free(struct json *json)
{
    if (!json)
        return;
    free(json->tokens);
    *json = (struct json){0};
}

static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return (unsigned)((c | 0x20) - 'a') + 10;
}

static uint32_t hex4(const char *p)
{
    return hex_digit(p[0]) << 12 | hex_digit(p[1]) << 8 | hex_digit(p[2]) << 4 | hex_digit(p[3]);
}

/* Reads the escape at p (proven by json_check); its length is returned. A lone surrogate comes out as it is.
 */
static size_t read_escape(const char *p, const char *end, uint32_t *code_point)
{
    static const char LETTERS[] = "bfnrt";
    static const char MEANT[] = "\b\f\n\r\t";
    if (p[1] != 'u') {
        const char *letter = strchr(LETTERS, p[1]);
        *code_point = (unsigned char)(letter ? MEANT[letter - LETTERS] : p[1]);
        return 2;
    }
    *code_point = hex4(p + 2);
    bool high = *code_point >= 0xd800 && *code_point <= 0xdbff;
    if (high && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
        uint32_t low = hex4(p + 8);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *code_point = 0x10000 + ((*code_point - 0xd800) << 10 | (low - 0xdc00));
            return 12;
        }
    }
    return 6;
}

/* Goes through a string's characters. */
struct reader {
    const char *pos;
    const char *end;
};

static struct reader reader_of(const struct json *json, size_t token)
{
    const struct json_token *t = &json->tokens[token];
    return (struct reader){json->text + t->start, json->text + t->end};
}

static bool read_character(struct reader *reader, uint32_t *code_point)
{
    if (reader->pos == reader->end)
        return false;
    size_t left = (size_t)(reader->end - reader->pos);
    reader->pos += *reader->pos == '\\' ? read_escape(reader->pos, reader->end, code_point)
                                        : text_decode(reader->pos, left, code_point);
    return true;
}

/* What stands for a character in a C string of UTF-8. */
static uint32_t presentable(uint32_t code_point)
{
    bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
    return code_point == 0 || surrogate ? 0xfffd : code_point;
}

static bool has_escape(const struct reader *reader)
{
    return memchr(reader->pos, '\\', (size_t)(reader->end - reader->pos)) != NULL;
}

/* True if the string's unescaped text is `text`. An escape is always longer than what it stands for. */
static bool string_is(const struct json *json, size_t token, const char *text, size_t len)
{
    struct reader reader = reader_of(json, token);
    size_t raw_len = (size_t)(reader.end - reader.pos);
    if (raw_len < len)
        return false;
    if (raw_len == len)
        return memcmp(reader.pos, text, len) == 0 && !has_escape(&reader);
    const char *end = text + len;
    uint32_t got = 0;
    while (read_character(&reader, &got)) {
        uint32_t want = 0;
        size_t size = text_decode(text, (size_t)(end - text), &want);
        if (!size || want != presentable(got))
            return false;
        text += size;
    }
    return text == end;
}

size_t json_get(const struct json *json, size_t object, const char *key)
{
    size_t found = JSON_NONE;
    size_t len = strlen(key);
    if (json->tokens[object].type != JSON_OBJECT)
        return JSON_NONE;
    size_t end = json->tokens[object].next;
    for (size_t at = object + 1; at < end; at = json->tokens[at + 1].next)
        if (string_is(json, at, key, len))
            found = at + 1;
    return found;
}

bool json_equals(const struct json *json, size_t token, const char *text)
{
    return json->tokens[token].type == JSON_STRING && string_is(json, token, text, strlen(text));
}

static bool check_is_string(const struct json *json, size_t token, struct err *err)
{
    if (json->tokens[token].type == JSON_STRING)
        return true;
    return err_set(err, ERR_MALFORMED, "malformed JSON: no string at byte %u",
                   (unsigned)json->tokens[token].start);
}

bool json_string(const struct json *json, size_t token, struct buf *out, struct err *err)
{
    if (!check_is_string(json, token, err))
        return false;
    struct reader reader = reader_of(json, token);
    if (!has_escape(&reader)) {
        buf_add(out, reader.pos, (size_t)(reader.end - reader.pos));
    } else {
        uint32_t code_point = 0;
        char utf8[4];
        while (read_character(&reader, &code_point))
            buf_add(out, utf8, text_encode(presentable(code_point), utf8));
    }
    return buf_ok(out, "a JSON string", err);
}

/* Writes the text to `out`, where that is not NULL; its length is returned. */
static size_t unescape(struct reader reader, char *out)
{
    size_t len = (size_t)(reader.end - reader.pos);
    uint32_t code_point = 0;
    char utf8[4];
    if (!has_escape(&reader)) {
        if (out)
            memcpy(out, reader.pos, len);
        return len;
    }
    for (len = 0; read_character(&reader, &code_point);) {
        size_t size = text_encode(presentable(code_point), utf8);
        if (out)
            memcpy(out + len, utf8, size);
        len += size;
    }
    return len;
}

bool json_string_dup(const struct json *json, size_t token, size_t max, char **out, struct err *err)
{
    *out = NULL;
    if (!check_is_string(json, token, err))
        return false;
    size_t len = unescape(reader_of(json, token), NULL);
    if (len > max)
        return err_set(err, ERR_MALFORMED, "malformed JSON: a string of over %zu bytes at byte %u", max,
                       (unsigned)json->tokens[token].start);
    char *copy = malloc(len + 1); /* of the exact size: a listing keeps many */
    if (!copy)
        return err_nomem(err);
    (void)unescape(reader_of(json, token), copy);
    copy[len] = '\0';
    *out = copy;
    return true;
}

/* Digits that fit, as a magnitude below `limit`. */
static bool read_magnitude(const char *pos, const char *end, uint64_t limit, uint64_t *out)
{
    *out = 0;
    for (; pos < end; pos++) {
        if (*pos < '0' || *pos > '9')
            return false;
        uint64_t digit = (uint64_t)(*pos - '0');
        if (*out > (limit - digit) / 10)
            return false;
        *out = *out * 10 + digit;
    }
    return true;
}

static bool integer_of(const struct json *json, size_t token, int64_t *out)
{
    struct reader reader = reader_of(json, token);
    if (json->tokens[token].type != JSON_NUMBER)
        return false;
    bool negative = *reader.pos == '-';
    uint64_t magnitude = 0;
    if (!read_magnitude(reader.pos + negative, reader.end, (uint64_t)INT64_MAX + negative, &magnitude))
        return false;
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool json_integer(const struct json *json, size_t token, int64_t *out, struct err *err)
{
    if (integer_of(json, token, out))
        return true;
    return err_set(err, ERR_MALFORMED, "malformed JSON: no whole number that fits at byte %u",
                   json->tokens[token].start);
}

static bool same_raw(const struct reader *a, const struct reader *b)
{
    size_t len = (size_t)(a->end - a->pos);
    return len == (size_t)(b->end - b->pos) && memcmp(a->pos, b->pos, len) == 0;
}

static bool same_string(struct reader a, struct reader b)
{
    uint32_t got_a = 0;
    uint32_t got_b = 0;
    if (same_raw(&a, &b))
        return true;
    if (!has_escape(&a) && !has_escape(&b))
        return false;
    while (read_character(&a, &got_a))
        if (!read_character(&b, &got_b) || got_a != got_b)
            return false;
    return b.pos == b.end;
}

/* The value of the last member of `object` whose key is the string `key` of `keys`, JSON_NONE: there is none.
 */
static size_t find_last(const struct json *json, size_t object, const struct json *keys, size_t key)
{
    size_t found = JSON_NONE;
    size_t end = json->tokens[object].next;
    for (size_t at = object + 1; at < end; at = json->tokens[at + 1].next)
        if (same_string(reader_of(json, at), reader_of(keys, key)))
            found = at + 1;
    return found;
}

/* How many different keys an object has. */
static size_t count_keys(const struct json *json, size_t object)
{
    size_t count = 0;
    size_t end = json->tokens[object].next;
    for (size_t at = object + 1; at < end; at = json->tokens[at + 1].next)
        count += find_last(json, object, json, at) == at + 1;
    return count;
}

/* Of members with the same key the last one counts, and no other is looked at. */
static bool same_members(const struct json *a, size_t object_a, const struct json *b, size_t object_b)
{
    size_t end = a->tokens[object_a].next;
    for (size_t at = object_a + 1; at < end; at = a->tokens[at + 1].next) {
        if (find_last(a, object_a, a, at) != at + 1)
            continue;
        size_t other = find_last(b, object_b, a, at);
        if (other == JSON_NONE || !json_same(a, at + 1, b, other))
            return false;
    }
    return count_keys(a, object_a) == count_keys(b, object_b);
}

static bool same_elements(const struct json *a, size_t array_a, const struct json *b, size_t array_b)
{
    if (a->tokens[array_a].size != b->tokens[array_b].size)
        return false;
    size_t at_a = array_a + 1;
    size_t at_b = array_b + 1;
    while (at_a < a->tokens[array_a].next) {
        if (!json_same(a, at_a, b, at_b))
            return false;
        at_a = a->tokens[at_a].next;
        at_b = b->tokens[at_b].next;
    }
    return true;
}

static bool same_number(const struct json *a, size_t token_a, const struct json *b, size_t token_b)
{
    int64_t value_a = 0;
    int64_t value_b = 0;
    if (integer_of(a, token_a, &value_a) && integer_of(b, token_b, &value_b))
        return value_a == value_b;
    struct reader reader_a = reader_of(a, token_a);
    struct reader reader_b = reader_of(b, token_b);
    return same_raw(&reader_a, &reader_b);
}

bool json_same(const struct json *a, size_t token_a, const struct json *b, size_t token_b)
{
    if (a->tokens[token_a].type != b->tokens[token_b].type)
        return false;
    switch (a->tokens[token_a].type) {
    case JSON_OBJECT:
        return same_members(a, token_a, b, token_b);
    case JSON_ARRAY:
        return same_elements(a, token_a, b, token_b);
    case JSON_STRING:
        return same_string(reader_of(a, token_a), reader_of(b, token_b));
    case JSON_NUMBER:
        return same_number(a, token_a, b, token_b);
    default:
        return true;
    }
}
