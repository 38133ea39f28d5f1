#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "format/text.h"

static uint32_t seed = 1;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

static void decodes_every_code_point(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        char utf8[5] = {0};
        uint32_t back = 1;
        size_t size = text_encode(c, utf8);
        bool surrogate = c >= 0xd800 && c <= 0xdfff;
        size_t want = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        assert_int_equal(size, want);
        assert_int_equal(text_decode(utf8, 5, &back), surrogate ? 0 : size);
        if (surrogate)
            continue;
        assert_int_equal(back, c);
        assert_int_equal(text_decode(utf8, size - 1, &back), 0);
    }
}

/* Every sequence of two bytes, and the well-formed table of the Unicode standard (3-7) at its edges. */
static void refuses_what_is_no_utf8(void **state)
{
    static const char *const BAD[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x7f",
        "\xc2\xc0",
        "\xe0\x9f\xbf",
        "\xe0\x80\x80",
        "\xe1\x80",
        "\xe1\x80\x7f",
        "\xe1\x80\xc0",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x90\x80",
        "\xf0\x90",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xfe",
        "\xf8\x88\x80\x80\x80",
    };
    uint32_t c = 0;
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        assert_int_equal(text_decode(BAD[i], strlen(BAD[i]), &c), 0);
    assert_int_equal(text_decode("", 0, &c), 0);
    assert_int_equal(text_decode("", 1, &c), 1);
    for (unsigned a = 0x80; a < 0x100; a++) {
        for (unsigned b = 0; b < 0x100; b++) {
            char two[2] = {(char)a, (char)b};
            bool good = a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf;
            assert_int_equal(text_decode(two, 2, &c), good ? 2 : 0);
        }
    }
}

static char *visible(const char *text, size_t len)
{
    struct buf out = {0};
    text_visible(&out, text, len);
    buf_add(&out, "", 0);
    assert_false(out.failed);
    return buf_take(&out);
}

static void assert_visible(const char *text, size_t len, const char *want)
{
    char *got = visible(text, len);
    assert_string_equal(got, want);
    free(got);
}

