/*
 * net_bench.h - the real transport against http_server.py, for test_http.c and test_trust.c.
 */
#ifndef TESTS_NET_BENCH_H
#define TESTS_NET_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "fake.h"
#include "net/http.h"

enum { NET_URL_MAX = 256 };

struct net_bench {
    struct http http;
    struct http_config config;
    struct fake fake;   /* for its environment */
    struct clock clock; /* the real one */
    struct trace trace;
    struct buf traced; /* all that was traced, a line each */
};

/* Group set-up and tear-down: the server runs. */
int net_server_start(void **state);
int net_server_stop(void **state);

/* Opens the transport with the server's CA, the file `ca` in the server's folder; NULL: with none. Forgets
 * all counts. */
void net_open(struct net_bench *bench, const char *ca);
void net_close(struct net_bench *bench);

/* The path of a file in the server's folder. In a static buffer. */
const char *net_file(const char *name);

/* The URL of a listener: scheme "http" or "https". In one of a few static buffers, overwritten in turn. */
const char *net_url(const char *scheme, const char *listener, const char *path);
int net_port(const char *listener);

/* One request; the caller frees the reply. */
struct http_reply net_ask(struct net_bench *bench, struct http_request request);
struct http_reply net_get(struct net_bench *bench, const char *url);

/* The server's count of "tls.connections", "tls.handshakes", "tls.requests" and so on since the last
 * net_counts. */
void net_counts(struct net_bench *bench);
int net_count(const char *name);

int64_t net_now_ms(const struct net_bench *bench);
void net_sleep_ms(const struct net_bench *bench, int64_t time_ms);

#endif
