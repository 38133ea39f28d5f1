#include "net/proxy.h"

#include <stddef.h>

static const char *first_of(const struct env *env, const char *const names[])
{
    const char *value = NULL;
    for (size_t i = 0; names[i] && !value; i++)
        value = env_get(env, names[i]);
    return value;
}

const char *proxy_find(const struct env *env, bool tls)
{
    static const char *const secure[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
    static const char *const plain[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
    return first_of(env, tls ? secure : plain);
}

const char *proxy_exceptions(const struct env *env)
{
    static const char *const names[] = {"no_proxy", "NO_PROXY", NULL};
    const char *value = first_of(env, names);
    return value ? value : "";
}
