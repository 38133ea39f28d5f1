#include "aws/credentials_source.h"

#include "format/timestamp.h"

bool credentials_from_env(const struct env *env, struct credentials *out, struct err *err)
{
    err_clear(err);
    const char *access_key = env_get(env, "AWS_ACCESS_KEY_ID");
    const char *secret_key = env_get(env, "AWS_SECRET_ACCESS_KEY");
    const char *token = env_get(env, "AWS_SESSION_TOKEN");
    const char *expiry = env_get(env, "AWS_CREDENTIAL_EXPIRATION");
    if (!access_key)
        return false;
    if (!secret_key)
        return err_set(err, ERR_CONFIG,
                       "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not: set both or neither");
    if (!credentials_set(out, access_key, secret_key, token, "environment", err))
        return err_prefix(err, "environment");
    if (expiry && !timestamp_from_rfc3339(expiry, &out->expiry_ms))
        out->expiry_ms = 0;
    return true;
}
