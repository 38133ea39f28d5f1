#include "cmd/options.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/text.h"

static void *field(struct options *options, const struct option *option)
{
    return (char *)options + option->offset;
}

/* The option as it is typed: "--max". */
static const struct option *find(const char *name, size_t len)
{
    size_t count;
    const struct option *table = options_table(&count);
    for (size_t i = 0; i < count; i++)
        if (strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
            return &table[i];
    return NULL;
}

static const struct option *find_letter(char letter)
{
    size_t count;
    const struct option *table = options_table(&count);
    for (size_t i = 0; i < count; i++)
        if (table[i].letter && table[i].letter == letter)
            return &table[i];
    return NULL;
}

/* Takes the pattern over; frees it where memory is out. */
static bool add_rule(struct options *out, char *pattern, int64_t limit, struct err *err)
{
    struct plan_rule *rules = pattern ? realloc(out->rules, (out->rule_count + 1) * sizeof *rules) : NULL;
    if (!rules) {
        free(pattern);
        return err_nomem(err);
    }
    out->rules = rules;
    rules[out->rule_count++] = (struct plan_rule){.pattern = pattern, .limit = (int32_t)limit};
    return true;
}

/* PATTERN=N: a pattern may hold '=', a limit can't. */
static bool set_rule(struct options *out, const struct option *option, const char *value, struct err *err)
{
    const char *equals = strrchr(value, '=');
    int64_t limit = LIMIT_UNLIMITED;
    if (!equals || equals == value ||
        (strcmp(equals + 1, "unlimited") != 0 && !text_number(equals + 1, option->min, option->max, &limit)))
        return err_set(err, ERR_USAGE,
                       "--%s takes PATTERN=N, with N from %lld to %lld or 'unlimited', not '%s'",
                       option->name, (long long)option->min, (long long)option->max, value);
    struct buf pattern = {0};
    buf_add(&pattern, value, (size_t)(equals - value));
    return add_rule(out, buf_take(&pattern), limit, err);
}

static bool set_exempt(struct options *out, const struct option *option, const char *value, struct err *err)
{
    if (!*value)
        return err_set(err, ERR_USAGE, "--%s takes a pattern over the owner's ARN", option->name);
    return add_rule(out, text_dup(value), LIMIT_UNLIMITED, err);
}

static bool set_choice(struct options *out, const struct option *option, const char *value, struct err *err)
{
    const char *at = option->choices;
    for (int index = 0;; index++) {
        size_t len = strcspn(at, "|");
        if (strlen(value) == len && memcmp(at, value, len) == 0) {
            *(int *)field(out, option) = index;
            return true;
        }
        if (!at[len])
            break;
        at += len + 1;
    }
    return err_set(err, ERR_USAGE, "--%s takes %s, not '%s'", option->name, option->choices, value);
}

static bool add_to_list(struct text_list *list, const char *value, struct err *err)
{
    const char **items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (!items)
        return err_nomem(err);
    list->items = items;
    items[list->count++] = value;
    return true;
}

static bool set_value(struct options *out, const struct option *option, const char *value, struct err *err)
{
    switch (option->kind) {
    case OPTION_NUMBER:
        if (text_number(value, option->min, option->max, field(out, option)))
            return true;
        return err_set(err, ERR_USAGE, "--%s takes a whole number from %lld to %lld, not '%s'", option->name,
                       (long long)option->min, (long long)option->max, value);
    case OPTION_CHOICE:
        return set_choice(out, option, value, err);
    case OPTION_RULE:
        return set_rule(out, option, value, err);
    case OPTION_EXEMPT:
        return set_exempt(out, option, value, err);
    case OPTION_TEXT:
    case OPTION_LIST:
        if (!*value)
            return err_set(err, ERR_USAGE, "--%s takes %s, not nothing", option->name, option->argument);
        if (option->kind == OPTION_LIST)
            return add_to_list(field(out, option), value, err);
        *(const char **)field(out, option) = value;
        return true;
    case OPTION_FLAG:
    case OPTION_HELP:
    case OPTION_VERSION:
        break;
    }
    return true;
}

/* What parsing has to remember until the command is known. */
struct parser {
    struct options *out;
    int argc;
    char **argv;
    int at;        /* next argument */
    uint64_t seen; /* a bit for each option of the table */
    bool has_command;
    bool wants_help;
    bool wants_version;
};

/* The table has less than 64 rows. */
static void see(struct parser *parser, const struct option *option)
{
    size_t count;
    parser->seen |= UINT64_C(1) << (size_t)(option - options_table(&count));
}

static void set_flag(struct parser *parser, const struct option *option)
{
    if (option->kind == OPTION_HELP)
        parser->wants_help = true;
    else if (option->kind == OPTION_VERSION)
        parser->wants_version = true;
    else
        *(bool *)field(parser->out, option) = true;
}

/* --name, --name=value, --name value */
static bool parse_long(struct parser *parser, const char *argument, struct err *err)
{
    const char *name = argument + 2;
    size_t len = strcspn(name, "=");
    const struct option *option = find(name, len);
    if (!option)
        return err_set(err, ERR_USAGE, "unknown option '%.*s': 'ssm-enforce help' lists the options",
                       (int)(len > 64 ? 64 : len) + 2, argument);
    see(parser, option);
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    if (!option->argument) {
        if (value)
            return err_set(err, ERR_USAGE, "--%s takes no value", option->name);
        set_flag(parser, option);
        return true;
    }
    if (!value && parser->at < parser->argc)
        value = parser->argv[parser->at++];
    if (!value)
        return err_set(err, ERR_USAGE, "--%s needs a value: %s", option->name, option->argument);
    return set_value(parser->out, option, value, err);
}

/* -q, -v, -qv: only flags have letters. */
static bool parse_letters(struct parser *parser, const char *argument, struct err *err)
{
    for (const char *letter = argument + 1; *letter; letter++) {
        const struct option *option = find_letter(*letter);
        if (!option)
            return err_set(err, ERR_USAGE, "unknown option '%.64s': 'ssm-enforce help' lists the options",
                           argument);
        see(parser, option);
        set_flag(parser, option);
    }
    return true;
}

static bool parse_word(struct parser *parser, const char *word, struct err *err)
{
    struct options *out = parser->out;
    if (parser->has_command && out->command == COMMAND_HELP && !out->topic) {
        out->topic = word;
        return true;
    }
    if (parser->has_command)
        return err_set(err, ERR_USAGE, "unexpected argument '%.64s'", word);
    for (int id = 0; id < COMMAND_COUNT; id++) {
        if (strcmp(word, options_command((enum command_id)id)->name) == 0) {
            out->command = (enum command_id)id;
            parser->has_command = true;
            return true;
        }
    }
    return err_set(err, ERR_USAGE,
                   "unknown command '%.64s': enforce, list, doctor, deploy, undeploy, rollback or help",
                   word);
}

/* What can be told only once the command is known. */
static bool check(const struct parser *parser, struct err *err)
{
    const struct options *out = parser->out;
    const char *command = options_command(out->command)->name;
    size_t count;
    const struct option *table = options_table(&count);
    for (size_t i = 0; i < count; i++)
        if (parser->seen >> i & 1 && !(table[i].commands & 1U << (unsigned)out->command))
            return err_set(err, ERR_USAGE,
                           "--%s does not go with '%s': 'ssm-enforce help %s' lists its options",
                           table[i].name, command, command);
    if ((out->command == COMMAND_ENFORCE || (out->command == COMMAND_DEPLOY && !out->skip_document)) &&
        !out->max)
        return err_set(
            err, ERR_USAGE,
            "--max N is missing: sessions that one group may hold, 1 to %d ('ssm-enforce help' tells more)",
            LIMIT_MAX);
    if (out->quiet && out->verbose)
        return err_set(err, ERR_USAGE, "--quiet and --verbose exclude each other");
    return true;
}

static void help_wanted(struct options *out, bool has_command)
{
    if (has_command && out->command != COMMAND_HELP)
        out->topic = options_command(out->command)->name;
    out->command = COMMAND_HELP;
}

static bool check_topic(const struct options *out, struct err *err)
{
    if (!out->topic || strcmp(out->topic, "licenses") == 0)
        return true;
    for (int id = 0; id < COMMAND_COUNT; id++)
        if (strcmp(out->topic, options_command((enum command_id)id)->name) == 0)
            return true;
    return err_set(err, ERR_USAGE, "no help on '%.64s': 'ssm-enforce help' lists the commands", out->topic);
}

bool options_parse(int argc, char **argv, struct options *out, struct err *err)
{
    struct parser parser = {.out = out, .argc = argc, .argv = argv, .at = 1};
    *out = (struct options){.command = COMMAND_ENFORCE,
                            .grace_s = 3,
                            .timeout_s = 10,
                            .linux_path = "/usr/local/bin/ssm-enforce",
                            .windows_path = "C:\\Program Files\\ssm-enforce\\ssm-enforce.exe",
                            .document_name = "SSM-SessionManagerRunShell",
                            .policy_name = "SSMConcurrentSessionsPolicy",
                            .backup_dir = "ssm-enforce-backup"};
    while (parser.at < argc) {
        const char *argument = argv[parser.at++];
        bool parsed;
        if (argument[0] == '-' && argument[1] == '-' && argument[2])
            parsed = parse_long(&parser, argument, err);
        else if (argument[0] == '-' && argument[1])
            parsed = parse_letters(&parser, argument, err);
        else
            parsed = parse_word(&parser, argument, err);
        if (!parsed)
            return false;
    }
    if (parser.wants_help)
        help_wanted(out, parser.has_command);
    else if (parser.wants_version)
        out->command = COMMAND_VERSION;
    if (out->command == COMMAND_HELP)
        return check_topic(out, err);
    return parser.wants_version || check(&parser, err);
}

void options_free(struct options *options)
{
    if (!options)
        return;
    for (size_t i = 0; i < options->rule_count; i++)
        free((void *)(uintptr_t)options->rules[i].pattern);
    free(options->rules);
    free(options->attach_roles.items);
    free(options->binaries.items);
    *options = (struct options){0};
}
