/* windows_run.c - a command (credential_process) and what it prints, within a time. */
#include "platform/windows.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 4096, PAUSE_MS = 5 };

struct run {
    char name[256]; /* the command's first word, for messages */
    HANDLE job;     /* it and whatever it starts; NULL: there is none */
    HANDLE process;
    HANDLE output;
    int64_t deadline_ms;
};

/* The first word, quotation marks aside. The rest may hold secrets. */
static void name_run(struct run *run, const char *command)
{
    bool quoted = *command == '"';
    command += quoted;
    size_t len = strcspn(command, quoted ? "\"" : " \t");
    if (len >= sizeof run->name)
        len = sizeof run->name - 1;
    memcpy(run->name, command, len);
    run->name[len] = '\0';
}

/* Whether what is in the job ends with the last handle of it, that is with this process at the latest. */
static void end_with_job(HANDLE job, bool end)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    limits.BasicLimitInformation.LimitFlags = end ? JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE : 0;
    (void)SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
}

/*
 * The command line is passed on as it is: splitting it by the C library's rules and joining it again, as the
 * AWS command line does, gives the same. Only what is marked for it is inherited, that is the three standard
 * handles.
 */
static bool start(struct run *run, wchar_t *command)
{
    SECURITY_ATTRIBUTES inherit = {.nLength = sizeof inherit, .bInheritHandle = TRUE};
    PROCESS_INFORMATION about = {0};
    HANDLE output = NULL;
    if (!CreatePipe(&run->output, &output, &inherit, 0))
        return false;
    STARTUPINFOW how = {
        .cb = sizeof how,
        .dwFlags = STARTF_USESTDHANDLES,
        .hStdInput = GetStdHandle(STD_INPUT_HANDLE),
        .hStdOutput = output,
        .hStdError = GetStdHandle(STD_ERROR_HANDLE),
    };
    bool ok = SetHandleInformation(run->output, HANDLE_FLAG_INHERIT, 0) &&
              CreateProcessW(NULL, command, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &how, &about);
    windows_close(output);
    if (!ok)
        return false;
    run->process = about.hProcess;
    run->job = CreateJobObjectW(NULL, NULL);
    end_with_job(run->job, true);
    if (!AssignProcessToJobObject(run->job, run->process)) {
        windows_close(run->job);
        run->job = NULL;
    }
    (void)ResumeThread(about.hThread);
    windows_close(about.hThread);
    return true;
}

/* Until the other end is closed. A pipe can't be waited for: it is looked at. */
static bool read_output(const struct run *run, struct buf *out, struct err *err)
{
    bool ok = true;
    char chunk[CHUNK];
    DWORD ready = 0, got = 0;
    while (ok && PeekNamedPipe(run->output, NULL, 0, NULL, &ready, NULL)) {
        if (windows_mono_ms() >= run->deadline_ms)
            ok = err_set(err, ERR_TIMEOUT, "'%s' did not end in time", run->name);
        else if (ready == 0)
            Sleep(PAUSE_MS);
        else if (ReadFile(run->output, chunk, sizeof chunk, &got, NULL) && !buf_add(out, chunk, got))
            ok = err_set(err, ERR_CONFIG, "'%s' printed more than %zu bytes", run->name,
                         out->max ? out->max : (size_t)BUF_MAX_DEFAULT);
    }
    mem_wipe(chunk, sizeof chunk); /* what it prints are keys */
    return ok;
}

static bool await_end(const struct run *run, struct err *err)
{
    DWORD status = 0;
    int64_t left_ms = run->deadline_ms - windows_mono_ms();
    DWORD wait_ms = left_ms <= 0 ? 0 : left_ms < INT32_MAX ? (DWORD)left_ms : INT32_MAX;
    if (WaitForSingleObject(run->process, wait_ms) != WAIT_OBJECT_0)
        return err_set(err, ERR_TIMEOUT, "'%s' did not end in time", run->name);
    if (!GetExitCodeProcess(run->process, &status))
        return windows_fail(err, ERR_CONFIG, "run", run->name);
    return status == 0 ||
           err_set(err, ERR_CONFIG, "'%s' failed with exit status %lu", run->name, (unsigned long)status);
}

bool platform_run(const char *command, int64_t timeout_ms, struct buf *out, struct err *err)
{
    struct run run = {.deadline_ms = windows_mono_ms() + timeout_ms};
    command += strspn(command, " \t");
    name_run(&run, command);
    if (!run.name[0])
        return err_set(err, ERR_CONFIG, "can't run '%s': it names no program", command);
    wchar_t *wide = windows_wide(command);
    if (!wide)
        return err_nomem(err);
    bool ok = start(&run, wide);
    if (!ok)
        windows_fail(err, ERR_CONFIG, "run", run.name);
    else
        ok = read_output(&run, out, err) && await_end(&run, err);
    if (ok)
        end_with_job(run.job, false); /* what it left behind on purpose, an agent for keys, stays */
    else if (!TerminateJobObject(run.job, 1) && run.process)
        (void)TerminateProcess(run.process, 1);
    windows_close(run.job);
    windows_close(run.process);
    windows_close(run.output);
    free(wide);
    return ok;
}
