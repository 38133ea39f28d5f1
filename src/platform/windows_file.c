/* windows_file.c - files whole: read, written, appended to; folders; the system's root certificates. */
#include "platform/windows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sddl.h>
#include <wincrypt.h>

enum { CHUNK = 16 * 1024, SHARE_ALL = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE };

/*
 * What mode 0600 is on Linux: the owner, SYSTEM and the administrators, and nothing that the folder passes
 * on. Where it can't be made, the folder's rights hold. The caller frees the descriptor by LocalFree.
 */
static SECURITY_ATTRIBUTES owner_only(void)
{
    SECURITY_ATTRIBUTES attributes = {.nLength = sizeof attributes};
    (void)ConvertStringSecurityDescriptorToSecurityDescriptorW(
        L"D:P(A;OICI;FA;;;OW)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)", SDDL_REVISION_1,
        &attributes.lpSecurityDescriptor, NULL);
    return attributes;
}

static bool fail_io(const char *what, const char *path, struct err *err)
{
    return windows_fail(err, ERR_IO, what, path);
}

static bool is_missing(void)
{
    DWORD error = GetLastError();
    return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND;
}

static bool has_attribute(HANDLE file, DWORD attribute)
{
    BY_HANDLE_FILE_INFORMATION about;
    return GetFileInformationByHandle(file, &about) && (about.dwFileAttributes & attribute);
}

static bool read_all(HANDLE file, const char *path, struct buf *out, struct err *err)
{
    bool ok = false;
    char chunk[CHUNK];
    DWORD got = 0;
    if (GetFileType(file) != FILE_TYPE_DISK || has_attribute(file, FILE_ATTRIBUTE_DIRECTORY))
        return err_set(err, ERR_IO, "can't read '%s': it is not a regular file", path);
    for (;;) {
        if (!ReadFile(file, chunk, sizeof chunk, &got, NULL)) {
            fail_io("read", path, err);
            break;
        }
        ok = got == 0;
        if (ok)
            break;
        if (!buf_add(out, chunk, got)) {
            err_set(err, ERR_IO, "can't read '%s': it is over %zu bytes, or memory is out", path,
                    out->max ? out->max : (size_t)BUF_MAX_DEFAULT);
            break;
        }
    }
    mem_wipe(chunk, sizeof chunk); /* the file may hold keys */
    return ok;
}

