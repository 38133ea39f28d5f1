#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/diff.h"

static char *diff_of(const char *a, const char *b, bool color)
{
    struct buf out = {0};
    struct err err;
    assert_true(diff_unified("old", a, "new", b, color, &out, &err));
    char *text = buf_take(&out);
    return text ? text : text_dup("");
}

static void check(const char *a, const char *b, const char *wanted)
{
    char *got = diff_of(a, b, false);
    assert_string_equal(got, wanted);
    free(got);
}

static void test_equal(void **state)
{
    (void)state;
    check("", "", "");
    check("a\nb\n", "a\nb\n", "");
}

static void test_changes(void **state)
{
    (void)state;
    check("", "a\nb\n", "--- old\n+++ new\n@@ -0,0 +1,2 @@\n+a\n+b\n");
    check("a\nb", "a\nc", "--- old\n+++ new\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
    check("a\n", "", "--- old\n+++ new\n@@ -1 +0,0 @@\n-a\n");
    check("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
          "--- old\n+++ new\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
    check("a\nb\nc\n", "a\nx\nb\ny\nc\n", "--- old\n+++ new\n@@ -1,3 +1,5 @@\n a\n+x\n b\n+y\n c\n");
}

static void test_two_hunks(void **state)
{
    (void)state;
    check(
        "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "one\n2\n3\n4\n5\n6\n7\n8\nnine\n",
        "--- old\n+++ new\n@@ -1,4 +1,4 @@\n-1\n+one\n 2\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+nine\n");
    /* six lines between: one hunk */
    check("1\n2\n3\n4\n5\n6\n7\n8\n", "one\n2\n3\n4\n5\n6\n7\neight\n",
          "--- old\n+++ new\n@@ -1,8 +1,8 @@\n-1\n+one\n 2\n 3\n 4\n 5\n 6\n 7\n-8\n+eight\n");
}

static void test_hostile(void **state)
{
    (void)state;
    check("a\n", "\x1b[2J\xe2\x80\xae\xff\n", "--- old\n+++ new\n@@ -1 +1 @@\n-a\n+\\x1b[2J\\u{202e}\\xff\n");
    char *got = diff_of("a\n", "b\n", true);
    assert_string_equal(got, "\033[1m--- old\033[0m\n\033[1m+++ new\033[0m\n\033[36m@@ -1 +1 @@\033[0m\n"
                             "\033[31m-a\033[0m\n\033[32m+b\033[0m\n");
    free(got);
}

/* Past what a table is made for, all of the middle counts as replaced. */
static void test_large(void **state)
{
    struct buf a = {0}, b = {0};
    (void)state;
    for (int i = 0; i < 3000; i++) {
        buf_addf(&a, "a%d\n", i);
        buf_addf(&b, "b%d\n", i);
    }
    char *got = diff_of(a.data, b.data, false);
    assert_non_null(strstr(got, "@@ -1,3000 +1,3000 @@\n-a0\n-a1\n"));
    assert_non_null(strstr(got, "-a2999\n+b0\n"));
    free(got);
    buf_free(&a);
    buf_free(&b);
}

/* patch(1) makes b of a. */
static void test_patch(void **state)
{
    uint32_t chance = 5;
    (void)state;
    if (system("command -v patch >/dev/null 2>&1") != 0)
        skip();
    for (int round = 0; round < 60; round++) {
        struct buf a = {0}, b = {0}, command = {0};
        char folder[] = "/tmp/diff-XXXXXX", path[64];
        for (int i = 0; i < 40; i++) {
            chance = chance * 1664525u + 1013904223u;
            uint32_t kind = (chance >> 10) % 12;
            if (kind != 0)
                buf_addf(&a, "%d\n", i / 3);
            if (kind != 1)
                buf_addf(&b, "%d\n", kind == 2 ? 99 : i / 3);
        }
        char *diff = diff_of(a.data, b.data, false);
        assert_non_null(mkdtemp(folder));
        const char *const names[] = {"a", "b", "d"};
        const char *const texts[] = {a.data, b.data, diff};
        for (size_t i = 0; i < 3; i++) {
            (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
            FILE *file = fopen(path, "w");
            assert_non_null(file);
            assert_true(fputs(texts[i], file) >= 0);
            assert_int_equal(fclose(file), 0);
        }
        buf_addf(&command, "cd %s && { [ ! -s d ] || patch -s a d; } && cmp a b && rm -r %s", folder, folder);
        assert_int_equal(system(command.data), 0);
        free(diff);
        buf_free(&a);
        buf_free(&b);
        buf_free(&command);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),   cmocka_unit_test(test_changes), cmocka_unit_test(test_two_hunks),
        cmocka_unit_test(test_hostile), cmocka_unit_test(test_large),   cmocka_unit_test(test_patch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
