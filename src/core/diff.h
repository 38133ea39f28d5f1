/*
 * diff.h - a unified diff of two texts, for people.
 */
#ifndef CORE_DIFF_H
#define CORE_DIFF_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Appends a unified diff (three lines of context) of texts `a` and `b` under the names given; nothing where
 * they are equal. What could act on a terminal is made visible. With `color` removed lines are red and added
 * ones green. Of texts that differ in thousands of lines the whole differing part is shown as replaced.
 */
bool diff_unified(const char *name_a, const char *a, const char *name_b, const char *b, bool color,
                  struct buf *out, struct err *err);

#endif
