#include "net/wiped.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/* Stands before each block. */
struct head {
    alignas(max_align_t) size_t size;
};

static struct head *head_of(void *block)
{
    return (struct head *)block - 1;
}

static void *with_head(struct head *head, size_t size)
{
    if (!head)
        return NULL;
    head->size = size;
    return head + 1;
}

void *wiped_malloc(size_t size)
{
    return size > SIZE_MAX - sizeof(struct head) ? NULL : with_head(malloc(sizeof(struct head) + size), size);
}

void *wiped_calloc(size_t count, size_t size)
{
    if (size && count > (SIZE_MAX - sizeof(struct head)) / size)
        return NULL;
    return with_head(calloc(1, sizeof(struct head) + count * size), count * size);
}

void *wiped_realloc(void *block, size_t size)
{
    if (!block)
        return wiped_malloc(size);
    void *other = wiped_malloc(size);
    if (!other)
        return NULL;
    size_t old_size = head_of(block)->size;
    memcpy(other, block, old_size < size ? old_size : size);
    wiped_free(block);
    return other;
}

void wiped_free(void *block)
{
    if (!block)
        return;
    mem_wipe(block, head_of(block)->size);
    free(head_of(block));
}

char *wiped_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = wiped_malloc(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}
