#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "platform/windows.h"

#include <aclapi.h>
#include <wincrypt.h>

/* Each test has a folder of its own, with a name that is not easy, as its working directory. */
static wchar_t folder[MAX_PATH];

static int set_up(void **state)
{
    wchar_t temp[MAX_PATH];
    (void)state;
    GetTempPathW(MAX_PATH, temp);
    (void)swprintf(folder, MAX_PATH, L"%lsssm-enforce \u00e4\u20ac %lu-%08x", temp, GetCurrentProcessId(),
                   windows_random());
    return CreateDirectoryW(folder, NULL) && SetCurrentDirectoryW(folder) ? 0 : 1;
}

static void remove_tree(const wchar_t *path)
{
    wchar_t below[MAX_PATH];
    WIN32_FIND_DATAW entry;
    (void)swprintf(below, MAX_PATH, L"%ls\\*", path);
    HANDLE list = FindFirstFileW(below, &entry);
    for (BOOL more = list != INVALID_HANDLE_VALUE; more; more = FindNextFileW(list, &entry)) {
        if (wcscmp(entry.cFileName, L".") == 0 || wcscmp(entry.cFileName, L"..") == 0)
            continue;
        (void)swprintf(below, MAX_PATH, L"%ls\\%ls", path, entry.cFileName);
        if (entry.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)
            remove_tree(below);
        else
            DeleteFileW(below);
    }
    FindClose(list);
    RemoveDirectoryW(path);
}

static int tear_down(void **state)
{
    (void)state;
    SetCurrentDirectoryW(L"C:\\");
    remove_tree(folder);
    return 0;
}

static int count_files(void)
{
    WIN32_FIND_DATAW entry;
    int count = -2; /* . and .. */
    HANDLE list = FindFirstFileW(L"*", &entry);
    for (BOOL more = list != INVALID_HANDLE_VALUE; more; more = FindNextFileW(list, &entry))
        count++;
    FindClose(list);
    return count;
}

static void assert_holds(const char *path, const char *text)
{
    struct err err = {0};
    struct buf out = {0};
    assert_true(platform_read_file(path, &out, &err));
    assert_string_equal(buf_text(&out), text);
    buf_free(&out);
}

static void assert_unread(const char *path, enum err_code code, const char *why)
{
    struct err err = {0};
    struct buf out = {.max = 10};
    assert_false(platform_read_file(path, &out, &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, why));
    buf_free(&out);
}

static void test_write_and_read(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf out = {0};
    static char large[100001];
    memset(large, 'x', 100000);
    assert_true(platform_write_file("\xc3\xa4 \xe2\x82\xac", "a\0b\n", 4, &err));
    assert_true(platform_read_file("\xc3\xa4 \xe2\x82\xac", &out, &err));
    assert_int_equal(out.len, 4);
    assert_memory_equal(out.data, "a\0b\n", 5);
    buf_free(&out);
    assert_true(platform_write_file("file", "", 0, &err));
    assert_holds("file", "");
    assert_true(platform_write_file(".\\file", large, 100000, &err));
    assert_holds("file", large);
    assert_true(platform_write_file("file", "again", 5, &err));
    assert_holds("file", "again");
    assert_int_equal(count_files(), 2);

    assert_true(platform_write_file("large", large, 100000, &err));
    assert_unread("large", ERR_IO, "over 10 bytes");
    assert_unread("missing", ERR_NOT_FOUND, "can't read");
    assert_unread("no\\such\\folder", ERR_NOT_FOUND, "can't read");
    assert_unread(".", ERR_IO, "not a regular file");
    assert_unread("NUL", ERR_IO, "not a regular file");
}

