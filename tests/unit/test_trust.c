// link: -Wl,--wrap=platform_system_roots
/* Whom a TLS connection is believed, and what is said of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/amazon_roots.h"
#include "net/trust.h"
#include "net_bench.h"
#include "platform/platform.h"

bool __wrap_platform_system_roots(bool (*add)(void *ctx, const unsigned char *data, size_t len), void *ctx);

/* The system's store: the files of the server's folder that are named, and how often it was read. */
static struct {
    const char *files[3];
    int reads;
} store;

bool __wrap_platform_system_roots(bool (*add)(void *ctx, const unsigned char *data, size_t len), void *ctx)
{
    store.reads++;
    for (size_t i = 0; i < 3 && store.files[i]; i++) {
        struct buf file = {0};
        struct err err = {0};
        assert_true(platform_read_file(net_file(store.files[i]), &file, &err));
        bool pem = strstr(store.files[i], ".pem") != NULL;
        assert_true(add(ctx, (const unsigned char *)file.data, file.len + (pem ? 1 : 0)));
        buf_free(&file);
    }
    return store.files[0] != NULL;
}

static void check(struct net_bench *bench, const char *listener, enum err_code code, const char *words)
{
    struct http_reply reply = net_get(bench, net_url("https", listener, "/echo"));
    if (reply.err.code != code || !strstr(reply.err.message, words))
        fail_msg("%s: code %d, '%s' instead of code %d, '%s'", listener, reply.err.code, reply.err.message,
                 code, words);
    assert_int_equal(reply.status, code == ERR_NONE ? 200 : 0);
    http_reply_free(&reply);
}

static void test_accepted(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, "ca.pem");
    check(&bench, "tls", ERR_NONE, "");
    check(&bench, "rsa", ERR_NONE, "");
    assert_non_null(strstr(bench.traced.data, "(TLSv1.3)"));
    assert_null(strstr(bench.traced.data, "(TLSv1.2)"));
    check(&bench, "tls12", ERR_NONE, "");
    assert_non_null(strstr(bench.traced.data, "(TLSv1.2)"));
    char url[64];
    (void)snprintf(url, sizeof url, "https://localhost:%d/echo", net_port("tls"));
    struct http_reply reply = net_get(&bench, url);
    assert_string_equal(reply.err.message, "");
    http_reply_free(&reply);
    net_close(&bench);
}

static void test_refused(void **state)
{
    static const struct {
        const char *listener;
        const char *words;
    } cases[] = {
        {"untrusted", "is not trusted: name its CA with --ca-bundle"},
        {"wronghost", "is for another host"},
        {"expired", "has expired"},
        {"future", "is not valid yet"},
        {"sha1", "is signed with a hash that is too weak"},
        {"rsa1024", "has a key that is too weak"},
        {"client", "is not for a server"},
        {"notca", "is not trusted"},
        {"tls11", "refused the TLS handshake (TLS 1.2 or newer is needed)"},
        {"notls", "does not speak TLS on this port"},
    };
    struct net_bench bench;
    (void)state;
    net_open(&bench, "ca.pem");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char words[128];
        check(&bench, cases[i].listener, ERR_TLS, cases[i].words);
        (void)snprintf(words, sizeof words, "'127.0.0.1:%d'", net_port(cases[i].listener));
        check(&bench, cases[i].listener, ERR_TLS, words);
    }
    net_counts(&bench);
    assert_int_equal(net_count("wronghost.requests"), 0);
    assert_int_equal(net_count("untrusted.requests"), 0);
    net_close(&bench);
}

/* What is lost during a handshake is worth another try. */
static void test_lost_handshake(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, "ca.pem");
    check(&bench, "hangup", ERR_NETWORK, "closed the connection during the TLS handshake");
    check(&bench, "hangupreset", ERR_NETWORK, "was lost");
    net_close(&bench);
}

