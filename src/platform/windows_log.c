/*
 * windows_log.c - the Application event log.
 *
 * The event viewer shows a record through the message table of its source. Ours is in this executable
 * (windows.rc: the message is the text itself) and is registered as the source's when a record is written and
 * the rights allow it (a session user of Systems Manager is an administrator on Windows). Without it the
 * viewer shows the text all the same, behind a complaint.
 */
#include "platform/windows.h"

#include <stdlib.h>
#include <string.h>

#define SOURCE   L"ssm-enforce"
#define REGISTRY L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\" SOURCE

enum { EVENT_ID = 1 /* as in windows.rc */, TEXT_MAX = 31839 /* ReportEvent's limit for one string */ };

/* Writes where that would change something; whatever fails is no harm to the record. */
static void register_source(void)
{
    wchar_t self[MAX_PATH], known[MAX_PATH];
    DWORD size = sizeof known;
    DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
    HKEY key = NULL;
    DWORD len = GetModuleFileNameW(NULL, self, MAX_PATH);
    if (len == 0 || len >= MAX_PATH)
        return;
    if (RegGetValueW(HKEY_LOCAL_MACHINE, REGISTRY, L"EventMessageFile", RRF_RT_REG_SZ, NULL, known, &size) ==
            0 &&
        _wcsicmp(known, self) == 0)
        return;
    if (RegCreateKeyExW(HKEY_LOCAL_MACHINE, REGISTRY, 0, NULL, 0, KEY_SET_VALUE, NULL, &key, NULL) != 0)
        return;
    (void)RegSetValueExW(key, L"EventMessageFile", 0, REG_SZ, (const BYTE *)self,
                         (len + 1) * (DWORD)sizeof(wchar_t));
    (void)RegSetValueExW(key, L"TypesSupported", 0, REG_DWORD, (const BYTE *)&types, sizeof types);
    (void)RegCloseKey(key);
}

bool platform_log(const char *line, bool warning, struct err *err)
{
    wchar_t *text = windows_wide(line);
    if (!text)
        return err_nomem(err);
    if (wcslen(text) > TEXT_MAX)
        text[IS_HIGH_SURROGATE(text[TEXT_MAX - 1]) ? TEXT_MAX - 1 : TEXT_MAX] = L'\0';
    register_source();
    const wchar_t *strings[] = {text};
    HANDLE log = RegisterEventSourceW(NULL, SOURCE);
    WORD type = warning ? EVENTLOG_WARNING_TYPE : EVENTLOG_INFORMATION_TYPE;
    bool ok = (log && ReportEventW(log, type, 0, EVENT_ID, NULL, 1, 0, strings, NULL)) ||
              windows_fail(err, ERR_IO, "write to the event log", "Application");
    if (log)
        (void)DeregisterEventSource(log);
    free(text);
    return ok;
}
