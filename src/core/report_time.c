#include "core/report_time.h"

#include "format/timestamp.h"

void report_add_time(struct json_writer *json, const char *key, int64_t time_ms)
{
    char text[TIMESTAMP_MAX];
    timestamp_rfc3339(time_ms, text);
    json_add_string(json, key, text);
}

int64_t report_seconds_since(const struct report *report, int64_t start_ms)
{
    return report->time_ms > start_ms ? (report->time_ms - start_ms) / 1000 : 0;
}
