/* deploy.c - pushes the preferences with the profile line in them, and the policy that the instances need. */
#include <stdlib.h>
#include <string.h>

#include "base/embedded.h"
#include "base/version.h"
#include "cmd/rollout_run.h"
#include "core/document.h"
#include "core/profile.h"
#include "platform/platform.h"

enum { GRACE_DEFAULT_S = 3 };

struct deployment {
    struct rollout_run run;
    struct buf preferences; /* --preferences */
};

static struct profile_settings settings_of(const struct options *options, const char *region)
{
    return (struct profile_settings){.max = options->max,
                                     .rules = options->rules,
                                     .rule_count = options->rule_count,
                                     .per = (enum plan_per)options->per,
                                     .order = (enum plan_order)options->terminate,
                                     .notify_only = options->notify_only,
                                     .grace_s = options->grace_s == GRACE_DEFAULT_S ? 0 : options->grace_s,
                                     .confirm = options->confirm,
                                     .log = options->log,
                                     .clear = options->clear,
                                     .quiet = options->quiet,
                                     .region = region,
                                     .linux_path = options->linux_path,
                                     .windows_path = options->windows_path,
                                     .sudo = options->sudo,
                                     .deny = options->on_failure == FAILURE_DENY};
}

/* The document of a region: what is there, --preferences or the built-in one, with both lines in it. */
static bool merge(void *ctx, const struct rollout_region *region, const char *base, struct buf *out,
                  bool *mentioned, struct err *err)
{
    const struct deployment *deployment = ctx;
    const struct options *options = deployment->run.command->options;
    struct profile_settings settings = settings_of(options, region->name);
    struct buf on_linux = {0}, on_windows = {0};
    bool ok = profile_line(PROFILE_LINUX, &settings, &on_linux, err) &&
              profile_line(PROFILE_WINDOWS, &settings, &on_windows, err);
    const struct document_lines lines = {.linux_line = buf_text(&on_linux),
                                         .windows_line = buf_text(&on_windows),
                                         .linux_path = options->linux_path,
                                         .windows_path = options->windows_path};
    if (options->preferences)
        base = buf_text(&deployment->preferences);
    else if (!base)
        base = embedded_text("deploy/preferences.json");
    if (!base)
        err_set(err, ERR_CONFIG, "deploy/preferences.json is not built into this executable");
    ok = base && ok && document_merge(base, strlen(base), &lines, out, mentioned, err);
    buf_free(&on_linux);
    buf_free(&on_windows);
    return ok;
}

/* All that can be wrong with options and files, before anyone is asked. */
static bool prepare(struct deployment *deployment)
{
    struct rollout_run *run = &deployment->run;
    const struct options *options = run->command->options;
    const struct rollout_region anywhere = {.name = "eu-central-1"};
    struct buf document = {0};
    bool mentioned = false;
    if (options->preferences &&
        !platform_read_file(options->preferences, &deployment->preferences, &run->err)) {
        run->err.code = ERR_CONFIG;
        return err_prefix(&run->err, "--preferences");
    }
    if (!run->has_documents && !run->has_policy && !run->has_publish)
        return err_set(
            &run->err, ERR_USAGE,
            "--skip-document and --skip-policy leave nothing to do: give --publish, or one of them");
    bool ok = options->skip_document || merge(deployment, &anywhere, NULL, &document, &mentioned, &run->err);
    buf_free(&document);
    if (!ok && run->err.code == ERR_MALFORMED) {
        run->err.code = ERR_CONFIG;
        (void)err_prefix(&run->err, "--preferences '%.200s'", options->preferences);
    }
    if (ok && options->publish)
        ok = publish_prepare(&run->publish, options->publish, SSM_ENFORCE_VERSION, options->binaries.items,
                             options->binaries.count, &run->err);
    else if (ok && options->binaries.count)
        ok = err_set(&run->err, ERR_USAGE, "--binary goes with --publish s3://BUCKET/PREFIX");
    return ok;
}

static bool plan(struct deployment *deployment)
{
    struct rollout_run *run = &deployment->run;
    const struct options *options = run->command->options;
    if (run->has_publish && !publish_plan(&run->publish, &run->account, options->publish, &run->err))
        return false;
    if (run->has_policy && !policy_plan(&run->policy, &run->account, options->policy_name,
                                        options->attach_roles.items, options->attach_roles.count))
        return false;
    if (run->has_documents) {
        rollout_read(&run->documents);
        rollout_plan(&run->documents, merge, deployment);
    }
    return true;
}

int cmd_deploy(const struct command *command)
{
    const struct options *options = command->options;
    struct deployment deployment = {.run = {.command = command,
                                            .has_documents = !options->skip_document,
                                            .has_policy = !options->skip_policy,
                                            .has_publish = options->publish != NULL}};
    if (prepare(&deployment) && rollout_run_open(&deployment.run) && plan(&deployment))
        rollout_run_carry_out(&deployment.run);
    buf_free(&deployment.preferences);
    return rollout_run_end(&deployment.run);
}
