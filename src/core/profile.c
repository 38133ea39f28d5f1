/* profile.c - makes the line. */
#include "core/profile.h"

#include <string.h>

#include "base/embedded.h"
#include "format/text.h"

struct line {
    enum profile_shell shell;
    struct buf *out;
    struct err *err;
};

/* ---- one word for sh ---- */

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* These mean nothing to a shell, where they stand here: behind an option, or behind the slash of a path. */
static bool is_plain_sh(const char *text)
{
    return *text && text[strspn(text, LETTERS "0123456789_-./:@%+=")] == '\0';
}

/* Bash with readline in a C locale takes the bytes of other characters for key bindings. */
static bool check_typable_sh(const char *option, const char *text, struct err *err)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
            return err_set(err, ERR_USAGE,
                           "--%s '%s' can't go into a shell profile: only printable ASCII can be typed into "
                           "every shell",
                           option, text);
    return true;
}

/* In single quotes nothing is expanded, a history's `!` neither. */
static void add_sh(struct buf *out, const char *text)
{
    if (is_plain_sh(text)) {
        buf_add_text(out, text);
        return;
    }
    buf_add_char(out, '\'');
    for (const char *p = text; *p; p++) {
        if (*p == '\'')
            buf_add_text(out, "'\\''");
        else if (*p == '{' && p[1] == '{')
            buf_add_text(out, "{''");
        else
            buf_add_char(out, *p);
    }
    buf_add_char(out, '\'');
}

/* ---- one word for PowerShell 5.1 ---- */

/* Words that are not read as a number, a parameter, a variable, ... */
static bool is_plain_ps(const char *text)
{
    return strspn(text, LETTERS) && text[strspn(text, LETTERS "0123456789-")] == '\0';
}

/* PowerShell takes these for a single quote too. */
static bool is_single_quote(uint32_t code_point)
{
    return code_point == '\'' || (code_point >= 0x2018 && code_point <= 0x201b);
}

/* White space to PowerShell, not to the program. */
static bool is_odd_blank(uint32_t code_point)
{
    return code_point == 0xa0 || code_point == 0x1680 || (code_point >= 0x2000 && code_point <= 0x200a) ||
           code_point == 0x202f || code_point == 0x205f || code_point == 0x3000;
}

static bool check_typable_ps(const char *option, const char *text, struct err *err)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len;) {
        uint32_t code_point = 0;
        size_t size = text_decode(text + i, len - i, &code_point);
        if (!size || text_hidden(code_point) || is_odd_blank(code_point))
            return err_set(err, ERR_USAGE,
                           "--%s '%s' can't go into a shell profile: it has characters that can't be typed",
                           option, text);
        i += size;
    }
    return true;
}

static void add_ps_literal(struct buf *out, const char *text)
{
    size_t len = strlen(text);
    buf_add_char(out, '\'');
    for (size_t i = 0; i < len;) {
        uint32_t code_point = 0;
        size_t size = text_decode(text + i, len - i, &code_point);
        buf_add(out, text + i, size);
        if (is_single_quote(code_point))
            buf_add(out, text + i, size);
        else if (code_point == '{' && text[i + 1] == '{')
            buf_add_text(out, "'+'");
        i += size;
    }
    buf_add_char(out, '\'');
}

/* A string in PowerShell's own syntax; as an expression where it has to be broken up. */
static void add_ps(struct buf *out, const char *text)
{
    bool broken = strstr(text, "{{") != NULL;
    if (broken)
        buf_add_char(out, '(');
    add_ps_literal(out, text);
    if (broken)
        buf_add_char(out, ')');
}

/*
 * PowerShell 5.1 puts double quotes around an argument with white space behind an even number of double
 * quotes, escaped or not, and changes nothing in it (NativeCommandParameterBinder.appendOneNativeArgument);
 * the program splits by CommandLineToArgvW. So double quotes get a backslash, backslashes before a quote
 * (and before the one that PowerShell adds) are doubled. False: white space is there, and all of it behind
 * an odd number.
 */
static bool escape_argument(struct buf *out, const char *text)
{
    size_t quotes = 0, backslashes = 0;
    bool blank = false, wrapped = false;
    for (const char *p = text; *p; p++) {
        if (*p == '"') {
            buf_add_repeat(out, '\\', backslashes + 1);
            quotes++;
        } else if (*p == ' ') {
            blank = true;
            wrapped = wrapped || quotes % 2 == 0;
        }
        backslashes = *p == '\\' ? backslashes + 1 : 0;
        buf_add_char(out, *p);
    }
    if (wrapped)
        buf_add_repeat(out, '\\', backslashes);
    return wrapped || !blank;
}

static bool add_ps_argument(struct buf *out, const char *option, const char *text, struct err *err)
{
    struct buf escaped = {0};
    bool ok = escape_argument(&escaped, text);
    if (!ok)
        err_set(err, ERR_USAGE,
                "--%s '%s' can't be handed to a program by PowerShell: write '?' for its double quotes",
                option, text);
    else if (is_plain_ps(text))
        buf_add_text(out, text);
    else
        add_ps(out, buf_text(&escaped));
    ok = ok && buf_ok(&escaped, "the profile line", err);
    buf_free(&escaped);
    return ok;
}

/* ---- the command ---- */

/* " --option" */
static void add_flag(struct line *line, const char *option)
{
    buf_addf(line->out, " --%s", option);
}

