#define _GNU_SOURCE 1
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "format/timestamp.h"

#define LAST_MS INT64_C(253402300799999)

enum { UNTOUCHED = 42, BAD = -1 };

struct text_and_time {
    const char *text;
    int64_t time_ms; /* BAD: refused */
};

static void reads_epochs(void **state)
{
    static const struct text_and_time CASES[] = {
        {"0", 0},
        {"1", 1000},
        {"1795363200", INT64_C(1795363200000)},
        {"1795363200.1", INT64_C(1795363200100)},
        {"1795363200.123", INT64_C(1795363200123)},
        {"1795363200.1239999999999999999", INT64_C(1795363200123)},
        {"1492500000.1234567", INT64_C(1492500000123)},
        {"1492500000.0009", INT64_C(1492500000000)},
        /* No double has these: read as doubles and multiplied they come out one less. */
        {"1492500000.001", INT64_C(1492500000001)},
        {"1.001", 1001},
        {"4.35", 4350},
        {"1.4925E9", INT64_C(1492500000000)},
        {"1.4925e+9", INT64_C(1492500000000)},
        {"1.492500000123E9", INT64_C(1492500000123)},
        {"1.4925000001239E9", INT64_C(1492500000123)},
        {"14925E5", INT64_C(1492500000000)},
        {"1E3", 1000000},
        {"1E-3", 1},
        {"1E-4", 0},
        {"1999E-4", 199},
        {"1e-400", 0},
        {"1E-99999999999999999999", 0},
        {"0e400", 0},
        {"0e99999999999999999999", 0},
        {"0.0000000000000000000000000000001e34", INT64_C(1000000)},
        {"000000000000000000000000000000001", 1000},
        {"253402300799.999", LAST_MS},
        {"253402300799.9999999", LAST_MS},
        {"253402300800", BAD},
        {"1e400", BAD},
        {"1e99999999999999999999", BAD},
        {"99999999999999999999999999999999999999999999", BAD},
        {"9223372036854775808", BAD},
        {"18446744073709551616", BAD},
        {"", BAD},
        {"-1", BAD},
        {"-0", BAD},
        {"+1", BAD},
        {" 1", BAD},
        {"1 ", BAD},
        {"1.", BAD},
        {".5", BAD},
        {"1.e3", BAD},
        {"1e", BAD},
        {"1e+", BAD},
        {"1e-", BAD},
        {"1e3.0", BAD},
        {"1.2.3", BAD},
        {"0x10", BAD},
        {"NaN", BAD},
        {"inf", BAD},
        {"1,5", BAD},
        {"\"1\"", BAD},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t time_ms = UNTOUCHED;
        bool ok = timestamp_from_epoch(CASES[i].text, strlen(CASES[i].text), &time_ms);
        if (ok != (CASES[i].time_ms != BAD) || (ok && time_ms != CASES[i].time_ms))
            fail_msg("%s: %d %" PRId64, CASES[i].text, ok, time_ms);
        assert_true(ok || time_ms == UNTOUCHED);
    }
}

static void reads_epochs_by_their_length(void **state)
{
    int64_t time_ms = 0;
    (void)state;
    assert_true(timestamp_from_epoch("1234.5678", 3, &time_ms));
    assert_int_equal(time_ms, 123000);
    assert_true(timestamp_from_epoch("1234.5678", 6, &time_ms));
    assert_int_equal(time_ms, 1234500);
    assert_false(timestamp_from_epoch("1234.5678", 5, &time_ms));
    assert_false(timestamp_from_epoch("1\0002", 3, &time_ms));
}

/* Every form of the same millisecond gives that millisecond. */
static void epochs_are_exact(void **state)
{
    uint64_t seed = 1;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        char text[64];
        int64_t time_ms = 0;
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        int64_t want = (int64_t)(seed >> 16) % (LAST_MS + 1);
        (void)snprintf(text, sizeof text, "%" PRId64 ".%03d", want / 1000, (int)(want % 1000));
        assert_true(timestamp_from_epoch(text, strlen(text), &time_ms));
        assert_int_equal(time_ms, want);
        (void)snprintf(text, sizeof text, "%" PRId64 "e-3", want);
        assert_true(timestamp_from_epoch(text, strlen(text), &time_ms));
        assert_int_equal(time_ms, want);
        (void)snprintf(text, sizeof text, "0.%015" PRId64 "9E12", want);
        assert_true(timestamp_from_epoch(text, strlen(text), &time_ms));
        assert_int_equal(time_ms, want);
    }
}

