/* The entropy source of mbedTLS on Linux, over getrandom(2): no file descriptor, works in an empty chroot, and
 * blocks only before the kernel's generator is seeded. It becomes a part of libmbedcrypto.a. */
#include <errno.h>
#include <mbedtls/entropy.h>
#include <sys/random.h>

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen);

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen)
{
    (void)data;
    *olen = 0;
    while (*olen < len) {
        ssize_t got = getrandom(output + *olen, len - *olen, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
        *olen += (size_t)got;
    }
    return 0;
}
