#include <stdio.h>
#include <string.h>

#include "aws/client.h"
#include "format/json_read.h"
#include "format/text.h"
#include "format/xml_read.h"

/* Most bytes of a remote's words that go into a message. */
enum { WORDS_MAX = 300, NAME_MAX_SHOWN = 128, SECRET_START = 8 };

/* What a reply says of its refusal, as it came. */
struct refusal {
    struct buf code;
    struct buf words;
};

/*
 * What the services' codes mean; any other one is ERR_SERVER with a 5xx status, else ERR_SERVICE. Throttling,
 * clock and credentials: the lists of the AWS SDKs' standard retry mode (botocore/retries/standard.py),
 * without LimitExceededException and LimitExceeded: those are quotas of IAM and SSM, and waiting does not
 * mend them.
 */
static const struct {
    const char *service_code;
    enum err_code code;
} meanings[] = {
    {"Throttling", ERR_THROTTLED},
    {"ThrottlingException", ERR_THROTTLED},
    {"ThrottledException", ERR_THROTTLED},
    {"RequestThrottled", ERR_THROTTLED},
    {"RequestThrottledException", ERR_THROTTLED},
    {"TooManyRequestsException", ERR_THROTTLED},
    {"ProvisionedThroughputExceededException", ERR_THROTTLED},
    {"TransactionInProgressException", ERR_THROTTLED},
    {"RequestLimitExceeded", ERR_THROTTLED},
    {"BandwidthLimitExceeded", ERR_THROTTLED},
    {"PriorRequestNotComplete", ERR_THROTTLED},
    {"SlowDown", ERR_THROTTLED},
    {"EC2ThrottledException", ERR_THROTTLED},
    {"RequestTimeout", ERR_TIMEOUT},
    {"RequestTimeoutException", ERR_TIMEOUT},
    {"AccessDenied", ERR_DENIED},
    {"AccessDeniedException", ERR_DENIED},
    {"AuthorizationError", ERR_DENIED},
    {"AuthorizationErrorException", ERR_DENIED},
    {"UnauthorizedOperation", ERR_DENIED},
    {"RequestTimeTooSkewed", ERR_SKEW},
    {"RequestInTheFuture", ERR_SKEW},
    {"ExpiredToken", ERR_EXPIRED},
    {"ExpiredTokenException", ERR_EXPIRED},
    {"RequestExpired", ERR_EXPIRED},
    {"UnrecognizedClientException", ERR_EXPIRED},
    {"InvalidClientTokenId", ERR_EXPIRED},
    {"InvalidAccessKeyId", ERR_EXPIRED},
    {"DoesNotExistException", ERR_NOT_FOUND},
    {"InvalidDocument", ERR_NOT_FOUND},
    {"NoSuchEntity", ERR_NOT_FOUND},
    {"NoSuchKey", ERR_NOT_FOUND},
    {"NoSuchBucket", ERR_NOT_FOUND},
};

/* Length of text cut to at most max bytes, between two characters. */
static size_t cut(const char *text, size_t len, size_t max)
{
    if (len <= max)
        return len;
    while (max > 0 && ((unsigned char)text[max] & 0xc0U) == 0x80U)
        max--;
    return max;
}

/* Takes the first text that is offered. */
static void take(struct buf *out, const char *text, size_t len)
{
    if (out->len == 0)
        buf_add(out, text, cut(text, len, WORDS_MAX));
}

/* "com.amazonaws.ssm#Code", "Code:http://..." or "Code". */
static void take_code(struct buf *out, const char *text)
{
    const char *hash = strchr(text, '#');
    if (hash)
        text = hash + 1;
    take(out, text, strcspn(text, ":"));
}

static void read_json(const struct buf *body, struct refusal *refusal)
{
    struct json json = {0};
    struct buf text = {0};
    struct err unread;
    if (json_parse(&json, buf_text(body), body->len, &unread)) {
        size_t type = json_get(&json, 0, "__type");
        if (type != JSON_NONE && json_string(&json, type, &text, &unread))
            take_code(&refusal->code, buf_text(&text));
        buf_reset(&text);
        size_t words = json_get(&json, 0, "message");
        if (words == JSON_NONE)
            words = json_get(&json, 0, "Message");
        if (words != JSON_NONE && json_string(&json, words, &text, &unread))
            take(&refusal->words, buf_text(&text), text.len);
    }
    buf_free(&text);
    json_free(&json);
}

/* IAM and STS: ErrorResponse/Error/Code; EC2: Response/Errors/Error/Code; S3: Error/Code. */
static bool read_element(void *ctx, const char *path, const char *text, struct err *err)
{
    struct refusal *refusal = ctx;
    (void)err;
    if (text && xml_path_ends(path, "Error/Code"))
        take_code(&refusal->code, text);
    else if (text && xml_path_ends(path, "Error/Message"))
        take(&refusal->words, text, strlen(text));
    return true;
}

static void read_refusal(const struct http_reply *reply, struct refusal *refusal)
{
    struct buf header = {0};
    struct err unread;
    const char *body = buf_text(&reply->body);
    body += strspn(body, " \t\r\n");
    if (*body == '{')
        read_json(&reply->body, refusal);
    else if (*body == '<')
        (void)xml_read(buf_text(&reply->body), reply->body.len, read_element, refusal, &unread);
    if (http_reply_header(reply, "x-amzn-ErrorType", &header))
        take_code(&refusal->code, buf_text(&header));
    buf_free(&header);
}

