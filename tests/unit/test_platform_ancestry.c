#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "platform/ancestry.h"

#define ID "alice-0f1e2d3c4b5a69788"
#define ID_96                                                                                                \
    "aaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbccccccccccccccccccccccccdddddddddddddddddddddddd"

struct example {
    const char *data;
    size_t len;
    const char *id; /* NULL: none */
};

#define BYTES(text) text, sizeof text - 1

static void test_arguments(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {BYTES("/usr/bin/ssm-session-worker\0" ID "\0"), ID},
        {BYTES("ssm-session-worker\0" ID "\0i-0123456789abcdef0\0"), ID},
        {BYTES("/snap/amazon-ssm-agent/1/ssm-session-worker\0bob@x.org+a=b,c_d-01\0"),
         "bob@x.org+a=b,c_d-01"},
        {BYTES("ssm-session-worker\0" ID_96 "\0"), ID_96},
        {BYTES("ssm-session-worker\0" ID_96 "e\0"), NULL},
        {BYTES("ssm-session-worker\0\0"), NULL},
        {BYTES("ssm-session-worker\0"), NULL},
        {BYTES("ssm-session-worker"), NULL},
        {BYTES("ssm-session-worker\0" ID), NULL}, /* cut off: it may go on */
        {BYTES("ssm-session-worker " ID "\0"), NULL},
        {BYTES("ssm-session-worker\0" ID "\x1b[2J\0"), NULL},
        {BYTES("ssm-session-worker\0" ID " x\0"), NULL},
        {BYTES("ssm-session-worker\0" ID "/../x\0"), NULL},
        {BYTES("ssm-session-worker\0\xe2\x80\xae" ID "\0"), NULL},
        {BYTES("xssm-session-worker\0" ID "\0"), NULL},
        {BYTES("ssm-session-workers\0" ID "\0"), NULL},
        {BYTES("ssm-session-worker/\0" ID "\0"), NULL},
        {BYTES("SSM-SESSION-WORKER\0" ID "\0"), NULL},
        {BYTES("\0ssm-session-worker\0" ID "\0"), NULL},
        {BYTES("\0\0\0"), NULL},
        {BYTES(""), NULL},
        {NULL, 0, NULL},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        char id[PLATFORM_SESSION_ID_MAX + 1] = "untouched";
        bool found = ancestry_worker_arguments(examples[i].data, examples[i].len, id);
        assert_int_equal(found, examples[i].id != NULL);
        assert_string_equal(id, examples[i].id ? examples[i].id : "untouched");
    }
}

static void test_command_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *id;
    } examples[] = {
        {"\"C:\\Program Files\\Amazon\\SSM\\ssm-session-worker.exe\" " ID, ID},
        {"\"C:\\Program Files\\Amazon\\SSM\\SSM-Session-Worker.EXE\"  " ID " i-0123", ID},
        {"C:\\SSM\\ssm-session-worker.exe\t" ID, ID},
        {"C:/SSM/ssm-session-worker \"" ID "\"", ID},
        {"ssm-session-worker.exe " ID_96, ID_96},
        {"ssm-session-worker.exe " ID_96 "e", NULL},
        {"\"C:\\Programme \xc3\xa4\\ssm-session-worker.exe\" " ID, ID},
        {"C:\\Program Files\\Amazon\\SSM\\ssm-session-worker.exe " ID, NULL}, /* its program is C:\Program */
        {"ssm-session-worker.exe", NULL},
        {"ssm-session-worker.exe ", NULL},
        {"ssm-session-worker.exe \"\"", NULL},
        {"ssm-session-worker.exe \"" ID, NULL},
        {"ssm-session-worker.exe " ID "\"x\"", NULL},
        {"ssm-session-worker.exe \"" ID "\"x", NULL},
        {"ssm-session-worker.exe \"a b\"", NULL},
        {"ssm-session-worker.exe a\x07", NULL},
        {"\"ssm-session-worker.exe\"" ID, NULL},
        {"\"ssm-session-worker.exe " ID, NULL},
        {"powershell.exe " ID, NULL},
        {"C:\\ssm-session-worker.exe\\x.exe " ID, NULL},
        {"\"\" " ID, NULL},
        {"\"", NULL},
        {"   ", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        char id[PLATFORM_SESSION_ID_MAX + 1] = "untouched";
        bool found = ancestry_worker_command_line(examples[i].text, id);
        assert_int_equal(found, examples[i].id != NULL);
        assert_string_equal(id, examples[i].id ? examples[i].id : "untouched");
    }
}

static void test_parent(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t parent; /* -1: it does not look like that */
    } examples[] = {
        {"1234 (sh) S 987 1234 1234 34816 1234 4194304", 987},
        {"1 (systemd) S 0 1 1 0 -1", 0},
        {"9 (a b) (c) S 42 9", 42},
        {"9 (x) R 1 (y\n) Z 4194304 9", 4194304},
        {"9 ()) S 2147483647 9", 2147483647},
        {"9 (sh) S 2147483648 9", -1},
        {"9 (sh) S 99999999999999999999999999 9", -1},
        {"9 (sh) S -1 9", -1},
        {"9 (sh) S 987", -1}, /* cut off: more digits may follow */
        {"9 (sh) S  987 9", -1},
        {"9 (sh) SS 987 9", -1},
        {"9 (sh)", -1},
        {"9 (sh) ", -1},
        {"9 (sh) S ", -1},
        {"9 sh S 987 9", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        int32_t parent = -1;
        bool read = ancestry_stat_parent(examples[i].text, strlen(examples[i].text), &parent);
        assert_int_equal(read, examples[i].parent >= 0);
        assert_int_equal(parent, examples[i].parent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_command_line),
        cmocka_unit_test(test_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
