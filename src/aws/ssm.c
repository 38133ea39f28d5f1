#include "aws/ssm.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/pages.h"
#include "format/json_read.h"
#include "format/json_write.h"
#include "format/text.h"
#include "format/timestamp.h"

/*
 * Caps against a hostile reply. The model allows 96 bytes for a SessionId and 256 for an Owner; longer ones
 * are taken all the same, for a session that is left out would not be counted.
 */
enum {
    ID_MAX = 1024,
    FIELD_MAX = 4096,
    SESSIONS_MAX = 200000,
    PAGE_SIZE = 200 /* the most that DescribeSessions takes as MaxResults */
};

/* The members of a session that are read; the texts come first. */
enum { ID, TARGET, OWNER, STATUS, DOCUMENT_NAME, TEXT_COUNT, START_DATE = TEXT_COUNT, FIELD_COUNT };

#define FIELD(name, max, required)                                                                           \
    {                                                                                                        \
        name, sizeof(name) - 1, max, required                                                                \
    }
static const struct {
    const char *name;
    size_t name_len;
    size_t max; /* of its value */
    bool required;
} fields[FIELD_COUNT] = {
    [ID] = FIELD("SessionId", ID_MAX, true),
    [TARGET] = FIELD("Target", FIELD_MAX, true),
    [OWNER] = FIELD("Owner", FIELD_MAX, true),
    [STATUS] = FIELD("Status", FIELD_MAX, true),
    [DOCUMENT_NAME] = FIELD("DocumentName", FIELD_MAX, false),
    [START_DATE] = FIELD("StartDate", 0, true),
};

/* One listing on its way through the pages. */
struct listing {
    struct aws_client *client;
    const char *filter_key;
    const char *filter_value;
    struct session_list *out;
    struct pages pages;
    struct buf body;  /* of the request */
    struct buf text;  /* of the session that is being read: its fields, each with its NUL */
    struct json json; /* of the page that is being read */
};

struct aws_call ssm_call(const char *action, const char *target, const struct buf *body)
{
    return (struct aws_call){
        .action = action,
        .method = HTTP_POST,
        .headers = {"Content-Type: application/x-amz-json-1.1", target},
        .header_count = 2,
        .body = buf_text(body),
        .body_len = body->len,
    };
}

/* ---- reading a page ---- */

/* Session `number` (from 1) of the page can't be used; its id, as far as it was read, stands first in
 * listing->text. */
static bool refuse(const struct listing *listing, size_t number, const char *what, const char *field,
                   struct err *err)
{
    struct buf id = {0};
    aws_words(&id, buf_text(&listing->text), strlen(buf_text(&listing->text)), 120);
    err_set(err, ERR_MALFORMED,
            "malformed reply of ssm:DescribeSessions: session %zu of page %u (`%s`) %s %s", number,
            listing->pages.read + 1, buf_text(&id), what, field);
    buf_free(&id);
    return false;
}

/* Which of the fields the key names; FIELD_COUNT: none. Keys are compared as they stand before escapes are
 * looked for: listings are long, and AWS writes none. */
static size_t field_of(const struct json *json, size_t key)
{
    const struct json_token *token = &json->tokens[key];
    size_t len = token->end - token->start;
    const char *raw = json->text + token->start;
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (len == fields[i].name_len && memcmp(raw, fields[i].name, len) == 0)
            return i;
    size_t i = memchr(raw, '\\', len) ? 0 : FIELD_COUNT;
    while (i < FIELD_COUNT && !json_equals(json, key, fields[i].name))
        i++;
    return i;
}

/* The values of the session's fields, JSON_NONE for what it lacks. Of several with one name the last, as in
 * json_get. */
static void find_fields(const struct json *json, size_t object, size_t found[FIELD_COUNT + 1])
{
    const struct json_token *tokens = json->tokens;
    if (tokens[object].type != JSON_OBJECT)
        return;
    for (size_t key = object + 1; key < tokens[object].next; key = tokens[key + 1].next)
        found[field_of(json, key)] = key + 1;
}

