/*
 * sso_token.h - the sign-in to IAM Identity Center that `aws sso login` has left in ~/.aws/sso/cache.
 */
#ifndef AWS_SSO_TOKEN_H
#define AWS_SSO_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/io.h"
#include "base/buf.h"

/* What a profile says of its sign-in. All borrowed. */
struct sso_config {
    const char *session; /* the name of its sso-session; NULL: the older form without */
    const char *start_url;
    const char *region;
};

/*
 * Appends the access token. One of an sso-session that has run out is renewed with its refresh token, and the
 * renewed one is kept in the cache, as the AWS command line does. ERR_NO_CREDENTIALS: not signed in, or the
 * sign-in has run out or can't be read; the remedy is the caller's to say.
 */
bool sso_token_find(const struct sso_config *config, const struct aws_io *io, struct buf *out,
                    struct err *err);

#endif
