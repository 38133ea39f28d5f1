#include "net/wiped.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#ifndef __clang__ /* gcc 12 takes a pointer into a block for its loss */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

/* A block with its size before it. */
struct block {
    size_t size;
    alignas(max_align_t) unsigned char data[];
};

static struct block *block_of(void *data)
{
    return (struct block *)(void *)((unsigned char *)data - offsetof(struct block, data));
}

void *wiped_malloc(size_t size)
{
    struct block *block = size > SIZE_MAX - sizeof *block ? NULL : malloc(sizeof *block + size);
    if (!block)
        return NULL;
    block->size = size;
    return block->data;
}

void *wiped_calloc(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    void *data = wiped_malloc(count * size);
    if (data)
        memset(data, 0, count * size);
    return data;
}

void *wiped_realloc(void *data, size_t size)
{
    if (!data)
        return wiped_malloc(size);
    void *other = wiped_malloc(size);
    if (!other)
        return NULL;
    size_t old_size = block_of(data)->size;
    memcpy(other, data, old_size < size ? old_size : size);
    wiped_free(data);
    return other;
}

void wiped_free(void *data)
{
    if (!data)
        return;
    mem_wipe(data, block_of(data)->size);
    free(block_of(data));
}

char *wiped_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = wiped_malloc(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}
