#include "aws/sha1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *data, size_t len, const char *digest)
{
    char hex[SHA1_HEX_SIZE];
    sha1_hex(data, len, hex);
    assert_string_equal(hex, digest);
}

/* The vectors of FIPS 180, and every length around the padding's edge. */
static void test_vectors(void **state)
{
    (void)state;
    char as[120];
    memset(as, 'a', sizeof as);
    expect("", 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    expect("abc", 3, "a9993e364706816aba3e25717850c26c9cd0d89d");
    expect("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
           "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    expect(as, 55, "c1c8bbdc22796e28c0e15163d20899b65621d65a");
    expect(as, 56, "c2db330f6083854c99d4b5bfb6e8f29f201be699");
    expect(as, 63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5");
    expect(as, 64, "0098ba824b5c16427bd7a1122a5a442a25ec644d");
    expect(as, 65, "11655326c708d70319be2610e8a57d9a5b959d3b");
    expect(as, 119, "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56");
    expect(as, 120, "f34c1488385346a55709ba056ddd08280dd4c6d6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};
    return cmocka_run_group_tests_name("sha1", tests, NULL, NULL);
}
