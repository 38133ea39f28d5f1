/*
 * wiped.h - an allocator that overwrites what is released.
 *
 * libcurl keeps copies of keys, tokens and the headers they stand in, and frees them as they are.
 */
#ifndef NET_WIPED_H
#define NET_WIPED_H

#include <stddef.h>

/* As malloc, calloc, realloc, free and strdup. Blocks of the one kind can't be released by the other. */
void *wiped_malloc(size_t size);
void *wiped_calloc(size_t count, size_t size);
void *wiped_realloc(void *data, size_t size);
void wiped_free(void *data);
char *wiped_strdup(const char *text);

#endif
