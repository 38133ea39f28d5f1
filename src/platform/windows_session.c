/*
 * windows_session.c - the own session, from the process's ancestors.
 *
 * The agent starts `ssm-session-worker.exe SESSION-ID` as SYSTEM for each session; below it are
 * winpty-agent.exe and the user's PowerShell. With CloudWatch streaming, the id is also in the user's
 * registry (the policy PowerShell\Transcription\OutputDirectory), but one value for all sessions of the user:
 * of two that start together one would take the other's for its own. So it is not asked.
 */
#include "platform/windows.h"

#include <stdlib.h>
#include <string.h>

#include <tlhelp32.h>
#include <winternl.h>

#include "platform/ancestry.h"

enum { STEPS_MAX = 64, PROCESSES_MAX = 65536, COMMAND_LINE_MAX = 4096 };

struct process {
    DWORD id, parent;
    bool worker; /* its executable has the worker's name */
};

struct processes {
    struct process *process;
    size_t count;
};

static bool list_processes(struct processes *out)
{
    struct buf list = {.max = PROCESSES_MAX * sizeof(struct process)};
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    if (snapshot == INVALID_HANDLE_VALUE)
        return false;
    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry)) {
        bool worker = _wcsicmp(entry.szExeFile, L"ssm-session-worker.exe") == 0;
        struct process process = {entry.th32ProcessID, entry.th32ParentProcessID, worker};
        (void)buf_add(&list, &process, sizeof process);
    }
    windows_close(snapshot);
    out->count = list.len / sizeof(struct process);
    out->process = (struct process *)(void *)buf_take(&list);
    return out->process != NULL;
}

static const struct process *find(const struct processes *list, DWORD id)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->process[i].id == id)
            return &list->process[i];
    return NULL;
}

/* The least right there is: enough for the time, the command line and the owner. */
static HANDLE open_process(DWORD id)
{
    return id ? OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, id) : NULL;
}

/* When it was started; 0: not to be read. */
static uint64_t start_of(HANDLE process)
{
    FILETIME start, end, kernel, user;
    if (!GetProcessTimes(process, &start, &end, &kernel, &user))
        return 0;
    return ((uint64_t)start.dwHighDateTime << 32) | start.dwLowDateTime;
}

/* A process whose token is closed to us belongs to someone above us, which is all that is to be shown. */
static bool owned_by(HANDLE process, PSID owner)
{
    union {
        TOKEN_USER user;
        unsigned char room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    } about;
    HANDLE token = NULL;
    DWORD size;
    if (!OpenProcessToken(process, TOKEN_QUERY, &token))
        return true;
    bool same = GetTokenInformation(token, TokenUser, &about, sizeof about, &size) &&
                EqualSid(about.user.User.Sid, owner);
    windows_close(token);
    return same;
}

HANDLE windows_find_worker(DWORD id, PSID owner)
{
    bool found = false;
    struct processes list = {0};
    if (!list_processes(&list))
        return NULL;
    HANDLE process = open_process(id);
    for (int step = 0; process && !found && step < STEPS_MAX; step++) {
        const struct process *self = find(&list, id);
        const struct process *parent = self ? find(&list, self->parent) : NULL;
        HANDLE above = parent ? open_process(parent->id) : NULL;
        /* The number of a parent that has ended may be another's by now, who was started later. */
        if (above && start_of(above) > start_of(process)) {
            windows_close(above);
            above = NULL;
        }
        found = above && parent->worker && owned_by(above, owner);
        id = above ? parent->id : 0;
        windows_close(process);
        process = above;
    }
    if (!found) {
        windows_close(process);
        process = NULL;
    }
    free(list.process);
    return process;
}

typedef NTSTATUS(NTAPI *query_function)(HANDLE, ULONG, PVOID, ULONG, PULONG);

/* Windows 8.1 and newer tell the command line without a right to the process's memory: information class 60
 * (ProcessCommandLineInformation), a UNICODE_STRING and its text behind it. */
bool windows_session_of(HANDLE worker, char out[PLATFORM_SESSION_ID_MAX + 1])
{
    enum { COMMAND_LINE_INFORMATION = 60 };
    union {
        UNICODE_STRING text;
        unsigned char room[COMMAND_LINE_MAX];
    } line = {0};
    ULONG size = 0;
    struct buf text = {0};
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    query_function query =
        ntdll ? (query_function)(void *)GetProcAddress(ntdll, "NtQueryInformationProcess") : NULL;
    if (!query || query(worker, COMMAND_LINE_INFORMATION, &line, sizeof line, &size) < 0 || !line.text.Buffer)
        return false;
    bool found = windows_narrow(&text, line.text.Buffer, line.text.Length / sizeof(wchar_t)) &&
                 !memchr(text.data, '\0', text.len) && ancestry_worker_command_line(text.data, out);
    buf_free(&text);
    return found;
}

bool platform_own_session(char out[PLATFORM_SESSION_ID_MAX + 1])
{
    union {
        SID sid;
        unsigned char room[SECURITY_MAX_SID_SIZE];
    } system;
    DWORD size = sizeof system;
    if (!CreateWellKnownSid(WinLocalSystemSid, NULL, &system, &size))
        return false;
    HANDLE worker = windows_find_worker(GetCurrentProcessId(), &system);
    bool found = worker && windows_session_of(worker, out);
    windows_close(worker);
    return found;
}
