/* Every fault in words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/fault.h"

static void check(struct fault fault, enum err_code code, const char *message)
{
    struct err err = {0};
    fault.host = "h:1";
    if (!fault.detail)
        fault.detail = "some words";
    assert_false(fault_explain(&fault, &err));
    assert_string_equal(err.message, message);
    assert_int_equal(err.code, code);
}

static void test_words(void **state)
{
    (void)state;
    check((struct fault){.kind = FAULT_OTHER}, ERR_NETWORK, "the request to 'h:1' failed: some words");
    check((struct fault){.kind = FAULT_URL}, ERR_CONFIG, "'h:1' is no http or https URL");
    check((struct fault){.kind = FAULT_RESOLVE}, ERR_NETWORK, "cannot resolve host 'h:1'");
    check((struct fault){.kind = FAULT_RESOLVE_PROXY}, ERR_NETWORK,
          "cannot resolve the host of the proxy on the way to 'h:1'");
    check((struct fault){.kind = FAULT_EMPTY}, ERR_NETWORK, "'h:1' closed the connection without an answer");
    check((struct fault){.kind = FAULT_CUT_OFF}, ERR_NETWORK, "the answer of 'h:1' was cut off");
    check((struct fault){.kind = FAULT_LOST}, ERR_NETWORK, "the connection to 'h:1' was lost");
    check((struct fault){.kind = FAULT_NOMEM}, ERR_NOMEM, "out of memory");
}

static void test_connect(void **state)
{
    (void)state;
    check((struct fault){.kind = FAULT_CONNECT, .os_error = ECONNREFUSED}, ERR_NETWORK,
          "connection to 'h:1' refused");
    check((struct fault){.kind = FAULT_CONNECT, .os_error = 10061}, ERR_NETWORK,
          "connection to 'h:1' refused");
    check((struct fault){.kind = FAULT_CONNECT, .os_error = EHOSTUNREACH}, ERR_NETWORK,
          "connection to 'h:1' impossible: no route");
    check((struct fault){.kind = FAULT_CONNECT}, ERR_NETWORK, "connection to 'h:1' impossible");
}

static void test_proxy(void **state)
{
    (void)state;
    check((struct fault){.kind = FAULT_LOST, .proxy_status = 407}, ERR_NETWORK,
          "the proxy refuses a connection to 'h:1' with status 407");
    check((struct fault){.kind = FAULT_LOST, .proxy_status = 200}, ERR_NETWORK,
          "the connection to 'h:1' was lost");
}

static void test_timeout(void **state)
{
    struct fault fault = {.kind = FAULT_TIMEOUT, .timeout_ms = 900, .connect_timeout_ms = 300};
    (void)state;
    check(fault, ERR_TIMEOUT, "no connection to 'h:1' within 300 ms");
    fault.connect_timeout_ms = 1000;
    check(fault, ERR_TIMEOUT, "no connection to 'h:1' within 900 ms");
    fault.connected = true;
    check(fault, ERR_TIMEOUT, "no answer from 'h:1' within 900 ms");
    fault.answered = true;
    check(fault, ERR_TIMEOUT, "the answer of 'h:1' was not complete within 900 ms");
}

static void test_malformed(void **state)
{
    struct http_reply reply = {.headers = {.max = 7, .failed = true}, .body = {.max = 9}};
    struct fault fault = {.kind = FAULT_KEPT_OUT, .reply = &reply};
    (void)state;
    check(fault, ERR_MALFORMED, "the headers of the answer of 'h:1' are larger than 7 bytes");
    reply.headers.failed = false;
    check(fault, ERR_NOMEM, "out of memory");
    reply.body.failed = true;
    check(fault, ERR_MALFORMED, "the answer of 'h:1' is larger than 9 bytes");
    reply.body.max = 0;
    check(fault, ERR_MALFORMED, "the answer of 'h:1' is larger than 8388608 bytes");
    check((struct fault){.kind = FAULT_NO_HTTP}, ERR_MALFORMED, "the answer of 'h:1' is no HTTP: some words");
    check((struct fault){.kind = FAULT_URL, .connected = true}, ERR_MALFORMED,
          "the answer of 'h:1' is no HTTP: some words");
    check((struct fault){.kind = FAULT_LOST, .detail = "bad chunk"}, ERR_MALFORMED,
          "the answer of 'h:1' is no HTTP: bad chunk");
}

static void test_tls(void **state)
{
    (void)state;
    check((struct fault){.kind = FAULT_TLS, .detail = "ssl_handshake returned: (-0x7280) SSL - EOF"},
          ERR_NETWORK, "'h:1' closed the connection during the TLS handshake");
    check((struct fault){.kind = FAULT_TLS, .detail = "ssl_handshake returned: (-0x7780) SSL - alert"},
          ERR_TLS, "'h:1' refused the TLS handshake (TLS 1.2 or newer is needed)");
    check((struct fault){.kind = FAULT_TLS, .detail = "Recv failure: Connection reset by peer"}, ERR_NETWORK,
          "the connection to 'h:1' was lost");
    check((struct fault){.kind = FAULT_TLS, .flaws = 1}, ERR_TLS,
          "the certificate of 'h:1' has expired (or the clock of this machine is wrong)");
    check((struct fault){.kind = FAULT_TLS}, ERR_TLS, "the certificate of 'h:1' can't be verified");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),   cmocka_unit_test(test_connect),   cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_timeout), cmocka_unit_test(test_malformed), cmocka_unit_test(test_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
