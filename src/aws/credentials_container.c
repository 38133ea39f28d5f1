#include "aws/credentials_source.h"

#include <string.h>

#include "aws/metadata.h"
#include "format/json_read.h"
#include "format/text.h"
#include "format/text_shown.h"
#include "platform/platform.h"

enum { TIMEOUT_MS = 2000, TOKEN_MAX = 16 * 1024, URL_MAX = 2048 };

static const char ecs_host[] = "http://169.254.170.2";

/* 127.a.b.c: four numbers and nothing else, so that "127.0.0.1.example.com" is no loopback address. */
static bool is_loopback_v4(const char *host)
{
    int parts = 0;
    const char *p = host;
    for (;; p++) {
        size_t digits = strspn(p, "0123456789");
        if (digits < 1 || digits > 3)
            return false;
        parts++;
        p += digits;
        if (*p != '.')
            break;
    }
    return *p == '\0' && parts == 4 && strncmp(host, "127.", 4) == 0;
}

/* Hosts that may be asked without TLS: this machine, and where ECS and EKS hand out credentials. */
static bool is_local_host(const char *host)
{
    static const char *const hosts[] = {"localhost", "[::1]", "169.254.170.2", "169.254.170.23",
                                        "[fd00:ec2::23]"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (text_same_nocase(host, hosts[i]))
            return true;
    return is_loopback_v4(host);
}

static bool is_plain(const char *text, const char *refused)
{
    for (const char *p = text; *p; p++)
        if (*p <= ' ' || *p >= 0x7f || strchr(refused, *p))
            return false;
    return *text != '\0';
}

/* https to anywhere, http to the hosts above alone: the reply holds secrets, and so may the request. */
static bool check_full_uri(const char *uri, struct err *err)
{
    static const char name[] = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    char shown[TEXT_SHOWN_MAX];
    char host[64];
    bool tls = strncmp(uri, "https://", 8) == 0;
    if ((!tls && strncmp(uri, "http://", 7) != 0) || strlen(uri) > URL_MAX || !is_plain(uri, "\\#\"<>"))
        return err_set(err, ERR_CONFIG, "%s is no http URL: '%s'", name, text_shown(shown, uri));
    const char *start = uri + (tls ? 8 : 7);
    size_t authority = strcspn(start, "/?");
    size_t len = *start == '[' ? strcspn(start, "]") + 1 : strcspn(start, ":/?");
    if (len == 0 || len > authority || memchr(start, '@', authority) ||
        (len < authority &&
         (start[len] != ':' || strspn(start + len + 1, "0123456789") != authority - len - 1)))
        return err_set(err, ERR_CONFIG, "%s is no http URL: '%s'", name, text_shown(shown, uri));
    if (tls)
        return true;
    if (len < sizeof host) {
        memcpy(host, start, len);
        host[len] = '\0';
        if (is_local_host(host))
            return true;
    }
    return err_set(
        err, ERR_CONFIG,
        "%s '%s' is refused: without https only this machine (localhost) and the addresses 169.254.170.2, "
        "169.254.170.23 and fd00:ec2::23 may be asked for credentials",
        name, text_shown(shown, uri));
}

/* The URL to ask; ERR_NONE: none is configured. The relative one goes first, as in the AWS command line. */
static bool find_url(const struct env *env, struct buf *out, struct err *err)
{
    char shown[TEXT_SHOWN_MAX];
    const char *relative = env_get(env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = env_get(env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    err_clear(err);
    if (!relative && !full)
        return false;
    if (relative) {
        if (*relative != '/' || strlen(relative) > URL_MAX || !is_plain(relative, "\\#\"<>"))
            return err_set(err, ERR_CONFIG,
                           "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path that begins with '/': '%s'",
                           text_shown(shown, relative));
        buf_add_text(out, ecs_host);
    } else if (!check_full_uri(full, err)) {
        return false;
    }
    buf_add_text(out, relative ? relative : full);
    return buf_ok(out, "the URL of the container's credentials", err);
}

/* The header that proves who asks; nothing is added where none is configured. The file goes first: it is
 * renewed. */
static bool find_header(const struct env *env, struct buf *out, struct err *err)
{
    const char *path = env_get(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = env_get(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    struct buf file = {.max = TOKEN_MAX, .secret = true};
    bool ok = true;
    if (path) {
        ok =
            platform_read_file(path, &file, err) || err_prefix(err, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        token = buf_text(&file);
    }
    if (ok && token &&
        (strlen(token) > TOKEN_MAX || strpbrk(token, "\r\n") || (path && strlen(token) != file.len)))
        ok = err_set(err, ERR_CONFIG, "the token of %s holds a line end or a NUL byte, or is over %d bytes",
                     path ? "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" : "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                     TOKEN_MAX);
    if (ok && token) {
        buf_addf(out, "Authorization: %s", token);
        ok = buf_ok(out, "a header", err);
    }
    buf_free(&file);
    return ok;
}

static bool failed(const struct http_reply *reply, const char *url, struct err *err)
{
    char shown[TEXT_SHOWN_MAX];
    text_shown(shown, url);
    if (reply->err.code)
        return err_set(err, reply->err.code, "container credentials from '%s': %s", shown,
                       reply->err.message);
    enum err_code code = reply->status == 429   ? ERR_THROTTLED
                         : reply->status >= 500 ? ERR_SERVER
                                                : ERR_NO_CREDENTIALS;
    const char *remedy =
        reply->status == 401 || reply->status == 403
            ? ": check AWS_CONTAINER_AUTHORIZATION_TOKEN or AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
            : "";
    return err_set(err, code, "container credentials from '%s': the endpoint answers %d%s", shown,
                   reply->status, remedy);
}

bool credentials_from_container(const struct aws_io *io, struct credentials *out, struct err *err)
{
    struct buf url = {0};
    struct buf header = {.secret = true};
    struct http_reply reply = {0};
    bool ok = false;
    if (!find_url(io->env, &url, err) || !find_header(io->env, &header, err))
        goto out;
    struct metadata_request request = {.method = HTTP_GET,
                                       .url = url.data,
                                       .header = header.data,
                                       .timeout_ms = TIMEOUT_MS,
                                       .timeout_tries = 2};
    if (!metadata_ask(&request, io, &reply) || reply.status != 200)
        failed(&reply, url.data, err);
    else
        ok = credentials_from_json(buf_text(&reply.body), reply.body.len, "container endpoint", out, err);
out:
    http_reply_free(&reply);
    buf_free(&header);
    buf_free(&url);
    return ok;
}
