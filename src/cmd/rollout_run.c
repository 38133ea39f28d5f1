#include "cmd/rollout_run.h"

#include <string.h>

#include "format/text.h"
#include "platform/platform.h"

/* One line a region when it is through, to a person who waits. */
static void progress(void *ctx, const struct rollout_region *region)
{
    const struct rollout_run *run = ctx;
    const struct command *command = run->command;
    if (command->console->quiet || command->options->output != OUTPUT_TEXT ||
        !platform_is_terminal(PLATFORM_STDERR))
        return;
    struct rollout_words outcome = rollout_run_outcome(run, region->change, region->done, &region->err);
    if (region->done)
        console_tell("%s: %s, version %lld", region->name, outcome.text, (long long)region->after);
    else
        console_tell("%s: %s", region->name, outcome.text);
}

bool rollout_run_open(struct rollout_run *run)
{
    const struct options *options = run->command->options;
    struct aws_io io = command_io(run->command);
    const struct account_options which = {.regions = options->region,
                                          .all_regions = options->all_regions,
                                          .profile = options->profile,
                                          .endpoint_url = options->endpoint_url,
                                          .timeout_ms = options->timeout_s * 1000};
    if (!account_regions(&run->account, &which, &io, &run->err))
        return false;
    if (!account_open(&run->account, &run->err)) {
        run->nobody = options->dry_run && options->command == COMMAND_DEPLOY &&
                      run->err.code == ERR_NO_CREDENTIALS && !options->all_regions;
        if (!run->nobody)
            return false;
        console_warn("%s", run->err.message);
        console_warn("so this is the plan for an account that has nothing yet");
        err_clear(&run->err);
    }
    if (run->has_documents &&
        !rollout_open(&run->documents, &run->account, options->document_name, &run->err))
        return false;
    run->documents.progress = progress;
    run->documents.progress_ctx = run;
    return true;
}

static bool has_work(const struct rollout_run *run)
{
    return (run->has_policy && policy_has_work(&run->policy)) ||
           (run->has_documents && rollout_has_work(&run->documents)) ||
           (run->has_publish && publish_has_work(&run->publish));
}

/* What is shown before the question is shown where no program reads. */
static bool show(struct rollout_run *run, bool asks)
{
    const struct command *command = run->command;
    bool text = command->options->output == OUTPUT_TEXT;
    struct buf plan = {0};
    rollout_text_plan(run, text && command->console->style.color, &plan, &run->err);
    if (run->err.code == ERR_NONE && plan.len) {
        if (text && asks)
            console_write(&plan);
        else if (text)
            console_print(command->console, &plan);
        else if (asks)
            (void)platform_write(PLATFORM_STDERR, plan.data, plan.len);
    }
    buf_free(&plan);
    return run->err.code == ERR_NONE;
}

static bool ask(struct rollout_run *run)
{
    struct buf prompt = {0}, answer = {0};
    buf_addf(&prompt, "Change this in account %s? [y/N] ", run->account.identity.account);
    bool ok = platform_ask(buf_text(&prompt), true, &answer, &run->err);
    if (!ok && run->err.code == ERR_USAGE)
        err_set(&run->err, ERR_USAGE,
                "there is no terminal to ask on: --yes changes this without asking, --dry-run "
                "only shows it");
    else if (ok && !text_same_nocase(buf_text(&answer), "y") && !text_same_nocase(buf_text(&answer), "yes"))
        ok = err_set(&run->err, ERR_IO, "nothing was changed");
    buf_free(&prompt);
    buf_free(&answer);
    return ok;
}

static bool documents_failed(const struct rollout_run *run)
{
    for (size_t i = 0; run->has_documents && i < run->documents.count; i++)
        if (run->documents.regions[i].err.code != ERR_NONE)
            return true;
    return false;
}

/* A line that goes live before its rights would fail, and one that outlives them too. */
static void act(struct rollout_run *run)
{
    bool removal = run->command->options->command == COMMAND_UNDEPLOY;
    run->applied = true;
    if (run->has_publish && !publish_apply(&run->publish))
        return;
    if (run->has_policy && !removal) {
        (void)policy_apply(&run->policy);
        if (run->policy.err.code != ERR_NONE)
            return;
    }
    if (run->has_documents)
        rollout_apply(&run->documents);
    if (run->has_policy && removal && !documents_failed(run))
        (void)policy_apply(&run->policy);
}

