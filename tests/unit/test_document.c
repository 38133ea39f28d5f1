/* The preferences: lines put in and taken out again, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/embedded.h"
#include "core/document.h"
#include "core/profile.h"
#include "format/json_read.h"
#include "format/json_write.h"

#define LINUX   "trap '' INT QUIT TSTP; /usr/local/bin/ssm-enforce --max 3 --region r; trap - INT QUIT TSTP"
#define LINUX_5 "trap '' INT QUIT TSTP; /usr/local/bin/ssm-enforce --max 5 --region r; trap - INT QUIT TSTP"
#define WINDOWS "& 'C:\\Program Files\\ssm-enforce\\ssm-enforce.exe' --max 3 --region r"
/* As it stands in JSON. */
#define WINDOWS_JSON "& 'C:\\\\Program Files\\\\ssm-enforce\\\\ssm-enforce.exe' --max 3 --region r"
#define HEAD         "{\"schemaVersion\":\"1.0\",\"sessionType\":\"Standard_Stream\""

static const struct document_lines PUT = {.linux_line = LINUX, .windows_line = WINDOWS};
static const struct document_lines PUT_5 = {.linux_line = LINUX_5, .windows_line = WINDOWS};
static const struct document_lines TAKE = {0};

static char *merge(const char *text, const struct document_lines *lines)
{
    struct buf out = {0};
    struct err err = {0};
    bool ok = document_merge(text, strlen(text), lines, &out, NULL, &err);
    if (!ok)
        print_error("%s\n%s\n", err.message, text);
    assert_true(ok);
    return buf_take(&out);
}

/* Put in, put in again, another limit, taken out: what is there each time is what has to be. */
static void check_cycle(const char *original, const char *wanted)
{
    char *once = merge(original, &PUT);
    char *twice = merge(once, &PUT);
    char *five = merge(once, &PUT_5);
    char *back = merge(five, &PUT);
    char *gone = merge(once, &TAKE);
    char *gone_five = merge(five, &TAKE);
    if (wanted)
        assert_string_equal(once, wanted);
    assert_string_equal(twice, once);
    assert_string_not_equal(five, once);
    assert_string_equal(back, once);
    assert_string_equal(gone, original);
    assert_string_equal(gone_five, original);
    free(once);
    free(twice);
    free(five);
    free(back);
    free(gone);
    free(gone_five);
}

static void test_built_in(void **state)
{
    const char *original = embedded_text("deploy/preferences.json");
    struct json json = {0};
    struct err err;
    (void)state;
    check_cycle(original, NULL);
    char *merged = merge(original, &PUT);
    assert_true(json_parse(&json, merged, strlen(merged), &err));
    size_t profiles = json_get(&json, json_get(&json, 0, "inputs"), "shellProfile");
    assert_true(json_equals(&json, json_get(&json, profiles, "linux"), LINUX));
    assert_true(json_equals(&json, json_get(&json, profiles, "windows"), WINDOWS));
    json_free(&json);
    free(merged);
}

static void test_empty_strings(void **state)
{
    (void)state;
    check_cycle(HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\"\",\"windows\":\"\"},\"x\":1}}",
                HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\"" LINUX "\",\"windows\":\"" WINDOWS_JSON
                     "\"},\"x\":1}}");
}

static void test_missing_members(void **state)
{
    static const char *const ORIGINALS[] = {
        HEAD "}",
        HEAD ",\"inputs\":{}}",
        HEAD ",\"inputs\":{ \r\n }}",
        HEAD ",\"inputs\":{\"kmsKeyId\":\"\"}}",
        HEAD ",\"inputs\":{ \"kmsKeyId\" : \"\" , \"x\":[1, 2]}\n}\n",
        HEAD ",\"inputs\":{\"shellProfile\":{}}}",
        HEAD ",\"inputs\":{\"shellProfile\":{\t}}}",
        HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\"\"}}}",
        HEAD ",\"inputs\":{\"shellProfile\":{\"windows\":\"\"}}}",
        HEAD ",\"inputs\":{\"shellProfile\":{\"windows\":\"dir\"},\"y\":\"\"}}",
        HEAD ",\"inputs\":{\"shellProfile\":{\"other\":\"\"}}}",
        "{ \"sessionType\":\"Standard_Stream\",\r\n \"schemaVersion\":\"1.0\" }",
    };
    (void)state;
    for (size_t i = 0; i < sizeof ORIGINALS / sizeof ORIGINALS[0]; i++)
        check_cycle(ORIGINALS[i], NULL);
    check_cycle(HEAD "}",
                "{\"inputs\":{\"shellProfile\":{\"linux\":\" " LINUX "\",\"windows\":\"   " WINDOWS_JSON
                "\"}},\"schemaVersion\":\"1.0\",\"sessionType\":\"Standard_Stream\"}");
}

