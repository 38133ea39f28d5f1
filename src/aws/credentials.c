#include "aws/credentials_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "format/text_shown.h"

enum source { SOURCE_PROFILE, SOURCE_ENV, SOURCE_CONTAINER, SOURCE_ROLE, SOURCE_AGENT };

void credentials_free(struct credentials *credentials)
{
    if (!credentials)
        return;
    text_wipe(credentials->access_key);
    text_wipe(credentials->secret_key);
    text_wipe(credentials->session_token);
    free(credentials->source);
    free(credentials->role);
    *credentials = (struct credentials){0};
}

static bool check_text(const char *what, const char *text, struct err *err)
{
    bool ok = *text != '\0';
    for (const char *p = text; *p; p++)
        ok = ok && *p > ' ' && *p < 0x7f;
    return ok || err_set(err, ERR_CONFIG,
                         "the %s is empty or holds a character that none has (a blank, a line end?)", what);
}

bool credentials_set(struct credentials *out, const char *access_key, const char *secret_key,
                     const char *token, const char *source, struct err *err)
{
    if (!check_text("access key", access_key, err) || !check_text("secret key", secret_key, err) ||
        (token && !check_text("session token", token, err)))
        return false;
    struct credentials copy = {.access_key = text_dup(access_key),
                               .secret_key = text_dup(secret_key),
                               .session_token = text_dup(token),
                               .source = text_dup(source)};
    if (!copy.access_key || !copy.secret_key || (token && !copy.session_token) || (source && !copy.source)) {
        credentials_free(&copy);
        return err_nomem(err);
    }
    credentials_free(out);
    *out = copy;
    return true;
}

/* ---- the chain ---- */

struct chain {
    const struct credentials_options *options;
    struct imds *imds;
    const struct aws_io *io;
    struct buf tried; /* every source but the instance role, with why it did not serve */
    struct err role;  /* why the instance role did not */
};

static bool ask(const struct chain *chain, enum source source, struct credentials *out, struct err *err)
{
    switch (source) {
    case SOURCE_PROFILE:
        return credentials_from_profile(chain->options, chain->imds, chain->io, out, err);
    case SOURCE_ENV:
        return credentials_from_env(chain->io->env, out, err);
    case SOURCE_CONTAINER:
        return credentials_from_container(chain->io, out, err);
    case SOURCE_ROLE:
        return imds_credentials(chain->imds, chain->io, out, err);
    case SOURCE_AGENT:
        return credentials_from_agent(chain->io, out, err);
    }
    return false;
}

/* What to say of a source that is not configured. */
static const char *absence(enum source source)
{
    switch (source) {
    case SOURCE_PROFILE:
        return "names no credentials";
    case SOURCE_ENV:
        return "environment: AWS_ACCESS_KEY_ID is not set";
    case SOURCE_CONTAINER:
        return "container endpoint: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set";
    case SOURCE_ROLE: /* always has an error */
        break;
    case SOURCE_AGENT:
        return "ssm agent's file: not there";
    }
    return "";
}

/* Adds to what was tried. A source that is configured and fails ends the chain: it is the one that was meant.
 * Not so the instance role and the agent's file, which are asked without being configured. */
static bool go_on(struct chain *chain, enum source source, const struct err *err)
{
    char shown[TEXT_SHOWN_MAX];
    if (err->code == ERR_NOMEM || (err->code && source != SOURCE_ROLE && source != SOURCE_AGENT))
        return false;
    if (source == SOURCE_ROLE) {
        chain->role = *err;
        return true;
    }
    buf_add_text(&chain->tried, "; ");
    if (source == SOURCE_PROFILE)
        buf_addf(&chain->tried, "profile `%s`: ",
                 text_shown(shown, credentials_profile_name(chain->options, chain->io->env)));
    buf_add_text(&chain->tried, err->code ? err->message : absence(source));
    return true;
}

/* True if the metadata service itself spoke: then this is an instance, and its role was meant. */
static bool is_instance(const struct chain *chain)
{
    enum err_code code = chain->role.code;
    return code != ERR_NETWORK && code != ERR_TIMEOUT && code != ERR_CONFIG &&
           !imds_is_disabled(chain->io->env);
}

/*
 * An administrator, or whoever runs it on something else than an instance, may have meant any source: all are
 * told. On an instance it was the role, which says best what is missing; `last` is of the agent's file, for
 * nodes whose credentials only root can read.
 */
static bool none(const struct chain *chain, const struct err *last, struct err *err)
{
    const struct credentials_options *options = chain->options;
    struct buf whole = {0};
    enum err_code code = chain->role.code;
    if (options->full_chain || options->profile || !is_instance(chain)) {
        code = code == ERR_CONFIG ? ERR_CONFIG : ERR_NO_CREDENTIALS;
        buf_addf(&whole, "no credentials: %s%s", chain->role.message, buf_text(&chain->tried));
    } else {
        buf_add_text(&whole, chain->role.message);
        if (last->code)
            buf_addf(&whole,
                     "; %s: where the node's credentials are the agent's own, run it as root (sudo -n)",
                     last->message);
    }
    if (buf_ok(&whole, "a message", err))
        err_set(err, code, "%s", whole.data);
    buf_free(&whole);
    return false;
}

bool credentials_find(const struct credentials_options *options, struct imds *imds, const struct aws_io *io,
                      struct credentials *out, struct err *err)
{
    static const enum source enforcement[] = {SOURCE_PROFILE, SOURCE_ENV, SOURCE_CONTAINER, SOURCE_ROLE,
                                              SOURCE_AGENT};
    static const enum source administrator[] = {SOURCE_ENV, SOURCE_PROFILE, SOURCE_CONTAINER, SOURCE_ROLE};
    const enum source *sources = options->full_chain ? administrator : enforcement;
    size_t count = options->full_chain ? sizeof administrator / sizeof *administrator
                                       : sizeof enforcement / sizeof *enforcement;
    struct chain chain = {.options = options, .imds = imds, .io = io};
    bool ok = false;
    for (size_t i = 0; i < count; i++) {
        /* A profile that is named beats the environment's keys, as in the AWS command line; and for
         * enforcement the session user's own files are read only where one is named. */
        if (options->full_chain ? sources[i] == SOURCE_ENV && options->profile
                                : sources[i] == SOURCE_PROFILE && !options->profile)
            continue;
        err_clear(err);
        ok = ask(&chain, sources[i], out, err);
        if (ok || !go_on(&chain, sources[i], err))
            goto out;
    }
    struct err last = *err;
    none(&chain, &last, err);
out:
    if (ok)
        trace_say(io->trace, "credentials: %s", out->source);
    buf_free(&chain.tried);
    return ok;
}
