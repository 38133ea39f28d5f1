/* The profile line: made, run by real shells, read as PowerShell 5.1 reads it, and found again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/profile.h"

static struct profile_settings plain(void)
{
    return (struct profile_settings){.max = 3,
                                     .region = "eu-west-1",
                                     .linux_path = "/usr/local/bin/ssm-enforce",
                                     .windows_path = "C:\\Program Files\\ssm-enforce\\ssm-enforce.exe"};
}

static void assert_line(enum profile_shell shell, const struct profile_settings *settings, const char *wanted)
{
    struct buf line = {0};
    struct err err = {0};
    assert_true(profile_line(shell, settings, &line, &err));
    assert_string_equal(buf_text(&line), wanted);
    buf_free(&line);
}

static void assert_refused(enum profile_shell shell, const struct profile_settings *settings,
                           const char *option)
{
    struct buf line = {0};
    struct err err = {0};
    assert_false(profile_line(shell, settings, &line, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_non_null(strstr(err.message, option));
    assert_int_equal(line.len, 0);
    buf_free(&line);
}

static void test_linux_line(void **state)
{
    struct profile_settings settings = plain();
    (void)state;
    assert_line(PROFILE_LINUX, &settings,
                "trap '' INT QUIT TSTP; /usr/local/bin/ssm-enforce --max 3 --region eu-west-1; "
                "trap - INT QUIT TSTP");
    settings.deny = true;
    settings.sudo = true;
    assert_line(PROFILE_LINUX, &settings,
                "trap '' INT QUIT TSTP; sudo -n /usr/local/bin/ssm-enforce --max 3 --region eu-west-1 "
                "|| { exit; exit; }; trap - INT QUIT TSTP");
}

static void test_windows_line(void **state)
{
    struct profile_settings settings = plain();
    (void)state;
    assert_line(PROFILE_WINDOWS, &settings,
                "& 'C:\\Program Files\\ssm-enforce\\ssm-enforce.exe' --max 3 --region eu-west-1");
    settings.deny = true;
    settings.sudo = true; /* of Linux alone */
    assert_line(PROFILE_WINDOWS, &settings,
                "& 'C:\\Program Files\\ssm-enforce\\ssm-enforce.exe' --max 3 --region eu-west-1; "
                "if (!$?) { exit }");
}

static void test_all_options(void **state)
{
    const struct plan_rule rules[] = {{"*/ci-*", 10}, {"*/break-glass", LIMIT_UNLIMITED}, {"*/x=y", 0}};
    struct profile_settings settings = plain();
    (void)state;
    settings.rules = rules;
    settings.rule_count = 3;
    settings.per = PER_ROLE;
    settings.order = TERMINATE_NEWEST;
    settings.notify_only = settings.confirm = settings.clear = settings.quiet = true;
    settings.grace_s = 5;
    settings.log = "none";
    assert_line(PROFILE_LINUX, &settings,
                "trap '' INT QUIT TSTP; /usr/local/bin/ssm-enforce --max 3 --max-for '*/ci-*=10' "
                "--exempt '*/break-glass' --max-for '*/x=y=0' --per role --terminate newest --notify-only "
                "--grace 5 --confirm --log none --clear --quiet --region eu-west-1; trap - INT QUIT TSTP");
    settings.per = PER_ALL;
    assert_line(PROFILE_WINDOWS, &settings,
                "& 'C:\\Program Files\\ssm-enforce\\ssm-enforce.exe' --max 3 --max-for '*/ci-*=10' "
                "--exempt '*/break-glass' --max-for '*/x=y=0' --per all --terminate newest --notify-only "
                "--grace 5 --confirm --log none --clear --quiet --region eu-west-1");
}

