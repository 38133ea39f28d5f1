/*
 * trust.h - whom a TLS connection is believed: the roots, and what is wrong with a certificate, in words.
 */
#ifndef NET_TRUST_H
#define NET_TRUST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* The roots of all connections. */
struct trust;

/*
 * ca_bundle: a PEM (or DER) file whose certificates alone are trusted; ERR_CONFIG: it can't be read or holds
 * none. NULL: the built-in Amazon roots, and the system's store, which is read when a chain leads to none of
 * those. The caller releases it with trust_free, after the connections.
 */
bool trust_open(struct trust **out, const char *ca_bundle, struct err *err);
void trust_free(struct trust *trust);

/*
 * Prepares a connection: `ssl_config` is its mbedtls_ssl_config. Its chain is checked against the roots, with
 * SHA-256 and RSA-2048 or better. What is wrong with the chain is added to *flaws (bits of mbedTLS), which
 * must live as long as the handshake.
 */
void trust_prepare(struct trust *trust, void *ssl_config, uint32_t *flaws);

/* "TLSv1.3" of a connection, an mbedtls_ssl_context. Constant text. */
const char *trust_version(const void *ssl);

/*
 * Says why a handshake with `host` failed: from the flaws of its chain or, where there are none, from
 * mbedTLS's error code (as a positive number, 0: unknown). ERR_TLS, or ERR_NETWORK where the connection was
 * lost. Returns false.
 */
bool trust_explain(uint32_t flaws, long code, const char *host, struct err *err);

#endif
