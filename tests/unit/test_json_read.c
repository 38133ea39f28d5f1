// link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
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

#include "alloc.h"
#include "format/json_read.h"

static struct json parse(const char *text)
{
    struct json json = {0};
    struct err err = {0};
    if (!json_parse(&json, text, strlen(text), &err))
        fail_msg("%s: %s", text, err.message);
    return json;
}

static void assert_refused_len(const char *text, size_t len, const char *message)
{
    struct json json = {0};
    struct err err = {0};
    /* A copy of the exact size: a byte read behind it is found. */
    char *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    if (json_parse(&json, copy, len, &err))
        fail_msg("\"%s\" was taken", text);
    free(copy);
    assert_int_equal(err.code, ERR_MALFORMED);
    assert_null(json.tokens);
    assert_int_equal(json.count, 0);
    if (message && strcmp(err.message, message) != 0)
        fail_msg("\"%s\": %s", text, err.message);
}

/* Bytes are looked at eight at a time: what needs a look is found wherever it stands. */
static void special_bytes_at_each_place(void **state)
{
    static const char *const bad[] = {"\x01", "\x1f", "\x80", "\xff", "\\q"};
    (void)state;
    for (int before = 0; before < 20; before++) {
        for (int after = 0; after < 20; after += 3) {
            char text[64];
            for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                int len = snprintf(text, sizeof text, "[\"%.*s%s%.*s\"]", before, "aaaaaaaaaaaaaaaaaaaa",
                                   bad[i], after, "~~~~~~~~~~~~~~~~~~~~");
                assert_refused_len(text, (size_t)len, NULL);
            }
            (void)snprintf(text, sizeof text, "[\"%.*s\\\"\xc3\xa9\x7f%.*s\",\"\"]", before,
                           "                    ", after, "~~~~~~~~~~~~~~~~~~~~");
            struct json json = parse(text);
            assert_int_equal(json.count, 3);
            assert_int_equal(json.tokens[1].end - json.tokens[1].start, (unsigned)(before + after) + 5);
            json_free(&json);
        }
    }
}

static void memory_is_used_again(void **state)
{
    struct err err = {0};
    (void)state;
    struct json json = parse("[1,2,3,4]");
    const struct json_token *tokens = json.tokens;
    assert_true(json_parse(&json, "{\"a\":\"b\"}", 9, &err));
    assert_ptr_equal(json.tokens, tokens);
    assert_int_equal(json.count, 3);
    assert_int_equal(json.tokens[0].type, JSON_OBJECT);
    assert_int_equal(json.tokens[0].next, 3);
    assert_true(json_equals(&json, json_get(&json, 0, "a"), "b"));
    assert_true(json_parse(&json, "[1,2,3,4,5,6,7]", 15, &err));
    assert_int_equal(json.count, 8);
    assert_int_equal(json.tokens[7].next, 8);
    assert_false(json_parse(&json, "[1,", 3, &err));
    assert_null(json.tokens);
    assert_true(json_parse(&json, "7", 1, &err));
    assert_int_equal(json.tokens[0].type, JSON_NUMBER);
    alloc_fail(0);
    assert_false(json_parse(&json, "[7]", 3, &err));
    assert_true(alloc_done());
    assert_null(json.tokens);
    json_free(&json);
}

static void parses_documents(void **state)
{
    static const char TEXT[] = " {\"a\" : [1, {\"b\":\"x\\\"y\"} ,[ ], -0.5e+3], \"c\":null,\"\":true} ";
    static const struct {
        enum json_type type;
        const char *text;
        uint32_t size, next;
    } WANT[] = {
        {JSON_OBJECT, "{\"a\" : [1, {\"b\":\"x\\\"y\"} ,[ ], -0.5e+3], \"c\":null,\"\":true}", 3, 13},
        {JSON_STRING, "a", 0, 2},
        {JSON_ARRAY, "[1, {\"b\":\"x\\\"y\"} ,[ ], -0.5e+3]", 4, 9},
        {JSON_NUMBER, "1", 0, 4},
        {JSON_OBJECT, "{\"b\":\"x\\\"y\"}", 1, 7},
        {JSON_STRING, "b", 0, 6},
        {JSON_STRING, "x\\\"y", 0, 7},
        {JSON_ARRAY, "[ ]", 0, 8},
        {JSON_NUMBER, "-0.5e+3", 0, 9},
        {JSON_STRING, "c", 0, 10},
        {JSON_NULL, "null", 0, 11},
        {JSON_STRING, "", 0, 12},
        {JSON_TRUE, "true", 0, 13},
    };
    struct json json = parse(TEXT);
    (void)state;
    assert_ptr_equal(json.text, TEXT);
    assert_int_equal(json.count, sizeof WANT / sizeof WANT[0]);
    for (size_t i = 0; i < json.count; i++) {
        const struct json_token *token = &json.tokens[i];
        assert_int_equal(token->type, WANT[i].type);
        assert_int_equal(token->end - token->start, strlen(WANT[i].text));
        assert_memory_equal(TEXT + token->start, WANT[i].text, strlen(WANT[i].text));
        assert_int_equal(token->size, WANT[i].size);
        assert_int_equal(token->next, WANT[i].next);
    }
    json_free(&json);
    assert_null(json.tokens);
    json_free(NULL);
}

