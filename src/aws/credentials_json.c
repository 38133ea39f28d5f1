#include "aws/credentials.h"

#include <string.h>

#include "aws/credentials_source.h"
#include "format/json_read.h"
#include "format/text_shown.h"
#include "format/timestamp.h"

enum { FIELD_MAX = 16 * 1024, WORDS_MAX = 200 };

/* A member's text, NULL where it is not there or null. */
static bool take_field(const struct json *json, const char *key, char **out, struct err *err)
{
    size_t token = json_get(json, 0, key);
    if (token == JSON_NONE || json->tokens[token].type == JSON_NULL)
        return true;
    return json_string_dup(json, token, FIELD_MAX, out, err) || err_prefix(err, "'%s'", key);
}

/* IMDS answers 200 with another Code than Success where the role can't be assumed. */
static bool check_code(const struct json *json, const char *what, struct err *err)
{
    char *code = NULL;
    char *message = NULL;
    bool ok = take_field(json, "Code", &code, err) && take_field(json, "Message", &message, err);
    if (!ok) {
        err_prefix(err, "the credentials of %s", what);
    } else if (code && strcmp(code, "Success") != 0) {
        char shown[TEXT_SHOWN_MAX];
        char said[TEXT_SHOWN_MAX];
        ok = err_set(err, ERR_NO_CREDENTIALS, "no credentials of %s: '%s'%s%s", what, text_shown(shown, code),
                     message ? ": " : "", message ? text_shown(said, message) : "");
        struct buf service_code = {.max = sizeof err->service_code - 1};
        if (buf_add_text(&service_code, shown))
            memcpy(err->service_code, service_code.data, service_code.len + 1);
        buf_free(&service_code);
    }
    text_wipe(code);
    text_wipe(message);
    return ok;
}

/* An expiry that can't be read is as good as none: it only informs. */
static int64_t read_expiry(const struct json *json)
{
    int64_t expiry_ms = 0;
    char *text = NULL;
    struct err err = {0};
    if (take_field(json, "Expiration", &text, &err) && text && !timestamp_from_rfc3339(text, &expiry_ms))
        expiry_ms = 0;
    text_wipe(text);
    return expiry_ms;
}

static bool read_keys(const struct json *json, const char *what, struct credentials *out, struct err *err)
{
    char *access_key = NULL;
    char *secret_key = NULL;
    char *token = NULL;
    bool ok = take_field(json, "AccessKeyId", &access_key, err) &&
              take_field(json, "SecretAccessKey", &secret_key, err) &&
              take_field(json, "Token", &token, err) &&
              (token || take_field(json, "SessionToken", &token, err));
    if (ok && (!access_key || !secret_key))
        ok = err_set(err, ERR_MALFORMED, "'%s' is missing", access_key ? "SecretAccessKey" : "AccessKeyId");
    ok = ok && credentials_set(out, access_key, secret_key, token, what, err);
    if (!ok) {
        if (err->code == ERR_CONFIG)
            err->code = ERR_MALFORMED;
        err_prefix(err, "the credentials of %s", what);
    }
    text_wipe(access_key);
    text_wipe(secret_key);
    text_wipe(token);
    return ok;
}

bool credentials_from_json(const char *text, size_t len, const char *what, struct credentials *out,
                           struct err *err)
{
    struct json json = {0};
    bool ok = json_parse(&json, text, len, err);
    if (ok && json.tokens[0].type != JSON_OBJECT)
        ok = err_set(err, ERR_MALFORMED, "no JSON object");
    if (!ok)
        err_prefix(err, "the credentials of %s", what);
    ok = ok && check_code(&json, what, err) && read_keys(&json, what, out, err);
    if (ok)
        out->expiry_ms = read_expiry(&json);
    json_free(&json);
    return ok;
}
