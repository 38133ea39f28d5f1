/*
 * alloc.h - allocations that fail when a test says so, and a look at memory when it is released. For one test
 * executable, which is linked with
 *
 *     // link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
 *
 * so that what our own code and the static libraries ask for comes through here.
 */
#ifndef TESTS_ALLOC_H
#define TESTS_ALLOC_H

#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_MAKE_MEM_DEFINED(data, size) ((void)(data), (void)(size))
#endif

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *data, size_t size);
void __real_free(void *data);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *data, size_t size);
void __wrap_free(void *data);

static struct {
    size_t left;        /* so many allocations succeed, then one fails */
    bool armed;         /* one is going to fail */
    bool failed;        /* it did */
    size_t total;       /* so many did in all */
    const char *secret; /* bytes that must not be in memory that is given back, NULL: nobody looks */
    bool leaked;        /* they were */
} alloc;

/* The next `after` allocations succeed and the one behind them fails, all later ones succeed. */
static inline void alloc_fail(size_t after)
{
    alloc.left = after;
    alloc.armed = true;
    alloc.failed = false;
}

/* No allocation fails any more. True if one did. */
static inline bool alloc_done(void)
{
    alloc.armed = false;
    return alloc.failed;
}

/* Runs `call` with each allocation failed in turn; ends with the first run in which none was left to fail. */
#define ALLOC_FAIL_EACH(call)                                                                                \
    for (size_t alloc_n = 0;; alloc_n++) {                                                                   \
        alloc_fail(alloc_n);                                                                                 \
        call;                                                                                                \
        if (!alloc_done())                                                                                   \
            break;                                                                                           \
    }

static inline bool alloc_fails(void)
{
    if (!alloc.armed || alloc.left-- > 0)
        return false;
    alloc.armed = false;
    alloc.failed = true;
    alloc.total++;
    return true;
}

__attribute__((destructor)) static void alloc_tell(void)
{
    if (alloc.total)
        printf("figure: %zu allocations failed in turn\n", alloc.total);
}

static inline void alloc_look(const void *data)
{
    if (!data || !alloc.secret)
        return;
    size_t size = malloc_usable_size((void *)(uintptr_t)data);
    VALGRIND_MAKE_MEM_DEFINED(data, size); /* not all of it was ever written */
    if (memmem(data, size, alloc.secret, strlen(alloc.secret)))
        alloc.leaked = true;
}

/* What others (stdio, say) left in a new block from byte `from` on is not ours. */
static inline void *alloc_scrub(void *data, size_t from)
{
    if (data && alloc.secret && malloc_usable_size(data) > from)
        memset((char *)data + from, 0xa5, malloc_usable_size(data) - from);
    return data;
}

void *__wrap_malloc(size_t size)
{
    return alloc_fails() ? NULL : alloc_scrub(__real_malloc(size), 0);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return alloc_fails() ? NULL : __real_calloc(count, size);
}

/* May move the block and leave its bytes behind, so it counts as a release. */
void *__wrap_realloc(void *data, size_t size)
{
    alloc_look(data);
    size_t had = data ? malloc_usable_size(data) : 0;
    return alloc_fails() ? NULL : alloc_scrub(__real_realloc(data, size), had);
}

void __wrap_free(void *data)
{
    alloc_look(data);
    __real_free(data);
}

#endif
