/*
 * s3.h - objects of one S3 bucket, sent and compared by their SHA-256.
 */
#ifndef AWS_S3_H
#define AWS_S3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/client.h"

/* Base64 of a SHA-256 with its NUL. */
enum { S3_CHECKSUM_SIZE = 45, S3_BUCKET_MAX = 63 };

/* A bucket, and how it is reached. Needs no release. */
struct s3_bucket {
    struct aws_client client; /* of the bucket's own endpoint, or of the region's */
    char name[S3_BUCKET_MAX + 1];
    bool path_style;
    bool moved; /* its region was learnt from a redirect, once */
};

struct s3_object {
    char checksum[S3_CHECKSUM_SIZE]; /* as S3 keeps it; "": it has no SHA-256 of the whole object */
};

/*
 * Sets a bucket up; `client` has the endpoint of S3 in the region where the bucket is thought to be. Its host
 * name carries the bucket's, but where the bucket's has dots (the certificate's wildcard does not reach over
 * them) or the endpoint was given. ERR_USAGE: a name that no bucket can have.
 */
bool s3_bucket_open(const struct aws_client *client, const char *name, struct s3_bucket *out,
                    struct err *err);

/* Base64 of the SHA-256 of data, as S3 writes it. */
void s3_checksum(const void *data, size_t len, char out[S3_CHECKSUM_SIZE]);

/*
 * HeadObject and PutObject. `key` is no empty string; it is percent-encoded here. S3 verifies what is sent
 * against its checksum. A bucket in another region is found once (x-amz-bucket-region of the refusal) and
 * kept in `bucket`. ERR_NOT_FOUND: no such object or bucket. HeadObject's refusals have no body: without
 * s3:ListBucket a missing object is ERR_DENIED.
 */
bool s3_head_object(struct s3_bucket *bucket, const char *key, struct s3_object *out, struct err *err);
bool s3_put_object(struct s3_bucket *bucket, const char *key, const void *data, size_t len,
                   const char *content_type, struct err *err);

#endif
