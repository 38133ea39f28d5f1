#include "context/context.h"

#include <stdlib.h>
#include <string.h>

#include "aws/credentials.h"
#include "aws/ssm.h"
#include "platform/platform.h"

static bool set(struct fact *fact, const char *value, const char *source, struct err *err)
{
    fact->value = text_dup(value);
    fact->source = source;
    return fact->value || err_nomem(err);
}

/* Letters, digits and the marks that `also` allows: all that these names are made of. */
static bool is_name(const char *text, const char *also, size_t max)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && !strchr(also, c))
            return false;
    }
    return len > 0 && len <= max;
}

/* The first variable that is set. */
static const char *from_env(const struct env *env, const char *const *names, size_t count,
                            const char **source)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = env_get(env, names[i]);
        if (value) {
            *source = names[i];
            return value;
        }
    }
    return NULL;
}

static bool find_session(const struct context_options *options, const struct aws_io *io, struct context *out,
                         struct err *err)
{
    static const char *const names[] = {"SSM_SESSION_ID"};
    char own[PLATFORM_SESSION_ID_MAX + 1];
    const char *source = "--session-id";
    const char *value = options->session_id;
    if (!value)
        value = from_env(io->env, names, 1, &source);
    if (!value && options->use_ancestry && platform_own_session(own)) {
        value = own;
        source = "ancestor process";
    }
    if (!value)
        return true;
    if (!is_name(value, "-_.@+=,", PLATFORM_SESSION_ID_MAX))
        return err_set(err, ERR_USAGE, "%s takes a session id (letters, digits and -_.@+=,; at most %d)",
                       source, PLATFORM_SESSION_ID_MAX);
    return set(&out->session_id, value, source, err);
}

static bool find_instance(const struct context_options *options, const struct aws_io *io, struct context *out,
                          struct err *err)
{
    static const char *const names[] = {"AWS_SSM_INSTANCE_ID"};
    const char *source = "--instance-id";
    const char *value = options->instance_id ? options->instance_id : from_env(io->env, names, 1, &source);
    if (!value)
        return true;
    if (!is_name(value, "-_.:", 400))
        return err_set(err, ERR_USAGE,
                       "%s takes an instance id such as i-0123456789abcdef0 or mi-0123456789abcdef0", source);
    return set(&out->instance_id, value, source, err);
}

static bool find_region(const struct context_options *options, const struct aws_io *io, struct context *out,
                        struct err *err)
{
    static const char *const names[] = {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SSM_REGION_NAME"};
    bool ok = false;
    struct buf of_profile = {0};
    const char *source = "--region";
    const char *value = options->region ? options->region : from_env(io->env, names, 3, &source);
    err_clear(err);
    if (!value && options->profile) {
        if (credentials_profile_region(options->profile, io, &of_profile, err)) {
            value = buf_text(&of_profile);
            source = "--profile";
        } else if (err->code != ERR_NONE) {
            goto out;
        }
    }
    if (value && !is_name(value, "-", ENDPOINT_REGION_MAX - 1)) {
        err_set(err, ERR_USAGE, "%s takes a region such as eu-central-1", source);
        goto out;
    }
    ok = !value || set(&out->region, value, source, err);
out:
    buf_free(&of_profile);
    return ok;
}

bool context_local(const struct context_options *options, const struct aws_io *io, struct context *out,
                   struct err *err)
{
    *out = (struct context){0};
    return find_session(options, io, out, err) && find_instance(options, io, out, err) &&
           find_region(options, io, out, err);
}

bool context_from_imds(struct context *context, struct imds *imds, const struct aws_io *io, struct err *err)
{
    if (context->instance_id.value && context->region.value)
        return true;
    if (!imds_identity(imds, io, err))
        return false;
    if (!context->instance_id.value &&
        !set(&context->instance_id, imds->instance_id, "instance metadata", err))
        return false;
    if (!context->region.value && !set(&context->region, imds->region, "instance metadata", err))
        return false;
    return true;
}

bool context_from_session(struct context *context, struct aws_client *ssm, struct err *err)
{
    if (context->instance_id.value)
        return true;
    struct buf target = {0};
    bool ok = ssm_session_target(ssm, context->session_id.value, &target, err) &&
              set(&context->instance_id, buf_text(&target), "target of the own session", err);
    buf_free(&target);
    return ok;
}

void context_free(struct context *context)
{
    if (!context)
        return;
    free(context->session_id.value);
    free(context->instance_id.value);
    free(context->region.value);
    *context = (struct context){0};
}
