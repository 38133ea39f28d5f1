/* enforce.c - context, credentials, listing, plan, act, report: one session start, from end to end. */
#include <string.h>

#include "cmd/command.h"
#include "core/outcome.h"
#include "core/plan.h"
#include "core/report.h"
#include "platform/platform.h"
#include "protocol/act.h"
#include "protocol/listing.h"
#include "protocol/run.h"

enum { FILE_LINE_MAX = 1024 * 1024 /* of an audit record in a file */ };

struct enforcement {
    const struct command *command;
    struct aws_io io;
    struct run_options run_options;
    struct run run;
    struct listing listing;
    struct plan plan;
    struct outcomes outcomes;
    struct err err;
};

/* Finds out which sessions are over the limit. */
static bool decide(struct enforcement *e)
{
    const char *self_id, *instance_id;
    struct aws_client *ssm = &e->run.ssm;
    if (!run_open(&e->run, &e->run_options, &e->io, &e->err))
        return false;
    self_id = e->run.context.session_id.value;
    instance_id = e->run.context.instance_id.value;
    if (!listing_settle(ssm, instance_id, self_id, &e->listing, &e->err))
        return false;
    if (self_id && !e->listing.self_listed)
        trace_say(e->io.trace, "the own session %s did not appear in %u listings: acting on the last",
                  self_id, e->listing.passes);
    struct plan_rules rules = command_rules(e->command->options, instance_id);
    return plan_make(&e->listing.sessions, &rules, &e->plan, &e->err) &&
           outcomes_begin(&e->plan, &e->outcomes, &e->err);
}

/* Waits until what was terminated no longer counts, where --confirm asks for it. */
static void confirm(struct enforcement *e)
{
    if (e->command->options->confirm)
        (void)act_confirm(&e->run.ssm, e->run.context.instance_id.value, &e->listing.sessions, &e->outcomes,
                          &e->err);
}

/* Terminates all that is over the limit but the own session. */
static void act(struct enforcement *e)
{
    if (e->command->options->notify_only)
        return;
    if (act_on_others(&e->run.ssm, e->run.context.instance_id.value, &e->listing.sessions,
                      e->run.context.session_id.value, &e->outcomes, &e->err))
        confirm(e);
}

static struct report make_report(const struct enforcement *e, int exit_code)
{
    const struct options *options = e->command->options;
    return (struct report){.time_ms = clock_wall_ms(e->io.clock) + e->run.session.skew_ms,
                           .region = e->run.context.region.value,
                           .instance_id = e->run.context.instance_id.value,
                           .self_id = e->run.context.session_id.value,
                           .self_listed = e->listing.self_listed,
                           .has_limit = true,
                           .notify_only = options->notify_only,
                           .order = (enum plan_order)options->terminate,
                           .per = (enum plan_per)options->per,
                           .exit_code = exit_code,
                           .sessions = &e->listing.sessions,
                           .plan = &e->plan,
                           .outcomes = &e->outcomes,
                           .error = e->err.code == ERR_NONE ? NULL : e->err.message};
}

/* What the user sees before the prompt. */
static void tell(const struct enforcement *e)
{
    const struct command *command = e->command;
    if (command->options->clear)
        console_clear();
    if (command->options->output != OUTPUT_TEXT)
        return;
    struct buf text = {0};
    struct report report = make_report(e, 0);
    report_text(&text, &report, &command->console->style);
    console_print(command->console, &text);
    buf_free(&text);
    if (!command->console->quiet)
        return;
    for (size_t i = 0; i < e->outcomes.count; i++)
        if (e->outcomes.items[i].error)
            console_tell("session '%s' was not terminated: %s", e->listing.sessions.sessions[i].id,
                         e->outcomes.items[i].error);
}

/*
 * The own session goes last: its user is told, and has the time to read it. The agent shows nothing of a
 * session's first second (session worker, shell plugin), so that a session that ended at once would end
 * without a word.
 */
