/* Any bytes as a command line, one argument a line: what is taken is in its range, what is refused is a usage
 * error, and the arguments stay as they are. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_MAX = 100 };

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct options *options, const char *text, size_t size)
{
    expect((int)options->command >= 0 && options->command < COMMAND_COUNT);
    expect(options->max >= 0 && options->max <= LIMIT_MAX);
    expect(options->command != COMMAND_ENFORCE || options->max > 0);
    expect(options->per >= PER_OWNER && options->per <= PER_ALL);
    expect(options->terminate == TERMINATE_OLDEST || options->terminate == TERMINATE_NEWEST);
    expect(options->output == OUTPUT_TEXT || options->output == OUTPUT_JSON);
    expect(options->on_failure == FAILURE_ALLOW || options->on_failure == FAILURE_DENY);
    expect(options->grace_s >= 2 && options->timeout_s > 0);
    for (size_t i = 0; i < options->rule_count; i++) {
        expect(options->rules[i].limit >= LIMIT_UNLIMITED && options->rules[i].limit <= LIMIT_MAX);
        expect(strlen(options->rules[i].pattern) < size);
    }
    for (size_t i = 0; i < options->attach_roles.count; i++)
        expect(options->attach_roles.items[i] >= text && options->attach_roles.items[i] <= text + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char name[] = "ssm-enforce";
    char *words[WORDS_MAX + 2] = {name}, *text = malloc(size + 1), *before = malloc(size + 1);
    int count = 1;
    struct options options;
    struct err err = {0};
    if (!text || !before)
        abort();
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    for (char *word = text; word && count <= WORDS_MAX; count++) {
        char *end = strchr(word, '\n');
        words[count] = word;
        if (end)
            *end = '\0';
        word = end ? end + 1 : NULL;
    }
    memcpy(before, text, size + 1);
    if (options_parse(count, words, &options, &err))
        check(&options, text, size);
    else
        expect(err.code == ERR_USAGE && err.message[0]);
    options_free(&options);
    expect(memcmp(before, text, size + 1) == 0);
    free(before);
    free(text);
    return 0;
}
