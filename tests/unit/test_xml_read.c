// link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "alloc.h"
#include "base/buf.h"
#include "format/xml_read.h"

/* "path=text;" for an element that has no child, "path;" for one that has. */
static bool note(void *ctx, const char *path, const char *text, struct err *err)
{
    struct buf *out = ctx;
    (void)err;
    if (text)
        buf_addf(out, "%s=%s;", path, text);
    else
        buf_addf(out, "%s;", path);
    return true;
}

static void assert_reads(const char *text, const char *want)
{
    struct buf out = {0};
    struct err err = {0};
    if (!xml_read(text, strlen(text), note, &out, &err))
        fail_msg("%s: %s", text, err.message);
    assert_string_equal(buf_text(&out), want);
    buf_free(&out);
}

static void assert_refused_len(const char *text, size_t len, const char *message)
{
    struct buf out = {0};
    struct err err = {0};
    if (xml_read(text, len, note, &out, &err))
        fail_msg("\"%s\" was taken", text);
    assert_int_equal(err.code, ERR_MALFORMED);
    if (message)
        assert_string_equal(err.message, message);
    buf_free(&out);
}

static void assert_refused(const char *text, const char *message)
{
    assert_refused_len(text, strlen(text), message);
}

static void reads_a_reply(void **state)
{
    (void)state;
    assert_reads("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                 "<ListPolicyVersionsResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\n"
                 "  <ListPolicyVersionsResult>\n"
                 "    <Versions>\n"
                 "      <member><VersionId>v2</VersionId><IsDefaultVersion>true</IsDefaultVersion></member>\n"
                 "      <member><VersionId> v1\n</VersionId><IsDefaultVersion/></member>\n"
                 "    </Versions>\n"
                 "  </ListPolicyVersionsResult>\n"
                 "</ListPolicyVersionsResponse>\n",
                 "ListPolicyVersionsResponse/ListPolicyVersionsResult/Versions/member/VersionId=v2;"
                 "ListPolicyVersionsResponse/ListPolicyVersionsResult/Versions/member/IsDefaultVersion=true;"
                 "ListPolicyVersionsResponse/ListPolicyVersionsResult/Versions/member;"
                 "ListPolicyVersionsResponse/ListPolicyVersionsResult/Versions/member/VersionId=v1;"
                 "ListPolicyVersionsResponse/ListPolicyVersionsResult/Versions/member/IsDefaultVersion=;"
                 "ListPolicyVersionsResponse/ListPolicyVersionsResult/Versions/member;"
                 "ListPolicyVersionsResponse/ListPolicyVersionsResult/Versions;"
                 "ListPolicyVersionsResponse/ListPolicyVersionsResult;"
                 "ListPolicyVersionsResponse;");
}

static void reads_texts(void **state)
{
    (void)state;
    assert_reads("<a/>", "a=;");
    assert_reads("<a> \t\r\n </a>", "a=;");
    assert_reads("<a>&lt;&amp;&gt;&quot;&apos;&#65;&#x20ac;</a>", "a=<&>\"'A\xe2\x82\xac;");
    assert_reads("<a>x<!-- c -->y<?p i?>z<![CDATA[<&>]]></a>", "a=xyz<&>;");
    assert_reads("<a>in between<b>1</b>and behind</a>", "a/b=1;a;");
    assert_reads("<a>one  two</a>", "a=one  two;");
    assert_reads("<a x=\"1\" y='2'>t</a>", "a=t;");
    assert_reads("<n:a xmlns:n=\"u\"><n:b>1</n:b><c>2</c></n:a>", "a/b=1;a/c=2;a;");
    /* What the declaration says of the encoding does not count: it is read as UTF-8. */
    assert_reads("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xc3\xa4</a>", "a=\xc3\xa4;");
}