static void takes_all_that_is_json(void **state)
{
    static const struct {
        const char *text;
        enum json_type type;
        size_t count;
    } CASES[] = {
        {"{}", JSON_OBJECT, 1},
        {"[]", JSON_ARRAY, 1},
        {"\"\"", JSON_STRING, 1},
        {"0", JSON_NUMBER, 1},
        {"-0", JSON_NUMBER, 1},
        {" 12.5E-7 ", JSON_NUMBER, 1},
        {"true", JSON_TRUE, 1},
        {"false\n", JSON_FALSE, 1},
        {"\t\r\n null", JSON_NULL, 1},
        {"[1,2]", JSON_ARRAY, 3},
        {"[[],[[]],{}]", JSON_ARRAY, 5},
        {"[true,false,null]", JSON_ARRAY, 4},
        {"{\"a\":{\"a\":{\"a\":1}}}", JSON_OBJECT, 7},
        {"{\"a\":1,\"a\":2}", JSON_OBJECT, 5},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uD83D\\ude00\"", JSON_STRING, 1},
        {"\"\x7f\xc3\xa4\xf0\x9f\x98\x80\"", JSON_STRING, 1},
        {"[1e0,1E0,1e+0,1e-0,0e1,0.0,123456789012345678901234567890]", JSON_ARRAY, 8},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct json json = parse(CASES[i].text);
        assert_int_equal(json.tokens[0].type, CASES[i].type);
        assert_int_equal(json.count, CASES[i].count);
        assert_int_equal(json.tokens[0].next, CASES[i].count);
        json_free(&json);
    }
    struct json json = parse(" 42 ");
    assert_int_equal(json.tokens[0].start, 1);
    assert_int_equal(json.tokens[0].end, 3);
    json_free(&json);
}

