#include "core/diff.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/text.h"

/* CELLS_MAX: of the table of common lines, 4 MiB. */
enum { CONTEXT = 3, CELLS_MAX = 1024 * 1024 };

struct span {
    const char *text;
    size_t len;
};

struct lines {
    struct span *items;
    size_t count;
};

/* One line of the result: ' ' stands in both, '-' in a, '+' in b. */
struct change {
    char sign;
    size_t a, b; /* lines of each before this one */
};

struct diff {
    struct lines a, b;
    struct change *changes;
    size_t count;
};

static bool split(const char *text, struct lines *out)
{
    size_t count = 0;
    for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p ? 1 : 0)
        count++;
    *out = (struct lines){.items = calloc(count + 1, sizeof *out->items)};
    if (!out->items)
        return false;
    for (const char *p = text; *p; p += *p ? 1 : 0) {
        size_t len = strcspn(p, "\n");
        out->items[out->count++] = (struct span){p, len};
        p += len;
    }
    return true;
}

static bool same(const struct span *a, const struct span *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static void add_change(struct diff *diff, char sign, size_t *a, size_t *b)
{
    diff->changes[diff->count++] = (struct change){sign, *a, *b};
    *a += sign == '+' ? 0 : 1;
    *b += sign == '-' ? 0 : 1;
}

/*
 * The longest common subsequence of a[first..end_a) and b[first..end_b): lengths from each pair of places on,
 * in a table of (n + 1) x (m + 1). NULL where it would be too large (`*ok` stays true) or memory is out.
 */
static uint32_t *common_lengths(const struct diff *diff, size_t first, size_t end_a, size_t end_b, bool *ok)
{
    size_t n = end_a - first, m = end_b - first, width = m + 1;
    if ((n + 1) > CELLS_MAX / width)
        return NULL;
    uint32_t *table = calloc((n + 1) * width, sizeof *table);
    *ok = table != NULL;
    if (!table)
        return NULL;
    for (size_t i = n; i-- > 0;) {
        for (size_t j = m; j-- > 0;) {
            uint32_t down = table[(i + 1) * width + j], right = table[i * width + j + 1];
            table[i * width + j] = same(&diff->a.items[first + i], &diff->b.items[first + j])
                                       ? table[(i + 1) * width + j + 1] + 1
                                       : (down > right ? down : right);
        }
    }
    return table;
}

/* The differing middle, removed lines before added ones. */
static bool compare_middle(struct diff *diff, size_t first, size_t end_a, size_t end_b)
{
    bool ok = true;
    size_t a = first, b = first, width = end_b - first + 1;
    uint32_t *table = common_lengths(diff, first, end_a, end_b, &ok);
    while (ok && (a < end_a || b < end_b)) {
        const uint32_t *cell = table ? &table[(a - first) * width + (b - first)] : NULL;
        if (cell && a < end_a && b < end_b && same(&diff->a.items[a], &diff->b.items[b]))
            add_change(diff, ' ', &a, &b);
        else if (a < end_a && (b == end_b || !cell || cell[width] >= cell[1]))
            add_change(diff, '-', &a, &b);
        else
            add_change(diff, '+', &a, &b);
    }
    free(table);
    return ok;
}

static bool compare(struct diff *diff)
{
    size_t first = 0, end_a = diff->a.count, end_b = diff->b.count, a = 0, b = 0;
    diff->changes = calloc(end_a + end_b + 1, sizeof *diff->changes);
    if (!diff->changes)
        return false;
    while (first < end_a && first < end_b && same(&diff->a.items[first], &diff->b.items[first])) {
        add_change(diff, ' ', &a, &b);
        first++;
    }
    while (end_a > first && end_b > first && same(&diff->a.items[end_a - 1], &diff->b.items[end_b - 1])) {
        end_a--;
        end_b--;
    }
    if (!compare_middle(diff, first, end_a, end_b))
        return false;
    a = end_a;
    b = end_b;
    while (a < diff->a.count)
        add_change(diff, ' ', &a, &b);
    return true;
}

static void add_line(struct buf *out, char sign, const struct span *line, bool color)
{
    const char *start = sign == '-' ? "\033[31m" : sign == '+' ? "\033[32m" : "";
    bool colored = color && *start;
    buf_add_text(out, colored ? start : "");
    buf_add_char(out, sign);
    text_visible(out, line->text, line->len);
    buf_add_text(out, colored ? "\033[0m" : "");
    buf_add_char(out, '\n');
}

static void add_position(struct buf *out, char sign, size_t line, size_t count)
{
    buf_addf(out, "%c%zu", sign, count ? line + 1 : line);
    if (count != 1)
        buf_addf(out, ",%zu", count);
}

static void add_hunk(struct buf *out, const struct diff *diff, size_t first, size_t end, bool color)
{
    size_t count_a = 0, count_b = 0;
    for (size_t i = first; i < end; i++) {
        count_a += diff->changes[i].sign != '+';
        count_b += diff->changes[i].sign != '-';
    }
    buf_add_text(out, color ? "\033[36m@@ " : "@@ ");
    add_position(out, '-', diff->changes[first].a, count_a);
    buf_add_char(out, ' ');
    add_position(out, '+', diff->changes[first].b, count_b);
    buf_add_text(out, color ? " @@\033[0m\n" : " @@\n");
    for (size_t i = first; i < end; i++) {
        const struct change *change = &diff->changes[i];
        add_line(out, change->sign,
                 change->sign == '+' ? &diff->b.items[change->b] : &diff->a.items[change->a], color);
    }
}

/* The first changed line from i on, or the end. */
static size_t next_change(const struct diff *diff, size_t i)
{
    while (i < diff->count && diff->changes[i].sign == ' ')
        i++;
    return i;
}

static void add_hunks(struct buf *out, const struct diff *diff, bool color)
{
    size_t at = next_change(diff, 0);
    while (at < diff->count) {
        size_t first = at > CONTEXT ? at - CONTEXT : 0, end = at;
        for (size_t next = at; next < diff->count && next <= end + 2 * (size_t)CONTEXT;
             next = next_change(diff, end)) {
            end = next + 1;
        }
        at = next_change(diff, end);
        end = end + CONTEXT < diff->count ? end + CONTEXT : diff->count;
        add_hunk(out, diff, first, end, color);
    }
}

static void add_name(struct buf *out, const char *sign, const char *name, bool color)
{
    buf_addf(out, "%s%s ", color ? "\033[1m" : "", sign);
    text_visible(out, name, strlen(name));
    buf_add_text(out, color ? "\033[0m\n" : "\n");
}

bool diff_unified(const char *name_a, const char *a, const char *name_b, const char *b, bool color,
                  struct buf *out, struct err *err)
{
    struct diff diff = {0};
    bool ok = split(a, &diff.a) && split(b, &diff.b) && compare(&diff);
    if (ok && next_change(&diff, 0) < diff.count) {
        add_name(out, "---", name_a, color);
        add_name(out, "+++", name_b, color);
        add_hunks(out, &diff, color);
    }
    free(diff.a.items);
    free(diff.b.items);
    free(diff.changes);
    return ok ? buf_ok(out, "the diff", err) : err_nomem(err);
}
