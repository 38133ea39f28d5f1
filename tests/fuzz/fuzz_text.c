/* Any bytes as text; a line end in them parts a pattern from the text that it is tried on. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void check_visible(const char *text, size_t len)
{
    struct buf once = {.max = 8 * 65536};
    struct buf twice = {.max = 8 * 65536};
    text_visible(&once, text, len);
    text_visible(&twice, buf_text(&once), once.len);
    must(!once.failed && once.len >= len && strcmp(buf_text(&once), buf_text(&twice)) == 0);
    must(text_columns(text, len) <= len);
    buf_free(&once);
    buf_free(&twice);
}

static void check_percent(const char *text, size_t len)
{
    struct buf encoded = {.max = 8 * 65536};
    struct buf decoded = {.max = 8 * 65536};
    (void)text_percent_decode(&decoded, text, len);
    must(decoded.len <= len);
    buf_reset(&decoded);
    text_percent_encode(&encoded, text, len, len % 2);
    must(text_percent_decode(&decoded, buf_text(&encoded), encoded.len));
    must(decoded.len == len && (len == 0 || memcmp(decoded.data, text, len) == 0));
    buf_free(&encoded);
    buf_free(&decoded);
}

static void check_glob(const char *pattern, const char *text)
{
    struct buf quoted = {.max = 8 * 65536};
    if (text_glob(pattern, text)) {
        /* What goes before it and behind it may be anything once the pattern says so. */
        buf_addf(&quoted, "*%s*", pattern);
        must(pattern[0] && pattern[strlen(pattern) - 1] == '\\' ? true : text_glob(buf_text(&quoted), text));
    }
    buf_reset(&quoted);
    for (const char *c = text; *c; c++) {
        if (strchr("*?[\\", *c))
            buf_add_char(&quoted, '\\');
        buf_add_char(&quoted, *c);
    }
    must(text_glob(buf_text(&quoted), text));
    buf_free(&quoted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t number = 0;
    char *exact = malloc(size ? size : 1); /* of just this size: a byte that is read too far is seen */
    char *text = malloc(size + 1);
    must(exact && text);
    if (size > 0) {
        memcpy(exact, data, size);
        memcpy(text, data, size);
    }
    text[size] = '\0';
    check_visible(exact, size);
    check_percent(exact, size);
    if (text_number(text, 1, 100000, &number))
        must(number >= 1 && number <= 100000);
    must(text_same_nocase(text, text));
    char *line_end = strchr(text, '\n');
    if (line_end && size < 4096) {
        *line_end = '\0';
        check_glob(text, line_end + 1);
        must(text_same_nocase(text, line_end + 1) == text_same_nocase(line_end + 1, text));
    }
    free(exact);
    free(text);
    return 0;
}
