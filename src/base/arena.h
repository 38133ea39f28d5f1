/*
 * arena.h - memory for many small texts that are released together: one allocation for hundreds of them.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_block;

/* Owns its texts. Starts as {0}. */
struct arena {
    struct arena_block *block; /* the newest, in which there may be room */
    size_t used;               /* of its bytes */
};

/* A copy of len bytes with a NUL behind them, valid until arena_free. NULL: out of memory, all else is as it
 * was. */
const char *arena_copy(struct arena *arena, const char *text, size_t len);

void arena_free(struct arena *arena);

#endif