static void refuses_what_is_no_json(void **state)
{
    static const char *const CASES[] = {
        /* what even strict jsmn takes */
        "{\"a\"}",
        "{\"a\":1,}",
        "[1,,3]",
        "{}{}",
        "{\"a\":}",
        "{\"a\" 1}",
        "{:1}",
        "[1:2]",
        "[\"a\":1]",
        "{\"a\":1 \"b\":2}",
        "[1 2]",
        "[1,]",
        "[,1]",
        "{,}",
        "[,]",
        "1 2",
        "\"a\" \"b\"",
        "\"a\":1",
        "[]]",
        "{\"a\":\"b\":\"c\"}",
        "{\"a\",\"b\":1}",
        "{{}:2}",
        "{[]:2}",
        "[-]",
        "[01]",
        "[1.]",
        "[.5]",
        "[1e]",
        "[1e+]",
        "[+1]",
        "[1.2.3]",
        "[0x1]",
        "[1a]",
        "[tru]",
        "[truee]",
        "[nulll]",
        "[NaN]",
        "[-true]",
        "[--1]",
        "[1-2]",
        "[00]",
        "[-01]",
        "[1e5.2]",
        ":",
        ",",
        "-",
        "{\"a\":1}}",
        "[}",
        "{]",
        "[\"a\"]]",
        "{\"a\":1,,\"b\":2}",
        "{1:2}",
        "{null:1}",
        "{a:1}",
        "{'a':1}",
        "['a']",
        /* cut off */
        "",
        " ",
        "{",
        "[",
        "[1",
        "[1,",
        "{\"a",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "\"",
        "\"\\",
        "\"\\u",
        "\"\\u12",
        "\"\\u123\"",
        "t",
        "tru",
        "\"abc",
        /* strings */
        "\"\\x\"",
        "\"\\u00g0\"",
        "\"\\U0041\"",
        "\"\\'\"",
        "\"a\nb\"",
        "\"\t\"",
        "\"\x1f\"",
        "\"\xff\"",
        "\"\xc3\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        /* around it */
        "\xef\xbb\xbf{}",
        "{}x",
        "{}\x0b",
        "\x0c{}",
        "// c\n{}",
        "{}\xc2\xa0",
        "\xff",
        "]",
        "}",
        "<x/>",
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        assert_refused_len(CASES[i], strlen(CASES[i]), NULL);
    assert_refused_len("{}\0", 3, NULL);
    assert_refused_len("\0{}", 3, NULL);
    assert_refused_len("\"a\0b\"", 5, NULL);
    assert_refused_len("\"\\\0\"", 4, NULL);
    assert_refused_len("[1\0]", 4, NULL);
    assert_refused_len("{\"a\":1}", 6, NULL);
}

static void tells_what_and_where(void **state)
{
    (void)state;
    assert_refused_len("", 0, "malformed JSON: cut off at byte 0");
    assert_refused_len("{\"a\":1,}", 8, "malformed JSON: no key at byte 7");
    assert_refused_len("[1,,3]", 6, "malformed JSON: no value at byte 3");
    assert_refused_len("{\"a\"}", 5, "malformed JSON: no colon behind a key at byte 4");
    assert_refused_len("{} {}", 5, "malformed JSON: more text behind the value at byte 3");
    assert_refused_len("[\"\\q\"]", 6, "malformed JSON: a bad escape at byte 2");
    assert_refused_len("[\"a\xff\"]", 6, "malformed JSON: invalid UTF-8 at byte 3");
    assert_refused_len("[\"a\n\"]", 6, "malformed JSON: a control character in a string at byte 3");
    assert_refused_len("[1 2]", 5,
                       "malformed JSON: neither a comma nor the end of an object or array at byte 3");
}

/* Each cut of a document is refused, at its end and not behind it. */
static void refuses_each_cut(void **state)
{
    static const char TEXT[] =
        "{\"Sessions\":[{\"SessionId\":\"a\\u00e4\\n\xc3\xa4\",\"StartDate\":1.5E9,\"x\":[true,false,"
        "null,-1]}],\"NextToken\":\"\"}";
    struct json json = parse(TEXT);
    (void)state;
    json_free(&json);
    for (size_t len = 0; len < sizeof TEXT - 1; len++)
        assert_refused_len(TEXT, len, NULL);
}

static char *repeat(const char *piece, size_t times)
{
    size_t len = strlen(piece);
    char *text = malloc(len * times + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * len, piece, len);
    text[len * times] = '\0';
    return text;
}

static void caps_the_depth(void **state)
{
    char text[2 * JSON_DEPTH_MAX + 8];
    (void)state;
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    text[2 * JSON_DEPTH_MAX] = '\0';
    struct json json = parse(text);
    assert_int_equal(json.count, JSON_DEPTH_MAX);
    json_free(&json);
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    assert_refused_len(text, 2 * JSON_DEPTH_MAX + 2, "malformed JSON: too many levels at byte 32");
    char *deep = repeat("{\"a\":", JSON_DEPTH_MAX + 1);
    assert_refused_len(deep, strlen(deep), "malformed JSON: too many levels at byte 160");
    free(deep);
}

/* Under the sanitizers about 0.1 s; a reader that takes the square of the length takes hours. */
static double seconds_to_refuse(const char *text, size_t len)
{
    clock_t start = clock();
    assert_refused_len(text, len, NULL);
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

static void hostile_texts_cost_no_more_than_their_length(void **state)
{
    static const char *const PIECES[] = {
        "[",           "{}", "[]", "{\"a\":", "\"a\":", "\"a\",", "1,", "[1,2],", "\\u0041",  "[[]],",
        "{\"a\":{}},", " ",  "\"", ":",       "]",      "}",      "[{", "-",      "[\"a\":[]"};
    (void)state;
    for (size_t i = 0; i < sizeof PIECES / sizeof PIECES[0]; i++) {
        size_t times = BUF_MAX_DEFAULT / strlen(PIECES[i]) - 2;
        char *text = repeat(PIECES[i], times);
        assert_true(seconds_to_refuse(text, strlen(text)) < 10);
        /* The same within what opens properly. */
        memcpy(text, "[ ", 2);
        assert_true(seconds_to_refuse(text, strlen(text)) < 10);
        free(text);
    }
    char *large = repeat(" ", BUF_MAX_DEFAULT + 1);
    memcpy(large, "{}", 2);
    struct err err = {0};
    struct json json = {0};
    assert_false(json_parse(&json, large, BUF_MAX_DEFAULT + 1, &err));
    assert_string_equal(err.message, "malformed JSON: over 8388608 bytes");
    assert_true(json_parse(&json, large, BUF_MAX_DEFAULT, &err));
    json_free(&json);
    free(large);
}

static void caps_the_number_of_values(void **state)
{
    enum { MOST = 512 * 1024 };
    char *text = repeat("0,", MOST + 1);
    struct json json = {0};
    struct err err = {0};
    (void)state;
    memcpy(text, "[ ", 2);
    text[2 * MOST - 1] = ']';
    assert_true(json_parse(&json, text, (size_t)2 * MOST, &err));
    assert_int_equal(json.count, MOST);
    assert_int_equal(json.tokens[0].size, MOST - 1);
    assert_int_equal(json.tokens[0].next, MOST);
    json_free(&json);
    text[2 * MOST - 1] = ',';
    text[2 * MOST + 1] = ']';
    assert_refused_len(text, (size_t)2 * MOST + 2, "malformed JSON: too many values at byte 1048577");
    free(text);
}

static void finds_members(void **state)
{
    struct json json = parse(
        "{\"a\":1,\"ab\":{\"a\":2,\"x\":3},\"\\u0061c\":4,\"a\":5,\"\\n\":6,\"\\u0000\":7,\"\xc3\xa4\":8,"
        "\"\\\\n\":9,\"\\uD83D\\uDE00\":10}");
    int64_t value = 0;
    struct err err = {0};
    static const struct {
        const char *key;
        int64_t value;
    } CASES[] = {{"a", 5},
                 {"ac", 4},
                 {"\n", 6},
                 {"\xef\xbf\xbd", 7},
                 {"\xc3\xa4", 8},
                 {"\\n", 9},
                 {"\xf0\x9f\x98\x80", 10}};
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        size_t at = json_get(&json, 0, CASES[i].key);
        assert_int_not_equal(at, JSON_NONE);
        assert_true(json_integer(&json, at, &value, &err));
        assert_int_equal(value, CASES[i].value);
    }
    size_t inner = json_get(&json, 0, "ab");
    assert_true(json_integer(&json, json_get(&json, inner, "a"), &value, &err) && value == 2);
    assert_int_equal(json_get(&json, 0, "x"), JSON_NONE);
    assert_int_equal(json_get(&json, 0, "b"), JSON_NONE);
    assert_int_equal(json_get(&json, 0, ""), JSON_NONE);
    assert_int_equal(json_get(&json, 0, "A"), JSON_NONE);
    assert_int_equal(json_get(&json, 0, "\\u0061c"), JSON_NONE);
    assert_int_equal(json_get(&json, inner, "ab"), JSON_NONE);
    assert_int_equal(json_get(&json, 1, "a"), JSON_NONE);
    assert_int_equal(json_get(&json, 2, "a"), JSON_NONE);
    json_free(&json);
    json = parse("{}");
    assert_int_equal(json_get(&json, 0, ""), JSON_NONE);
    json_free(&json);
}

static void unescapes_strings(void **state)
{
    static const struct {
        const char *json, *text;
    } CASES[] = {
        {"\"\"", ""},
        {"\"plain \xc3\xa4\"", "plain \xc3\xa4"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e4\\u20AC\\u20ac\"", "A\xc3\xa4\xe2\x82\xac\xe2\x82\xac"},
        {"\"\\ud83d\\ude00\\uDBFF\\uDFFF\"", "\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"},
        {"\"a\\u0000b\"", "a\xef\xbf\xbd"
                          "b"},
        {"\"\\ud83d\"", "\xef\xbf\xbd"},
        {"\"\\ud83dx\"", "\xef\xbf\xbdx"},
        {"\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                               "A"},
        {"\"\\ud83d\\n\"", "\xef\xbf\xbd\n"},
        {"\"\\\\u0041\"", "\\u0041"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct json json = parse(CASES[i].json);
        struct buf text = {0};
        struct err err = {0};
        char *copy = NULL;
        size_t len = strlen(CASES[i].text);
        buf_add_text(&text, "> ");
        assert_true(json_string(&json, 0, &text, &err));
        assert_string_equal(buf_text(&text) + 2, CASES[i].text);
        assert_true(json_equals(&json, 0, CASES[i].text));
        assert_true(json_string_dup(&json, 0, len, &copy, &err));
        assert_string_equal(copy, CASES[i].text);
        free(copy);
        if (len) {
            assert_false(json_string_dup(&json, 0, len - 1, &copy, &err));
            assert_int_equal(err.code, ERR_MALFORMED);
            assert_null(copy);
        }
        buf_free(&text);
        json_free(&json);
    }
}

static void compares_strings(void **state)
{
    struct json json = parse("[\"abc\",\"a\\u0062c\",\"\\u0000\",7]");
    (void)state;
    assert_true(json_equals(&json, 1, "abc"));
    assert_false(json_equals(&json, 1, "ab"));
    assert_false(json_equals(&json, 1, "abcd"));
    assert_false(json_equals(&json, 1, ""));
    assert_true(json_equals(&json, 2, "abc"));
    assert_false(json_equals(&json, 2, "ab"));
    assert_false(json_equals(&json, 2, "abcd"));
    assert_false(json_equals(&json, 2, "abd"));
    assert_false(json_equals(&json, 2, "a\xff"));
    assert_false(json_equals(&json, 3, ""));
    assert_false(json_equals(&json, 4, "7"));
    assert_false(json_equals(&json, 0, "abc"));
    json_free(&json);
}

static void caps_and_types_of_strings(void **state)
{
    struct json json = parse("[7,\"0123456789\",{\"a\":1}]");
    struct buf text = {.max = 5};
    struct err err = {0};
    char *copy = (char *)"untouched";
    (void)state;
    assert_false(json_string(&json, 1, &text, &err));
    assert_int_equal(err.code, ERR_MALFORMED);
    assert_string_equal(err.message, "malformed JSON: no string at byte 1");
    assert_false(json_string_dup(&json, 3, 100, &copy, &err));
    assert_int_equal(err.code, ERR_MALFORMED);
    assert_null(copy);
    assert_false(json_string(&json, 2, &text, &err));
    assert_int_equal(err.code, ERR_NOMEM);
    buf_free(&text);
    json_free(&json);
}

static void reads_integers(void **state)
{
    static const struct {
        const char *json;
        bool good;
        int64_t value;
    } CASES[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"7", true, 7},
        {"-7", true, -7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"18446744073709551615", false, 0},
        {"18446744073709551616", false, 0},
        {"18446744073709551623", false, 0},
        {"123456789012345678901234567890", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"\"1\"", false, 0},
        {"null", false, 0},
        {"[1]", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct json json = parse(CASES[i].json);
        struct err err = {0};
        int64_t value = 42;
        assert_int_equal(json_integer(&json, 0, &value, &err), CASES[i].good);
        assert_int_equal(value, CASES[i].good ? CASES[i].value : 42);
        assert_int_equal(err.code, CASES[i].good ? ERR_NONE : ERR_MALFORMED);
        json_free(&json);
    }
}

static void compares_values(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } CASES[] = {
        {"null", "null", true},
        {"true", "true", true},
        {"true", "false", false},
        {"null", "false", false},
        {"1", "1", true},
        {"0", "-0", true},
        {"1", "2", false},
        {"1", "1.0", false},
        {"1.0", "1.0", true},
        {"1.0", "1.00", false},
        {"1", "\"1\"", false},
        {"123456789012345678901234567890", "123456789012345678901234567890", true},
        {"123456789012345678901234567890", "123456789012345678901234567891", false},
        {"\"a\"", "\"a\"", true},
        {"\"a\"", "\"\\u0061\"", true},
        {"\"\\u00e4\\/\"", "\"\xc3\xa4/\"", true},
        {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"", true},
        {"\"a\"", "\"b\"", false},
        {"\"a\"", "\"ab\"", false},
        {"\"\\u0061\"", "\"ab\"", false},
        {"\"ab\"", "\"\\u0061\"", false},
        {"\"\\ud800\"", "\"\\ufffd\"", false},
        {"\"\\u0000\"", "\"\\ufffd\"", false},
        {"[]", "[]", true},
        {"[]", "{}", false},
        {"[1,2]", "[ 1 , 2 ]", true},
        {"[1,2]", "[2,1]", false},
        {"[1,2]", "[1]", false},
        {"[1]", "[1,2]", false},
        {"[[1],[2]]", "[[1],[2]]", true},
        {"[[1],[2]]", "[[1],[3]]", false},
        {"{}", "{}", true},
        {"{\"a\":1,\"b\":[2]}", "{\"b\":[2],\"a\":1}", true},
        {"{\"a\":1,\"b\":[2]}", "{\"b\":[2],\"\\u0061\":1}", true},
        {"{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":3}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":3}", false},
        {"{\"a\":1,\"b\":3}", "{\"a\":1}", false},
        {"{\"a\":1,\"b\":3}", "{\"a\":1,\"c\":3}", false},
        {"{\"a\":1,\"a\":2}", "{\"a\":2}", true},
        {"{\"a\":2}", "{\"a\":1,\"a\":2}", true},
        {"{\"a\":1,\"a\":2}", "{\"a\":1}", false},
        {"{\"a\":1,\"a\":2}", "{\"a\":2,\"b\":2}", false},
        {"{\"a\":{\"b\":{\"c\":null}}}", "{\"a\":{\"b\":{\"c\":null}}}", true},
        {"{\"a\":{\"b\":{\"c\":null}}}", "{\"a\":{\"b\":{\"c\":0}}}", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct json a = parse(CASES[i].a);
        struct json b = parse(CASES[i].b);
        if (json_same(&a, 0, &b, 0) != CASES[i].same || json_same(&b, 0, &a, 0) != CASES[i].same)
            fail_msg("%s and %s", CASES[i].a, CASES[i].b);
        assert_true(json_same(&a, 0, &a, 0));
        json_free(&a);
        json_free(&b);
    }
}

static void survives_failed_allocations(void **state)
{
    static const char TEXT[] = "{\"a\":[1,\"b\\n\"]}";
    (void)state;
    ALLOC_FAIL_EACH({
        struct json json = {0};
        struct err err = {0};
        char *copy = NULL;
        struct buf text = {0};
        bool ok = json_parse(&json, TEXT, sizeof TEXT - 1, &err) &&
                  json_string_dup(&json, 4, 10, &copy, &err) && json_string(&json, 4, &text, &err);
        assert_int_equal(ok, !alloc.failed);
        assert_int_equal(err.code, ok ? ERR_NONE : ERR_NOMEM);
        free(copy);
        buf_free(&text);
        json_free(&json);
    })
}

static void leaves_no_copy_of_a_secret(void **state)
{
    struct json json = parse("{\"SecretAccessKey\":\"wJalrXUtnFEMI\\/K7\"}");
    struct err err = {0};
    char *copy = NULL;
    (void)state;
    alloc.secret = "wJalrXUtnFEMI";
    assert_true(json_string_dup(&json, 2, 100, &copy, &err));
    assert_string_equal(copy, "wJalrXUtnFEMI/K7");
    text_wipe(copy);
    json_free(&json);
    assert_false(alloc.leaked);
    alloc.secret = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_documents),
        cmocka_unit_test(special_bytes_at_each_place),
        cmocka_unit_test(memory_is_used_again),
        cmocka_unit_test(takes_all_that_is_json),
        cmocka_unit_test(refuses_what_is_no_json),
        cmocka_unit_test(tells_what_and_where),
        cmocka_unit_test(refuses_each_cut),
        cmocka_unit_test(caps_the_depth),
        cmocka_unit_test(hostile_texts_cost_no_more_than_their_length),
        cmocka_unit_test(caps_the_number_of_values),
        cmocka_unit_test(finds_members),
        cmocka_unit_test(unescapes_strings),
        cmocka_unit_test(compares_strings),
        cmocka_unit_test(caps_and_types_of_strings),
        cmocka_unit_test(reads_integers),
        cmocka_unit_test(compares_values),
        cmocka_unit_test(survives_failed_allocations),
        cmocka_unit_test(leaves_no_copy_of_a_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
