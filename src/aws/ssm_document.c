#include "aws/ssm_document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/pages.h"
#include "aws/ssm.h"
#include "format/json_read.h"
#include "format/json_write.h"
#include "format/text.h"
#include "format/timestamp.h"

/* The service keeps about 1000 versions and takes 64 KiB of content: caps against a hostile reply. */
enum { VERSIONS_MAX = 10000, CONTENT_MAX = 1024 * 1024, PAGE_SIZE = 50 };

#define ACTION(name)                                                                                         \
    {                                                                                                        \
        name, "X-Amz-Target: AmazonSSM." name                                                                \
    }
static const struct {
    const char *action;
    const char *target;
} actions[] = {
    [SSM_DOCUMENT_GET] = ACTION("GetDocument"),
    [SSM_DOCUMENT_DESCRIBE] = ACTION("DescribeDocument"),
    [SSM_DOCUMENT_CREATE] = ACTION("CreateDocument"),
    [SSM_DOCUMENT_UPDATE] = ACTION("UpdateDocument"),
    [SSM_DOCUMENT_SET_DEFAULT] = ACTION("UpdateDocumentDefaultVersion"),
    [SSM_DOCUMENT_LIST_VERSIONS] = ACTION("ListDocumentVersions"),
    [SSM_DOCUMENT_DELETE] = ACTION("DeleteDocument"),
};

/* A call on its way. */
struct step {
    struct ssm_document_call *call;
    struct buf body;
    struct pages pages;
    bool done;
};

/* ---- requests ---- */

/* Without it the service takes the default version, as do stand-ins that do not know "$DEFAULT". */
static void add_version(struct json_writer *writer, int64_t version)
{
    char number[24];
    (void)snprintf(number, sizeof number, "%lld", (long long)version);
    if (version == SSM_VERSION_LATEST)
        json_add_string(writer, "DocumentVersion", "$LATEST");
    else if (version > 0)
        json_add_string(writer, "DocumentVersion", number);
}

static void add_content(struct json_writer *writer, const char *content)
{
    json_add_string(writer, "Content", content);
    json_add_string(writer, "DocumentFormat", "JSON");
}

/* A deletion that names no number would take the whole document. */
static bool check_version(const struct ssm_document_call *call, struct err *err)
{
    bool ok = call->op == SSM_DOCUMENT_DELETE        ? call->version >= 0
              : call->op == SSM_DOCUMENT_SET_DEFAULT ? call->version > 0
                                                     : true;
    return ok || err_set(err, ERR_USAGE, "ssm:%s needs a version's number", actions[call->op].action);
}

static void write_request(struct step *step)
{
    const struct ssm_document_call *call = step->call;
    struct json_writer writer = {.out = &step->body};
    buf_reset(&step->body);
    json_begin_object(&writer, NULL);
    json_add_string(&writer, "Name", call->name);
    switch (call->op) {
    case SSM_DOCUMENT_GET:
    case SSM_DOCUMENT_DESCRIBE:
    case SSM_DOCUMENT_SET_DEFAULT:
    case SSM_DOCUMENT_DELETE:
        add_version(&writer, call->version);
        break;
    case SSM_DOCUMENT_CREATE:
        json_add_string(&writer, "DocumentType", "Session");
        add_content(&writer, call->content);
        break;
    case SSM_DOCUMENT_UPDATE:
        add_version(&writer, SSM_VERSION_LATEST); /* the only one that the service takes */
        add_content(&writer, call->content);
        break;
    case SSM_DOCUMENT_LIST_VERSIONS:
        json_add_integer(&writer, "MaxResults", PAGE_SIZE);
        if (pages_more(&step->pages))
            json_add_string(&writer, "NextToken", buf_text(&step->pages.token));
        break;
    }
    json_end_object(&writer);
}

/* ---- replies ---- */

/* A member's text, cut to size - 1 bytes and visible; "" where it is no string. Only memory can fail. */
static bool read_word(const struct json *json, size_t object, const char *name, char *out, size_t size,
                      struct err *err)
{
    struct buf text = {0};
    struct buf shown = {0};
    size_t token = json_get(json, object, name);
    bool ok = true;
    out[0] = '\0';
    if (token != JSON_NONE && json->tokens[token].type == JSON_STRING) {
        ok = json_string(json, token, &text, err);
        aws_words(&shown, buf_text(&text), text.len, size - 1);
        ok = ok && buf_ok(&shown, name, err);
        (void)snprintf(out, size, "%s", buf_text(&shown));
    }
    buf_free(&shown);
    buf_free(&text);
    return ok;
}