/* A file's path means something to one system alone. */
static void test_log(void **state)
{
    struct profile_settings settings = plain();
    (void)state;
    settings.log = "/var/log/ssm enforce.log";
    assert_line(PROFILE_LINUX, &settings,
                "trap '' INT QUIT TSTP; /usr/local/bin/ssm-enforce --max 3 --log '/var/log/ssm enforce.log' "
                "--region eu-west-1; trap - INT QUIT TSTP");
    assert_line(PROFILE_WINDOWS, &settings,
                "& 'C:\\Program Files\\ssm-enforce\\ssm-enforce.exe' --max 3 --region eu-west-1");
    settings.log = "D:\\log\\a.log";
    assert_line(PROFILE_LINUX, &settings,
                "trap '' INT QUIT TSTP; /usr/local/bin/ssm-enforce --max 3 --region eu-west-1; "
                "trap - INT QUIT TSTP");
    assert_line(PROFILE_WINDOWS, &settings,
                "& 'C:\\Program Files\\ssm-enforce\\ssm-enforce.exe' --max 3 --log 'D:\\log\\a.log' "
                "--region eu-west-1");
    settings.log = "eventlog";
    assert_line(PROFILE_WINDOWS, &settings,
                "& 'C:\\Program Files\\ssm-enforce\\ssm-enforce.exe' --max 3 --region eu-west-1");
    settings.log = "syslog";
    assert_line(PROFILE_LINUX, &settings,
                "trap '' INT QUIT TSTP; /usr/local/bin/ssm-enforce --max 3 --region eu-west-1; "
                "trap - INT QUIT TSTP");
    settings.log = "audit.log";
    assert_refused(PROFILE_LINUX, &settings, "--log");
    assert_refused(PROFILE_WINDOWS, &settings, "--log");
}

static void test_odd_values(void **state)
{
    struct profile_settings settings = plain();
    struct plan_rule rule = {"", LIMIT_UNLIMITED};
    (void)state;
    settings.rules = &rule;
    settings.rule_count = 1;
    assert_line(PROFILE_LINUX, &settings,
                "trap '' INT QUIT TSTP; /usr/local/bin/ssm-enforce --max 3 --exempt '' --region eu-west-1; "
                "trap - INT QUIT TSTP");
    settings.rule_count = 0;
    settings.windows_path = "\\\\server\\share\\x.exe";
    assert_line(PROFILE_WINDOWS, &settings, "& '\\\\server\\share\\x.exe' --max 3 --region eu-west-1");
    settings.windows_path = "c:\\\xe3\x81\x82\\\xe2\x80\xa2.exe";
    assert_line(PROFILE_WINDOWS, &settings,
                "& 'c:\\\xe3\x81\x82\\\xe2\x80\xa2.exe' --max 3 --region eu-west-1");
}

