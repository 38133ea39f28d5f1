/*
 * linux_session.c - the own session, from the process's ancestors.
 *
 * The agent starts `/usr/bin/ssm-session-worker SESSION-ID` as root for each session (amazon-ssm-agent:
 * agent/session/...; agents of 2019 to 2021 add the instance id), and the worker starts the user's shell, a
 * session leader, as its child. No environment variable tells the id, and the worker's environ, exe and fd
 * are closed to the user, but its command line and owner are open to all, unless /proc is mounted with
 * hidepid.
 */
#define _GNU_SOURCE 1 /* O_PATH */
#include "platform/platform.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/ancestry.h"
#include "platform/linux.h"

enum { STEPS_MAX = 64, PROC_FILE_MAX = 4096 };

/* Opens the process's folder: what is read through it is one process's, even if its number is given to
 * another. */
static int open_process(pid_t pid)
{
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/%ld", (long)pid);
    return pid > 0 ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

/* The file's first bytes; 0 where it can't be read. */
static size_t read_start(int process, const char *name, char data[PROC_FILE_MAX])
{
    size_t len = 0;
    int fd = openat(process, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t got;
    while (len < PROC_FILE_MAX && (got = read(fd, data + len, PROC_FILE_MAX - len)) > 0)
        len += (size_t)got;
    linux_close(fd);
    return len;
}

/* 0: unknown, or none. */
static pid_t parent_of(int process)
{
    char data[PROC_FILE_MAX];
    int32_t parent;
    size_t len = read_start(process, "stat", data);
    return ancestry_stat_parent(data, len, &parent) ? (pid_t)parent : 0;
}

/* The folder's owner is the process's effective user, also where the process may not be traced (the files in
 * the folder are root's then): another user's program can't pass for root's. */
static bool worker_id(int process, uid_t owner, char out[PLATFORM_SESSION_ID_MAX + 1])
{
    char data[PROC_FILE_MAX];
    struct stat about;
    if (fstat(process, &about) != 0 || about.st_uid != owner)
        return false;
    return ancestry_worker_arguments(data, read_start(process, "cmdline", data), out);
}

bool linux_session_from(pid_t leader, pid_t parent, uid_t owner, char out[PLATFORM_SESSION_ID_MAX + 1])
{
    /* The worker is the parent of the session's leader; where something between has made a session of its own
     * (tmux, setsid), it is further up. */
    int process = open_process(leader);
    pid_t pid = process >= 0 ? parent_of(process) : 0;
    linux_close(process);
    process = open_process(pid);
    bool found = process >= 0 && worker_id(process, owner, out);
    linux_close(process);

    pid = parent;
    for (int step = 0; !found && step < STEPS_MAX && pid > 1; step++) {
        process = open_process(pid);
        if (process < 0)
            break;
        found = worker_id(process, owner, out);
        pid = parent_of(process);
        linux_close(process);
    }
    return found;
}

bool platform_own_session(char out[PLATFORM_SESSION_ID_MAX + 1])
{
    return linux_session_from(getsid(0), getppid(), 0, out);
}
