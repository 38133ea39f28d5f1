#include "core/binary.h"

#include <stdint.h>
#include <string.h>

static unsigned read16(const unsigned char *p)
{
    return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static uint32_t read32(const unsigned char *p)
{
    return (uint32_t)read16(p) | (uint32_t)read16(p + 2) << 16;
}

/* System V ABI, ELF header: class, data, OS ABI; e_type and e_machine. */
static const char *elf_target(const unsigned char *p, size_t len)
{
    enum {
        HEADER = 64,
        CLASS_64 = 2,
        LITTLE = 1,
        ABI_LINUX = 3,
        EXECUTABLE = 2,
        SHARED = 3,
        X86_64 = 62,
        AARCH64 = 183
    };
    if (len < HEADER ||
        memcmp(p,
               "\x7f"
               "ELF",
               4) != 0 ||
        p[4] != CLASS_64 || p[5] != LITTLE || (p[7] != 0 && p[7] != ABI_LINUX))
        return NULL;
    unsigned type = read16(p + 16), machine = read16(p + 18);
    if (type != EXECUTABLE && type != SHARED)
        return NULL;
    return machine == X86_64 ? "linux-x86_64" : machine == AARCH64 ? "linux-aarch64" : NULL;
}

/* PE format: the MS-DOS stub says where the signature is; Machine and Characteristics of the COFF header. */
static const char *pe_target(const unsigned char *p, size_t len)
{
    enum {
        STUB = 64,
        AT = 0x3c,
        HEADER = 24,
        X86_64 = 0x8664,
        AARCH64 = 0xaa64,
        EXECUTABLE = 0x2,
        LIBRARY = 0x2000
    };
    if (len < STUB || memcmp(p, "MZ", 2) != 0)
        return NULL;
    size_t at = read32(p + AT);
    if (at > len || len - at < HEADER || memcmp(p + at, "PE\0", 4) != 0)
        return NULL;
    unsigned machine = read16(p + at + 4), kind = read16(p + at + 22);
    if (!(kind & EXECUTABLE) || (kind & LIBRARY))
        return NULL;
    return machine == X86_64 ? "windows-x86_64" : machine == AARCH64 ? "windows-aarch64" : NULL;
}

bool binary_target(const void *data, size_t len, const char **target, struct err *err)
{
    const char *found = elf_target(data, len);
    if (!found)
        found = pe_target(data, len);
    if (!found)
        return err_set(err, ERR_CONFIG,
                       "no executable for Linux or Windows on x86_64 or aarch64 (by its ELF or PE header)");
    *target = found;
    return true;
}
