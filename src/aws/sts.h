/*
 * sts.h - the Security Token Service (Query protocol, API version 2011-06-15): who am I, and another role's
 * keys.
 */
#ifndef AWS_STS_H
#define AWS_STS_H

#include <stdbool.h>

#include "aws/client.h"
#include "aws/credentials.h"

/* Starts as {0}, released by sts_identity_free. */
struct sts_identity {
    char *account; /* "123456789012" */
    char *arn;     /* of the principal: "arn:aws:sts::123456789012:assumed-role/Admin/jane" */
};

/* GetCallerIdentity. Needs no right. ERR_MALFORMED: the account is no number, or the ARN none. */
bool sts_caller_identity(struct aws_client *client, struct sts_identity *out, struct err *err);
void sts_identity_free(struct sts_identity *identity);

/* What AssumeRole is asked for. All borrowed; NULL: not sent. */
struct sts_role {
    const char *arn;          /* required */
    const char *session_name; /* required: [A-Za-z0-9_=,.@-]{2,64} */
    const char *duration_s;
    const char *external_id;
    const char *mfa_serial;
    const char *mfa_code;
    const char *web_token; /* of AssumeRoleWithWebIdentity; a secret */
};

/*
 * AssumeRole, signed with the client's credentials, or, where there is a web_token,
 * AssumeRoleWithWebIdentity, which is not signed. `source` names the new credentials in messages. ERR_DENIED:
 * the role does not trust the caller; ERR_SERVICE; ERR_MALFORMED: a reply without keys.
 */
bool sts_assume_role(struct aws_client *client, const struct sts_role *role, const char *source,
                     struct credentials *out, struct err *err);

#endif
