#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "child.h"
#include "platform/linux.h"

/* Each test has a folder of its own as its working directory. */
static int set_up(void **state)
{
    char folder[] = "/tmp/ssm-enforce-test.XXXXXX";
    if (!mkdtemp(folder) || chdir(folder) != 0)
        return 1;
    *state = strdup(folder);
    return *state ? 0 : 1;
}

static int tear_down(void **state)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", (char *)*state);
    free(*state);
    return chdir("/") == 0 ? system(command) : 1;
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void assert_holds(const char *path, const char *text)
{
    struct err err = {0};
    struct buf out = {0};
    assert_true(platform_read_file(path, &out, &err));
    assert_string_equal(buf_text(&out), text);
    buf_free(&out);
}

static mode_t mode_of(const char *path)
{
    struct stat about;
    assert_int_equal(lstat(path, &about), 0);
    return about.st_mode;
}

static void assert_unread(const char *path, enum err_code code, const char *why)
{
    struct err err = {0};
    struct buf out = {.max = 10};
    assert_false(platform_read_file(path, &out, &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, why));
    buf_free(&out);
}

static void test_read(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf out = {0};
    put("some file", "of text\n");
    put("empty", "");
    buf_add_text(&out, "before ");
    assert_true(platform_read_file("some file", &out, &err));
    assert_string_equal(out.data, "before of text\n");
    buf_free(&out);
    assert_holds("empty", "");

    char *large = malloc(100001);
    memset(large, 'x', 100000);
    large[100000] = '\0';
    put("large", large);
    assert_holds("large", large);
    free(large);
    assert_true(platform_read_file("/proc/self/stat", &out, &err)); /* says to be of 0 bytes */
    assert_true(out.len > 20);
    buf_free(&out);

    assert_unread("missing", ERR_NOT_FOUND, "No such file");
    assert_unread("empty/below", ERR_NOT_FOUND, "Not a directory");
    assert_unread("large", ERR_IO, "over 10 bytes");
    assert_unread(".", ERR_IO, "not a regular file");
    assert_unread("/dev/zero", ERR_IO, "not a regular file");
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_unread("fifo", ERR_IO, "not a regular file");
    assert_unread("/proc/self/mem", ERR_IO, "error");
}

