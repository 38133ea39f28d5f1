#ifndef BASE_EMBEDDED_H
#define BASE_EMBEDDED_H

#include <stddef.h>

/* The files of profiles/ and deploy/, built into the executable. Constant for the life of the program. */
struct embedded_file {
    const char *name; /* path in the repository, "deploy/policy.json" */
    const char *text; /* the file's bytes, NUL-terminated beyond len */
    size_t len;
};

/* Sorted by name. An entry of NULLs follows the last one. */
extern const struct embedded_file embedded_files[];
extern const size_t embedded_files_count;

#endif
