// link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
/* Sessions and their list. What counts, and in which order, is test_plan.c's matter too. */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "core/session.h"

static struct session a_session(const char *id, const char *owner, int64_t start_ms)
{
    return (struct session){
        .id = id, .owner = owner, .target = "i-1", .status_text = "Connected", .start_ms = start_ms};
}

static void add(struct session_list *list, struct session session)
{
    struct err err = {0};
    assert_true(session_list_add(list, &session, &err));
}

static void copies_what_it_is_given(void **state)
{
    struct session_list list = {0};
    char id[] = "jane-1", owner[] = "arn:aws:iam::1:user/jane", document[] = "Mine";
    (void)state;
    struct session session = a_session(id, owner, 7);
    session.document_name = document;
    add(&list, session);
    id[0] = owner[0] = document[0] = '?';
    const struct session *found = session_list_find(&list, "jane-1");
    assert_non_null(found);
    assert_string_equal(found->owner, "arn:aws:iam::1:user/jane");
    assert_string_equal(found->document_name, "Mine");
    assert_string_equal(found->target, "i-1");
    assert_int_equal(found->status, SESSION_CONNECTED);
    assert_int_equal(found->start_ms, 7);
    assert_null(session_list_find(&list, "jane-2"));
    session_list_free(&list);
    assert_null(session_list_find(&list, "jane-1"));
    session_list_free(NULL);
}

/* Each has its own texts, whatever those beside it share. */
static void mixed_texts(void **state)
{
    struct session_list list = {0};
    static const char *const owners[] = {"joe", "joe", "jane", "joe", "jane", "jane"};
    static const char *const documents[] = {NULL, "A", "A", NULL, NULL, "B"};
    char id[8];
    (void)state;
    for (int i = 0; i < 6; i++) {
        (void)snprintf(id, sizeof id, "s%d", i);
        struct session session = a_session(id, owners[i], i);
        session.document_name = documents[i];
        session.status_text = i % 2 ? "Connected" : "Terminating";
        add(&list, session);
    }
    for (int i = 0; i < 6; i++) {
        assert_string_equal(list.sessions[i].owner, owners[i]);
        assert_string_equal(list.sessions[i].status_text, i % 2 ? "Connected" : "Terminating");
        assert_int_equal(session_is_live(&list.sessions[i]), i % 2);
        if (documents[i])
            assert_string_equal(list.sessions[i].document_name, documents[i]);
        else
            assert_null(list.sessions[i].document_name);
    }
    session_list_free(&list);
}

static void one_that_is_listed_twice_counts_once(void **state)
{
    (void)state;
    struct session_list list = {0};
    struct err err = {0};
    struct session session = {
        .id = "a", .owner = "o", .target = "i-1", .status_text = "Connected", .start_ms = 5};
    assert_true(session_list_add(&list, &session, &err));
    session.status_text = "Terminated";
    assert_true(session_list_add(&list, &session, &err));
    assert_int_equal(list.count, 1);
    assert_int_equal(session_list_find(&list, "a")->status, SESSION_CONNECTED);
    assert_null(session_list_find(&list, "b"));
    session_list_free(&list);
    assert_int_equal(list.count, 0);
}

static void many_are_found_and_sorted(void **state)
{
    enum { COUNT = 2001, ORDERS = 3 };
    (void)state;
    for (int order = 0; order < ORDERS; order++) {
        struct session_list list = {0};
        char id[16];
        for (int i = 0; i < COUNT; i++) {
            const int64_t starts[ORDERS] = {(i * 7919) % COUNT / 2, i / 3, (COUNT - i) / 3};
            (void)snprintf(id, sizeof id, "id-%d", i);
            add(&list, a_session(id, "o", starts[order]));
        }
        session_list_sort(&list);
        assert_int_equal(list.count, COUNT);
        for (size_t i = 1; i < list.count; i++)
            assert_true(session_compare(&list.sessions[i - 1], &list.sessions[i]) < 0);
        for (int i = 0; i < COUNT; i++) {
            (void)snprintf(id, sizeof id, "id-%d", i);
            assert_string_equal(session_list_find(&list, id)->id, id);
        }
        session_list_free(&list);
        session_list_sort(&list);
    }
}

