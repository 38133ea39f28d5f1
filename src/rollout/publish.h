/*
 * publish.h - the executables in an S3 bucket, and the user-data that installs them from there.
 */
#ifndef ROLLOUT_PUBLISH_H
#define ROLLOUT_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/s3.h"
#include "base/buf.h"
#include "rollout/account.h"

enum { PUBLISH_SHA256_SIZE = 65 };

/* One object: an executable, or (target NULL) the list of checksums. */
struct publish_object {
    const char *file;   /* borrowed; NULL: made here */
    const char *target; /* "linux-x86_64", constant */
    struct buf data;
    char sha256[PUBLISH_SHA256_SIZE]; /* hexadecimal */
    char *key;
    bool there; /* with this very content already */
    bool done;
    struct err err;
};

/* Starts as {0}, released by publish_close. */
struct publish {
    struct account *account; /* borrowed */
    struct s3_bucket bucket;
    struct buf prefix; /* with its version: "tools/1.0.0" */
    struct publish_object *objects;
    size_t count; /* the executables; the list of checksums follows them */
};

/*
 * Reads the files and lays out PREFIX/VERSION/OS-ARCH/ssm-enforce[.exe] and PREFIX/VERSION/SHA256SUMS. Asks
 * nobody. ERR_USAGE: no s3:// URL, no file, two for one system; ERR_CONFIG: a file that can't be read or is
 * no executable.
 */
bool publish_prepare(struct publish *publish, const char *url, const char *version, const char *const *files,
                     size_t count, struct err *err);

/* Finds out which objects are there already. What can't be found out is sent again. ERR_USAGE: no bucket can
 * have that name. Of an account that was not opened nothing is there. */
bool publish_plan(struct publish *publish, struct account *account, const char *url, struct err *err);

bool publish_has_work(const struct publish *publish);

/* Sends what is not there; the checksums last, and only where all else arrived. True if nothing failed. */
bool publish_apply(struct publish *publish);

/* The path that stands in user-data for one system. All borrowed. */
struct publish_paths {
    const char *linux_path;
    const char *windows_path;
};

/*
 * Appends the user-data for Linux (deploy/user-data.sh) or Windows (deploy/user-data.ps1) that installs what
 * was published. False: no executable for that system was. ERR_USAGE in err: a path that can't stand there.
 */
bool publish_user_data(const struct publish *publish, bool windows, const struct publish_paths *paths,
                       struct buf *out, struct err *err);

void publish_close(struct publish *publish);

#endif
