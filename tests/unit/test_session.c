/* Sessions and their list. What counts, and in which order, is test_plan.c's matter too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/session.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_owners),
        cmocka_unit_test(one_that_is_listed_twice_counts_once),
        cmocka_unit_test(there_is_an_end_to_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
