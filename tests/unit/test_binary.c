#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/binary.h"

static void make_elf(unsigned char out[64], unsigned char type, unsigned char machine)
{
    memset(out, 0, 64);
    memcpy(out,
           "\x7f"
           "ELF\x02\x01\x01\x00",
           8);
    out[16] = type;
    out[18] = machine;
}

static void make_pe(unsigned char out[160], unsigned machine, unsigned kind)
{
    memset(out, 0, 160);
    memcpy(out, "MZ", 2);
    out[0x3c] = 0x80;
    memcpy(out + 0x80, "PE\0", 4);
    out[0x84] = (unsigned char)machine;
    out[0x85] = (unsigned char)(machine >> 8);
    out[0x80 + 22] = (unsigned char)kind;
    out[0x80 + 23] = (unsigned char)(kind >> 8);
}

static void assert_target(const unsigned char *data, size_t len, const char *wanted)
{
    const char *target = NULL;
    struct err err = {0};
    bool ok = binary_target(data, len, &target, &err);
    assert_int_equal(ok, wanted != NULL);
    if (wanted)
        assert_string_equal(target, wanted);
    else
        assert_int_equal(err.code, ERR_CONFIG);
}

static void test_elf(void **state)
{
    unsigned char elf[64];
    (void)state;
    make_elf(elf, 2, 62);
    assert_target(elf, 64, "linux-x86_64");
    assert_target(elf, 63, NULL);
    make_elf(elf, 3, 183);
    assert_target(elf, 64, "linux-aarch64");
    elf[7] = 3;
    assert_target(elf, 64, "linux-aarch64");
    elf[7] = 9; /* FreeBSD */
    assert_target(elf, 64, NULL);
    make_elf(elf, 3, 40); /* Arm of 32 bits */
    assert_target(elf, 64, NULL);
    make_elf(elf, 1, 62); /* an object file */
    assert_target(elf, 64, NULL);
    make_elf(elf, 2, 62);
    elf[4] = 1;
    assert_target(elf, 64, NULL);
    make_elf(elf, 2, 62);
    elf[5] = 2;
    assert_target(elf, 64, NULL);
}

static void test_pe(void **state)
{
    unsigned char pe[160];
    (void)state;
    make_pe(pe, 0x8664, 0x22);
    assert_target(pe, 160, "windows-x86_64");
    assert_target(pe, 0x80 + 24, "windows-x86_64");
    assert_target(pe, 0x80 + 23, NULL);
    make_pe(pe, 0xaa64, 0x22);
    assert_target(pe, 160, "windows-aarch64");
    make_pe(pe, 0x14c, 0x22); /* i386 */
    assert_target(pe, 160, NULL);
    make_pe(pe, 0x8664, 0x2022); /* a library */
    assert_target(pe, 160, NULL);
    make_pe(pe, 0x8664, 0x20);
    assert_target(pe, 160, NULL);
    make_pe(pe, 0x8664, 0x22);
    pe[0x3f] = 0xff; /* far beyond the end */
    assert_target(pe, 160, NULL);
    make_pe(pe, 0x8664, 0x22);
    pe[0x80] = 'Q';
    assert_target(pe, 160, NULL);
}

static void test_others(void **state)
{
    (void)state;
    assert_target((const unsigned char *)"", 0, NULL);
    assert_target((const unsigned char *)"#!/bin/sh\n", 10, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elf),
        cmocka_unit_test(test_pe),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
