/*
 * iam.h - managed policies: their versions, and the roles that they are attached to (Query protocol, API
 * version 2010-05-08).
 *
 * ERR_NOT_FOUND (NoSuchEntity): no such policy, version or role. Other refusals leave the service's own code
 * in err->service_code: EntityAlreadyExists, LimitExceeded, MalformedPolicyDocument, DeleteConflict, ...
 */
#ifndef AWS_IAM_H
#define AWS_IAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/client.h"
#include "aws/names.h"

enum { IAM_ARN_MAX = 2048, IAM_VERSION_MAX = 64, IAM_POLICY_VERSIONS_MAX = 5 };

struct iam_policy {
    char arn[IAM_ARN_MAX + 1];
    char default_version[IAM_VERSION_MAX + 1]; /* "v3" */
};

struct iam_policy_version {
    char id[IAM_VERSION_MAX + 1];
    int64_t created_ms; /* 0: not told */
    bool is_default;
};

/* Starts as {0}, released by iam_policy_versions_free. */
struct iam_policy_versions {
    struct iam_policy_version *items; /* oldest first */
    size_t count;
};

bool iam_get_policy(struct aws_client *client, const char *arn, struct iam_policy *out, struct err *err);

/* Appends the version's document (JSON text). */
bool iam_get_policy_version(struct aws_client *client, const char *arn, const char *version,
                            struct buf *document, struct err *err);

bool iam_list_policy_versions(struct aws_client *client, const char *arn, struct iam_policy_versions *out,
                              struct err *err);
void iam_policy_versions_free(struct iam_policy_versions *versions);

bool iam_create_policy(struct aws_client *client, const char *name, const char *description,
                       const char *document, struct iam_policy *out, struct err *err);

/* The new version becomes the default; LimitExceeded where there are five already. */
bool iam_create_policy_version(struct aws_client *client, const char *arn, const char *document,
                               struct iam_policy_version *out, struct err *err);

/* The default version can't be deleted: DeleteConflict. */
bool iam_delete_policy_version(struct aws_client *client, const char *arn, const char *version,
                               struct err *err);

/* DeleteConflict while it is attached somewhere or has a version that is not the default. */
bool iam_delete_policy(struct aws_client *client, const char *arn, struct err *err);

/* Succeeds where it is attached already. */
bool iam_attach_role_policy(struct aws_client *client, const char *role, const char *arn, struct err *err);
bool iam_detach_role_policy(struct aws_client *client, const char *role, const char *arn, struct err *err);

/* The roles that the policy is attached to (not those that it bounds); appended to `roles`. */
bool iam_list_policy_roles(struct aws_client *client, const char *arn, struct names *roles, struct err *err);

#endif