/* Laid out by somebody since: the commas still come out right. */
static void test_other_layout(void **state)
{
    (void)state;
    char *gone = merge(
        HEAD ",\"inputs\":{\"shellProfile\":{\"windows\":\"x\" , \n  \"linux\":\" " LINUX "\"}}}", &TAKE);
    assert_string_equal(gone, HEAD ",\"inputs\":{\"shellProfile\":{\"windows\":\"x\" }}}");
    free(gone);
}

/* In another place, with something behind it, or with less: it is put where it belongs. */
static void test_moved(void **state)
{
    static const char *const PROFILES[] = {"cd ~\\n" LINUX, LINUX " # ours\\ncd ~",
                                           LINUX "\\n" LINUX "\\ncd ~", "ssm-enforce --max 3\\ncd ~",
                                           LINUX "; cd ~"};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct buf text = {0};
        buf_addf(&text, HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\"%s\",\"windows\":\"\"}}}",
                 PROFILES[i]);
        char *merged = merge(text.data, &PUT);
        assert_non_null(strstr(merged, i == 1 ? "\"" LINUX "\\n# ours\\ncd ~\"" : "\"" LINUX "\\ncd ~\""));
        free(merged);
        buf_free(&text);
    }
    char *same = merge(HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\"" LINUX
                            "\\n\",\"windows\":\"" WINDOWS_JSON "\"}}}",
                       &PUT);
    assert_string_equal(same, HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\"" LINUX
                                   "\\n\",\"windows\":\"" WINDOWS_JSON "\"}}}");
    free(same);
}

/* What somebody added after our line was put in stays when it goes. */
static void test_kept_when_used(void **state)
{
    (void)state;
    char *gone =
        merge("{\"inputs\":{\"shellProfile\":{\"linux\":\" " LINUX "\\ncd ~\",\"windows\":\"   " WINDOWS_JSON
              "\"}},\"schemaVersion\":\"1.0\",\"sessionType\":\"Standard_Stream\"}",
              &TAKE);
    assert_string_equal(gone, "{\"inputs\":{\"shellProfile\":{\"linux\":\"cd ~\"}},\"schemaVersion\":\"1.0\","
                              "\"sessionType\":\"Standard_Stream\"}");
    free(gone);
    gone = merge(HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\" " LINUX "\" , \"x\":1}}}", &TAKE);
    assert_string_equal(gone, HEAD ",\"inputs\":{\"shellProfile\":{ \"x\":1}}}");
    free(gone);
}

static void test_foreign_commands(void **state)
{
    (void)state;
    check_cycle(HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\"cd \\u007e\\/\\r\\n\\\"\\ud83d\\ude00\\\"\","
                     "\"windows\":\"\\n\"}}}",
                HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\"" LINUX
                     "\\ncd \\u007e\\/\\r\\n\\\"\\ud83d\\ude00\\\"\",\"windows\":\"" WINDOWS_JSON
                     "\\n\\n\"}}}");
    /* ours behind others, twice, with other limits: it stands first, once */
    char *merged = merge(HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\"cd \\u007e\\n" LINUX_5
                              "\\nls; " LINUX_5 "\\n\",\"windows\":\"\"}}}",
                         &PUT);
    assert_string_equal(merged, HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\"" LINUX
                                     "\\ncd \\u007e\\nls\\n\",\"windows\":\"" WINDOWS_JSON "\"}}}");
    free(merged);
}

static void test_own_executables(void **state)
{
    struct document_lines lines = {.linux_path = "/opt/limiter", .windows_path = "D:\\l.exe"};
    (void)state;
    const char *text = HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\"/opt/limiter --max 3\",\"windows\":"
                            "\"& 'D:\\\\l.exe' --max 3\"}}}";
    char *gone = merge(text, &lines);
    assert_string_equal(gone, HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\"\",\"windows\":\"\"}}}");
    free(gone);
    gone = merge(text, &TAKE);
    assert_string_equal(gone, text);
    free(gone);
}

