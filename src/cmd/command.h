/*
 * command.h - what a command is handed, and the commands. Each is a coordinator that reads as a handful of
 * calls, owns no process-wide state, says all that is to be said, and returns the exit status.
 */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include "cmd/console.h"
#include "cmd/options.h"
#include "net/http.h"
#include "protocol/run.h"

enum exit_status { EXIT_HOLDS = 0, EXIT_FAILED = 1, EXIT_BAD_USAGE = 2, EXIT_SELF_ENDED = 3 };

/* All borrowed. */
struct command {
    const struct options *options;
    const struct http *http;
    const struct clock *clock;
    const struct env *env;
    const struct console *console;
};

int cmd_enforce(const struct command *command);
int cmd_list(const struct command *command);
int cmd_doctor(const struct command *command);
int cmd_deploy(const struct command *command);
int cmd_undeploy(const struct command *command);
int cmd_rollback(const struct command *command);
int cmd_help(const struct command *command);
int cmd_version(const struct command *command);

/* The exit status that an error's code stands for. */
int command_status(const struct err *err);

/* What a command takes from its options. */
struct aws_io command_io(const struct command *command);
struct run_options command_run_options(const struct options *options);
struct plan_rules command_rules(const struct options *options, const char *target);

#endif
