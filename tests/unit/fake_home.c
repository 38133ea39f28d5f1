#include "fake_home.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { PATH_SIZE = 256 };

static void make_path(const struct fake_home *home, const char *name, char out[PATH_SIZE])
{
    assert_in_range(snprintf(out, PATH_SIZE, "%s/%s", home->path, name), 1, PATH_SIZE - 1);
}

void fake_home_start(struct fake_home *home)
{
    (void)snprintf(home->path, sizeof home->path, "/tmp/fake_home.XXXXXX");
    assert_non_null(mkdtemp(home->path));
    assert_int_equal(setenv("HOME", home->path, 1), 0);
}

void fake_home_end(struct fake_home *home)
{
    char command[PATH_SIZE];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", home->path);
    assert_int_equal(system(command), 0);
    home->path[0] = '\0';
}

void fake_home_write(const struct fake_home *home, const char *name, const char *text)
{
    char path[PATH_SIZE];
    make_path(home, name, path);
    for (char *slash = path + strlen(home->path) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
}

const char *fake_home_read(const struct fake_home *home, const char *name)
{
    static char text[65536];
    char path[PATH_SIZE];
    make_path(home, name, path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}
