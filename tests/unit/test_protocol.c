/* The protocol with a scripted network and a virtual clock: opening a run, settling a listing, acting,
 * confirming. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "protocol/act.h"
#include "protocol/listing.h"
#include "protocol/run.h"

#define SSM   "https://ssm.eu-west-1.amazonaws.com/"
#define OWNER "arn:aws:sts::123456789012:assumed-role/Admin/jane"

static struct fake fake;

static void keys_in_the_environment(void)
{
    fake_start(&fake);
    fake_set(&fake, "AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    fake_set(&fake, "AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI");
    fake_set(&fake, "AWS_REGION", "eu-west-1");
    fake_set(&fake, "AWS_SSM_INSTANCE_ID", "i-1");
    fake_set(&fake, "AWS_EC2_METADATA_DISABLED", "true");
}

/* A listing's body with one session for each id ("a,b"), started in that order. */
static const char *page(const char *ids)
{
    static char bodies[8][4096];
    static size_t next;
    char *body = bodies[next++ % 8];
    int at = snprintf(body, sizeof bodies[0], "{\"Sessions\":[");
    for (int i = 0; *ids; i++) {
        size_t len = strcspn(ids, ",");
        at +=
            snprintf(body + at, sizeof bodies[0] - (size_t)at,
                     "%s{\"SessionId\":\"%.*s\",\"Target\":\"i-1\",\"Status\":\"Connected\",\"StartDate\":%d,"
                     "\"Owner\":\"" OWNER "\"}",
                     i ? "," : "", (int)len, ids, 1000 + i);
        ids += len + (ids[len] == ',');
    }
    (void)snprintf(body + at, sizeof bodies[0] - (size_t)at, "]}");
    return body;
}

static void list_reply(const char *ids, int times)
{
    fake_add(
        &fake,
        (struct fake_reply){
            .method = HTTP_POST, .url = SSM, .body_has = "MaxResults", .times = times, .body = page(ids)});
}

/* Opens the run with the own session `self_id`. */
static void open_run(struct run *run, struct run_options *options, const char *self_id)
{
    struct err err = {0};
    *options = (struct run_options){.context = {.session_id = self_id}};
    if (!run_open(run, options, &fake.io, &err))
        fail_msg("%s", err.message);
}

static void the_connection_opens_before_anything_is_asked(void **state)
{
    (void)state;
    struct run run;
    struct run_options options;
    keys_in_the_environment();
    open_run(&run, &options, NULL);
    assert_int_equal(fake.connects, 1);
    assert_int_equal(fake.request_count, 0);
    assert_string_equal(run.context.instance_id.value, "i-1");
    assert_null(run.context.session_id.value);
    run_close(&run);
    fake_end(&fake);
}

static void the_instance_is_the_target_of_the_own_session(void **state)
{
    (void)state;
    struct run run;
    struct run_options options;
    keys_in_the_environment();
    fake_set(&fake, "AWS_SSM_INSTANCE_ID", NULL);
    fake_add(&fake,
             (struct fake_reply){
                 .method = HTTP_POST, .url = SSM, .body_has = "\"SessionId\"", .body = page("jane-1")});
    open_run(&run, &options, "jane-1");
    assert_string_equal(run.context.instance_id.value, "i-1");
    run_close(&run);
    fake_end(&fake);
}

static void no_region_says_what_to_give(void **state)
{
    (void)state;
    struct run run;
    struct err err = {0};
    struct run_options options = {0};
    keys_in_the_environment();
    fake_set(&fake, "AWS_REGION", NULL);
    assert_false(run_open(&run, &options, &fake.io, &err));
    assert_non_null(strstr(err.message, "no region (--region, AWS_REGION): "));
    run_close(&run);
    fake_end(&fake);
}

static void an_unknown_session_needs_one_listing(void **state)
{
    (void)state;
    struct run run;
    struct run_options options;
    struct listing listing;
    struct err err = {0};
    keys_in_the_environment();
    open_run(&run, &options, NULL);
    list_reply("b,a", 0);
    assert_true(listing_settle(&run.ssm, "i-1", NULL, &listing, &err));
    assert_int_equal(listing.passes, 1);
    assert_int_equal(fake.sleeps, 0);
    assert_false(listing.self_listed);
    listing_free(&listing);
    run_close(&run);
    fake_end(&fake);
}