static void refuses_what_is_no_xml(void **state)
{
    static const char *const CASES[] = {
        "",
        " ",
        "text",
        "{}",
        "<",
        "<a",
        "<a>",
        "<a><b></a>",
        "<a></b>",
        "<a/><b/>",
        "</a>",
        "<a/>x",
        "x<a/>",
        "<a>&x;</a>",
        "<a>&#0;</a>",
        "<a>\xff</a>",
        "<a>\xc3</a>",
        "<a>\x01</a>",
        "<a x=1/>",
        "<a x=\"1\" x=\"2\"/>",
        "<a>]]></a>",
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
        "\xff\xfe<\0a\0/\0>\0",
        "<1/>",
        "<a><![CDATA[x</a>",
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        assert_refused(CASES[i], NULL);
    assert_refused_len("<a>x\0y</a>", 10, NULL);
    assert_refused_len("<a/>\0", 5, NULL);
    assert_refused("<a>\n<b>", "malformed XML: no element found in line 2");
    assert_refused("", "malformed XML: no element found in line 1");
}

static void refuses_each_cut(void **state)
{
    static const char TEXT[] = "<?xml version=\"1.0\"?><a xmlns='u'><b>x&amp;y\xc3\xa4</b><c/></a>";
    (void)state;
    assert_reads(TEXT, "a/b=x&y\xc3\xa4;a/c=;a;");
    for (size_t len = 0; len < sizeof TEXT - 1; len++)
        assert_refused_len(TEXT, len, NULL);
}

static void refuses_document_types(void **state)
{
    static const char MESSAGE[] = "malformed XML: a DOCTYPE, which is not allowed, in line 1";
    (void)state;
    assert_refused("<!DOCTYPE a><a/>", MESSAGE);
    assert_refused("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", MESSAGE);
    assert_refused("<!DOCTYPE a PUBLIC \"x\" \"http://x/\"><a/>", MESSAGE);
    assert_refused("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", MESSAGE);
    assert_refused("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>", MESSAGE);
    assert_refused("<!DOCTYPE a [<!ENTITY % x \"y\"> %x;]><a/>", MESSAGE);
}

static char *repeat(const char *piece, size_t times, const char *tail)
{
    struct buf out = {.max = 4 * (size_t)BUF_MAX_DEFAULT};
    for (size_t i = 0; i < times; i++)
        buf_add_text(&out, piece);
    buf_add_text(&out, tail);
    assert_false(out.failed);
    return buf_take(&out);
}

static void caps_the_depth(void **state)
{
    struct buf text = {0};
    struct buf out = {0};
    struct err err = {0};
    (void)state;
    for (int i = 0; i < XML_DEPTH_MAX; i++)
        buf_add_text(&text, "<a>");
    for (int i = 0; i < XML_DEPTH_MAX; i++)
        buf_add_text(&text, "</a>");
    assert_true(xml_read(text.data, text.len, note, &out, &err));
    char *deep = repeat("<a>", XML_DEPTH_MAX, "<b/>");
    assert_refused(deep, "malformed XML: too many levels in line 1");
    free(deep);
    buf_free(&text);
    buf_free(&out);
}

static void caps_paths_and_texts(void **state)
{
    char *name = repeat("n", XML_PATH_MAX - 2, "");
    struct buf text = {0};
    struct buf out = {0};
    struct err err = {0};
    (void)state;
    buf_addf(&text, "<%s><b/></%s>", name, name);
    assert_true(xml_read(text.data, text.len, note, &out, &err));
    buf_reset(&text);
    buf_addf(&text, "<%s><bc/></%s>", name, name);
    assert_refused(text.data, "malformed XML: too long a path in line 1");
    char *most = repeat("0123456789abcdef", 8192, "");
    buf_reset(&text);
    buf_addf(&text, "<a>%s</a>", most);
    buf_reset(&out);
    assert_true(xml_read(text.data, text.len, note, &out, &err));
    assert_int_equal(out.len, 128 * 1024 + 3);
    buf_reset(&text);
    buf_addf(&text, "<a>%sx</a>", most);
    assert_refused(text.data, "malformed XML: too long a text in line 1");
    free(most);
    free(name);
    buf_free(&text);
    buf_free(&out);
}

/* Under the sanitizers well below a second each; what takes the square of the length takes hours. */
static void hostile_texts_cost_no_more_than_their_length(void **state)
{
    static const char *const PIECES[] = {"<a>",      "<a/>",          "</a>",    "x",       "&amp;",
                                         "<!-- -->", "<![CDATA[x]]>", "<?p i?>", "&",       "<",
                                         "]]>",      "x='y' ",        "\n",      "<b>t</b>"};
    (void)state;
    for (size_t i = 0; i < sizeof PIECES / sizeof PIECES[0]; i++) {
        char *text = repeat(PIECES[i], BUF_MAX_DEFAULT / 4 / strlen(PIECES[i]), "");
        memcpy(text, "<a ", 3);
        if (PIECES[i][0] != 'x')
            text[2] = '>';
        clock_t start = clock();
        assert_refused(text, NULL);
        assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 10);
        free(text);
    }
    char *large = repeat("<a></a>", 2 * BUF_MAX_DEFAULT / 7, "");
    assert_refused_len(large, BUF_MAX_DEFAULT + 1, "malformed XML: over 8388608 bytes");
    free(large);
}

