/*
 * Real process trees. The executable starts itself anew under the names that matter; argv[2] of a worker says
 * which tree it makes, and the process at its bottom writes what it finds to standard output, a pipe.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "child.h"
#include "platform/linux.h"

#define ID   "alice-0f1e2d3c4b5a69788"
#define NONE "(none)"

enum { NOBODY = 65534 };

static char self[4096];

static void start(const char *name, const char *id, const char *tree)
{
    execl(self, name, id, tree, (char *)NULL);
    child_end(99);
}

/* Runs the rest in a child and ends as it ends. */
static void fork_and_wait(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        return;
    waitpid(child, &status, 0);
    child_end(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
}

static void probe(uid_t owner)
{
    char id[PLATFORM_SESSION_ID_MAX + 1];
    bool found = linux_session_from(getsid(0), getppid(), owner, id);
    printf("%s", found ? id : NONE);
    fflush(stdout);
    child_end(0);
}

/* Its parent is gone, so the way up leads to init: only the session's leader, which still waits, tells. */
static void probe_as_orphan(void)
{
    int ends[2];
    char byte;
    if (pipe(ends) != 0)
        child_end(94);
    if (fork() != 0) {
        close(ends[1]);
        child_end(read(ends[0], &byte, 1) == 0 ? 0 : 93); /* until the orphan has ended */
    }
    pid_t parent = getpid();
    if (fork() != 0)
        child_end(0);
    while (getppid() == parent)
        usleep(1000);
    probe(geteuid());
}

/* Untraceable, until standard input ends. */
static void stay(void)
{
    char byte;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    printf("!");
    fflush(stdout);
    child_end(read(STDIN_FILENO, &byte, 1) == 0 ? 0 : 95);
}

/* What a process that was started under one of the names does. */
static void act(const char *name, const char *tree)
{
    if (strcmp(name, "sh") == 0) {
        fork_and_wait();
        start("probe", "", tree);
    }
    if (strcmp(name, "probe") == 0) {
        if (strcmp(tree, "orphan") == 0)
            probe_as_orphan();
        probe(strcmp(tree, "foreign") == 0 ? NOBODY - 1 : geteuid());
    }
    if (strcmp(tree, "stay") == 0)
        stay();
    if (strcmp(tree, "hidden") == 0)
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    fork_and_wait();
    setsid();
    if (strcmp(tree, "nested") == 0) { /* as tmux and setsid(1) do: more sessions below the shell's */
        fork_and_wait();
        setsid();
    }
    if (strcmp(tree, "inner") == 0) /* below the worker one that is none */
        start("ssm-session-worker", "not an id", "plain");
    start("sh", "", tree);
}

/* What the bottom of the tree says. */
static void assert_found(const char *name, const char *id, const char *tree, const char *expected)
{
    int ends[2], status = 0;
    char said[256] = "";
    size_t len = 0;
    ssize_t got;
    assert_int_equal(pipe(ends), 0);
    pid_t worker = fork();
    if (worker == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        start(name, id, tree);
    }
    close(ends[1]);
    while ((got = read(ends[0], said + len, sizeof said - 1 - len)) > 0)
        len += (size_t)got;
    close(ends[0]);
    assert_int_equal(waitpid(worker, &status, 0), worker);
    assert_int_equal(status, 0);
    assert_string_equal(said, expected);
}

static void test_found(void **state)
{
    (void)state;
    assert_found("/usr/bin/ssm-session-worker", ID, "plain", ID);
    assert_found("ssm-session-worker", ID, "nested", ID);
    assert_found("ssm-session-worker", ID, "orphan", ID);
    assert_found("ssm-session-worker", ID, "hidden", ID);
    assert_found("ssm-session-worker", ID, "inner", ID);
}

static void test_not_found(void **state)
{
    (void)state;
    assert_found("/usr/bin/ssm-session-logger", ID, "plain", NONE);
    assert_found("ssm-session-worker", "", "plain", NONE);
    assert_found("ssm-session-worker", "x\033[2J", "plain", NONE);
    assert_found("ssm-session-worker", ID, "foreign", NONE); /* the owner is asked for, not only the name */
}

/* The name in /proc/PID/stat is the executable's, which anyone may choose. */
static void test_name_with_parentheses(void **state)
{
    (void)state;
    char folder[] = "/tmp/ssm-enforce-test.XXXXXX", link[64], before[sizeof self];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(link, sizeof link, "%s/) R 1 (a b", folder);
    assert_int_equal(symlink(self, link), 0);
    memcpy(before, self, sizeof self);
    (void)snprintf(self, sizeof self, "%s", link);
    assert_found("ssm-session-worker", ID, "plain", ID);
    memcpy(self, before, sizeof self);
    unlink(link);
    rmdir(folder);
}

/* Another user's program of this name, made untraceable so that its files in /proc are root's, does not pass.
 */
static void test_not_roots(void **state)
{
    (void)state;
    int hold[2], ready[2];
    char id[PLATFORM_SESSION_ID_MAX + 1] = "", byte;
    if (geteuid() != 0)
        skip();
    int program = open(self, O_RDONLY); /* its folder may be closed to that user */
    assert_int_equal(pipe(hold), 0);
    assert_int_equal(pipe(ready), 0);
    pid_t worker = fork();
    if (worker == 0) {
        char *const arguments[] = {"ssm-session-worker", ID, "stay", NULL};
        dup2(hold[0], STDIN_FILENO);
        dup2(ready[1], STDOUT_FILENO);
        close(hold[1]);
        if (setuid(NOBODY) == 0)
            fexecve(program, arguments, environ);
        child_end(97);
    }
    close(ready[1]);
    ssize_t got = read(ready[0], &byte, 1);
    bool as_root = linux_session_from(0, worker, 0, id);
    bool as_nobody = linux_session_from(0, worker, NOBODY, id);
    close(hold[1]);
    waitpid(worker, NULL, 0);
    close(hold[0]);
    close(ready[0]);
    close(program);
    assert_int_equal(got, 1);
    assert_false(as_root);
    assert_true(as_nobody);
    assert_string_equal(id, ID);
}

static void test_unknown_processes(void **state)
{
    (void)state;
    char id[PLATFORM_SESSION_ID_MAX + 1] = "untouched";
    assert_false(linux_session_from(0, 0, 0, id));
    assert_false(linux_session_from(-1, -1, 0, id));
    assert_false(linux_session_from(0x7fffffff, 0x7fffffff, 0, id));
    assert_false(linux_session_from(1, 1, 0, id));
    assert_string_equal(id, "untouched");

    /* this very process, wherever the tests run */
    char own[PLATFORM_SESSION_ID_MAX + 1] = "untouched";
    assert_int_equal(platform_own_session(own), linux_session_from(getsid(0), getppid(), 0, id));
    assert_string_equal(own, id);
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash ? slash + 1 : argv[0];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len < 0)
        return 96;
    if (argc == 3)
        act(name, argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_name_with_parentheses),
        cmocka_unit_test(test_not_roots),
        cmocka_unit_test(test_unknown_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
