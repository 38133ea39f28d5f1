#include "rollout/publish.h"

#include <stdlib.h>
#include <string.h>

#include "base/embedded.h"
#include "core/binary.h"
#include "format/text.h"
#include "platform/platform.h"

/* More than any executable of this program has. */
enum { FILE_MAX = 64 * 1024 * 1024 };

static const char SCHEME[] = "s3://";

static void hex_sha256(const struct buf *data, char out[PUBLISH_SHA256_SIZE])
{
    static const char DIGITS[] = "0123456789abcdef";
    unsigned char digest[32];
    http_sha256(buf_text(data), data->len, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        out[2 * i] = DIGITS[digest[i] >> 4];
        out[2 * i + 1] = DIGITS[digest[i] & 15];
    }
    out[PUBLISH_SHA256_SIZE - 1] = '\0';
}

static bool is_target(const struct publish_object *object, const char *target)
{
    return object->target && strcmp(object->target, target) == 0;
}

/* The executable's name there. */
static const char *file_name(const struct publish_object *object)
{
    bool windows = object->target && strncmp(object->target, "windows-", strlen("windows-")) == 0;
    return windows ? "ssm-enforce.exe" : "ssm-enforce";
}

/* ---- preparing ---- */

/* Bucket and prefix of "s3://BUCKET[/PREFIX]". */
static bool split_url(const char *url, struct buf *bucket, struct buf *prefix, struct err *err)
{
    const char *name = url + sizeof SCHEME - 1;
    if (strncmp(url, SCHEME, sizeof SCHEME - 1) != 0 || !*name || *name == '/')
        return err_set(err, ERR_USAGE, "--publish takes s3://BUCKET/PREFIX, not '%s'", url);
    size_t len = strcspn(name, "/");
    buf_add(bucket, name, len);
    const char *rest = name + len + strspn(name + len, "/");
    size_t rest_len = strlen(rest);
    while (rest_len > 0 && rest[rest_len - 1] == '/')
        rest_len--;
    for (size_t i = 0; i < rest_len; i++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./", rest[i]))
            return err_set(err, ERR_USAGE,
                           "--publish takes a prefix of letters, digits and -_./ alone, not '%s'", rest);
    buf_add(prefix, rest, rest_len);
    return buf_ok(prefix, "--publish", err);
}

static bool read_binary(struct publish_object *object, const char *file, struct err *err)
{
    object->file = file;
    object->data.max = FILE_MAX;
    struct err why = {0};
    if (!platform_read_file(file, &object->data, &why) ||
        !binary_target(buf_text(&object->data), object->data.len, &object->target, &why))
        return err_set(err, ERR_CONFIG, "--binary '%.200s': %s", file, why.message);
    hex_sha256(&object->data, object->sha256);
    return true;
}

static bool add_key(const struct publish *publish, struct publish_object *object, struct err *err)
{
    struct buf key = {0};
    buf_addf(&key, "%s%s", buf_text(&publish->prefix), publish->prefix.len ? "/" : "");
    if (object->target)
        buf_addf(&key, "%s/%s", object->target, file_name(object));
    else
        buf_add_text(&key, "SHA256SUMS");
    object->key = buf_take(&key);
    return object->key || err_nomem(err);
}

static bool check_targets(const struct publish *publish, struct err *err)
{
    for (size_t i = 0; i < publish->count; i++)
        for (size_t k = 0; k < i; k++)
            if (is_target(&publish->objects[i], publish->objects[k].target))
                return err_set(err, ERR_USAGE, "--binary '%s' and '%s' are both for %s",
                               publish->objects[k].file, publish->objects[i].file,
                               publish->objects[i].target);
    return true;
}

/* As sha256sum writes and reads it, in the folder of the version. */
static bool add_sums(struct publish *publish, struct err *err)
{
    struct publish_object *sums = &publish->objects[publish->count];
    for (size_t i = 0; i < publish->count; i++) {
        const struct publish_object *object = &publish->objects[i];
        buf_addf(&sums->data, "%s  %s/%s\n", object->sha256, object->target, file_name(object));
    }
    hex_sha256(&sums->data, sums->sha256);
    return buf_ok(&sums->data, "SHA256SUMS", err) && add_key(publish, sums, err);
}

bool publish_prepare(struct publish *publish, const char *url, const char *version, const char *const *files,
                     size_t count, struct err *err)
{
    struct buf bucket = {0};
    *publish = (struct publish){0};
    bool ok = split_url(url, &bucket, &publish->prefix, err);
    buf_free(&bucket);
    if (!ok)
        return false;
    buf_addf(&publish->prefix, "%s%s", publish->prefix.len ? "/" : "", version);
    if (count == 0)
        return err_set(err, ERR_USAGE, "--publish needs at least one --binary FILE");
    publish->objects = calloc(count + 1, sizeof *publish->objects);
    if (!publish->objects)
        return err_nomem(err);
    for (; publish->count < count; publish->count++) {
        struct publish_object *object = &publish->objects[publish->count];
        ok = read_binary(object, files[publish->count], err) && add_key(publish, object, err);
        if (!ok) {
            buf_free(&object->data);
            return false;
        }
    }
    return check_targets(publish, err) && add_sums(publish, err);
}

/* ---- planning and sending ---- */

bool publish_plan(struct publish *publish, struct account *account, const char *url, struct err *err)
{
    struct aws_client client;
    struct buf bucket = {0}, prefix = {0};
    publish->account = account;
    if (!account->identity.account)
        return true;
    bool ok = split_url(url, &bucket, &prefix, err) && account_client(account, "s3", NULL, &client, err) &&
              s3_bucket_open(&client, buf_text(&bucket), &publish->bucket, err);
    buf_free(&bucket);
    buf_free(&prefix);
    for (size_t i = 0; ok && i <= publish->count; i++) {
        struct publish_object *object = &publish->objects[i];
        struct s3_object found = {0};
        struct err why = {0};
        char checksum[S3_CHECKSUM_SIZE];
        account_begin(account);
        s3_checksum(buf_text(&object->data), object->data.len, checksum);
        object->there = s3_head_object(&publish->bucket, object->key, &found, &why) &&
                        strcmp(found.checksum, checksum) == 0;
    }
    return ok;
}

bool publish_has_work(const struct publish *publish)
{
    for (size_t i = 0; publish->objects && i <= publish->count; i++)
        if (!publish->objects[i].there)
            return true;
    return false;
}

bool publish_apply(struct publish *publish)
{
    bool ok = true;
    for (size_t i = 0; i <= publish->count; i++) {
        struct publish_object *object = &publish->objects[i];
        if (object->there || (i == publish->count && !ok))
            continue;
        account_begin(publish->account);
        object->done =
            s3_put_object(&publish->bucket, object->key, buf_text(&object->data), object->data.len,
                          object->target ? "application/octet-stream" : "text/plain", &object->err);
        ok = ok && object->done;
    }
    return ok;
}

/* ---- user-data ---- */

static const struct publish_object *find_target(const struct publish *publish, const char *target)
{
    for (size_t i = 0; i < publish->count; i++)
        if (is_target(&publish->objects[i], target))
            return &publish->objects[i];
    return NULL;
}

static bool is_path(const char *path, bool windows)
{
    for (const char *p = path; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e || *p == '\'' || (windows && *p == '"'))
            return false;
    return true;
}

struct field {
    const char *name;
    const char *value;
};

/* Puts each "@NAME@" of the template in. */
static void fill(struct buf *out, const char *template, const struct field *fields, size_t count)
{
    for (const char *p = template; *p;) {
        size_t i = 0;
        while (*p == '@' && i < count && strncmp(p, fields[i].name, strlen(fields[i].name)) != 0)
            i++;
        if (*p == '@' && i < count) {
            buf_add_text(out, fields[i].value);
            p += strlen(fields[i].name);
        } else {
            buf_add_char(out, *p++);
        }
    }
}

bool publish_user_data(const struct publish *publish, bool windows, const struct publish_paths *paths,
                       struct buf *out, struct err *err)
{
    const struct publish_object *x86_64 = find_target(publish, windows ? "windows-x86_64" : "linux-x86_64");
    const struct publish_object *aarch64 =
        find_target(publish, windows ? "windows-aarch64" : "linux-aarch64");
    const char *path = windows ? paths->windows_path : paths->linux_path;
    const char *template = embedded_text(windows ? "deploy/user-data.ps1" : "deploy/user-data.sh");
    err_clear(err);
    if (!x86_64 && !aarch64)
        return false;
    if (!is_path(path, windows))
        return err_set(err, ERR_USAGE,
                       "--%s-path '%s' can't stand in user-data: printable ASCII without quotes can",
                       windows ? "windows" : "linux", path);
    struct aws_client s3;
    const char *region = publish->bucket.client.endpoint.signing_region;
    if (!account_client(publish->account, "s3", region, &s3, err))
        return false;
    const struct field fields[] = {
        {"@BUCKET@", publish->bucket.name},
        {"@REGION@", region},
        {"@ENDPOINT@", s3.endpoint.url},
        {"@KEY_X86_64@", x86_64 ? x86_64->key : ""},
        {"@SHA256_X86_64@", x86_64 ? x86_64->sha256 : ""},
        {"@KEY_AARCH64@", aarch64 ? aarch64->key : ""},
        {"@SHA256_AARCH64@", aarch64 ? aarch64->sha256 : ""},
        {"@PATH@", path},
    };
    fill(out, template, fields, sizeof fields / sizeof fields[0]);
    return buf_ok(out, "user-data", err);
}

void publish_close(struct publish *publish)
{
    if (!publish)
        return;
    for (size_t i = 0; publish->objects && i <= publish->count; i++) {
        buf_free(&publish->objects[i].data);
        free(publish->objects[i].key);
    }
    free(publish->objects);
    buf_free(&publish->prefix);
    *publish = (struct publish){0};
}
