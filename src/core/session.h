/*
 * session.h - the sessions of an instance as Session Manager lists them.
 */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum session_status {
    SESSION_CONNECTED,
    SESSION_CONNECTING,
    SESSION_DISCONNECTED,
    SESSION_TERMINATING,
    SESSION_TERMINATED,
    SESSION_FAILED,
    SESSION_STATUS_UNKNOWN /* a status that this program does not know: counts */
};

struct session {
    const char *id;
    const char *owner;         /* ARN of the principal */
    const char *target;        /* "i-..." or "mi-..." */
    const char *status_text;   /* as it was listed */
    const char *document_name; /* NULL: not listed */
    int64_t start_ms;
    enum session_status status; /* set by session_list_add */
};

/* Owns its sessions and their texts. Starts as {0}. */
struct session_list {
    struct session *sessions;
    size_t count;
    size_t cap;
    uint32_t *slots; /* hash table over the ids: index + 1, 0 for a free slot */
    size_t slot_count;
    struct arena texts; /* of the sessions; equal texts may be one */
};

/* More than a limit can be, and no more than a hostile listing can fill the memory with. */
enum { SESSION_LIST_MAX = 262144 };

/*
 * Adds a copy of the session (status comes from status_text). One whose id is in the list already is dropped:
 * a session that stands on two pages counts once.
 * ERR_NOMEM: out of memory, or more than SESSION_LIST_MAX sessions.
 */
bool session_list_add(struct session_list *list, const struct session *session, struct err *err);

/* The session with that id, or NULL. Borrowed until the list changes. */
const struct session *session_list_find(const struct session_list *list, const char *id);

/* Puts the sessions in the order of session_compare. */
void session_list_sort(struct session_list *list);

void session_list_free(struct session_list *list);

enum session_status session_status_parse(const char *text);

/* True for all but Terminating, Terminated and Failed. */
bool session_is_live(const struct session *session);

/* Orders by (start_ms, id). */
int session_compare(const struct session *a, const struct session *b);

/* The owner's last part ("jane" of arn:aws:sts::1:assumed-role/Admin/jane), for people. Borrowed from owner.
 */
const char *session_owner_name(const char *owner);

#endif
