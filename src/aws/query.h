/*
 * query.h - requests of the Query protocol (STS, IAM): a form in the body, XML in the reply.
 */
#ifndef AWS_QUERY_H
#define AWS_QUERY_H

#include "aws/client.h"
#include "base/buf.h"

/* Begins a request's body: "Action=...&Version=...". */
void query_begin(struct buf *body, const char *action, const char *version);

/* Appends a parameter, percent-encoded; nothing where value is NULL. */
void query_add(struct buf *body, const char *name, const char *value);

/* The call with that body, which is borrowed. */
struct aws_call query_call(const char *action, const struct buf *body);

#endif
