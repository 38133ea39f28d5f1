/*
 * imds.h - the EC2 instance metadata service, version 2 only.
 *
 * Never through a proxy. 1 s to connect and 1 s for each answer (a token request through too small a hop
 * limit hangs, it is not refused), three tries a request within the deadline; 429 and 5xx are tried again and
 * are not "no role". AWS_EC2_METADATA_SERVICE_ENDPOINT, AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE (IPv6) and
 * AWS_EC2_METADATA_DISABLED are honoured.
 */
#ifndef AWS_IMDS_H
#define AWS_IMDS_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/io.h"
#include "base/err.h"

/* Keeps the token and what was learnt for the run. Starts as {0}, released by imds_free. */
struct imds {
    char *token;       /* secret */
    char *role;        /* name of the instance role, once known */
    bool has_identity; /* the identity document was read */
    char *instance_id;
    char *region;
    char *account_id;
};

/* True if AWS_EC2_METADATA_DISABLED says so: nothing is asked. */
bool imds_is_disabled(const struct env *env);

/* Reads the identity document (once a run): fills instance_id, region, account_id. */
bool imds_identity(struct imds *imds, const struct aws_io *io, struct err *err);

struct credentials;

/*
 * Reads the instance role's name and its credentials. ERR_NO_CREDENTIALS with what mends it: no instance
 * profile (404), metadata switched off (403 or AWS_EC2_METADATA_DISABLED); ERR_TIMEOUT: the token request
 * hangs (hop limit, not on EC2); ERR_NETWORK: unreachable; ERR_MALFORMED. Credentials past their expiry are
 * handed out all the same (an outage of IMDS): the service decides.
 */
bool imds_credentials(struct imds *imds, const struct aws_io *io, struct credentials *out, struct err *err);

void imds_free(struct imds *imds);

#endif
