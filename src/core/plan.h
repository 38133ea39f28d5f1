/*
 * plan.h - the heart: which sessions may stay. A pure function from sessions and rules to a verdict for each
 * session: no clock, no environment, no network, no output.
 */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/session.h"

/* The limit of a group without one. */
enum { LIMIT_UNLIMITED = -1, LIMIT_MAX = 100000 };

enum plan_per { PER_OWNER, PER_ROLE, PER_ALL };
enum plan_order { TERMINATE_OLDEST, TERMINATE_NEWEST };

/* Owners that match the glob have this limit. */
struct plan_rule {
    const char *pattern; /* borrowed */
    int32_t limit;       /* 0 to LIMIT_MAX, or LIMIT_UNLIMITED */
};

struct plan_rules {
    int32_t max;                   /* for owners that no rule matches; LIMIT_UNLIMITED: none */
    const struct plan_rule *rules; /* the first match wins */
    size_t rule_count;
    enum plan_per per;
    enum plan_order order;
    const char *target; /* sessions of any other target are not counted */
};

enum plan_verdict {
    PLAN_KEEP,
    PLAN_TERMINATE,
    PLAN_EXEMPT,     /* its owner's first matching rule says unlimited */
    PLAN_NOT_COUNTED /* it has ended or is ending, or belongs to another target */
};

struct plan_group {
    char *key;      /* owner ARN, role ARN, or "all" */
    int32_t limit;  /* the lowest of its members' limits; LIMIT_UNLIMITED where all members are exempt */
    size_t count;   /* sessions counted; in a group without limit, its exempt sessions */
    size_t surplus; /* of them over the limit */
    size_t
        first;   /* its sessions are plan->members[first] to [first + size - 1]: the counted, oldest first, */
    size_t size; /* then the exempt */
};

/* What is planned for session i of the list. */
struct plan_entry {
    enum plan_verdict verdict;
    size_t group; /* index into groups, PLAN_NO_GROUP for a session that is not counted */
};

#define PLAN_NO_GROUP SIZE_MAX

struct plan {
    struct plan_entry *entries; /* one for each session of the list, in its order */
    size_t entry_count;
    struct plan_group *groups; /* by key */
    size_t group_count;
    size_t *members; /* indices into the list, group by group */
    size_t surplus;  /* sessions to terminate in all */
};

/*
 * Plans. Only memory can fail (ERR_NOMEM). In each group, count - limit sessions are to be terminated: sorted
 * by (start_ms, id), from the front for TERMINATE_OLDEST, from the back for TERMINATE_NEWEST. `out` is freed
 * by plan_free in any case.
 */
bool plan_make(const struct session_list *list, const struct plan_rules *rules, struct plan *out,
               struct err *err);
void plan_free(struct plan *plan);

#endif
