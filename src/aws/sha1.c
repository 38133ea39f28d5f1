#include "aws/sha1.h"

#include <stdint.h>
#include <string.h>

enum { BLOCK = 64, LENGTH_AT = 56, WORDS = 5 };

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return (word << bits) | (word >> (32 - bits));
}

static void add_block(uint32_t state[WORDS], const unsigned char block[BLOCK])
{
    uint32_t w[80];
    for (size_t i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | (uint32_t)block[4 * i + 3];
    for (size_t i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = state[0];
    uint32_t b = state[1];
    uint32_t c = state[2];
    uint32_t d = state[3];
    uint32_t e = state[4];
    for (size_t i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                     : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                     : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                              : (b ^ c ^ d) + 0xca62c1d6;
        uint32_t next = rotate(a, 5) + f + e + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void sha1_hex(const void *data, size_t len, char out[SHA1_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint32_t state[WORDS] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    unsigned char block[BLOCK] = {0};
    const unsigned char *bytes = data;
    size_t left = len;
    for (; left >= BLOCK; left -= BLOCK, bytes += BLOCK)
        add_block(state, bytes);
    if (left)
        memcpy(block, bytes, left);
    block[left] = 0x80;
    if (left >= LENGTH_AT) {
        add_block(state, block);
        memset(block, 0, sizeof block);
    }
    for (size_t i = 0; i < 8; i++)
        block[LENGTH_AT + i] = (unsigned char)((uint64_t)len * 8 >> (56 - 8 * i));
    add_block(state, block);
    for (size_t i = 0; i < SHA1_HEX_SIZE - 1; i++)
        out[i] = digits[state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    out[SHA1_HEX_SIZE - 1] = '\0';
}
