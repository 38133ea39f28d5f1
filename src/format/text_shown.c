#include "format/text_shown.h"

#include <string.h>

#include "base/buf.h"
#include "format/text.h"

const char *text_shown(char out[TEXT_SHOWN_MAX], const char *text)
{
    static const char cut[] = "...";
    size_t len = strlen(text);
    if (len > TEXT_SHOWN_MAX)
        len = TEXT_SHOWN_MAX; /* no byte becomes less than one */
    struct buf visible = {0};
    text_visible(&visible, text, len);
    if (visible.failed) {
        buf_free(&visible);
        memcpy(out, cut, sizeof cut);
        return out;
    }
    size_t whole = visible.len;
    bool fits = whole < TEXT_SHOWN_MAX;
    if (!fits) {
        whole = TEXT_SHOWN_MAX - sizeof cut;
        while (whole > 0 && ((unsigned char)visible.data[whole] & 0xc0) == 0x80)
            whole--;
    }
    memcpy(out, buf_text(&visible), whole);
    memcpy(out + whole, fits ? "" : cut, fits ? 1 : sizeof cut);
    buf_free(&visible);
    return out;
}