static void reads_rfc3339(void **state)
{
    static const struct text_and_time CASES[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-22T16:34:03Z", INT64_C(1795365243000)},
        {"2026-11-22t16:34:03z", INT64_C(1795365243000)},
        {"2026-11-22T16:34:03.1Z", INT64_C(1795365243100)},
        {"2026-11-22T16:34:03.12Z", INT64_C(1795365243120)},
        {"2026-11-22T16:34:03.1239999Z", INT64_C(1795365243123)},
        {"2026-11-22T17:34:03+01:00", INT64_C(1795365243000)},
        {"2026-11-22T11:04:03.5-05:30", INT64_C(1795365243500)},
        {"2026-11-22T16:34:03-00:00", INT64_C(1795365243000)},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
        {"1969-12-31T23:59:59-00:01", 59000},
        {"9999-12-31T23:59:59.999Z", LAST_MS},
        {"1969-12-31T23:59:59Z", BAD},
        {"1970-01-01T00:00:00+00:01", BAD},
        {"0000-01-01T00:00:00Z", BAD},
        {"0001-01-01T00:00:00Z", BAD},
        {"9999-12-31T23:59:59-00:01", BAD},
        {"2026-02-29T00:00:00Z", BAD},
        {"2100-02-29T00:00:00Z", BAD},
        {"2026-00-01T00:00:00Z", BAD},
        {"2026-13-01T00:00:00Z", BAD},
        {"2026-01-00T00:00:00Z", BAD},
        {"2026-04-31T00:00:00Z", BAD},
        {"2026-01-01T24:00:00Z", BAD},
        {"2026-01-01T00:60:00Z", BAD},
        {"2026-01-01T00:00:61Z", BAD},
        {"2026-01-01T00:00:00", BAD},
        {"2026-01-01T00:00:00.Z", BAD},
        {"2026-01-01T00:00:00+0100", BAD},
        {"2026-01-01T00:00:00+24:00", BAD},
        {"2026-01-01T00:00:00+01:60", BAD},
        {"2026-01-01T00:00:00+01:00Z", BAD},
        {"2026-01-01T00:00:00Z ", BAD},
        {" 2026-01-01T00:00:00Z", BAD},
        {"2026-01-01 00:00:00Z", BAD},
        {"2026-1-01T00:00:00Z", BAD},
        {"26-01-01T00:00:00Z", BAD},
        {"2026-01-01", BAD},
        {"2026-01-01T00:00Z", BAD},
        {"2026-01-01T0", BAD},
        {"", BAD},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t time_ms = UNTOUCHED;
        bool ok = timestamp_from_rfc3339(CASES[i].text, &time_ms);
        if (ok != (CASES[i].time_ms != BAD) || (ok && time_ms != CASES[i].time_ms))
            fail_msg("%s: %d %" PRId64, CASES[i].text, ok, time_ms);
        assert_true(ok || time_ms == UNTOUCHED);
    }
}

