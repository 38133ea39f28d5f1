#include <string.h>

#include "aws/credentials_source.h"
#include "platform/platform.h"

enum { TOKEN_MAX = 64 * 1024, NAME_SIZE = 64 };

/*
 * From the environment, then the profile. A profile that was named with --profile, or that only serves
 * another one's role, speaks for itself.
 */
static const char *setting(const struct profile_use *use, const char *variable, const char *key)
{
    const char *value = NULL;
    if (use->options->full_chain && !use->options->profile && !use->user)
        value = env_get(use->io->env, variable);
    return value ? value : profile_setting(use, key);
}

static bool read_token(const char *path, struct buf *out, struct err *err)
{
    if (!platform_read_file(path, out, err)) {
        if (err->code != ERR_NOMEM)
            err->code = ERR_CONFIG;
        return err_prefix(err, "web_identity_token_file");
    }
    while (out->len > 0 && strchr(" \t\r\n", out->data[out->len - 1]))
        out->data[--out->len] = '\0';
    if (out->len == 0 || strlen(out->data) != out->len)
        return err_set(err, ERR_CONFIG, "web_identity_token_file '%s' holds no token", path);
    return true;
}

bool credentials_from_web_identity(const struct profile_use *use, struct credentials *out, struct err *err)
{
    const char *path = setting(use, "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
    struct sts_role role = {.arn = setting(use, "AWS_ROLE_ARN", "role_arn"),
                            .session_name = setting(use, "AWS_ROLE_SESSION_NAME", "role_session_name")};
    struct credentials nobody = {0};
    struct buf token = {.max = TOKEN_MAX, .secret = true};
    struct buf name = {.max = NAME_SIZE};
    err_clear(err);
    if (!path)
        return false;
    if (!role.arn)
        return profile_error(
            use, err,
            "a web_identity_token_file is named, and no role_arn: set it, or AWS_ROLE_ARN, beside it");
    buf_addf(&name, "ssm-enforce-%lld", (long long)(clock_wall_ms(use->io->clock) / 1000));
    if (!role.session_name)
        role.session_name = buf_text(&name);
    bool ok = buf_ok(&name, "a session name", err) && read_token(path, &token, err);
    if (ok) {
        role.web_token = token.data;
        ok = credentials_assume(use, &role, &nobody, out, err);
    }
    buf_free(&name);
    buf_free(&token);
    return ok;
}