static void test_write_fails(void **state)
{
    (void)state;
    struct err err = {0};
    assert_false(platform_write_file("no\\such\\folder", "x", 1, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.message, "'no\\such\\folder'"));
    assert_true(CreateDirectoryW(L"folder", NULL));
    assert_false(platform_write_file("folder", "x", 1, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(count_files(), 1);
}

/* Whoever may: only the owner, SYSTEM and the administrators, and nobody by way of the folder. */
static void test_rights(void **state)
{
    (void)state;
    struct err err = {0};
    PACL list = NULL;
    PSECURITY_DESCRIPTOR descriptor = NULL;
    wchar_t name[] = L"secret";
    assert_true(platform_write_file("secret", "x", 1, &err));
    assert_int_equal(GetNamedSecurityInfoW(name, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, &list,
                                           NULL, &descriptor),
                     0);
    assert_non_null(list);
    for (DWORD i = 0; i < list->AceCount; i++) {
        ACCESS_ALLOWED_ACE *entry = NULL;
        assert_true(GetAce(list, i, (void **)&entry));
        assert_false(IsWellKnownSid(&entry->SidStart, WinWorldSid) && entry->Mask != 0);
        assert_false(IsWellKnownSid(&entry->SidStart, WinBuiltinUsersSid));
        assert_false(IsWellKnownSid(&entry->SidStart, WinAuthenticatedUserSid));
    }
    LocalFree(descriptor);
}

static void test_append(void **state)
{
    (void)state;
    struct err err = {0};
    assert_true(platform_append_line("log \xc3\xa4", "{\"a\":1}", &err));
    assert_true(platform_append_line("log \xc3\xa4", "", &err));
    assert_true(platform_append_line("log \xc3\xa4", "100 %s", &err));
    assert_holds("log \xc3\xa4", "{\"a\":1}\n\n100 %s\n");
    assert_true(platform_append_line("NUL", "x", &err));
    assert_false(platform_append_line(".", "x", &err));
    assert_int_equal(err.code, ERR_IO);
    assert_false(platform_append_line("no\\log", "x", &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.message, "'no\\log'"));
}

static void test_append_to_link(void **state)
{
    (void)state;
    struct err err = {0};
    assert_true(platform_append_line("log", "x", &err));
    /* needs a right of its own; wine only says that it did */
    if (!CreateSymbolicLinkW(L"link", L"log", 0) || GetFileAttributesW(L"link") == INVALID_FILE_ATTRIBUTES)
        skip();
    assert_false(platform_append_line("link", "y", &err));
    assert_non_null(strstr(err.message, "is a link"));
    assert_holds("log", "x\n");
}

static bool is_folder(const wchar_t *path)
{
    DWORD attributes = GetFileAttributesW(path);
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY);
}

static void test_make_directory(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf absolute = {0};
    assert_true(platform_make_directory("a\\b \xc3\xa4/c", &err));
    assert_true(is_folder(L"a\\b \u00e4\\c"));
    assert_true(platform_make_directory("a\\b \xc3\xa4/c", &err));
    assert_true(platform_make_directory("a\\d\\", &err));
    assert_true(is_folder(L"a\\d"));
    windows_narrow_text(&absolute, folder);
    buf_add_text(&absolute, "\\p\\q");
    assert_true(platform_make_directory(absolute.data, &err));
    assert_true(is_folder(L"p\\q"));
    assert_true(platform_write_file("a\\d\\file", "x", 1, &err));
    assert_holds("a\\d\\file", "x");
    assert_true(platform_make_directory("C:\\", &err));
    assert_true(platform_make_directory(".", &err));

    assert_false(platform_make_directory("a\\d\\file", &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.message, "'a\\d\\file'"));
    assert_false(platform_make_directory("a\\d\\file\\below", &err));
    assert_int_equal(err.code, ERR_IO);
    assert_false(platform_make_directory("", &err));
    buf_free(&absolute);
}

struct roots {
    int calls, most;
};

static bool take_root(void *ctx, const unsigned char *data, size_t len)
{
    struct roots *roots = ctx;
    PCCERT_CONTEXT certificate = CertCreateCertificateContext(X509_ASN_ENCODING, data, (DWORD)len);
    assert_non_null(certificate);
    CertFreeCertificateContext(certificate);
    return ++roots->calls < roots->most;
}

static void test_roots(void **state)
{
    (void)state;
    struct roots all = {.most = 10000}, two = {.most = 2};
    if (!platform_system_roots(take_root, &all))
        skip(); /* wine takes them from the machine, which may have none */
    assert_true(all.calls > 2);
    assert_true(platform_system_roots(take_root, &two));
    assert_int_equal(two.calls, 2);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_write_and_read), IN_FOLDER(test_write_fails),    IN_FOLDER(test_rights),
        IN_FOLDER(test_append),         IN_FOLDER(test_append_to_link), IN_FOLDER(test_make_directory),
        IN_FOLDER(test_roots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
