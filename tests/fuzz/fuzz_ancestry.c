/* What an ancestor process says of itself: no id that is not made of a session id's characters, no negative
 * parent. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "platform/ancestry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char id[PLATFORM_SESSION_ID_MAX + 1])
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@+=,-";
    size_t len = strlen(id);
    if (len < 1 || len > PLATFORM_SESSION_ID_MAX || strspn(id, allowed) != len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char id[PLATFORM_SESSION_ID_MAX + 1];
    int32_t parent;
    /* Copies of just this size: the sanitizer sees a byte that is read too far. */
    char *exact = malloc(size ? size : 1);
    char *text = malloc(size + 1);
    if (!exact || !text)
        abort();
    if (size > 0)
        memcpy(exact, data, size);
    if (ancestry_worker_arguments(exact, size, id))
        check(id);
    if (ancestry_stat_parent(exact, size, &parent) && parent < 0)
        abort();
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (ancestry_worker_command_line(text, id))
        check(id);
    free(exact);
    free(text);
    return 0;
}
