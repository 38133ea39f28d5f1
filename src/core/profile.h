/*
 * profile.h - the shell profile: the one line that the SSM agent types into the terminal of every session.
 * Makes it, and finds it again in a profile that may hold other commands.
 */
#ifndef CORE_PROFILE_H
#define CORE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/plan.h"

enum profile_shell { PROFILE_LINUX, PROFILE_WINDOWS };

/* A terminal cuts a typed line after 4,095 bytes, silently. */
enum { PROFILE_LINE_MAX = 4000 };

/* What the line says. All borrowed. */
struct profile_settings {
    int64_t max;
    const struct plan_rule *rules; /* in their order */
    size_t rule_count;
    enum plan_per per;
    enum plan_order order;
    bool notify_only;
    int64_t grace_s; /* 0: the program's own default */
    bool confirm;
    const char *log; /* NULL: the system's own; a file's path goes into the line of its own system alone */
    bool clear;
    bool quiet;
    const char *region;
    const char *linux_path; /* of the executable on the instances, absolute */
    const char *windows_path;
    bool sudo; /* Linux: through `sudo -n` */
    bool deny; /* a session ends where the limit can't be enforced, the executable is missing, ... */
};

/*
 * Appends the line for one shell, without a line end: profiles/linux.sh or profiles/windows.ps1 with the
 * command in it. It holds no control character and no "{{" (which the agent substitutes), is quoted for sh
 * (dash and bash, typed into an interactive shell) or for PowerShell 5.1 and its way of handing arguments
 * to a program, and nothing in it is expanded. ERR_USAGE, with the option that is the reason: what can't be
 * made such a line.
 *
 * On refusal `exit` stands twice: the first one only warns where there are stopped jobs, and the program
 * itself is such a job after a SIGSTOP.
 */
bool profile_line(enum profile_shell shell, const struct profile_settings *settings, struct buf *out,
                  struct err *err);

enum { PROFILE_FOUND_MAX = 16 };

/* Bytes of a profile: [start, end). */
struct profile_range {
    size_t start, end;
};

/* Where our line stands in a profile, with the separator or line end that goes with it: without these
 * ranges the profile is what it would be without us. */
struct profile_found {
    struct profile_range ranges[PROFILE_FOUND_MAX]; /* ascending */
    size_t count;
    size_t blanks;  /* before the first, where it begins a line */
    bool mentioned; /* elsewhere, in a form that profile_line never made, an executable is named too */
};

/*
 * Finds all lines of ours, whatever their options. Recognised is a command whose executable has the name
 * "ssm-enforce" or that of `path` (its last part; NULL: the first alone) and whose first argument is an
 * option or "enforce", with the traps and the `exit` around it, between ends of lines or semicolons. What is
 * part of a larger construct (if, a pipeline, a subshell, a redirection, ...) is somebody else's and stays.
 * Only memory can fail (ERR_NOMEM).
 */
bool profile_find(enum profile_shell shell, const char *text, size_t len, const char *path,
                  struct profile_found *out, struct err *err);

#endif
