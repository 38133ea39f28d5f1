/*
 * linux_log.c - the system's log, spoken to directly.
 *
 * Not through syslog(3): musl cuts a message at 1 KiB and cannot tell that nobody took it, and an audit
 * record with many sessions in it is longer. So this sends the same datagram (RFC 3164, section 4.1) to
 * /dev/log itself, whole, and sees what becomes of it.
 */
#include "platform/platform.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "platform/linux.h"

enum { WAIT_MS = 500, TRIES = 3 };

/* A log daemon that stands still must not hold up the run: connecting and sending end after WAIT_MS. */
static int connect_to(const struct sockaddr_un *address, int type)
{
    struct timeval wait = {.tv_sec = 0, .tv_usec = WAIT_MS * 1000L};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) != 0 ||
        connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        linux_close(fd);
        return -1;
    }
    return fd;
}

static bool send_all(int fd, const char *data, size_t len)
{
    for (int tries = 0; len > 0;) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR && ++tries < TRIES)
            continue;
        if (sent < 0)
            return false;
        data += sent; /* a datagram goes whole or not at all, a stream may take it in parts */
        len -= (size_t)sent;
    }
    return true;
}

static bool format_record(struct buf *record, const char *line, bool warning)
{
    char when[32];
    struct tm local = {0};
    time_t now = time(NULL);
    if (!localtime_r(&now, &local) || strftime(when, sizeof when, "%b %e %H:%M:%S", &local) == 0)
        when[0] = '\0';
    return buf_addf(record, "<%d>%s ssm-enforce[%ld]: %s",
                    LOG_AUTHPRIV | (warning ? LOG_WARNING : LOG_NOTICE), when, (long)getpid(), line);
}

bool linux_log_to(const char *path, const char *line, bool warning, struct err *err)
{
    bool ok = false;
    int fd = -1;
    struct buf record = {0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return err_set(err, ERR_IO, "can't log to '%s': the path is too long", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (!format_record(&record, line, warning)) {
        buf_ok(&record, "the log record", err);
        goto out;
    }
    fd = connect_to(&address, SOCK_DGRAM);
    if (fd >= 0) {
        ok = send_all(fd, record.data, record.len);
    } else if (errno == EPROTOTYPE) {
        /* syslog-ng may listen for streams, where a NUL ends a record, as glibc's syslog(3) sends it. */
        fd = connect_to(&address, SOCK_STREAM);
        ok = fd >= 0 && send_all(fd, record.data, record.len + 1);
    }
    if (!ok)
        err_set(err, ERR_IO, "can't log to '%s': %s (does a syslog daemon run? else give --log FILE)", path,
                strerror(errno));
out:
    linux_close(fd);
    buf_free(&record);
    return ok;
}

bool platform_log(const char *line, bool warning, struct err *err)
{
    return linux_log_to("/dev/log", line, warning, err);
}
