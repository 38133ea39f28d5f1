#include "format/xml_read.h"

#include <expat.h>
#include <string.h>

#include "base/buf.h"

enum { DOCUMENT_MAX = BUF_MAX_DEFAULT, TEXT_MAX = 128 * 1024 };

struct reader {
    XML_Parser parser;
    xml_element *element;
    void *ctx;
    struct err *err;
    bool stopped; /* err is filled; expat may still call a handler or two */
    struct buf path;
    struct buf text; /* of the innermost open element */
    size_t depth;
    size_t path_len[XML_DEPTH_MAX]; /* length of the path around each open element */
    bool has_child[XML_DEPTH_MAX];
};

static void stop(struct reader *reader)
{
    reader->stopped = true;
    XML_StopParser(reader->parser, XML_FALSE);
}

static void refuse(struct reader *reader, const char *what)
{
    err_set(reader->err, ERR_MALFORMED, "malformed XML: %s in line %lu", what,
            (unsigned long)XML_GetCurrentLineNumber(reader->parser));
    stop(reader);
}

/* An append failed: over the cap, or memory is out. */
static void refuse_append(struct reader *reader, bool over_cap, const char *what)
{
    if (over_cap) {
        refuse(reader, what);
        return;
    }
    err_nomem(reader->err);
    stop(reader);
}

static void XMLCALL on_doctype(void *data, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int has_internal_subset)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    refuse(data, "a DOCTYPE, which is not allowed,");
}

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *reader = data;
    (void)attributes;
    if (reader->stopped)
        return;
    if (reader->depth == XML_DEPTH_MAX) {
        refuse(reader, "too many levels");
        return;
    }
    if (reader->depth)
        reader->has_child[reader->depth - 1] = true;
    reader->has_child[reader->depth] = false;
    reader->path_len[reader->depth] = reader->path.len;
    const char *colon = strrchr(name, ':');
    if (reader->depth)
        buf_add_char(&reader->path, '/');
    buf_add_text(&reader->path, colon ? colon + 1 : name);
    reader->depth++;
    buf_reset(&reader->text);
    if (reader->path.failed)
        refuse_append(reader, reader->path.len + strlen(name) + 1 > XML_PATH_MAX, "too long a path");
}

static void XMLCALL on_text(void *data, const XML_Char *text, int len)
{
    struct reader *reader = data;
    if (reader->stopped || reader->has_child[reader->depth - 1])
        return;
    if (!buf_add(&reader->text, text, (size_t)len))
        refuse_append(reader, reader->text.len + (size_t)len > TEXT_MAX, "too long a text");
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The text without white space around it; it is cut in the buf itself. */
static const char *trim(struct buf *text)
{
    if (!text->len)
        return "";
    char *start = text->data;
    char *end = start + text->len;
    while (end > start && is_space(end[-1]))
        end--;
    while (start < end && is_space(*start))
        start++;
    *end = '\0';
    return start;
}

static void XMLCALL on_end(void *data, const XML_Char *name)
{
    struct reader *reader = data;
    (void)name;
    if (reader->stopped)
        return;
    reader->depth--;
    const char *text = reader->has_child[reader->depth] ? NULL : trim(&reader->text);
    if (!reader->element(reader->ctx, buf_text(&reader->path), text, reader->err)) {
        stop(reader);
        return;
    }
    reader->path.len = reader->path_len[reader->depth];
    reader->path.data[reader->path.len] = '\0';
}

bool xml_read(const char *text, size_t len, xml_element *element, void *ctx, struct err *err)
{
    struct reader reader = {.element = element, .ctx = ctx, .err = err};
    void *copy = NULL;
    bool ok = false;
    reader.path.max = XML_PATH_MAX;
    reader.text.max = TEXT_MAX;
    reader.text.secret = true; /* STS's replies hold credentials */
    if (len > DOCUMENT_MAX)
        return err_set(err, ERR_MALFORMED, "malformed XML: over %d bytes", DOCUMENT_MAX);
    reader.parser = XML_ParserCreate("UTF-8");
    if (!reader.parser)
        return err_nomem(err);
    XML_SetUserData(reader.parser, &reader);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    /* XML_Parse would make a copy too, but one that can't be wiped. */
    copy = XML_GetBuffer(reader.parser, (int)len + 1);
    if (!copy) {
        err_nomem(err);
        goto out;
    }
    if (len)
        memcpy(copy, text, len);
    if (XML_ParseBuffer(reader.parser, (int)len, XML_TRUE) == XML_STATUS_OK)
        ok = true;
    else if (XML_GetErrorCode(reader.parser) == XML_ERROR_NO_MEMORY)
        err_nomem(err);
    else if (!reader.stopped)
        refuse(&reader, XML_ErrorString(XML_GetErrorCode(reader.parser)));
    mem_wipe(copy, len);
out:
    XML_ParserFree(reader.parser);
    buf_free(&reader.path);
    buf_free(&reader.text);
    return ok;
}

bool xml_path_ends(const char *path, const char *tail)
{
    size_t path_len = strlen(path);
    size_t tail_len = strlen(tail);
    if (tail_len > path_len || strcmp(path + path_len - tail_len, tail) != 0)
        return false;
    return tail_len == path_len || path[path_len - tail_len - 1] == '/';
}
