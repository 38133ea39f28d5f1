/*
 * context.h - where am I: own session, instance and region, each from the first source that has it.
 */
#ifndef CONTEXT_CONTEXT_H
#define CONTEXT_CONTEXT_H

#include <stdbool.h>

#include "aws/client.h"
#include "aws/imds.h"
#include "aws/io.h"
#include "base/err.h"

/* What the command line says; NULL where it is silent. Borrowed. */
struct context_options {
    const char *session_id;
    const char *instance_id;
    const char *region;
    const char *profile;
    bool use_ancestry; /* the own session may be looked up in the process's ancestors */
};

/* A fact and the name of the source it came from ("--region", "AWS_REGION", "instance metadata"). */
struct fact {
    char *value; /* NULL: unknown */
    const char *source;
};

/* Owns its facts. Starts as {0}. */
struct context {
    struct fact session_id;
    struct fact instance_id;
    struct fact region;
};

/*
 * What can be known without asking anyone: options, environment, ancestry, the profile's region. ERR_USAGE:
 * an id or region that can't be one; ERR_CONFIG: the profile.
 */
bool context_local(const struct context_options *options, const struct aws_io *io, struct context *out,
                   struct err *err);

/* Fills instance and region, where they are missing, from the instance metadata service. Fails only where the
 * service does. */
bool context_from_imds(struct context *context, struct imds *imds, const struct aws_io *io, struct err *err);

/* Fills the instance, where it is missing, from the Target of the own session. */
bool context_from_session(struct context *context, struct aws_client *ssm, struct err *err);

void context_free(struct context *context);

#endif
