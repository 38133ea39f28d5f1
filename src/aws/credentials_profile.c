#include "aws/credentials_source.h"

#include "aws/profiles.h"
#include "format/text_shown.h"

/* The profile's name, and whether it was asked for (one that was has to exist). */
static const char *find_name(const struct credentials_options *options, const struct env *env, bool *asked)
{
    *asked = true;
    if (options->profile)
        return options->profile;
    const char *name = env_get(env, "AWS_PROFILE");
    if (!name)
        name = env_get(env, "AWS_DEFAULT_PROFILE");
    if (name)
        return name;
    *asked = false;
    return "default";
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

/* Keys that stand in one of the files. */
static bool take_keys(const struct profiles *profiles, enum profiles_file file, const char *name,
                      struct credentials *out, struct err *err)
{
    const char *access_key = profiles_get_in(profiles, file, name, "aws_access_key_id");
    const char *secret_key = profiles_get_in(profiles, file, name, "aws_secret_access_key");
    const char *token = profiles_get_in(profiles, file, name, "aws_session_token");
    char shown[TEXT_SHOWN_MAX];
    if (!access_key)
        return false;
    text_shown(shown, name);
    if (!secret_key)
        return err_set(err, ERR_CONFIG, "profile '%s' has an aws_access_key_id and no aws_secret_access_key",
                       shown);
    struct buf source = {0};
    buf_addf(&source, "profile `%s`", shown);
    bool ok = buf_ok(&source, "a profile's name", err) &&
              (credentials_set(out, access_key, secret_key, token, source.data, err) ||
               err_prefix(err, "profile '%s'", shown));
    buf_free(&source);
    return ok;
}

bool credentials_from_profile(const struct credentials_options *options, struct imds *imds,
                              const struct aws_io *io, struct credentials *out, struct err *err)
{
    (void)imds;
    struct profiles profiles = {0};
    bool asked = false;
    const char *name = find_name(options, io->env, &asked);
    bool ok = profiles_load(&profiles, io->env, err);
    if (ok && asked && !profiles_has(&profiles, name))
        ok = missing(name, err);
    ok = ok && (take_keys(&profiles, PROFILES_CREDENTIALS, name, out, err) ||
                (!err->code && take_keys(&profiles, PROFILES_CONFIG, name, out, err)));
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
