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
#include "format/json_read.h"
#include "format/json_write.h"
#include "format/text.h"

static uint32_t seed = 1;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

static void write_document(struct json_writer *writer)
{
    json_begin_object(writer, NULL);
    json_add_string(writer, "text", "a\"b");
    json_add_string(writer, "none", NULL);
    json_add_integer(writer, "least", INT64_MIN);
    json_add_integer(writer, "most", INT64_MAX);
    json_begin_array(writer, "list");
    json_add_bool(writer, NULL, true);
    json_add_bool(writer, NULL, false);
    json_begin_object(writer, NULL);
    json_end_object(writer);
    json_begin_array(writer, NULL);
    json_end_array(writer);
    json_begin_object(writer, NULL);
    json_add_null(writer, "k\ney");
    json_end_object(writer);
    json_end_array(writer);
    json_add_raw(writer, "raw", "[1, 2]xxx", 6);
    json_end_object(writer);
}

static void writes_one_line(void **state)
{
    struct buf out = {0};
    struct json_writer writer = {.out = &out};
    (void)state;
    write_document(&writer);
    assert_string_equal(
        buf_text(&out),
        "{\"text\":\"a\\\"b\",\"none\":null,\"least\":-9223372036854775808,\"most\":9223372036854775807,"
        "\"list\":[true,false,{},[],{\"k\\ney\":null}],\"raw\":[1, 2]}");
    assert_int_equal(writer.depth, 0);
    buf_free(&out);
}

static void indents(void **state)
{
    struct buf out = {0};
    struct json_writer writer = {.out = &out, .indent = 2};
    (void)state;
    write_document(&writer);
    assert_string_equal(buf_text(&out), "{\n"
                                        "  \"text\": \"a\\\"b\",\n"
                                        "  \"none\": null,\n"
                                        "  \"least\": -9223372036854775808,\n"
                                        "  \"most\": 9223372036854775807,\n"
                                        "  \"list\": [\n"
                                        "    true,\n"
                                        "    false,\n"
                                        "    {},\n"
                                        "    [],\n"
                                        "    {\n"
                                        "      \"k\\ney\": null\n"
                                        "    }\n"
                                        "  ],\n"
                                        "  \"raw\": [1, 2]\n"
                                        "}");
    buf_free(&out);
}

static void writes_lone_values(void **state)
{
    struct buf out = {0};
    (void)state;
    json_add_string(&(struct json_writer){.out = &out, .indent = 4}, NULL, "x");
    assert_string_equal(buf_text(&out), "\"x\"");
    buf_reset(&out);
    json_add_integer(&(struct json_writer){.out = &out}, NULL, -5);
    assert_string_equal(buf_text(&out), "-5");
    buf_free(&out);
}

static void escapes(void **state)
{
    static const struct {
        const char *text, *want;
    } CASES[] = {
        {"", ""},
        {"plain/text \xc3\xa4\xf0\x9f\x98\x80", "plain/text \xc3\xa4\xf0\x9f\x98\x80"},
        {"\"\\\b\f\n\r\t", "\\\"\\\\\\b\\f\\n\\r\\t"},
        {"\x01\x1b[0m\x7f", "\\u0001\\u001b[0m\\u007f"},
        {"\xc2\x80\xc2\x9b\xc2\xa0", "\\u0080\\u009b\xc2\xa0"},
        {"\xe2\x80\xae\xe2\x81\xa9\xe2\x80\x8e\xd8\x9c", "\\u202e\\u2069\\u200e\\u061c"},
        {"\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029"},
        {"\xf3\xa0\x81\xa1", "\\udb40\\udc61"},
        {"a\xff\xc3", "a\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    struct buf out = {0};
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        buf_reset(&out);
        json_escape(&out, CASES[i].text, strlen(CASES[i].text));
        assert_string_equal(buf_text(&out), CASES[i].want);
    }
    buf_reset(&out);
    json_escape(&out, "a\0b", 3);
    assert_string_equal(buf_text(&out), "a\\u0000b");
    buf_free(&out);
}

static size_t draw_bytes(char *text, size_t most)
{
    size_t len = draw((uint32_t)most + 1);
    for (size_t i = 0; i < len;) {
        char utf8[4];
        size_t size = 1;
        if (draw(2))
            size = text_encode(draw(4) ? draw(0x3000) : draw(0x110000), utf8);
        else
            utf8[0] = (char)draw(256);
        if (size > len - i)
            size = len - i;
        memcpy(text + i, utf8, size);
        i += size;
    }
    return len;
}

/* What a reader makes of bytes that json_escape wrote: NUL and what is no UTF-8 are U+FFFD. */
static void add_readable(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t c = 0;
        size_t size = text_decode(text + i, len - i, &c);
        if (size && c)
            buf_add(out, text + i, size);
        else
            buf_add_text(out, "\xef\xbf\xbd");
        i += size ? size : 1;
    }
    buf_add(out, "", 0);
}