static void makes_hidden_characters_visible(void **state)
{
    static const struct {
        const char *text, *want;
    } CASES[] = {
        {"", ""},
        {"plain text, \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
         "plain text, \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\x1b[2J\x07", "\\x1b[2J\\x07"},
        {"a\tb\r\nc\x7f", "a\\x09b\\x0d\\x0ac\\x7f"},
        {"\xc2\x9b"
         "31m\xc2\x85",
         "\\x9b31m\\x85"},
        {"\x9b\xff\xc3", "\\x9b\\xff\\xc3"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
        {"\xe2\x80\xae"
         "abc\xe2\x80\xac",
         "\\u{202e}abc\\u{202c}"},
        {"\xe2\x81\xa6\xd8\x9c\xe2\x80\x8e", "\\u{2066}\\u{061c}\\u{200e}"},
        {"a\xe2\x80\x8b"
         "b\xef\xbb\xbf\xe2\x81\xa0\xc2\xad",
         "a\\u{200b}b\\u{feff}\\u{2060}\\u{00ad}"},
        {"\xe2\x80\xa8\xe2\x80\xa9", "\\u{2028}\\u{2029}"},
        {"\xf3\xa0\x81\xa1\xf3\xa0\x80\x81", "\\u{e0061}\\u{e0001}"},
        {"\xc2\xa0\xe3\x80\x80", "\xc2\xa0\xe3\x80\x80"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        assert_visible(CASES[i].text, strlen(CASES[i].text), CASES[i].want);
    assert_visible("a\0b", 3, "a\\x00b");
    assert_visible("abc", 2, "ab");
}

static void knows_what_is_hidden(void **state)
{
    /* Both ends of ranges, and their neighbours that are seen. */
    static const uint32_t HIDDEN[] = {0,       0x1f,    0x7f,    0x9f,    0xad,    0x600,   0x605,
                                      0x61c,   0x180e,  0x200b,  0x200f,  0x2028,  0x202e,  0x2060,
                                      0x206f,  0xfeff,  0xfff9,  0xfffb,  0x110bd, 0x13430, 0x1343f,
                                      0x1bca0, 0x1d17a, 0xe0000, 0xe0001, 0xe007f, 0xe0fff};
    static const uint32_t SEEN[] = {0x20,    0x7e,    0xa0,    0xac,    0xae,    0x5ff,   0x606,   0x61b,
                                    0x200a,  0x2010,  0x2027,  0x202f,  0x205f,  0x2070,  0xfffc,  0xfffd,
                                    0x110bc, 0x1f600, 0x1d172, 0x1d17b, 0xdffff, 0xe1000, 0x10ffff};
    (void)state;
    for (size_t i = 0; i < sizeof HIDDEN / sizeof HIDDEN[0]; i++)
        assert_true(text_hidden(HIDDEN[i]));
    for (size_t i = 0; i < sizeof SEEN / sizeof SEEN[0]; i++)
        assert_false(text_hidden(SEEN[i]));
}

/* Whatever goes in: what comes out is UTF-8, has nothing hidden, and comes out of a second time as it is. */
static void what_is_visible_stays_so(void **state)
{
    (void)state;
    for (int run = 0; run < 20000; run++) {
        char text[64];
        size_t len = draw(sizeof text);
        for (size_t i = 0; i < len; i++)
            text[i] = (char)(draw(3) ? draw(256) : 0x80 + draw(0x80));
        char *once = visible(text, len);
        size_t once_len = strlen(once);
        uint32_t c = 0;
        for (size_t i = 0, size = 0; i < once_len; i += size) {
            size = text_decode(once + i, once_len - i, &c);
            assert_true(size > 0 && !text_hidden(c));
        }
        assert_visible(once, once_len, once);
        free(once);
    }
}

static void counts_columns(void **state)
{
    (void)state;
    assert_int_equal(text_columns("", 0), 0);
    assert_int_equal(text_columns("abc", 3), 3);
    assert_int_equal(text_columns("abc", 2), 2);
    assert_int_equal(text_columns("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9), 3);
    assert_int_equal(text_columns("\xff\xc3", 2), 2);
}

struct glob_case {
    const char *pattern, *text;
    bool matches;
};

static void check_globs(const struct glob_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_glob(cases[i].pattern, cases[i].text) != cases[i].matches)
            fail_msg("\"%s\" and \"%s\"", cases[i].pattern, cases[i].text);
}

static void matches_globs(void **state)
{
    static const struct glob_case CASES[] = {
        {"", "", true},
        {"", "a", false},
        {"a", "", false},
        {"abc", "abc", true},
        {"abc", "ABC", false},
        {"abc", "abcd", false},
        {"abcd", "abc", false},
        {"*", "", true},
        {"*", "anything / at:all\n", true},
        {"**", "", true},
        {"a*", "a", true},
        {"*a", "ba", true},
        {"*a", "ab", false},
        {"a*b*c", "aXbXbXc", true},
        {"a*b*c", "aXcXb", false},
        {"*ab", "aab", true},
        {"*aab*", "aaaab", true},
        {"?", "", false},
        {"?", "a", true},
        {"?", "ab", false},
        {"??", "\xc3\xa4\xe2\x82\xac", true},
        {"?", "\xc3\xa4", true},
        {"??", "\xc3\xa4", false},
        {"*??", "\xc3\xa4", false},
        {"?", "\xff", true},
        {"\xc3\xa4*", "\xc3\xa4x", true},
        {"?*", "", false},
        {"*?", "a", true},
        {"arn:aws:sts::123456789012:assumed-role/*/ansible-*",
         "arn:aws:sts::123456789012:assumed-role/ops/ansible-7", true},
        {"*:assumed-role/admin/*", "arn:aws:sts::123456789012:assumed-role/admins/x", false},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"\\a\\?\\[\\\\", "a?[\\", true},
        {"a\\", "a\\", true},
        {"a\\", "a", false},
        {"\\\xc3\xa4", "\xc3\xa4", true},
    };
    (void)state;
    check_globs(CASES, sizeof CASES / sizeof CASES[0]);
}

static void matches_sets(void **state)
{
    static const struct glob_case CASES[] = {
        {"[abc]", "b", true},
        {"[abc]", "d", false},
        {"[abc]", "", false},
        {"[abc]", "ab", false},
        {"[a-c]x", "bx", true},
        {"[a-c]", "d", false},
        {"[a-c]", "-", false},
        {"[!a-c]", "d", true},
        {"[!a-c]", "b", false},
        {"[!a-c]", "", false},
        {"[!!]", "!", false},
        {"[!!]", "a", true},
        {"[a!]", "!", true},
        {"[^a]", "^", true},
        {"[^a]", "b", false},
        {"[c-a]", "b", false},
        {"[c-a]", "c", false},
        {"[!c-a]", "b", true},
        {"[a-]", "-", true},
        {"[a-]", "a", true},
        {"[-a]", "-", true},
        {"[!-a]", "-", false},
        {"[!-a]", "b", true},
        {"[a-c-e]", "b", true},
        {"[a-c-e]", "-", true},
        {"[a-c-e]", "e", true},
        {"[a-c-e]", "d", false},
        {"[--0]", ".", true},
        {"[--0]", "1", false},
        {"[]]", "]", true},
        {"[]a]", "a", true},
        {"[!]]", "]", false},
        {"[!]]", "a", true},
        {"[]-a]", "^", true},
        {"[]", "[]", true},
        {"[]", "]", false},
        {"[!]", "[!]", true},
        {"[!]", "a", false},
        {"[", "[", true},
        {"[a", "[a", true},
        {"[a", "a", false},
        {"[!", "[!", true},
        {"a[", "a[", true},
        {"[[", "[[", true},
        {"]", "]", true},
        {"[[]", "[", true},
        {"[*]", "*", true},
        {"[*]", "a", false},
        {"[?]", "?", true},
        {"[\\]", "\\", true},
        {"[\\]]", "\\]", true},
        {"\\[a]", "[a]", true},
        {"[\xc3\xa0-\xc3\xbc]", "\xc3\xa4", true},
        {"[\xc3\xa0-\xc3\xbc]", "\xc3\xbd", false},
        {"[\xc3\xa4]", "\xc3", false},
        {"[!a]", "\xc3\xa4", true},
        {"[!a][!a]", "\xc3\xa4", false},
        {"*[!a]?", "\xc3\xa4", false},
        {"*[0-9]", "abc7", true},
        {"*[0-9]x", "a1b2x", true},
    };
    (void)state;
    check_globs(CASES, sizeof CASES / sizeof CASES[0]);
}

/* The same by the definition: slow, recursive, bytes only. */
static bool naive_set(const char *set, const char *end, char c)
{
    const char *p = set + (*set == '!');
    bool found = false;
    while (p < end) {
        if (end - p >= 3 && p[1] == '-') {
            found = found || (p[0] <= c && c <= p[2]);
            p += 3;
        } else {
            found = found || *p == c;
            p++;
        }
    }
    return found != (*set == '!');
}

static bool naive_glob(const char *pattern, const char *text)
{
    if (!*pattern)
        return !*text;
    if (*pattern == '*')
        return naive_glob(pattern + 1, text) || (*text && naive_glob(pattern, text + 1));
    if (!*text)
        return false;
    if (*pattern == '?')
        return naive_glob(pattern + 1, text + 1);
    if (*pattern == '[') {
        size_t first = pattern[1] == '!' ? 2 : 1;
        const char *end = pattern[first] ? strchr(pattern + first + 1, ']') : NULL;
        if (end)
            return naive_set(pattern + 1, end, *text) && naive_glob(end + 1, text + 1);
    }
    if (*pattern == '\\' && pattern[1])
        pattern++;
    return *pattern == *text && naive_glob(pattern + 1, text + 1);
}

static void draw_text(char *text, size_t most, const char *alphabet)
{
    size_t len = draw((uint32_t)most + 1);
    for (size_t i = 0; i < len; i++)
        text[i] = alphabet[draw((uint32_t)strlen(alphabet))];
    text[len] = '\0';
}

static void matches_as_the_definition_says(void **state)
{
    size_t matched = 0;
    (void)state;
    for (int run = 0; run < 300000; run++) {
        char pattern[16];
        char text[16];
        draw_text(pattern, 10, "aabbc**?[[]]!-\\");
        draw_text(text, 8, "aaabbc-]![\\");
        bool want = naive_glob(pattern, text);
        matched += want;
        if (text_glob(pattern, text) != want)
            fail_msg("\"%s\" and \"%s\"", pattern, text);
    }
    assert_true(matched > 10000);
}

/* Each is done in well below a second; valgrind takes some. What backtracks takes minutes or for ever. */
static double seconds_for(const char *pattern, const char *text, bool want)
{
    clock_t start = clock();
    assert_int_equal(text_glob(pattern, text), want);
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

static void no_pattern_blows_up(void **state)
{
    enum { TEXT = 100000, PATTERN = 200 };
    static char text[TEXT + 1];
    static char pattern[2 * PATTERN + 1];
    (void)state;
    memset(text, 'a', TEXT);
    assert_true(seconds_for("*a*a*a*a*a*a*b", text, false) < 20);
    assert_true(seconds_for("*a*a*a*a*a*a*a", text, true) < 20);
    assert_true(seconds_for("*?*?*[a]*[!b]*?b", text, false) < 20);
    for (size_t i = 0; i < PATTERN; i++)
        memcpy(pattern + 2 * i, "*a", 2);
    assert_true(seconds_for(pattern, text, true) < 20);
    pattern[2 * PATTERN - 1] = 'b';
    assert_true(seconds_for(pattern, text, false) < 20);
    /* Brackets without end must not be searched to the end of the pattern each time. */
    memset(pattern, '[', 2 * PATTERN);
    pattern[0] = '*';
    pattern[2 * PATTERN - 1] = 'x';
    memset(text, '[', TEXT);
    assert_true(seconds_for(pattern, text, false) < 20);
}

static void reads_numbers(void **state)
{
    static const char *const BAD[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1x",
                                      "x",
                                      "0x1",
                                      "1.0",
                                      "1e3",
                                      "101",
                                      "9223372036854775808",
                                      "18446744073709551617",
                                      "99999999999999999999999999"};
    int64_t out = 42;
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_false(text_number(BAD[i], 0, 100, &out));
        assert_int_equal(out, 42);
    }
    assert_false(text_number("4", 5, 9, &out));
    assert_false(text_number("10", 5, 9, &out));
    assert_true(text_number("5", 5, 9, &out) && out == 5);
    assert_true(text_number("9", 5, 9, &out) && out == 9);
    assert_true(text_number("0007", 5, 9, &out) && out == 7);
    assert_true(text_number("0", 0, 0, &out) && out == 0);
    assert_true(text_number("9223372036854775807", 0, INT64_MAX, &out) && out == INT64_MAX);
    assert_false(text_number("9223372036854775808", 0, INT64_MAX, &out));
    assert_false(text_number("9223372036854775810", 0, INT64_MAX, &out));
}

static void compares_without_case(void **state)
{
    (void)state;
    assert_true(text_same_nocase("", ""));
    assert_true(text_same_nocase("Content-TYPE", "content-type"));
    assert_true(text_same_nocase("az09-_", "AZ09-_"));
    assert_false(text_same_nocase("a", "ab"));
    assert_false(text_same_nocase("ab", "a"));
    assert_false(text_same_nocase("a", "b"));
    /* Neighbours of the letters, and letters that are not ASCII. */
    assert_false(text_same_nocase("@", "`"));
    assert_false(text_same_nocase("[", "{"));
    assert_false(text_same_nocase("\xc3\x84", "\xc3\xa4"));
}

static void percent_encodes(void **state)
{
    struct buf out = {0};
    (void)state;
    text_percent_encode(&out, "AZaz09-._~", 10, false);
    assert_string_equal(buf_text(&out), "AZaz09-._~");
    buf_reset(&out);
    text_percent_encode(&out, "a b/c+*'%\xc3\xa4\n\0=&", 15, false);
    assert_string_equal(buf_text(&out), "a%20b%2Fc%2B%2A%27%25%C3%A4%0A%00%3D%26");
    buf_reset(&out);
    text_percent_encode(&out, "/a/b", 4, true);
    assert_string_equal(buf_text(&out), "/a/b");
    buf_free(&out);
}

static void percent_decodes(void **state)
{
    static const char *const BAD[] = {"%", "%4", "%4g", "%g4", "%%41", "a%", "%-1", "% 1", "%4\0"};
    struct buf out = {0};
    (void)state;
    assert_true(text_percent_decode(&out, "a%20b%2fc%2F+%00%C3%a4", 22));
    assert_int_equal(out.len, 10);
    assert_memory_equal(out.data, "a b/c/+\0\xc3\xa4", 10);
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        assert_false(text_percent_decode(&out, BAD[i], strlen(BAD[i])));
    assert_false(text_percent_decode(&out, "%41", 2));
    buf_free(&out);
}

static void percent_decoding_undoes_encoding(void **state)
{
    (void)state;
    for (int run = 0; run < 5000; run++) {
        struct buf encoded = {0};
        struct buf decoded = {0};
        char text[32];
        size_t len = 1 + draw(sizeof text);
        for (size_t i = 0; i < len; i++)
            text[i] = (char)draw(256);
        text_percent_encode(&encoded, text, len, run % 2);
        assert_true(text_percent_decode(&decoded, encoded.data, encoded.len));
        assert_int_equal(decoded.len, len);
        assert_memory_equal(decoded.data, text, len);
        buf_free(&encoded);
        buf_free(&decoded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_every_code_point),
        cmocka_unit_test(refuses_what_is_no_utf8),
        cmocka_unit_test(makes_hidden_characters_visible),
        cmocka_unit_test(knows_what_is_hidden),
        cmocka_unit_test(what_is_visible_stays_so),
        cmocka_unit_test(counts_columns),
        cmocka_unit_test(matches_globs),
        cmocka_unit_test(matches_sets),
        cmocka_unit_test(matches_as_the_definition_says),
        cmocka_unit_test(no_pattern_blows_up),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(compares_without_case),
        cmocka_unit_test(percent_encodes),
        cmocka_unit_test(percent_decodes),
        cmocka_unit_test(percent_decoding_undoes_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
