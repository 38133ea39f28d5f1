#include "core/document.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/profile.h"
#include "format/json_read.h"
#include "format/json_write.h"
#include "format/text.h"

/* The members on the way to a profile. */
enum level { LEVEL_INPUTS, LEVEL_PROFILES, LEVEL_PROFILE, LEVEL_COUNT };

/* A document on its way from one text to the next. */
struct document {
    struct buf text;
    struct json json;
    size_t objects[LEVEL_COUNT]; /* tokens: the root, inputs, shellProfile; JSON_NONE below what is missing */
    size_t profile;              /* the string's token, JSON_NONE: missing */
    const char *keys[LEVEL_COUNT];
};

/* ---- checks ---- */

static bool is_key_twice(const struct json *json, size_t object, const char *key)
{
    size_t seen = 0, end = json->tokens[object].next;
    for (size_t at = object + 1; at < end; at = json->tokens[at + 1].next)
        seen += json_equals(json, at, key) ? 1 : 0;
    return seen > 1;
}

/* A member of the wanted type, JSON_NONE where it is missing. */
static bool find_member(const struct json *json, size_t object, const char *key, enum json_type type,
                        size_t *out, struct err *err)
{
    *out = json_get(json, object, key);
    if (is_key_twice(json, object, key))
        return err_set(err, ERR_MALFORMED, "the document has '%s' twice", key);
    if (*out != JSON_NONE && json->tokens[*out].type != type)
        return err_set(err, ERR_MALFORMED, "the document's '%s' is not %s", key,
                       type == JSON_STRING ? "a string" : "an object");
    return true;
}

static bool check_value(const struct json *json, const char *key, const char *value, struct err *err)
{
    size_t token = JSON_NONE;
    if (!find_member(json, 0, key, JSON_STRING, &token, err))
        return false;
    if (token == JSON_NONE || !json_equals(json, token, value))
        return err_set(err, ERR_MALFORMED,
                       "the document's '%s' is not \"%s\": it is no set of Session Manager preferences", key,
                       value);
    return true;
}

static bool check_size(size_t len, struct err *err)
{
    if (len <= DOCUMENT_MAX)
        return true;
    return err_set(err, ERR_MALFORMED, "the document has %zu bytes, more than %d", len, DOCUMENT_MAX);
}

static bool check(const struct json *json, struct err *err)
{
    if (json->tokens[0].type != JSON_OBJECT)
        return err_set(err, ERR_MALFORMED, "the document is no JSON object");
    return check_value(json, "schemaVersion", "1.0", err) &&
           check_value(json, "sessionType", "Standard_Stream", err);
}

/* ---- where things are ---- */

static bool parse(struct document *document, const char *shell, struct err *err)
{
    size_t token = 0;
    json_free(&document->json);
    if (!check_size(document->text.len, err) ||
        !json_parse(&document->json, buf_text(&document->text), document->text.len, err) ||
        !check(&document->json, err))
        return false;
    document->keys[LEVEL_INPUTS] = "inputs";
    document->keys[LEVEL_PROFILES] = "shellProfile";
    document->keys[LEVEL_PROFILE] = shell;
    for (int level = 0; level < LEVEL_COUNT; level++) {
        bool missing = level > 0 && token == JSON_NONE;
        document->objects[level] = token;
        if (!missing && !find_member(&document->json, token, document->keys[level],
                                     level == LEVEL_PROFILE ? JSON_STRING : JSON_OBJECT, &token, err))
            return false;
    }
    document->profile = token;
    return true;
}

/* Replaces the bytes [start, end) of the text. */
static bool splice(struct document *document, size_t start, size_t end, const struct buf *with,
                   struct err *err)
{
    struct buf out = {0};
    buf_add(&out, document->text.data, start);
    buf_add(&out, buf_text(with), with->len);
    buf_add(&out, document->text.data + end, document->text.len - end);
    if (!buf_ok(&out, "the document", err)) {
        buf_free(&out);
        return false;
    }
    buf_free(&document->text);
    document->text = out;
    return true;
}

/* ---- a profile as text, and where each of its bytes stands in the source ---- */

struct profile_source {
    char *text;
    size_t len;
    uint32_t *at; /* of text[i], in the document; at[len]: the closing quote */
};

static unsigned hex4(const char *p)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 4 | (unsigned)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
    return value;
}

