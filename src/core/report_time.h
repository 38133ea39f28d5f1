/*
 * report_time.h - times as the report's JSON has them. Part of the report.
 */
#ifndef CORE_REPORT_TIME_H
#define CORE_REPORT_TIME_H

#include <stdint.h>

#include "core/report.h"
#include "format/json_write.h"

/* RFC 3339 with milliseconds. */
void report_add_time(struct json_writer *json, const char *key, int64_t time_ms);

/* Whole seconds from start_ms to the report; 0 for a start that the clocks put behind it. */
int64_t report_seconds_since(const struct report *report, int64_t start_ms);

#endif
