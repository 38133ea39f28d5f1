#include <stdarg.h>

#include "aws/credentials_source.h"
#include "format/text_shown.h"

const char *credentials_profile_name(const struct credentials_options *options, const struct env *env)
{
    const char *name = options->profile;
    if (!name && options->full_chain)
        name = env_get(env, "AWS_PROFILE");
    if (!name && options->full_chain)
        name = env_get(env, "AWS_DEFAULT_PROFILE");
    return name ? name : "default";
}

/* True if it was asked for: then it has to exist. */
static bool is_asked_for(const struct credentials_options *options, const struct env *env)
{
    return options->profile || env_get(env, "AWS_PROFILE") || env_get(env, "AWS_DEFAULT_PROFILE");
}

static bool missing(const char *name, struct err *err)
{
    char shown[TEXT_SHOWN_MAX];
    return err_set(
        err, ERR_CONFIG,
        "profile '%s' is not in the shared config and credentials files: look at ~/.aws/config and "
        "~/.aws/credentials, or where AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE point",
        text_shown(shown, name));
}

const char *profile_setting(const struct profile_use *use, const char *key)
{
    return profiles_get(use->profiles, use->name, key);
}

bool profile_error(const struct profile_use *use, struct err *err, const char *format, ...)
{
    char shown[TEXT_SHOWN_MAX];
    va_list args;
    va_start(args, format);
    err_setv(err, ERR_CONFIG, format, args);
    va_end(args);
    return err_prefix(err, "profile '%s'", text_shown(shown, use->name));
}

/* Keys that stand in one of the files. */
static bool take_keys(const struct profile_use *use, enum profiles_file file, struct credentials *out,
                      struct err *err)
{
    const char *access_key = profiles_get_in(use->profiles, file, use->name, "aws_access_key_id");
    const char *secret_key = profiles_get_in(use->profiles, file, use->name, "aws_secret_access_key");
    const char *token = profiles_get_in(use->profiles, file, use->name, "aws_session_token");
    char shown[TEXT_SHOWN_MAX];
    err_clear(err);
    if (!access_key)
        return false;
    if (!secret_key)
        return profile_error(use, err, "it has an aws_access_key_id and no aws_secret_access_key");
    struct buf source = {0};
    text_shown(shown, use->name);
    buf_addf(&source, "profile `%s`", shown);
    bool ok = buf_ok(&source, "a profile's name", err) &&
              (credentials_set(out, access_key, secret_key, token, source.data, err) ||
               err_prefix(err, "profile '%s'", shown));
    buf_free(&source);
    return ok;
}

bool credentials_of_profile(const struct profile_use *use, struct credentials *out, struct err *err)
{
    if (credentials_from_web_identity(use, out, err))
        return true;
    if (err->code || credentials_from_sso(use, out, err))
        return !err->code;
    if (err->code || take_keys(use, PROFILES_CREDENTIALS, out, err))
        return !err->code;
    if (err->code || credentials_from_process(use, out, err))
        return !err->code;
    return !err->code && take_keys(use, PROFILES_CONFIG, out, err);
}

bool credentials_from_profile(const struct credentials_options *options, struct imds *imds,
                              const struct aws_io *io, struct credentials *out, struct err *err)
{
    struct profiles profiles = {0};
    struct profile_use use = {.options = options,
                              .imds = imds,
                              .io = io,
                              .profiles = &profiles,
                              .name = credentials_profile_name(options, io->env)};
    bool ok = profiles_load(&profiles, io->env, err);
    if (ok && is_asked_for(options, io->env) && !profiles_has(&profiles, use.name))
        ok = missing(use.name, err);
    ok = ok &&
         (credentials_from_role(&use, out, err) || (!err->code && credentials_of_profile(&use, out, err)));
    profiles_free(&profiles);
    return ok;
}

bool credentials_profile_region(const char *profile, const struct aws_io *io, struct buf *out,
                                struct err *err)
{
    struct profiles profiles = {0};
    bool ok = profiles_load(&profiles, io->env, err);
    if (ok && !profiles_has(&profiles, profile))
        ok = missing(profile, err);
    const char *region = ok ? profiles_get(&profiles, profile, "region") : NULL;
    ok = region && (buf_add_text(out, region) || buf_ok(out, "the profile's region", err));
    profiles_free(&profiles);
    return ok;
}
