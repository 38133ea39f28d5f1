/* Any bytes as a shared config file: what is told is text, keys are never empty but at a section's beginning.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/ini_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
    size_t calls;
    size_t stop_at;
    bool in_section;
};

static bool check(void *ctx, const char *section, const char *key, const char *value, struct err *err)
{
    struct told *told = ctx;
    if (!*key && *value)
        abort();
    if (*key && !told->in_section)
        abort();
    for (const char *c = key; *c && *c != '.'; c++)
        if (*c >= 'A' && *c <= 'Z')
            abort();
    if (strlen(section) > 65536 || strchr(section, '\n') || strchr(key, '\n'))
        abort();
    told->in_section = true;
    return ++told->calls != told->stop_at || err_set(err, ERR_CONFIG, "stopped");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct told told = {0};
    struct err err = {0};
    char *text = malloc(size ? size : 1); /* of just this size: a byte that is read too far is seen */
    if (!text)
        abort();
    if (size > 0)
        memcpy(text, data, size);
    if (!ini_read(text, size, check, &told, &err) &&
        (err.code != ERR_MALFORMED || strncmp(err.message, "line ", 5) != 0))
        abort();
    if (told.calls) {
        struct told stopped = {.stop_at = (told.calls + 1) / 2};
        if (ini_read(text, size, check, &stopped, &err) || err.code != ERR_CONFIG ||
            stopped.calls != stopped.stop_at)
            abort();
    }
    free(text);
    return 0;
}
