/*
 * text_shown.h - text that came from elsewhere, fit for an error message.
 */
#ifndef FORMAT_TEXT_SHOWN_H
#define FORMAT_TEXT_SHOWN_H

enum { TEXT_SHOWN_MAX = 256 };

/* Writes text into `out` as text_visible makes it. One that does not fit is cut and ends in "...", which is
 * all there is where memory is out. Returns out. */
const char *text_shown(char out[TEXT_SHOWN_MAX], const char *text);

#endif
