/*
 * ssm.h - the calls to Systems Manager that enforcement makes (API version 2014-11-06, JSON 1.1). The
 * documents' calls are in ssm_document.h.
 */
#ifndef AWS_SSM_H
#define AWS_SSM_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/client.h"
#include "core/session.h"

/*
 * The active sessions of an instance, all pages: DescribeSessions with State=Active, Target=instance_id, 200
 * a page. Nothing short of a whole listing is a success. ERR_MALFORMED: a reply that can't be read, a session
 * that lacks SessionId, Target, Owner, Status or StartDate, a NextToken that repeats. `out` is freed by
 * session_list_free in any case.
 */
bool ssm_list_sessions(struct aws_client *client, const char *instance_id, struct session_list *out,
                       size_t *first_page, struct err *err);

/* The target of one session (DescribeSessions filtered by SessionId); appended to target. ERR_NOT_FOUND: not
 * listed. */
bool ssm_session_target(struct aws_client *client, const char *session_id, struct buf *target,
                        struct err *err);

/*
 * Terminates the sessions side by side. errs[i] tells of ids[i]: ERR_NONE: terminated, or gone already
 * (DoesNotExistException, or a ValidationException that says so).
 */
void ssm_terminate_sessions(struct aws_client *client, const char *const *ids, struct err *errs,
                            size_t count);

/* The call of an action of SSM, for ssm_document.c too. `target` is the header "X-Amz-Target:
 * AmazonSSM.<action>"; all is borrowed. */
struct aws_call ssm_call(const char *action, const char *target, const struct buf *body);

#endif
