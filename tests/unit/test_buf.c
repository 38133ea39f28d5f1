// link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
#define _GNU_SOURCE 1
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "base/buf.h"

static void appends(void **state)
{
    struct buf buf = {0};
    struct err err = {0};
    (void)state;
    assert_string_equal(buf_text(&buf), "");
    assert_true(buf_add(&buf, "ab\0c", 4));
    assert_true(buf_add_text(&buf, "def"));
    assert_true(buf_add_char(&buf, 'g'));
    assert_true(buf_add_repeat(&buf, '-', 3));
    assert_true(buf_add_repeat(&buf, '-', 0));
    assert_true(buf_addf(&buf, "%s%d", "x", 12));
    assert_true(buf_add(&buf, NULL, 0));
    assert_int_equal(buf.len, 14);
    assert_memory_equal(buf.data, "ab\0cdefg---x12", 15);
    assert_true(buf_ok(&buf, "the text", &err));
    buf_free(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    buf_free(NULL);
}

static void grows(void **state)
{
    struct buf buf = {0};
    (void)state;
    for (int i = 0; i < 100000; i++)
        assert_true(buf_addf(&buf, "%05d", i));
    assert_int_equal(buf.len, 500000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(atoi((char[6]){buf.data[i * 5], buf.data[i * 5 + 1], buf.data[i * 5 + 2],
                                        buf.data[i * 5 + 3], buf.data[i * 5 + 4], '\0'}),
                         i);
    assert_true(buf.cap <= buf.len * 2);
    buf_free(&buf);
}

static void stops_at_its_cap(void **state)
{
    struct buf buf = {.max = 10};
    struct err err = {0};
    (void)state;
    assert_true(buf_add_text(&buf, "0123456789"));
    assert_true(buf_add_text(&buf, ""));
    assert_false(buf_add_char(&buf, 'x'));
    assert_true(buf.failed);
    assert_string_equal(buf_text(&buf), "0123456789");
    /* From then on nothing is appended, not even what would fit. */
    assert_false(buf_add_text(&buf, ""));
    assert_false(buf_addf(&buf, "%s", ""));
    assert_false(buf_add_repeat(&buf, 'x', 0));
    assert_false(buf_ok(&buf, "the name", &err));
    assert_int_equal(err.code, ERR_NOMEM);
    assert_non_null(strstr(err.message, "the name"));
    assert_non_null(strstr(err.message, "10 bytes"));
    assert_null(buf_take(&buf));
    assert_false(buf.failed);
    assert_int_equal(buf.max, 10);
    /* A first append over the cap, one that would wrap around, printf over the cap. */
    assert_false(buf_add_repeat(&buf, 'x', 11));
    buf_reset(&buf);
    assert_false(buf_add_repeat(&buf, 'x', SIZE_MAX));
    buf_reset(&buf);
    assert_false(buf_addf(&buf, "%011d", 1));
    buf_reset(&buf);
    assert_true(buf_addf(&buf, "%010d", 1));
    assert_string_equal(buf_text(&buf), "0000000001");
    buf_free(&buf);
}

static void has_a_cap_by_default(void **state)
{
    struct buf buf = {0};
    struct err err = {0};
    (void)state;
    assert_true(buf_add_repeat(&buf, 'x', BUF_MAX_DEFAULT));
    assert_false(buf_add_char(&buf, 'x'));
    assert_false(buf_ok(&buf, "it", &err));
    assert_non_null(strstr(err.message, "8388608 bytes"));
    buf_free(&buf);
}

static void resets_and_hands_out(void **state)
{
    struct buf buf = {0};
    (void)state;
    assert_null(buf_take(&buf));
    buf_reset(&buf);
    buf_add_text(&buf, "first");
    size_t cap = buf.cap;
    buf_reset(&buf);
    assert_string_equal(buf_text(&buf), "");
    assert_int_equal(buf.cap, cap);
    buf_add_text(&buf, "second");
    char *taken = buf_take(&buf);
    assert_string_equal(taken, "second");
    assert_null(buf.data);
    assert_int_equal(buf.cap, 0);
    free(taken);
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    ALLOC_FAIL_EACH({
        struct buf buf = {.secret = alloc_n % 2 != 0};
        struct err err = {0};
        bool ok = true;
        for (int i = 0; i < 100; i++)
            ok = buf_add_text(&buf, "0123456789") && ok;
        assert_int_equal(ok, !alloc.failed);
        assert_int_equal(buf_ok(&buf, "it", &err), ok);
        assert_int_equal(buf.len % 10, 0);
        buf_free(&buf);
    })
    alloc_fail(0);
    assert_null(text_dup("text"));
    assert_true(alloc_done());
}

static void wipes_secrets(void **state)
{
    struct buf buf = {.secret = true};
    (void)state;
    alloc.secret = "wJalrXUtnFEMI";
    buf_add_text(&buf, alloc.secret);
    buf_add_repeat(&buf, '-', 1000); /* outgrows the first block */
    assert_int_equal(strncmp(buf_text(&buf), alloc.secret, strlen(alloc.secret)), 0);
    buf_add_text(&buf, alloc.secret);
    buf_free(&buf);
    assert_false(alloc.leaked);
    /* What stood before a reset is wiped too. */
    buf_add_repeat(&buf, '-', 10);
    buf_add_text(&buf, alloc.secret);
    buf_reset(&buf);
    buf_add_text(&buf, "x");
    buf_free(&buf);
    assert_false(alloc.leaked);
    text_wipe(text_dup(alloc.secret));
    text_wipe(NULL);
    assert_false(alloc.leaked);
    /* The watch itself works. */
    free(text_dup(alloc.secret));
    assert_true(alloc.leaked);
    alloc.secret = NULL;
    alloc.leaked = false;
}

static void reserves(void **state)
{
    struct buf buf = {.max = 5000};
    (void)state;
    buf_reserve(&buf, 5001); /* over the cap: nothing */
    assert_null(buf.data);
    buf_reserve(&buf, 3000);
    assert_string_equal(buf_text(&buf), "");
    const char *place = buf.data;
    buf_add_repeat(&buf, 'x', 3000);
    assert_ptr_equal(buf.data, place);
    assert_int_equal(buf.cap, 3001);
    buf_reserve(&buf, 10); /* there is more already */
    assert_int_equal(buf.cap, 3001);
    buf_reserve(&buf, 5000);
    assert_int_equal(strspn(buf.data, "x"), 3000);
    assert_true(buf_add_repeat(&buf, 'x', 2000));
    assert_false(buf_add_char(&buf, 'x'));
    buf_free(&buf);
    /* No more than a hint: where it fails, appends still tell. */
    alloc_fail(0);
    buf_reserve(&buf, 10);
    assert_true(alloc_done());
    assert_false(buf.failed);
    buf.secret = true;
    alloc.secret = "wJalrXUtnFEMI";
    buf_add_text(&buf, alloc.secret);
    buf_reserve(&buf, 4000);
    assert_string_equal(buf_text(&buf), alloc.secret);
    buf_free(&buf);
    assert_false(alloc.leaked);
    alloc.secret = NULL;
}

static void copies_text(void **state)
{
    char *copy = text_dup("abc");
    (void)state;
    assert_string_equal(copy, "abc");
    free(copy);
    assert_null(text_dup(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends),
        cmocka_unit_test(grows),
        cmocka_unit_test(stops_at_its_cap),
        cmocka_unit_test(has_a_cap_by_default),
        cmocka_unit_test(resets_and_hands_out),
        cmocka_unit_test(survives_failed_allocations),
        cmocka_unit_test(wipes_secrets),
        cmocka_unit_test(reserves),
        cmocka_unit_test(copies_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
