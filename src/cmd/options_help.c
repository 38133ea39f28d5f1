#include <string.h>

#include "cmd/options.h"

enum { OPTION_COLUMN = 30 };

static void drop_blanks(struct buf *out)
{
    while (out->len && out->data[out->len - 1] == ' ')
        out->data[--out->len] = '\0';
}

/* Appends text from `column` on, broken at blanks to `width` columns; a line end stays one. */
static void wrap(struct buf *out, const char *text, size_t column, size_t indent, size_t width)
{
    while (*text) {
        size_t len = strcspn(text, " \n");
        if (column > indent && column + len > width) {
            drop_blanks(out);
            buf_add_char(out, '\n');
            buf_add_repeat(out, ' ', indent);
            column = indent;
        }
        buf_add(out, text, len);
        column += len;
        text += len;
        if (*text == '\n') {
            buf_add_char(out, '\n');
            buf_add_repeat(out, ' ', indent);
            column = indent;
            text++;
        } else if (*text == ' ') {
            buf_add_char(out, ' ');
            column++;
            text++;
        }
    }
    drop_blanks(out);
    buf_add_char(out, '\n');
}

static void add_option(struct buf *out, const struct option *option, size_t width)
{
    size_t before = out->len;
    if (option->letter)
        buf_addf(out, "  -%c, ", option->letter);
    else
        buf_add_text(out, "      ");
    buf_addf(out, "--%s", option->name);
    if (option->argument)
        buf_addf(out, " %s", option->argument);
    size_t column = out->len - before;
    if (column + 2 > OPTION_COLUMN) {
        buf_add_char(out, '\n');
        column = 0;
    }
    buf_add_repeat(out, ' ', OPTION_COLUMN - column);
    wrap(out, option->help, OPTION_COLUMN, OPTION_COLUMN, width);
}

static void add_commands(struct buf *out, size_t width)
{
    buf_add_text(
        out, "Limits concurrent AWS Systems Manager Session Manager sessions (NIST SP 800-53 AC-10).\n\n");
    for (int id = 0; id < COMMAND_COUNT; id++) {
        const struct command_text *command = options_command((enum command_id)id);
        size_t before = out->len;
        buf_addf(out, "  ssm-enforce %s", command->name);
        size_t column = out->len - before;
        buf_add_repeat(out, ' ', OPTION_COLUMN - column);
        wrap(out, command->summary, OPTION_COLUMN, OPTION_COLUMN, width);
    }
    buf_add_text(out, "\n'ssm-enforce help COMMAND' shows a command's options, 'ssm-enforce help licenses'\n"
                      "the licences of the program and of all that is linked into it.\n\n");
}

void options_help(struct buf *out, enum command_id command, size_t width)
{
    if (width > 100)
        width = 100;
    if (width < OPTION_COLUMN + 30)
        width = OPTION_COLUMN + 30;
    if (command == COMMAND_HELP) {
        add_commands(out, width);
        command = COMMAND_ENFORCE;
    }
    const struct command_text *text = options_command(command);
    if (command == COMMAND_ENFORCE)
        buf_addf(out, "Usage: ssm-enforce %s\n       ssm-enforce enforce %s\n\n", text->synopsis,
                 text->synopsis);
    else
        buf_addf(out, "Usage: ssm-enforce %s %s\n\n", text->name, text->synopsis);
    wrap(out, text->summary, 0, 0, width);
    buf_add_text(out, "\nOptions:\n");
    size_t count;
    const struct option *table = options_table(&count);
    for (size_t i = 0; i < count; i++)
        if (table[i].commands & 1U << (unsigned)command)
            add_option(out, &table[i], width);
    if (text->details) {
        buf_add_char(out, '\n');
        wrap(out, text->details, 0, 0, width);
    }
}
