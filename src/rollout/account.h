/*
 * account.h - the administrator's side of AWS: whose credentials, which account, and clients for it.
 */
#ifndef ROLLOUT_ACCOUNT_H
#define ROLLOUT_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/client.h"
#include "aws/credentials.h"
#include "aws/imds.h"
#include "aws/io.h"
#include "aws/names.h"
#include "aws/sts.h"
#include "base/err.h"

/* All borrowed. */
struct account_options {
    const char *regions; /* "R" or "R,R,...", NULL: the configured one */
    bool all_regions;
    const char *profile;
    const char *endpoint_url;
    int64_t timeout_ms; /* of each call, its tries included */
};

/* Starts as {0}; opened in place (it holds pointers to itself: never copied), released by account_close. */
struct account {
    struct account_options options;
    struct aws_io io; /* its deadline is that of the call under way: see account_begin */
    struct imds imds;
    struct aws_session session;
    struct sts_identity identity;
    const char *partition; /* "aws"; constant */
    struct names regions;  /* where the rollout goes, each once */
};

/*
 * Finds out the regions that can be known without asking anyone (not those of all_regions) and begins to open
 * the connections to Systems Manager there. ERR_USAGE: no region, one that can't be, one with all_regions.
 */
bool account_regions(struct account *account, const struct account_options *options, const struct aws_io *io,
                     struct err *err);

/* Finds the credentials (the whole chain; a terminal may be asked for an MFA code), who they belong to, and,
 * for all_regions, the regions that are enabled. ERR_NO_CREDENTIALS: nobody has any. */
bool account_open(struct account *account, struct err *err);
void account_close(struct account *account);

/* From here on the time of one call runs. */
void account_begin(struct account *account);

/* Makes a client for a service in one region (NULL: the first of the regions). */
bool account_client(struct account *account, const char *service, const char *region, struct aws_client *out,
                    struct err *err);

#endif