void rollout_run_carry_out(struct rollout_run *run)
{
    const struct options *options = run->command->options;
    bool work = has_work(run), asks = work && !options->dry_run && !options->yes;
    if (run->has_policy && run->policy.err.code != ERR_NONE)
        return;
    if (!show(run, asks) || !work || options->dry_run)
        return;
    if (asks && !ask(run))
        return;
    if (run->has_documents && !rollout_back_up(&run->documents, options->backup_dir, &run->err))
        return;
    act(run);
}

/* ---- the end ---- */

struct rollout_words rollout_run_outcome(const struct rollout_run *run, enum rollout_change change, bool done,
                                         const struct err *err)
{
    static const struct {
        struct rollout_words done, planned;
    } WORDS[] = {
        [CHANGE_NONE] = {{"up to date", "up_to_date"}, {"up to date", "up_to_date"}},
        [CHANGE_ABSENT] = {{"not there", "not_there"}, {"not there", "not_there"}},
        [CHANGE_CREATE] = {{"created", "created"}, {"would be created", "would_create"}},
        [CHANGE_UPDATE] = {{"updated", "updated"}, {"would be updated", "would_update"}},
        [CHANGE_DEFAULT] = {{"default version changed", "default_changed"},
                            {"default version would be changed", "would_change_default"}},
        [CHANGE_REMOVE] = {{"removed", "removed"}, {"would be removed", "would_remove"}},
    };
    static const struct rollout_words FAILED = {"failed", "failed"}, LEFT = {"not changed", "left"};
    if (err->code != ERR_NONE)
        return FAILED;
    if (done || change == CHANGE_NONE || change == CHANGE_ABSENT)
        return WORDS[change].done;
    return run->command->options->dry_run ? WORDS[change].planned : LEFT;
}

bool rollout_run_failed(const struct rollout_run *run)
{
    bool failed = run->err.code != ERR_NONE || documents_failed(run) ||
                  (run->has_policy && policy_failed(&run->policy));
    for (size_t i = 0; run->publish.objects && i <= run->publish.count; i++)
        failed = failed || run->publish.objects[i].err.code != ERR_NONE;
    return failed;
}

/* One line to standard error for each thing that failed. */
static void tell_errors(const struct rollout_run *run)
{
    if (run->err.code != ERR_NONE)
        console_error(&run->err);
    if (run->policy.err.code != ERR_NONE)
        console_tell("policy '%s': %s", run->policy.name, run->policy.err.message);
    for (size_t i = 0; i < run->policy.role_count; i++)
        if (run->policy.roles[i].err.code != ERR_NONE)
            console_tell("role '%s': %s", run->policy.roles[i].name, run->policy.roles[i].err.message);
    for (size_t i = 0; run->publish.objects && i <= run->publish.count; i++)
        if (run->publish.objects[i].err.code != ERR_NONE)
            console_tell("s3://%s/%s: %s", run->publish.bucket.name, run->publish.objects[i].key,
                         run->publish.objects[i].err.message);
    for (size_t i = 0; i < run->documents.count; i++) {
        const struct rollout_region *region = &run->documents.regions[i];
        if (region->err.code != ERR_NONE)
            console_tell("%s: %s", region->name, region->err.message);
        else if (region->mentioned)
            console_warn(
                "%s: the shell profile names ssm-enforce in a command of its own, which is left as it is",
                region->name);
    }
}

static int exit_status(const struct rollout_run *run)
{
    if (run->err.code != ERR_NONE)
        return command_status(&run->err);
    return rollout_run_failed(run) ? EXIT_FAILED : EXIT_HOLDS;
}

int rollout_run_end(struct rollout_run *run)
{
    const struct command *command = run->command;
    struct buf out = {0};
    int status = exit_status(run);
    bool json = command->options->output == OUTPUT_JSON;
    if (json && status != EXIT_BAD_USAGE) {
        rollout_json(run, status, &out);
        console_write(&out);
    } else if (!json && run->err.code == ERR_NONE) {
        rollout_text_end(run, &out);
        console_print(command->console, &out);
    }
    tell_errors(run);
    buf_free(&out);
    policy_rollout_close(&run->policy);
    rollout_close(&run->documents);
    publish_close(&run->publish);
    account_close(&run->account);
    return status;
}
