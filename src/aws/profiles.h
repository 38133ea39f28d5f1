/*
 * profiles.h - the shared config and credentials files, as the AWS command line reads them.
 *
 * The config file (AWS_CONFIG_FILE, else ~/.aws/config) has sections [profile NAME], [default] and
 * [sso-session NAME]; the credentials file (AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials) has [NAME].
 */
#ifndef AWS_PROFILES_H
#define AWS_PROFILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"

enum profiles_file { PROFILES_CONFIG, PROFILES_CREDENTIALS };

struct profiles_setting;

/* Owns its settings, which may be secret. Starts as {0}; profiles_free wipes it. */
struct profiles {
    struct profiles_setting *newest;
    size_t count;
};

/* Reads both files. One that is not there is empty. ERR_CONFIG: it can't be read or is no such file;
 * ERR_NOMEM. */
bool profiles_load(struct profiles *out, const struct env *env, struct err *err);
void profiles_free(struct profiles *profiles);

/* True if one of the files has the profile's section. */
bool profiles_has(const struct profiles *profiles, const char *name);

/* A setting of a profile, NULL where it is not there or empty; the credentials file goes before the config
 * file. Borrowed. */
const char *profiles_get(const struct profiles *profiles, const char *name, const char *key);

/* The same of one file alone. */
const char *profiles_get_in(const struct profiles *profiles, enum profiles_file file, const char *name,
                            const char *key);

/* A setting of [sso-session NAME]. */
const char *profiles_get_sso(const struct profiles *profiles, const char *name, const char *key);

/* Appends the path of ~/.aws/NAME. False: the home directory is not known. */
bool profiles_home_path(const char *name, struct buf *out);

#endif
