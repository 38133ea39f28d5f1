#include "cmd/command.h"

int command_status(const struct err *err)
{
    switch (err->code) {
    case ERR_NONE:
        return EXIT_HOLDS;
    case ERR_USAGE:
    case ERR_CONFIG:
        return EXIT_BAD_USAGE;
    default:
        return EXIT_FAILED;
    }
}

struct aws_io command_io(const struct command *command)
{
    return (struct aws_io){.http = command->http,
                           .clock = command->clock,
                           .env = command->env,
                           .trace = &command->console->trace,
                           .timeout_ms = command->options->timeout_s * 1000,
                           .deadline_ms = command->console->start_ms + command->options->timeout_s * 1000};
}

struct run_options command_run_options(const struct options *options)
{
    return (struct run_options){.context = {.session_id = options->session_id,
                                            .instance_id = options->instance_id,
                                            .region = options->region,
                                            .profile = options->profile,
                                            .use_ancestry = true},
                                .endpoint_url = options->endpoint_url};
}

struct plan_rules command_rules(const struct options *options, const char *target)
{
    return (struct plan_rules){.max = options->max ? (int32_t)options->max : LIMIT_UNLIMITED,
                               .rules = options->rules,
                               .rule_count = options->rule_count,
                               .per = (enum plan_per)options->per,
                               .order = (enum plan_order)options->terminate,
                               .target = target};
}
