/*
 * credentials_source.h - what the sources of credentials share; included by credentials*.c and sts.c alone.
 */
#ifndef AWS_CREDENTIALS_SOURCE_H
#define AWS_CREDENTIALS_SOURCE_H

#include <stdbool.h>

#include "aws/credentials.h"
#include "aws/profiles.h"
#include "aws/sts.h"

/*
 * Fills `out` with copies; token and source may be NULL. ERR_CONFIG: a key or token that is empty or holds
 * white space, control or other characters than ASCII's (it would end up in a header); ERR_NOMEM.
 */
bool credentials_set(struct credentials *out, const char *access_key, const char *secret_key,
                     const char *token, const char *source, struct err *err);

/* Keys of the section [default] of a file in the format of the shared credentials file. The contract of a
 * source. */
bool credentials_from_agent_file(const char *path, struct credentials *out, struct err *err);

/* The profile that is used: --profile, for an administrator AWS_PROFILE or AWS_DEFAULT_PROFILE, else
 * "default". */
const char *credentials_profile_name(const struct credentials_options *options, const struct env *env);

/* ---- what a profile may name ---- */

/* A profile in use, and what may serve it. All borrowed. */
struct profile_use {
    const struct credentials_options *options;
    struct imds *imds;
    const struct aws_io *io;
    const struct profiles *profiles;
    const char *name;
    const struct profile_use
        *user; /* the profile that names this one as its source_profile; NULL: the user */
};

/* A setting of the profile in use; NULL where it is not there. */
const char *profile_setting(const struct profile_use *use, const char *key);

/* Sets err to ERR_CONFIG with the profile's name before it. Returns false. */
bool profile_error(const struct profile_use *use, struct err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * The ways in which a profile comes to its credentials, each with the contract of a source. Their order is
 * botocore's (create_credential_resolver in credentials.py).
 */
bool credentials_from_role(const struct profile_use *use, struct credentials *out, struct err *err);
bool credentials_from_web_identity(const struct profile_use *use, struct credentials *out, struct err *err);
bool credentials_from_sso(const struct profile_use *use, struct credentials *out, struct err *err);
bool credentials_from_process(const struct profile_use *use, struct credentials *out, struct err *err);

/* All of them but the role, and the keys that stand in the files. */
bool credentials_of_profile(const struct profile_use *use, struct credentials *out, struct err *err);

/* Asks STS for the role's credentials, signed with `signer` (taken over and wiped; empty: not signed). */
bool credentials_assume(const struct profile_use *use, const struct sts_role *role,
                        struct credentials *signer, struct credentials *out, struct err *err);

#endif
