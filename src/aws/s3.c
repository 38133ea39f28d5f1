#include "aws/s3.h"

#include <stdio.h>
#include <string.h>

#include "format/text.h"
#include "format/xml_read.h"

enum { BUCKET_MIN = 3, SHA256_SIZE = 32 };

/* ---- how a bucket is reached ---- */

/* The rules of S3 for names of buckets, as far as they keep a name from being anything else in a host or a
 * path. */
static bool is_bucket_name(const char *name)
{
    size_t len = strlen(name);
    if (len < BUCKET_MIN || len > S3_BUCKET_MAX ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != len)
        return false;
    return !strchr(".-", name[0]) && !strchr(".-", name[len - 1]) && !strstr(name, "..");
}

/* Puts the bucket's name into the host name. */
static bool name_host(struct s3_bucket *bucket, struct err *err)
{
    static const char scheme[] = "https://";
    struct endpoint *endpoint = &bucket->client.endpoint;
    char url[ENDPOINT_URL_MAX];
    if (strncmp(endpoint->url, scheme, strlen(scheme)) != 0)
        return true; /* the client refuses it */
    int len = snprintf(url, sizeof url, "%s%s.%s", scheme, bucket->name, endpoint->url + strlen(scheme));
    if (len < 0 || (size_t)len >= sizeof url)
        return err_set(err, ERR_CONFIG, "the endpoint `%s` is too long", endpoint->url);
    memcpy(endpoint->url, url, sizeof url);
    return true;
}

bool s3_bucket_open(const struct aws_client *client, const char *name, struct s3_bucket *out, struct err *err)
{
    *out = (struct s3_bucket){.client = *client};
    if (!is_bucket_name(name))
        return err_set(err, ERR_USAGE, "`%s` is no name of a bucket: 3 to 63 of a-z, 0-9, `.` and `-`", name);
    memcpy(out->name, name, strlen(name) + 1);
    out->path_style = client->endpoint.given || strchr(name, '.');
    return out->path_style || name_host(out, err);
}

/* ---- redirects ---- */

static bool take_region(void *ctx, const char *path, const char *text, struct err *err)
{
    struct buf *region = ctx;
    (void)err;
    if (text && xml_path_ends(path, "Error/Region")) {
        buf_reset(region);
        buf_add_text(region, text);
    }
    return true;
}

/* The region that a refusal names: 301 and 307, and 400 AuthorizationHeaderMalformed (of HEAD without a
 * body). */
static bool named_region(const struct http_reply *reply, struct buf *region)
{
    struct err unread;
    if (reply->status != 301 && reply->status != 307 && reply->status != 400)
        return false;
    if (!http_reply_header(reply, "x-amz-bucket-region", region) && reply->body.len > 0)
        (void)xml_read(reply->body.data, reply->body.len, take_region, region, &unread);
    return region->len > 0;
}

/* Turns the bucket to the region that the refusal names, once. An endpoint that was given stays, and is
 * signed for that region. */
static bool follow(struct s3_bucket *bucket, const struct http_reply *reply)
{
    const struct env *env = bucket->client.session->io->env;
    struct buf region = {0};
    struct s3_bucket moved = *bucket;
    struct endpoint *endpoint = &moved.client.endpoint;
    struct err unused;
    bool ok = !bucket->moved && named_region(reply, &region) &&
              region.len < sizeof endpoint->signing_region &&
              strcmp(buf_text(&region), endpoint->signing_region) != 0;
    if (ok && endpoint->given)
        memcpy(endpoint->signing_region, region.data, region.len + 1);
    else if (ok)
        ok = endpoint_find("s3", region.data, NULL, env, endpoint, &unused) &&
             (moved.path_style || name_host(&moved, &unused));
    if (ok) {
        moved.moved = true;
        *bucket = moved;
    }
    buf_free(&region);
    return ok;
}

/* ---- objects ---- */

static bool call_object(struct s3_bucket *bucket, const char *key, struct aws_call *call,
                        struct http_reply *reply, struct err *err)
{
    struct buf path = {0};
    buf_add_char(&path, '/');
    if (bucket->path_style)
        buf_addf(&path, "%s/", bucket->name);
    text_percent_encode(&path, key, strlen(key), true);
    bool ok = buf_ok(&path, "the path of an object", err);
    if (ok) {
        call->path = path.data;
        ok = aws_call_one(&bucket->client, call, reply, err);
        if (!ok && follow(bucket, reply)) {
            http_reply_free(reply);
            ok = aws_call_one(&bucket->client, call, reply, err);
        }
    }
    buf_free(&path);
    return ok;
}

void s3_checksum(const void *data, size_t len, char out[S3_CHECKSUM_SIZE])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char hash[SHA256_SIZE + 1] = {0}; /* 33 bytes are 44 digits, the last of which is only filling */
    http_sha256(data, len, hash);
    for (size_t i = 0; i < sizeof hash; i += 3) {
        unsigned group = (unsigned)hash[i] << 16 | (unsigned)hash[i + 1] << 8 | hash[i + 2];
        for (unsigned k = 0; k < 4; k++)
            *out++ = digits[group >> (18 - 6 * k) & 0x3f];
    }
    out[-1] = '=';
    *out = '\0';
}

bool s3_head_object(struct s3_bucket *bucket, const char *key, struct s3_object *out, struct err *err)
{
    struct http_reply reply = {0};
    struct buf checksum = {0};
    struct aws_call call = {.action = "HeadObject",
                            .method = HTTP_HEAD,
                            .headers = {"x-amz-checksum-mode: ENABLED"},
                            .header_count = 1};
    *out = (struct s3_object){.checksum = ""};
    bool ok = call_object(bucket, key, &call, &reply, err);
    /* That of an object in parts is one of the parts' checksums, with "-COUNT" behind it. */
    if (ok && http_reply_header(&reply, "x-amz-checksum-sha256", &checksum) &&
        checksum.len == S3_CHECKSUM_SIZE - 1)
        memcpy(out->checksum, checksum.data, checksum.len + 1);
    buf_free(&checksum);
    http_reply_free(&reply);
    return ok;
}

bool s3_put_object(struct s3_bucket *bucket, const char *key, const void *data, size_t len,
                   const char *content_type, struct err *err)
{
    struct http_reply reply = {0};
    struct buf type = {0};
    char checksum[sizeof "x-amz-checksum-sha256: " + S3_CHECKSUM_SIZE] = "x-amz-checksum-sha256: ";
    s3_checksum(data, len, checksum + strlen(checksum));
    buf_addf(&type, "Content-Type: %s", content_type);
    struct aws_call call = {.action = "PutObject",
                            .method = HTTP_PUT,
                            .headers = {checksum, "x-amz-sdk-checksum-algorithm: SHA256", buf_text(&type)},
                            .header_count = 3,
                            .body = data,
                            .body_len = len};
    bool ok = buf_ok(&type, "a header", err) && call_object(bucket, key, &call, &reply, err);
    buf_free(&type);
    http_reply_free(&reply);
    return ok;
}
