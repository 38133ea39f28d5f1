/* The process: what changes it for good runs in a child. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "child.h"
#include "platform/linux.h"

/* Runs check in a child; 0 is what it is to end with. */
static void assert_in_child(int (*check)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        child_end(check());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int check_start(void)
{
    struct stat about[3];
    struct rlimit core = {1, 1};
    close(0);
    close(1);
    close(2);
    platform_start(NULL, NULL);
    for (int fd = 0; fd <= 2; fd++)
        if (fstat(fd, &about[fd]) != 0 || !S_ISCHR(about[fd].st_mode))
            return 1;
    if (fcntl(1, F_GETFL) != (fcntl(0, F_GETFL)) || (fcntl(1, F_GETFL) & O_ACCMODE) != O_RDWR)
        return 2;
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 || core.rlim_max != 0)
        return 3;
    if (prctl(PR_GET_DUMPABLE) != 0)
        return 4;
    return umask(0) == 077 ? 0 : 5;
}

/* Descriptors that are open stay what they are. */
static int check_start_keeps(void)
{
    int ends[2];
    struct stat before, after;
    if (pipe(ends) != 0 || dup2(ends[1], 1) != 1 || fstat(1, &before) != 0)
        return 1;
    platform_start(NULL, NULL);
    return fstat(1, &after) == 0 && before.st_ino == after.st_ino ? 0 : 2;
}

static void test_start(void **state)
{
    (void)state;
    assert_in_child(check_start);
    assert_in_child(check_start_keeps);
}

static int check_signals(void)
{
    static const int sent[] = {SIGINT, SIGQUIT, SIGTSTP, SIGHUP, SIGTTIN, SIGTTOU, SIGPIPE};
    platform_ignore_signals();
    for (size_t i = 0; i < sizeof sent / sizeof sent[0]; i++)
        raise(sent[i]);
    return 0;
}

static void test_signals(void **state)
{
    (void)state;
    assert_in_child(check_signals);
}

static void test_clock(void **state)
{
    (void)state;
    struct clock clock;
    platform_clock(&clock);
    int64_t wall_ms = clock_wall_ms(&clock), mono_ms = clock_mono_ms(&clock);
    assert_in_range(wall_ms / 1000, time(NULL) - 2, time(NULL) + 2);
    clock_sleep_ms(&clock, -5);
    clock_sleep_ms(&clock, 0);
    clock_sleep_ms(&clock, 30);
    assert_in_range(clock_mono_ms(&clock) - mono_ms, 30, 5000);

    uint32_t first = clock.random(clock.ctx);
    int same = 0;
    for (int i = 0; i < 8; i++)
        same += clock.random(clock.ctx) == first;
    assert_true(same < 8);
}

static void on_alarm(int number)
{
    (void)number;
}

/* A signal does not shorten a pause. */
static void test_sleep_interrupted(void **state)
{
    (void)state;
    struct clock clock;
    platform_clock(&clock);
    signal(SIGALRM, on_alarm);
    ualarm(10 * 1000, 10 * 1000);
    int64_t before_ms = clock_mono_ms(&clock);
    clock_sleep_ms(&clock, 100);
    int64_t took_ms = clock_mono_ms(&clock) - before_ms;
    ualarm(0, 0);
    signal(SIGALRM, SIG_DFL);
    assert_in_range(took_ms, 99, 5000);
}

static void test_env(void **state)
{
    (void)state;
    struct env env;
    platform_env(&env);
    setenv("SSM_ENFORCE_TEST", "a value", 1);
    assert_string_equal(env_get(&env, "SSM_ENFORCE_TEST"), "a value");
    setenv("SSM_ENFORCE_TEST", "", 1);
    assert_null(env_get(&env, "SSM_ENFORCE_TEST"));
    unsetenv("SSM_ENFORCE_TEST");
    assert_null(env_get(&env, "SSM_ENFORCE_TEST"));
}

static int check_unknown_user(void)
{
    char name[PLATFORM_NAME_MAX];
    struct buf home = {0};
    if (setuid(1234567) != 0)
        return 1;
    platform_user_name(name);
    unsetenv("HOME");
    if (platform_home(&home) || home.len != 0)
        return 2;
    return strcmp(name, "uid 1234567") == 0 ? 0 : 3;
}

static void test_names(void **state)
{
    (void)state;
    char name[PLATFORM_NAME_MAX], expected[PLATFORM_NAME_MAX];
    const struct passwd *entry = getpwuid(getuid());
    (void)snprintf(expected, sizeof expected, "%s", entry ? entry->pw_name : "?");
    setenv("USER", "mallory", 1);
    platform_user_name(name);
    if (entry)
        assert_string_equal(name, expected);
    if (geteuid() == 0)
        assert_in_child(check_unknown_user);
    assert_int_equal(gethostname(expected, sizeof expected), 0);
    platform_host_name(name);
    assert_string_equal(name, expected);
    assert_int_equal(platform_process_id(), getpid());
}

static void test_homes(void **state)
{
    (void)state;
    struct buf out = {0};
    setenv("HOME", "/home/some one", 1);
    assert_true(platform_home(&out));
    assert_string_equal(out.data, "/home/some one");
    buf_reset(&out);
    assert_true(platform_home_of_root(&out));
    assert_string_equal(out.data, getpwuid(0)->pw_dir);
    buf_reset(&out);
    setenv("HOME", "", 1);
    assert_int_equal(platform_home(&out), getpwuid(getuid()) != NULL);
    buf_reset(&out);
    assert_true(platform_agent_credentials(&out));
    assert_string_equal(out.data, "/var/lib/amazon/ssm/credentials");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start), cmocka_unit_test(test_signals),
        cmocka_unit_test(test_clock), cmocka_unit_test(test_sleep_interrupted),
        cmocka_unit_test(test_env),   cmocka_unit_test(test_names),
        cmocka_unit_test(test_homes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
