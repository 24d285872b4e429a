// SPDX-License-Identifier: MIT
#include "base/clock.h"

#include <string.h>
#include <time.h>

#include "base/ascii.h"

#define MS_PER_SECOND 1000
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_DAY (INT64_C(24) * 60 * MS_PER_MINUTE)

#define WALL_MS_MIN (-62167219200000) // 0000-01-01T00:00:00.000Z
#define WALL_MS_MAX 253402300799999   // 9999-12-31T23:59:59.999Z

uint64_t gw_clock_monotonic_ms(void) {
    struct timespec now;
    gw_assert(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * MS_PER_SECOND + (uint64_t)now.tv_nsec / 1000000;
}

int64_t gw_clock_wall_ms(void) {
    struct timespec now;
    gw_assert(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (int64_t)now.tv_sec * MS_PER_SECOND + now.tv_nsec / 1000000;
}

int64_t gw_clock_wall_us(void) {
    struct timespec now;
    gw_assert(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

// `value` from 0 to 99.
static void put_two_digits(char *out, int value) {
    gw_assert(value >= 0 && value <= 99);
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
}

// `year` from 0 to 9999.
static void put_year(char *out, int year) {
    put_two_digits(out, year / 100);
    put_two_digits(out + 2, year % 100);
}

// The Gregorian calendar repeats after 400 years. Days are counted from a 1 March, so that the leap
// day is the last of its year; year 0000 of that count begins 719468 days before 1970.
#define DAYS_PER_ERA 146097
#define DAYS_BEFORE_1970 719468

struct civil {
    int year;
    int month; // 1-12
    int day;   // 1-31
};

// `days` since 1970-01-01, not before the year -400. gmtime_r would take a lock and three times as
// long, and the JSON of a token holds three times.
static struct civil civil_from_days(int days) {
    int shifted = days + DAYS_BEFORE_1970 + DAYS_PER_ERA;
    int era = shifted / DAYS_PER_ERA - 1;
    int day_of_era = shifted % DAYS_PER_ERA;
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month_from_march = (5 * day_of_year + 2) / 153;
    int month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return (struct civil){
        .year = era * 400 + year_of_era + (month <= 2),
        .month = month,
        .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
    };
}

// Takes a wall time apart; a time outside the years 0000 to 9999 is clamped.
static struct civil split(int64_t wall_ms, int *days, int *ms_of_day) {
    if (wall_ms < WALL_MS_MIN)
        wall_ms = WALL_MS_MIN;
    if (wall_ms > WALL_MS_MAX)
        wall_ms = WALL_MS_MAX;
    int64_t rest = wall_ms % MS_PER_DAY;
    if (rest < 0)
        rest += MS_PER_DAY;
    *days = (int)((wall_ms - rest) / MS_PER_DAY);
    *ms_of_day = (int)rest;
    return civil_from_days(*days);
}

// "12:00:00"
static void put_time(char *out, int ms_of_day) {
    int seconds = ms_of_day / MS_PER_SECOND;
    put_two_digits(out, seconds / 3600);
    out[2] = ':';
    put_two_digits(out + 3, seconds / 60 % 60);
    out[5] = ':';
    put_two_digits(out + 6, seconds % 60);
}

// In "2026-01-31T12:00:00.000Z".
static void put_ms(char *iso, int ms) {
    iso[20] = (char)('0' + ms / 100);
    put_two_digits(iso + 21, ms % 100);
}

void gw_clock_format_iso(int64_t wall_ms, char *out) {
    int days;
    int ms_of_day;
    struct civil date = split(wall_ms, &days, &ms_of_day);
    put_year(out, date.year);
    out[4] = '-';
    put_two_digits(out + 5, date.month);
    out[7] = '-';
    put_two_digits(out + 8, date.day);
    out[10] = 'T';
    put_time(out + 11, ms_of_day);
    out[19] = '.';
    put_ms(out, ms_of_day % MS_PER_SECOND);
    out[23] = 'Z';
}

// Of this second since 1970, or before: rounded down, as split() does.
void gw_clock_format_iso_ms(int64_t wall_ms, char *out) {
    int ms = (int)(wall_ms % MS_PER_SECOND);
    put_ms(out, ms < 0 ? ms + MS_PER_SECOND : ms);
}

void gw_clock_format_http(int64_t wall_ms, char *out) {
    static const char day_names[] = "ThuFriSatSunMonTueWed"; // 1970-01-01 was a Thursday
    static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int days;
    int ms_of_day;
    struct civil date = split(wall_ms, &days, &ms_of_day);
    int weekday = (days % 7 + 7) % 7;
    memcpy(out, day_names + (ptrdiff_t)3 * weekday, 3);
    memcpy(out + 3, ", ", 2);
    put_two_digits(out + 5, date.day);
    out[7] = ' ';
    memcpy(out + 8, month_names + (ptrdiff_t)3 * (date.month - 1), 3);
    out[11] = ' ';
    put_year(out + 12, date.year);
    out[16] = ' ';
    put_time(out + 17, ms_of_day);
    memcpy(out + 25, " GMT", 4);
}

// Takes exactly `width` digits from the front.
static bool take_digits(struct gw_str *rest, size_t width, int *value) {
    if (rest->length < width)
        return false;
    int sum = 0;
    for (size_t i = 0; i < width; i++) {
        if (!gw_ascii_is_digit(rest->at[i]))
            return false;
        sum = sum * 10 + (rest->at[i] - '0');
    }
    *value = sum;
    *rest = gw_str_slice(*rest, width, rest->length);
    return true;
}

// Takes one byte out of `accepted` from the front.
static bool take_one_of(struct gw_str *rest, const char *accepted, char *taken) {
    if (rest->length == 0 || rest->at[0] == '\0' || strchr(accepted, rest->at[0]) == NULL)
        return false;
    *taken = rest->at[0];
    *rest = gw_str_slice(*rest, 1, rest->length);
    return true;
}

// timegm moves a date that the month does not have into the next one.
static bool is_in_calendar(const struct tm *date) {
    struct tm moved = {.tm_year = date->tm_year, .tm_mon = date->tm_mon, .tm_mday = date->tm_mday};
    (void)timegm(&moved);
    return moved.tm_mon == date->tm_mon && moved.tm_mday == date->tm_mday;
}

static bool take_date(struct gw_str *rest, struct tm *date) {
    int year;
    int month;
    int day;
    char c;
    if (!take_digits(rest, 4, &year) || !take_one_of(rest, "-", &c) ||
        !take_digits(rest, 2, &month) || !take_one_of(rest, "-", &c) || !take_digits(rest, 2, &day))
        return false;
    *date = (struct tm){.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    return is_in_calendar(date);
}

// One to nine digits after the dot, cut to milliseconds; without a dot the fraction is 0.
static bool take_fraction(struct gw_str *rest, int *ms) {
    *ms = 0;
    char c;
    if (!take_one_of(rest, ".", &c))
        return true;
    int scale = 100;
    size_t count = 0;
    for (; count < rest->length && gw_ascii_is_digit(rest->at[count]); count++) {
        *ms += (rest->at[count] - '0') * scale;
        scale /= 10;
    }
    *rest = gw_str_slice(*rest, count, rest->length);
    return count >= 1 && count <= 9;
}

static bool take_time(struct gw_str *rest, struct tm *date, int *ms) {
    char c;
    if (!take_digits(rest, 2, &date->tm_hour) || !take_one_of(rest, ":", &c) ||
        !take_digits(rest, 2, &date->tm_min) || !take_one_of(rest, ":", &c) ||
        !take_digits(rest, 2, &date->tm_sec) || !take_fraction(rest, ms))
        return false;
    if (date->tm_hour > 23 || date->tm_min > 59 || date->tm_sec > 60)
        return false;
    if (date->tm_sec == 60)
        *ms = 0;
    return true;
}

static bool take_offset(struct gw_str *rest, int *minutes) {
    char sign;
    *minutes = 0;
    if (take_one_of(rest, "Zz", &sign))
        return true;
    int hour;
    int minute;
    char c;
    if (!take_one_of(rest, "+-", &sign) || !take_digits(rest, 2, &hour) ||
        !take_one_of(rest, ":", &c) || !take_digits(rest, 2, &minute))
        return false;
    *minutes = (hour * 60 + minute) * (sign == '-' ? -1 : 1);
    return hour <= 23 && minute <= 59;
}

enum gw_status gw_clock_parse_iso(struct gw_str text, int64_t *wall_ms) {
    struct tm date;
    int ms;
    int offset_minutes;
    char c;
    if (!take_date(&text, &date) || !take_one_of(&text, "Tt ", &c) ||
        !take_time(&text, &date, &ms) || !take_offset(&text, &offset_minutes) || text.length != 0)
        return GW_INVALID;
    int64_t utc_ms =
        (int64_t)timegm(&date) * MS_PER_SECOND + ms - offset_minutes * (int64_t)MS_PER_MINUTE;
    if (utc_ms < WALL_MS_MIN || utc_ms > WALL_MS_MAX)
        return GW_INVALID;
    *wall_ms = utc_ms;
    return GW_OK;
}

enum gw_status gw_clock_parse_duration(struct gw_str text, uint64_t *duration_ms) {
    static const struct {
        struct gw_str name;
        uint64_t ms;
    } units[] = {
        {GW_STR_INIT("ms"), 1},
        {GW_STR_INIT("s"), MS_PER_SECOND},
        {GW_STR_INIT("m"), MS_PER_MINUTE},
        {GW_STR_INIT("h"), 3600 * MS_PER_SECOND},
        {GW_STR_INIT("d"), 24 * UINT64_C(3600) * MS_PER_SECOND},
    };
    size_t digits = 0;
    while (digits < text.length && gw_ascii_is_digit(text.at[digits]))
        digits++;
    struct gw_str unit = gw_str_slice(text, digits, text.length);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (!gw_str_equal(unit, units[i].name))
            continue;
        uint64_t number;
        enum gw_status status = gw_str_to_u64(gw_str_slice(text, 0, digits), &number);
        if (status != GW_OK)
            return status;
        if (number == 0)
            return GW_INVALID;
        uint64_t product;
        if (__builtin_mul_overflow(number, units[i].ms, &product))
            return GW_TOO_BIG;
        *duration_ms = product;
        return GW_OK;
    }
    return GW_INVALID;
}