static void what_is_written_reads_the_same(void **state)
{
    (void)state;
    for (int run = 0; run < 30000; run++) {
        struct buf out = {0};
        struct buf want = {0};
        struct buf got = {0};
        struct err err = {0};
        struct json json = {0};
        char text[48];
        size_t len = draw_bytes(text, sizeof text);
        buf_add_char(&out, '"');
        json_escape(&out, text, len);
        buf_add_char(&out, '"');
        add_readable(&want, text, len);
        for (size_t i = 0, size = 0; i < out.len; i += size) {
            uint32_t c = 0;
            size = text_decode(out.data + i, out.len - i, &c);
            assert_true(size > 0 && !text_hidden(c));
        }
        assert_true(json_parse(&json, out.data, out.len, &err));
        assert_int_equal(json.count, 1);
        assert_true(json_string(&json, 0, &got, &err));
        assert_string_equal(buf_text(&got), buf_text(&want));
        assert_true(json_equals(&json, 0, want.data));
        json_free(&json);
        buf_free(&out);
        buf_free(&want);
        buf_free(&got);
    }
}

/* Writes a random value; the same numbers drawn give the same value. */
static void write_random(struct json_writer *writer, const char *key, unsigned depth)
{
    char text[8];
    size_t len = draw_bytes(text, sizeof text - 1);
    uint32_t kind = draw(depth < 5 ? 7 : 5);
    text[len] = '\0';
    if (kind == 0)
        json_add_null(writer, key);
    else if (kind == 1)
        json_add_bool(writer, key, draw(2));
    else if (kind == 2)
        json_add_integer(writer, key, (int64_t)draw(1000) - 500);
    else if (kind < 5)
        json_add_string(writer, key, text);
    else if (kind == 5)
        json_begin_object(writer, key);
    else
        json_begin_array(writer, key);
    if (kind < 5)
        return;
    for (uint32_t i = draw(5); i > 0; i--) {
        char name[8];
        len = draw_bytes(name, sizeof name - 1);
        name[len] = '\0';
        write_random(writer, kind == 5 ? name : NULL, depth + 1);
    }
    if (kind == 5)
        json_end_object(writer);
    else
        json_end_array(writer);
}

static void documents_are_valid_in_both_forms(void **state)
{
    (void)state;
    for (uint32_t run = 0; run < 3000; run++) {
        struct buf narrow = {0};
        struct buf wide = {0};
        struct err err = {0};
        struct json a = {0};
        struct json b = {0};
        seed = run;
        write_random(&(struct json_writer){.out = &narrow}, NULL, 0);
        seed = run;
        write_random(&(struct json_writer){.out = &wide, .indent = 1 + run % 4}, NULL, 0);
        assert_true(json_parse(&a, narrow.data, narrow.len, &err));
        assert_true(json_parse(&b, wide.data, wide.len, &err));
        assert_int_equal(a.count, b.count);
        assert_true(json_same(&a, 0, &b, 0));
        assert_null(memchr(narrow.data, '\n', narrow.len));
        json_free(&a);
        json_free(&b);
        buf_free(&narrow);
        buf_free(&wide);
    }
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    ALLOC_FAIL_EACH({
        struct buf out = {0};
        struct json_writer writer = {.out = &out};
        struct err err = {0};
        write_document(&writer);
        write_document(&writer);
        assert_int_equal(buf_ok(&out, "the report", &err), !alloc.failed);
        assert_int_equal(writer.depth, 0);
        buf_free(&out);
    })
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_one_line),
        cmocka_unit_test(indents),
        cmocka_unit_test(writes_lone_values),
        cmocka_unit_test(escapes),
        cmocka_unit_test(what_is_written_reads_the_same),
        cmocka_unit_test(documents_are_valid_in_both_forms),
        cmocka_unit_test(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
