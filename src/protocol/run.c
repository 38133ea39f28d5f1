#include "protocol/run.h"

#include "base/buf.h"

static struct credentials_options credentials_options(const struct run *run)
{
    return (struct credentials_options){.profile = run->options->context.profile,
                                        .region = run->context.region.value};
}

static bool refresh(void *ctx, struct credentials *out, struct err *err)
{
    struct run *run = ctx;
    struct credentials_options options = credentials_options(run);
    return credentials_find(&options, &run->imds, run->io, out, err);
}

/* The client for the region, and the first steps of its connection. */
static bool open_client(struct run *run, struct err *err)
{
    if (!endpoint_find("ssm", run->context.region.value, run->options->endpoint_url, run->io->env,
                       &run->ssm.endpoint, err))
        return false;
    run->io->http->connect(run->io->http->ctx, run->ssm.endpoint.url, 1);
    return true;
}

/*
 * What options and environment left open. The metadata service may be out of reach where the instance can
 * still be learnt from the own session (nodes outside of EC2).
 */
static bool ask_imds(struct run *run, struct err *err)
{
    if (context_from_imds(&run->context, &run->imds, run->io, err))
        return true;
    if (!run->context.region.value)
        return err_prefix(err, "no region (--region, AWS_REGION)");
    if (!run->context.session_id.value)
        return err_prefix(err, "no instance id (--instance-id, AWS_SSM_INSTANCE_ID)");
    trace_say(run->io->trace, "instance metadata: %s", err->message);
    err_clear(err);
    return true;
}

bool run_begin(struct run *run, const struct run_options *options, const struct aws_io *io, struct err *err)
{
    *run = (struct run){.options = options, .io = io};
    run->session = (struct aws_session){.io = io, .refresh = refresh, .refresh_ctx = run};
    run->ssm.session = &run->session;
    return context_local(&options->context, io, &run->context, err);
}

bool run_locate(struct run *run, struct err *err)
{
    bool knew_region = run->context.region.value != NULL;
    if (knew_region && !open_client(run, err))
        return false;
    return ask_imds(run, err) && (knew_region || open_client(run, err));
}

bool run_authenticate(struct run *run, struct err *err)
{
    struct credentials_options which = credentials_options(run);
    if (!credentials_find(&which, &run->imds, run->io, &run->session.credentials, err))
        return false;
    trace_say(run->io->trace, "credentials: %s", run->session.credentials.source);
    return true;
}

bool run_find_instance(struct run *run, struct err *err)
{
    if (!context_from_session(&run->context, &run->ssm, err))
        return err_prefix(err, "no instance id (--instance-id, AWS_SSM_INSTANCE_ID)");
    return true;
}

bool run_open(struct run *run, const struct run_options *options, const struct aws_io *io, struct err *err)
{
    if (!run_begin(run, options, io, err) || !run_locate(run, err) || !run_authenticate(run, err) ||
        !run_find_instance(run, err))
        return false;
    const struct context *context = &run->context;
    trace_say(io->trace, "instance %s (%s), region %s (%s), session %s (%s)", context->instance_id.value,
              context->instance_id.source, context->region.value, context->region.source,
              context->session_id.value ? context->session_id.value : "unknown",
              context->session_id.value ? context->session_id.source : "no source has it");
    return true;
}

void run_close(struct run *run)
{
    if (!run)
        return;
    context_free(&run->context);
    imds_free(&run->imds);
    credentials_free(&run->session.credentials);
}