static void test_mentioned(void **state)
{
    struct buf out = {0};
    struct err err;
    bool mentioned = true;
    const char *text = HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\"cd ~\"}}}";
    (void)state;
    assert_true(document_merge(text, strlen(text), &PUT, &out, &mentioned, &err));
    assert_false(mentioned);
    text = HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\"if x; then ssm-enforce --max 3; fi\"}}}";
    assert_true(document_merge(text, strlen(text), &PUT, &out, &mentioned, &err));
    assert_true(mentioned);
    buf_free(&out);
}

static void assert_refused(const char *text, const char *why)
{
    struct buf out = {0};
    struct err err = {0};
    assert_false(document_merge(text, strlen(text), &PUT, &out, NULL, &err));
    assert_int_equal(err.code, ERR_MALFORMED);
    if (!strstr(err.message, why))
        print_error("%s\n", err.message);
    assert_non_null(strstr(err.message, why));
    assert_int_equal(out.len, 0);
    buf_free(&out);
}

static void test_refusals(void **state)
{
    (void)state;
    assert_refused("", "JSON");
    assert_refused("not json", "JSON");
    assert_refused("[]", "object");
    assert_refused("{}", "schemaVersion");
    assert_refused("{\"schemaVersion\":1.0,\"sessionType\":\"Standard_Stream\"}", "schemaVersion");
    assert_refused("{\"schemaVersion\":\"2.2\",\"sessionType\":\"Standard_Stream\"}", "schemaVersion");
    assert_refused("{\"schemaVersion\":\"1.0\",\"sessionType\":\"Port\"}", "sessionType");
    assert_refused("{\"schemaVersion\":\"1.0\"}", "sessionType");
    assert_refused(HEAD ",\"inputs\":[]}", "inputs");
    assert_refused(HEAD ",\"inputs\":null}", "inputs");
    assert_refused(HEAD ",\"inputs\":{\"shellProfile\":\"\"}}", "shellProfile");
    assert_refused(HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":null}}}", "linux");
    assert_refused(HEAD ",\"inputs\":{\"shellProfile\":{\"windows\":{}}}}", "windows");
    assert_refused(HEAD ",\"inputs\":{},\"inp\\u0075ts\":{}}", "'inputs' twice");
    assert_refused(HEAD ",\"schemaVersion\":\"1.0\"}", "'schemaVersion' twice");
    assert_refused(HEAD ",\"inputs\":{\"shellProfile\":{},\"shellProfile\":{}}}", "'shellProfile' twice");
    assert_refused(HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\"\",\"linux\":\"\"}}}", "'linux' twice");
}

/* 64 KiB are taken, before and after, and no byte more. */
static void test_size(void **state)
{
    struct buf text = {0}, out = {0};
    struct err err = {0};
    (void)state;
    buf_add_text(&text, HEAD ",\"inputs\":{\"shellProfile\":{\"linux\":\"\",\"windows\":\"\"}}}");
    size_t added = strlen(LINUX) + strlen(WINDOWS_JSON);
    buf_add_repeat(&text, ' ', DOCUMENT_MAX - added - text.len);
    assert_true(document_merge(text.data, text.len, &PUT, &out, NULL, &err));
    assert_int_equal(out.len, DOCUMENT_MAX);
    buf_reset(&out);
    buf_add_char(&text, ' ');
    assert_false(document_merge(text.data, text.len, &PUT, &out, NULL, &err));
    assert_non_null(strstr(err.message, "65537 bytes"));
    buf_add_repeat(&text, ' ', DOCUMENT_MAX - text.len);
    assert_true(document_merge(text.data, text.len, &TAKE, &out, NULL, &err));
    buf_add_char(&text, ' ');
    assert_false(document_merge(text.data, text.len, &TAKE, &out, NULL, &err));
    buf_free(&text);
    buf_free(&out);
}

/* ---- random documents ---- */

static uint32_t chance_state;

static uint32_t chance(uint32_t below)
{
    chance_state = chance_state * 1664525u + 1013904223u;
    return (chance_state >> 8) % below;
}

static void add_blanks(struct buf *out)
{
    static const char *const BLANKS[] = {"", "", "", " ", "\n", "\r\n\t", "  "};
    buf_add_text(out, BLANKS[chance(7)]);
}

static void add_random_string(struct buf *out)
{
    static const char *const PIECES[] = {"a",           "cd ~",        "\\n",
                                         "\\r\\n",      "\\\"",        "\\\\",
                                         "\\/",         "\\u0041",     "\\ud83d\\ude00",
                                         "\\ud800",     "\\u0000",     ";",
                                         "'",           "#",           "\xc3\xa9",
                                         "\\t",         " ",           "$(x)",
                                         "{{ y }}",     "if x; then ", "|",
                                         "ssm-enforce", "&",           "(",
                                         "}",           "exit",        "`",
                                         "[",           "\\b\\f"};
    buf_add_char(out, '"');
    for (uint32_t n = chance(6); n > 0; n--)
        buf_add_text(out, PIECES[chance(sizeof PIECES / sizeof PIECES[0])]);
    buf_add_char(out, '"');
}

