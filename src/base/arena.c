#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 16 * 1024 }; /* with malloc's own below four pages and a bit */

struct arena_block {
    struct arena_block *before;
    size_t size; /* of data */
    char data[];
};

const char *arena_copy(struct arena *arena, const char *text, size_t len)
{
    if (!arena->block || arena->block->size - arena->used <= len) {
        size_t size = len < BLOCK_SIZE ? (size_t)BLOCK_SIZE : len + 1;
        struct arena_block *block = malloc(sizeof *block + size);
        if (!block)
            return NULL;
        block->before = arena->block;
        block->size = size;
        arena->block = block;
        arena->used = 0;
    }
    char *copy = memcpy(arena->block->data + arena->used, text, len);
    copy[len] = '\0';
    arena->used += len + 1;
    return copy;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    while (arena->block) {
        struct arena_block *before = arena->block->before;
        free(arena->block);
        arena->block = before;
    }
    *arena = (struct arena){0};
}