static void leave(struct enforcement *e)
{
    size_t index;
    const struct options *options = e->command->options;
    if (options->notify_only ||
        !act_self_is_due(&e->listing.sessions, e->run.context.session_id.value, &e->outcomes, &index))
        return;
    const struct plan_group *group = &e->plan.groups[e->plan.entries[index].group];
    struct buf name = {0};
    report_group_name(&name, group->key, (enum plan_per)options->per);
    console_tell("this session ends in %lld seconds: %s has %zu session%s, the limit is %d",
                 (long long)options->grace_s, buf_text(&name), group->count, group->count == 1 ? "" : "s",
                 (int)group->limit);
    buf_free(&name);
    int64_t grace_ms = options->grace_s * 1000;
    clock_sleep_ms(e->io.clock, grace_ms);
    e->io.deadline_ms += grace_ms;
    act_on_self(&e->run.ssm, &e->listing.sessions, index, &e->outcomes);
    if (e->outcomes.items[index].error)
        console_tell("this session was not terminated: %s", e->outcomes.items[index].error);
    else
        confirm(e);
}

static int exit_status(const struct enforcement *e)
{
    const struct session *self = NULL;
    const char *self_id = e->run.context.session_id.value;
    if (self_id)
        self = session_list_find(&e->listing.sessions, self_id);
    if (self && e->outcomes.count &&
        e->outcomes.items[self - e->listing.sessions.sessions].code == OUTCOME_TERMINATED)
        return EXIT_SELF_ENDED;
    if (e->err.code != ERR_NONE)
        return command_status(&e->err);
    return outcomes_tally(&e->outcomes, OUTCOME_FAILED) ? EXIT_FAILED : EXIT_HOLDS;
}

/* The audit record: of each run that found something over a limit or failed, with --verbose of each run. A
 * command line that can't be is no run. */
static void audit(const struct enforcement *e, const struct report *report)
{
    const struct options *options = e->command->options;
    const char *log = options->log ? options->log : "syslog";
    bool is_file = strcmp(log, "syslog") != 0 && strcmp(log, "eventlog") != 0;
    struct err err = {0};
    bool worth_it = e->plan.surplus || report->exit_code != EXIT_HOLDS || options->verbose;
    if (!worth_it || report->exit_code == EXIT_BAD_USAGE || strcmp(log, "none") == 0)
        return;
    char host[PLATFORM_NAME_MAX], user[PLATFORM_NAME_MAX];
    platform_host_name(host);
    platform_user_name(user);
    struct report record = *report;
    record.host = host;
    record.user = user;
    record.process_id = platform_process_id();
    struct buf line = {0};
    struct report_place place = {0};
    bool ok;
    do {
        buf_reset(&line);
        report_audit(&line, &record, is_file ? FILE_LINE_MAX : PLATFORM_LOG_MAX, &place);
        ok = buf_ok(&line, "the audit record", &err) &&
             (is_file ? platform_append_line(log, buf_text(&line), &err)
                      : platform_log(buf_text(&line), report->exit_code != EXIT_HOLDS, &err));
    } while (ok && place.more);
    if (!ok)
        console_warn("no audit record: %s", err.message);
    buf_free(&line);
}

int cmd_enforce(const struct command *command)
{
    struct enforcement e = {
        .command = command, .io = command_io(command), .run_options = command_run_options(command->options)};
    if (decide(&e)) {
        act(&e);
        tell(&e);
        leave(&e);
    }
    int status = exit_status(&e);
    if (e.err.code != ERR_NONE)
        console_error(&e.err);
    struct report report = make_report(&e, status);
    if (command->options->output == OUTPUT_JSON && status != EXIT_BAD_USAGE) {
        struct buf json = {0};
        report_json(&json, &report);
        console_write(&json);
        buf_free(&json);
    }
    audit(&e, &report);

    outcomes_free(&e.outcomes);
    plan_free(&e.plan);
    listing_free(&e.listing);
    run_close(&e.run);
    return status;
}