/* Reads the session's texts into listing->text, where `starts` says. */
static bool read_texts(struct listing *listing, const struct json *json, const size_t found[FIELD_COUNT + 1],
                       size_t number, size_t starts[TEXT_COUNT], struct err *err)
{
    struct buf *text = &listing->text;
    buf_reset(text);
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        starts[i] = text->len;
        bool given = found[i] != JSON_NONE && json->tokens[found[i]].type == JSON_STRING;
        if (given && !json_string(json, found[i], text, err))
            return false;
        if (fields[i].required && text->len == starts[i])
            return refuse(listing, number, "lacks", fields[i].name, err);
        if (text->len - starts[i] > fields[i].max)
            return refuse(listing, number, "has too long a", fields[i].name, err);
        buf_add_char(text, '\0');
    }
    return buf_ok(text, "a session", err);
}

static bool read_session(struct listing *listing, const struct json *json, size_t object, size_t number,
                         struct err *err)
{
    size_t found[FIELD_COUNT + 1] = {JSON_NONE}; /* the last: of members that are not read */
    size_t starts[TEXT_COUNT] = {0};
    struct session session = {0};
    find_fields(json, object, found);
    if (!read_texts(listing, json, found, number, starts, err))
        return false;
    const struct json_token *token =
        &json->tokens[found[START_DATE]]; /* where it lacks: the root, an object */
    if (token->type != JSON_NUMBER ||
        !timestamp_from_epoch(json->text + token->start, token->end - token->start, &session.start_ms))
        return refuse(listing, number, "lacks", "StartDate", err);
    const char *text = buf_text(&listing->text);
    session.id = text + starts[ID];
    session.target = text + starts[TARGET];
    session.owner = text + starts[OWNER];
    session.status_text = text + starts[STATUS];
    session.document_name = text[starts[DOCUMENT_NAME]] ? text + starts[DOCUMENT_NAME] : NULL;
    if (listing->out->count >= SESSIONS_MAX)
        return err_set(err, ERR_MALFORMED, "ssm:DescribeSessions lists more than %d sessions", SESSIONS_MAX);
    return session_list_add(listing->out, &session, err);
}

static bool read_token(struct listing *listing, const struct json *json, struct err *err)
{
    size_t token = json_get(json, 0, "NextToken");
    bool given = token != JSON_NONE && json->tokens[token].type != JSON_NULL;
    buf_reset(&listing->text);
    if (given && !json_string(json, token, &listing->text, err))
        return err_prefix(err, "malformed reply of ssm:DescribeSessions: NextToken");
    return pages_turn(&listing->pages, "ssm:DescribeSessions", "NextToken", buf_text(&listing->text), err);
}

static bool read_page(struct listing *listing, const struct http_reply *reply, struct err *err)
{
    struct json *json = &listing->json;
    if (!json_parse(json, buf_text(&reply->body), reply->body.len, err))
        return err_prefix(err, "ssm:DescribeSessions, page %u", listing->pages.read + 1);
    size_t sessions = json_get(json, 0, "Sessions");
    if (sessions == JSON_NONE || json->tokens[sessions].type != JSON_ARRAY)
        return err_set(err, ERR_MALFORMED, "malformed reply of ssm:DescribeSessions: page %u lacks Sessions",
                       listing->pages.read + 1);
    size_t number = 0;
    for (size_t at = sessions + 1; at < json->tokens[sessions].next; at = json->tokens[at].next)
        if (!read_session(listing, json, at, ++number, err))
            return false;
    return read_token(listing, json, err);
}

/* ---- the listing ---- */

static void write_request(struct listing *listing)
{
    struct json_writer writer = {.out = &listing->body};
    buf_reset(&listing->body);
    json_begin_object(&writer, NULL);
    json_add_string(&writer, "State", "Active");
    json_add_integer(&writer, "MaxResults", PAGE_SIZE);
    json_begin_array(&writer, "Filters");
    json_begin_object(&writer, NULL);
    json_add_string(&writer, "key", listing->filter_key);
    json_add_string(&writer, "value", listing->filter_value);
    json_end_object(&writer);
    json_end_array(&writer);
    if (pages_more(&listing->pages))
        json_add_string(&writer, "NextToken", buf_text(&listing->pages.token));
    json_end_object(&writer);
}

static bool list_page(struct listing *listing, struct err *err)
{
    struct http_reply reply = {0};
    write_request(listing);
    if (!buf_ok(&listing->body, "the request of ssm:DescribeSessions", err))
        return false;
    struct aws_call call =
        ssm_call("DescribeSessions", "X-Amz-Target: AmazonSSM.DescribeSessions", &listing->body);
    bool ok = aws_call_one(listing->client, &call, &reply, err) && read_page(listing, &reply, err);
    http_reply_free(&reply);
    return ok;
}

