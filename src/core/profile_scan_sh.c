/* profile_scan_sh.c - commands of a line for sh: words, quotes, ';', '&&', '||', '&', '|', comments. */
#include <string.h>

#include "base/buf.h"
#include "core/profile_scan.h"

enum { WORDS_MAX = 6 };

struct sh {
    const char *text;
    size_t at, stop;
    const char *path;
    struct buf words[WORDS_MAX]; /* the first ones, without their quotes */
    size_t word_count;
    bool nomem;
    bool fixed; /* all words so far are text alone: nothing to expand, no redirection */
};

/* What takes more than words to understand. */
static bool is_opaque_word(const char *word)
{
    static const char *const OPAQUE[] = {"if",     "then", "else",     "elif", "fi", "while", "until",
                                         "for",    "do",   "done",     "case", "in", "esac",  "{",
                                         "select", "}",    "function", "!",    "[[", "time",  "coproc"};
    for (size_t i = 0; i < sizeof OPAQUE / sizeof OPAQUE[0]; i++)
        if (strcmp(word, OPAQUE[i]) == 0)
            return true;
    return false;
}

static bool has_text(const struct sh *sh, const char *text)
{
    size_t len = strlen(text);
    return sh->stop - sh->at >= len && memcmp(sh->text + sh->at, text, len) == 0;
}

/* From behind the opening quote to behind the closing one. */
static bool read_single(struct sh *sh, struct buf *word)
{
    const char *quote = memchr(sh->text + sh->at, '\'', sh->stop - sh->at);
    if (!quote)
        return false;
    size_t end = (size_t)(quote - sh->text);
    buf_add(word, sh->text + sh->at, end - sh->at);
    sh->at = end + 1;
    return true;
}

static bool read_double(struct sh *sh, struct buf *word)
{
    for (; sh->at < sh->stop; sh->at++) {
        char c = sh->text[sh->at];
        if (c == '"') {
            sh->at++;
            return true;
        }
        if (c == '`' || has_text(sh, "$(") || has_text(sh, "${"))
            return false;
        if (c == '$' || c == '!')
            sh->fixed = false;
        if (c == '\\' && sh->at + 1 < sh->stop && strchr("\\\"$`", sh->text[sh->at + 1]))
            c = sh->text[++sh->at];
        buf_add_char(word, c);
    }
    return false;
}

static bool ends_word(char c)
{
    return c == ' ' || c == '\t' || c == ';' || c == '&' || c == '|';
}

static bool read_word(struct sh *sh, struct buf *word)
{
    while (sh->at < sh->stop && !ends_word(sh->text[sh->at])) {
        char c = sh->text[sh->at];
        if (strchr("()`", c) || has_text(sh, "${") || has_text(sh, "$'") || has_text(sh, "$\"") ||
            has_text(sh, "<<"))
            return false;
        if (strchr("$*?[~{}<>!^", c))
            sh->fixed = false;
        sh->at++;
        if (c == '\'' || c == '"') {
            if (!(c == '\'' ? read_single(sh, word) : read_double(sh, word)))
                return false;
            continue;
        }
        if (c == '\\') {
            if (sh->at == sh->stop)
                return false;
            c = sh->text[sh->at++];
        }
        buf_add_char(word, c);
    }
    return !word->failed;
}

static bool word_is(const struct sh *sh, size_t i, const char *text)
{
    return i < sh->word_count && strcmp(buf_text(&sh->words[i]), text) == 0;
}

static enum scan_kind kind_of(const struct sh *sh)
{
    size_t first = word_is(sh, 0, "sudo") ? 1 : 0;
    if (first && word_is(sh, first, "-n"))
        first++;
    if (!sh->fixed)
        return SCAN_FOREIGN;
    if (sh->word_count == 1 && word_is(sh, 0, "exit"))
        return SCAN_EXIT;
    if (sh->word_count == 5 && word_is(sh, 0, "trap") && word_is(sh, 2, "INT") && word_is(sh, 3, "QUIT") &&
        word_is(sh, 4, "TSTP") && (word_is(sh, 1, "") || word_is(sh, 1, "-")))
        return word_is(sh, 1, "") ? SCAN_TRAP_ON : SCAN_TRAP_OFF;
    if (first + 1 < sh->word_count && scan_is_executable(buf_text(&sh->words[first]), sh->path, "/") &&
        (buf_text(&sh->words[first + 1])[0] == '-' || word_is(sh, first + 1, "enforce")))
        return SCAN_ENFORCE;
    return SCAN_FOREIGN;
}

static void skip_blanks(struct sh *sh)
{
    while (sh->at < sh->stop && (sh->text[sh->at] == ' ' || sh->text[sh->at] == '\t'))
        sh->at++;
}

static bool read_words(struct sh *sh, struct scan_command *command)
{
    sh->word_count = 0;
    sh->fixed = true;
    for (; sh->at < sh->stop && !ends_word(sh->text[sh->at]) && sh->text[sh->at] != '#'; skip_blanks(sh)) {
        struct buf rest = {0};
        struct buf *word = sh->word_count < WORDS_MAX ? &sh->words[sh->word_count] : &rest;
        buf_reset(word);
        bool ok = read_word(sh, word);
        if (word->failed)
            sh->nomem = true;
        buf_free(&rest);
        if (!ok || (sh->word_count == 0 && is_opaque_word(buf_text(word))))
            return false;
        sh->word_count++;
        command->end = sh->at;
    }
    return true;
}

/* What stands behind the command; false for ";;" and for what reaches into the next line. */
static bool read_join(struct sh *sh, enum scan_join *join)
{
    *join = SCAN_END;
    if (sh->at == sh->stop || sh->text[sh->at] == '#')
        return true;
    char c = sh->text[sh->at++];
    bool twice = sh->at < sh->stop && sh->text[sh->at] == c;
    if (c == ';' && twice)
        return false;
    *join = c == ';' ? SCAN_NEXT : c == '|' && twice ? SCAN_OR : SCAN_OTHER;
    if (twice || (c == '|' && sh->at < sh->stop && sh->text[sh->at] == '&'))
        sh->at++;
    skip_blanks(sh);
    bool reaches_on = c == '|' || (c == '&' && twice);
    return !reaches_on || sh->at < sh->stop;
}

static bool read_command(struct sh *sh, struct scan_command *command)
{
    static const char EXIT_TWICE[] = "{ exit; exit; }";
    *command = (struct scan_command){.start = sh->at, .end = sh->at};
    if (has_text(sh, EXIT_TWICE)) {
        sh->at += sizeof EXIT_TWICE - 1;
        command->kind = SCAN_EXIT;
        command->end = sh->at;
        skip_blanks(sh);
    } else {
        if (!read_words(sh, command))
            return false;
        command->kind = kind_of(sh);
    }
    bool ok = read_join(sh, &command->join);
    command->next = sh->at;
    return ok && command->end > command->start;
}

bool scan_sh(const char *text, const char *path, struct scan_line *out)
{
    struct sh sh = {.text = text, .at = out->start, .stop = out->stop, .path = path};
    bool ok = true;
    out->count = 0;
    skip_blanks(&sh);
    while (ok && sh.at < sh.stop && text[sh.at] != '#') {
        struct scan_command command;
        ok = read_command(&sh, &command) && scan_add(out, &command);
    }
    for (size_t i = 0; i < WORDS_MAX; i++)
        buf_free(&sh.words[i]);
    out->nomem = sh.nomem;
    return ok;
}
