/*
 * The plan: examples for each rule of the specification, then 100,000 random session sets against a second
 * implementation that is as naive as can be. A failure is shrunk to a small case before it is printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/plan.h"
#include "format/text.h"

#define TARGET  "i-0123456789abcdef0"
#define ASSUMED "arn:aws:sts::123456789012:assumed-role/"

/* ---- examples ---- */

static void add(struct session_list *list, const char *id, const char *owner, const char *status,
                int64_t start_ms)
{
    struct err err = {0};
    struct session session = {
        .id = id, .owner = owner, .target = TARGET, .status_text = status, .start_ms = start_ms};
    assert_true(session_list_add(list, &session, &err));
}

/* The ids that the plan terminates, in the list's order, each followed by a blank. */
static const char *doomed(const struct session_list *list, const struct plan *plan)
{
    static char ids[512];
    size_t len = 0;
    ids[0] = '\0';
    for (size_t i = 0; i < plan->entry_count; i++)
        if (plan->entries[i].verdict == PLAN_TERMINATE)
            len += (size_t)snprintf(ids + len, sizeof ids - len, "%s ", list->sessions[i].id);
    return ids;
}

static void five_of_one_owner_lose_the_two_oldest(void **state)
{
    (void)state;
    struct session_list list = {0};
    struct plan plan;
    struct err err = {0};
    static const char *const ids[] = {"c", "a", "e", "b", "d"};
    static const int64_t starts[] = {3, 1, 5, 2, 4};
    for (size_t i = 0; i < 5; i++)
        add(&list, ids[i], ASSUMED "Admin/jane", "Connected", starts[i]);
    struct plan_rules rules = {.max = 3, .target = TARGET};
    assert_true(plan_make(&list, &rules, &plan, &err));
    assert_string_equal(doomed(&list, &plan), "a b ");
    assert_int_equal(plan.surplus, 2);
    assert_int_equal(plan.group_count, 1);
    assert_string_equal(plan.groups[0].key, ASSUMED "Admin/jane");
    assert_int_equal(plan.groups[0].count, 5);
    assert_int_equal(plan.groups[0].limit, 3);
    plan_free(&plan);

    rules.order = TERMINATE_NEWEST;
    assert_true(plan_make(&list, &rules, &plan, &err));
    assert_string_equal(doomed(&list, &plan), "e d ");
    plan_free(&plan);
    session_list_free(&list);
}

static void equal_starts_go_by_id(void **state)
{
    (void)state;
    struct session_list list = {0};
    struct plan plan;
    struct err err = {0};
    add(&list, "y", "o", "Connected", 7);
    add(&list, "x", "o", "Connected", 7);
    add(&list, "z", "o", "Connected", 7);
    struct plan_rules rules = {.max = 2, .target = TARGET};
    assert_true(plan_make(&list, &rules, &plan, &err));
    assert_string_equal(doomed(&list, &plan), "x ");
    plan_free(&plan);
    rules.order = TERMINATE_NEWEST;
    assert_true(plan_make(&list, &rules, &plan, &err));
    assert_string_equal(doomed(&list, &plan), "z ");
    plan_free(&plan);
    session_list_free(&list);
}

