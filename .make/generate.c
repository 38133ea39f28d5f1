/*
 * generate.c - what is written from the option table and from profiles/ at build time. Runs where it is
 * built.
 *
 *   generate man TEMPLATE DATE            the man page: TEMPLATE with the lines @COMMANDS@ and @OPTIONS@
 * filled in generate bash|zsh|fish|powershell     completions generate profile linux|windows allow|deny the
 * profile line, with the words below where its values go
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/version.h"
#include "cmd/options.h"
#include "core/profile.h"

/* ---- the table ---- */

static const char *command_name(int id)
{
    return options_command((enum command_id)id)->name;
}

static bool takes(const struct option *option, int command)
{
    return option->commands & 1U << (unsigned)command;
}

static bool is_repeatable(const struct option *option)
{
    return option->kind == OPTION_LIST || option->kind == OPTION_RULE || option->kind == OPTION_EXEMPT;
}

/* True if one of the alternatives of an option's argument ("syslog|none|FILE") is `word`. */
static bool argument_is(const struct option *option, const char *word)
{
    for (const char *at = option->argument; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (strcspn(at, "|") == strlen(word) && strncmp(at, word, strlen(word)) == 0)
            return true;
    return false;
}

/* The alternatives that are typed as they stand: "owner role all"; empty where there are none. */
static void argument_words(const struct option *option, struct buf *out)
{
    if (!option->argument || !strchr(option->argument, '|'))
        return;
    for (const char *at = option->argument; *at;) {
        size_t len = strcspn(at, "|");
        if (islower((unsigned char)*at)) {
            if (out->len)
                buf_add_char(out, ' ');
            buf_add(out, at, len);
        }
        at += len + (at[len] == '|');
    }
}

enum { ANY_COMMAND = -1 };

/* Calls `print` for each option that `command` takes, with the words of its argument. */
static void each_option(int command, void (*print)(const struct option *option, const char *words))
{
    size_t count;
    const struct option *table = options_table(&count);
    for (size_t i = 0; i < count; i++) {
        struct buf words = {0};
        if (command != ANY_COMMAND && !takes(&table[i], command))
            continue;
        argument_words(&table[i], &words);
        print(&table[i], words.len ? words.data : "");
        buf_free(&words);
    }
}

/* Prints text with each character of `special` behind (or as) what `escape` says: "\\" or, doubled, NULL. */
static void print_escaped(const char *text, const char *special, const char *escape)
{
    for (; *text; text++) {
        if (strchr(special, *text)) {
            if (escape)
                fputs(escape, stdout);
            else
                putchar(*text);
        }
        putchar(*text);
    }
}

static void print_commands_of(const struct option *option, const char *separator)
{
    const char *before = "";
    for (int id = 0; id < COMMAND_COUNT; id++)
        if (takes(option, id)) {
            printf("%s%s", before, command_name(id));
            before = separator;
        }
}

/* ---- man page ---- */

static void print_roff(const char *text)
{
    for (bool first = true; *text; text++) {
        if (first && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        first = *text == '\n';
        if (first)
            fputs("\n.PP\n", stdout);
        else if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-' || *text == '\'')
            fputs(*text == '-' ? "\\-" : "\\(aq", stdout);
        else
            putchar(*text);
    }
}

static void man_option(const struct option *option, const char *words)
{
    (void)words;
    fputs(".TP\n", stdout);
    if (option->letter)
        printf("\\fB\\-%c\\fR, ", option->letter);
    fputs("\\fB\\-\\-", stdout);
    print_roff(option->name);
    fputs("\\fR", stdout);
    if (option->argument) {
        fputs(" \\fI", stdout);
        print_roff(option->argument);
        fputs("\\fR", stdout);
    }
    putchar('\n');
    print_roff(option->help);
    fputs("\n.br\nOf: ", stdout);
    print_commands_of(option, ", ");
    fputs(".\n", stdout);
}

static void man_commands(void)
{
    for (int id = 0; id < COMMAND_COUNT; id++) {
        const struct command_text *text = options_command((enum command_id)id);
        printf(".TP\n\\fBssm\\-enforce %s\\fR ", text->name);
        print_roff(text->synopsis);
        putchar('\n');
        print_roff(text->summary);
        fputs(".\n", stdout);
    }
}

static bool man(const char *template, const char *date)
{
    FILE *file = fopen(template, "r");
    char line[1024];
    if (!file) {
        perror(template);
        return false;
    }
    printf(".\\\" Generated from the option table. Do not edit.\n"
           ".TH SSM\\-ENFORCE 1 \"%s\" \"ssm\\-enforce %s\" \"User Commands\"\n",
           date, SSM_ENFORCE_VERSION);
    while (fgets(line, sizeof line, file)) {
        if (strcmp(line, "@COMMANDS@\n") == 0)
            man_commands();
        else if (strcmp(line, "@OPTIONS@\n") == 0)
            each_option(ANY_COMMAND, man_option);
        else
            fputs(line, stdout);
    }
    return fclose(file) == 0;
}

/* ---- bash ---- */

static void bash_argument(const struct option *option, const char *words)
{
    if (!option->argument)
        return;
    printf("    --%s)", option->name);
    if (argument_is(option, "FILE"))
        fputs(" files=-f", stdout);
    else if (argument_is(option, "DIR"))
        fputs(" files=-d", stdout);
    if (*words)
        printf(" words='%s'", words);
    fputs(" ;;\n", stdout);
}

static void bash_valued(const struct option *option, const char *words)
{
    (void)words;
    if (option->argument)
        printf(" --%s", option->name);
}

static void list_option(const struct option *option, const char *words)
{
    (void)words;
    printf(" --%s", option->name);
}

static void bash(void)
{
    fputs("# bash completion for ssm-enforce. Generated from the option table. Do not edit.\n\n"
          "_ssm_enforce() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    local command='' word skip='' words='' files=''\n"
          "    local valued='",
          stdout);
    each_option(ANY_COMMAND, bash_valued);
    fputs(" '\n"
          "    COMPREPLY=()\n"
          "    # --option=value comes as three words.\n"
          "    if [[ $cur == = ]]; then\n"
          "        cur=''\n"
          "    elif [[ $previous == = ]]; then\n"
          "        previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    fi\n"
          "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
          "        if [[ $word == = ]]; then\n"
          "            skip=1\n"
          "        elif [[ $skip ]]; then\n"
          "            skip=''\n"
          "        elif [[ $word == -* ]]; then\n"
          "            [[ $valued != *\" $word \"* ]] || skip=1\n"
          "        elif [[ ! $command ]]; then\n"
          "            command=$word\n"
          "        fi\n"
          "    done\n"
          "    case $previous in\n",
          stdout);
    each_option(ANY_COMMAND, bash_argument);
    fputs("    *)\n"
          "        case $command in\n"
          "        '') words='",
          stdout);
    for (int id = 0; id < COMMAND_COUNT; id++)
        printf("%s ", command_name(id));
    each_option(COMMAND_ENFORCE, list_option);
    fputs("' ;;\n", stdout);
    for (int id = 0; id < COMMAND_COUNT; id++) {
        printf("        %s) words='", command_name(id));
        if (id == COMMAND_HELP) {
            for (int topic = 0; topic < COMMAND_COUNT; topic++)
                printf("%s ", command_name(topic));
            fputs("licenses", stdout);
        }
        each_option(id, list_option);
        fputs("' ;;\n", stdout);
    }
    fputs("        esac\n"
          "        ;;\n"
          "    esac\n"
          "    if [[ $files ]]; then\n"
          "        compopt -o filenames 2>/dev/null\n"
          "        mapfile -t COMPREPLY < <(compgen \"$files\" -W \"$words\" -- \"$cur\")\n"
          "    else\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
          "    fi\n"
          "}\n"
          "complete -F _ssm_enforce ssm-enforce\n",
          stdout);
}

/* ---- zsh ---- */

/* In single quotes; a colon and brackets mean something to _arguments and _describe. */
static void print_zsh(const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\'", stdout);
        else if (strchr(":[]\\", *text))
            putchar('\\');
        putchar(*text);
    }
}

