/* document_pretty.c - a document laid out for people. */
#include "core/document.h"
#include "format/json_read.h"
#include "format/json_write.h"

/* The source text of a value that holds no others. */
static void add_leaf(struct json_writer *writer, const char *key, const struct json *json, size_t token)
{
    const struct json_token *t = &json->tokens[token];
    size_t quote = t->type == JSON_STRING ? 1 : 0;
    json_add_raw(writer, key, json->text + t->start - quote, t->end - t->start + 2 * quote);
}

static bool add_value(struct json_writer *writer, const char *key, const struct json *json, size_t token,
                      struct err *err);

static bool add_members(struct json_writer *writer, const struct json *json, size_t object, struct err *err)
{
    struct buf key = {0};
    bool ok = true;
    for (size_t at = object + 1; ok && at < json->tokens[object].next; at = json->tokens[at + 1].next) {
        buf_reset(&key);
        ok = json_string(json, at, &key, err) && add_value(writer, buf_text(&key), json, at + 1, err);
    }
    buf_free(&key);
    return ok;
}

static bool add_value(struct json_writer *writer, const char *key, const struct json *json, size_t token,
                      struct err *err)
{
    bool ok = true;
    switch (json->tokens[token].type) {
    case JSON_OBJECT:
        json_begin_object(writer, key);
        ok = add_members(writer, json, token, err);
        json_end_object(writer);
        break;
    case JSON_ARRAY:
        json_begin_array(writer, key);
        for (size_t at = token + 1; ok && at < json->tokens[token].next; at = json->tokens[at].next)
            ok = add_value(writer, NULL, json, at, err);
        json_end_array(writer);
        break;
    default:
        add_leaf(writer, key, json, token);
    }
    return ok;
}

bool document_pretty(const char *text, size_t len, struct buf *out, struct err *err)
{
    struct json json = {0};
    struct json_writer writer = {.out = out, .indent = 2};
    if (!json_parse(&json, text, len, err))
        return false;
    bool ok = add_value(&writer, NULL, &json, 0, err);
    buf_add_char(out, '\n');
    json_free(&json);
    return ok && buf_ok(out, "the document", err);
}