static enum err_code meaning(const char *service_code, int status)
{
    if (status >= 300 && status < 400)
        return ERR_SERVICE;
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (strcmp(meanings[i].service_code, service_code) == 0)
            return meanings[i].code;
    if (status == 429)
        return ERR_THROTTLED;
    if (status >= 500)
        return ERR_SERVER;
    if (*service_code)
        return ERR_SERVICE;
    return status == 403 ? ERR_DENIED : status == 404 ? ERR_NOT_FOUND : ERR_SERVICE;
}

/* InvalidSignatureException stands for a wrong clock too: "Signature expired: 2026... is now earlier than
 * ...", "Signature not yet current: ...". */
static bool speaks_of_time(const char *service_code, const char *words)
{
    return strcmp(service_code, "InvalidSignatureException") == 0 &&
           (strstr(words, "Signature expired") || strstr(words, "Signature not yet current"));
}

/* Whose rights are short, for the remedy. */
static void name_principal(struct buf *out, const struct credentials *credentials)
{
    if (credentials && credentials->role) {
        buf_add_text(out, "the instance role `");
        aws_words(out, credentials->role, strlen(credentials->role), NAME_MAX_SHOWN);
        buf_add_char(out, '`');
        return;
    }
    buf_add_text(out, "the role of these credentials");
    if (credentials && credentials->source) {
        buf_add_text(out, " (");
        aws_words(out, credentials->source, strlen(credentials->source), NAME_MAX_SHOWN);
        buf_add_char(out, ')');
    }
}

/*
 * Cuts the words off where a secret begins: what AWS says of a signature that does not match repeats the
 * request, its X-Amz-Security-Token among the rest. Its start is enough to tell, for the words may end
 * within.
 */
static void hide_secret(struct buf *words, const char *secret)
{
    char start[SECRET_START + 1];
    if (!words->len || !secret || strlen(secret) < SECRET_START)
        return;
    memcpy(start, secret, SECRET_START);
    start[SECRET_START] = '\0';
    char *found = strstr(words->data, start);
    if (found) {
        mem_wipe(found, words->len - (size_t)(found - words->data));
        words->len = (size_t)(found - words->data);
        buf_add_text(words, "...");
    }
    mem_wipe(start, sizeof start);
}

/* True if AWS itself answered, and not a proxy on the way. */
static bool is_from_aws(const struct http_reply *reply)
{
    struct buf id = {0};
    bool found = http_reply_header(reply, "x-amzn-RequestId", &id) ||
                 http_reply_header(reply, "x-amz-request-id", &id);
    buf_free(&id);
    return found;
}

/* What mends a refusal by IAM. The service's own words follow, for they may name a deny that no policy of
 * ours lifts. */
static void say_denied(const char *service, const char *action, const struct credentials *credentials,
                       const char *words, struct err *err)
{
    struct buf principal = {0};
    bool enforcement = strcmp(service, "ssm") == 0 &&
                       (strcmp(action, "DescribeSessions") == 0 || strcmp(action, "TerminateSession") == 0);
    char remedy[128] = "attach the policy SSMConcurrentSessionsPolicy";
    if (!enforcement)
        (void)snprintf(remedy, sizeof remedy, "allow %s:%s", service, action);
    name_principal(&principal, credentials);
    err_set(err, ERR_DENIED, "AccessDenied for %s:%s: %s to %s%s%s%s", service, action, remedy,
            buf_text(&principal), *words ? " (" : "", words, *words ? ")" : "");
    buf_free(&principal);
}

static void say(const struct http_reply *reply, const char *service, const char *action,
                const struct credentials *credentials, const char *code, const char *words, struct err *err)
{
    enum err_code what = meaning(code, reply->status);
    const char *colon = *words ? ": " : "";
    if (what == ERR_SERVICE && speaks_of_time(code, words))
        what = ERR_SKEW;
    if (reply->status >= 300 && reply->status < 400)
        err_set(err, what, "redirect refused for %s:%s (HTTP status %d)", service, action, reply->status);
    else if (!*code && reply->status == 403 && !is_from_aws(reply))
        err_set(err, what, "HTTP status 403 for %s:%s, and not from AWS: look for a proxy on the way",
                service, action);
    else if (what == ERR_DENIED)
        say_denied(service, action, credentials, words, err);
    else if (!*code)
        err_set(err, what, "HTTP status %d for %s:%s%s%s", reply->status, service, action, colon, words);
    else
        err_set(err, what, "%s for %s:%s%s%s", code, service, action, colon, words);
    (void)snprintf(err->service_code, sizeof err->service_code, "%s", code);
}

void aws_words(struct buf *out, const char *text, size_t len, size_t max)
{
    struct buf shown = {0};
    text_visible(&shown, text, cut(text, len, max));
    if (shown.failed)
        out->failed = true;
    else if (shown.len)
        buf_add(out, shown.data, cut(shown.data, shown.len, max));
    buf_free(&shown);
}

void aws_reply_error(const struct http_reply *reply, const char *service, const char *action,
                     const struct credentials *credentials, struct err *err)
{
    struct refusal refusal = {0};
    struct buf code = {0};
    struct buf words = {0};
    read_refusal(reply, &refusal);
    hide_secret(&refusal.words, credentials ? credentials->session_token : NULL);
    hide_secret(&refusal.words, credentials ? credentials->secret_key : NULL);
    aws_words(&code, buf_text(&refusal.code), refusal.code.len, sizeof err->service_code - 1);
    aws_words(&words, buf_text(&refusal.words), refusal.words.len, WORDS_MAX);
    if (code.failed || words.failed)
        err_nomem(err);
    else
        say(reply, service, action, credentials, buf_text(&code), buf_text(&words), err);
    buf_free(&words);
    buf_free(&code);
    buf_free(&refusal.words);
    buf_free(&refusal.code);
}
