/* help.c - help and version: nothing is called, nothing is read. */
#include <string.h>

#include "base/version.h"
#include "cmd/command.h"
#include "platform/platform.h"

int cmd_help(const struct command *command)
{
    enum command_id topic = COMMAND_HELP;
    for (int id = 0; command->options->topic && id < COMMAND_COUNT; id++)
        if (strcmp(command->options->topic, options_command((enum command_id)id)->name) == 0)
            topic = (enum command_id)id;
    struct buf text = {0};
    options_help(&text, topic, (size_t)platform_terminal_width(PLATFORM_STDOUT));
    console_write(&text);
    buf_free(&text);
    return EXIT_HOLDS;
}

int cmd_version(const struct command *command)
{
    (void)command;
    struct buf text = {0};
    buf_add_text(&text, "ssm-enforce " SSM_ENFORCE_VERSION "\n");
    console_write(&text);
    buf_free(&text);
    return EXIT_HOLDS;
}
