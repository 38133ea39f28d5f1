#include "format/text_shown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *text, const char *shown)
{
    char out[TEXT_SHOWN_MAX];
    assert_ptr_equal(text_shown(out, text), out);
    assert_string_equal(out, shown);
}

static void test_visible(void **state)
{
    (void)state;
    expect("", "");
    expect("eu-west-1", "eu-west-1");
    expect("a\x1b[31m\r\n\xff", "a\\x1b[31m\\x0d\\x0a\\xff");
    expect("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
}

/* 255 bytes fit; more are cut at a whole character, with "..." at the end. */
static void test_cut(void **state)
{
    (void)state;
    char text[600];
    char shown[TEXT_SHOWN_MAX];
    memset(text, 'a', sizeof text);
    text[255] = '\0';
    expect(text, text);
    text[255] = 'a';
    text[sizeof text - 1] = '\0';
    memset(shown, 'a', 252);
    memcpy(shown + 252, "...", 4);
    expect(text, shown);
    for (size_t i = 1; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xbc", 2);
    text[sizeof text - 1] = '\0';
    text_shown(shown, text);
    assert_int_equal(strlen(shown), 254);
    assert_memory_equal(shown, text, 251);
    assert_string_equal(shown + 251, "...");
    memset(text, '\x01', sizeof text - 1); /* each becomes four bytes */
    text_shown(shown, text);
    assert_int_equal(strlen(shown), 255);
    assert_string_equal(shown + 252, "...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_visible), cmocka_unit_test(test_cut)};
    return cmocka_run_group_tests_name("text_shown", tests, NULL, NULL);
}