/* A version's number, 0 where the member is none. */
static bool read_version(const struct json *json, size_t object, const char *name, int64_t *out,
                         struct err *err)
{
    char word[24];
    *out = 0;
    if (!read_word(json, object, name, word, sizeof word, err))
        return false;
    (void)text_number(word, 1, INT64_MAX, out);
    return true;
}

/* What GetDocument (in the root) and the descriptions of a document tell alike. */
static bool read_document(const struct json *json, size_t object, struct ssm_document *out, struct err *err)
{
    return read_version(json, object, "DocumentVersion", &out->version, err) &&
           read_version(json, object, "DefaultVersion", &out->default_version, err) &&
           read_version(json, object, "LatestVersion", &out->latest_version, err) &&
           read_word(json, object, "Status", out->status, sizeof out->status, err) &&
           read_word(json, object, "StatusInformation", out->reason, sizeof out->reason, err) &&
           read_word(json, object, "DocumentType", out->type, sizeof out->type, err) &&
           read_word(json, object, "DocumentFormat", out->format, sizeof out->format, err) &&
           (out->version > 0 || err_set(err, ERR_MALFORMED, "DocumentVersion is missing"));
}

static bool read_get(const struct json *json, struct ssm_document *out, struct err *err)
{
    size_t content = json_get(json, 0, "Content");
    if (content == JSON_NONE)
        return err_set(err, ERR_MALFORMED, "Content is missing");
    if (!json_string_dup(json, content, CONTENT_MAX, &out->content, err))
        return false;
    out->content_len = strlen(out->content);
    return read_document(json, 0, out, err);
}

static bool read_description(const struct json *json, const char *name, bool with_versions,
                             struct ssm_document *out, struct err *err)
{
    size_t object = json_get(json, 0, name);
    if (object == JSON_NONE)
        return err_set(err, ERR_MALFORMED, "%s is missing", name);
    if (!read_document(json, object, out, err))
        return false;
    if (with_versions && (out->default_version == 0 || out->latest_version == 0))
        return err_set(err, ERR_MALFORMED, "DefaultVersion or LatestVersion is missing");
    return true;
}

/* Room for so many versions more, those of one page. */
static bool reserve(struct ssm_document_call *call, size_t more)
{
    struct ssm_document_version *versions =
        realloc(call->versions, (call->version_count + more) * sizeof *versions);
    if (!versions)
        return false;
    call->versions = versions;
    return true;
}

static bool add_listed(struct ssm_document_call *call, const struct json *json, size_t object,
                       struct err *err)
{
    struct ssm_document_version version = {.version = 0};
    size_t created = json_get(json, object, "CreatedDate");
    size_t is_default = json_get(json, object, "IsDefaultVersion");
    if (!read_version(json, object, "DocumentVersion", &version.version, err) ||
        !read_word(json, object, "Status", version.status, sizeof version.status, err))
        return false;
    if (version.version == 0)
        return err_set(err, ERR_MALFORMED, "DocumentVersion is missing");
    if (created != JSON_NONE && json->tokens[created].type == JSON_NUMBER)
        (void)timestamp_from_epoch(json->text + json->tokens[created].start,
                                   json->tokens[created].end - json->tokens[created].start,
                                   &version.created_ms);
    version.is_default = is_default != JSON_NONE && json->tokens[is_default].type == JSON_TRUE;
    call->versions[call->version_count++] = version;
    return true;
}

static int newest_first(const void *a, const void *b)
{
    int64_t version_a = ((const struct ssm_document_version *)a)->version;
    int64_t version_b = ((const struct ssm_document_version *)b)->version;
    return (version_a < version_b) - (version_a > version_b);
}

