#ifndef NET_AMAZON_ROOTS_H
#define NET_AMAZON_ROOTS_H

#include <stddef.h>

/* The roots that AWS endpoints' certificates chain to (Amazon Root CA 1 to 4, Starfield Services Root CA -
 * G2), as Mozilla's trust store has them; made at build time from src/net/roots/. DER, so that they can be
 * parsed without a copy. Constant for the life of the program. */
struct amazon_root {
    const unsigned char *der;
    size_t len;
};

extern const struct amazon_root amazon_roots[];
extern const size_t amazon_roots_count;

#endif
