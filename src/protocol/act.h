/*
 * act.h - carries a plan out, the own session last.
 */
#ifndef PROTOCOL_ACT_H
#define PROTOCOL_ACT_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/client.h"
#include "core/outcome.h"
#include "core/session.h"

/*
 * Terminates side by side all sessions whose outcome is OUTCOME_WOULD_TERMINATE but the own one (self_id,
 * NULL: not known), and records what became of each. One that fails does not stop the others. Where the
 * service throttles or does not answer, the sessions are listed again before the next try: those that have
 * ended by now, perhaps by another run, are done. False with ERR_NOMEM alone.
 */
bool act_on_others(struct aws_client *ssm, const char *instance_id, const struct session_list *sessions,
                   const char *self_id, struct outcomes *outcomes, struct err *err);

/* True if the own session is planned to go; its place in the list. */
bool act_self_is_due(const struct session_list *sessions, const char *self_id,
                     const struct outcomes *outcomes, size_t *index);

/* Terminates the own session, session `index` of the list, and records it. */
void act_on_self(struct aws_client *ssm, const struct session_list *sessions, size_t index,
                 struct outcomes *outcomes);

/*
 * Lists again, with growing pauses, until no session that was terminated counts any more (--confirm).
 * ERR_TIMEOUT where one still counts at the deadline: its outcome is then OUTCOME_FAILED.
 */
bool act_confirm(struct aws_client *ssm, const char *instance_id, const struct session_list *sessions,
                 struct outcomes *outcomes, struct err *err);

#endif
