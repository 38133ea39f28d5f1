/* Any bytes as a time: what is taken lies in the years 1970 to 9999, is written, and reads the same again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int64_t time_ms)
{
    char text[TIMESTAMP_MAX];
    int64_t back = -1;
    timestamp_rfc3339(time_ms, text);
    if (strlen(text) != 24 || !timestamp_from_rfc3339(text, &back) || back != time_ms)
        abort();
    timestamp_amz(time_ms, text);
    if (strlen(text) != 16)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char age[TIMESTAMP_MAX];
    int64_t time_ms = 0;
    /* Of just this size: a byte that is read too far is seen. */
    char *exact = malloc(size ? size : 1);
    char *text = malloc(size + 1);
    if (!exact || !text)
        abort();
    if (size > 0) {
        memcpy(exact, data, size);
        memcpy(text, data, size);
    }
    text[size] = '\0';
    if (timestamp_from_epoch(exact, size, &time_ms))
        check(time_ms);
    if (timestamp_from_rfc3339(text, &time_ms))
        check(time_ms);
    if (timestamp_from_http(text, &time_ms))
        check(time_ms);
    if (size >= sizeof time_ms) {
        memcpy(&time_ms, data, sizeof time_ms);
        timestamp_rfc3339(time_ms, age);
        timestamp_age(time_ms, age);
        if (strlen(age) < 2)
            abort();
    }
    free(exact);
    free(text);
    return 0;
}
