/* proxy.h - which proxy the environment names. */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include <stdbool.h>

#include "base/env.h"

/*
 * The proxy for https or plain http, NULL: none. https_proxy, HTTPS_PROXY, or http_proxy in lower case alone
 * (the other one is a header that a client of a CGI script can set, httpoxy.org), then all_proxy, ALL_PROXY.
 * Borrowed.
 */
const char *proxy_find(const struct env *env, bool tls);

/* The hosts that are asked without a proxy, as libcurl's CURLOPT_NOPROXY takes them. "" for none. Borrowed.
 */
const char *proxy_exceptions(const struct env *env);

#endif