static void a_run_lists_until_it_sees_its_own_session(void **state)
{
    (void)state;
    struct run run;
    struct run_options options;
    struct listing listing;
    struct err err = {0};
    keys_in_the_environment();
    open_run(&run, &options, "own");
    list_reply("b,a", 3);
    list_reply("b,a,own", 0);
    assert_true(listing_settle(&run.ssm, "i-1", "own", &listing, &err));
    assert_int_equal(listing.passes, 4);
    assert_true(listing.self_listed);
    assert_int_equal(fake.slept_ms, 50 + 100 + 200);
    assert_int_equal(listing.sessions.count, 3);
    listing_free(&listing);
    run_close(&run);
    fake_end(&fake);
}

static void an_own_session_that_never_appears_costs_three_seconds(void **state)
{
    (void)state;
    struct run run;
    struct run_options options;
    struct listing listing;
    struct err err = {0};
    keys_in_the_environment();
    open_run(&run, &options, "own");
    list_reply("a", 0);
    assert_true(listing_settle(&run.ssm, "i-1", "own", &listing, &err));
    assert_false(listing.self_listed);
    assert_int_equal(fake.slept_ms, LISTING_SETTLE_MS);
    listing_free(&listing);
    run_close(&run);
    fake_end(&fake);
}

/* A slow listing uses the time up: the last one begins when it is over all the same. */
static void a_session_visible_within_the_time_is_seen(void **state)
{
    (void)state;
    struct run run;
    struct run_options options;
    struct listing listing;
    struct err err = {0};
    keys_in_the_environment();
    open_run(&run, &options, "own");
    list_reply("a", 1);
    fake_add(&fake, (struct fake_reply){
                        .method = HTTP_POST, .url = SSM, .times = 1, .takes_ms = 4000, .body = page("a")});
    list_reply("a,own", 0);
    assert_true(listing_settle(&run.ssm, "i-1", "own", &listing, &err));
    assert_true(listing.self_listed);
    assert_int_equal(listing.passes, 3);
    listing_free(&listing);
    run_close(&run);
    fake_end(&fake);
}

/* Pages are read one after the other: an own session on a later page says nothing of the first. */
static void an_own_session_on_a_later_page_is_listed_once_more(void **state)
{
    (void)state;
    struct run run;
    struct run_options options;
    struct listing listing;
    struct err err = {0};
    char first[4096];
    keys_in_the_environment();
    open_run(&run, &options, "own");
    (void)snprintf(first, sizeof first, "%.*s,\"NextToken\":\"t\"}", (int)strlen(page("a,b")) - 1,
                   page("a,b"));
    fake_add(&fake, (struct fake_reply){
                        .method = HTTP_POST, .url = SSM, .body_has = "\"NextToken\"", .body = page("own")});
    fake_add(&fake, (struct fake_reply){.method = HTTP_POST, .url = SSM, .body = first});
    assert_true(listing_settle(&run.ssm, "i-1", "own", &listing, &err));
    assert_int_equal(listing.passes, 2);
    assert_int_equal(fake.request_count, 4);
    assert_int_equal(fake.slept_ms, 0);
    assert_int_equal(listing.sessions.count, 3);
    listing_free(&listing);
    run_close(&run);
    fake_end(&fake);
}

static void a_listing_that_fails_later_is_a_failure(void **state)
{
    (void)state;
    struct run run;
    struct run_options options;
    struct listing listing;
    struct err err = {0};
    keys_in_the_environment();
    open_run(&run, &options, "own");
    list_reply("a", 1);
    fake_add(&fake, (struct fake_reply){.method = HTTP_POST, .url = SSM, .body = "{\"Sessions\":"});
    assert_false(listing_settle(&run.ssm, "i-1", "own", &listing, &err));
    assert_int_equal(err.code, ERR_MALFORMED);
    listing_free(&listing);
    run_close(&run);
    fake_end(&fake);
}

/* Plans "a,b,c,own" with these verdicts ('t': to be terminated). */
static void plan_by_letters(struct outcomes *outcomes, const char *verdicts)
{
    struct plan_entry entries[8] = {0};
    struct err err = {0};
    for (size_t i = 0; verdicts[i]; i++)
        entries[i].verdict = verdicts[i] == 't' ? PLAN_TERMINATE : PLAN_KEEP;
    struct plan plan = {.entries = entries, .entry_count = strlen(verdicts)};
    assert_true(outcomes_begin(&plan, outcomes, &err));
}

