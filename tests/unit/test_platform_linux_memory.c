/* Each allocation failed in turn: a clean error, no leak; and what a file or a command said is nowhere left
 * in memory. */
// link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
#define _GNU_SOURCE 1 /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "alloc.h"
#include "platform/linux.h"

#define SECRET "wJalrXUtnFEMI-K7MDENG"

static char folder[32];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/ssm-enforce-test.XXXXXX");
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink("file");
    return chdir("/") == 0 ? rmdir(folder) : 1;
}

/* True where it worked; where it did not, it is said. */
static bool told(bool ok, const struct err *err, enum err_code code)
{
    if (!ok) {
        assert_int_equal(err->code, code);
        assert_true(err->message[0] != '\0');
    }
    return ok;
}

static bool no_more(void *ctx, const unsigned char *data, size_t len)
{
    (void)data;
    *(size_t *)ctx = len;
    return false;
}

static bool read_secret(void)
{
    struct err err = {0};
    struct buf out = {.secret = true};
    bool ok = told(platform_read_file("file", &out, &err), &err, ERR_IO);
    buf_free(&out);
    return ok;
}

static bool run_secret(void)
{
    struct err err = {0};
    struct buf out = {.secret = true};
    bool ok = platform_run("cat file", 20000, &out, &err);
    if (!ok)
        assert_true(err.code == ERR_NOMEM || err.code == ERR_CONFIG);
    buf_free(&out);
    return ok;
}

static bool split(void)
{
    struct err err = {0};
    struct linux_words words = {0};
    bool ok = told(linux_split_words("a 'b c' d", &words, &err), &err, ERR_NOMEM);
    assert_int_equal(words.count, ok ? 3 : 0);
    linux_words_free(&words);
    return ok;
}

static bool roots(void)
{
    static const char *const paths[] = {"file", NULL};
    size_t len = 0;
    bool ok = linux_roots_from(paths, no_more, &len);
    assert_int_equal(len > 0, ok);
    return ok;
}

static bool log_nobody(void)
{
    struct err err = {0};
    assert_false(linux_log_to("nobody", "a line", true, &err));
    assert_true(err.code == ERR_NOMEM || err.code == ERR_IO);
    return err.code == ERR_IO;
}

static bool home(void)
{
    struct buf out = {0};
    bool ok = platform_home_of_root(&out);
    buf_free(&out);
    return ok;
}

/* Fails while an allocation does, and works when none does. */
static void sweep(bool (*call)(void), size_t least)
{
    bool ok = false;
    size_t failures = 0;
    ALLOC_FAIL_EACH({
        ok = call();
        if (alloc.failed) {
            assert_false(ok);
            failures++;
        }
    })
    assert_true(ok);
    assert_true(failures >= least);
}

static void test_sweep(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf text = {0};
    buf_add_repeat(&text, 'x', 50000);
    buf_add_text(&text, SECRET);
    ALLOC_FAIL_EACH(told(platform_write_file("file", text.data, text.len, &err), &err, ERR_NOMEM))
    ALLOC_FAIL_EACH(told(platform_append_line("file", SECRET, &err), &err, ERR_NOMEM))
    ALLOC_FAIL_EACH(told(platform_make_directory(".", &err), &err, ERR_NOMEM))
    buf_free(&text);

    alloc.secret = SECRET;
    alloc.leaked = false;
    sweep(read_secret, 2);
    sweep(run_secret, 3);
    assert_false(alloc.leaked);
    alloc.secret = NULL;
    sweep(roots, 2);
    sweep(split, 1);
    sweep(log_nobody, 1);
    sweep(home, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sweep, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
