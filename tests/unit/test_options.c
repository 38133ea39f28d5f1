/* The command line: every kind of option in every form, and what is said about a bad one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/options.h"

/* Parses a command line given as words after the program's name. */
#define PARSE(out, err, ...)                                                                                 \
    options_parse((int)(sizeof((const char *[]){"ssm-enforce", __VA_ARGS__}) / sizeof(char *)),              \
                  (char **)(uintptr_t)(const char *[]){"ssm-enforce", __VA_ARGS__, NULL}, out, err)

static void options_stand_before_or_after_the_command(void **state)
{
    (void)state;
    struct options out;
    struct err err = {0};
    assert_true(PARSE(&out, &err, "--max", "3", "list", "--output=json", "-v"));
    assert_int_equal(out.command, COMMAND_LIST);
    assert_int_equal(out.max, 3);
    assert_int_equal(out.output, OUTPUT_JSON);
    assert_true(out.verbose);
    options_free(&out);
    assert_true(PARSE(&out, &err, "--max=100000"));
    assert_int_equal(out.command, COMMAND_ENFORCE);
    assert_int_equal(out.max, 100000);
    assert_int_equal(out.grace_s, 3);
    assert_int_equal(out.timeout_s, 10);
    options_free(&out);
}

static void rules_keep_their_order(void **state)
{
    (void)state;
    struct options out;
    struct err err = {0};
    assert_true(PARSE(&out, &err, "--max", "3", "--max-for", "a=b=2", "--exempt", "*robot",
                      "--max-for=c=unlimited", "--max-for", "d=0"));
    assert_int_equal(out.rule_count, 4);
    assert_string_equal(out.rules[0].pattern, "a=b");
    assert_int_equal(out.rules[0].limit, 2);
    assert_string_equal(out.rules[1].pattern, "*robot");
    assert_int_equal(out.rules[1].limit, LIMIT_UNLIMITED);
    assert_int_equal(out.rules[2].limit, LIMIT_UNLIMITED);
    assert_int_equal(out.rules[3].limit, 0);
    options_free(&out);
}

static void lists_and_choices(void **state)
{
    (void)state;
    struct options out;
    struct err err = {0};
    assert_true(PARSE(&out, &err, "deploy", "--max", "3", "--attach-role", "web", "--attach-role=db",
                      "--on-failure", "deny", "--per", "role", "--terminate", "newest"));
    assert_int_equal(out.attach_roles.count, 2);
    assert_string_equal(out.attach_roles.items[1], "db");
    assert_int_equal(out.on_failure, FAILURE_DENY);
    assert_int_equal(out.per, PER_ROLE);
    assert_int_equal(out.terminate, TERMINATE_NEWEST);
    options_free(&out);
}

static void help_and_version_win(void **state)
{
    (void)state;
    struct options out;
    struct err err = {0};
    assert_true(PARSE(&out, &err, "deploy", "--help"));
    assert_int_equal(out.command, COMMAND_HELP);
    assert_string_equal(out.topic, "deploy");
    options_free(&out);
    assert_true(PARSE(&out, &err, "-h"));
    assert_null(out.topic);
    options_free(&out);
    assert_true(PARSE(&out, &err, "--version"));
    assert_int_equal(out.command, COMMAND_VERSION);
    options_free(&out);
    assert_false(PARSE(&out, &err, "help", "nothing"));
    options_free(&out);
}

static void a_bad_word_is_named_with_what_is_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *words[3];
        const char *says;
    } bad[] = {
        {{"--max", "0"}, "--max takes a whole number from 1 to 100000, not '0'"},
        {{"--max", "100001"}, "--max takes a whole number from 1 to 100000, not '100001'"},
        {{"--max", "+3"}, "not '+3'"},
        {{"--max="}, "not ''"},
        {{"--max"}, "--max needs a value: N"},
        {{"--max", "3", "--per=me"}, "--per takes owner|role|all, not 'me'"},
        {{"--max", "3", "--per=owner|role"}, "--per takes owner|role|all, not 'owner|role'"},
        {{"--max", "3", "--max-for==3"}, "--max-for takes PATTERN=N, with N from 0 to 100000 or 'unlimited'"},
        {{"--max", "3", "--max-for=a=-1"}, "not 'a=-1'"},
        {{"--max", "3", "--exempt="}, "--exempt takes a pattern"},
        {{"--max", "3", "--log="}, "--log takes syslog|eventlog|none|FILE, not nothing"},
        {{"--max", "3", "--confirm=1"}, "--confirm takes no value"},
        {{"--max", "3", "-x"}, "unknown option '-x'"},
        {{"--max", "3", "--"}, "unknown option '--'"},
        {{"--max", "3", "again"}, "unknown command 'again'"},
        {{"list", "list"}, "unexpected argument 'list'"},
        {{"list", "--grace=5"}, "--grace does not go with 'list'"},
        {{"enforce"}, "--max N is missing"},
        {{"deploy"}, "--max N is missing"},
        {{"--max=3", "-qv"}, "--quiet and --verbose exclude each other"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct options out;
        struct err err = {0};
        char *argv[5] = {(char *)(uintptr_t) "ssm-enforce"};
        int argc = 1;
        for (size_t w = 0; w < 3 && bad[i].words[w]; w++)
            argv[argc++] = (char *)(uintptr_t)bad[i].words[w];
        assert_false(options_parse(argc, argv, &out, &err));
        assert_int_equal(err.code, ERR_USAGE);
        if (!strstr(err.message, bad[i].says))
            fail_msg("'%s' does not say '%s'", err.message, bad[i].says);
        assert_null(strchr(err.message, '\n'));
        options_free(&out);
    }
}

static void help_names_every_option_and_fits_the_width(void **state)
{
    (void)state;
    for (int id = 0; id < COMMAND_COUNT; id++) {
        struct buf text = {0};
        options_help(&text, (enum command_id)id, 80);
        assert_false(text.failed);
        size_t count;
        const struct option *table = options_table(&count);
        for (size_t i = 0; i < count; i++) {
            char name[64];
            (void)snprintf(name, sizeof name, "--%s", table[i].name);
            if (table[i].commands & 1U << (unsigned)id && !strstr(text.data, name))
                fail_msg("the help of '%s' lacks %s", options_command((enum command_id)id)->name, name);
        }
        for (const char *line = text.data; *line; line += strcspn(line, "\n") + 1)
            if (strcspn(line, "\n") > 88)
                fail_msg("too wide: %.*s", (int)strcspn(line, "\n"), line);
        buf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_before_or_after_the_command),
        cmocka_unit_test(rules_keep_their_order),
        cmocka_unit_test(lists_and_choices),
        cmocka_unit_test(help_and_version_win),
        cmocka_unit_test(a_bad_word_is_named_with_what_is_allowed),
        cmocka_unit_test(help_names_every_option_and_fits_the_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