static void test_refusals(void **state)
{
    struct profile_settings settings = plain();
    struct plan_rule rule = {"a\tb", 1};
    (void)state;
    settings.rules = &rule;
    settings.rule_count = 1;
    assert_refused(PROFILE_LINUX, &settings, "--max-for");
    assert_refused(PROFILE_WINDOWS, &settings, "--max-for");
    rule.limit = LIMIT_UNLIMITED;
    rule.pattern = "a\nb";
    assert_refused(PROFILE_LINUX, &settings, "--exempt");
    assert_refused(PROFILE_WINDOWS, &settings, "--exempt");
    rule.pattern = "caf\xc3\xa9";
    assert_refused(PROFILE_LINUX, &settings, "--exempt");
    rule.pattern = "a\xe2\x80\xae";
    assert_refused(PROFILE_WINDOWS, &settings, "--exempt");
    rule.pattern = "a\xc2\xa0\x62";
    assert_refused(PROFILE_WINDOWS, &settings, "--exempt");
    static const char *const odd_blanks[] = {"\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x8a",
                                             "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};
    for (size_t i = 0; i < sizeof odd_blanks / sizeof odd_blanks[0]; i++) {
        rule.pattern = odd_blanks[i];
        assert_refused(PROFILE_WINDOWS, &settings, "--exempt");
    }
    rule.pattern = "a\xff";
    assert_refused(PROFILE_WINDOWS, &settings, "--exempt");
    rule.pattern = "\"a b\"";
    assert_refused(PROFILE_WINDOWS, &settings, "--exempt");
    settings = plain();
    settings.linux_path = "ssm-enforce";
    assert_refused(PROFILE_LINUX, &settings, "--linux-path");
    settings.linux_path = "/opt/bin/";
    assert_refused(PROFILE_LINUX, &settings, "--linux-path");
    settings.linux_path = "/opt/\x1b[31m/x";
    assert_refused(PROFILE_LINUX, &settings, "--linux-path");
    static const char *const relative[] = {"ssm-enforce.exe", "",        "1:\\x.exe", "{:\\x.exe",
                                           "C:/x.exe",        "C:x.exe", "\\x.exe",   "C"};
    for (size_t i = 0; i < sizeof relative / sizeof relative[0]; i++) {
        settings.windows_path = relative[i];
        assert_refused(PROFILE_WINDOWS, &settings, "--windows-path");
    }
    settings.windows_path = "C:\\tools\\";
    assert_refused(PROFILE_WINDOWS, &settings, "--windows-path");
    settings.windows_path = "C:\\a\x7f\\x.exe";
    assert_refused(PROFILE_WINDOWS, &settings, "--windows-path");
}

/* 4,000 bytes are taken, 4,001 are not. */
static void test_length(void **state)
{
    struct profile_settings settings = plain();
    struct buf line = {0};
    struct err err = {0};
    char pattern[PROFILE_LINE_MAX];
    struct plan_rule rule = {pattern, LIMIT_UNLIMITED};
    (void)state;
    assert_true(profile_line(PROFILE_LINUX, &settings, &line, &err));
    size_t room = PROFILE_LINE_MAX - line.len - strlen(" --exempt ");
    buf_reset(&line);
    settings.rules = &rule;
    settings.rule_count = 1;
    memset(pattern, 'a', room + 1);
    pattern[room + 1] = '\0';
    assert_refused(PROFILE_LINUX, &settings, "4001");
    pattern[room] = '\0';
    assert_true(profile_line(PROFILE_LINUX, &settings, &line, &err));
    assert_int_equal(line.len, PROFILE_LINE_MAX);
    buf_free(&line);
}

/* ---- real shells ---- */

static uint32_t chance_state;

static uint32_t chance(uint32_t below)
{
    chance_state = chance_state * 1664525u + 1013904223u;
    return (chance_state >> 8) % below;
}

static void random_pattern(char *out, size_t size)
{
    static const char ODD[] = "{{{}!'\"\\$`*?[]~#&|;<>()^ %@=+,-:./aZ0";
    size_t len = 1 + chance((uint32_t)size - 2);
    for (size_t i = 0; i < len; i++)
        out[i] = ODD[chance(sizeof ODD - 1)];
    out[len] = '\0';
}

/* Runs the lines by `shell` as a script; its arguments come back with a 0x01 behind each. */
static void run_lines(const char *shell, const char *script, struct buf *out)
{
    char command[256];
    (void)snprintf(command, sizeof command, "%s %s 2>&1", shell, script);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    char part[4096];
    for (size_t n; (n = fread(part, 1, sizeof part, pipe)) > 0;)
        buf_add(out, part, n);
    assert_int_equal(pclose(pipe), 0);
}

static void write_file(const char *path, const char *text, size_t len, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void add_wanted(struct buf *wanted, const char *pattern)
{
    buf_addf(wanted,
             "--max\x01%d\x01--exempt\x01%s\x01--region\x01"
             "eu-west-1\x01\n",
             3, pattern);
}

/* What arrives in the program is what was asked for, whatever is in the patterns and in the path. */
static void test_real_shells(void **state)
{
    char folder[] = "/tmp/profile-XXXXXX", path[128], script_path[64];
    struct buf script = {0}, wanted = {0};
    static const char RECORDER[] = "#!/bin/sh\nfor a in \"$@\"; do printf '%s\\001' \"$a\"; done; echo\n";
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/it's {{an}} $(odd) !path", folder);
    (void)snprintf(script_path, sizeof script_path, "%s/script", folder);
    write_file(path, RECORDER, sizeof RECORDER - 1, 0700);
    struct profile_settings settings = plain();
    char pattern[64] = "*:assumed-role/A'b $(x) \"c\"/*";
    struct plan_rule rule = {pattern, LIMIT_UNLIMITED};
    settings.rules = &rule;
    settings.rule_count = 1;
    settings.linux_path = path;
    chance_state = 7;
    for (int i = 0; i < 400; i++) {
        struct err err;
        size_t before = script.len;
        settings.deny = i % 2;
        assert_true(profile_line(PROFILE_LINUX, &settings, &script, &err));
        assert_null(strstr(script.data + before, "{{"));
        buf_add_char(&script, '\n');
        add_wanted(&wanted, pattern);
        random_pattern(pattern, sizeof pattern);
    }
    write_file(script_path, script.data, script.len, 0600);
    const char *const shells[] = {"dash", "bash", "bash --posix"};
    for (size_t i = 0; i < 3; i++) {
        struct buf got = {0};
        run_lines(shells[i], script_path, &got);
        assert_string_equal(buf_text(&got), wanted.data);
        buf_free(&got);
    }
    (void)unlink(path);
    (void)unlink(script_path);
    (void)rmdir(folder);
    buf_free(&script);
    buf_free(&wanted);
}

/* ---- PowerShell 5.1, by its rules ---- */

/* One argument in PowerShell's syntax, as profile_line writes it: a bare word, '...', or ('...'+'...'). */
static const char *ps_read(const char *p, struct buf *out)
{
    bool sum = *p == '(';
    p += sum;
    if (*p != '\'') {
        for (; *p && *p != ' ' && *p != ';'; p++) {
            assert_non_null(strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", *p));
            buf_add_char(out, *p);
        }
        return p;
    }
    for (;;) {
        assert_int_equal(*p, '\'');
        for (p++; !(p[0] == '\'' && p[1] != '\''); p++) {
            p += *p == '\'';
            assert_true(*p != '\0');
            buf_add_char(out, *p);
        }
        p++;
        if (!sum || *p == ')')
            return p + sum;
        assert_int_equal(*p++, '+');
    }
}

/* NativeCommandParameterBinder.appendOneNativeArgument of 5.1. */
static void ps_append(struct buf *command_line, const char *argument)
{
    bool quotes_needed = false;
    size_t quotes = 0;
    for (const char *p = argument; *p; p++) {
        if (*p == '"')
            quotes++;
        else if (*p == ' ' && quotes % 2 == 0)
            quotes_needed = true;
    }
    buf_addf(command_line, quotes_needed ? " \"%s\"" : " %s", argument);
}

/* CommandLineToArgvW for what follows the executable: each argument with a 0x01 behind it. */
static void split_arguments(const char *p, struct buf *out)
{
    while (*p == ' ')
        p++;
    while (*p) {
        bool quoted = false;
        for (; *p && (quoted || *p != ' '); p++) {
            size_t backslashes = strspn(p, "\\");
            if (backslashes && p[backslashes] == '"') {
                buf_add_repeat(out, '\\', backslashes / 2);
                p += backslashes;
                if (backslashes % 2) {
                    buf_add_char(out, '"');
                    continue;
                }
            } else if (backslashes) {
                buf_add_repeat(out, '\\', backslashes);
                p += backslashes - 1;
                continue;
            }
            if (*p == '"')
                quoted = !quoted;
            else
                buf_add_char(out, *p);
        }
        assert_false(quoted);
        buf_add_char(out, '\x01');
        while (*p == ' ')
            p++;
    }
}

static void ps_run(const char *line, struct buf *out)
{
    struct buf word = {0}, command_line = {0};
    assert_int_equal(strncmp(line, "& ", 2), 0);
    const char *p = ps_read(line + 2, &word);
    while (*p == ' ') {
        buf_reset(&word);
        p = ps_read(p + 1, &word);
        ps_append(&command_line, buf_text(&word));
    }
    assert_true(*p == '\0' || strcmp(p, "; if (!$?) { exit }") == 0);
    split_arguments(buf_text(&command_line), out);
    buf_free(&word);
    buf_free(&command_line);
}

static void test_powershell_table(void **state)
{
    static const struct {
        const char *pattern, *written;
    } TABLE[] = {
        {"a", "a"},
        {"a'b", "'a''b'"},
        {"*:assumed-role/A'b $(x) \"c\"/*", "'*:assumed-role/A''b $(x) \\\"c\\\"/*'"},
        {"a\"b", "'a\\\"b'"},
        {"a\\", "'a\\'"},
        {"a b\\", "'a b\\\\'"},
        {"a\\\"b", "'a\\\\\\\"b'"},
        {"{{x}}", "('{'+'{x}}')"},
        {"-foo.bar", "'-foo.bar'"},
        {"1e3", "'1e3'"},
        {"$env:PATH;`", "'$env:PATH;`'"},
        {"\xe2\x80\x99", "'\xe2\x80\x99\xe2\x80\x99'"},
    };
    struct profile_settings settings = plain();
    struct plan_rule rule = {"", LIMIT_UNLIMITED};
    (void)state;
    settings.rules = &rule;
    settings.rule_count = 1;
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        struct buf wanted = {0};
        rule.pattern = TABLE[i].pattern;
        buf_addf(&wanted,
                 "& 'C:\\Program Files\\ssm-enforce\\ssm-enforce.exe' --max 3 --exempt %s --region eu-west-1",
                 TABLE[i].written);
        assert_line(PROFILE_WINDOWS, &settings, wanted.data);
        buf_free(&wanted);
    }
}

static void test_powershell_random(void **state)
{
    struct profile_settings settings = plain();
    char pattern[24];
    struct plan_rule rule = {pattern, LIMIT_UNLIMITED};
    size_t made = 0;
    (void)state;
    settings.rules = &rule;
    settings.rule_count = 1;
    chance_state = 11;
    for (int i = 0; i < 20000; i++) {
        struct buf line = {0}, got = {0}, wanted = {0};
        struct err err;
        random_pattern(pattern, sizeof pattern);
        settings.deny = i % 2;
        if (profile_line(PROFILE_WINDOWS, &settings, &line, &err)) {
            made++;
            assert_null(strstr(line.data, "{{"));
            add_wanted(&wanted, pattern);
            wanted.data[wanted.len - 1] = '\0';
            ps_run(line.data, &got);
            assert_string_equal(buf_text(&got), wanted.data);
        } else {
            assert_non_null(strchr(pattern, '"'));
            assert_non_null(strchr(pattern, ' '));
        }
        buf_free(&line);
        buf_free(&got);
        buf_free(&wanted);
    }
    assert_true(made > 15000);
}

/* ---- found again ---- */

#define LINE "trap '' INT QUIT TSTP; /usr/local/bin/ssm-enforce --max 3 --region r; trap - INT QUIT TSTP"
#define DENY                                                                                                 \
    "trap '' INT QUIT TSTP; sudo -n /opt/it\\'s/ssm-enforce --max 3 --exempt 'a;b'\\''{''{' || { exit; "     \
    "exit; }; "                                                                                              \
    "trap - INT QUIT TSTP"
#define PS      "& 'C:\\Program Files\\ssm-enforce\\ssm-enforce.exe' --max 3 --exempt ('a''{'+'{;') --region r"
#define PS_DENY PS "; if (!$?) { exit }"

struct found_case {
    const char *text;
    const char *rest;
    bool mentioned;
};

static void check_found(enum profile_shell shell, const struct found_case *cases, size_t count,
                        const char *path)
{
    for (size_t i = 0; i < count; i++) {
        struct profile_found found;
        struct buf rest = {0};
        size_t at = 0;
        const char *text = cases[i].text;
        struct err err;
        assert_true(profile_find(shell, text, strlen(text), path, &found, &err));
        for (size_t k = 0; k < found.count; k++) {
            assert_true(found.ranges[k].start >= at && found.ranges[k].end >= found.ranges[k].start);
            buf_add(&rest, text + at, found.ranges[k].start - at);
            at = found.ranges[k].end;
        }
        buf_add_text(&rest, text + at);
        if (strcmp(buf_text(&rest), cases[i].rest) != 0)
            print_error("case %zu: %s\n", i, text);
        assert_string_equal(buf_text(&rest), cases[i].rest);
        assert_int_equal(found.mentioned, cases[i].mentioned);
        buf_free(&rest);
    }
}

static void test_found_linux(void **state)
{
    static const struct found_case CASES[] = {
        {"", "", false},
        {LINE, "", false},
        {LINE "\n", "", false},
        {LINE "\r\necho hi", "echo hi", false},
        {LINE "\n\necho hi", "\necho hi", false},
        {DENY, "", false},
        {"  " DENY "\ncd ~", "cd ~", false},
        {"cd ~\n" LINE, "cd ~", false},
        {"cd ~\n" LINE "\n", "cd ~\n", false},
        {LINE "; cd ~", "cd ~", false},
        {"cd ~; " LINE, "cd ~", false},
        {"cd ~;  " DENY " ; ls -l", "cd ~;  ls -l", false},
        {LINE " # ours", "# ours", false},
        {LINE "\n" DENY "\n" LINE "\nx", "x", false},
        {LINE "; " LINE, "", false},
        {"x\n" LINE "\n" LINE, "x\n", false},
        {"ssm-enforce --max 3", "", false},
        {"/usr/local/bin/ssm-enforce --max 3 || exit", "", false},
        {"ssm-enforce enforce --max 3; bash", "bash", false},
        {"/opt/limiter --max 3; bash", "bash", false},
        {"trap '' INT QUIT TSTP; ssm-enforce --max 3; echo hi; trap - INT QUIT TSTP",
         "echo hi; trap - INT QUIT TSTP", false},
        {"ssm-enforce --max 3; trap - INT QUIT TSTP", "trap - INT QUIT TSTP", false},
        {"a && trap '' INT QUIT TSTP; ssm-enforce --max 3", "a && trap '' INT QUIT TSTP", false},
        {"a; trap '' INT QUIT TSTP; ssm-enforce --max 3", "a", false},
        {"trap '' INT QUIT TSTP; ssm-enforce --max 3; trap - INT QUIT TSTP && x", "trap - INT QUIT TSTP && x",
         false},
        {"trap 'x' INT QUIT TSTP; ssm-enforce --max 3; trap - INT QUIT TSTP",
         "trap 'x' INT QUIT TSTP; trap - INT QUIT TSTP", false},
        {"trap '' INT QUIT HUP; ssm-enforce --max 3", "trap '' INT QUIT HUP", false},
        {"trap '' INT HUP TSTP; ssm-enforce --max 3", "trap '' INT HUP TSTP", false},
        {"trap '' HUP QUIT TSTP; ssm-enforce --max 3", "trap '' HUP QUIT TSTP", false},
        {"a b c d e; ssm-enforce --max 3", "a b c d e", false},
        {"sudo ssm-enforce --max 3", "", false},
        {"sudo -u x ssm-enforce --max 3", "sudo -u x ssm-enforce --max 3", true},
        {"ssm-enforce\t\"--max\" \"3\\\"\\a\"\t", "", false},
        {"a && b | c |& d & e; ssm-enforce --max 3", "a && b | c |& d & e", false},
        {"echo \"$x\" \"a!\" ~ ; ssm-enforce --max 3", "echo \"$x\" \"a!\" ~", false},
        {"ssm-enforce --max \"$x\"", "ssm-enforce --max \"$x\"", true},
        {"ssm-enforce --max \"!\"", "ssm-enforce --max \"!\"", true},
        {"echo ssm-enforce\n" LINE, "echo ssm-enforce", true},
        {"# a comment\n" LINE, "# a comment", false},
        {"  \n" LINE, "  ", false},
        {";\n" LINE, ";\n" LINE, true},
        {"a;; " LINE, "a;; " LINE, true},
        {"echo \"`x`\"\n" LINE, "echo \"`x`\"\n" LINE, true},
        {"echo \"$(x)\"\n" LINE, "echo \"$(x)\"\n" LINE, true},
        {"echo \"${x}\"\n" LINE, "echo \"${x}\"\n" LINE, true},
        {"echo \"x\n" LINE, "echo \"x\n" LINE, true},
        {"echo \"x\\\n" LINE, "echo \"x\\\n" LINE, true},
        {"echo `x`\n" LINE, "echo `x`\n" LINE, true},
        {"echo ${x}\n" LINE, "echo ${x}\n" LINE, true},
        {"echo $'x'\n" LINE, "echo $'x'\n" LINE, true},
        {"echo $\"x\"\n" LINE, "echo $\"x\"\n" LINE, true},
        {"echo <<x\n" LINE, "echo <<x\n" LINE, true},
        {"a |\n" LINE, "a |\n" LINE, true},
        {"a ||\n" LINE, "a ||\n" LINE, true},
        {"exit || ssm-enforce --max 3", "exit || ssm-enforce --max 3", true},
        {"trap '' INT QUIT TSTP; cd /; trap - INT QUIT TSTP",
         "trap '' INT QUIT TSTP; cd /; trap - INT QUIT TSTP", false},
        /* somebody else's */
        {"ssm-enforce list", "ssm-enforce list", true},
        {"ssm-enforce", "ssm-enforce", true},
        {"echo ssm-enforce --max 3", "echo ssm-enforce --max 3", true},
        {"ssm-enforce --max 3 && bash", "ssm-enforce --max 3 && bash", true},
        {"true && ssm-enforce --max 3", "true && ssm-enforce --max 3", true},
        {"ssm-enforce --max 3 | tee x", "ssm-enforce --max 3 | tee x", true},
        {"ssm-enforce --max 3 > x", "ssm-enforce --max 3 > x", true},
        {"ssm-enforce --max $N", "ssm-enforce --max $N", true},
        {"ssm-enforce --max 3 &", "ssm-enforce --max 3 &", true},
        {"ssm-enforce --max 3 || echo no", "ssm-enforce --max 3 || echo no", true},
        {"(ssm-enforce --max 3)", "(ssm-enforce --max 3)", true},
        {"if true; then\nssm-enforce --max 3\nfi", "if true; then\nssm-enforce --max 3\nfi", true},
        {"echo 'a\nssm-enforce --max 3\n'", "echo 'a\nssm-enforce --max 3\n'", true},
        {"cat <<E\nssm-enforce --max 3\nE", "cat <<E\nssm-enforce --max 3\nE", true},
        {"true &&\nssm-enforce --max 3", "true &&\nssm-enforce --max 3", true},
        {"true \\\nssm-enforce --max 3", "true \\\nssm-enforce --max 3", true},
        {"f() {\nssm-enforce --max 3\n}", "f() {\nssm-enforce --max 3\n}", true},
        {LINE "\nif [ -t 0 ]; then exec bash; fi", "if [ -t 0 ]; then exec bash; fi", false},
        {LINE "\nif x; then\n" LINE "\nfi", "if x; then\n" LINE "\nfi", true},
    };
    (void)state;
    check_found(PROFILE_LINUX, CASES, sizeof CASES / sizeof CASES[0], "/opt/limiter");
}

static void test_found_windows(void **state)
{
    static const struct found_case CASES[] = {
        {PS, "", false},
        {PS_DENY, "", false},
        {" " PS_DENY "\r\nGet-Date", "Get-Date", false},
        {PS_DENY "; Get-Date", "Get-Date", false},
        {"Get-Date; " PS, "Get-Date", false},
        {"function f { 'a;b' }; " PS_DENY "; cd \\", "function f { 'a;b' }; cd \\", false},
        {PS "; if ($LASTEXITCODE) { exit }", "", false},
        {PS "; if ($x) { exit }", "if ($x) { exit }", false},
        {"C:\\bin\\SSM-ENFORCE.EXE --max 3 # ours", "# ours", false},
        {"& 'D:\\limiter.exe' --max 3", "", false},
        {PS ";", "", false},
        {"'C:\\ssm-enforce.exe' --max 3", "", false},
        {"& 'C:\\ssm-enforce.exe' enforce --max 3", "", false},
        {"& 'C:\\ssm-enforce.exe'", "& 'C:\\ssm-enforce.exe'", true},
        {"& \xe2\x80\x98"
         "C:\\ssm-enforce.exe\xe2\x80\x99 --max 3\t--per all",
         "", false},
        {"$a[0] = (1); " PS, "$a[0] = (1)", false},
        {"a#b\n" PS, "a#b\n" PS, true},
        {"`a\n" PS, "`a\n" PS, true},
        {"@\"\n" PS, "@\"\n" PS, true},
        {"a)\n" PS, "a)\n" PS, true},
        {"'a\n" PS, "'a\n" PS, true},
        {"\"a\n" PS, "\"a\n" PS, true},
        {"\"a`\"\"\n" PS, "\"a`\"\"\n" PS, true},
        {"\xff\n" PS, "\xff\n" PS, true},
        {"\"\xff\"\n" PS, "\"\xff\"\n" PS, true},
        {"'\xff'\n" PS, "'\xff'\n" PS, true},
        {"\xe2\x80\x9c;\xe2\x80\x9d; " PS, "\xe2\x80\x9c;\xe2\x80\x9d", false},
        {"& ('C:\\ssm-enforce.exe'+x) --max 3", "& ('C:\\ssm-enforce.exe'+x) --max 3", true},
        {"& ('C:\\ssm-enforce.exe' ) --max 3", "& ('C:\\ssm-enforce.exe' ) --max 3", true},
        {"& 'C:\\ssm-enforce.exe' --max '3'x", "& 'C:\\ssm-enforce.exe' --max '3'x", true},
        {"if (!$?) { exit } # and more than that", "if (!$?) { exit } # and more than that", false},
        {"a-command-that-is-longer-than-what-is-ours --with more",
         "a-command-that-is-longer-than-what-is-ours --with more", false},
        {"# a comment\n" PS, "# a comment", false},
        {"& 'C:\\ssm-enforce.exe' list", "& 'C:\\ssm-enforce.exe' list", true},
        {"& 'C:\\ssm-enforce.exe' --max $n", "& 'C:\\ssm-enforce.exe' --max $n", true},
        {"& 'C:\\ssm-enforce.exe' --max 3 | Out-Null", "& 'C:\\ssm-enforce.exe' --max 3 | Out-Null", true},
        {"if ($x) {\n& 'C:\\ssm-enforce.exe' --max 3\n}", "if ($x) {\n& 'C:\\ssm-enforce.exe' --max 3\n}",
         true},
        {"@'\n& 'C:\\ssm-enforce.exe' --max 3\n'@", "@'\n& 'C:\\ssm-enforce.exe' --max 3\n'@", true},
        {"\"$(1)\"\n& 'C:\\ssm-enforce.exe' --max 3", "\"$(1)\"\n& 'C:\\ssm-enforce.exe' --max 3", true},
        {"echo \"a;b\"; & 'C:\\ssm-enforce.exe' --max 3", "echo \"a;b\"", false},
        {PS "\n$p = 'C:\\ssm-enforce.exe'", "$p = 'C:\\ssm-enforce.exe'", true},
    };
    (void)state;
    check_found(PROFILE_WINDOWS, CASES, sizeof CASES / sizeof CASES[0], "D:\\limiter.exe");
}

/* More of it than is sensible: what is beyond stays, and is told of. */
static void test_found_many(void **state)
{
    (void)state;
    for (int shell = PROFILE_LINUX; shell <= PROFILE_WINDOWS; shell++) {
        struct buf text = {0};
        struct err err;
        struct profile_found found;
        for (int i = 0; i < PROFILE_FOUND_MAX + 2; i++)
            buf_add_text(&text, "ssm-enforce --max 3\ncd --x\n");
        assert_true(
            profile_find((enum profile_shell)shell, text.data, text.len, "/ends/in/a/slash/", &found, &err));
        assert_int_equal(found.count, PROFILE_FOUND_MAX);
        assert_true(found.mentioned);
        buf_reset(&text);
        for (int i = 0; i < 65; i++)
            buf_add_text(&text, "a --x;");
        buf_add_text(&text, "ssm-enforce --max 3");
        assert_true(profile_find((enum profile_shell)shell, text.data, text.len, NULL, &found, &err));
        assert_int_equal(found.count, 0);
        assert_true(found.mentioned);
        assert_true(profile_find((enum profile_shell)shell, "ssm-enforce --max \0", 19, NULL, &found, &err));
        assert_int_equal(found.count, 0);
        buf_free(&text);
    }
}

/* Whatever profile_line makes is found, whole. */
static void test_found_random(void **state)
{
    struct profile_settings settings = plain();
    char pattern[40];
    struct plan_rule rule = {pattern, 2};
    (void)state;
    settings.rules = &rule;
    settings.rule_count = 1;
    chance_state = 13;
    for (int i = 0; i < 10000; i++) {
        struct buf line = {0};
        struct err err;
        struct profile_found found;
        random_pattern(pattern, sizeof pattern);
        settings.deny = chance(2);
        settings.sudo = chance(2);
        settings.linux_path = chance(2) ? "/opt/{{a}} 'b'/run it" : "/opt/ssm-enforce";
        settings.windows_path = chance(2) ? "C:\\{{a}} \xe2\x80\x98'b\\run it" : "C:\\x\\ssm-enforce.exe";
        enum profile_shell shell = i % 2 ? PROFILE_LINUX : PROFILE_WINDOWS;
        if (profile_line(shell, &settings, &line, &err)) {
            assert_true(profile_find(shell, line.data, line.len,
                                     shell == PROFILE_LINUX ? settings.linux_path : settings.windows_path,
                                     &found, &err));
            assert_int_equal(found.count, 1);
            assert_int_equal(found.ranges[0].start, 0);
            assert_int_equal(found.ranges[0].end, line.len);
            assert_false(found.mentioned);
        }
        buf_free(&line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linux_line),        cmocka_unit_test(test_windows_line),
        cmocka_unit_test(test_all_options),       cmocka_unit_test(test_log),
        cmocka_unit_test(test_refusals),          cmocka_unit_test(test_length),
        cmocka_unit_test(test_real_shells),       cmocka_unit_test(test_powershell_table),
        cmocka_unit_test(test_powershell_random), cmocka_unit_test(test_found_linux),
        cmocka_unit_test(test_found_windows),     cmocka_unit_test(test_found_many),
        cmocka_unit_test(test_odd_values),        cmocka_unit_test(test_found_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
