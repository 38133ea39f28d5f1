/*
 * run.h - a run against one instance, from "where am I" to a client that can ask for its sessions.
 */
#ifndef PROTOCOL_RUN_H
#define PROTOCOL_RUN_H

#include <stdbool.h>

#include "aws/client.h"
#include "aws/credentials.h"
#include "aws/imds.h"
#include "context/context.h"

/* All borrowed; they live as long as the run. */
struct run_options {
    struct context_options context;
    const char *endpoint_url; /* --endpoint-url, NULL: none */
};

/* Starts as {0}; opened in place (it holds pointers to itself: never copied), released by run_close. */
struct run {
    const struct run_options *options;
    const struct aws_io *io;
    struct context context;
    struct imds imds;
    struct aws_session session;
    struct aws_client ssm;
};

/*
 * Finds context and credentials and makes the client ready. As soon as the region is known, the connection to
 * Systems Manager begins to open, so that its handshake runs beside the requests to the metadata service.
 */
bool run_open(struct run *run, const struct run_options *options, const struct aws_io *io, struct err *err);

/* The same in its steps, each after the one before: for who has to tell which of them fails. */
bool run_begin(struct run *run, const struct run_options *options, const struct aws_io *io, struct err *err);
bool run_locate(struct run *run, struct err *err);       /* region and, from IMDS, the instance */
bool run_authenticate(struct run *run, struct err *err); /* credentials */
bool run_find_instance(struct run *run,
                       struct err *err); /* from the own session, where it is still missing */

void run_close(struct run *run);

#endif
