/* rollback.c - makes the document version before the present default the default again. */
#include "cmd/rollout_run.h"

int cmd_rollback(const struct command *command)
{
    struct rollout_run run = {.command = command, .has_documents = true};
    if (rollout_run_open(&run)) {
        rollout_read(&run.documents);
        rollout_plan_back(&run.documents);
        rollout_run_carry_out(&run);
    }
    return rollout_run_end(&run);
}