static void only_live_sessions_of_the_target_count(void **state)
{
    (void)state;
    struct session_list list = {0};
    struct plan plan;
    struct err err = {0};
    add(&list, "a", "o", "Terminating", 1);
    add(&list, "b", "o", "Terminated", 2);
    add(&list, "c", "o", "Failed", 3);
    add(&list, "d", "o", "Disconnected", 4);
    add(&list, "e", "o", "Connecting", 5);
    add(&list, "f", "o", "Hibernated", 6); /* a status of a later year */
    struct session elsewhere = {
        .id = "g", .owner = "o", .target = "i-other", .status_text = "Connected", .start_ms = 0};
    assert_true(session_list_add(&list, &elsewhere, &err));
    struct plan_rules rules = {.max = 2, .target = TARGET};
    assert_true(plan_make(&list, &rules, &plan, &err));
    assert_string_equal(doomed(&list, &plan), "d ");
    assert_int_equal(plan.groups[0].count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(plan.entries[i].verdict, PLAN_NOT_COUNTED);
    assert_int_equal(plan.entries[6].verdict, PLAN_NOT_COUNTED);
    assert_true(plan.entries[6].group == PLAN_NO_GROUP);
    plan_free(&plan);
    session_list_free(&list);
}

/* Keys are told apart wherever they differ: early, late, or only by their length. */
static void groups_stand_in_the_order_of_their_keys(void **state)
{
    static const char *const sorted[][5] = {
        {"a", "ab", "abcdefgh", "abcdefghi", "b"},
        {"owner-one", "owner-one-and-much-more", "owner-one-and-much-more-of-it", "owner-two",
         "owner-two\xff"},
        {"x/12345678A", "x/12345678B", "x/12345678Ba", "x/1234567\x7f", "x/1234567\x80"},
    };
    (void)state;
    for (size_t set = 0; set < sizeof sorted / sizeof sorted[0]; set++) {
        struct session_list list = {0};
        struct plan plan;
        struct err err = {0};
        char id[8];
        for (int i = 0; i < 10; i++) {
            (void)snprintf(id, sizeof id, "s%d", i);
            add(&list, id, sorted[set][i * 3 % 5], "Connected", i);
        }
        struct plan_rules rules = {.max = 1, .target = TARGET};
        assert_true(plan_make(&list, &rules, &plan, &err));
        assert_int_equal(plan.group_count, 5);
        for (size_t i = 0; i < 5; i++) {
            assert_string_equal(plan.groups[i].key, sorted[set][i]);
            assert_int_equal(plan.groups[i].count, 2);
        }
        assert_string_equal(doomed(&list, &plan), "s0 s1 s2 s3 s4 ");
        plan_free(&plan);
        session_list_free(&list);
    }
}

static void the_first_matching_rule_wins(void **state)
{
    (void)state;
    struct session_list list = {0};
    struct plan plan;
    struct err err = {0};
    add(&list, "a1", ASSUMED "Admin/jane", "Connected", 1);
    add(&list, "a2", ASSUMED "Admin/jane", "Connected", 2);
    add(&list, "b1", ASSUMED "Robot/r", "Connected", 3);
    add(&list, "b2", ASSUMED "Robot/r", "Connected", 4);
    add(&list, "c1", ASSUMED "Guest/g", "Connected", 5);
    const struct plan_rule owners[] = {
        {"*:assumed-role/Robot/*", LIMIT_UNLIMITED}, {"*:assumed-role/Guest/*", 0}, {"*", 1}, {"*jane", 5}};
    struct plan_rules rules = {.max = 9, .rules = owners, .rule_count = 4, .target = TARGET};
    assert_true(plan_make(&list, &rules, &plan, &err));
    assert_string_equal(doomed(&list, &plan), "a1 c1 ");
    assert_int_equal(plan.entries[2].verdict, PLAN_EXEMPT);
    assert_int_equal(plan.group_count, 3);
    assert_int_equal(plan.groups[2].limit, LIMIT_UNLIMITED);
    assert_int_equal(plan.groups[2].count, 2);
    plan_free(&plan);

    /* One group: the lowest limit holds, the exempt neither count nor go. */
    rules.per = PER_ALL;
    assert_true(plan_make(&list, &rules, &plan, &err));
    assert_int_equal(plan.group_count, 1);
    assert_string_equal(plan.groups[0].key, "all");
    assert_int_equal(plan.groups[0].limit, 0);
    assert_int_equal(plan.groups[0].count, 3);
    assert_string_equal(doomed(&list, &plan), "a1 a2 c1 ");
    plan_free(&plan);
    session_list_free(&list);
}

static void a_role_is_one_group(void **state)
{
    (void)state;
    struct session_list list = {0};
    struct plan plan;
    struct err err = {0};
    add(&list, "a", ASSUMED "Admin/botocore-session-1", "Connected", 1);
    add(&list, "b", ASSUMED "Admin/botocore-session-2", "Connected", 2);
    add(&list, "c", ASSUMED "Admin2/x", "Connected", 3);
    add(&list, "d", "arn:aws:iam::123456789012:user/Admin/x", "Connected", 4);
    add(&list, "e", ASSUMED, "Connected", 5); /* no ARN of a role: stays what it is */
    struct plan_rules rules = {.max = 1, .per = PER_ROLE, .target = TARGET};
    assert_true(plan_make(&list, &rules, &plan, &err));
    assert_string_equal(doomed(&list, &plan), "a ");
    assert_int_equal(plan.group_count, 4);
    assert_string_equal(plan.groups[1].key, ASSUMED);
    assert_string_equal(plan.groups[2].key, ASSUMED "Admin");
    plan_free(&plan);
    session_list_free(&list);
}

static void nothing_listed_is_nothing_planned(void **state)
{
    (void)state;
    struct session_list list = {0};
    struct plan plan;
    struct err err = {0};
    struct plan_rules rules = {.max = 1, .target = TARGET};
    assert_true(plan_make(&list, &rules, &plan, &err));
    assert_int_equal(plan.group_count, 0);
    assert_int_equal(plan.surplus, 0);
    plan_free(&plan);
    plan_free(NULL);
}

/* ---- properties ---- */

enum { SESSIONS_MAX = 24, RULES_MAX = 3 };

struct sample {
    size_t count;
    char ids[SESSIONS_MAX][40];
    const char *owners[SESSIONS_MAX];
    const char *statuses[SESSIONS_MAX];
    const char *targets[SESSIONS_MAX];
    int64_t starts[SESSIONS_MAX];
    struct plan_rule owner_rules[RULES_MAX];
    struct plan_rules rules;
};

static uint64_t seed;

static unsigned draw(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 33) % below);
}