static void the_own_session_is_left_for_last_and_one_failure_stops_nothing(void **state)
{
    (void)state;
    struct run run;
    struct run_options options;
    struct listing listing;
    struct outcomes outcomes;
    struct err err = {0};
    size_t index = 99;
    keys_in_the_environment();
    open_run(&run, &options, "own");
    list_reply("a,b,c,own", 1);
    assert_true(listing_settle(&run.ssm, "i-1", "own", &listing, &err));
    plan_by_letters(&outcomes, "tktt");
    fake_add(&fake, (struct fake_reply){.method = HTTP_POST,
                                        .url = SSM,
                                        .body_has = "\"a\"",
                                        .status = 400,
                                        .body = "{\"__type\":\"AccessDeniedException\",\"Message\":\"no\"}"});
    fake_add(&fake,
             (struct fake_reply){
                 .method = HTTP_POST, .url = SSM, .body_has = "\"c\"", .body = "{\"SessionId\":\"c\"}"});
    assert_true(act_on_others(&run.ssm, "i-1", &listing.sessions, "own", &outcomes, &err));
    assert_int_equal(outcomes.items[0].code, OUTCOME_FAILED);
    assert_non_null(strstr(outcomes.items[0].error, "ssm:TerminateSession"));
    assert_int_equal(outcomes.items[1].code, OUTCOME_KEEP);
    assert_int_equal(outcomes.items[2].code, OUTCOME_TERMINATED);
    assert_int_equal(outcomes.items[3].code, OUTCOME_WOULD_TERMINATE);
    assert_true(act_self_is_due(&listing.sessions, "own", &outcomes, &index));
    assert_int_equal(index, 3);
    fake_add(&fake,
             (struct fake_reply){
                 .method = HTTP_POST, .url = SSM, .body_has = "\"own\"", .body = "{\"SessionId\":\"own\"}"});
    act_on_self(&run.ssm, &listing.sessions, index, &outcomes);
    assert_int_equal(outcomes.items[3].code, OUTCOME_TERMINATED);
    assert_false(act_self_is_due(&listing.sessions, NULL, &outcomes, &index));
    outcomes_free(&outcomes);
    listing_free(&listing);
    run_close(&run);
    fake_end(&fake);
}

static void confirm_lists_until_they_no_longer_count(void **state)
{
    (void)state;
    struct run run;
    struct run_options options;
    struct listing listing;
    struct outcomes outcomes;
    struct err err = {0}, none = {0};
    keys_in_the_environment();
    open_run(&run, &options, NULL);
    list_reply("a,b", 3);
    list_reply("b", 1);
    list_reply("a,b", 0);
    assert_true(listing_settle(&run.ssm, "i-1", NULL, &listing, &err));
    plan_by_letters(&outcomes, "tk");
    assert_true(act_confirm(&run.ssm, "i-1", &listing.sessions, &outcomes, &err));
    assert_int_equal(fake.request_count, 1); /* nothing was terminated yet, so nothing to confirm */
    outcomes_record(&outcomes, 0, &none);
    assert_true(act_confirm(&run.ssm, "i-1", &listing.sessions, &outcomes, &err));
    assert_int_equal(fake.request_count, 4);
    assert_int_equal(outcomes.items[0].code, OUTCOME_TERMINATED);

    assert_false(act_confirm(&run.ssm, "i-1", &listing.sessions, &outcomes, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    assert_int_equal(outcomes.items[0].code, OUTCOME_FAILED);
    assert_true(clock_mono_ms(&fake.clock) <= fake.io.deadline_ms);
    outcomes_free(&outcomes);
    listing_free(&listing);
    run_close(&run);
    fake_end(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_connection_opens_before_anything_is_asked),
        cmocka_unit_test(the_instance_is_the_target_of_the_own_session),
        cmocka_unit_test(no_region_says_what_to_give),
        cmocka_unit_test(an_unknown_session_needs_one_listing),
        cmocka_unit_test(a_run_lists_until_it_sees_its_own_session),
        cmocka_unit_test(an_own_session_that_never_appears_costs_three_seconds),
        cmocka_unit_test(a_session_visible_within_the_time_is_seen),
        cmocka_unit_test(an_own_session_on_a_later_page_is_listed_once_more),
        cmocka_unit_test(a_listing_that_fails_later_is_a_failure),
        cmocka_unit_test(the_own_session_is_left_for_last_and_one_failure_stops_nothing),
        cmocka_unit_test(confirm_lists_until_they_no_longer_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
