// link: -Wl,--wrap=getaddrinfo
/* Look-ups of names that take their time: libcurl does them in threads of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netdb.h>

#include <cmocka.h>

#include "net_bench.h"
#include "platform/platform.h"

int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **out);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **out);

/* "NUMBER.test": found after NUMBER ms, on this machine. */
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **out)
{
    char *end = NULL;
    long time_ms = node ? strtol(node, &end, 10) : 0;
    if (!end || strcmp(end, ".test") != 0)
        return __real_getaddrinfo(node, service, hints, out);
    struct clock clock;
    platform_clock(&clock);
    clock_sleep_ms(&clock, time_ms);
    return __real_getaddrinfo("127.0.0.1", service, hints, out);
}

static const char *url_of(const char *host)
{
    static char url[NET_URL_MAX];
    (void)snprintf(url, sizeof url, "http://%s:%d/echo", host, net_port("plain"));
    return url;
}

/* One that hangs costs no more than the request's own time, not even when the transport is closed. */
static void test_look_up_that_hangs(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, NULL);
    int64_t start_ms = net_now_ms(&bench);
    struct http_reply reply = net_ask(
        &bench, (struct http_request){.method = HTTP_GET, .url = url_of("2000.test"), .timeout_ms = 200});
    assert_int_equal(reply.err.code, ERR_TIMEOUT);
    assert_non_null(strstr(reply.err.message, "no connection to '2000.test:"));
    bench.http.connect(bench.http.ctx, url_of("2001.test"), 2);
    struct clock clock = bench.clock;
    net_close(&bench);
    assert_in_range(clock_mono_ms(&clock) - start_ms, 190, 1000);
    clock_sleep_ms(&clock, 2200); /* the threads end before the sanitizer counts */
}

/* A look-up goes on while other requests are at work. */
static void test_look_up_overlaps(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, NULL);
    int64_t start_ms = net_now_ms(&bench);
    bench.http.connect(bench.http.ctx, url_of("500.test"), 1);
    struct http_reply reply = net_get(&bench, net_url("http", "plain2", "/wait?500"));
    assert_string_equal(reply.err.message, "");
    http_reply_free(&reply);
    reply = net_get(&bench, url_of("500.test"));
    assert_string_equal(reply.err.message, "");
    http_reply_free(&reply);
    assert_in_range(net_now_ms(&bench) - start_ms, 500, 900);
    net_counts(&bench);
    assert_int_equal(net_count("plain.connections"), 1);
    net_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_look_up_that_hangs),
        cmocka_unit_test(test_look_up_overlaps),
    };
    return cmocka_run_group_tests(tests, net_server_start, net_server_stop);
}
