/*
 * ancestry.h - what the operating system tells of an ancestor process, read as text: pure, the same on both
 * platforms, and fit for a fuzzer. The text is an ancestor's own choice and so hostile until it is checked.
 */
#ifndef PLATFORM_ANCESTRY_H
#define PLATFORM_ANCESTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/platform.h"

/*
 * Takes the session id from a worker's arguments as in /proc/PID/cmdline: each is ended by a NUL, the first
 * one's last part is `ssm-session-worker`, the second is the id. False: another program, or no valid id.
 */
bool ancestry_worker_arguments(const char *data, size_t len, char id[PLATFORM_SESSION_ID_MAX + 1]);

/*
 * The same from a Windows command line in UTF-8 (`"C:\Program Files\...\ssm-session-worker.exe" ID ...`),
 * whose program is told apart by its executable's name elsewhere too.
 */
bool ancestry_worker_command_line(const char *text, char id[PLATFORM_SESSION_ID_MAX + 1]);

/*
 * The parent's process id from /proc/PID/stat. The second field is the program's name in parentheses and may
 * hold blanks, parentheses and line ends: proc(5) has them end at the last closing one. False: it does not
 * look like that.
 */
bool ancestry_stat_parent(const char *data, size_t len, int32_t *parent);

#endif
