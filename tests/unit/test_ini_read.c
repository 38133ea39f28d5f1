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
#include "base/buf.h"
#include "format/ini_read.h"

/* "[section]" for a section's beginning, "key=value" for a setting; each in a line of its own. */
static bool note(void *ctx, const char *section, const char *key, const char *value, struct err *err)
{
    struct buf *out = ctx;
    (void)err;
    if (*key)
        buf_addf(out, "%s=%s;\n", key, value);
    else
        buf_addf(out, "[%s]\n", section);
    if (!*key)
        assert_string_equal(value, "");
    return true;
}

static void assert_reads_len(const char *text, size_t len, const char *want)
{
    struct buf out = {0};
    struct err err = {0};
    char *copy = malloc(len ? len : 1); /* of the exact size: a byte read behind it is found */
    memcpy(copy, text, len);
    if (!ini_read(copy, len, note, &out, &err))
        fail_msg("%s: %s", text, err.message);
    assert_string_equal(buf_text(&out), want);
    free(copy);
    buf_free(&out);
}

static void assert_reads(const char *text, const char *want)
{
    assert_reads_len(text, strlen(text), want);
}

static void assert_refused_len(const char *text, size_t len, const char *message)
{
    struct buf out = {0};
    struct err err = {0};
    char *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    assert_false(ini_read(copy, len, note, &out, &err));
    assert_int_equal(err.code, ERR_MALFORMED);
    assert_string_equal(err.message, message);
    free(copy);
    buf_free(&out);
}

static void assert_refused(const char *text, const char *message)
{
    assert_refused_len(text, strlen(text), message);
}

static void reads_sections_and_settings(void **state)
{
    (void)state;
    assert_reads("", "");
    assert_reads("\n \n\t\n", "");
    assert_reads("[default]\nregion = eu-west-1\n[profile "
                 "a]\nrole_arn=arn:aws:iam::1:role/x\nsource_profile\t=\tdefault",
                 "[default]\nregion=eu-west-1;\n[profile "
                 "a]\nrole_arn=arn:aws:iam::1:role/x;\nsource_profile=default;\n");
    assert_reads("[a]\n[b]\n[a]\nx=1\n", "[a]\n[b]\n[a]\nx=1;\n");
    /* The first `=` or `:` parts; the key is in lower case, the value as it is. */
    assert_reads("[a]\nKEY = Va=lu:e \nother: b = c\nempty =\nURL=https://x/",
                 "[a]\nkey=Va=lu:e;\nother=b = c;\nempty=;\n"
                 "url=https://x/;\n");
    assert_reads("[a]\nk = \"quoted\"\n", "[a]\nk=\"quoted\";\n");
}

static void takes_line_ends_and_byte_order_marks(void **state)
{
    (void)state;
    assert_reads("\xef\xbb\xbf[a]\r\nk = v\r\n\r\n l = w", "[a]\nk=v\nl = w;\n");
    assert_reads("[a]\r\nk = v\r\nl = w\r\n", "[a]\nk=v;\nl=w;\n");
    assert_reads_len("\xef\xbb\xbf", 3, "");
}

static void folds_names_of_sections(void **state)
{
    (void)state;
    assert_reads("[ profile \t a ]\n", "[profile a]\n");
    assert_reads("[profile \"a  b\"]\n[profile 'c']\n[\"d\"]\n['e\"f']\n",
                 "[profile a  b]\n[profile c]\n[d]\n[e\"f]\n");
    assert_reads("[sso-session s]\n[services v]\n[a]b]\n[c] rest\n",
                 "[sso-session s]\n[services v]\n[a]b]\n[c]\n");
    assert_reads("[profile \"open]\n[CORP\\user]\n", "[profile open]\n[CORP\\user]\n");
}

static void leaves_out_comments(void **state)
{
    (void)state;
    assert_reads("# c\n; c\n  # c\n[a] # c\nk = v # c\nl = w\t; c\n#m = x\n", "[a]\nk=v;\nl=w;\n");
    assert_reads("[a]\nk = a#b;c\nurl = https://x/#/y\ne = # c\n",
                 "[a]\nk=a#b;c;\nurl=https://x/#/y;\ne=;\n");
    assert_reads("[p#q]\nk = v\n", "[p#q]\nk=v;\n");
}

