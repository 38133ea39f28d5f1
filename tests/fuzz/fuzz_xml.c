/* Any bytes as XML: paths and depths within their caps, and the root's end is told last. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/xml_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
    size_t calls;
    size_t stop_at;
    bool root_ended;
};

static bool check(void *ctx, const char *path, const char *text, struct err *err)
{
    struct told *told = ctx;
    size_t depth = 1;
    for (const char *c = path; *c; c++)
        depth += *c == '/';
    if (told->root_ended || depth > XML_DEPTH_MAX || strlen(path) > XML_PATH_MAX)
        abort();
    if (text && (strlen(text) > 128 * 1024 || strspn(text, " \t\r\n") != 0))
        abort();
    const char *slash = strrchr(path, '/');
    if (!xml_path_ends(path, path) || !xml_path_ends(path, slash ? slash + 1 : path))
        abort();
    told->root_ended = depth == 1;
    return ++told->calls != told->stop_at || err_set(err, ERR_SERVICE, "stopped");
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
    bool ok = xml_read(text, size, check, &told, &err);
    if (ok != (err.code == ERR_NONE) || (!ok && err.code != ERR_MALFORMED) || (ok && !told.root_ended))
        abort();
    if (told.calls) {
        struct told stopped = {.stop_at = (told.calls + 1) / 2};
        if (xml_read(text, size, check, &stopped, &err) || err.code != ERR_SERVICE ||
            stopped.calls != stopped.stop_at)
            abort();
    }
    free(text);
    return 0;
}
