/*
 * linux.h - the inner functions of platform/linux*.c whose surroundings (paths, process ids) a test sets.
 */
#ifndef PLATFORM_LINUX_H
#define PLATFORM_LINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "platform/platform.h"

/* Closes a descriptor, leaves errno as it is; -1 is fine. */
void linux_close(int fd);

/* Milliseconds that never go back. */
int64_t linux_mono_ms(void);

/* The user database's home directory of a user; false where it has none. */
bool linux_home_of(uid_t uid, struct buf *out);

/* platform_own_session for a process whose session leader and parent are these; `owner` is the worker's uid
 * (0). */
bool linux_session_from(pid_t leader, pid_t parent, uid_t owner, char out[PLATFORM_SESSION_ID_MAX + 1]);

/* platform_log to the socket at `path`. */
bool linux_log_to(const char *path, const char *line, bool warning, struct err *err);

/* platform_system_roots from the first of these files (the list ends with NULL) that can be read and is not
 * empty. */
bool linux_roots_from(const char *const *paths, bool (*add)(void *ctx, const unsigned char *data, size_t len),
                      void *ctx);

/* The words of a command line, NULL at the end, in one allocation that the caller frees. */
struct linux_words {
    char **word; /* count of them and a NULL */
    size_t count;
};

/*
 * Splits a command line as Python's shlex.split does (the AWS command line's way with credential_process):
 * blanks part words, '...' is literal, "..." knows \" and \\, a backslash elsewhere takes the next character
 * as it is. ERR_CONFIG: a quotation mark that is not closed, a backslash at the end, no word at all.
 */
bool linux_split_words(const char *command, struct linux_words *out, struct err *err);
void linux_words_free(struct linux_words *words);

#endif
