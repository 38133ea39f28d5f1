/* help.c - help and version: nothing is called, nothing is read. */
#include <string.h>

#include "base/embedded.h"
#include "base/version.h"
#include "cmd/command.h"
#include "platform/platform.h"

static void add_topic(struct buf *out, const char *name)
{
    enum command_id topic = COMMAND_HELP;
    if (name && strcmp(name, "licenses") == 0) {
        buf_add_text(out, embedded_text("licenses.txt"));
        return;
    }
    for (int id = 0; name && id < COMMAND_COUNT; id++)
        if (strcmp(name, options_command((enum command_id)id)->name) == 0)
            topic = (enum command_id)id;
    options_help(out, topic, (size_t)platform_terminal_width(PLATFORM_STDOUT));
}

int cmd_help(const struct command *command)
{
    struct buf text = {0};
    add_topic(&text, command->options->topic);
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
