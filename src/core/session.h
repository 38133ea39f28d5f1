/*
 * session.h - the sessions of an instance as Session Manager lists them.
 */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
    char *id;
    char *owner; /* ARN of the principal */
    char *target; /* "i-..." or "mi-..." */
    char *status_text; /* as it was listed */
    enum session_status status;
    int64_t start_ms;
    char *document_name; /* NULL: not listed */
};

/* Owns its sessions. Starts as {0}. */
struct session_list {
    struct session *sessions;
    size_t count;
    size_t cap;
};

/* Takes the session over (and frees it where memory is out). A session whose id is in the list already is dropped:
 * one that stands on two pages counts once. */
bool session_list_add(struct session_list *list, struct session *session, struct err *err);
/* The session with that id, or NULL. */
const struct session *session_list_find(const struct session_list *list, const char *id);
void session_free(struct session *session);
void session_list_free(struct session_list *list);

enum session_status session_status_parse(const char *text);

/* True for all but Terminating, Terminated and Failed. */
bool session_is_live(const struct session *session);

/* Orders by (start_ms, id). */
int session_compare(const struct session *a, const struct session *b);

/* The owner's last part ("jane" of arn:aws:sts::1:assumed-role/Admin/jane), for people. Borrowed from owner. */
const char *session_owner_name(const char *owner);

#endif
