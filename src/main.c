#include "base/version.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("ssm-enforce " SSM_ENFORCE_VERSION);
        return 0;
    }
    fputs("ssm-enforce: nothing but --version is there yet\n", stderr);
    return 2;
}