static void reads_http_dates(void **state)
{
    static const struct text_and_time CASES[] = {
        {"Sun, 22 Nov 2026 16:34:03 GMT", INT64_C(1795365243000)},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT", INT64_C(784111777000)},
        {"Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799000)},
        {"Wed, 31 Dec 1969 23:59:59 GMT", BAD},
        {"Sunday, 06-Nov-94 08:49:37 GMT", BAD},
        {"Sun Nov  6 08:49:37 1994", BAD},
        {"Sun, 06 Nov 1994 08:49:37 UTC", BAD},
        {"Sun, 06 Nov 1994 08:49:37 GMT ", BAD},
        {"Sun, 06 Nov 1994 08:49:37", BAD},
        {"Sun, 6 Nov 1994 08:49:37 GMT", BAD},
        {"Sun, 32 Jan 1994 08:49:37 GMT", BAD},
        {"Sun, 06 Foo 1994 08:49:37 GMT", BAD},
        {"Sun, 06 anF 1994 08:49:37 GMT", BAD},
        {"Foo, 06 Nov 1994 08:49:37 GMT", BAD},
        {"Sun 06 Nov 1994 08:49:37 GMT", BAD},
        {"Sun, 06 Nov 94 08:49:37 GMT", BAD},
        {"Sun, 06 Nov 1994 25:49:37 GMT", BAD},
        {"Su", BAD},
        {"", BAD},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t time_ms = UNTOUCHED;
        bool ok = timestamp_from_http(CASES[i].text, &time_ms);
        if (ok != (CASES[i].time_ms != BAD) || (ok && time_ms != CASES[i].time_ms))
            fail_msg("%s: %d %" PRId64, CASES[i].text, ok, time_ms);
        assert_true(ok || time_ms == UNTOUCHED);
    }
}

/* Written as the C library's calendar has it, and read back. */
static void check_against_libc(int64_t time_ms)
{
    char want[128];
    char date[64];
    char got[TIMESTAMP_MAX];
    int64_t back = 0;
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm tm;
    assert_non_null(gmtime_r(&seconds, &tm));
    (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(want, sizeof want, "%s.%03dZ", date, (int)(time_ms % 1000));
    timestamp_rfc3339(time_ms, got);
    assert_string_equal(got, want);
    assert_true(timestamp_from_rfc3339(got, &back));
    assert_int_equal(back, time_ms);
    (void)strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", &tm);
    timestamp_amz(time_ms, got);
    assert_string_equal(got, date);
    (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    assert_true(timestamp_from_http(date, &back));
    assert_int_equal(back, time_ms / 1000 * 1000);
}

static void knows_the_calendar(void **state)
{
    const int64_t day_ms = 86400000;
    uint64_t seed = 7;
    (void)state;
    for (int64_t day = 0; day < 366 * 140; day++) /* past 2100, which is no leap year */
        check_against_libc(day * day_ms + (day % 2 ? day_ms - 1 : 0));
    for (int64_t year = 1970; year < 9999; year++)
        check_against_libc((year - 1970) * 31556952000 + day_ms * 59);
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        check_against_libc((int64_t)(seed >> 16) % (LAST_MS + 1));
    }
    check_against_libc(LAST_MS);
}

static void writes_only_what_it_can(void **state)
{
    char text[TIMESTAMP_MAX];
    (void)state;
    timestamp_rfc3339(-1, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    timestamp_rfc3339(INT64_MIN, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    timestamp_rfc3339(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    timestamp_amz(LAST_MS + 1, text);
    assert_string_equal(text, "99991231T235959Z");
}

static void tells_ages(void **state)
{
    static const struct {
        int64_t duration_ms;
        const char *text;
    } CASES[] = {
        {INT64_MIN, "0s"},   {-1, "0s"},           {0, "0s"},
        {999, "0s"},         {1000, "1s"},         {59999, "59s"},
        {60000, "1m00s"},    {200000, "3m20s"},    {3599999, "59m59s"},
        {3600000, "1h00m"},  {7500000, "2h05m"},   {86399999, "23h59m"},
        {86400000, "1d00h"}, {356400000, "4d03h"}, {INT64_MAX, "106751991167d07h"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char text[TIMESTAMP_MAX];
        timestamp_age(CASES[i].duration_ms, text);
        assert_string_equal(text, CASES[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_epochs),
        cmocka_unit_test(reads_epochs_by_their_length),
        cmocka_unit_test(epochs_are_exact),
        cmocka_unit_test(reads_rfc3339),
        cmocka_unit_test(reads_http_dates),
        cmocka_unit_test(knows_the_calendar),
        cmocka_unit_test(writes_only_what_it_can),
        cmocka_unit_test(tells_ages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
