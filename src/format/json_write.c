#include "format/json_write.h"

#include <string.h>

#include "format/text.h"

static void new_line(struct json_writer *writer)
{
    if (!writer->indent)
        return;
    buf_add_char(writer->out, '\n');
    buf_add_repeat(writer->out, ' ', (size_t)writer->depth * writer->indent);
}

static void add_quoted(struct buf *out, const char *text)
{
    buf_add_char(out, '"');
    json_escape(out, text, strlen(text));
    buf_add_char(out, '"');
}

/* Everything that stands before a value: the comma, the line's end, the key. */
static void begin_value(struct json_writer *writer, const char *key)
{
    if (writer->not_first)
        buf_add_char(writer->out, ',');
    if (writer->depth)
        new_line(writer);
    writer->not_first = true;
    if (!key)
        return;
    add_quoted(writer->out, key);
    buf_add_text(writer->out, writer->indent ? ": " : ":");
}

static void begin_level(struct json_writer *writer, const char *key, char bracket)
{
    begin_value(writer, key);
    buf_add_char(writer->out, bracket);
    writer->depth++;
    writer->not_first = false;
}

static void end_level(struct json_writer *writer, char bracket)
{
    bool filled = writer->not_first;
    writer->depth--;
    writer->not_first = true;
    if (filled)
        new_line(writer);
    buf_add_char(writer->out, bracket);
}

void json_begin_object(struct json_writer *writer, const char *key)
{
    begin_level(writer, key, '{');
}

void json_end_object(struct json_writer *writer)
{
    end_level(writer, '}');
}

void json_begin_array(struct json_writer *writer, const char *key)
{
    begin_level(writer, key, '[');
}

void json_end_array(struct json_writer *writer)
{
    end_level(writer, ']');
}

void json_add_string(struct json_writer *writer, const char *key, const char *text)
{
    begin_value(writer, key);
    if (text)
        add_quoted(writer->out, text);
    else
        buf_add_text(writer->out, "null");
}

void json_add_integer(struct json_writer *writer, const char *key, int64_t value)
{
    begin_value(writer, key);
    buf_addf(writer->out, "%lld", (long long)value);
}

void json_add_bool(struct json_writer *writer, const char *key, bool value)
{
    begin_value(writer, key);
    buf_add_text(writer->out, value ? "true" : "false");
}

void json_add_null(struct json_writer *writer, const char *key)
{
    begin_value(writer, key);
    buf_add_text(writer->out, "null");
}

void json_add_raw(struct json_writer *writer, const char *key, const char *json, size_t len)
{
    begin_value(writer, key);
    buf_add(writer->out, json, len);
}

/* Beyond U+FFFF as a surrogate pair. */
static void add_unicode_escape(struct buf *out, uint32_t code_point)
{
    if (code_point > 0xffff) {
        code_point -= 0x10000;
        buf_addf(out, "\\u%04x", (unsigned)(0xd800 + (code_point >> 10)));
        code_point = 0xdc00 + (code_point & 0x3ff);
    }
    buf_addf(out, "\\u%04x", (unsigned)code_point);
}

static void add_escaped(struct buf *out, uint32_t code_point)
{
    static const char MEANT[] = "\"\\\b\f\n\r\t";
    static const char LETTERS[] = "\"\\bfnrt";
    const char *meant = code_point && code_point < 0x80 ? strchr(MEANT, (char)code_point) : NULL;
    if (!meant) {
        add_unicode_escape(out, code_point);
        return;
    }
    buf_add_char(out, '\\');
    buf_add_char(out, LETTERS[meant - MEANT]);
}

void json_escape(struct buf *out, const char *text, size_t len)
{
    size_t plain = 0; /* where the stretch begins that needs no change and is not written yet */
    for (size_t i = 0; i < len;) {
        uint32_t code_point = 0;
        size_t size = text_decode(text + i, len - i, &code_point);
        if (size && code_point != '"' && code_point != '\\' && !text_hidden(code_point)) {
            i += size;
            continue;
        }
        buf_add(out, text + plain, i - plain);
        if (size)
            add_escaped(out, code_point);
        else
            buf_add_text(out, "\xef\xbf\xbd");
        i += size ? size : 1;
        plain = i;
    }
    buf_add(out, text + plain, len - plain);
}