static void make_sample(struct sample *s)
{
    static const char *const owners[] = {ASSUMED "Admin/jane", ASSUMED "Admin/joe", ASSUMED "Robot/ci",
                                         "arn:aws:iam::123456789012:user/eve",
                                         "arn:aws:iam::123456789012:root"};
    static const char *const statuses[] = {"Connected",   "Connected",  "Connecting", "Disconnected",
                                           "Terminating", "Terminated", "Failed",     "Unheard-of"};
    static const char *const patterns[] = {"*", "*:assumed-role/Admin/*", "*eve", "*j?[en]*", "nobody"};
    static const int32_t limits[] = {LIMIT_UNLIMITED, 0, 1, 2, 5};
    s->count = draw(SESSIONS_MAX + 1);
    for (size_t i = 0; i < s->count; i++) {
        (void)snprintf(s->ids[i], sizeof s->ids[i], "s-%04x-%02zu", draw(65536), i);
        s->owners[i] = owners[draw(1 + draw(5))];
        s->statuses[i] = statuses[draw(1 + draw(8))];
        s->targets[i] = draw(12) ? TARGET : "i-other";
        s->starts[i] = draw(1 + draw(30));
    }
    s->rules = (struct plan_rules){.max = (int32_t)(1 + draw(draw(2) ? 4 : (unsigned)s->count + 2)),
                                   .rules = s->owner_rules,
                                   .rule_count = draw(RULES_MAX + 1),
                                   .per = (enum plan_per)draw(3),
                                   .order = (enum plan_order)draw(2),
                                   .target = TARGET};
    for (size_t i = 0; i < s->rules.rule_count; i++)
        s->owner_rules[i] = (struct plan_rule){patterns[draw(5)], limits[draw(5)]};
}

static bool naive_counts(const struct sample *s, size_t i)
{
    static const char *const ended[] = {"Terminating", "Terminated", "Failed"};
    for (size_t e = 0; e < 3; e++)
        if (strcmp(s->statuses[i], ended[e]) == 0)
            return false;
    return strcmp(s->targets[i], TARGET) == 0;
}

static int naive_limit(const struct sample *s, size_t i)
{
    for (size_t r = 0; r < s->rules.rule_count; r++)
        if (text_glob(s->owner_rules[r].pattern, s->owners[i]))
            return s->owner_rules[r].limit;
    return s->rules.max;
}

static bool naive_same_group(const struct sample *s, size_t i, size_t j)
{
    char a[128], b[128];
    if (s->rules.per == PER_ALL)
        return true;
    (void)snprintf(a, sizeof a, "%s", s->owners[i]);
    (void)snprintf(b, sizeof b, "%s", s->owners[j]);
    if (s->rules.per == PER_ROLE && strstr(a, "assumed-role/") && strstr(b, "assumed-role/")) {
        *strrchr(a, '/') = '\0';
        *strrchr(b, '/') = '\0';
    }
    return strcmp(a, b) == 0;
}

/* True if i goes before j in the order of the specification. */
static bool naive_before(const struct sample *s, size_t i, size_t j)
{
    if (s->starts[i] != s->starts[j])
        return s->starts[i] < s->starts[j];
    return strcmp(s->ids[i], s->ids[j]) < 0;
}

/* The rule for one session by counting: it goes if too many of its group would stay with it. */
static enum plan_verdict naive_verdict(const struct sample *s, size_t i)
{
    if (!naive_counts(s, i))
        return PLAN_NOT_COUNTED;
    int limit = naive_limit(s, i), kept_first = 0;
    if (limit == LIMIT_UNLIMITED)
        return PLAN_EXEMPT;
    for (size_t j = 0; j < s->count; j++) {
        int other = naive_limit(s, j);
        if (j == i || !naive_counts(s, j) || other == LIMIT_UNLIMITED || !naive_same_group(s, i, j))
            continue;
        limit = other < limit ? other : limit;
        kept_first += s->rules.order == TERMINATE_OLDEST ? naive_before(s, i, j) : naive_before(s, j, i);
    }
    return kept_first < limit ? PLAN_KEEP : PLAN_TERMINATE;
}