static void zsh_option(const struct option *option, const char *words)
{
    fputs("        ", stdout);
    if (option->letter)
        printf("'(-%c --%s)'{-%c,--%s}'", option->letter, option->name, option->letter, option->name);
    else
        printf("'%s--%s%s", is_repeatable(option) ? "*" : "", option->name, option->argument ? "=" : "");
    putchar('[');
    print_zsh(option->help);
    putchar(']');
    if (option->argument) {
        putchar(':');
        print_zsh(option->argument);
        putchar(':');
        if (*words && argument_is(option, "FILE"))
            printf("{_alternative \"words\\:word\\:(%s)\" \"files\\:file\\:_files\"}", words);
        else if (*words)
            printf("(%s)", words);
        else if (argument_is(option, "FILE") || argument_is(option, "DIR"))
            fputs(argument_is(option, "FILE") ? "_files" : "_files -/", stdout);
        else
            putchar(' ');
    }
    fputs("'\n", stdout);
}

static void zsh(void)
{
    fputs("#compdef ssm-enforce\n# Generated from the option table. Do not edit.\n\n"
          "local -a commands options\nlocal command=enforce word\ncommands=(\n",
          stdout);
    for (int id = 0; id < COMMAND_COUNT; id++) {
        printf("    '%s:", command_name(id));
        print_zsh(options_command((enum command_id)id)->summary);
        fputs("'\n", stdout);
    }
    fputs(")\nfor word in ${words[2,CURRENT-1]}; do\n"
          "    if (( ${commands[(I)$word:*]} )); then\n"
          "        command=$word\n        break\n    fi\ndone\n"
          "case $command in\n",
          stdout);
    for (int id = 0; id < COMMAND_COUNT; id++) {
        printf("%s)\n    options=(\n", command_name(id));
        each_option(id, zsh_option);
        if (id == COMMAND_HELP) {
            fputs("        '2:topic:(", stdout);
            for (int topic = 0; topic < COMMAND_COUNT; topic++)
                printf("%s ", command_name(topic));
            fputs("licenses)'\n", stdout);
        }
        fputs("    )\n    ;;\n", stdout);
    }
    fputs("esac\n_arguments -s $options '1:command:{_describe command commands}'\n", stdout);
}

