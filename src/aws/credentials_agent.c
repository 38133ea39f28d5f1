#include "aws/credentials_source.h"

#include <string.h>

#include "format/ini_read.h"
#include "platform/platform.h"

enum { FILE_MAX = 64 * 1024 };

struct keys {
    struct buf access_key;
    struct buf secret_key;
    struct buf token;
};

static bool take_setting(void *ctx, const char *section, const char *key, const char *value, struct err *err)
{
    struct keys *keys = ctx;
    struct buf *out = NULL;
    if (strcmp(section, "default") != 0)
        return true;
    if (strcmp(key, "aws_access_key_id") == 0)
        out = &keys->access_key;
    else if (strcmp(key, "aws_secret_access_key") == 0)
        out = &keys->secret_key;
    else if (strcmp(key, "aws_session_token") == 0)
        out = &keys->token;
    else
        return true;
    buf_reset(out);
    buf_add_text(out, value);
    return buf_ok(out, "a key", err);
}

bool credentials_from_agent_file(const char *path, struct credentials *out, struct err *err)
{
    struct keys keys = {.access_key.secret = true, .secret_key.secret = true, .token.secret = true};
    struct buf text = {.max = FILE_MAX, .secret = true};
    struct buf source = {0};
    bool ok = false;
    err_clear(err);
    if (!platform_read_file(path, &text, err)) {
        if (err->code == ERR_NOT_FOUND)
            err_clear(err);
        goto out;
    }
    if (!ini_read(buf_text(&text), text.len, take_setting, &keys, err)) {
        err_prefix(err, "'%s'", path);
        goto out;
    }
    if (keys.access_key.len == 0 && keys.secret_key.len == 0)
        goto out;
    buf_addf(&source, "ssm agent's file `%s`", path);
    if (!buf_ok(&source, "a path", err))
        goto out;
    ok = credentials_set(out, buf_text(&keys.access_key), buf_text(&keys.secret_key),
                         keys.token.len ? keys.token.data : NULL, source.data, err) ||
         err_prefix(err, "'%s'", path);
out:
    buf_free(&source);
    buf_free(&text);
    buf_free(&keys.access_key);
    buf_free(&keys.secret_key);
    buf_free(&keys.token);
    return ok;
}

/*
 * Default Host Management Configuration: the agent keeps the keys that it was given in a file that only root
 * can read. Hybrid nodes: it keeps them as root's own shared credentials.
 */
bool credentials_from_agent(const struct aws_io *io, struct credentials *out, struct err *err)
{
    (void)io;
    struct buf path = {0};
    struct buf home = {0};
    bool ok = false;
    err_clear(err);
    if (platform_agent_credentials(&path))
        ok = credentials_from_agent_file(buf_text(&path), out, err);
    struct err first = *err;
    if (!ok && platform_home_of_root(&home)) {
        buf_reset(&path);
        buf_addf(&path, "%s/.aws/credentials", buf_text(&home));
        ok = buf_ok(&path, "a path", err) && credentials_from_agent_file(path.data, out, err);
        if (!ok && first.code)
            *err = first;
    }
    buf_free(&home);
    buf_free(&path);
    return ok;
}
