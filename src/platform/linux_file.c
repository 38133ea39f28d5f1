/* linux_file.c - files whole: read, written, appended to; folders; the system's root certificates. */
#define _GNU_SOURCE 1 /* mkostemp */
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/linux.h"

enum { CHUNK = 16 * 1024 };

static bool fail(const char *what, const char *path, struct err *err)
{
    bool missing = errno == ENOENT || errno == ENOTDIR;
    return err_set(err, missing ? ERR_NOT_FOUND : ERR_IO, "can't %s '%s': %s", what, path, strerror(errno));
}

/* ERR_IO always: where a file is to be written, a missing folder is no "not found". */
static bool fail_io(const char *what, const char *path, struct err *err)
{
    return err_set(err, ERR_IO, "can't %s '%s': %s", what, path, strerror(errno));
}

static ssize_t read_some(int fd, char *data, size_t size)
{
    ssize_t got;
    do
        got = read(fd, data, size);
    while (got < 0 && errno == EINTR);
    return got;
}

bool platform_read_file(const char *path, struct buf *out, struct err *err)
{
    bool ok = false;
    char chunk[CHUNK];
    struct stat about;
    /* O_NONBLOCK: the opening of a named pipe would wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fail("read", path, err);
    if (fstat(fd, &about) != 0) {
        fail_io("read", path, err);
        goto out;
    }
    if (!S_ISREG(about.st_mode)) {
        err_set(err, ERR_IO, "can't read '%s': it is not a regular file", path);
        goto out;
    }
    ssize_t got;
    while ((got = read_some(fd, chunk, sizeof chunk)) > 0)
        if (!buf_add(out, chunk, (size_t)got)) {
            err_set(err, ERR_IO, "can't read '%s': it is over %zu bytes, or memory is out", path,
                    out->max ? out->max : (size_t)BUF_MAX_DEFAULT);
            goto out;
        }
    ok = got == 0 || fail_io("read", path, err);
out:
    mem_wipe(chunk, sizeof chunk); /* the file may hold keys */
    linux_close(fd);
    return ok;
}

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, data, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        data += put;
        len -= (size_t)put;
    }
    return true;
}

/* A rename is on the disk when its folder is. Some file systems have no fsync of a folder (EINVAL): not our
 * loss. Cuts the path. */
static bool flush_folder_of(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash)
        slash[slash == path] = '\0';
    int fd = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
    linux_close(fd);
    return ok;
}

bool platform_write_file(const char *path, const void *data, size_t len, struct err *err)
{
    bool ok = false;
    int fd = -1;
    struct buf beside = {0};
    if (!buf_addf(&beside, "%s.XXXXXX", path)) {
        err_nomem(err);
        goto out;
    }
    fd = mkostemp(beside.data, O_CLOEXEC); /* mode 0600 */
    if (fd < 0) {
        fail_io("write", path, err);
        goto out;
    }
    ok = write_all(fd, data, len) && fsync(fd) == 0;
    if (close(fd) != 0)
        ok = false;
    ok = ok && rename(beside.data, path) == 0;
    if (!ok) {
        fail_io("write", path, err);
        (void)unlink(beside.data);
        goto out;
    }
    ok = flush_folder_of(beside.data) || fail_io("flush the folder of", path, err);
out:
    buf_free(&beside);
    return ok;
}

bool platform_append_line(const char *path, const char *line, struct err *err)
{
    bool ok = false;
    struct stat about;
    struct buf text = {0};
    /* O_NONBLOCK: neither a named pipe nor a device makes the run wait. */
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
    if (fd < 0 && errno == ELOOP)
        return err_set(err, ERR_IO, "can't append to '%s': it is a link", path);
    if (fd < 0)
        return fail_io("append to", path, err);
    if (fstat(fd, &about) != 0) {
        fail_io("append to", path, err);
        goto out;
    }
    if (!S_ISREG(about.st_mode) && !S_ISCHR(about.st_mode)) {
        err_set(err, ERR_IO, "can't append to '%s': it is neither a regular file nor a device", path);
        goto out;
    }
    if (!buf_add_text(&text, line) || !buf_add_char(&text, '\n')) {
        buf_ok(&text, "the line", err);
        goto out;
    }
    ssize_t put;
    do
        put = write(fd, text.data, text.len); /* one write: lines of runs side by side do not mix */
    while (put < 0 && errno == EINTR);
    if (put < 0)
        fail_io("append to", path, err);
    else if ((size_t)put < text.len)
        err_set(err, ERR_IO, "can't append to '%s': only a part was written (is the disk full?)", path);
    else
        ok = true;
out:
    buf_free(&text);
    linux_close(fd);
    return ok;
}

bool platform_make_directory(const char *path, struct err *err)
{
    struct stat about;
    char *part = text_dup(path);
    if (!part)
        return err_nomem(err);
    /* What can't be made shows at the last one: those above may be there and closed to us. */
    for (char *slash = strchr(part + (*part == '/'), '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(part, 0700);
        *slash = '/';
    }
    bool ok = mkdir(part, 0700) == 0 || errno == EEXIST;
    if (ok && (stat(part, &about) != 0 || !S_ISDIR(about.st_mode))) {
        errno = ENOTDIR;
        ok = false;
    }
    free(part);
    return ok || fail_io("make the folder", path, err);
}

bool linux_roots_from(const char *const *paths, bool (*add)(void *ctx, const unsigned char *data, size_t len),
                      void *ctx)
{
    struct buf bundle = {0};
    struct err ignored;
    bool any = false;
    for (; *paths && !any; paths++) {
        buf_reset(&bundle);
        any = platform_read_file(*paths, &bundle, &ignored) && bundle.len > 0;
    }
    if (any)
        (void)add(ctx, (const unsigned char *)bundle.data, bundle.len + 1);
    buf_free(&bundle);
    return any;
}

bool platform_system_roots(bool (*add)(void *ctx, const unsigned char *data, size_t len), void *ctx)
{
    /* Debian and Ubuntu; Amazon Linux, RHEL and Fedora; SUSE; OpenELEC; newer RHEL; Alpine. SSL_CERT_FILE is
     * not asked: the session user could set it. */
    static const char *const paths[] = {
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/pki/tls/cacert.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/cert.pem",
        NULL,
    };
    return linux_roots_from(paths, add, ctx);
}