/* ---- fish ---- */

static void fish_option(const struct option *option, const char *words)
{
    fputs("complete -c ssm-enforce -n '__ssm_enforce_in ", stdout);
    print_commands_of(option, " ");
    printf("' -l %s", option->name);
    if (option->letter)
        printf(" -s %c", option->letter);
    if (option->argument) {
        fputs(argument_is(option, "FILE") ? " -r -F" : " -x", stdout);
        if (argument_is(option, "DIR"))
            fputs(" -a '(__fish_complete_directories)'", stdout);
        else if (*words)
            printf(" -a '%s'", words);
    }
    fputs(" -d '", stdout);
    print_escaped(option->help, "'\\", "\\");
    fputs("'\n", stdout);
}

static void fish(void)
{
    fputs("# fish completion for ssm-enforce. Generated from the option table. Do not edit.\n\n"
          "# The command on the line, 'enforce' where there is none.\n"
          "function __ssm_enforce_command\n"
          "    for word in (commandline -opc)[2..-1]\n"
          "        if contains -- $word",
          stdout);
    for (int id = 0; id < COMMAND_COUNT; id++)
        printf(" %s", command_name(id));
    fputs("\n            echo $word\n            return 0\n        end\n    end\n    echo enforce\n    "
          "return 1\nend\n"
          "function __ssm_enforce_in\n    contains -- (__ssm_enforce_command) $argv\nend\n\n"
          "complete -c ssm-enforce -f\n",
          stdout);
    for (int id = 0; id < COMMAND_COUNT; id++) {
        printf("complete -c ssm-enforce -n 'not __ssm_enforce_command >/dev/null' -a %s -d '",
               command_name(id));
        print_escaped(options_command((enum command_id)id)->summary, "'\\", "\\");
        fputs("'\n", stdout);
    }
    fputs("complete -c ssm-enforce -n '__ssm_enforce_in help' -a '", stdout);
    for (int id = 0; id < COMMAND_COUNT; id++)
        printf("%s ", command_name(id));
    fputs("licenses'\n", stdout);
    each_option(ANY_COMMAND, fish_option);
}

/* ---- PowerShell ---- */

