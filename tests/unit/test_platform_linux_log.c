#define _GNU_SOURCE 1 /* strptime */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform/linux.h"

enum { AUTHPRIV_WARNING = 84, AUTHPRIV_NOTICE = 85, LONG_LINE = 100000, NOBODY_WAITS_MS = 3000 };

static char folder[32], path[64];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/ssm-enforce-test.XXXXXX");
    if (!mkdtemp(folder))
        return 1;
    (void)snprintf(path, sizeof path, "%s/log", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static int listen_as(int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, type, 0);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static char *long_line(size_t len)
{
    char *line = malloc(len + 1);
    assert_non_null(line);
    for (size_t i = 0; i < len; i++)
        line[i] = (char)('a' + i % 26);
    line[len] = '\0';
    return line;
}

/* "<84>Nov 22 17:00:00 ssm-enforce[123]: LINE" */
static void assert_record(const char *record, int priority, const char *line)
{
    struct tm when = {0};
    char head[64], tag[64];
    (void)snprintf(head, sizeof head, "<%d>", priority);
    assert_memory_equal(record, head, strlen(head));
    const char *rest = strptime(record + strlen(head), "%b %d %H:%M:%S", &when);
    assert_non_null(rest);
    (void)snprintf(tag, sizeof tag, " ssm-enforce[%ld]: ", (long)getpid());
    assert_memory_equal(rest, tag, strlen(tag));
    assert_string_equal(rest + strlen(tag), line);
}

static void test_datagram(void **state)
{
    (void)state;
    struct err err = {0};
    static char record[LONG_LINE + 200];
    char *line = long_line(LONG_LINE);
    int fd = listen_as(SOCK_DGRAM);

    assert_true(linux_log_to(path, "{\"a\":\"100 %s\"}", false, &err));
    ssize_t got = recv(fd, record, sizeof record - 1, MSG_DONTWAIT);
    assert_true(got > 0);
    record[got] = '\0';
    assert_record(record, AUTHPRIV_NOTICE, "{\"a\":\"100 %s\"}");

    assert_true(linux_log_to(path, line, true, &err));
    got = recv(fd, record, sizeof record - 1, MSG_DONTWAIT);
    assert_true(got > 0);
    record[got] = '\0';
    assert_record(record, AUTHPRIV_WARNING, line);
    close(fd);
    free(line);
}

static void test_stream(void **state)
{
    (void)state;
    struct err err = {0};
    char record[512] = "";
    int fd = listen_as(SOCK_STREAM);
    assert_true(linux_log_to(path, "a line", true, &err));
    int accepted = accept(fd, NULL, NULL);
    ssize_t got = recv(accepted, record, sizeof record, 0);
    assert_true(got > 0);
    assert_int_equal(record[got - 1], '\0');
    assert_record(record, AUTHPRIV_WARNING, "a line");
    assert_int_equal(recv(accepted, record, sizeof record, 0), 0);
    close(accepted);
    close(fd);
}

static void assert_refused(const char *to, const char *line, const char *why)
{
    struct err err = {0};
    int64_t before_ms = linux_mono_ms();
    assert_false(linux_log_to(to, line, true, &err));
    assert_true(linux_mono_ms() - before_ms < NOBODY_WAITS_MS);
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.message, to));
    assert_non_null(strstr(err.message, why));
}

static void test_nobody(void **state)
{
    (void)state;
    char *deep = long_line(200);
    assert_refused(path, "a line", "No such file");
    close(listen_as(SOCK_DGRAM)); /* the name stays, the daemon is gone */
    assert_refused(path, "a line", "refused");
    assert_refused(deep, "a line", "too long");
    free(deep);
}

static void test_standstill(void **state)
{
    (void)state;
    struct err err = {0};
    char *line = long_line(LONG_LINE);
    char *huge = long_line(20 * LONG_LINE);
    int fd = listen_as(SOCK_DGRAM);
    assert_refused(path, huge, "too long");
    for (int sent = 0; sent < 10000; sent++)
        if (!linux_log_to(path, "a line", true, &err))
            break;
    assert_refused(path, line, "unavailable");
    close(fd);
    fd = listen_as(SOCK_STREAM);
    assert_refused(path, huge, "unavailable");
    close(fd);
    free(line);
    free(huge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_datagram, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_standstill, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
