/*
 * endpoint.h - where a service of a region answers, and what its requests are signed for.
 */
#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/env.h"
#include "base/err.h"

enum { ENDPOINT_URL_MAX = 512, ENDPOINT_REGION_MAX = 64 };

struct endpoint {
    char url[ENDPOINT_URL_MAX];               /* without a slash at its end */
    char signing_region[ENDPOINT_REGION_MAX]; /* IAM: the partition's own ("us-east-1") */
    char signing_service[16];
    bool given; /* --endpoint-url or its variable: plain http is allowed there alone */
};

/*
 * Finds the endpoint of service ("ssm", "iam", "sts", "s3", "ec2") in region: --endpoint-url (endpoint_url,
 * may be NULL), AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL (both ignored where
 * AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true), then the region's partition; AWS_USE_FIPS_ENDPOINT and
 * AWS_USE_DUALSTACK_ENDPOINT honoured. ERR_CONFIG: a region that is no host label, a URL that is none, or a
 * variant that the partition lacks.
 */
bool endpoint_find(const char *service, const char *region, const char *endpoint_url, const struct env *env,
                   struct endpoint *out, struct err *err);

/* The partition of a region ("aws", "aws-cn", "aws-us-gov", ...), by its prefix; "aws" for one that is not
 * known. */
const char *endpoint_partition(const char *region);

#endif