static void powershell_option(const struct option *option, const char *words)
{
    const char *takes_what = argument_is(option, "FILE") || argument_is(option, "DIR") ? "file" : "value";
    printf("        @('--%s', '", option->name);
    print_commands_of(option, " ");
    printf("', '%s', '%s', '", option->argument ? takes_what : "", words);
    print_escaped(option->help, "'", NULL);
    fputs("')\n", stdout);
}

static void powershell(void)
{
    fputs(
        "# PowerShell completion for ssm-enforce: dot-source it from your profile.\n"
        "# Generated from the option table. Do not edit.\n"
        "Register-ArgumentCompleter -Native -CommandName @('ssm-enforce', 'ssm-enforce.exe') -ScriptBlock {\n"
        "    param($word, $ast, $cursor)\n    $commands = @(\n",
        stdout);
    for (int id = 0; id < COMMAND_COUNT; id++) {
        printf("        ,@('%s', '", command_name(id));
        print_escaped(options_command((enum command_id)id)->summary, "'", NULL);
        fputs("')\n", stdout);
    }
    fputs("    )\n    # name, commands, what it takes, words, help\n    $options = @(\n", stdout);
    each_option(ANY_COMMAND, powershell_option);
    fputs("    )\n"
          "    $command = ''\n    $before = ''\n"
          "    foreach ($element in $ast.CommandElements | Select-Object -Skip 1) {\n"
          "        if ($element.Extent.EndOffset -ge $cursor -and $word) { break }\n"
          "        $before = $element.Extent.Text\n"
          "        if (-not $command -and ($commands | Where-Object { $_[0] -ceq $before })) { $command = "
          "$before }\n"
          "    }\n"
          "    $option = $options | Where-Object { $_[0] -ceq $before -and $_[2] } | Select-Object -First 1\n"
          "    $found = @()\n"
          "    if ($option) {\n"
          "        if ($option[3]) { $found = $option[3].Split(' ') | ForEach-Object { ,@($_, $_) } }\n"
          "        elseif ($option[2] -eq 'file') { return }\n"
          "    } elseif ($command -ceq 'help') {\n"
          "        $found = @($commands) + ,@('licenses', 'the licences')\n"
          "    } else {\n"
          "        if (-not $command) { $found += $commands }\n"
          "        $of = if ($command) { $command } else { 'enforce' }\n"
          "        $found += $options | Where-Object { $_[1].Split(' ') -ccontains $of } | "
          "ForEach-Object { ,@($_[0], $_[4]) }\n"
          "    }\n"
          "    $found | Where-Object { $_[0].StartsWith($word, 'Ordinal') } | ForEach-Object {\n"
          "        [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', "
          "$_[1])\n"
          "    }\n"
          "}\n",
          stdout);
}

/* ---- profile lines ---- */

static bool profile(const char *shell, const char *failure)
{
    struct profile_settings settings = {.max = 77777,
                                        .region = "REGION",
                                        .linux_path = "/LINUX/PATH",
                                        .windows_path = "W:\\WINDOWS\\PATH",
                                        .deny = strcmp(failure, "deny") == 0};
    struct buf line = {0};
    struct err err = {0};
    bool ok =
        profile_line(strcmp(shell, "windows") == 0 ? PROFILE_WINDOWS : PROFILE_LINUX, &settings, &line, &err);
    if (ok)
        printf("%s\n", line.data);
    else
        fprintf(stderr, "generate: %s\n", err.message);
    buf_free(&line);
    return ok;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    bool ok = true;
    if (strcmp(what, "man") == 0 && argc == 4)
        ok = man(argv[2], argv[3]);
    else if (strcmp(what, "profile") == 0 && argc == 4)
        ok = profile(argv[2], argv[3]);
    else if (strcmp(what, "bash") == 0)
        bash();
    else if (strcmp(what, "zsh") == 0)
        zsh();
    else if (strcmp(what, "fish") == 0)
        fish();
    else if (strcmp(what, "powershell") == 0)
        powershell();
    else {
        fprintf(
            stderr,
            "usage: generate man TEMPLATE DATE | bash | zsh | fish | powershell | profile SHELL FAILURE\n");
        return 2;
    }
    return ok && fflush(stdout) == 0 ? 0 : 1;
}
