/* linux_run.c - a command (credential_process) and what it prints, within a time. */
#define _GNU_SOURCE 1 /* pipe2, environ */
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "platform/linux.h"

enum { CHUNK = 4096, REAP_PAUSE_MS = 5, DESCRIPTORS = 1024 };

/* Connections stay ours: libcurl opens its sockets for children too. Nor has /proc/self/fd an answer for a
 * process that is not dumpable. */
static void keep_descriptors(void)
{
    for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/*
 * The child stays in our process group: in one of its own it would be stopped when it asks for a code on the
 * terminal. It keeps the keys ignored that we ignore, but not SIGPIPE, without which a script's pipelines do
 * not end.
 */
static int spawn(char *const *words, int output, pid_t *pid)
{
    sigset_t pipe_only;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    keep_descriptors();
    int status = posix_spawnattr_init(&attributes);
    if (status)
        return status;
    status = posix_spawn_file_actions_init(&actions);
    if (status)
        goto out;
    (void)sigemptyset(&pipe_only);
    (void)sigaddset(&pipe_only, SIGPIPE);
    status = posix_spawnattr_setsigdefault(&attributes, &pipe_only);
    if (!status)
        status = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    if (!status)
        status = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (!status)
        status = posix_spawnp(pid, words[0], &actions, &attributes, words, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
out:
    (void)posix_spawnattr_destroy(&attributes);
    return status;
}

/* A child of this thread; 0: there is none, or the kernel does not list them. */
static pid_t any_child(void)
{
    char list[32] = {0};
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, list, sizeof list - 1) : 0;
    linux_close(fd);
    return got > 0 ? (pid_t)strtol(list, NULL, 10) : 0;
}

/*
 * The child, and all that was started below it: while we are a subreaper, what a process that ends leaves
 * behind becomes a child of ours. A process group of its own would leave out who makes another one, and could
 * not ask on the terminal.
 */
static void kill_all(pid_t pid)
{
    for (; pid > 0 && kill(pid, SIGKILL) == 0; pid = any_child())
        (void)waitpid(pid, NULL, 0);
}

/* False: the deadline is over. */
static bool wait_readable(int fd, int64_t deadline_ms)
{
    enum { SPELL_MS = 60000 };
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    for (int64_t left_ms; (left_ms = deadline_ms - linux_mono_ms()) > 0;)
        if (poll(&wait, 1, left_ms < SPELL_MS ? (int)left_ms : SPELL_MS) > 0)
            return true;
    return false;
}

/* Until the other end is closed. */
static bool read_output(int fd, const char *name, int64_t deadline_ms, struct buf *out, struct err *err)
{
    bool ok = true, ended = false;
    char chunk[CHUNK];
    while (ok && !ended) {
        if (!wait_readable(fd, deadline_ms)) {
            ok = err_set(err, ERR_TIMEOUT, "'%s' did not end in time", name);
            break;
        }
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno != EINTR)
            ok = err_set(err, ERR_CONFIG, "can't read from '%s': %s", name, strerror(errno));
        if (got > 0 && !buf_add(out, chunk, (size_t)got))
            ok = err_set(err, ERR_CONFIG, "'%s' printed more than %zu bytes", name,
                         out->max ? out->max : (size_t)BUF_MAX_DEFAULT);
        ended = got == 0;
    }
    mem_wipe(chunk, sizeof chunk); /* what it prints are keys */
    return ok;
}

/* A program may close its output and stay: it has until the deadline. */
static bool reap(pid_t pid, const char *name, int64_t deadline_ms, struct err *err)
{
    int status = 0;
    pid_t ended;
    while ((ended = waitpid(pid, &status, WNOHANG)) == 0 || (ended < 0 && errno == EINTR)) {
        if (linux_mono_ms() >= deadline_ms) {
            kill_all(pid);
            return err_set(err, ERR_TIMEOUT, "'%s' did not end in time", name);
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = REAP_PAUSE_MS * 1000000L}, NULL);
    }
    if (ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (ended == pid && WIFSIGNALED(status))
        return err_set(err, ERR_CONFIG, "'%s' was ended by signal %d", name, WTERMSIG(status));
    return err_set(err, ERR_CONFIG, "'%s' failed with exit status %d", name, WEXITSTATUS(status));
}

bool platform_run(const char *command, int64_t timeout_ms, struct buf *out, struct err *err)
{
    bool ok = false;
    int ends[2] = {-1, -1};
    pid_t pid = 0;
    int64_t deadline_ms = linux_mono_ms() + timeout_ms;
    struct linux_words words = {0};
    if (!linux_split_words(command, &words, err))
        return err_prefix(err, "can't run '%s'", command);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        err_set(err, ERR_CONFIG, "can't run '%s': %s", words.word[0], strerror(errno));
        goto out;
    }
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    int status = spawn(words.word, ends[1], &pid);
    if (status) {
        err_set(err, ERR_CONFIG, "can't run '%s': %s", words.word[0], strerror(status));
        goto out;
    }
    linux_close(ends[1]);
    ends[1] = -1;
    ok = read_output(ends[0], words.word[0], deadline_ms, out, err);
    if (ok)
        ok = reap(pid, words.word[0], deadline_ms, err);
    else
        kill_all(pid);
out:
    (void)prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
    linux_close(ends[0]);
    linux_close(ends[1]);
    linux_words_free(&words);
    return ok;
}