/* One character of a JSON string (proven to be valid), and how many bytes of the source it takes. What is no
 * character (NUL, half a surrogate pair) becomes U+FFFD. */
static size_t read_character(const char *p, size_t left, uint32_t *out)
{
    static const char LETTERS[] = "bfnrt", MEANT[] = "\b\f\n\r\t";
    if (*p != '\\')
        return text_decode(p, left, out);
    if (p[1] != 'u') {
        const char *letter = strchr(LETTERS, p[1]);
        *out = (unsigned char)(letter ? MEANT[letter - LETTERS] : p[1]);
        return 2;
    }
    *out = hex4(p + 2);
    if (*out >= 0xd800 && *out <= 0xdbff && left >= 12 && p[6] == '\\' && p[7] == 'u') {
        unsigned low = hex4(p + 8);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
            return 12;
        }
    }
    if (*out == 0 || (*out >= 0xd800 && *out <= 0xdfff))
        *out = 0xfffd;
    return 6;
}

static void source_free(struct profile_source *source)
{
    free(source->text);
    free(source->at);
    *source = (struct profile_source){0};
}

static bool read_source(const struct document *document, struct profile_source *out, struct err *err)
{
    const struct json_token *token = &document->json.tokens[document->profile];
    size_t raw = token->end - token->start;
    struct buf text = {0};
    *out = (struct profile_source){.at = malloc((raw + 1) * sizeof *out->at)};
    if (!out->at)
        return err_nomem(err);
    for (size_t i = 0; i < raw;) {
        uint32_t code_point = 0;
        size_t size = read_character(document->text.data + token->start + i, raw - i, &code_point);
        size_t before = text.len;
        char utf8[4];
        buf_add(&text, utf8, text_encode(code_point, utf8));
        for (size_t k = before; k < text.len; k++)
            out->at[k] = (uint32_t)(token->start + i);
        i += size;
    }
    out->len = text.len;
    out->at[out->len] = token->end;
    buf_add_char(&text, '\0');
    out->text = buf_take(&text);
    if (out->text)
        return true;
    source_free(out);
    err_nomem(err);
    return false;
}

/* ---- one profile ---- */

/* Appends the source without what is found. */
static void add_rest(struct buf *out, const struct document *document, const struct profile_source *source,
                     const struct profile_found *found)
{
    size_t at = 0;
    for (size_t i = 0; i <= found->count; i++) {
        size_t stop = i < found->count ? found->ranges[i].start : source->len;
        buf_add(out, document->text.data + source->at[at], source->at[stop] - source->at[at]);
        if (i < found->count)
            at = found->ranges[i].end;
    }
}

static size_t rest_len(const struct profile_source *source, const struct profile_found *found)
{
    size_t len = source->len;
    for (size_t i = 0; i < found->count; i++)
        len -= found->ranges[i].end - found->ranges[i].start;
    return len;
}

/* Is exactly this line there already, at the beginning, and nowhere else? */
static bool is_there(const struct profile_source *source, const struct profile_found *found, const char *line)
{
    size_t len = strlen(line);
    if (found->count != 1 || found->ranges[0].start != 0 || source->len - found->blanks < len)
        return false;
    const char *text = source->text + found->blanks;
    return memcmp(text, line, len) == 0 && (text[len] == '\0' || text[len] == '\n');
}

/* Takes the member of `level` out of its object, with one comma. */
static bool remove_member(struct document *document, enum level level, struct err *err)
{
    static const struct buf NOTHING = {0};
    const struct json *json = &document->json;
    size_t value = level == LEVEL_PROFILE ? document->profile : document->objects[level + 1];
    size_t object = document->objects[level];
    const struct json_token *key = &json->tokens[value - 1];
    size_t start = key->start - 1U;
    size_t end = json->tokens[value].end + (json->tokens[value].type == JSON_STRING ? 1U : 0U);
    size_t after = end + strspn(json->text + end, " \t\r\n");
    if (json->text[after] == ',') {
        end = after + 1;
    } else if (json->tokens[object].size > 1) {
        while (json->text[start - 1] != ',')
            start--;
        start--;
    }
    return splice(document, start, end, &NOTHING, err);
}

/* Takes an empty profile out, and what was put in with it and is empty now. */
static bool remove_put_in(struct document *document, size_t levels, const char *shell, struct err *err)
{
    if (!remove_member(document, LEVEL_PROFILE, err))
        return false;
    for (size_t i = 1; i < levels && i < LEVEL_COUNT; i++) {
        enum level level = (enum level)(LEVEL_PROFILE - i);
        if (!parse(document, shell, err))
            return false;
        if (document->json.tokens[document->objects[level + 1]].size > 0)
            break;
        if (!remove_member(document, level, err))
            return false;
    }
    return true;
}

