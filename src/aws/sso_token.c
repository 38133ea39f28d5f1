#include "aws/sso_token.h"

#include <stdlib.h>
#include <string.h>

#include "aws/client.h"
#include "aws/profiles.h"
#include "aws/sha1.h"
#include "format/json_read.h"
#include "format/json_write.h"
#include "format/timestamp.h"
#include "platform/platform.h"

enum { FILE_SIZE_MAX = 256 * 1024, FIELD_MAX = 64 * 1024, EXPIRES_MAX_S = 366 * 24 * 3600 };

/* The cache file's fields; NULL: it lacks them. The tokens and client_secret are secret. */
struct cached {
    char *access_token;
    char *expires_at;
    char *refresh_token;
    char *client_id;
    char *client_secret;
    char *registration_expires_at;
};

static void cached_free(struct cached *cached)
{
    text_wipe(cached->access_token);
    text_wipe(cached->expires_at);
    text_wipe(cached->refresh_token);
    text_wipe(cached->client_id);
    text_wipe(cached->client_secret);
    text_wipe(cached->registration_expires_at);
    *cached = (struct cached){0};
}

static bool find_path(const struct sso_config *config, struct buf *out, struct err *err)
{
    char digest[SHA1_HEX_SIZE];
    const char *key = config->session ? config->session : config->start_url;
    if (!profiles_home_path("sso/cache/", out))
        return err_set(err, ERR_NO_CREDENTIALS,
                       "the home directory is not known, and so ~/.aws/sso/cache is not");
    sha1_hex(key, strlen(key), digest);
    buf_addf(out, "%s.json", digest);
    return buf_ok(out, "a path", err);
}

/* A member's text into `out`; left NULL where it is missing or no text. */
static void take(const struct json *json, const char *key, char **out)
{
    struct err unread;
    size_t token = json_get(json, 0, key);
    if (token != JSON_NONE && json->tokens[token].type == JSON_STRING)
        (void)json_string_dup(json, token, FIELD_MAX, out, &unread);
}

static bool read_cache(const char *path, struct cached *out, struct err *err)
{
    struct buf text = {.max = FILE_SIZE_MAX, .secret = true};
    struct json json = {0};
    bool ok = platform_read_file(path, &text, err);
    if (!ok && err->code == ERR_NOT_FOUND) {
        err_set(err, ERR_NO_CREDENTIALS, "not signed in to IAM Identity Center ('%s' is not there)", path);
    } else if (ok) {
        ok = json_parse(&json, buf_text(&text), text.len, err) || err_prefix(err, "'%s'", path);
    }
    if (ok) {
        take(&json, "accessToken", &out->access_token);
        take(&json, "expiresAt", &out->expires_at);
        take(&json, "refreshToken", &out->refresh_token);
        take(&json, "clientId", &out->client_id);
        take(&json, "clientSecret", &out->client_secret);
        take(&json, "registrationExpiresAt", &out->registration_expires_at);
        if (!out->access_token || !out->expires_at)
            ok = err_set(err, ERR_NO_CREDENTIALS, "'%s' holds no accessToken or no expiresAt", path);
    }
    if (!ok && err->code != ERR_NOMEM)
        err->code = ERR_NO_CREDENTIALS;
    json_free(&json);
    buf_free(&text);
    return ok;
}

/* A point in time of the cache, or NULL; older command lines wrote "2020-06-17T10:02:08UTC". False: it is
 * none, or is over. */
static bool is_ahead(const char *text, const struct aws_io *io)
{
    int64_t time_ms = 0;
    struct buf copy = {0};
    if (!text)
        return false;
    size_t len = strlen(text);
    bool utc = len > 3 && strcmp(text + len - 3, "UTC") == 0;
    buf_add(&copy, text, utc ? len - 3 : len);
    buf_add_text(&copy, utc ? "Z" : "");
    bool ok = !copy.failed && timestamp_from_rfc3339(buf_text(&copy), &time_ms);
    buf_free(&copy);
    return ok && time_ms > clock_wall_ms(io->clock);
}

/* ---- renewing ---- */

static void write_request(const struct cached *cached, struct buf *out)
{
    struct json_writer writer = {.out = out};
    json_begin_object(&writer, NULL);
    json_add_string(&writer, "grantType", "refresh_token");
    json_add_string(&writer, "clientId", cached->client_id);
    json_add_string(&writer, "clientSecret", cached->client_secret);
    json_add_string(&writer, "refreshToken", cached->refresh_token);
    json_end_object(&writer);
}

