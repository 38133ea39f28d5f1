/* list.c - the sessions of the instance and the verdict on each; terminates nothing. */
#include "aws/ssm.h"
#include "cmd/command.h"
#include "core/outcome.h"
#include "core/plan.h"
#include "core/report.h"

struct view {
    struct run run;
    struct session_list sessions;
    struct plan plan;
    struct outcomes outcomes;
    struct err err;
};

static bool look(struct view *view, const struct options *options, const struct run_options *run_options,
                 const struct aws_io *io)
{
    if (!run_open(&view->run, run_options, io, &view->err))
        return false;
    const char *instance_id = view->run.context.instance_id.value;
    if (!ssm_list_sessions(&view->run.ssm, instance_id, &view->sessions, NULL, &view->err))
        return false;
    session_list_sort(&view->sessions);
    struct plan_rules rules = command_rules(options, instance_id);
    return plan_make(&view->sessions, &rules, &view->plan, &view->err) &&
           outcomes_begin(&view->plan, &view->outcomes, &view->err);
}

static void show(const struct command *command, const struct report *report)
{
    struct buf text = {0};
    if (command->options->output == OUTPUT_JSON)
        report_json(&text, report);
    else if (!report->error)
        report_table(&text, report, &command->console->style);
    console_write(&text);
    buf_free(&text);
}

int cmd_list(const struct command *command)
{
    const struct options *options = command->options;
    struct view view = {0};
    struct aws_io io = command_io(command);
    struct run_options run_options = command_run_options(options);
    bool ok = look(&view, options, &run_options, &io);
    int status = command_status(&view.err);
    const char *self_id = view.run.context.session_id.value;
    struct report report = {.time_ms = clock_wall_ms(io.clock) + view.run.session.skew_ms,
                            .region = view.run.context.region.value,
                            .instance_id = view.run.context.instance_id.value,
                            .self_id = self_id,
                            .self_listed = self_id && session_list_find(&view.sessions, self_id),
                            .has_limit = options->max != 0 || options->rule_count != 0,
                            .notify_only = true,
                            .order = (enum plan_order)options->terminate,
                            .per = (enum plan_per)options->per,
                            .exit_code = status,
                            .sessions = &view.sessions,
                            .plan = &view.plan,
                            .outcomes = &view.outcomes,
                            .error = ok ? NULL : view.err.message};
    if (!ok)
        console_error(&view.err);
    if (status != EXIT_BAD_USAGE)
        show(command, &report);
    outcomes_free(&view.outcomes);
    plan_free(&view.plan);
    session_list_free(&view.sessions);
    run_close(&view.run);
    return status;
}
