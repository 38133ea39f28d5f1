#ifndef BASE_EMBEDDED_H
#define BASE_EMBEDDED_H

#include <stddef.h>
#include <string.h>

/* Files of profiles/ and deploy/ and the licences ("licenses.txt"), built into the executable. Constant for
 * the life of the program. */
struct embedded_file {
    const char *name; /* path in the repository, "deploy/policy.json" */
    const char *text; /* the file's bytes, NUL-terminated beyond len */
    size_t len;
};

/* An entry of NULLs follows the last one. */
extern const struct embedded_file embedded_files[];
extern const size_t embedded_files_count;

/* The text of a file ("deploy/policy.json"), NULL for a name that is none. */
static inline const char *embedded_text(const char *name)
{
    for (size_t i = 0; i < embedded_files_count; i++)
        if (strcmp(embedded_files[i].name, name) == 0)
            return embedded_files[i].text;
    return NULL;
}

#endif
