#include <string.h>

#include "aws/credentials_source.h"
#include "format/text.h"
#include "format/text_shown.h"
#include "platform/platform.h"

enum { ROLES_MAX = 8, DURATION_MIN_S = 900, DURATION_MAX_S = 43200, NAME_SIZE = 64 };

/* ---- asking STS ---- */

/* As the AWS command line: --region, the environment, the profile that the user named. */
static const char *find_region(const struct profile_use *use)
{
    const char *region = use->options->region;
    if (!region)
        region = env_get(use->io->env, "AWS_REGION");
    if (!region)
        region = env_get(use->io->env, "AWS_DEFAULT_REGION");
    while (use->user)
        use = use->user;
    if (!region)
        region = profile_setting(use, "region");
    return region ? region : "us-east-1";
}

bool credentials_assume(const struct profile_use *use, const struct sts_role *role,
                        struct credentials *signer, struct credentials *out, struct err *err)
{
    char profile[TEXT_SHOWN_MAX];
    char arn[TEXT_SHOWN_MAX];
    struct buf source = {0};
    struct aws_session session = {.io = use->io, .credentials = *signer};
    struct aws_client client = {.session = &session};
    *signer = (struct credentials){0};
    buf_addf(&source, "profile `%s`, role `%s`", text_shown(profile, use->name), text_shown(arn, role->arn));
    bool ok = buf_ok(&source, "a name", err) &&
              endpoint_find("sts", find_region(use), NULL, use->io->env, &client.endpoint, err) &&
              sts_assume_role(&client, role, source.data, out, err);
    if (!ok)
        err_prefix(err, "%s", buf_text(&source));
    credentials_free(&session.credentials);
    buf_free(&source);
    return ok;
}

/* ---- the keys that may assume it ---- */

static bool has_keys(const struct profile_use *use)
{
    return profile_setting(use, "aws_access_key_id") || profile_setting(use, "aws_secret_access_key");
}

/*
 * A profile that was met before leads round in a circle, unless it names itself and has keys of its own:
 * those serve its role (AssumeRoleProvider._validate_source_profile of botocore).
 */
static bool check_circle(const struct profile_use *use, const struct profile_use *source, struct err *err)
{
    char shown[TEXT_SHOWN_MAX];
    int roles = 1;
    for (const struct profile_use *met = use; met; met = met->user, roles++) {
        if (strcmp(met->name, source->name) != 0)
            continue;
        if (met == use && has_keys(source))
            return true;
        return profile_error(use, err, "source_profile '%s' leads back to itself",
                             text_shown(shown, source->name));
    }
    if (roles > ROLES_MAX)
        return profile_error(use, err, "more than %d roles in a row", ROLES_MAX);
    return true;
}

static bool from_source_profile(const struct profile_use *use, const char *name, struct credentials *out,
                                struct err *err)
{
    char shown[TEXT_SHOWN_MAX];
    struct profile_use source = *use;
    source.name = name;
    source.user = use;
    text_shown(shown, name);
    if (!profiles_has(use->profiles, name))
        return profile_error(use, err, "there is no profile '%s', which it names as its source_profile",
                             shown);
    if (!check_circle(use, &source, err))
        return false;
    err_clear(err);
    bool ok = (!has_keys(&source) && credentials_from_role(&source, out, err)) ||
              (!err->code && credentials_of_profile(&source, out, err));
    if (!ok && !err->code)
        return profile_error(use, err, "its source_profile '%s' names no credentials", shown);
    return ok;
}

static bool from_credential_source(const struct profile_use *use, const char *name, struct credentials *out,
                                   struct err *err)
{
    char shown[TEXT_SHOWN_MAX];
    bool ok = false;
    if (text_same_nocase(name, "Environment"))
        ok = credentials_from_env(use->io->env, out, err);
    else if (text_same_nocase(name, "EcsContainer"))
        ok = credentials_from_container(use->io, out, err);
    else if (text_same_nocase(name, "Ec2InstanceMetadata"))
        ok = imds_credentials(use->imds, use->io, out, err);
    else
        return profile_error(
            use, err, "credential_source '%s' is not known: Environment, EcsContainer or Ec2InstanceMetadata",
            text_shown(shown, name));
    if (!ok && !err->code)
        return profile_error(use, err, "its credential_source '%s' has no credentials", name);
    return ok || err_prefix(err, "profile '%s', credential_source '%s'", text_shown(shown, use->name), name);
}

static bool find_signer(const struct profile_use *use, struct credentials *out, struct err *err)
{
    const char *profile = profile_setting(use, "source_profile");
    const char *source = profile_setting(use, "credential_source");
    if (profile && source)
        return profile_error(use, err, "it has both source_profile and credential_source: remove one");
    if (!profile && !source)
        return profile_error(use, err, "it has a role_arn and neither source_profile nor credential_source");
    return profile ? from_source_profile(use, profile, out, err)
                   : from_credential_source(use, source, out, err);
}

/* ---- the role ---- */

static bool check_duration(const struct profile_use *use, const char *duration_s, struct err *err)
{
    int64_t number = 0;
    char shown[TEXT_SHOWN_MAX];
    if (!duration_s || text_number(duration_s, DURATION_MIN_S, DURATION_MAX_S, &number))
        return true;
    return profile_error(use, err, "duration_seconds '%s' is no number of %d to %d",
                         text_shown(shown, duration_s), DURATION_MIN_S, DURATION_MAX_S);
}

static bool ask_code(const struct profile_use *use, const char *serial, struct buf *out, struct err *err)
{
    char shown[TEXT_SHOWN_MAX];
    struct buf prompt = {0};
    text_shown(shown, serial);
    if (!use->options->may_ask)
        return profile_error(
            use, err, "its role wants a code of the MFA device '%s', and nobody can be asked for it here",
            shown);
    buf_addf(&prompt, "Code of the MFA device %s: ", shown);
    bool ok = buf_ok(&prompt, "a question", err) && platform_ask(prompt.data, false, out, err);
    if (ok && out->len == 0)
        err_set(err, ERR_CONFIG, "no code was given");
    ok = ok && out->len > 0;
    if (!ok) {
        err->code = ERR_CONFIG;
        err_prefix(err, "profile '%s': code of the MFA device '%s'", use->name, shown);
    }
    buf_free(&prompt);
    return ok;
}

bool credentials_from_role(const struct profile_use *use, struct credentials *out, struct err *err)
{
    struct sts_role role = {.arn = profile_setting(use, "role_arn"),
                            .session_name = profile_setting(use, "role_session_name"),
                            .duration_s = profile_setting(use, "duration_seconds"),
                            .external_id = profile_setting(use, "external_id"),
                            .mfa_serial = profile_setting(use, "mfa_serial")};
    struct credentials signer = {0};
    struct buf code = {.secret = true};
    struct buf name = {.max = NAME_SIZE};
    err_clear(err);
    if (!role.arn || profile_setting(use, "web_identity_token_file"))
        return false;
    buf_addf(&name, "ssm-enforce-%lld", (long long)(clock_wall_ms(use->io->clock) / 1000));
    if (!role.session_name)
        role.session_name = buf_text(&name);
    bool ok = buf_ok(&name, "a session name", err) && check_duration(use, role.duration_s, err) &&
              find_signer(use, &signer, err) &&
              (!role.mfa_serial || ask_code(use, role.mfa_serial, &code, err));
    if (ok) {
        role.mfa_code = code.data;
        ok = credentials_assume(use, &role, &signer, out, err);
    }
    credentials_free(&signer);
    buf_free(&name);
    buf_free(&code);
    return ok;
}
