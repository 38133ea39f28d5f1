/*
 * names.h - a list of names that a service told: regions, roles.
 */
#ifndef AWS_NAMES_H
#define AWS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Owns its names. Starts as {0}, released by names_free. */
struct names {
    char **items;
    size_t count;
    size_t cap;
};

/* Adds a copy. ERR_NOMEM. */
bool names_add(struct names *names, const char *name, struct err *err);
void names_free(struct names *names);

#endif
