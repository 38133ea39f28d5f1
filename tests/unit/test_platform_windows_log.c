#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/windows.h"

#define REGISTRY L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\ssm-enforce"

static void assert_registered(void)
{
    wchar_t self[MAX_PATH], known[MAX_PATH];
    DWORD size = sizeof known, types = 0, types_size = sizeof types;
    GetModuleFileNameW(NULL, self, MAX_PATH);
    assert_int_equal(
        RegGetValueW(HKEY_LOCAL_MACHINE, REGISTRY, L"EventMessageFile", RRF_RT_REG_SZ, NULL, known, &size),
        0);
    assert_int_equal(wcscmp(known, self), 0);
    assert_int_equal(RegGetValueW(HKEY_LOCAL_MACHINE, REGISTRY, L"TypesSupported", RRF_RT_REG_DWORD, NULL,
                                  &types, &types_size),
                     0);
    assert_int_equal(types, 7);
}

/* Registered when needed: where it was not, and where the executable has moved. */
static void test_log(void **state)
{
    (void)state;
    struct err err = {0};
    static const wchar_t elsewhere[] = L"C:\\elsewhere.exe";
    (void)RegDeleteKeyW(HKEY_LOCAL_MACHINE, REGISTRY);
    assert_true(platform_log("{\"a\":\"\xc3\xa4 100 %s %1\"}", true, &err));
    assert_registered();
    assert_int_equal(RegSetKeyValueW(HKEY_LOCAL_MACHINE, REGISTRY, L"EventMessageFile", REG_SZ, elsewhere,
                                     sizeof elsewhere),
                     0);
    assert_true(platform_log("a line", false, &err));
    assert_registered();
    (void)RegDeleteKeyW(HKEY_LOCAL_MACHINE, REGISTRY);
}

/* A text over the limit is cut, and not within a character. */
static void test_long(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf line = {0};
    buf_add_repeat(&line, 'x', 31838);
    for (int i = 0; i < 10000; i++)
        buf_add_text(&line, "\xf0\x9f\x92\xa9");
    assert_true(platform_log(line.data, true, &err));
    buf_free(&line);
    (void)RegDeleteKeyW(HKEY_LOCAL_MACHINE, REGISTRY);
}

/* The event viewer's way from a record to its text: the message table of this executable. */
static void test_message_table(void **state)
{
    (void)state;
    wchar_t shown[64];
    DWORD_PTR strings[] = {(DWORD_PTR)L"{\"a\":\"100 %s %2\"}"};
    DWORD len =
        FormatMessageW(FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_ARGUMENT_ARRAY, GetModuleHandleW(NULL), 1,
                       0, shown, sizeof shown / sizeof shown[0], (va_list *)strings);
    assert_int_equal(len, wcslen(L"{\"a\":\"100 %s %2\"}\r\n"));
    assert_int_equal(wcscmp(shown, L"{\"a\":\"100 %s %2\"}\r\n"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_message_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
