/*
 * timestamp.h - points in time as milliseconds since 1970-01-01T00:00:00Z, from and to text. Years 1970 to
 * 9999.
 */
#ifndef FORMAT_TIMESTAMP_H
#define FORMAT_TIMESTAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TIMESTAMP_MAX = 32 };

/* An epoch in seconds as AWS writes it in JSON: "1795363200", "1795363200.123", "1.7953632E9". False: not
 * such a number, negative, or out of range. Exact to the millisecond, rounded down. */
bool timestamp_from_epoch(const char *text, size_t len, int64_t *out_ms);

/* RFC 3339: "2026-11-22T16:34:03Z", with fraction, with an offset "+01:00". */
bool timestamp_from_rfc3339(const char *text, int64_t *out_ms);

/* The Date header of HTTP: "Sun, 22 Nov 2026 16:34:03 GMT" (IMF-fixdate). */
bool timestamp_from_http(const char *text, int64_t *out_ms);

/* "2026-11-22T16:34:03.123Z" */
void timestamp_rfc3339(int64_t time_ms, char out[TIMESTAMP_MAX]);

/* "20261122T163403Z", the form of X-Amz-Date. */
void timestamp_amz(int64_t time_ms, char out[TIMESTAMP_MAX]);

/* A duration for people, at most two units: "0s", "59s", "3m20s", "2h05m", "4d03h". Negative counts as 0. */
void timestamp_age(int64_t duration_ms, char out[TIMESTAMP_MAX]);

#endif
