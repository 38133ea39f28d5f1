#include "aws/imds.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "aws/credentials.h"
#include "aws/metadata.h"
#include "base/buf.h"
#include "format/json_read.h"
#include "format/text.h"
#include "format/text_shown.h"

enum { TIMEOUT_MS = 1000, TOKEN_MAX = 1024, ROLE_MAX = 64, NAME_MAX_LEN = 64, BASE_MAX = 512 };

static const char identity_path[] = "/latest/dynamic/instance-identity/document";
static const char role_path[] = "/latest/meta-data/iam/security-credentials/";

/* ---- where it is ---- */

static bool is_url(const char *text)
{
    if (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0)
        return false;
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p >= 0x7f)
            return false;
    return true;
}

bool imds_is_disabled(const struct env *env)
{
    const char *disabled = env_get(env, "AWS_EC2_METADATA_DISABLED");
    return disabled && text_same_nocase(disabled, "true");
}

/* The service's URL without a slash at its end. The endpoint goes before the mode, as in the AWS command
 * line. */
static bool find_base(const struct env *env, struct buf *out, struct err *err)
{
    if (imds_is_disabled(env))
        return err_set(err, ERR_NO_CREDENTIALS,
                       "the instance metadata service is not asked: AWS_EC2_METADATA_DISABLED is 'true'");
    out->max = BASE_MAX;
    const char *base = env_get(env, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = env_get(env, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    if (!base)
        base = mode && text_same_nocase(mode, "ipv6") ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
    char shown[TEXT_SHOWN_MAX];
    if (!is_url(base))
        return err_set(err, ERR_CONFIG, "AWS_EC2_METADATA_SERVICE_ENDPOINT is no http URL: '%s'",
                       text_shown(shown, base));
    size_t len = strlen(base);
    while (base[len - 1] == '/')
        len--;
    buf_add(out, base, len);
    return buf_ok(out, "the URL in AWS_EC2_METADATA_SERVICE_ENDPOINT", err);
}

/* ---- asking ---- */

static const char *instance_name(const struct imds *imds)
{
    return imds->instance_id ? imds->instance_id : "INSTANCE-ID";
}

/* No whole reply to `what`, or one that asks to come back. */
static bool unanswered(const struct http_reply *reply, const char *base, const char *what, struct err *err)
{
    switch (reply->err.code) {
    case ERR_NONE:
        return err_set(err, reply->status == 429 ? ERR_THROTTLED : ERR_SERVER,
                       "the instance metadata service at '%s' answers %d when asked for %s", base,
                       reply->status, what);
    case ERR_TIMEOUT:
        return err_set(
            err, ERR_TIMEOUT,
            "no answer from the instance metadata service at '%s' when asked for %s: not an EC2 instance, "
            "or its hop limit is too small (set http-put-response-hop-limit 2)",
            base, what);
    case ERR_NETWORK:
        return err_set(err, ERR_NETWORK, "the instance metadata service at '%s' can't be reached: %s", base,
                       reply->err.message);
    default:
        return err_set(err, reply->err.code, "the instance metadata service at '%s', asked for %s: %s", base,
                       what, reply->err.message);
    }
}

/* A whole reply with a status that is neither 200 nor one that the caller knows what to make of. */
static bool refused(const struct imds *imds, const struct http_reply *reply, const char *base,
                    const char *what, struct err *err)
{
    if (reply->status == 403)
        return err_set(err, ERR_NO_CREDENTIALS,
                       "the instance metadata service is switched off: enable it: aws ec2 "
                       "modify-instance-metadata-options --instance-id %s --http-endpoint enabled",
                       instance_name(imds));
    return err_set(err, ERR_SERVICE, "the instance metadata service at '%s' answers %d when asked for %s",
                   base, reply->status, what);
}

static bool is_token(const struct buf *text)
{
    if (text->len == 0 || text->len > TOKEN_MAX)
        return false;
    for (size_t i = 0; i < text->len; i++)
        if (text->data[i] <= ' ' || text->data[i] >= 0x7f)
            return false;
    return true;
}

/*
 * A token for the requests that follow. Where the hop limit is too small the answer is lost on its way and
 * the request hangs, and where there is no such service the connection does: two tries tell as much as three.
 */
static bool fetch_token(struct imds *imds, const struct aws_io *io, const char *base, struct err *err)
{
    static const char what[] = "a token";
    struct buf url = {0};
    struct http_reply reply = {0};
    bool ok = false;
    text_wipe(imds->token);
    imds->token = NULL;
    buf_addf(&url, "%s/latest/api/token", base);
    if (!buf_ok(&url, "a URL", err))
        goto out;
    struct metadata_request request = {.method = HTTP_PUT,
                                       .url = url.data,
                                       .header = "X-aws-ec2-metadata-token-ttl-seconds: 300",
                                       .timeout_ms = TIMEOUT_MS,
                                       .timeout_tries = 2};
    if (!metadata_ask(&request, io, &reply)) {
        unanswered(&reply, base, what, err);
        goto out;
    }
    if (reply.status != 200) {
        refused(imds, &reply, base, what, err);
        goto out;
    }
    if (!is_token(&reply.body)) {
        err_set(err, ERR_MALFORMED, "what the instance metadata service at '%s' answers is no token", base);
        goto out;
    }
    imds->token = text_dup(reply.body.data);
    ok = imds->token || err_nomem(err);
out:
    http_reply_free(&reply);
    buf_free(&url);
    return ok;
}

/* One request with the token at hand. False: no whole reply. */
static bool get_once(const struct imds *imds, const struct aws_io *io, const char *base, const char *path,
                     const char *what, struct http_reply *out, struct err *err)
{
    struct buf url = {0};
    struct buf header = {.secret = true};
    bool ok = false;
    buf_addf(&url, "%s%s", base, path);
    buf_addf(&header, "X-aws-ec2-metadata-token: %s", imds->token);
    if (!buf_ok(&url, "a URL", err) || !buf_ok(&header, "a header", err))
        goto out;
    struct metadata_request request = {.method = HTTP_GET,
                                       .url = url.data,
                                       .header = header.data,
                                       .timeout_ms = TIMEOUT_MS,
                                       .timeout_tries = 3};
    ok = metadata_ask(&request, io, out) || unanswered(out, base, what, err);
out:
    buf_free(&header);
    buf_free(&url);
    return ok;
}

/* Reads a path. True: 200 or 404, told by out->status. A token that is no longer taken (401) is replaced
 * once. */
static bool get(struct imds *imds, const struct aws_io *io, const char *path, const char *what,
                struct http_reply *out, struct err *err)
{
    struct buf base = {0};
    bool ok = find_base(io->env, &base, err) && (imds->token || fetch_token(imds, io, base.data, err)) &&
              get_once(imds, io, base.data, path, what, out, err);
    if (ok && out->status == 401) {
        http_reply_free(out);
        ok = fetch_token(imds, io, base.data, err) && get_once(imds, io, base.data, path, what, out, err);
    }
    if (ok && out->status != 200 && out->status != 404)
        ok = refused(imds, out, base.data, what, err);
    buf_free(&base);
    return ok;
}

/* ---- the identity document ---- */

/* An instance id, a region, an account: letters, digits and '-'. */
static bool take_name(const struct json *json, const char *key, char **out, struct err *err)
{
    size_t token = json_get(json, 0, key);
    if (token == JSON_NONE)
        return err_set(err, ERR_MALFORMED, "the instance identity document has no '%s'", key);
    if (!json_string_dup(json, token, NAME_MAX_LEN, out, err))
        return err_prefix(err, "'%s' of the instance identity document", key);
    bool ok = **out != '\0';
    for (const char *p = *out; *p; p++)
        ok = ok && (isalnum((unsigned char)*p) || *p == '-');
    return ok || err_set(err, ERR_MALFORMED, "'%s' of the instance identity document is no name", key);
}

static bool read_identity(struct imds *imds, const struct buf *text, struct err *err)
{
    struct json json = {0};
    char *instance_id = NULL;
    char *region = NULL;
    char *account_id = NULL;
    bool ok = json_parse(&json, buf_text(text), text->len, err) ||
              err_prefix(err, "the instance identity document");
    ok = ok && take_name(&json, "instanceId", &instance_id, err) &&
         take_name(&json, "region", &region, err) && take_name(&json, "accountId", &account_id, err);
    if (ok) {
        imds->instance_id = instance_id;
        imds->region = region;
        imds->account_id = account_id;
        imds->has_identity = true;
    } else {
        free(instance_id);
        free(region);
        free(account_id);
    }
    json_free(&json);
    return ok;
}

bool imds_identity(struct imds *imds, const struct aws_io *io, struct err *err)
{
    if (imds->has_identity)
        return true;
    struct http_reply reply = {0};
    bool ok = get(imds, io, identity_path, "the identity document", &reply, err);
    if (ok && reply.status == 404)
        ok = err_set(err, ERR_NOT_FOUND, "the instance metadata service has no instance identity document");
    ok = ok && read_identity(imds, &reply.body, err);
    http_reply_free(&reply);
    return ok;
}

/* ---- the instance role ---- */

/* Only characters that IAM allows in a role's name: it becomes a part of a URL. */
static bool is_role_name(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && (!name[i] || !strchr("+=,.@_-", name[i])))
            return false;
    return len > 0 && len <= ROLE_MAX;
}

static bool no_profile(const struct imds *imds, struct err *err)
{
    return err_set(
        err, ERR_NO_CREDENTIALS,
        "this instance has no instance profile: attach one: aws ec2 associate-iam-instance-profile "
        "--instance-id %s --iam-instance-profile Name=NAME",
        instance_name(imds));
}

/* The name of the instance role: the first line of the list. */
static bool list_role(struct imds *imds, const struct aws_io *io, struct err *err)
{
    struct http_reply reply = {0};
    bool ok = get(imds, io, role_path, "the instance role's name", &reply, err);
    free(imds->role);
    imds->role = NULL;
    if (ok && (reply.status == 404 || reply.body.len == 0))
        ok = no_profile(imds, err);
    if (ok) {
        char *name = reply.body.data;
        size_t len = 0;
        while (len < reply.body.len && name[len] != '\r' && name[len] != '\n')
            len++;
        if (is_role_name(name, len)) {
            name[len] = '\0';
            imds->role = text_dup(name);
            ok = imds->role || err_nomem(err);
        } else {
            ok = err_set(err, ERR_MALFORMED, "what the instance metadata service lists is no role's name");
        }
    }
    http_reply_free(&reply);
    return ok;
}

static bool get_role(struct imds *imds, const struct aws_io *io, struct http_reply *out, struct err *err)
{
    struct buf path = {0};
    buf_addf(&path, "%s%s", role_path, imds->role);
    bool ok =
        buf_ok(&path, "a URL", err) && get(imds, io, path.data, "the instance role's credentials", out, err);
    buf_free(&path);
    return ok;
}

static bool read_role(const struct imds *imds, const struct buf *text, struct credentials *out,
                      struct err *err)
{
    struct buf what = {0};
    buf_addf(&what, "instance role `%s`", imds->role);
    bool ok =
        buf_ok(&what, "a name", err) && credentials_from_json(buf_text(text), text->len, what.data, out, err);
    if (ok) {
        out->role = text_dup(imds->role);
        ok = out->role || err_nomem(err);
    } else if (strncmp(err->service_code, "AssumeRole", 10) == 0) {
        buf_reset(&what);
        buf_addf(&what,
                 "%s; mend the role's trust policy (ec2.amazonaws.com) or attach another instance profile",
                 err->message);
        err_set(err, ERR_NO_CREDENTIALS, "%s", buf_text(&what));
    }
    buf_free(&what);
    return ok;
}

bool imds_credentials(struct imds *imds, const struct aws_io *io, struct credentials *out, struct err *err)
{
    struct http_reply reply = {0};
    bool ok = (imds->role || list_role(imds, io, err)) && get_role(imds, io, &reply, err);
    if (ok && reply.status == 404) {
        /* The role that was listed a moment (or, in a run that waited, some minutes) ago has been replaced.
         */
        http_reply_free(&reply);
        ok = list_role(imds, io, err) && get_role(imds, io, &reply, err);
    }
    if (ok && reply.status == 404)
        ok = err_set(err, ERR_NO_CREDENTIALS,
                     "the instance metadata service has no credentials for the instance role `%s`: does the "
                     "role of the "
                     "instance profile still exist?",
                     imds->role);
    ok = ok && read_role(imds, &reply.body, out, err);
    http_reply_free(&reply);
    if (!ok)
        credentials_free(out);
    return ok;
}

void imds_free(struct imds *imds)
{
    if (!imds)
        return;
    text_wipe(imds->token);
    free(imds->role);
    free(imds->instance_id);
    free(imds->region);
    free(imds->account_id);
    *imds = (struct imds){0};
}
