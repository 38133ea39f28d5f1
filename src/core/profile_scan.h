/*
 * profile_scan.h - splits one line of a profile into commands, as far as that is safe to do without being a
 * shell. Shared by profile_find.c, profile_scan_sh.c and profile_scan_ps.c alone.
 */
#ifndef CORE_PROFILE_SCAN_H
#define CORE_PROFILE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum scan_kind {
    SCAN_FOREIGN,
    SCAN_TRAP_ON, /* trap '' INT QUIT TSTP */
    SCAN_ENFORCE, /* the executable, with options alone */
    SCAN_EXIT,    /* exit; in PowerShell with its condition */
    SCAN_TRAP_OFF /* trap - INT QUIT TSTP */
};

/* What stands behind a command. */
enum scan_join { SCAN_END, SCAN_NEXT, SCAN_OR, SCAN_OTHER };

enum { SCAN_COMMANDS_MAX = 64 };

struct scan_command {
    enum scan_kind kind;
    enum scan_join join;
    size_t start; /* first byte, behind blanks */
    size_t end;   /* behind the last, before blanks and separator */
    size_t next; /* behind the separator and blanks: where the next command or a comment starts, or the end */
};

struct scan_line {
    size_t start, stop; /* the line without its end */
    size_t end;         /* where its '\n' stands, or the text's end */
    struct scan_command commands[SCAN_COMMANDS_MAX];
    size_t count;
    bool nomem; /* why it is not known */
};

/* Splits the line text[out->start, out->stop). False: there is something in it that takes a shell to
 * understand, or that reaches into the next line. `path` as in profile_find. */
bool scan_sh(const char *text, const char *path, struct scan_line *out);
bool scan_ps(const char *text, const char *path, struct scan_line *out);

/* True if the last part of `command` (behind the last of `separators`) is "ssm-enforce" or the last part of
 * `path` (NULL: none). */
bool scan_is_executable(const char *command, const char *path, const char *separators);

/* Adds a command; false where there are too many. */
bool scan_add(struct scan_line *line, const struct scan_command *command);

#endif
