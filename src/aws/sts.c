#include "aws/sts.h"

#include <stdlib.h>
#include <string.h>

#include "aws/credentials_source.h"
#include "aws/query.h"
#include "format/timestamp.h"
#include "format/xml_read.h"

static const char version[] = "2011-06-15";

/* ---- GetCallerIdentity ---- */

static bool take_identity(void *ctx, const char *path, const char *text, struct err *err)
{
    struct sts_identity *identity = ctx;
    char **out = xml_path_ends(path, "GetCallerIdentityResult/Account") ? &identity->account
                 : xml_path_ends(path, "GetCallerIdentityResult/Arn")   ? &identity->arn
                                                                        : NULL;
    if (!out || !text)
        return true;
    free(*out);
    *out = text_dup(text);
    return *out || err_nomem(err);
}

static bool is_account(const char *text)
{
    return text && *text && text[strspn(text, "0123456789")] == '\0';
}

bool sts_caller_identity(struct aws_client *client, struct sts_identity *out, struct err *err)
{
    struct buf body = {0};
    struct http_reply reply = {0};
    query_begin(&body, "GetCallerIdentity", version);
    struct aws_call call = query_call("GetCallerIdentity", &body);
    bool ok = buf_ok(&body, "a request", err) && aws_call_one(client, &call, &reply, err);
    if (ok) {
        ok = xml_read(buf_text(&reply.body), reply.body.len, take_identity, out, err);
        if (ok && (!is_account(out->account) || !out->arn || strncmp(out->arn, "arn:", 4) != 0))
            ok = err_set(err, ERR_MALFORMED, "account or ARN is missing");
        if (!ok)
            err_prefix(err, "the reply to sts:GetCallerIdentity");
    }
    http_reply_free(&reply);
    buf_free(&body);
    return ok;
}

void sts_identity_free(struct sts_identity *identity)
{
    if (!identity)
        return;
    free(identity->account);
    free(identity->arn);
    *identity = (struct sts_identity){0};
}

/* ---- AssumeRole ---- */

struct keys {
    struct buf access_key;
    struct buf secret_key;
    struct buf token;
    int64_t expiry_ms;
};

static bool take_key(void *ctx, const char *path, const char *text, struct err *err)
{
    struct keys *keys = ctx;
    struct buf *out = NULL;
    if (!text)
        return true;
    if (xml_path_ends(path, "Credentials/AccessKeyId"))
        out = &keys->access_key;
    else if (xml_path_ends(path, "Credentials/SecretAccessKey"))
        out = &keys->secret_key;
    else if (xml_path_ends(path, "Credentials/SessionToken"))
        out = &keys->token;
    else if (xml_path_ends(path, "Credentials/Expiration"))
        (void)timestamp_from_rfc3339(text, &keys->expiry_ms);
    if (!out)
        return true;
    buf_reset(out);
    buf_add_text(out, text);
    return buf_ok(out, "a key", err);
}

static bool read_keys(const struct http_reply *reply, const char *action, const char *source,
                      struct credentials *out, struct err *err)
{
    struct keys keys = {.access_key.secret = true, .secret_key.secret = true, .token.secret = true};
    bool ok = xml_read(buf_text(&reply->body), reply->body.len, take_key, &keys, err) &&
              credentials_set(out, buf_text(&keys.access_key), buf_text(&keys.secret_key),
                              buf_text(&keys.token), source, err);
    if (ok) {
        out->expiry_ms = keys.expiry_ms;
    } else {
        if (err->code == ERR_CONFIG)
            err->code = ERR_MALFORMED;
        err_prefix(err, "the reply to sts:%s", action);
    }
    buf_free(&keys.access_key);
    buf_free(&keys.secret_key);
    buf_free(&keys.token);
    return ok;
}

bool sts_assume_role(struct aws_client *client, const struct sts_role *role, const char *source,
                     struct credentials *out, struct err *err)
{
    const char *action = role->web_token ? "AssumeRoleWithWebIdentity" : "AssumeRole";
    struct buf body = {.secret = true};
    struct http_reply reply = {0};
    query_begin(&body, action, version);
    query_add(&body, "RoleArn", role->arn);
    query_add(&body, "RoleSessionName", role->session_name);
    query_add(&body, "DurationSeconds", role->duration_s);
    query_add(&body, "ExternalId", role->external_id);
    query_add(&body, "SerialNumber", role->mfa_serial);
    query_add(&body, "TokenCode", role->mfa_code);
    query_add(&body, "WebIdentityToken", role->web_token);
    struct aws_call call = query_call(action, &body);
    call.unsigned_call = role->web_token != NULL;
    call.secret = true;
    bool ok = buf_ok(&body, "a request", err) && aws_call_one(client, &call, &reply, err) &&
              read_keys(&reply, action, source, out, err);
    http_reply_free(&reply);
    buf_free(&body);
    return ok;
}
