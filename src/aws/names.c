#include "aws/names.h"

#include <stdlib.h>

#include "base/buf.h"

enum { FIRST_CAP = 16 };

bool names_add(struct names *names, const char *name, struct err *err)
{
    if (names->count == names->cap) {
        size_t cap = names->cap ? names->cap * 2 : (size_t)FIRST_CAP;
        char **items = realloc((void *)names->items, cap * sizeof *items);
        if (!items)
            return err_nomem(err);
        names->items = items;
        names->cap = cap;
    }
    names->items[names->count] = text_dup(name);
    return names->items[names->count++] || err_nomem(err);
}

void names_free(struct names *names)
{
    if (!names)
        return;
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free((void *)names->items);
    *names = (struct names){0};
}
