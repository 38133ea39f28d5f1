/* linux_terminal.c - what a person sees and is asked. */
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "platform/linux.h"

enum { WIDTH_DEFAULT = 80, STUCK_MS = 2000, INTERRUPT_KEY = 3 /* Ctrl-C */ };

static int number_of(enum platform_stream stream)
{
    return stream == PLATFORM_STDOUT ? STDOUT_FILENO : STDERR_FILENO;
}

bool platform_is_terminal(enum platform_stream stream)
{
    return isatty(number_of(stream)) == 1;
}

int platform_terminal_width(enum platform_stream stream)
{
    struct winsize size = {0};
    /* The agent sets the size only when the client has told it: 0 x 0 while a profile runs. */
    if (ioctl(number_of(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return WIDTH_DEFAULT;
    return size.ws_col;
}

static bool write_waiting(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, data, len);
        if (put >= 0) {
            data += put;
            len -= (size_t)put;
        } else if (errno == EAGAIN) { /* whoever shares the terminal has made it so */
            (void)poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

/*
 * The same, but what takes nothing for STUCK_MS is given up. A write of no more than PIPE_BUF bytes to a pipe
 * that polls as ready does not block; on a terminal it may, so `fd` is to be a non-blocking one there.
 */
static bool write_bounded(int fd, const char *data, size_t len)
{
    enum { PART = 4096, PAUSE_MS = 10 };
    int64_t stuck_ms = linux_mono_ms() + STUCK_MS;
    while (len > 0) {
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        int64_t left_ms = stuck_ms - linux_mono_ms();
        if (left_ms <= 0)
            return false;
        if (poll(&wait, 1, (int)left_ms) <= 0)
            continue;
        ssize_t put = write(fd, data, len < PART ? len : PART);
        if (put > 0) {
            data += put;
            len -= (size_t)put;
            stuck_ms = linux_mono_ms() + STUCK_MS;
        } else if (put < 0 && errno == EAGAIN) {
            /* ready, and yet too little room: a terminal with one byte left takes no line end, which is two
             */
            (void)poll(NULL, 0, PAUSE_MS);
        } else if (put < 0 && errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* Whether this process has ignored the terminal's stop key (platform_ignore_signals, or the profile line's
 * trap). */
static bool must_not_stop(void)
{
    struct sigaction action;
    return sigaction(SIGTSTP, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/*
 * A session user who presses Ctrl-S stops the terminal, and a write to it would block for as long as they
 * like. So a run that must not stop writes through a second, non-blocking description of it (O_NONBLOCK on
 * the first would be the shell's too), and what is stuck is replaced by /dev/null, so that later writes do
 * not wait again.
 */
static bool write_unstoppable(int fd, const char *data, size_t len)
{
    int terminal = -1;
    pid_t session = 0;
    if (ioctl(fd, TIOCGSID, &session) == 0 && session == getsid(0)) /* it is our controlling terminal */
        terminal = open("/dev/tty", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool ok = write_bounded(terminal >= 0 ? terminal : fd, data, len);
    linux_close(terminal);
    if (!ok) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (null >= 0)
            (void)dup2(null, fd);
        linux_close(null);
    }
    return ok;
}

bool platform_write(enum platform_stream stream, const char *data, size_t len)
{
    int fd = number_of(stream);
    return must_not_stop() ? write_unstoppable(fd, data, len) : write_waiting(fd, data, len);
}

/* One line without its end. False: the terminal ended, or Ctrl-C was pressed. */
static bool read_line(int terminal, struct buf *answer)
{
    for (;;) {
        char c;
        ssize_t got = read(terminal, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || c == INTERRUPT_KEY)
            return false;
        if (c == '\n')
            return true;
        if (!buf_add_char(answer, c))
            return false;
    }
}

bool platform_ask(const char *prompt, bool echo, struct buf *answer, struct err *err)
{
    bool ok = false;
    struct termios before;
    int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0)
        return err_set(err, ERR_USAGE, "there is no terminal to ask '%s' on", prompt);
    if (tcgetattr(terminal, &before) != 0) {
        err_set(err, ERR_IO, "can't ask on the terminal: %s", strerror(errno));
        goto out;
    }
    struct termios silent = before;
    /* Ctrl-C would end the program with the echo still off: here it ends the line instead. */
    silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    silent.c_cc[VEOL] = INTERRUPT_KEY;
    /* Before the question: what is typed as soon as it shows must neither be seen nor be flushed. */
    if (!echo && tcsetattr(terminal, TCSAFLUSH, &silent) != 0) {
        err_set(err, ERR_IO, "can't ask on the terminal: %s", strerror(errno));
        goto out;
    }
    if (!write_waiting(terminal, prompt, strlen(prompt)))
        err_set(err, ERR_IO, "can't ask on the terminal: %s", strerror(errno));
    else
        ok = read_line(terminal, answer) ||
             err_set(err, ERR_IO, "the terminal gave no answer to '%s'", prompt);
    if (!echo) {
        (void)tcsetattr(terminal, TCSAFLUSH, &before);
        (void)write_waiting(terminal, "\n", 1);
    }
out:
    linux_close(terminal);
    return ok;
}
