/*
 * credentials.h - whose keys sign the calls. One file a source: credentials_env.c, credentials_container.c,
 * credentials_agent.c, credentials_profile.c, ...; the instance role comes from imds.h.
 */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/imds.h"
#include "aws/io.h"
#include "base/buf.h"
#include "base/err.h"

/* The only struct that holds secrets. Starts as {0}; credentials_free wipes it. */
struct credentials {
    char *access_key;
    char *secret_key;
    char *session_token; /* NULL: long-term keys */
    int64_t expiry_ms;   /* 0: not known, or never */
    char *source;        /* for people: "environment", "instance role `web`", "profile `ops`" */
    char *role;          /* the instance role's name where that is known, for remedies; else NULL */
};

void credentials_free(struct credentials *credentials);

struct credentials_options {
    const char *profile; /* --profile, NULL: none */
    bool full_chain;     /* of an administrator: the user's shared config files too, AWS_PROFILE included */
    const char *region;  /* for STS; NULL: AWS_REGION, AWS_DEFAULT_REGION, the profile's, us-east-1 */
    bool may_ask;        /* a terminal may be asked for an MFA code */
};

/*
 * The first source that has credentials. For enforcement: the profile where one is named, environment,
 * container endpoint, instance role, the agent's own file. For an administrator as in the AWS command line:
 * environment (not where a profile is named), profile, container endpoint, instance role. ERR_NO_CREDENTIALS
 * names every source that was tried and why it did not serve; on an instance, where nothing else is
 * configured, the instance role speaks for itself with its own code. A source that is configured and fails
 * ends the search with its own error; ERR_CONFIG: a profile that does not exist or can't be used. `imds`
 * keeps the token for others.
 */
bool credentials_find(const struct credentials_options *options, struct imds *imds, const struct aws_io *io,
                      struct credentials *out, struct err *err);

/* Region of a profile of the shared files (`region = `), appended; false where it names none. ERR_CONFIG in
 * err->code where the profile itself does not exist or can't be read, else err->code is ERR_NONE. */
bool credentials_profile_region(const char *profile, const struct aws_io *io, struct buf *out,
                                struct err *err);

/* ---- the sources: true with credentials; false with ERR_NONE: this source is not configured; false with
 * another code: it is, and failed ---- */

bool credentials_from_env(const struct env *env, struct credentials *out, struct err *err);
bool credentials_from_container(const struct aws_io *io, struct credentials *out, struct err *err);
bool credentials_from_agent(const struct aws_io *io, struct credentials *out, struct err *err);
bool credentials_from_profile(const struct credentials_options *options, struct imds *imds,
                              const struct aws_io *io, struct credentials *out, struct err *err);

/*
 * Reads the JSON form that IMDS, the container endpoint and credential_process share (AccessKeyId,
 * SecretAccessKey, Token or SessionToken, Expiration). `what` names the source in messages.
 */
bool credentials_from_json(const char *text, size_t len, const char *what, struct credentials *out,
                           struct err *err);

#endif
