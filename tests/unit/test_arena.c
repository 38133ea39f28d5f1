// link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "base/arena.h"

static void texts_stay_where_they_are(void **state)
{
    enum { COUNT = 3000 };
    struct arena arena = {0};
    const char *copies[COUNT];
    char text[64];
    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < COUNT; i++) {
        text[0] = (char)('a' + i % 26);
        copies[i] = arena_copy(&arena, text, i % sizeof text);
        assert_non_null(copies[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        text[0] = (char)('a' + i % 26);
        assert_memory_equal(copies[i], text, i % sizeof text);
        assert_int_equal(copies[i][i % sizeof text], '\0');
    }
    arena_free(&arena);
    assert_null(arena.block);
    arena_free(&arena);
    arena_free(NULL);
}

/* Texts around the size of a block: each fits with its NUL (the sanitizer looks). */
static void long_texts_have_room(void **state)
{
    struct arena arena = {0};
    char *text = calloc(1, 70001);
    (void)state;
    assert_non_null(text);
    memset(text, 'y', 70000);
    for (size_t len = 16380; len < 16390; len++) {
        const char *copy = arena_copy(&arena, text, len);
        assert_non_null(copy);
        assert_int_equal(strlen(copy), len);
    }
    assert_string_equal(arena_copy(&arena, text, 70000), text);
    assert_string_equal(arena_copy(&arena, "short", 5), "short");
    arena_free(&arena);
    free(text);
}

static void without_memory_all_stays(void **state)
{
    struct arena arena = {0};
    (void)state;
    alloc_fail(0);
    assert_null(arena_copy(&arena, "a", 1));
    assert_true(alloc_done());
    const char *a = arena_copy(&arena, "a", 1);
    assert_string_equal(a, "a");
    char text[20000] = {0};
    alloc_fail(0);
    assert_null(arena_copy(&arena, text, sizeof text));
    assert_true(alloc_done());
    assert_string_equal(arena_copy(&arena, "b", 1), "b");
    assert_string_equal(a, "a");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_stay_where_they_are),
        cmocka_unit_test(long_texts_have_room),
        cmocka_unit_test(without_memory_all_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
