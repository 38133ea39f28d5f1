/* profile_find.c - finds the line again. */
#include <string.h>

#include "core/profile.h"
#include "core/profile_scan.h"
#include "format/text.h"

static const char NAME[] = "ssm-enforce";
static const char WINDOWS_NAME[] = "ssm-enforce.exe";

/* The commands [first, last] of a line are ours. */
struct group {
    size_t first, last;
};

static bool ends_here(const struct scan_command *command)
{
    return command->join == SCAN_END || command->join == SCAN_NEXT;
}

/* Finds the first group of ours from command `at` on. */
static bool find_group(const struct scan_line *line, enum profile_shell shell, size_t at, struct group *out)
{
    const struct scan_command *commands = line->commands;
    enum scan_join before_exit = shell == PROFILE_LINUX ? SCAN_OR : SCAN_NEXT;
    for (size_t i = at; i < line->count; i++) {
        size_t last = i;
        if (commands[i].kind != SCAN_ENFORCE || (i > 0 && commands[i - 1].join != SCAN_NEXT))
            continue;
        if (commands[i].join == before_exit && i + 1 < line->count && commands[i + 1].kind == SCAN_EXIT)
            last = i + 1;
        if (!ends_here(&commands[last]))
            continue;
        bool trap =
            i > at && commands[i - 1].kind == SCAN_TRAP_ON && (i == 1 || commands[i - 2].join == SCAN_NEXT);
        if (trap && last + 1 < line->count && commands[last + 1].kind == SCAN_TRAP_OFF &&
            ends_here(&commands[last + 1]))
            last++;
        *out = (struct group){trap ? i - 1 : i, last};
        return true;
    }
    return false;
}

struct find {
    const char *text;
    size_t len;
    enum profile_shell shell;
    const char *path;
    struct profile_found *out;
};

/* The group with what separates it from what stays: of a whole line its end, else one semicolon. */
static struct profile_range range_of(const struct find *find, const struct scan_line *line,
                                     const struct group *group)
{
    const struct scan_command *last = &line->commands[group->last];
    struct profile_range range = {line->commands[group->first].start, last->next};
    bool first = group->first == 0, rest = last->next < line->stop;
    if (first)
        range.start = line->start;
    else if (!rest)
        range.start = line->commands[group->first - 1].end;
    if (first && !rest) {
        bool last_line = line->end == find->len;
        range.end = last_line ? line->end : line->end + 1;
        if (last_line && line->start > 0)
            range.start = line->start - 1;
    }
    if (find->out->count && range.start < find->out->ranges[find->out->count - 1].end)
        range.start = find->out->ranges[find->out->count - 1].end;
    return range;
}

/* Takes out what is ours in one line. */
static void find_in_line(struct find *find, const struct scan_line *line)
{
    struct group group;
    struct profile_found *out = find->out;
    for (size_t at = 0; find_group(line, find->shell, at, &group); at = group.last + 1) {
        if (out->count == PROFILE_FOUND_MAX)
            return;
        if (out->count == 0 && group.first == 0)
            out->blanks = line->commands[0].start - line->start;
        out->ranges[out->count] = range_of(find, line, &group);
        out->count++;
    }
}

/* Is the executable named between [start, end)? */
static bool is_mentioned(const char *text, size_t start, size_t end)
{
    for (size_t i = start; i + sizeof NAME - 1 <= end; i++)
        if (memcmp(text + i, NAME, sizeof NAME - 1) == 0)
            return true;
    return false;
}

/* In any of the parts that stay. */
static bool mentions(const struct find *find)
{
    size_t at = 0;
    for (size_t i = 0; i < find->out->count; i++) {
        if (is_mentioned(find->text, at, find->out->ranges[i].start))
            return true;
        at = find->out->ranges[i].end;
    }
    return is_mentioned(find->text, at, find->len);
}

bool profile_find(enum profile_shell shell, const char *text, size_t len, const char *path,
                  struct profile_found *out, struct err *err)
{
    struct find find = {.text = text, .len = len, .shell = shell, .path = path, .out = out};
    struct scan_line line;
    *out = (struct profile_found){0};
    for (size_t start = 0; start < len;) {
        const char *newline = memchr(text + start, '\n', len - start);
        size_t end = newline ? (size_t)(newline - text) : len;
        line.start = start;
        line.end = end;
        line.stop = end > start && text[end - 1] == '\r' ? end - 1 : end;
        bool known = shell == PROFILE_LINUX ? scan_sh(text, path, &line) : scan_ps(text, path, &line);
        if (!known && line.nomem)
            return err_nomem(err);
        if (!known)
            break;
        find_in_line(&find, &line);
        start = end + 1;
    }
    out->mentioned = mentions(&find);
    return true;
}

bool scan_is_executable(const char *command, const char *path, const char *separators)
{
    const char *name = command;
    for (const char *p = command; *p; p++)
        if (strchr(separators, *p))
            name = p + 1;
    if (strcmp(name, NAME) == 0 || text_same_nocase(name, WINDOWS_NAME))
        return true;
    const char *own = path;
    for (const char *p = path; p && *p; p++)
        if (strchr(separators, *p))
            own = p + 1;
    return own && *own && strcmp(name, own) == 0;
}

bool scan_add(struct scan_line *line, const struct scan_command *command)
{
    if (line->count == SCAN_COMMANDS_MAX)
        return false;
    line->commands[line->count++] = *command;
    return true;
}
