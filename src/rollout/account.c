#include "rollout/account.h"

#include <string.h>

#include "aws/ec2.h"
#include "format/text.h"

/* Someone may have to find a token and type its code. */
enum { ASK_MS = 5 * 60 * 1000 };

void account_begin(struct account *account)
{
    account->io.deadline_ms = clock_mono_ms(account->io.clock) + account->options.timeout_ms;
    account->io.timeout_ms = account->options.timeout_ms;
}

bool account_client(struct account *account, const char *service, const char *region, struct aws_client *out,
                    struct err *err)
{
    *out = (struct aws_client){.session = &account->session};
    return endpoint_find(service, region ? region : account->regions.items[0], account->options.endpoint_url,
                         account->io.env, &out->endpoint, err);
}

/* ---- regions ---- */

static bool is_listed(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

/* "R,R,..." */
static bool add_regions(struct account *account, const char *text, const char *source, struct err *err)
{
    bool ok = true;
    while (ok) {
        struct buf name = {0};
        size_t len = strcspn(text, ",");
        buf_add(&name, text, len);
        const char *region = buf_text(&name);
        bool plain = len > 0 && len < ENDPOINT_REGION_MAX &&
                     region[strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
        if (!plain)
            ok = err_set(err, ERR_USAGE, "%s takes a region such as eu-central-1, not '%.64s'", source,
                         region);
        else
            ok = is_listed(&account->regions, region) || names_add(&account->regions, region, err);
        buf_free(&name);
        if (!text[len])
            break;
        text += len + 1;
    }
    return ok;
}

/* As the AWS command line finds its region: the environment, then the profile, then the instance. */
static bool add_configured(struct account *account, struct err *err)
{
    struct buf of_profile = {0};
    const struct aws_io *io = &account->io;
    const char *given = account->options.profile ? account->options.profile : env_get(io->env, "AWS_PROFILE");
    const char *region = env_get(io->env, "AWS_REGION");
    if (region)
        return add_regions(account, region, "AWS_REGION", err);
    region = env_get(io->env, "AWS_DEFAULT_REGION");
    if (region)
        return add_regions(account, region, "AWS_DEFAULT_REGION", err);
    err_clear(err);
    bool found = credentials_profile_region(given ? given : "default", io, &of_profile, err);
    bool ok = found ? add_regions(account, buf_text(&of_profile), "the profile's region", err)
                    : !given || err->code == ERR_NONE;
    buf_free(&of_profile);
    if (!ok || account->regions.count)
        return ok;
    account_begin(account);
    if (imds_identity(&account->imds, io, err))
        return add_regions(account, account->imds.region, "the instance's region", err);
    return err_set(err, ERR_USAGE, "no region: give --region, or set AWS_REGION");
}

bool account_regions(struct account *account, const struct account_options *options, const struct aws_io *io,
                     struct err *err)
{
    *account = (struct account){.options = *options, .io = *io};
    account->session.io = &account->io;
    if (options->all_regions && options->regions)
        return err_set(err, ERR_USAGE, "--region and --all-regions exclude each other");
    if (options->regions ? !add_regions(account, options->regions, "--region", err)
                         : !add_configured(account, err))
        return false;
    account->partition = endpoint_partition(account->regions.items[0]);
    for (size_t i = 0; i < account->regions.count; i++) {
        struct aws_client ssm;
        if (strcmp(endpoint_partition(account->regions.items[i]), account->partition) != 0)
            return err_set(err, ERR_USAGE,
                           "'%s' and '%s' are regions of two partitions: one rollout for each",
                           account->regions.items[0], account->regions.items[i]);
        if (!account_client(account, "ssm", account->regions.items[i], &ssm, err))
            return false;
        if (!options->all_regions)
            io->http->connect(io->http->ctx, ssm.endpoint.url, 1);
    }
    return true;
}

static bool list_all_regions(struct account *account, struct err *err)
{
    struct aws_client ec2;
    struct names enabled = {0};
    account_begin(account);
    bool ok = account_client(account, "ec2", NULL, &ec2, err) && ec2_list_regions(&ec2, &enabled, err);
    if (!ok) {
        names_free(&enabled);
        return err_prefix(err, "--all-regions");
    }
    names_free(&account->regions);
    account->regions = enabled;
    for (size_t i = 0; i < enabled.count; i++) {
        struct aws_client ssm;
        if (account_client(account, "ssm", enabled.items[i], &ssm, err))
            account->io.http->connect(account->io.http->ctx, ssm.endpoint.url, 1);
    }
    return true;
}

/* ---- credentials ---- */

static struct credentials_options credentials_options(const struct account *account)
{
    return (struct credentials_options){.profile = account->options.profile,
                                        .full_chain = true,
                                        .region = account->regions.items[0],
                                        .may_ask = true};
}

static bool refresh(void *ctx, struct credentials *out, struct err *err)
{
    struct account *account = ctx;
    struct credentials_options options = credentials_options(account);
    return credentials_find(&options, &account->imds, &account->io, out, err);
}

bool account_open(struct account *account, struct err *err)
{
    struct aws_client sts;
    struct credentials_options options = credentials_options(account);
    account->session.refresh = refresh;
    account->session.refresh_ctx = account;
    account_begin(account);
    account->io.deadline_ms += ASK_MS;
    if (!credentials_find(&options, &account->imds, &account->io, &account->session.credentials, err))
        return false;
    trace_say(account->io.trace, "credentials: %s", account->session.credentials.source);
    account_begin(account);
    if (!account_client(account, "sts", NULL, &sts, err) ||
        !sts_caller_identity(&sts, &account->identity, err))
        return false;
    trace_say(account->io.trace, "account %s, as %s", account->identity.account, account->identity.arn);
    return !account->options.all_regions || list_all_regions(account, err);
}

void account_close(struct account *account)
{
    if (!account)
        return;
    names_free(&account->regions);
    sts_identity_free(&account->identity);
    credentials_free(&account->session.credentials);
    imds_free(&account->imds);
    *account = (struct account){0};
}
