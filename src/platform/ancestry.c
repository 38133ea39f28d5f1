#include "platform/ancestry.h"

#include <string.h>
#include <strings.h>

static bool id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("._@+=,-", c));
}

/* A session id is the caller's user or role session name and a random part: IAM's characters, no others. */
static bool take_id(const char *data, size_t len, char id[PLATFORM_SESSION_ID_MAX + 1])
{
    if (len < 1 || len > PLATFORM_SESSION_ID_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!id_char(data[i]))
            return false;
    memcpy(id, data, len);
    id[len] = '\0';
    return true;
}

bool ancestry_worker_arguments(const char *data, size_t len, char id[PLATFORM_SESSION_ID_MAX + 1])
{
    static const char name[] = "ssm-session-worker";
    const char *end = len ? memchr(data, '\0', len) : NULL;
    if (!end)
        return false;
    const char *slash = strrchr(data, '/');
    if (strcmp(slash ? slash + 1 : data, name) != 0)
        return false;
    const char *second = end + 1;
    const char *second_end = memchr(second, '\0', len - (size_t)(second - data));
    return second_end && take_id(second, (size_t)(second_end - second), id);
}

/* Windows' file names do not tell case apart. */
static bool same_name(const char *text, size_t len, const char *name)
{
    return len == strlen(name) && strncasecmp(text, name, len) == 0;
}

/* One word, in quotes or up to a blank, and nothing glued to it; the text moves behind it. Escapes need no
 * reading: neither a path of Windows nor a session id holds a quotation mark. */
static bool take_word(const char **text, const char **word, size_t *len)
{
    const char *at = *text + strspn(*text, " \t");
    bool quoted = *at == '"';
    if (quoted)
        at++;
    *word = at;
    *len = strcspn(at, quoted ? "\"" : " \t\"");
    at += *len;
    if (quoted && *at++ != '"')
        return false;
    *text = at;
    return *len > 0 && (!*at || *at == ' ' || *at == '\t');
}

bool ancestry_worker_command_line(const char *text, char id[PLATFORM_SESSION_ID_MAX + 1])
{
    const char *word;
    size_t len;
    if (!take_word(&text, &word, &len))
        return false;
    size_t start = len;
    while (start > 0 && word[start - 1] != '\\' && word[start - 1] != '/')
        start--;
    word += start;
    len -= start;
    if (!same_name(word, len, "ssm-session-worker.exe") && !same_name(word, len, "ssm-session-worker"))
        return false;
    return take_word(&text, &word, &len) && take_id(word, len, id);
}

bool ancestry_stat_parent(const char *data, size_t len, int32_t *parent)
{
    size_t at = len;
    while (at > 0 && data[at - 1] != ')')
        at--;
    /* ") S 1234 ": one character of state, then the parent */
    if (at == 0 || len - at < 5 || data[at] != ' ' || data[at + 2] != ' ')
        return false;
    int64_t value = 0;
    size_t digits = at + 3;
    for (at = digits; at < len && data[at] >= '0' && data[at] <= '9'; at++) {
        value = value * 10 + (data[at] - '0');
        if (value > INT32_MAX)
            return false;
    }
    if (at == digits || at == len || data[at] != ' ')
        return false;
    *parent = (int32_t)value;
    return true;
}
