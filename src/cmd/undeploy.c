/* undeploy.c - takes the profile line and the policy out again, and leaves everything else. */
#include <stdint.h>
#include <string.h>

#include "cmd/rollout_run.h"
#include "core/document.h"

/* What is there, without our lines; nothing where nothing is. */
static bool merge(void *ctx, const struct rollout_region *region, const char *base, struct buf *out,
                  bool *mentioned, struct err *err)
{
    const struct options *options = ctx;
    const struct document_lines none = {.linux_path = options->linux_path,
                                        .windows_path = options->windows_path};
    (void)region;
    return base && document_merge(base, strlen(base), &none, out, mentioned, err);
}

static bool plan(struct rollout_run *run)
{
    const struct options *options = run->command->options;
    struct options *borrowed = (struct options *)(uintptr_t)options;
    if (run->has_documents) {
        rollout_read(&run->documents);
        rollout_plan(&run->documents, merge, borrowed);
    }
    return !run->has_policy || policy_plan_removal(&run->policy, &run->account, options->policy_name);
}

int cmd_undeploy(const struct command *command)
{
    struct rollout_run run = {.command = command,
                              .has_documents = !command->options->skip_document,
                              .has_policy = !command->options->skip_policy};
    if (!run.has_documents && !run.has_policy)
        err_set(&run.err, ERR_USAGE,
                "--skip-document and --skip-policy leave nothing to do: give one of them");
    else if (rollout_run_open(&run) && plan(&run))
        rollout_run_carry_out(&run);
    return rollout_run_end(&run);
}
