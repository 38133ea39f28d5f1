/* Any bytes as JSON: the tokens of what is taken lie in order and within each other, and every value can be
 * used. A text that is taken is taken again, and is the same, when it was written anew. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/json_read.h"
#include "format/json_write.h"
#include "format/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void check_token(const struct json *json, size_t at, size_t len)
{
    const struct json_token *token = &json->tokens[at];
    must(token->start <= token->end && token->end <= len);
    must(token->next > at && token->next <= json->count);
    must(at == 0 || token->start >= json->tokens[at - 1].start);
    uint32_t size = 0;
    bool object = token->type == JSON_OBJECT;
    if (!object && token->type != JSON_ARRAY)
        must(token->next == at + 1);
    for (size_t inner = at + 1; inner < token->next; size++) {
        must(json->tokens[inner].start > token->start && json->tokens[inner].end < token->end);
        if (object) {
            must(json->tokens[inner].type == JSON_STRING && json->tokens[inner].next == inner + 1);
            inner++;
        }
        inner = json->tokens[inner].next;
    }
    must(size == token->size);
}

static void check_text(const struct json *json, size_t at, struct buf *text)
{
    struct err err = {0};
    uint32_t c = 0;
    buf_reset(text);
    must(json_string(json, at, text, &err));
    must(json_equals(json, at, buf_text(text)));
    for (size_t i = 0, size = 0; i < text->len; i += size) {
        size = text_decode(text->data + i, text->len - i, &c);
        must(size > 0 && c != 0);
    }
}

/* Writes the value at `at` and returns the token behind it. */
static size_t write_value(const struct json *json, size_t at, const char *key, struct json_writer *writer)
{
    const struct json_token *token = &json->tokens[at];
    struct err err = {0};
    struct buf text = {0};
    size_t inner = at + 1;
    switch (token->type) {
    case JSON_OBJECT:
        json_begin_object(writer, key);
        while (inner < token->next) {
            buf_reset(&text);
            must(json_string(json, inner, &text, &err));
            size_t found = json_get(json, at, buf_text(&text));
            must(found > inner && found < token->next);
            inner = write_value(json, inner + 1, buf_text(&text), writer);
        }
        json_end_object(writer);
        break;
    case JSON_ARRAY:
        json_begin_array(writer, key);
        while (inner < token->next)
            inner = write_value(json, inner, NULL, writer);
        json_end_array(writer);
        break;
    case JSON_STRING:
        check_text(json, at, &text);
        json_add_string(writer, key, buf_text(&text));
        break;
    default:
        json_add_raw(writer, key, json->text + token->start, token->end - token->start);
    }
    buf_free(&text);
    return inner;
}

/* An escaped NUL or half a surrogate pair does not come through a C string. */
static bool loses_something(const char *text, size_t len)
{
    for (size_t i = 0; i + 5 < len; i++)
        if (text[i] == '\\' && text[i + 1] == 'u' &&
            (memcmp(text + i + 2, "0000", 4) == 0 || text[i + 2] == 'd' || text[i + 2] == 'D'))
            return true;
    return false;
}

static void check_written(const struct json *json, size_t len, unsigned indent)
{
    struct buf out = {.max = 64 * (size_t)BUF_MAX_DEFAULT};
    struct json_writer writer = {.out = &out, .indent = indent};
    struct json again = {0};
    struct err err = {0};
    must(write_value(json, 0, NULL, &writer) == json->count);
    must(buf_ok(&out, "it", &err));
    must(json_parse(&again, out.data, out.len, &err));
    must(again.count == json->count);
    if (len < 4096 && !loses_something(json->text, len))
        must(json_same(json, 0, &again, 0) && json_same(&again, 0, json, 0));
    json_free(&again);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json json = {0};
    struct err err = {0};
    int64_t number = 0;
    char *text = malloc(size ? size : 1); /* of just this size: a byte that is read too far is seen */
    must(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    if (json_parse(&json, text, size, &err)) {
        for (size_t at = 0; at < json.count; at++) {
            check_token(&json, at, size);
            (void)json_integer(&json, at, &number, &err);
        }
        must(json.tokens[0].next == json.count);
        if (size < 16384) {
            check_written(&json, size, 0);
            check_written(&json, size, 2);
        }
    } else {
        must(err.code == ERR_MALFORMED && err.message[0]);
    }
    json_free(&json);
    free(text);
    return 0;
}