static bool read_versions(struct step *step, const struct json *json, struct err *err)
{
    struct ssm_document_call *call = step->call;
    struct buf token = {0};
    size_t list = json_get(json, 0, "DocumentVersions");
    size_t next = json_get(json, 0, "NextToken");
    bool ok = true;
    if (list == JSON_NONE || json->tokens[list].type != JSON_ARRAY)
        return err_set(err, ERR_MALFORMED, "DocumentVersions is missing");
    size_t count = json->tokens[list].size;
    if (count > VERSIONS_MAX - call->version_count)
        return err_set(err, ERR_MALFORMED, "more than %d versions", VERSIONS_MAX);
    if (count > 0 && !reserve(call, count))
        return err_nomem(err);
    for (size_t at = list + 1; ok && at < json->tokens[list].next; at = json->tokens[at].next)
        ok = add_listed(call, json, at, err);
    if (next != JSON_NONE && json->tokens[next].type != JSON_NULL)
        ok = ok && json_string(json, next, &token, err);
    ok = ok && pages_turn(&step->pages, "ssm:ListDocumentVersions", "NextToken", buf_text(&token), err);
    buf_free(&token);
    step->done = !ok || !pages_more(&step->pages);
    if (ok && step->done && call->version_count > 0)
        qsort(call->versions, call->version_count, sizeof *call->versions, newest_first);
    return ok;
}

static bool read_json(struct step *step, const struct json *json, struct err *err)
{
    struct ssm_document *document = &step->call->document;
    switch (step->call->op) {
    case SSM_DOCUMENT_GET:
        return read_get(json, document, err);
    case SSM_DOCUMENT_DESCRIBE:
        return read_description(json, "Document", true, document, err);
    case SSM_DOCUMENT_CREATE:
    case SSM_DOCUMENT_UPDATE:
        return read_description(json, "DocumentDescription", false, document, err);
    case SSM_DOCUMENT_LIST_VERSIONS:
        return read_versions(step, json, err);
    case SSM_DOCUMENT_SET_DEFAULT:
    case SSM_DOCUMENT_DELETE:
        break; /* 2xx says it all */
    }
    return true;
}

/* Takes the outcome of the step's call; a listing may need another page. */
static void read_result(struct step *step, const struct aws_result *result)
{
    struct json json = {0};
    struct err *err = &step->call->err;
    *err = result->err;
    step->done = true;
    if (err->code != ERR_NONE)
        return;
    if (!json_parse(&json, buf_text(&result->reply.body), result->reply.body.len, err) ||
        !read_json(step, &json, err))
        err_prefix(err, "the reply of ssm:%s", actions[step->call->op].action);
    json_free(&json);
}

/* ---- rounds ---- */

/* Makes each call that is not done once more. False: they all are. */
static bool run_round(struct step *steps, struct aws_call *calls, struct aws_result *results, size_t count)
{
    size_t pending = 0;
    for (size_t i = 0; i < count; i++) {
        struct step *step = &steps[i];
        if (step->done)
            continue;
        write_request(step);
        if (!check_version(step->call, &step->call->err) ||
            !buf_ok(&step->body, "a request", &step->call->err)) {
            step->done = true;
            continue;
        }
        calls[pending] =
            ssm_call(actions[step->call->op].action, actions[step->call->op].target, &step->body);
        calls[pending].client = step->call->client;
        results[pending++] = (struct aws_result){.err = {.code = ERR_NONE}};
    }
    if (pending == 0)
        return false;
    (void)aws_call_all(calls[0].client, calls, results, pending);
    pending = 0;
    for (size_t i = 0; i < count; i++) {
        if (steps[i].done)
            continue;
        read_result(&steps[i], &results[pending]);
        http_reply_free(&results[pending++].reply);
    }
    return true;
}

bool ssm_document_call_all(struct ssm_document_call *calls, size_t count)
{
    struct step *steps = calloc(count, sizeof *steps);
    struct aws_call *requests = calloc(count, sizeof *requests);
    struct aws_result *results = calloc(count, sizeof *results);
    bool enough = steps && requests && results;
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        ssm_document_call_free(&calls[i]);
        if (enough)
            steps[i].call = &calls[i];
        else
            err_nomem(&calls[i].err);
    }
    while (enough && run_round(steps, requests, results, count))
        continue;
    for (size_t i = 0; i < count; i++) {
        ok = ok && calls[i].err.code == ERR_NONE;
        if (enough) {
            pages_free(&steps[i].pages);
            buf_free(&steps[i].body);
        }
    }
    free(results);
    free(requests);
    free(steps);
    return ok;
}

void ssm_document_call_free(struct ssm_document_call *call)
{
    if (!call)
        return;
    free(call->document.content);
    free(call->versions);
    call->document = (struct ssm_document){.content = NULL};
    call->versions = NULL;
    call->version_count = 0;
    err_clear(&call->err);
}
