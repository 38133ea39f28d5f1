#include "core/session.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SESSIONS = 64 };

enum session_status session_status_parse(const char *text)
{
    static const struct {
        const char *text;
        enum session_status status;
    } known[] = {
        {"Connected", SESSION_CONNECTED},       {"Connecting", SESSION_CONNECTING},
        {"Disconnected", SESSION_DISCONNECTED}, {"Terminating", SESSION_TERMINATING},
        {"Terminated", SESSION_TERMINATED},     {"Failed", SESSION_FAILED},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(text, known[i].text) == 0)
            return known[i].status;
    return SESSION_STATUS_UNKNOWN;
}

bool session_is_live(const struct session *session)
{
    switch (session->status) {
    case SESSION_TERMINATING:
    case SESSION_TERMINATED:
    case SESSION_FAILED:
        return false;
    case SESSION_CONNECTED:
    case SESSION_CONNECTING:
    case SESSION_DISCONNECTED:
    case SESSION_STATUS_UNKNOWN:
        break;
    }
    return true;
}

int session_compare(const struct session *a, const struct session *b)
{
    if (a->start_ms != b->start_ms)
        return a->start_ms < b->start_ms ? -1 : 1;
    return strcmp(a->id, b->id);
}

const char *session_owner_name(const char *owner)
{
    const char *end = strrchr(owner, '/');
    if (!end)
        end = strrchr(owner, ':');
    return end && end[1] ? end + 1 : owner;
}

/* FNV-1a. */
static uint32_t hash(const char *text)
{
    uint32_t value = 2166136261U;
    for (; *text; text++)
        value = (value ^ (unsigned char)*text) * 16777619U;
    return value;
}

/* The slot that holds the id, or the free one where it would go. slot_count is a power of two and never full.
 */
static size_t slot_of(const struct session_list *list, const char *id)
{
    size_t mask = list->slot_count - 1;
    size_t slot = hash(id) & mask;
    while (list->slots[slot] && strcmp(list->sessions[list->slots[slot] - 1].id, id) != 0)
        slot = (slot + 1) & mask;
    return slot;
}

static void fill_slots(struct session_list *list)
{
    memset(list->slots, 0, list->slot_count * sizeof *list->slots);
    for (size_t i = 0; i < list->count; i++)
        list->slots[slot_of(list, list->sessions[i].id)] = (uint32_t)i + 1;
}

/* Room for one session more, the hash table at most half full. */
static bool grow(struct session_list *list)
{
    if (list->count < list->cap)
        return true;
    size_t cap = list->cap ? list->cap * 2 : (size_t)FIRST_SESSIONS;
    if (cap > SESSION_LIST_MAX)
        return false;
    struct session *sessions = realloc(list->sessions, cap * sizeof *sessions);
    if (!sessions)
        return false;
    list->sessions = sessions;
    uint32_t *slots = realloc(list->slots, cap * 2 * sizeof *slots);
    if (!slots)
        return false;
    list->slots = slots;
    list->cap = cap;
    list->slot_count = cap * 2;
    fill_slots(list);
    return true;
}

/* Sets *out to a copy of text, or to `before` where that is the same: sessions have much in common with those
 * that are listed beside them. */
static bool keep(struct session_list *list, const char *text, const char *before, const char **out)
{
    if (!text)
        *out = NULL;
    else if (before && strcmp(text, before) == 0)
        *out = before;
    else
        *out = arena_copy(&list->texts, text, strlen(text));
    return *out || !text;
}

bool session_list_add(struct session_list *list, const struct session *session, struct err *err)
{
    if (!grow(list))
        return err_nomem(err);
    size_t slot = slot_of(list, session->id);
    if (list->slots[slot])
        return true;
    static const struct session none = {0};
    const struct session *before = list->count ? &list->sessions[list->count - 1] : &none;
    struct session *copy = &list->sessions[list->count];
    *copy = (struct session){.start_ms = session->start_ms};
    const struct {
        const char *text, *before, **out;
    } texts[] = {
        {session->id, NULL, &copy->id},
        {session->owner, before->owner, &copy->owner},
        {session->target, before->target, &copy->target},
        {session->status_text, before->status_text, &copy->status_text},
        {session->document_name, before->document_name, &copy->document_name},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (!keep(list, texts[i].text, texts[i].before, texts[i].out))
            return err_nomem(err);
    copy->status = session_status_parse(copy->status_text);
    list->slots[slot] = (uint32_t)++list->count;
    return true;
}

const struct session *session_list_find(const struct session_list *list, const char *id)
{
    if (!list->count)
        return NULL;
    uint32_t found = list->slots[slot_of(list, id)];
    return found ? &list->sessions[found - 1] : NULL;
}

static int compare(const void *a, const void *b)
{
    return session_compare(a, b);
}

/* Listings come newest first: turned round, they leave little to sort. */
static void reverse(struct session *sessions, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct session other = sessions[i];
        sessions[i] = sessions[count - 1 - i];
        sessions[count - 1 - i] = other;
    }
}

void session_list_sort(struct session_list *list)
{
    if (!list->count)
        return;
    if (session_compare(&list->sessions[0], &list->sessions[list->count - 1]) > 0)
        reverse(list->sessions, list->count);
    qsort(list->sessions, list->count, sizeof *list->sessions, compare);
    fill_slots(list);
}

void session_list_free(struct session_list *list)
{
    if (!list)
        return;
    arena_free(&list->texts);
    free(list->sessions);
    free(list->slots);
    *list = (struct session_list){0};
}