static void add_random_value(struct buf *out, int depth)
{
    static const char *const LEAVES[] = {"null", "true", "1.50", "-0e+7", "[]", "{ }"};
    uint32_t kind = chance(depth > 2 ? 2 : 4);
    if (kind == 0) {
        buf_add_text(out, LEAVES[chance(6)]);
    } else if (kind == 1) {
        add_random_string(out);
    } else {
        uint32_t count = chance(3);
        buf_add_char(out, kind == 2 ? '[' : '{');
        for (uint32_t i = 0; i < count; i++) {
            add_blanks(out);
            if (kind == 3)
                buf_addf(out, "\"k%u\" :", (unsigned)i);
            add_random_value(out, depth + 1);
            buf_add_text(out, i + 1 < count ? "," : "");
        }
        add_blanks(out);
        buf_add_char(out, kind == 2 ? ']' : '}');
    }
}

typedef void add_body(struct buf *out);

/* An object with `body` under `key` (sometimes) among others. */
static void add_object_with(struct buf *out, const char *key, add_body *body, const char *first)
{
    bool comma = false;
    buf_add_char(out, '{');
    if (first) {
        buf_add_text(out, first);
        comma = true;
    }
    uint32_t place = chance(4), count = chance(4);
    for (uint32_t i = 0; i <= count; i++) {
        bool own = i == place;
        buf_add_text(out, comma ? "," : "");
        comma = true;
        add_blanks(out);
        if (own)
            buf_addf(out, "\"%s\"", key);
        else
            buf_addf(out, "\"other%u\"", (unsigned)i);
        add_blanks(out);
        buf_add_char(out, ':');
        add_blanks(out);
        if (own)
            body(out);
        else
            add_random_value(out, 0);
        add_blanks(out);
    }
    buf_add_char(out, '}');
}

static void add_profiles(struct buf *out)
{
    uint32_t kind = chance(5);
    if (kind == 4) {
        buf_add_text(out, "{");
        add_blanks(out);
        buf_add_text(out, "}");
    } else if (kind < 2) {
        add_object_with(out, kind ? "linux" : "windows", add_random_string, NULL);
    } else {
        buf_add_text(out, "{\"windows\": ");
        add_random_string(out);
        buf_add_text(out, ", \"linux\" :");
        add_random_string(out);
        add_blanks(out);
        buf_add_text(out, "}");
    }
}

static void add_inputs(struct buf *out)
{
    add_object_with(out, "shellProfile", add_profiles, NULL);
}

static void test_random(void **state)
{
    (void)state;
    chance_state = 3;
    for (int i = 0; i < 20000; i++) {
        struct buf text = {0};
        add_blanks(&text);
        add_object_with(&text, "inputs", add_inputs,
                        "\"sessionType\" : \"Standard_\\u0053tream\",\r\n\"schemaVersion\":\"1.0\"");
        add_blanks(&text);
        check_cycle(text.data, NULL);
        buf_free(&text);
    }
}

static void test_pretty(void **state)
{
    struct buf out = {0}, again = {0};
    struct err err;
    const char *text = "{\"b\":[1, -0.50e1,[]] ,\"a\":{\"x\":\"\\u0041\\/\",\"y\":{}},\"c\":null}";
    (void)state;
    assert_true(document_pretty(text, strlen(text), &out, &err));
    assert_string_equal(out.data, "{\n  \"b\": [\n    1,\n    -0.50e1,\n    []\n  ],\n  \"a\": {\n"
                                  "    \"x\": \"\\u0041\\/\",\n    \"y\": {}\n  },\n  \"c\": null\n}\n");
    assert_true(document_pretty(out.data, out.len, &again, &err));
    assert_string_equal(again.data, out.data);
    assert_false(document_pretty("{", 1, &again, &err));
    buf_free(&out);
    buf_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_built_in),
        cmocka_unit_test(test_empty_strings),
        cmocka_unit_test(test_missing_members),
        cmocka_unit_test(test_kept_when_used),
        cmocka_unit_test(test_other_layout),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_foreign_commands),
        cmocka_unit_test(test_own_executables),
        cmocka_unit_test(test_mentioned),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_pretty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
