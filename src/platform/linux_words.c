/* linux_words.c - a command line into words, as the AWS command line does it on this platform. */
#include <stdlib.h>
#include <string.h>

#include "platform/linux.h"

/* One pass over the command: `at` reads, `put` writes words that end with a NUL. A word is never longer than
 * its source. */
struct splitter {
    const char *at;
    char *put;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Behind the opening mark up to the closing one. */
static bool take_quoted(struct splitter *s, char mark)
{
    for (; *s->at != mark; s->at++) {
        if (mark == '"' && *s->at == '\\' && (s->at[1] == '"' || s->at[1] == '\\'))
            s->at++;
        if (!*s->at)
            return false;
        *s->put++ = *s->at;
    }
    s->at++;
    return true;
}

/* From the first character of a word to the blank or end behind it. */
static bool take_word(struct splitter *s, struct err *err)
{
    while (*s->at && !is_blank(*s->at)) {
        char c = *s->at++;
        if (c == '\'' || c == '"') {
            if (!take_quoted(s, c))
                return err_set(err, ERR_CONFIG, "a quotation mark is not closed");
            continue;
        }
        if (c == '\\') {
            c = *s->at;
            if (!c)
                return err_set(err, ERR_CONFIG, "there is a backslash at the end");
            s->at++;
        }
        *s->put++ = c;
    }
    *s->put++ = '\0';
    return true;
}

bool linux_split_words(const char *command, struct linux_words *out, struct err *err)
{
    size_t len = strlen(command);
    size_t most = len / 2 + 2; /* words of one character and a blank each, and the NULL */
    *out = (struct linux_words){.word = malloc(most * sizeof *out->word + len + 1)};
    if (!out->word)
        return err_nomem(err);
    struct splitter s = {.at = command, .put = (char *)(out->word + most)};
    for (;;) {
        while (is_blank(*s.at))
            s.at++;
        if (!*s.at)
            break;
        out->word[out->count++] = s.put;
        if (!take_word(&s, err)) {
            linux_words_free(out);
            return false;
        }
    }
    out->word[out->count] = NULL;
    if (out->count > 0)
        return true;
    linux_words_free(out);
    return err_set(err, ERR_CONFIG, "it is empty");
}

void linux_words_free(struct linux_words *words)
{
    if (!words)
        return;
    free(words->word);
    *words = (struct linux_words){0};
}
