/* main.c - from the command line to a command and its exit status. */
#include "base/version.h"
#include "cmd/command.h"
#include "platform/platform.h"

struct subcommand {
    int (*run)(const struct command *command);
    bool needs_network;
    bool outlives_signals; /* the session user's keys do not stop it */
};

static const struct subcommand subcommands[COMMAND_COUNT] = {
    [COMMAND_ENFORCE] = {cmd_enforce, true, true},    [COMMAND_LIST] = {cmd_list, true, false},
    [COMMAND_DOCTOR] = {cmd_doctor, true, false},     [COMMAND_DEPLOY] = {cmd_deploy, true, false},
    [COMMAND_UNDEPLOY] = {cmd_undeploy, true, false}, [COMMAND_ROLLBACK] = {cmd_rollback, true, false},
    [COMMAND_HELP] = {cmd_help, false, false},        [COMMAND_VERSION] = {cmd_version, false, false},
};

/* --ca-bundle, else AWS_CA_BUNDLE, as in the AWS command line. */
static bool open_network(const struct command *command, struct http *http, struct err *err)
{
    struct http_config config = {.ca_bundle = command->options->ca_bundle,
                                 .user_agent = "ssm-enforce/" SSM_ENFORCE_VERSION,
                                 .env = command->env,
                                 .clock = command->clock,
                                 .trace = &command->console->trace};
    if (!config.ca_bundle)
        config.ca_bundle = env_get(command->env, "AWS_CA_BUNDLE");
    return http_open(http, &config, err);
}

static int run(const struct options *options)
{
    const struct subcommand *subcommand = &subcommands[options->command];
    struct clock clock;
    struct env env;
    struct http http = {0};
    struct console console;
    struct err err = {0};
    if (subcommand->outlives_signals)
        platform_ignore_signals();
    platform_clock(&clock);
    platform_env(&env);
    console_open(&console, options->quiet, options->verbose, &env, &clock);
    struct command command = {
        .options = options, .http = &http, .clock = &clock, .env = &env, .console = &console};
    if (subcommand->needs_network && !open_network(&command, &http, &err)) {
        console_error(&err);
        return command_status(&err);
    }
    int status = subcommand->run(&command);
    if (subcommand->needs_network)
        http_close(&http);
    return status;
}

int main(int argc, char **argv)
{
    struct options options;
    struct err err = {0};
    int status;
    platform_start(&argc, &argv);
    if (options_parse(argc, argv, &options, &err)) {
        status = run(&options);
    } else {
        console_error(&err);
        status = command_status(&err);
    }
    options_free(&options);
    return status;
}