/* Puts the line into a profile that is there, or takes it out (NULL). */
static bool replace(struct document *document, enum profile_shell shell, const char *line, const char *path,
                    bool *mentioned, struct err *err)
{
    bool ok = false;
    struct profile_source source = {0};
    struct profile_found found;
    struct buf with = {0};
    if (!read_source(document, &source, err))
        return false;
    if (!profile_find(shell, source.text, source.len, path, &found, err))
        goto out;
    *mentioned = *mentioned || found.mentioned;
    const struct json_token *token = &document->json.tokens[document->profile];
    bool rest = rest_len(&source, &found) > 0;
    if (line ? is_there(&source, &found, line) : found.count == 0) {
        ok = true;
        goto out;
    }
    if (!line && !rest && found.blanks) {
        ok = remove_put_in(document, found.blanks, document->keys[LEVEL_PROFILE], err);
        goto out;
    }
    if (line) {
        buf_add_repeat(&with, ' ', found.blanks < LEVEL_COUNT ? found.blanks : (size_t)LEVEL_COUNT);
        json_escape(&with, line, strlen(line));
        buf_add_text(&with, rest ? "\\n" : "");
    }
    add_rest(&with, document, &source, &found);
    ok = buf_ok(&with, "the profile", err) && splice(document, token->start, token->end, &with, err);
out:
    buf_free(&with);
    source_free(&source);
    return ok;
}

/* Puts the line in where there is no profile, with all members that lack. */
static bool put_in(struct document *document, const char *line, struct err *err)
{
    struct buf with = {0};
    int level = LEVEL_PROFILE;
    while (level > 0 && document->objects[level] == JSON_NONE)
        level--;
    size_t blanks = (size_t)(LEVEL_COUNT - level);
    const struct json_token *object = &document->json.tokens[document->objects[level]];
    for (int i = level; i < LEVEL_COUNT; i++)
        buf_addf(&with, i > level ? "{\"%s\":" : "\"%s\":", document->keys[i]);
    buf_add_char(&with, '"');
    buf_add_repeat(&with, ' ', blanks);
    json_escape(&with, line, strlen(line));
    buf_add_char(&with, '"');
    buf_add_repeat(&with, '}', blanks - 1);
    buf_add_text(&with, object->size > 0 ? "," : "");
    bool ok = buf_ok(&with, "the document", err) &&
              splice(document, object->start + 1U, object->start + 1U, &with, err);
    buf_free(&with);
    return ok;
}

static bool set_profile(struct document *document, enum profile_shell shell, const char *line,
                        const char *path, bool *mentioned, struct err *err)
{
    if (!parse(document, shell == PROFILE_LINUX ? "linux" : "windows", err))
        return false;
    if (document->profile != JSON_NONE)
        return replace(document, shell, line, path, mentioned, err);
    return !line || put_in(document, line, err);
}

/* Windows' goes in first and comes out last: what was put in with it may hold the other one too. */
static bool set_profiles(struct document *document, const struct document_lines *lines, bool *mentioned,
                         struct err *err)
{
    bool out_first = !lines->linux_line;
    if (out_first && !set_profile(document, PROFILE_LINUX, NULL, lines->linux_path, mentioned, err))
        return false;
    if (!set_profile(document, PROFILE_WINDOWS, lines->windows_line, lines->windows_path, mentioned, err))
        return false;
    return out_first ||
           set_profile(document, PROFILE_LINUX, lines->linux_line, lines->linux_path, mentioned, err);
}

bool document_merge(const char *text, size_t len, const struct document_lines *lines, struct buf *out,
                    bool *mentioned, struct err *err)
{
    struct document document = {0};
    bool named = false;
    buf_add(&document.text, text, len);
    bool ok = buf_ok(&document.text, "the document", err) && set_profiles(&document, lines, &named, err) &&
              check_size(document.text.len, err);
    if (ok) {
        buf_add(out, document.text.data, document.text.len);
        ok = buf_ok(out, "the document", err);
    }
    if (mentioned)
        *mentioned = named;
    json_free(&document.json);
    buf_free(&document.text);
    return ok;
}
