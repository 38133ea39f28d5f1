/*
 * measure.c - runs a program and tells what it cost.
 *
 *     measure DESCRIPTOR PROGRAM [ARGUMENT]...
 *
 * Writes one line to that file descriptor: exit status, wall time in microseconds, CPU time (user + sys) in
 * microseconds, largest resident memory in KiB; CPU and memory with those of all descendants. A small process
 * has to do it: on Linux the memory of the process that starts another one counts as that one's too.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static long long now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static long long us(const struct timeval *time)
{
    return time->tv_sec * 1000000LL + time->tv_usec;
}

int main(int argc, char **argv)
{
    pid_t pid;
    int status;
    struct rusage usage;
    if (argc < 3)
        return 2;
    int out = (int)strtol(argv[1], NULL, 10);
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addclose(&actions, out);
    long long start_us = now_us();
    int failed = posix_spawnp(&pid, argv[2], &actions, NULL, argv + 2, environ);
    if (failed) {
        (void)fprintf(stderr, "measure: '%s': %s\n", argv[2], strerror(failed));
        return 1;
    }
    while (wait4(pid, &status, 0, &usage) < 0)
        if (errno != EINTR)
            return 1;
    long long end_us = now_us();
    (void)dprintf(out, "%d %lld %lld %ld\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                  end_us - start_us, us(&usage.ru_utime) + us(&usage.ru_stime), usage.ru_maxrss);
    return 0;
}
