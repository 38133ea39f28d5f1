/*
 * platform.h - all that differs between Linux and Windows. Implemented by linux*.c and windows*.c; the
 * Makefile picks.
 */
#ifndef PLATFORM_PLATFORM_H
#define PLATFORM_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/env.h"
#include "base/err.h"

enum { PLATFORM_SESSION_ID_MAX = 96, PLATFORM_NAME_MAX = 256 };

enum platform_stream { PLATFORM_STDOUT, PLATFORM_STDERR };

/* ---- the process ---- */

/*
 * First thing in main: UTF-8 arguments on Windows (argc and argv are replaced; they live as long as the
 * process), file descriptors 0 to 2 open, no core dumps and no tracing by others (secrets), the console's
 * code page and virtual terminal sequences.
 */
void platform_start(int *argc, char ***argv);

/* The real clock; `random` comes from the kernel. Needs no release. */
void platform_clock(struct clock *out);

/* The real environment (UTF-8 on Windows). Needs no release. */
void platform_env(struct env *out);

/*
 * From here on the session user's keys and signals do not stop the run: INT, QUIT, TSTP, HUP, TTIN, TTOU and
 * PIPE are ignored (Windows: Ctrl-C, Ctrl-Break, close, logoff events).
 */
void platform_ignore_signals(void);

/* Host name, the local user ("ssm-user", by uid, not by environment), the process id. Unknown is "?". */
void platform_host_name(char out[PLATFORM_NAME_MAX]);
void platform_user_name(char out[PLATFORM_NAME_MAX]);
int64_t platform_process_id(void);

/* The home directory: HOME (USERPROFILE), else the user database's; for `root`, root's own. False: unknown.
 */
bool platform_home(struct buf *out);
bool platform_home_of_root(struct buf *out);

/* Where the SSM agent keeps its own credentials file (Default Host Management Configuration); false where the
 * platform has none. */
bool platform_agent_credentials(struct buf *path);

/*
 * Runs a command line through no shell (split as the AWS command line splits credential_process) with
 * standard input and error inherited, and appends its standard output, at most out->max bytes, within
 * timeout_ms. It may ask on the terminal; the keys that platform_ignore_signals ignores do not stop it
 * either. ERR_CONFIG: it can't be started, ends with a status other than 0, or says too much; ERR_TIMEOUT: it
 * was killed. A command that is killed takes along all that it started. Messages name the program, not its
 * arguments, which may be secret.
 */
bool platform_run(const char *command, int64_t timeout_ms, struct buf *out, struct err *err);

/* ---- the session ---- */

/*
 * The id of the session that this process runs in: the first argument of the ancestor process
 * `ssm-session-worker` of uid 0 (Windows: of SYSTEM). False: there is none, or it can't be read (hidepid):
 * unknown, and no error. Sources: see linux_session.c and windows_session.c.
 */
bool platform_own_session(char out[PLATFORM_SESSION_ID_MAX + 1]);

/* ---- files ---- */

/* Appends a file's bytes. ERR_NOT_FOUND: not there; ERR_IO: can't be read (why), is no regular file, or is
 * over out's cap. */
bool platform_read_file(const char *path, struct buf *out, struct err *err);

/* Writes a file whole: beside it, flushed to disk, then renamed over it; only the owner may read it. ERR_IO.
 */
bool platform_write_file(const char *path, const void *data, size_t len, struct err *err);

/* Appends one line (a line end is added) with one write; the file is created where it is missing (mode 0600);
 * a link in the last place is not followed. ERR_IO. */
bool platform_append_line(const char *path, const char *line, struct err *err);

/* Makes a directory and what is missing above it (mode 0700). One that is there is fine. ERR_IO. */
bool platform_make_directory(const char *path, struct err *err);

/*
 * One line into the system's log: syslog's facility authpriv (Windows: the Application event log). ERR_IO
 * where it can be seen that nobody takes it, within some two seconds. `warning`: severity warning instead of
 * notice. It should have no more than PLATFORM_LOG_MAX bytes: what rsyslog takes unless it is told otherwise
 * (8 KiB with the head that stands before the line; syslog-ng, journald and the event log take more). On
 * Linux a line over some 200 KB is refused (the size of a datagram), Windows cuts it at 31,839 characters.
 */
enum { PLATFORM_LOG_MAX = 8000 };

bool platform_log(const char *line, bool warning, struct err *err);

/* Calls `add` for each root certificate of the system (DER, or a bundle in PEM with its NUL counted in len)
 * until it answers false; true if there was any. */
bool platform_system_roots(bool (*add)(void *ctx, const unsigned char *data, size_t len), void *ctx);

/* ---- the terminal ---- */

bool platform_is_terminal(enum platform_stream stream);

/* Columns of the terminal behind the stream; 80 where there is none or it says 0. */
int platform_terminal_width(enum platform_stream stream);

/*
 * Writes all of it (UTF-8). An error (EIO of a terminal that is gone) ends the writing and is no one's
 * problem but the caller's: false. After platform_ignore_signals a terminal or pipe that takes nothing for 2
 * s (Ctrl-S) is an error too, and what is written to it later is dropped.
 */
bool platform_write(enum platform_stream stream, const char *data, size_t len);

/* Asks on the terminal itself, not on standard input, and takes one line without its end. False: there is no
 * terminal (ERR_USAGE) or it ended (ERR_IO). `echo` off for codes. */
bool platform_ask(const char *prompt, bool echo, struct buf *answer, struct err *err);

#endif