/* A page may be empty and have a successor all the same: the token alone tells. */
static bool list_all(struct aws_client *client, const char *filter_key, const char *filter_value,
                     struct session_list *out, size_t *first_page, struct err *err)
{
    struct listing listing = {
        .client = client, .filter_key = filter_key, .filter_value = filter_value, .out = out};
    bool ok = true;
    do {
        bool first = listing.pages.read == 0;
        ok = list_page(&listing, err);
        if (first && first_page)
            *first_page = out->count;
    } while (ok && pages_more(&listing.pages));
    pages_free(&listing.pages);
    buf_free(&listing.body);
    buf_free(&listing.text);
    json_free(&listing.json);
    return ok;
}

bool ssm_list_sessions(struct aws_client *client, const char *instance_id, struct session_list *out,
                       size_t *first_page, struct err *err)
{
    return list_all(client, "Target", instance_id, out, first_page, err);
}

bool ssm_session_target(struct aws_client *client, const char *session_id, struct buf *target,
                        struct err *err)
{
    struct session_list list = {0};
    bool ok = list_all(client, "SessionId", session_id, &list, NULL, err);
    const struct session *session = ok ? session_list_find(&list, session_id) : NULL;
    if (ok && !session)
        ok = err_set(err, ERR_NOT_FOUND, "ssm:DescribeSessions does not list the session `%s`", session_id);
    if (session) {
        buf_add_text(target, session->target);
        ok = buf_ok(target, "the session's target", err);
    }
    session_list_free(&list);
    return ok;
}

/* ---- termination ---- */

/*
 * True if the refusal says that the session has ended already. DoesNotExistException does by its name.
 * Reports of a ValidationException for an ended session exist too, but an id of the wrong form gets one as
 * well ("1 validation error detected: Value '...' at 'sessionId' failed to satisfy constraint: ..."): the
 * words decide, and what they do not clearly say is a failure. Ids hold no blanks, so that none of these
 * phrases can be part of one that is quoted.
 */
static bool is_gone(const struct err *err)
{
    static const char *const phrases[] = {
        "does not exist",      "doesn't exist",        "not found",
        "already terminated",  "already ended",        "already been",
        "has been terminated", "is terminated",        "is terminating",
        "has ended",           "is not active",        "isn't active",
        "no longer active",    "not in a valid state", "terminated state",
    };
    char words[sizeof err->message];
    bool by_words = strcmp(err->service_code, "ValidationException") == 0 ||
                    strncmp(err->service_code, "InvalidSession", strlen("InvalidSession")) == 0;
    if (strcmp(err->service_code, "DoesNotExistException") == 0)
        return true;
    (void)snprintf(words, sizeof words, "%s", err->message);
    for (char *c = words; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
    if (!by_words || strstr(words, "validation error") || strstr(words, "failed to satisfy constraint"))
        return false;
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (strstr(words, phrases[i]))
            return true;
    return false;
}

/* False: out of memory, and nothing was sent. */
static bool terminate(struct aws_client *client, const char *const *ids, struct buf *bodies,
                      struct aws_call *calls, struct aws_result *results, size_t count)
{
    bool enough = true;
    for (size_t i = 0; i < count; i++) {
        struct json_writer writer = {.out = &bodies[i]};
        json_begin_object(&writer, NULL);
        json_add_string(&writer, "SessionId", ids[i]);
        json_end_object(&writer);
        enough = enough && !bodies[i].failed;
        calls[i] = ssm_call("TerminateSession", "X-Amz-Target: AmazonSSM.TerminateSession", &bodies[i]);
    }
    if (enough)
        (void)aws_call_all(client, calls, results, count);
    return enough;
}

void ssm_terminate_sessions(struct aws_client *client, const char *const *ids, struct err *errs, size_t count)
{
    struct buf *bodies = calloc(count, sizeof *bodies);
    struct aws_call *calls = calloc(count, sizeof *calls);
    struct aws_result *results = calloc(count, sizeof *results);
    bool enough = bodies && calls && results;
    bool sent = enough && terminate(client, ids, bodies, calls, results, count);
    for (size_t i = 0; i < count; i++) {
        if (sent)
            errs[i] = results[i].err;
        else
            err_nomem(&errs[i]);
        if (is_gone(&errs[i]))
            err_clear(&errs[i]);
        if (enough) {
            http_reply_free(&results[i].reply);
            buf_free(&bodies[i]);
        }
    }
    free(results);
    free(calls);
    free(bodies);
}
