/*
 * credentials_source.h - what the sources of credentials share; included by credentials*.c alone.
 */
#ifndef AWS_CREDENTIALS_SOURCE_H
#define AWS_CREDENTIALS_SOURCE_H

#include <stdbool.h>

#include "aws/credentials.h"

/*
 * Fills `out` with copies; token and source may be NULL. ERR_CONFIG: a key or token that is empty or holds
 * white space, control or other characters than ASCII's (it would end up in a header); ERR_NOMEM.
 */
bool credentials_set(struct credentials *out, const char *access_key, const char *secret_key,
                     const char *token, const char *source, struct err *err);

/* Keys of the section [default] of a file in the format of the shared credentials file. The contract of a
 * source. */
bool credentials_from_agent_file(const char *path, struct credentials *out, struct err *err);

#endif
