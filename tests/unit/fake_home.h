/*
 * fake_home.h - a home directory of its own for a test, which HOME names.
 */
#ifndef TESTS_FAKE_HOME_H
#define TESTS_FAKE_HOME_H

enum { FAKE_HOME_MAX = 64 };

struct fake_home {
    char path[FAKE_HOME_MAX];
};

void fake_home_start(struct fake_home *home);
void fake_home_end(struct fake_home *home);

/* Writes a file ("name" or ".aws/sso/cache/name"), its directories included. */
void fake_home_write(const struct fake_home *home, const char *name, const char *text);

/* Its text, in a static buffer. */
const char *fake_home_read(const struct fake_home *home, const char *name);

#endif
