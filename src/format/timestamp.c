#include "format/timestamp.h"

#include <stdio.h>
#include <string.h>

static const int64_t DAY_MS = INT64_C(86400000);
static const int64_t LAST_MS = INT64_C(253402300799999); /* 9999-12-31T23:59:59.999Z */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Where the run of digits that begins at *pos ends; *pos goes there. */
static size_t skip_digits(const char *text, size_t len, size_t *pos)
{
    size_t start = *pos;
    while (*pos < len && is_digit(text[*pos]))
        ++*pos;
    return *pos - start;
}

/* Reads [eE][+-]digits at *pos, where there is one. Beyond what any text of digits could make up for it
 * saturates. */
static bool read_exponent(const char *text, size_t len, size_t *pos, int64_t *exponent)
{
    *exponent = 0;
    if (*pos == len || (text[*pos] != 'e' && text[*pos] != 'E'))
        return true;
    ++*pos;
    bool negative = *pos < len && text[*pos] == '-';
    if (negative || (*pos < len && text[*pos] == '+'))
        ++*pos;
    size_t first = *pos;
    if (skip_digits(text, len, pos) == 0)
        return false;
    for (size_t i = first; i < *pos && *exponent < INT64_C(1000000000000); i++)
        *exponent = *exponent * 10 + (text[i] - '0');
    if (negative)
        *exponent = -*exponent;
    return true;
}

bool timestamp_from_epoch(const char *text, size_t len, int64_t *out_ms)
{
    size_t pos = 0;
    int64_t exponent = 0;
    size_t whole = skip_digits(text, len, &pos);
    if (whole == 0)
        return false;
    size_t fraction = 0;
    if (pos < len && text[pos] == '.') {
        pos++;
        fraction = skip_digits(text, len, &pos);
        if (fraction == 0)
            return false;
    }
    if (!read_exponent(text, len, &pos, &exponent) || pos != len)
        return false;
    /* The first `taken` digits, the point left out and zeros put behind, are the milliseconds; the rest is
     * cut off. */
    int64_t digits = (int64_t)(whole + fraction);
    int64_t taken = (int64_t)whole + exponent + 3;
    int64_t value = 0;
    for (int64_t i = 0; i < taken && (i < digits || value > 0); i++) {
        size_t at = (size_t)i < whole ? (size_t)i : (size_t)i + 1;
        value = value * 10 + (i < digits ? text[at] - '0' : 0);
        if (value > LAST_MS)
            return false;
    }
    *out_ms = value;
    return true;
}

/* Reads `count` digits at *text, which moves behind them. False leaves *text anywhere. */
static bool read_fixed(const char **text, int count, int *out)
{
    *out = 0;
    for (int i = 0; i < count; i++, ++*text) {
        if (!is_digit(**text))
            return false;
        *out = *out * 10 + (**text - '0');
    }
    return true;
}

