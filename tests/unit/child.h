/* child.h - how a process that a test has forked ends: at once, with nothing of its parent's flushed or
 * looked for as a leak, and yet counted where coverage is. */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include <unistd.h>

void __gcov_dump(void) __attribute__((weak));

static inline _Noreturn void child_end(int status)
{
    if (__gcov_dump)
        __gcov_dump();
    _exit(status);
}

#endif