/* What only root may read says so, and is not "not there". */
static void test_read_denied(void **state)
{
    (void)state;
    int status = 0;
    if (geteuid() != 0)
        skip();
    put("secret", "x");
    assert_int_equal(chmod("secret", 0600), 0);
    assert_int_equal(chmod(".", 0755), 0);
    pid_t child = fork();
    if (child == 0) {
        struct err err = {0};
        struct buf out = {0};
        child_end(setuid(65534) == 0 && !platform_read_file("secret", &out, &err) && err.code == ERR_IO &&
                          strstr(err.message, "Permission denied")
                      ? 0
                      : 1);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static int count_files(void)
{
    FILE *list = popen("ls -A | wc -l", "r");
    int count = -1;
    assert_non_null(list);
    assert_int_equal(fscanf(list, "%d", &count), 1);
    pclose(list);
    return count;
}

static void test_write(void **state)
{
    (void)state;
    struct err err = {0};
    assert_true(platform_write_file("new", "a\0b", 3, &err));
    struct buf out = {0};
    assert_true(platform_read_file("new", &out, &err));
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.data, "a\0b", 4);
    buf_free(&out);
    assert_int_equal(mode_of("new"), S_IFREG | 0600);

    assert_int_equal(chmod("new", 0644), 0);
    assert_true(platform_write_file("./new", "again", 5, &err));
    assert_holds("new", "again");
    assert_int_equal(mode_of("new"), S_IFREG | 0600);
    assert_true(platform_write_file("new", "", 0, &err));
    assert_holds("new", "");

    /* a link is replaced, not followed */
    put("target", "kept");
    assert_int_equal(symlink("target", "link"), 0);
    assert_true(platform_write_file("link", "own", 3, &err));
    assert_int_equal(mode_of("link"), S_IFREG | 0600);
    assert_holds("target", "kept");
    assert_int_equal(count_files(), 3);
}

static void test_write_fails(void **state)
{
    (void)state;
    struct err err = {0};
    assert_false(platform_write_file("no/such/folder", "x", 1, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.message, "'no/such/folder'"));
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_false(platform_write_file("folder", "x", 1, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(count_files(), 1); /* nothing is left beside it */
}

/* A disk that is full after 10 bytes: the old file stays, a half line is told. */
static int fill_disk(void)
{
    struct err err = {0};
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit no_limit, limit;
    if (getrlimit(RLIMIT_FSIZE, &no_limit) != 0)
        return 1;
    limit = (struct rlimit){10, no_limit.rlim_max};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    if (platform_write_file("kept", "0123456789abcdef", 16, &err) || err.code != ERR_IO ||
        !strstr(err.message, "too large"))
        return 2;
    if (platform_append_line("log", "0123456789abcdef", &err) || err.code != ERR_IO ||
        !strstr(err.message, "only a part was written"))
        return 3;
    bool appended = platform_append_line("log", "x", &err);
    (void)setrlimit(RLIMIT_FSIZE, &no_limit); /* where coverage is counted, that is written, too */
    return !appended && err.code == ERR_IO ? 0 : 4;
}

static void test_disk_full(void **state)
{
    (void)state;
    int status = 0;
    put("kept", "old");
    pid_t child = fork();
    if (child == 0)
        child_end(fill_disk());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_holds("kept", "old");
    assert_holds("log", "0123456789");
    assert_int_equal(count_files(), 2); /* and nothing beside them */
}

static void assert_not_appended(const char *path, const char *why)
{
    struct err err = {0};
    assert_false(platform_append_line(path, "x", &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, why));
}

static void test_append(void **state)
{
    (void)state;
    struct err err = {0};
    assert_true(platform_append_line("log", "{\"a\":1}", &err));
    assert_true(platform_append_line("log", "", &err));
    assert_true(platform_append_line("log", "100 %s", &err));
    assert_holds("log", "{\"a\":1}\n\n100 %s\n");
    assert_int_equal(mode_of("log"), S_IFREG | 0600);
    assert_true(platform_append_line("/dev/null", "x", &err));

    assert_int_equal(symlink("log", "link"), 0);
    assert_not_appended("link", "is a link");
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_not_appended("fifo", "No such device");
    int reader = open("fifo", O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_not_appended("fifo", "neither a regular file nor a device");
    close(reader);
    assert_not_appended(".", "directory");
    assert_not_appended("no/log", "No such file");
    assert_not_appended("/dev/full", "No space left");
    assert_holds("log", "{\"a\":1}\n\n100 %s\n");
}

/* Runs side by side: each line arrives whole. */
static void test_append_together(void **state)
{
    (void)state;
    enum { WRITERS = 4, LINES = 50, LENGTH = 5000 };
    static char line[LENGTH + 1];
    struct err err = {0};
    struct buf out = {0};
    for (int w = 0; w < WRITERS; w++) {
        pid_t child = fork();
        if (child == 0) {
            memset(line, 'a' + w, LENGTH);
            for (int i = 0; i < LINES; i++)
                if (!platform_append_line("log", line, &err))
                    child_end(1);
            child_end(0);
        }
    }
    for (int w = 0; w < WRITERS; w++) {
        int status = 0;
        wait(&status);
        assert_int_equal(status, 0);
    }
    assert_true(platform_read_file("log", &out, &err));
    assert_int_equal(out.len, WRITERS * LINES * (LENGTH + 1));
    for (size_t at = 0; at < out.len; at += LENGTH + 1) {
        assert_int_equal(out.data[at + LENGTH], '\n');
        for (size_t i = 1; i < LENGTH; i++)
            if (out.data[at + i] != out.data[at])
                fail_msg("line at %zu is mixed", at);
    }
    buf_free(&out);
}

static void test_make_directory(void **state)
{
    (void)state;
    struct err err = {0};
    char absolute[256], *here = getcwd(NULL, 0);
    assert_non_null(here);
    (void)umask(0);
    assert_true(platform_make_directory("a/b c/d", &err));
    assert_int_equal(mode_of("a"), S_IFDIR | 0700);
    assert_int_equal(mode_of("a/b c/d"), S_IFDIR | 0700);
    assert_true(platform_make_directory("a/b c/d", &err));
    assert_true(platform_make_directory("a/b c/e/", &err));
    assert_true(platform_make_directory("./x//y", &err));
    assert_int_equal(mode_of("x/y"), S_IFDIR | 0700);
    (void)snprintf(absolute, sizeof absolute, "%s/p/q", here);
    assert_true(platform_make_directory(absolute, &err));
    assert_int_equal(mode_of("p/q"), S_IFDIR | 0700);
    assert_true(platform_make_directory("/", &err));
    assert_true(platform_make_directory(".", &err));

    put("file", "");
    assert_false(platform_make_directory("file", &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.message, "'file'"));
    assert_false(platform_make_directory("file/below", &err));
    assert_int_equal(err.code, ERR_IO);
    assert_false(platform_make_directory("", &err));
    free(here);
}

struct roots {
    struct buf seen;
    int calls;
};

static bool take_root(void *ctx, const unsigned char *data, size_t len)
{
    struct roots *roots = ctx;
    roots->calls++;
    assert_true(len > 0);
    assert_int_equal(data[len - 1], '\0');
    return buf_add(&roots->seen, data, len - 1);
}

static void test_roots(void **state)
{
    (void)state;
    static const char *const paths[] = {"missing", "empty", "folder", "first", "second", NULL};
    struct roots roots = {0};
    put("empty", "");
    assert_int_equal(mkdir("folder", 0700), 0);
    assert_false(linux_roots_from(paths, take_root, &roots));
    assert_int_equal(roots.calls, 0);
    put("first", "-----BEGIN CERTIFICATE-----\n");
    put("second", "another");
    assert_true(linux_roots_from(paths, take_root, &roots));
    assert_int_equal(roots.calls, 1);
    assert_string_equal(buf_text(&roots.seen), "-----BEGIN CERTIFICATE-----\n");
    buf_free(&roots.seen);
}

/* The machine's own, where it has one; a variable does not lead elsewhere. */
static void test_system_roots(void **state)
{
    (void)state;
    struct roots roots = {0};
    put("mine", "not a certificate");
    setenv("SSL_CERT_FILE", "mine", 1);
    if (platform_system_roots(take_root, &roots))
        assert_non_null(strstr(buf_text(&roots.seen), "BEGIN CERTIFICATE"));
    unsetenv("SSL_CERT_FILE");
    buf_free(&roots.seen);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_read),           IN_FOLDER(test_read_denied), IN_FOLDER(test_write),
        IN_FOLDER(test_write_fails),    IN_FOLDER(test_append),      IN_FOLDER(test_append_together),
        IN_FOLDER(test_make_directory), IN_FOLDER(test_roots),       IN_FOLDER(test_system_roots),
        IN_FOLDER(test_disk_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
