/*
 * sha1.h - SHA-1 (RFC 3174), by which the AWS command line names the files of its cache, and for nothing
 * else: it protects nothing.
 */
#ifndef AWS_SHA1_H
#define AWS_SHA1_H

#include <stddef.h>

enum { SHA1_HEX_SIZE = 41 };

/* The digest of data in lower-case hexadecimal digits. */
void sha1_hex(const void *data, size_t len, char out[SHA1_HEX_SIZE]);

#endif