/* True if both implementations agree on every session, and the groups' figures add up. */
static bool agree(const struct sample *s)
{
    struct session_list list = {0};
    struct plan plan;
    struct err err = {0};
    for (size_t i = 0; i < s->count; i++) {
        struct session session = {.id = s->ids[i],
                                  .owner = s->owners[i],
                                  .target = s->targets[i],
                                  .status_text = s->statuses[i],
                                  .start_ms = s->starts[i]};
        assert_true(session_list_add(&list, &session, &err));
    }
    assert_true(plan_make(&list, &s->rules, &plan, &err));
    bool same = plan.entry_count == s->count;
    size_t doomed_count = 0, surplus = 0;
    for (size_t i = 0; same && i < s->count; i++) {
        same = plan.entries[i].verdict == naive_verdict(s, i);
        doomed_count += plan.entries[i].verdict == PLAN_TERMINATE;
    }
    for (size_t g = 0; same && g < plan.group_count; g++) {
        const struct plan_group *group = &plan.groups[g];
        surplus += group->surplus;
        same = group->limit == LIMIT_UNLIMITED
                   ? !group->surplus
                   : group->surplus <= group->count &&
                         (!group->surplus || group->count - group->surplus == (size_t)group->limit);
        for (size_t m = 0; same && m < group->size; m++)
            same = plan.entries[plan.members[group->first + m]].group == g;
    }
    same = same && surplus == doomed_count && plan.surplus == surplus;
    plan_free(&plan);
    session_list_free(&list);
    return same;
}

static void drop_session(struct sample *s, size_t i)
{
    s->count--;
    for (; i < s->count; i++) {
        memcpy(s->ids[i], s->ids[i + 1], sizeof s->ids[i]);
        s->owners[i] = s->owners[i + 1];
        s->statuses[i] = s->statuses[i + 1];
        s->targets[i] = s->targets[i + 1];
        s->starts[i] = s->starts[i + 1];
    }
}

/* Drops sessions and rules as long as the implementations still disagree, then prints what is left. */
static void shrink_and_fail(struct sample *s, uint64_t from)
{
    for (bool smaller = true; smaller;) {
        smaller = false;
        for (size_t i = 0; i < s->count; i++) {
            struct sample less = *s;
            less.rules.rules = less.owner_rules;
            drop_session(&less, i);
            if (!agree(&less)) {
                *s = less;
                s->rules.rules = s->owner_rules;
                smaller = true;
                break;
            }
        }
        struct sample less = *s;
        less.rules.rules = less.owner_rules;
        if (less.rules.rule_count && (less.rules.rule_count--, !agree(&less))) {
            *s = less;
            s->rules.rules = s->owner_rules;
            smaller = true;
        }
    }
    print_error("seed %llu: max %d per %d order %d\n", (unsigned long long)from, (int)s->rules.max,
                (int)s->rules.per, (int)s->rules.order);
    for (size_t r = 0; r < s->rules.rule_count; r++)
        print_error("  rule %s=%d\n", s->owner_rules[r].pattern, (int)s->owner_rules[r].limit);
    for (size_t i = 0; i < s->count; i++)
        print_error("  %s %s %s %s start %lld: should be %d\n", s->ids[i], s->owners[i], s->targets[i],
                    s->statuses[i], (long long)s->starts[i], (int)naive_verdict(s, i));
    fail_msg("plan_make and the naive implementation disagree");
}

static void random_sets_agree_with_the_naive_plan(void **state)
{
    (void)state;
    const char *given = getenv("SEED"), *wanted = getenv("PLAN_SETS");
    seed = given ? strtoull(given, NULL, 10) : 88172645463325252ULL;
    unsigned long sets = wanted ? strtoul(wanted, NULL, 10) : 100000;
    static struct sample sample;
    for (unsigned long i = 0; i < sets; i++) {
        uint64_t from = seed;
        make_sample(&sample);
        if (!agree(&sample))
            shrink_and_fail(&sample, from);
    }
    printf("figure: %lu random session sets, both implementations agree on each\n", sets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_of_one_owner_lose_the_two_oldest),
        cmocka_unit_test(equal_starts_go_by_id),
        cmocka_unit_test(only_live_sessions_of_the_target_count),
        cmocka_unit_test(groups_stand_in_the_order_of_their_keys),
        cmocka_unit_test(the_first_matching_rule_wins),
        cmocka_unit_test(a_role_is_one_group),
        cmocka_unit_test(nothing_listed_is_nothing_planned),
        cmocka_unit_test(random_sets_agree_with_the_naive_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