/* Without a CA bundle the Amazon roots hold, and the system's store for what leads to none of them. */
static void test_system_store(void **state)
{
    struct net_bench bench;
    (void)state;
    memset(&store, 0, sizeof store);
    net_open(&bench, NULL);
    assert_int_equal(store.reads, 0);
    check(&bench, "tls", ERR_TLS, "is not trusted: name its CA with --ca-bundle");
    check(&bench, "rsa", ERR_TLS, "is not trusted");
    assert_int_equal(store.reads, 1);
    net_close(&bench);

    store.files[0] = "none.pem";
    store.files[1] = "other.der";
    store.files[2] = "ca.pem";
    net_open(&bench, NULL);
    check(&bench, "tls", ERR_NONE, "");
    check(&bench, "untrusted", ERR_NONE, "");
    check(&bench, "wronghost", ERR_TLS, "is for another host");
    check(&bench, "expired", ERR_TLS, "has expired");
    check(&bench, "sha1", ERR_TLS, "is signed with a hash that is too weak");
    check(&bench, "notca", ERR_TLS, "is not trusted");
    assert_int_equal(store.reads, 2);
    net_close(&bench);
}

/* A chain that claims to come from an Amazon root is measured by that root alone. */
static void test_false_amazon(void **state)
{
    struct net_bench bench;
    (void)state;
    memset(&store, 0, sizeof store);
    store.files[0] = "ca.pem";
    net_open(&bench, NULL);
    check(&bench, "amazon", ERR_TLS, "is not trusted");
    check(&bench, "amazonchain", ERR_TLS, "is not trusted");
    assert_int_equal(store.reads, 0);
    net_close(&bench);
}

/* A bundle takes the place of both. */
static void test_bundle_alone(void **state)
{
    struct net_bench bench;
    (void)state;
    memset(&store, 0, sizeof store);
    store.files[0] = "ca.pem";
    net_open(&bench, "other.pem");
    check(&bench, "tls", ERR_TLS, "is not trusted");
    check(&bench, "untrusted", ERR_NONE, "");
    assert_int_equal(store.reads, 0);
    net_close(&bench);
}

static void open_bundle(const char *path, enum err_code code, const char *words)
{
    struct trust *trust = NULL;
    struct err err = {0};
    assert_int_equal(trust_open(&trust, path, &err), code == ERR_NONE);
    assert_int_equal(err.code, code);
    if (!strstr(err.message, words))
        fail_msg("'%s' instead of '%s'", err.message, words);
    trust_free(trust);
}

static void test_bundles(void **state)
{
    (void)state;
    open_bundle(NULL, ERR_NONE, "");
    open_bundle(net_file("ca.pem"), ERR_NONE, "");
    open_bundle(net_file("ca.der"), ERR_NONE, "");
    open_bundle(net_file("broken.pem"), ERR_NONE, ""); /* one of two can be read */
    open_bundle(net_file("none.pem"), ERR_CONFIG, "holds no certificate");
    open_bundle(net_file("empty.pem"), ERR_CONFIG, "holds no certificate");
    open_bundle(net_file("missing.pem"), ERR_CONFIG, "missing.pem");
    open_bundle(net_file("."), ERR_CONFIG, "CA bundle");
    trust_free(NULL);
}

static void test_bundle_in_der_form(void **state)
{
    struct net_bench bench;
    (void)state;
    net_open(&bench, "ca.der");
    check(&bench, "tls", ERR_NONE, "");
    net_close(&bench);
}

static void test_words(void **state)
{
    struct err err = {0};
    (void)state;
    assert_int_equal(amazon_roots_count, 5);
    assert_false(trust_explain(0, 0, "h", &err));
    assert_int_equal(err.code, ERR_TLS);
    assert_string_equal(err.message, "the certificate of 'h' can't be verified");
    assert_false(trust_explain(0, 0x7777, "h", &err));
    assert_string_equal(err.message, "the TLS handshake with 'h' failed (mbedTLS error 0x7777)");
    assert_false(trust_explain(0x80000000, 0x7280, "h", &err));
    assert_int_equal(err.code, ERR_TLS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_lost_handshake), cmocka_unit_test(test_system_store),
        cmocka_unit_test(test_false_amazon),   cmocka_unit_test(test_bundle_alone),
        cmocka_unit_test(test_bundles),        cmocka_unit_test(test_bundle_in_der_form),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, net_server_start, net_server_stop);
}