/* A listing that never ends is refused before it has all of the memory; what was listed is still there. */
static void there_is_an_end_to_them(void **state)
{
    (void)state;
    struct session_list list = {0};
    struct err err = {0};
    char id[16];
    struct session session = {.id = id, .owner = "o", .target = "i-1", .status_text = "Connected"};
    for (unsigned i = 0; i < SESSION_LIST_MAX; i++) {
        snprintf(id, sizeof id, "s-%u", i);
        session.start_ms = SESSION_LIST_MAX - i;
        assert_true(session_list_add(&list, &session, &err));
    }
    strcpy(id, "one more");
    assert_false(session_list_add(&list, &session, &err));
    assert_int_equal(err.code, ERR_NOMEM);
    assert_int_equal(list.count, SESSION_LIST_MAX);
    session_list_sort(&list);
    assert_ptr_equal(session_list_find(&list, "s-0"), &list.sessions[SESSION_LIST_MAX - 1]);
    session_list_free(&list);
}

static void fill(struct session_list *list, size_t *added)
{
    char id[16], owner[600];
    memset(owner, 'o', sizeof owner);
    owner[sizeof owner - 1] = '\0';
    for (*added = 0; *added < 100; ++*added) {
        struct err err = {0};
        (void)snprintf(id, sizeof id, "id-%zu", *added);
        owner[0] = (char)('a' + *added % 26);
        struct session session = a_session(id, owner, (int64_t)*added);
        session.document_name = id;
        if (!session_list_add(list, &session, &err)) {
            assert_int_equal(err.code, ERR_NOMEM);
            return;
        }
    }
}

/* A failed addition leaves the list as it was: usable, and able to grow once there is memory again. */
static void each_allocation_fails_in_turn(void **state)
{
    (void)state;
    ALLOC_FAIL_EACH({
        struct session_list list = {0};
        size_t added = 0;
        fill(&list, &added);
        assert_int_equal(list.count, added);
        if (added < 100) {
            add(&list, a_session("later", "jane", 1));
            assert_string_equal(session_list_find(&list, "later")->owner, "jane");
            assert_string_equal(list.sessions[list.count - 1].id, "later");
        }
        session_list_free(&list);
    })
}

static void names_of_owners(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"arn:aws:sts::1:assumed-role/Admin/jane", "jane"},
        {"arn:aws:iam::1:user/path/joe", "joe"},
        {"arn:aws:iam::1:root", "root"},
        {"arn:aws:sts::1:assumed-role/Admin/", "arn:aws:sts::1:assumed-role/Admin/"},
        {"arn:", "arn:"},
        {"jane", "jane"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(session_owner_name(cases[i][0]), cases[i][1]);
}

static void statuses(void **state)
{
    static const struct {
        const char *text;
        enum session_status status;
        bool live;
    } CASES[] = {
        {"Connected", SESSION_CONNECTED, true},       {"Connecting", SESSION_CONNECTING, true},
        {"Disconnected", SESSION_DISCONNECTED, true}, {"Terminating", SESSION_TERMINATING, false},
        {"Terminated", SESSION_TERMINATED, false},    {"Failed", SESSION_FAILED, false},
        {"Paused", SESSION_STATUS_UNKNOWN, true},     {"connected", SESSION_STATUS_UNKNOWN, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct session session = {.status = session_status_parse(CASES[i].text)};
        assert_int_equal(session.status, CASES[i].status);
        assert_int_equal(session_is_live(&session), CASES[i].live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_what_it_is_given),
        cmocka_unit_test(mixed_texts),
        cmocka_unit_test(one_that_is_listed_twice_counts_once),
        cmocka_unit_test(many_are_found_and_sorted),
        cmocka_unit_test(there_is_an_end_to_them),
        cmocka_unit_test(each_allocation_fails_in_turn),
        cmocka_unit_test(names_of_owners),
        cmocka_unit_test(statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
