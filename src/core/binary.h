/*
 * binary.h - for which system an executable is made, read from its header.
 */
#ifndef CORE_BINARY_H
#define CORE_BINARY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * Sets `target` to "linux-x86_64", "linux-aarch64", "windows-x86_64" or "windows-aarch64" (constant). The
 * header is that of ELF (64 bits, little endian, System V or Linux) or of PE. ERR_CONFIG: another one, or
 * none.
 */
bool binary_target(const void *data, size_t len, const char **target, struct err *err);

#endif