bool platform_read_file(const char *path, struct buf *out, struct err *err)
{
    wchar_t *wide = windows_wide(path);
    if (!wide)
        return err_nomem(err);
    /* FILE_FLAG_BACKUP_SEMANTICS: a folder opens, so that it can be named as one. */
    HANDLE file =
        CreateFileW(wide, GENERIC_READ, SHARE_ALL, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    bool ok = file != INVALID_HANDLE_VALUE;
    if (ok)
        ok = read_all(file, path, out, err);
    else
        windows_fail(err, is_missing() ? ERR_NOT_FOUND : ERR_IO, "read", path);
    windows_close(file);
    free(wide);
    return ok;
}

static bool write_all(HANDLE file, const char *data, size_t len)
{
    while (len > 0) {
        DWORD put = 0;
        if (!WriteFile(file, data, len < CHUNK ? (DWORD)len : CHUNK, &put, NULL))
            return false;
        data += put;
        len -= put;
    }
    return true;
}

bool platform_write_file(const char *path, const void *data, size_t len, struct err *err)
{
    bool ok = false;
    wchar_t *wide = windows_wide(path);
    size_t size = wide ? wcslen(wide) + sizeof ".01234567.tmp" : 0;
    wchar_t *beside = wide ? malloc(size * sizeof *beside) : NULL;
    SECURITY_ATTRIBUTES rights = owner_only();
    HANDLE file = INVALID_HANDLE_VALUE;
    if (!beside) {
        err_nomem(err);
        goto out;
    }
    (void)swprintf(beside, size, L"%ls.%08x.tmp", wide, windows_random());
    file = CreateFileW(beside, GENERIC_WRITE, 0, &rights, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        fail_io("write", path, err);
        goto out;
    }
    ok = write_all(file, data, len) && FlushFileBuffers(file);
    windows_close(file);
    ok = ok && MoveFileExW(beside, wide, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH);
    if (!ok) {
        fail_io("write", path, err);
        (void)DeleteFileW(beside);
    }
out:
    (void)LocalFree(rights.lpSecurityDescriptor);
    free(beside);
    free(wide);
    return ok;
}

static bool append(HANDLE file, const char *path, const char *line, struct err *err)
{
    DWORD put = 0;
    struct buf text = {0};
    if (has_attribute(file, FILE_ATTRIBUTE_REPARSE_POINT))
        return err_set(err, ERR_IO, "can't append to '%s': it is a link", path);
    if (GetFileType(file) != FILE_TYPE_DISK && GetFileType(file) != FILE_TYPE_CHAR)
        return err_set(err, ERR_IO, "can't append to '%s': it is neither a regular file nor a device", path);
    bool ok = buf_add_text(&text, line) && buf_add_char(&text, '\n');
    if (!ok)
        buf_ok(&text, "the line", err);
    else if (!WriteFile(file, text.data, (DWORD)text.len, &put, NULL)) /* one write: lines do not mix */
        ok = fail_io("append to", path, err);
    else if (put < text.len)
        ok = err_set(err, ERR_IO, "can't append to '%s': only a part was written (is the disk full?)", path);
    buf_free(&text);
    return ok;
}

bool platform_append_line(const char *path, const char *line, struct err *err)
{
    wchar_t *wide = windows_wide(path);
    if (!wide)
        return err_nomem(err);
    SECURITY_ATTRIBUTES rights = owner_only();
    HANDLE file =
        CreateFileW(wide, FILE_APPEND_DATA | FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE,
                    &rights, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    bool ok = file != INVALID_HANDLE_VALUE ? append(file, path, line, err) : fail_io("append to", path, err);
    windows_close(file);
    (void)LocalFree(rights.lpSecurityDescriptor);
    free(wide);
    return ok;
}

bool platform_make_directory(const char *path, struct err *err)
{
    wchar_t *wide = windows_wide(path);
    if (!wide)
        return err_nomem(err);
    SECURITY_ATTRIBUTES rights = owner_only();
    /* What can't be made shows at the last one: those above may be there and closed to us. */
    for (wchar_t *part = wide + wcscspn(wide, L"\\/"); *part; part += 1 + wcscspn(part + 1, L"\\/")) {
        wchar_t separator = *part;
        *part = L'\0';
        (void)CreateDirectoryW(wide, &rights);
        *part = separator;
    }
    bool ok = CreateDirectoryW(wide, &rights) || GetLastError() == ERROR_ALREADY_EXISTS;
    DWORD error = GetLastError();
    DWORD attributes = GetFileAttributesW(wide);
    if (attributes != INVALID_FILE_ATTRIBUTES) {
        ok = attributes &
             FILE_ATTRIBUTE_DIRECTORY; /* `C:\` may be refused for other reasons than being there */
        error = ERROR_DIRECTORY;
    }
    SetLastError(error);
    if (!ok)
        fail_io("make the folder", path, err);
    (void)LocalFree(rights.lpSecurityDescriptor);
    free(wide);
    return ok;
}

/* Of the time, and not kept from vouching for servers. */
static bool is_server_root(const CERT_CONTEXT *certificate)
{
    union {
        CERT_ENHKEY_USAGE usage;
        unsigned char room[4096];
    } keys;
    DWORD size = sizeof keys;
    if (CertVerifyTimeValidity(NULL, certificate->pCertInfo) != 0)
        return false;
    if (!CertGetEnhancedKeyUsage(certificate, 0, &keys.usage, &size))
        return GetLastError() == (DWORD)CRYPT_E_NOT_FOUND;
    for (DWORD i = 0; i < keys.usage.cUsageIdentifier; i++)
        if (strcmp(keys.usage.rgpszUsageIdentifier[i], szOID_PKIX_KP_SERVER_AUTH) == 0)
            return true;
    /* none at all: good for everything, or (no error set) for nothing */
    return keys.usage.cUsageIdentifier == 0 && GetLastError() == (DWORD)CRYPT_E_NOT_FOUND;
}

bool platform_system_roots(bool (*add)(void *ctx, const unsigned char *data, size_t len), void *ctx)
{
    bool any = false, more = true;
    const CERT_CONTEXT *certificate = NULL;
    HCERTSTORE store = CertOpenSystemStoreW(0, L"ROOT");
    while (store && more && (certificate = CertEnumCertificatesInStore(store, certificate)))
        if (is_server_root(certificate)) {
            any = true;
            more = add(ctx, certificate->pbCertEncoded, certificate->cbCertEncoded);
        }
    (void)CertFreeCertificateContext(certificate);
    if (store)
        (void)CertCloseStore(store, 0);
    return any;
}