struct stop {
    int calls, last;
};

static bool stop_at(void *ctx, const char *path, const char *text, struct err *err)
{
    struct stop *stop = ctx;
    if (++stop->calls < stop->last)
        return true;
    return err_set(err, ERR_SERVICE, "%s is %s", path, text ? text : "a list");
}

static void stops_where_the_reader_says(void **state)
{
    static const char TEXT[] = "<a><b/>t<c>2</c></a>";
    static const char *const MESSAGES[] = {"a/b is ", "a/c is 2", "a is a list"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct stop stop = {.last = i + 1};
        struct err err = {0};
        assert_false(xml_read(TEXT, sizeof TEXT - 1, stop_at, &stop, &err));
        assert_int_equal(stop.calls, i + 1);
        assert_int_equal(err.code, ERR_SERVICE);
        assert_string_equal(err.message, MESSAGES[i]);
    }
}

static const char SECRETS[] =
    "<a><SecretAccessKey>wJalrXUtnFEMI/K7</SecretAccessKey><b>wJalrXUtnFEMI&amp;x</b></a>";

static void wipes_what_it_read(void **state)
{
    struct stop stop = {.last = 100};
    struct err err = {0};
    (void)state;
    alloc.secret = "wJalrXUtnFEMI";
    assert_true(xml_read(SECRETS, sizeof SECRETS - 1, stop_at, &stop, &err));
    assert_int_equal(stop.calls, 3);
    assert_false(xml_read(SECRETS, sizeof SECRETS - 2, stop_at, &stop, &err));
    assert_false(alloc.leaked);
    alloc.secret = NULL;
}

static void survives_failed_allocations(void **state)
{
    (void)state;
    ALLOC_FAIL_EACH({
        struct stop stop = {.last = 100};
        struct err err = {0};
        bool ok = xml_read(SECRETS, sizeof SECRETS - 1, stop_at, &stop, &err);
        assert_int_equal(ok, !alloc.failed);
        assert_int_equal(err.code, ok ? ERR_NONE : ERR_NOMEM);
    })
}

static void compares_the_ends_of_paths(void **state)
{
    (void)state;
    assert_true(xml_path_ends("a/b/c", "c"));
    assert_true(xml_path_ends("a/b/c", "b/c"));
    assert_true(xml_path_ends("a/b/c", "a/b/c"));
    assert_false(xml_path_ends("a/b/c", "b"));
    assert_false(xml_path_ends("a/bc", "c"));
    assert_false(xml_path_ends("c", "b/c"));
    assert_false(xml_path_ends("a/b/c", "x/b/c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_reply),
        cmocka_unit_test(reads_texts),
        cmocka_unit_test(refuses_what_is_no_xml),
        cmocka_unit_test(refuses_each_cut),
        cmocka_unit_test(refuses_document_types),
        cmocka_unit_test(caps_the_depth),
        cmocka_unit_test(caps_paths_and_texts),
        cmocka_unit_test(hostile_texts_cost_no_more_than_their_length),
        cmocka_unit_test(stops_where_the_reader_says),
        cmocka_unit_test(wipes_what_it_read),
        cmocka_unit_test(survives_failed_allocations),
        cmocka_unit_test(compares_the_ends_of_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
