#include "core/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "format/text.h"

/* What plan_make knows of a session while it sorts. */
struct member {
    const struct session *session;
    size_t index;    /* in the list */
    const char *key; /* of the group */
    size_t key_len;
    size_t skip;   /* so much of the key need not be looked at: what all keys begin with, and the head */
    uint64_t head; /* the eight bytes behind what all keys begin with, as a number in the order of memcmp */
    int32_t limit;
};

/* Length of the group's key in the owner's ARN: for PER_ROLE an assumed role's ARN without its session name.
 */
static size_t key_length(const char *owner, enum plan_per per)
{
    if (per == PER_ROLE) {
        const char *role = strstr(owner, ":assumed-role/");
        const char *last = role ? strrchr(owner, '/') : NULL;
        if (role && last > role + strlen(":assumed-role"))
            return (size_t)(last - owner);
    }
    return strlen(owner);
}

static int32_t limit_of(const char *owner, const struct plan_rules *rules)
{
    for (size_t i = 0; i < rules->rule_count; i++)
        if (text_glob(rules->rules[i].pattern, owner))
            return rules->rules[i].limit;
    return rules->max;
}

/* How many of the first `most` bytes are the same. */
static size_t same_length(const char *a, const char *b, size_t most)
{
    size_t same = a == b ? most : 0; /* sessions that are listed side by side often share their owner */
    while (same < most && a[same] == b[same])
        same++;
    return same;
}

/* How many bytes all keys begin with: owners differ late, often only behind 50 bytes. */
static size_t common_length(const struct member *members, size_t count)
{
    size_t common = members[0].key_len;
    for (size_t i = 1; i < count; i++) {
        size_t most = members[i].key_len < common ? members[i].key_len : common;
        common = same_length(members[0].key, members[i].key, most);
    }
    return common;
}

/* Zeros stand for what a short key lacks: no key has a NUL. */
static uint64_t head_of(const struct member *member, size_t common)
{
    uint64_t head = 0;
    for (size_t i = common; i < common + sizeof head; i++)
        head = head << 8 | (i < member->key_len ? (unsigned char)member->key[i] : 0);
    return head;
}

static void prepare_keys(struct member *members, size_t count)
{
    size_t common = common_length(members, count);
    for (size_t i = 0; i < count; i++) {
        members[i].head = head_of(&members[i], common);
        members[i].skip = common + sizeof members[i].head;
        if (members[i].skip > members[i].key_len)
            members[i].skip = members[i].key_len;
    }
}

/* As memcmp on the whole keys. */
static int compare_keys(const struct member *a, const struct member *b)
{
    if (a->head != b->head)
        return a->head < b->head ? -1 : 1;
    size_t a_left = a->key_len - a->skip, b_left = b->key_len - b->skip;
    int order = memcmp(a->key + a->skip, b->key + b->skip, a_left < b_left ? a_left : b_left);
    if (order)
        return order;
    return (a_left > b_left) - (a_left < b_left);
}

/* By group; in it the exempt last, the others oldest first. */
static int compare_members(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    int order = compare_keys(a, b);
    if (order)
        return order;
    bool a_exempt = a->limit == LIMIT_UNLIMITED, b_exempt = b->limit == LIMIT_UNLIMITED;
    if (a_exempt != b_exempt)
        return a_exempt ? 1 : -1;
    return session_compare(a->session, b->session);
}

/* Collects the sessions that have a group, sorted, and marks the others as not counted. */
static size_t collect(const struct session_list *list, const struct plan_rules *rules, struct plan *out,
                      struct member *members)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct session *session = &list->sessions[i];
        out->entries[i] = (struct plan_entry){PLAN_NOT_COUNTED, PLAN_NO_GROUP};
        if (!session_is_live(session) || strcmp(session->target, rules->target) != 0)
            continue;
        struct member *member = &members[count++];
        member->session = session;
        member->index = i;
        member->key = rules->per == PER_ALL ? "all" : session->owner;
        member->key_len = rules->per == PER_ALL ? strlen("all") : key_length(session->owner, rules->per);
        member->limit = limit_of(session->owner, rules);
    }
    if (count) {
        prepare_keys(members, count);
        qsort(members, count, sizeof *members, compare_members);
    }
    return count;
}

/* Plans one group: `size` members from `first` on, the exempt ones last. */
static bool plan_group(struct plan *out, const struct member *all, size_t first, size_t size,
                       enum plan_order order, struct err *err)
{
    const struct member *members = all + first;
    struct plan_group *group = &out->groups[out->group_count];
    *group = (struct plan_group){.limit = LIMIT_UNLIMITED, .first = first, .size = size};
    struct buf key = {0};
    buf_add(&key, members[0].key, members[0].key_len);
    group->key = buf_take(&key);
    if (!group->key)
        return err_nomem(err);

    for (size_t i = 0; i < size && members[i].limit != LIMIT_UNLIMITED; i++) {
        group->count++;
        if (group->limit == LIMIT_UNLIMITED || members[i].limit < group->limit)
            group->limit = members[i].limit;
    }
    size_t counted = group->count;
    if (!counted)
        group->count = size;
    else if (counted > (size_t)group->limit)
        group->surplus = counted - (size_t)group->limit;

    size_t doomed = order == TERMINATE_OLDEST ? 0 : counted - group->surplus;
    for (size_t i = 0; i < size; i++) {
        out->members[first + i] = members[i].index;
        struct plan_entry *entry = &out->entries[members[i].index];
        entry->group = out->group_count;
        if (i >= counted)
            entry->verdict = PLAN_EXEMPT;
        else
            entry->verdict = i >= doomed && i - doomed < group->surplus ? PLAN_TERMINATE : PLAN_KEEP;
    }
    out->surplus += group->surplus;
    out->group_count++;
    return true;
}

bool plan_make(const struct session_list *list, const struct plan_rules *rules, struct plan *out,
               struct err *err)
{
    bool ok = false;
    *out = (struct plan){0};
    size_t room = list->count ? list->count : 1;
    struct member *members = calloc(room, sizeof *members);
    out->entries = calloc(room, sizeof *out->entries);
    out->groups = calloc(room, sizeof *out->groups);
    out->members = calloc(room, sizeof *out->members);
    if (!members || !out->entries || !out->groups || !out->members) {
        err_nomem(err);
        goto out;
    }
    out->entry_count = list->count;
    size_t count = collect(list, rules, out, members);
    for (size_t start = 0, end; start < count; start = end) {
        for (end = start + 1; end < count && compare_keys(&members[start], &members[end]) == 0; end++)
            ;
        if (!plan_group(out, members, start, end - start, rules->order, err))
            goto out;
    }
    ok = true;
out:
    free(members);
    return ok;
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->group_count; i++)
        free(plan->groups[i].key);
    free(plan->groups);
    free(plan->entries);
    free(plan->members);
    *plan = (struct plan){0};
}
