#include <string.h>

#include "aws/credentials_source.h"
#include "aws/sso_token.h"
#include "format/json_read.h"
#include "format/text.h"
#include "format/text_shown.h"

enum { TOKEN_MAX = 64 * 1024, FIELD_MAX = 16 * 1024 };

/* What the profile says: its own settings, or those of the sso-session that it names. False with ERR_NONE:
 * nothing. */
static bool read_config(const struct profile_use *use, struct sso_config *out, struct err *err)
{
    char shown[TEXT_SHOWN_MAX];
    const char *account = profile_setting(use, "sso_account_id");
    const char *role = profile_setting(use, "sso_role_name");
    err_clear(err);
    if (!account && !role)
        return false;
    out->session = profile_setting(use, "sso_session");
    out->start_url = profile_setting(use, "sso_start_url");
    out->region = profile_setting(use, "sso_region");
    if (out->session) {
        out->start_url = profiles_get_sso(use->profiles, out->session, "sso_start_url");
        out->region = profiles_get_sso(use->profiles, out->session, "sso_region");
    }
    const char *lacks = !account          ? "sso_account_id"
                        : !role           ? "sso_role_name"
                        : !out->start_url ? "sso_start_url"
                                          : NULL;
    if (!lacks && !out->region)
        lacks = "sso_region";
    if (!lacks)
        return true;
    if (out->session && account && role)
        return profile_error(use, err, "its [sso-session %s] is not there or has no %s",
                             text_shown(shown, out->session), lacks);
    return profile_error(use, err, "it has no %s", lacks);
}

static bool add_text(const struct json *json, size_t object, const char *key, struct buf *out,
                     struct err *err)
{
    size_t token = json_get(json, object, key);
    if (token == JSON_NONE)
        return err_set(err, ERR_MALFORMED, "'%s' is missing", key);
    return json_string(json, token, out, err) && buf_ok(out, key, err);
}

static bool read_reply(const struct buf *text, const char *source, struct credentials *out, struct err *err)
{
    struct json json = {0};
    struct buf access_key = {.max = FIELD_MAX, .secret = true};
    struct buf secret_key = {.max = FIELD_MAX, .secret = true};
    struct buf token = {.max = FIELD_MAX, .secret = true};
    bool ok = json_parse(&json, buf_text(text), text->len, err);
    size_t keys = ok ? json_get(&json, 0, "roleCredentials") : JSON_NONE;
    if (ok && keys == JSON_NONE)
        ok = err_set(err, ERR_MALFORMED, "'roleCredentials' is missing");
    ok = ok && add_text(&json, keys, "accessKeyId", &access_key, err) &&
         add_text(&json, keys, "secretAccessKey", &secret_key, err) &&
         add_text(&json, keys, "sessionToken", &token, err) &&
         credentials_set(out, buf_text(&access_key), buf_text(&secret_key), buf_text(&token), source, err);
    if (ok) {
        struct err unread;
        size_t expiry = json_get(&json, keys, "expiration");
        if (expiry == JSON_NONE || !json_integer(&json, expiry, &out->expiry_ms, &unread))
            out->expiry_ms = 0;
    } else {
        if (err->code == ERR_CONFIG)
            err->code = ERR_MALFORMED;
        err_prefix(err, "the reply to sso:GetRoleCredentials");
    }
    buf_free(&access_key);
    buf_free(&secret_key);
    buf_free(&token);
    json_free(&json);
    return ok;
}

/* GetRoleCredentials of the portal. */
static bool ask_portal(const struct profile_use *use, const struct sso_config *config,
                       const struct buf *token, const char *source, struct credentials *out, struct err *err)
{
    const char *account = profile_setting(use, "sso_account_id");
    const char *role = profile_setting(use, "sso_role_name");
    struct aws_session session = {.io = use->io};
    struct aws_client client = {.session = &session};
    struct buf path = {0};
    struct buf header = {.secret = true};
    struct http_reply reply = {0};
    buf_add_text(&path, "/federation/credentials?role_name=");
    text_percent_encode(&path, role, strlen(role), false);
    buf_add_text(&path, "&account_id=");
    text_percent_encode(&path, account, strlen(account), false);
    buf_addf(&header, "x-amz-sso_bearer_token: %s", buf_text(token));
    struct aws_call call = {.action = "GetRoleCredentials",
                            .method = HTTP_GET,
                            .path = buf_text(&path),
                            .headers = {buf_text(&header)},
                            .header_count = 1,
                            .unsigned_call = true,
                            .secret = true};
    bool ok = buf_ok(&path, "a URL", err) && buf_ok(&header, "a header", err) &&
              endpoint_find("sso", config->region, NULL, use->io->env, &client.endpoint, err) &&
              aws_call_one(&client, &call, &reply, err) && read_reply(&reply.body, source, out, err);
    http_reply_free(&reply);
    buf_free(&header);
    buf_free(&path);
    return ok;
}

/* Not signed in, or not any more: says how to sign in. */
static bool ask_to_sign_in(const char *name, struct err *err)
{
    struct buf whole = {0};
    buf_addf(&whole, "profile '%s': %s: run: aws sso login --profile %s", name, err->message, name);
    if (!whole.failed)
        err_set(err, ERR_NO_CREDENTIALS, "%s", whole.data);
    buf_free(&whole);
    return false;
}

bool credentials_from_sso(const struct profile_use *use, struct credentials *out, struct err *err)
{
    struct sso_config config = {0};
    char shown[TEXT_SHOWN_MAX];
    struct buf token = {.max = TOKEN_MAX, .secret = true};
    struct buf source = {0};
    if (!read_config(use, &config, err))
        return false;
    text_shown(shown, use->name);
    buf_addf(&source, "profile `%s`, IAM Identity Center", shown);
    bool ok = buf_ok(&source, "a name", err);
    if (ok && !sso_token_find(&config, use->io, &token, err)) {
        ok = ask_to_sign_in(shown, err);
    } else if (ok && !ask_portal(use, &config, &token, source.data, out, err)) {
        ok = strcmp(err->service_code, "UnauthorizedException") == 0 ? ask_to_sign_in(shown, err)
                                                                     : err_prefix(err, "%s", source.data);
    }
    buf_free(&source);
    buf_free(&token);
    return ok;
}