static bool read_char(const char **text, char c)
{
    if (**text != c)
        return false;
    ++*text;
    return true;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of_month(int year, int month)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return DAYS[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* Days since 1970-01-01. The year is taken to begin in March, so that the leap day is its last. */
static int64_t days_from_date(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    /* Years before 0 do not come up: year 0 in January is year -1, and then divisions have to round down. */
    int64_t leaps = y < 0 ? -1 : y / 4 - y / 100 + y / 400;
    return 365 * y + leaps + day_of_year - 719468;
}

struct moment {
    int year, month, day, hour, minute, second;
};

/* False where a field is out of its range. Second 60, a leap second, counts as the next minute's first. */
static bool moment_ms(const struct moment *at, int64_t *out_ms)
{
    if (at->month < 1 || at->month > 12 || at->day < 1 || at->day > days_of_month(at->year, at->month))
        return false;
    if (at->hour > 23 || at->minute > 59 || at->second > 60)
        return false;
    int64_t seconds = (at->hour * INT64_C(60) + at->minute) * 60 + at->second;
    *out_ms = days_from_date(at->year, at->month, at->day) * DAY_MS + seconds * 1000;
    return true;
}

static bool in_range(int64_t time_ms, int64_t *out_ms)
{
    if (time_ms < 0 || time_ms > LAST_MS)
        return false;
    *out_ms = time_ms;
    return true;
}

static bool read_clock(const char **text, struct moment *at)
{
    return read_fixed(text, 2, &at->hour) && read_char(text, ':') && read_fixed(text, 2, &at->minute) &&
           read_char(text, ':') && read_fixed(text, 2, &at->second);
}

/* ".123456": the first three digits count. None: 0. */
static bool read_fraction(const char **text, int64_t *out_ms)
{
    *out_ms = 0;
    if (!read_char(text, '.'))
        return true;
    if (!is_digit(**text))
        return false;
    for (int64_t weight = 100; is_digit(**text); ++*text, weight /= 10)
        *out_ms += weight * (**text - '0');
    return true;
}

/* "Z" or "+01:00": what the local time is ahead of UTC. */
static bool read_offset(const char **text, int64_t *out_ms)
{
    *out_ms = 0;
    if (read_char(text, 'Z') || read_char(text, 'z'))
        return true;
    int64_t sign = **text == '-' ? -1 : 1;
    int hours = 0;
    int minutes = 0;
    if (!read_char(text, '+') && !read_char(text, '-'))
        return false;
    if (!read_fixed(text, 2, &hours) || !read_char(text, ':') || !read_fixed(text, 2, &minutes))
        return false;
    *out_ms = sign * (hours * INT64_C(60) + minutes) * 60000;
    return hours <= 23 && minutes <= 59;
}

bool timestamp_from_rfc3339(const char *text, int64_t *out_ms)
{
    struct moment at = {0};
    int64_t time_ms = 0;
    int64_t fraction_ms = 0;
    int64_t offset_ms = 0;
    if (!read_fixed(&text, 4, &at.year) || !read_char(&text, '-') || !read_fixed(&text, 2, &at.month) ||
        !read_char(&text, '-') || !read_fixed(&text, 2, &at.day))
        return false;
    if (!read_char(&text, 'T') && !read_char(&text, 't'))
        return false;
    if (!read_clock(&text, &at) || !read_fraction(&text, &fraction_ms) || !read_offset(&text, &offset_ms) ||
        *text)
        return false;
    return moment_ms(&at, &time_ms) && in_range(time_ms + fraction_ms - offset_ms, out_ms);
}

/* Reads one of `count` names of three letters, the first of which is number 1. */
static bool read_name(const char **text, const char *names, int count, int *out)
{
    for (int i = 0; i < count; i++) {
        if (strncmp(*text, names + (size_t)i * 3, 3) == 0) {
            *text += 3;
            *out = i + 1;
            return true;
        }
    }
    return false;
}

bool timestamp_from_http(const char *text, int64_t *out_ms)
{
    struct moment at = {0};
    int64_t time_ms = 0;
    int day_of_week = 0;
    if (!read_name(&text, "MonTueWedThuFriSatSun", 7, &day_of_week) || !read_char(&text, ',') ||
        !read_char(&text, ' ') || !read_fixed(&text, 2, &at.day) || !read_char(&text, ' '))
        return false;
    if (!read_name(&text, "JanFebMarAprMayJunJulAugSepOctNovDec", 12, &at.month) || !read_char(&text, ' ') ||
        !read_fixed(&text, 4, &at.year) || !read_char(&text, ' '))
        return false;
    if (!read_clock(&text, &at) || strcmp(text, " GMT") != 0)
        return false;
    return moment_ms(&at, &time_ms) && in_range(time_ms, out_ms);
}

/* The civil date and time of a point in time, which is brought into the years 1970 to 9999 first. */
static struct moment moment_of(int64_t *time_ms)
{
    if (*time_ms < 0)
        *time_ms = 0;
    if (*time_ms > LAST_MS)
        *time_ms = LAST_MS;
    int64_t days = *time_ms / DAY_MS;
    struct moment at = {.year = 1970, .month = 1};
    at.year += (int)(days / 366); /* at most the right year, as no year is longer; then some steps on */
    while (days_from_date(at.year + 1, 1, 1) <= days)
        at.year++;
    days -= days_from_date(at.year, 1, 1);
    while (days >= days_of_month(at.year, at.month))
        days -= days_of_month(at.year, at.month++);
    int second = (int)(*time_ms % DAY_MS / 1000);
    at.day = (int)days + 1;
    at.hour = second / 3600;
    at.minute = second / 60 % 60;
    at.second = second % 60;
    return at;
}

void timestamp_rfc3339(int64_t time_ms, char out[TIMESTAMP_MAX])
{
    struct moment at = moment_of(&time_ms);
    (void)snprintf(out, TIMESTAMP_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", at.year, at.month, at.day,
                   at.hour, at.minute, at.second, (int)(time_ms % 1000));
}

void timestamp_amz(int64_t time_ms, char out[TIMESTAMP_MAX])
{
    struct moment at = moment_of(&time_ms);
    (void)snprintf(out, TIMESTAMP_MAX, "%04d%02d%02dT%02d%02d%02dZ", at.year, at.month, at.day, at.hour,
                   at.minute, at.second);
}

void timestamp_age(int64_t duration_ms, char out[TIMESTAMP_MAX])
{
    long long seconds = duration_ms < 0 ? 0 : duration_ms / 1000;
    if (seconds < 60)
        (void)snprintf(out, TIMESTAMP_MAX, "%llds", seconds);
    else if (seconds < 3600)
        (void)snprintf(out, TIMESTAMP_MAX, "%lldm%02llds", seconds / 60, seconds % 60);
    else if (seconds < 86400)
        (void)snprintf(out, TIMESTAMP_MAX, "%lldh%02lldm", seconds / 3600, seconds / 60 % 60);
    else
        (void)snprintf(out, TIMESTAMP_MAX, "%lldd%02lldh", seconds / 86400, seconds / 3600 % 24);
}
