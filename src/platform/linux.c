/* linux.c - the process: its start, clock, environment, signals and who it is. */
#define _GNU_SOURCE 1 /* dl_iterate_phdr */
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "platform/linux.h"

enum { USER_ENTRY_MAX = 4096 };

void linux_close(int fd)
{
    int saved = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = saved;
}

/* What the start has relocated is not to be written any more: musl leaves that undone in a static executable
 * (its dynlink.c does it for those it loads). */
static int protect_relocated(struct dl_phdr_info *info, size_t size, void *ctx)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    (void)size;
    (void)ctx;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_GNU_RELRO)
            continue;
        uintptr_t start = (info->dlpi_addr + header->p_vaddr) & -page;
        uintptr_t end = (info->dlpi_addr + header->p_vaddr + header->p_memsz) & -page;
        (void)mprotect((void *)start, end - start, PROT_READ);
    }
    return 1; /* the executable comes first, and is all that there is */
}

// NOLINTNEXTLINE(readability-non-const-parameter): Windows replaces them
void platform_start(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    (void)dl_iterate_phdr(protect_relocated, NULL);
    /* A socket or file that got number 1 would be sent the report. */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)open("/dev/null", O_RDWR); /* takes the lowest free number, and keeps it over an exec */
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    /* Other processes of the session user can neither trace this one nor read its memory. From here on
     * /proc/self belongs to root: nothing in this program reads it. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)umask(077);
    (void)signal(SIGCHLD, SIG_DFL); /* where a parent ignored it, no child's status could be had */
}

static int64_t clock_read_ms(clockid_t id)
{
    struct timespec now = {0};
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t linux_mono_ms(void)
{
    return clock_read_ms(CLOCK_MONOTONIC);
}

static int64_t mono_ms(void *ctx)
{
    (void)ctx;
    return linux_mono_ms();
}

static int64_t wall_ms(void *ctx)
{
    (void)ctx;
    return clock_read_ms(CLOCK_REALTIME);
}

static void sleep_ms(void *ctx, int64_t time_ms)
{
    (void)ctx;
    if (time_ms <= 0)
        return;
    struct timespec left = {.tv_sec = (time_t)(time_ms / 1000), .tv_nsec = (long)(time_ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

static uint32_t random_bits(void *ctx)
{
    (void)ctx;
    uint32_t bits;
    if (getrandom(&bits, sizeof bits, 0) == (ssize_t)sizeof bits)
        return bits;
    /* A kernel or a sandbox without it: jitter needs no more than to differ between processes. */
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)now.tv_nsec * 2654435761U ^ (uint32_t)getpid();
}

void platform_clock(struct clock *out)
{
    *out =
        (struct clock){.mono_ms = mono_ms, .wall_ms = wall_ms, .sleep_ms = sleep_ms, .random = random_bits};
}

static const char *get_variable(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

void platform_env(struct env *out)
{
    *out = (struct env){.get = get_variable};
}

void platform_ignore_signals(void)
{
    static const int keys[] = {SIGINT, SIGQUIT, SIGTSTP, SIGHUP, SIGTTIN, SIGTTOU, SIGPIPE};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        (void)signal(keys[i], SIG_IGN);
}

void platform_host_name(char out[PLATFORM_NAME_MAX])
{
    /* A name that is too long is cut without a NUL. */
    if (gethostname(out, PLATFORM_NAME_MAX) != 0 || !out[0])
        memcpy(out, "?", 2);
    out[PLATFORM_NAME_MAX - 1] = '\0';
}

/* A C library that is linked in statically knows /etc/passwd (and nscd, where it runs), but no other
 * directory. */
static bool find_user(uid_t uid, struct passwd *entry, char text[USER_ENTRY_MAX])
{
    struct passwd *found = NULL;
    return getpwuid_r(uid, entry, text, USER_ENTRY_MAX, &found) == 0 && found;
}

void platform_user_name(char out[PLATFORM_NAME_MAX])
{
    struct passwd entry;
    char text[USER_ENTRY_MAX];
    uid_t uid = getuid();
    if (find_user(uid, &entry, text) && entry.pw_name[0])
        (void)snprintf(out, PLATFORM_NAME_MAX, "%s", entry.pw_name);
    else
        (void)snprintf(out, PLATFORM_NAME_MAX, "uid %lu", (unsigned long)uid);
}

int64_t platform_process_id(void)
{
    return getpid();
}

bool linux_home_of(uid_t uid, struct buf *out)
{
    struct passwd entry;
    char text[USER_ENTRY_MAX];
    return find_user(uid, &entry, text) && entry.pw_dir[0] && buf_add_text(out, entry.pw_dir);
}

bool platform_home(struct buf *out)
{
    const char *home = getenv("HOME");
    return home && *home ? buf_add_text(out, home) : linux_home_of(getuid(), out);
}

bool platform_home_of_root(struct buf *out)
{
    return linux_home_of(0, out);
}

bool platform_agent_credentials(struct buf *path)
{
    return buf_add_text(path, "/var/lib/amazon/ssm/credentials");
}