static bool take_renewed(const struct buf *text, const struct aws_io *io, struct cached *cached,
                         struct err *err)
{
    struct json json = {0};
    struct cached renewed = {0};
    int64_t seconds = 0;
    char expires_at[TIMESTAMP_MAX];
    bool ok = json_parse(&json, buf_text(text), text->len, err);
    if (ok) {
        size_t expires = json_get(&json, 0, "expiresIn");
        take(&json, "accessToken", &renewed.access_token);
        take(&json, "refreshToken", &renewed.refresh_token);
        if (!renewed.access_token || expires == JSON_NONE || !json_integer(&json, expires, &seconds, err) ||
            seconds < 0 || seconds > EXPIRES_MAX_S)
            ok = err_set(err, ERR_MALFORMED, "no token in the reply");
    }
    if (ok) {
        timestamp_rfc3339(clock_wall_ms(io->clock) + seconds * 1000, expires_at);
        renewed.expires_at = text_dup(expires_at);
        ok = renewed.expires_at || err_nomem(err);
    }
    if (ok) {
        text_wipe(cached->access_token);
        text_wipe(cached->expires_at);
        cached->access_token = renewed.access_token;
        cached->expires_at = renewed.expires_at;
        if (renewed.refresh_token) {
            text_wipe(cached->refresh_token);
            cached->refresh_token = renewed.refresh_token;
        }
        renewed = (struct cached){0};
    }
    cached_free(&renewed);
    json_free(&json);
    return ok;
}

static bool write_cache(const char *path, const struct sso_config *config, const struct cached *cached,
                        struct err *err)
{
    struct buf text = {.secret = true};
    struct json_writer writer = {.out = &text};
    json_begin_object(&writer, NULL);
    json_add_string(&writer, "startUrl", config->start_url);
    json_add_string(&writer, "region", config->region);
    json_add_string(&writer, "accessToken", cached->access_token);
    json_add_string(&writer, "expiresAt", cached->expires_at);
    json_add_string(&writer, "clientId", cached->client_id);
    json_add_string(&writer, "clientSecret", cached->client_secret);
    json_add_string(&writer, "registrationExpiresAt", cached->registration_expires_at);
    json_add_string(&writer, "refreshToken", cached->refresh_token);
    json_end_object(&writer);
    bool ok = buf_ok(&text, "a token", err) && platform_write_file(path, text.data, text.len, err);
    buf_free(&text);
    return ok;
}

static bool can_renew(const struct sso_config *config, const struct cached *cached, const struct aws_io *io)
{
    return config->session && cached->refresh_token && cached->client_id && cached->client_secret &&
           is_ahead(cached->registration_expires_at, io);
}

/* CreateToken of SSO OIDC (SSOTokenProvider of botocore's tokens.py). */
static bool renew(const struct sso_config *config, const struct aws_io *io, struct cached *cached,
                  struct err *err)
{
    struct aws_session session = {.io = io};
    struct aws_client client = {.session = &session};
    struct buf body = {.secret = true};
    struct http_reply reply = {0};
    write_request(cached, &body);
    struct aws_call call = {.action = "CreateToken",
                            .method = HTTP_POST,
                            .path = "/token",
                            .headers = {"Content-Type: application/json"},
                            .header_count = 1,
                            .body = buf_text(&body),
                            .body_len = body.len,
                            .unsigned_call = true,
                            .secret = true};
    bool ok = buf_ok(&body, "a request", err) &&
              endpoint_find("sso-oidc", config->region, NULL, io->env, &client.endpoint, err) &&
              aws_call_one(&client, &call, &reply, err) && take_renewed(&reply.body, io, cached, err);
    http_reply_free(&reply);
    buf_free(&body);
    return ok;
}

/* It is going to be a header. */
static bool is_token(const char *text)
{
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p >= 0x7f)
            return false;
    return *text != '\0';
}

bool sso_token_find(const struct sso_config *config, const struct aws_io *io, struct buf *out,
                    struct err *err)
{
    struct cached cached = {0};
    struct buf path = {0};
    struct err why = {0};
    bool ok = find_path(config, &path, err) && read_cache(path.data, &cached, err);
    if (ok && !is_ahead(cached.expires_at, io)) {
        ok = can_renew(config, &cached, io) && renew(config, io, &cached, &why);
        if (ok && !write_cache(path.data, config, &cached, &why))
            trace_say(io->trace, "renewed sign-in not kept: %s", why.message);
        if (!ok)
            err_set(err, ERR_NO_CREDENTIALS, "the sign-in to IAM Identity Center has run out%s%s",
                    why.code ? ": " : "", why.message);
    }
    if (ok && !is_token(cached.access_token))
        ok = err_set(err, ERR_NO_CREDENTIALS, "'%s' holds an accessToken that is none", path.data);
    if (ok) {
        buf_add_text(out, cached.access_token);
        ok = buf_ok(out, "a token", err);
    }
    buf_free(&path);
    cached_free(&cached);
    return ok;
}