static void goes_on_with_indented_lines(void **state)
{
    (void)state;
    assert_reads("[a]\nk = v\n  w\n\tx = y\nl = 1\n", "[a]\nk=v\nw\nx = y;\nl=1;\n");
    assert_reads("[a]\ns3 =\n  max_concurrent = 20\n\n  # c\n  Endpoint = u=v\nregion = r\n",
                 "[a]\ns3.max_concurrent=20;\ns3.Endpoint=u=v;\nregion=r;\n");
    assert_reads("[services x]\nssm =\n  endpoint_url = http://localhost:1\ns3 = \n  a =\n",
                 "[services x]\nssm.endpoint_url="
                 "http://localhost:1;\ns3.a=;\n");
    /* What is indented alike is a setting of its own. */
    assert_reads("[a]\n  k = v\n  l = w\n", "[a]\nk=v;\nl=w;\n");
    assert_reads("[a]\n  k = v\nl = w\n", "[a]\nk=v;\nl=w;\n");
    assert_reads("  [a]\n  k = v\n  [b]\n l = w\n", "[a]\nk=v;\n[b]\nl=w;\n");
}

static void refuses_what_it_cannot_read(void **state)
{
    (void)state;
    assert_refused("k = v\n", "line 1: a setting before the first `[section]`");
    assert_refused("\n[a]\nno setting\n", "line 3: neither `[section]` nor `key = value`");
    assert_refused("[a]\n= v\n", "line 2: neither `[section]` nor `key = value`");
    assert_refused("[a]\n  : v\n", "line 2: neither `[section]` nor `key = value`");
    assert_refused("[a]\n\n[b\nk = v\n", "line 3: a section's name without `]`");
    assert_refused("[", "line 1: a section's name without `]`");
    assert_refused("[]", "line 1: a section without a name");
    assert_refused("[ \t]", "line 1: a section without a name");
    assert_refused("[a]\ns3 =\n  x\n", "line 3: no `key = value` in a nested section");
    assert_refused_len("[a]\nk = a\0b\n", 12, "line 2: a NUL byte");
    assert_refused_len("\0", 1, "line 1: a NUL byte");
}

static void caps_lines(void **state)
{
    enum { MOST = 64 * 1024 };
    char *text = malloc(MOST + 16);
    struct buf out = {0};
    struct err err = {0};
    (void)state;
    memcpy(text, "[a]\nk=", 6);
    memset(text + 6, 'x', MOST + 10);
    assert_true(ini_read(text, 4 + MOST, note, &out, &err));
    assert_int_equal(out.len, 4 + MOST + 2);
    assert_false(ini_read(text, 4 + MOST + 1, note, &out, &err));
    assert_string_equal(err.message, "line 2: too long");
    buf_free(&out);
    free(text);
}

struct stop {
    int calls, last;
};

static bool stop_at(void *ctx, const char *section, const char *key, const char *value, struct err *err)
{
    struct stop *stop = ctx;
    (void)section;
    if (++stop->calls < stop->last)
        return true;
    return err_set(err, ERR_CONFIG, "%s is %s", key, value);
}

static void stops_where_the_reader_says(void **state)
{
    static const char TEXT[] = "[a]\nk = 1\ns3 =\n  x = 2\nl = 3\n";
    static const char *const MESSAGES[] = {" is ", "k is 1", "s3.x is 2", "l is 3"};
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct stop stop = {.last = i + 1};
        struct err err = {0};
        assert_false(ini_read(TEXT, sizeof TEXT - 1, stop_at, &stop, &err));
        assert_int_equal(stop.calls, i + 1);
        assert_int_equal(err.code, ERR_CONFIG);
        assert_string_equal(err.message, MESSAGES[i]);
    }
}

static bool copy_nothing(void *ctx, const char *section, const char *key, const char *value, struct err *err)
{
    (void)section;
    (void)key;
    (void)value;
    (void)err;
    ++*(int *)ctx;
    return true;
}

static const char SECRETS[] = "[a]\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG\n  more "
                              "wJalrXUtnFEMI\n[b]\nnested =\n x = wJalrXUtnFEMI\n";

static void wipes_values(void **state)
{
    struct err err = {0};
    int calls = 0;
    (void)state;
    alloc.secret = "wJalrXUtnFEMI";
    assert_true(ini_read(SECRETS, sizeof SECRETS - 1, copy_nothing, &calls, &err));
    assert_int_equal(calls, 4);
    assert_false(alloc.leaked);
    alloc.secret = NULL;
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    ALLOC_FAIL_EACH({
        struct err err = {0};
        int calls = 0;
        bool ok = ini_read(SECRETS, sizeof SECRETS - 1, copy_nothing, &calls, &err);
        assert_int_equal(ok, !alloc.failed);
        assert_int_equal(err.code, ok ? ERR_NONE : ERR_NOMEM);
    })
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_sections_and_settings),
        cmocka_unit_test(takes_line_ends_and_byte_order_marks),
        cmocka_unit_test(folds_names_of_sections),
        cmocka_unit_test(leaves_out_comments),
        cmocka_unit_test(goes_on_with_indented_lines),
        cmocka_unit_test(refuses_what_it_cannot_read),
        cmocka_unit_test(caps_lines),
        cmocka_unit_test(stops_where_the_reader_says),
        cmocka_unit_test(wipes_values),
        cmocka_unit_test(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
