/*
 * policy.h - the IAM policy that the instance roles need.
 */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends deploy/policy.json with the partition ("aws", "aws-cn", ...) and the account filled in (NULL: not
 * known, for a look at it). ERR_CONFIG: an account that is not twelve digits, a partition that is none. */
bool policy_make(const char *partition, const char *account, struct buf *out, struct err *err);

/*
 * True if both texts are JSON and mean the same to IAM: members in any order; a single value and an array of
 * just that value; arrays in any order.
 */
bool policy_same(const char *a, size_t len_a, const char *b, size_t len_b);

#endif