/* " --option text" */
static bool add_option(struct line *line, const char *option, const char *text)
{
    add_flag(line, option);
    buf_add_char(line->out, ' ');
    if (line->shell == PROFILE_WINDOWS)
        return check_typable_ps(option, text, line->err) &&
               add_ps_argument(line->out, option, text, line->err);
    if (!check_typable_sh(option, text, line->err))
        return false;
    add_sh(line->out, text);
    return true;
}

static bool add_rule(struct line *line, const struct plan_rule *rule)
{
    if (rule->limit == LIMIT_UNLIMITED)
        return add_option(line, "exempt", rule->pattern);
    struct buf text = {0};
    buf_addf(&text, "%s=%d", rule->pattern, (int)rule->limit);
    bool ok = buf_ok(&text, "a rule", line->err) && add_option(line, "max-for", text.data);
    buf_free(&text);
    return ok;
}

static bool is_windows_path(const char *path)
{
    bool drive = ((path[0] | 0x20) >= 'a' && (path[0] | 0x20) <= 'z') && path[1] == ':' && path[2] == '\\';
    return drive || (path[0] == '\\' && path[1] == '\\');
}

static bool add_log(struct line *line, const char *log)
{
    bool own = strcmp(log, "none") == 0;
    if (strcmp(log, "syslog") == 0 || strcmp(log, "eventlog") == 0)
        return true;
    if (!own && log[0] != '/' && !is_windows_path(log))
        return err_set(line->err, ERR_USAGE,
                       "--log takes syslog, eventlog, none or an absolute path, not '%s'", log);
    if (!own && (log[0] == '/') != (line->shell == PROFILE_LINUX))
        return true;
    return add_option(line, "log", log);
}

static bool add_options(struct line *line, const struct profile_settings *settings)
{
    buf_addf(line->out, " --max %lld", (long long)settings->max);
    for (size_t i = 0; i < settings->rule_count; i++)
        if (!add_rule(line, &settings->rules[i]))
            return false;
    if (settings->per != PER_OWNER)
        buf_addf(line->out, " --per %s", settings->per == PER_ROLE ? "role" : "all");
    if (settings->order != TERMINATE_OLDEST)
        buf_add_text(line->out, " --terminate newest");
    if (settings->notify_only)
        add_flag(line, "notify-only");
    if (settings->grace_s)
        buf_addf(line->out, " --grace %lld", (long long)settings->grace_s);
    if (settings->confirm)
        add_flag(line, "confirm");
    if (settings->log && !add_log(line, settings->log))
        return false;
    if (settings->clear)
        add_flag(line, "clear");
    if (settings->quiet)
        add_flag(line, "quiet");
    return add_option(line, "region", settings->region);
}

static bool add_executable(struct line *line, const struct profile_settings *settings)
{
    const char *path = line->shell == PROFILE_LINUX ? settings->linux_path : settings->windows_path;
    const char *last = strrchr(path, line->shell == PROFILE_LINUX ? '/' : '\\');
    if (line->shell == PROFILE_WINDOWS) {
        if (!is_windows_path(path) || !last[1])
            return err_set(line->err, ERR_USAGE,
                           "--windows-path takes an absolute path to the executable, not '%s'", path);
        if (!check_typable_ps("windows-path", path, line->err))
            return false;
        add_ps(line->out, path);
        return true;
    }
    if (path[0] != '/' || !last[1])
        return err_set(line->err, ERR_USAGE,
                       "--linux-path takes an absolute path to the executable, not '%s'", path);
    if (settings->sudo)
        buf_add_text(line->out, "sudo -n ");
    if (!check_typable_sh("linux-path", path, line->err))
        return false;
    add_sh(line->out, path);
    return true;
}

/* Fills @COMMAND@ and @OR_EXIT@ in the template's one line. */
static void fill(struct buf *out, const char *template, const char *command, const char *or_exit)
{
    static const char COMMAND[] = "@COMMAND@", OR_EXIT[] = "@OR_EXIT@";
    for (const char *p = template; *p && *p != '\n';) {
        if (strncmp(p, COMMAND, sizeof COMMAND - 1) == 0) {
            buf_add_text(out, command);
            p += sizeof COMMAND - 1;
        } else if (strncmp(p, OR_EXIT, sizeof OR_EXIT - 1) == 0) {
            buf_add_text(out, or_exit);
            p += sizeof OR_EXIT - 1;
        } else {
            buf_add_char(out, *p++);
        }
    }
}

bool profile_line(enum profile_shell shell, const struct profile_settings *settings, struct buf *out,
                  struct err *err)
{
    bool ok = false, windows = shell == PROFILE_WINDOWS;
    struct buf command = {0}, text = {0};
    struct line line = {.shell = shell, .out = &command, .err = err};
    const char *or_exit = windows ? "; if (!$?) { exit }" : " || { exit; exit; }";
    if (!add_executable(&line, settings) || !add_options(&line, settings) ||
        !buf_ok(&command, "the profile line", err))
        goto out;
    fill(&text, embedded_text(windows ? "profiles/windows.ps1" : "profiles/linux.sh"), command.data,
         settings->deny ? or_exit : "");
    if (!buf_ok(&text, "the profile line", err))
        goto out;
    if (text.len > PROFILE_LINE_MAX) {
        err_set(err, ERR_USAGE,
                "the profile line would have %zu bytes, more than %d: give fewer or shorter --max-for and "
                "--exempt",
                text.len, PROFILE_LINE_MAX);
        goto out;
    }
    buf_add(out, text.data, text.len);
    ok = buf_ok(out, "the profile line", err);
out:
    buf_free(&command);
    buf_free(&text);
    return ok;
}
