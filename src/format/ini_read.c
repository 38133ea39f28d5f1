#include "format/ini_read.h"

#include <string.h>

#include "base/buf.h"

enum { LINE_MAX_BYTES = 64 * 1024 };

/* A stretch of the file. */
struct span {
    const char *at;
    size_t len;
};

struct reader {
    ini_setting *setting;
    void *ctx;
    struct err *err;
    size_t line; /* number of the line being read, from 1 */
    bool in_section;
    bool has_key;  /* a setting was begun and is handed out when it is known to be whole */
    bool nested;   /* its indented lines are settings of their own, handed out already */
    size_t indent; /* of the line that began it */
    struct buf section;
    struct buf key;
    struct buf value;
    struct buf nested_key;
    struct buf nested_value;
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span trim(struct span text)
{
    while (text.len && is_space(text.at[0])) {
        text.at++;
        text.len--;
    }
    while (text.len && is_space(text.at[text.len - 1]))
        text.len--;
    return text;
}

/* Without the comment, which begins the line or stands behind white space. */
static struct span without_comment(struct span line)
{
    for (size_t i = 0; i < line.len; i++)
        if ((line.at[i] == '#' || line.at[i] == ';') && (i == 0 || is_space(line.at[i - 1])))
            line.len = i;
    return line;
}

/* Parts the text at the byte `at`, which belongs to neither half. */
static void split(struct span text, size_t at, struct span *left, struct span *right)
{
    *left = trim((struct span){text.at, at});
    *right = trim((struct span){text.at + at + 1, text.len - at - 1});
}

static bool malformed(const struct reader *reader, const char *what)
{
    return err_set(reader->err, ERR_MALFORMED, "line %zu: %s", reader->line, what);
}

static bool set_text(struct buf *buf, struct span text)
{
    buf_reset(buf);
    return buf_add(buf, text.at, text.len);
}

static bool all_read(const struct reader *reader, const struct buf *key, const struct buf *value)
{
    return buf_ok(&reader->section, "a section's name", reader->err) &&
           buf_ok(key, "a setting's name", reader->err) && buf_ok(value, "a setting", reader->err);
}

static bool hand_out(const struct reader *reader, const struct buf *key, const struct buf *value)
{
    return all_read(reader, key, value) && reader->setting(reader->ctx, buf_text(&reader->section),
                                                           buf_text(key), buf_text(value), reader->err);
}

/* Hands out the setting that was begun, now that no further line can belong to it. */
static bool end_setting(struct reader *reader)
{
    bool pending = reader->has_key && !reader->nested;
    reader->has_key = false;
    reader->nested = false;
    return !pending || hand_out(reader, &reader->key, &reader->value);
}

/* Reads `[name]` and tells that a section begins. */
static bool read_section(struct reader *reader, struct span line)
{
    size_t end = line.len;
    while (end > 0 && line.at[end - 1] != ']')
        end--;
    if (end == 0)
        return malformed(reader, "a section's name without `]`");
    struct span name = trim((struct span){line.at + 1, end - 2});
    if (!name.len)
        return malformed(reader, "a section without a name");
    char quote = '\0';
    buf_reset(&reader->section);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (quote && c == quote)
            quote = '\0';
        else if (!quote && (c == '"' || c == '\''))
            quote = c;
        else if (quote || !is_space(c))
            buf_add_char(&reader->section, c);
        else if (!is_space(name.at[i + 1])) /* trimmed: something follows */
            buf_add_char(&reader->section, ' ');
    }
    reader->in_section = true;
    static const struct buf nothing;
    return hand_out(reader, &nothing, &nothing);
}

static bool read_setting(struct reader *reader, struct span line, size_t indent)
{
    struct span key;
    struct span value;
    size_t at = 0;
    while (at < line.len && line.at[at] != '=' && line.at[at] != ':')
        at++;
    if (at == 0 || at == line.len)
        return malformed(reader, "neither `[section]` nor `key = value`");
    if (!reader->in_section)
        return malformed(reader, "a setting before the first `[section]`");
    split(line, at, &key, &value);
    set_text(&reader->key, key);
    for (size_t i = 0; i < reader->key.len; i++)
        if (reader->key.data[i] >= 'A' && reader->key.data[i] <= 'Z')
            reader->key.data[i] = (char)(reader->key.data[i] - 'A' + 'a');
    set_text(&reader->value, value);
    reader->has_key = true;
    reader->indent = indent;
    return all_read(reader, &reader->key, &reader->value);
}

/* An indented line under a setting: one more line of its value, or, where it has no value, a setting below
 * it. */
static bool read_continuation(struct reader *reader, struct span line)
{
    struct span key;
    struct span value;
    if (reader->value.len) {
        buf_add_char(&reader->value, '\n');
        buf_add(&reader->value, line.at, line.len);
        return true;
    }
    const char *equals = memchr(line.at, '=', line.len);
    if (!equals)
        return malformed(reader, "no `key = value` in a nested section");
    split(line, (size_t)(equals - line.at), &key, &value);
    set_text(&reader->nested_key, (struct span){buf_text(&reader->key), reader->key.len});
    buf_add_char(&reader->nested_key, '.');
    buf_add(&reader->nested_key, key.at, key.len);
    set_text(&reader->nested_value, value);
    reader->nested = true;
    return hand_out(reader, &reader->nested_key, &reader->nested_value);
}

static bool read_line(struct reader *reader, struct span line)
{
    if (line.len > LINE_MAX_BYTES)
        return malformed(reader, "too long");
    if (memchr(line.at, '\0', line.len))
        return malformed(reader, "a NUL byte");
    struct span content = trim(without_comment(line));
    if (!content.len)
        return true;
    size_t indent = (size_t)(content.at - line.at);
    if (reader->has_key && indent > reader->indent)
        return read_continuation(reader, content);
    if (!end_setting(reader))
        return false;
    return content.at[0] == '[' ? read_section(reader, content) : read_setting(reader, content, indent);
}

bool ini_read(const char *text, size_t len, ini_setting *setting, void *ctx, struct err *err)
{
    static const char BOM[] = "\xef\xbb\xbf";
    struct reader reader = {.setting = setting, .ctx = ctx, .err = err};
    reader.value.secret = true;
    reader.nested_value.secret = true;
    const char *end = text + len;
    bool ok = true;
    if (len >= 3 && memcmp(text, BOM, 3) == 0)
        text += 3;
    while (ok && text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        size_t size = (size_t)((line_end ? line_end : end) - text);
        reader.line++;
        ok = read_line(&reader, (struct span){text, size});
        text += size + (line_end ? 1 : 0);
    }
    ok = ok && end_setting(&reader);
    buf_free(&reader.section);
    buf_free(&reader.key);
    buf_free(&reader.value);
    buf_free(&reader.nested_key);
    buf_free(&reader.nested_value);
    return ok;
}
