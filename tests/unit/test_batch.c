/* Which request goes when and on which connection, without a network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "net/batch.h"

enum { COUNT_MAX = 64 };

/* Stands in for the transfers: notes what is started, and how. */
struct bench {
    struct fake fake; /* for its clock */
    struct batch batch;
    struct lane *lanes;
    struct http_request requests[COUNT_MAX];
    struct http_reply replies[COUNT_MAX];
    size_t started[COUNT_MAX];
    enum lane_way ways[COUNT_MAX];
    int64_t timeouts_ms[COUNT_MAX];
    size_t count;
    size_t given_up;
    bool refuse;
};

static bool start(void *ctx, struct lane *lane, enum lane_way way, const struct http_request *request,
                  struct http_reply *reply, int64_t timeout_ms)
{
    struct bench *bench = ctx;
    (void)lane;
    assert_ptr_equal(reply, &bench->replies[request - bench->requests]);
    if (bench->refuse)
        return false;
    bench->started[bench->count] = (size_t)(request - bench->requests);
    bench->ways[bench->count] = way;
    bench->timeouts_ms[bench->count++] = timeout_ms;
    return true;
}

static void give_up(void *ctx, struct lane *lane)
{
    struct bench *bench = ctx;
    assert_true(lane->opening > 0);
    bench->given_up++;
}

static void bench_start(struct bench *bench)
{
    memset(bench, 0, sizeof *bench);
    fake_start(&bench->fake);
    bench->batch = (struct batch){.clock = &bench->fake.clock,
                                  .lanes = &bench->lanes,
                                  .ctx = bench,
                                  .start = start,
                                  .give_up = give_up};
    for (size_t i = 0; i < COUNT_MAX; i++)
        bench->requests[i] = (struct http_request){.url = "https://a/x", .timeout_ms = 1000};
}

static void bench_end(struct bench *bench)
{
    batch_end(&bench->batch);
    lanes_free(&bench->lanes);
    fake_end(&bench->fake);
}

static void begin(struct bench *bench, size_t count)
{
    assert_true(batch_begin(&bench->batch, bench->requests, bench->replies, count));
    batch_schedule(&bench->batch);
}

/* The lane of a URL, as the owner of transfers would see it. */
static struct lane *lane_of(struct bench *bench, const char *url)
{
    bool nomem;
    struct lane *lane = lane_find(&bench->lanes, url, false, &nomem);
    assert_non_null(lane);
    return lane;
}

/* The n-th started request ends well. */
static void end_request(struct bench *bench, size_t n, bool kept)
{
    size_t index = bench->started[n];
    struct lane *lane = lane_of(bench, bench->requests[index].url);
    lane->busy--;
    if (kept)
        lane->idle++;
    batch_conclude(&bench->batch, &bench->replies[index]);
    batch_schedule(&bench->batch);
}

static void test_window(void **state)
{
    struct bench bench;
    (void)state;
    bench_start(&bench);
    begin(&bench, 20);
    assert_int_equal(bench.count, 8);
    assert_int_equal(bench.batch.queued, 12);
    assert_int_equal(bench.batch.left, 20);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(bench.started[i], i);
        assert_int_equal(bench.ways[i], LANE_NEW);
    }
    end_request(&bench, 3, true);
    assert_int_equal(bench.count, 9);
    assert_int_equal(bench.started[8], 8);
    assert_int_equal(bench.ways[8], LANE_IDLE);
    end_request(&bench, 4, false);
    assert_int_equal(bench.ways[9], LANE_NEW);
    for (size_t i = 0; i < 20; i++)
        if (i != 3 && i != 4)
            end_request(&bench, i, true);
    assert_int_equal(bench.batch.left, 0);
    assert_int_equal(bench.batch.queued, 0);
    bench_end(&bench);
}

static void test_hosts_have_windows_of_their_own(void **state)
{
    struct bench bench;
    (void)state;
    bench_start(&bench);
    for (size_t i = 0; i < 30; i++)
        bench.requests[i].url = i % 3 == 0 ? "https://a/x" : i % 3 == 1 ? "https://b/y?z" : "https://a:8443/";
    bench.requests[29].direct = true; /* is another lane too */
    begin(&bench, 30);
    assert_int_equal(bench.count, 8 + 8 + 8 + 1);
    bench_end(&bench);
}

/* With a connection open, others are opened only where they are ready before it has carried the rest alone.
 */
static void test_window_of_a_few(void **state)
{
    static const size_t under_way[] = {0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8};
    struct bench bench;
    (void)state;
    for (size_t count = 1; count < sizeof under_way / sizeof *under_way; count++)
        for (int warm = 0; warm < 2; warm++) {
            bench_start(&bench);
            struct lane *lane = lane_of(&bench, "https://a/");
            *(warm ? &lane->warm : &lane->idle) = 1;
            begin(&bench, count);
            assert_int_equal(bench.count, under_way[count]);
            assert_int_equal(bench.ways[0], warm ? LANE_WARM : LANE_IDLE);
            for (size_t i = 1; i < bench.count; i++)
                assert_int_equal(bench.ways[i], LANE_NEW);
            for (size_t i = 0; i < count; i++)
                end_request(&bench, i, true);
            assert_int_equal(bench.batch.left, 0);
            assert_int_equal(lane->idle, under_way[count]);
            bench_end(&bench);
        }
}

/* The one connection is lost with its request: the next opens its own. */
static void test_few_and_the_connection_is_lost(void **state)
{
    struct bench bench;
    (void)state;
    bench_start(&bench);
    lane_of(&bench, "https://a/")->idle = 1;
    begin(&bench, 3);
    end_request(&bench, 0, false);
    assert_int_equal(bench.count, 2);
    assert_int_equal(bench.ways[1], LANE_NEW);
    end_request(&bench, 1, true);
    assert_int_equal(bench.ways[2], LANE_IDLE);
    bench_end(&bench);
}

/* A request that hangs does not hold up those behind it for long. */
static void test_few_behind_one_that_hangs(void **state)
{
    struct bench bench;
    (void)state;
    bench_start(&bench);
    lane_of(&bench, "https://a/")->idle = 1;
    begin(&bench, 3);
    bench.fake.mono_ms += 299;
    batch_schedule(&bench.batch);
    assert_int_equal(bench.count, 1);
    bench.fake.mono_ms += 1;
    batch_schedule(&bench.batch);
    assert_int_equal(bench.count, 3);
    assert_int_equal(bench.ways[1], LANE_NEW);
    assert_int_equal(bench.ways[2], LANE_NEW);
    for (size_t i = 0; i < 3; i++)
        end_request(&bench, i, true);
    batch_end(&bench.batch);
    begin(&bench, 2); /* three connections are open: none is too many for them */
    assert_int_equal(bench.count, 5);
    bench_end(&bench);
}

/* One request waits for each connection that is opening; the rest opens its own. */
static void test_waits_for_openings(void **state)
{
    struct bench bench;
    (void)state;
    bench_start(&bench);
    struct lane *lane = lane_of(&bench, "https://a/");
    lane->opening = 3;
    begin(&bench, 5);
    assert_int_equal(bench.count, 2);
    assert_int_equal(bench.ways[1], LANE_NEW);
    lane->opening--;
    lane->warm++;
    batch_schedule(&bench.batch);
    assert_int_equal(bench.count, 3);
    assert_int_equal(bench.ways[2], LANE_WARM);
    assert_int_equal(lane->warm, 0);
    lane->opening--; /* one failed */
    batch_schedule(&bench.batch);
    assert_int_equal(bench.count, 4);
    assert_int_equal(bench.ways[3], LANE_NEW);
    end_request(&bench, 0, true); /* an idle one is better than one that is opening */
    assert_int_equal(bench.count, 5);
    assert_int_equal(bench.ways[4], LANE_IDLE);
    bench_end(&bench);
}

/* Connections that are busy and opening stay within the limit together. */
static void test_openings_count(void **state)
{
    struct bench bench;
    (void)state;
    bench_start(&bench);
    struct lane *lane = lane_of(&bench, "https://a/");
    lane->opening = 6;
    begin(&bench, 20);
    assert_int_equal(bench.count, 2);
    assert_int_equal(lane_missing(lane, 8), 0);
    bench_end(&bench);
}

static void test_missing(void **state)
{
    struct lane lane = {.busy = 1, .opening = 1, .warm = 1, .idle = 1};
    (void)state;
    assert_int_equal(lane_missing(&lane, 0), 0);
    assert_int_equal(lane_missing(&lane, 4), 0);
    assert_int_equal(lane_missing(&lane, 6), 2);
    assert_int_equal(lane_missing(&lane, 8), 4);
    assert_int_equal(lane_missing(&lane, (size_t)-1), 4);
}

/* What waits for an opening that hangs ends when its own time to connect is over, and the opening is given
 * up. */
static void test_opening_that_hangs(void **state)
{
    struct bench bench;
    (void)state;
    bench_start(&bench);
    struct lane *lane = lane_of(&bench, "https://a/");
    lane->opening = 3;
    bench.requests[0].connect_timeout_ms = 400;
    begin(&bench, 2);
    assert_int_equal(bench.count, 0);
    bench.fake.mono_ms += 399;
    batch_schedule(&bench.batch);
    assert_int_equal(bench.batch.left, 2);
    bench.fake.mono_ms += 1;
    batch_schedule(&bench.batch);
    assert_int_equal(bench.batch.left, 0);
    assert_int_equal(bench.given_up, 3);
    assert_int_equal(lane->opening, 0);
    assert_int_equal(bench.replies[0].err.code, ERR_TIMEOUT);
    assert_string_equal(bench.replies[1].err.message, "no connection to 'a' within 400 ms");
    bench_end(&bench);
}

/* The same while others are at work: what waits, waits for its turn, and only the hanging ones go. */
static void test_opening_that_hangs_beside_work(void **state)
{
    struct bench bench;
    (void)state;
    bench_start(&bench);
    struct lane *lane = lane_of(&bench, "https://a/");
    lane->opening = 1;
    begin(&bench, 2);
    assert_int_equal(bench.count, 1);
    bench.fake.mono_ms += 1000;
    batch_schedule(&bench.batch);
    assert_int_equal(bench.given_up, 1);
    assert_int_equal(bench.count, 2);
    assert_int_equal(bench.replies[1].err.code, ERR_NONE);
    bench_end(&bench);
}

static void test_total_timeout(void **state)
{
    struct bench bench;
    (void)state;
    bench_start(&bench);
    for (size_t i = 0; i < 10; i++)
        bench.requests[i].total_timeout_ms = 1500;
    begin(&bench, 10);
    assert_int_equal(bench.timeouts_ms[0], 1000);
    bench.fake.mono_ms += 900;
    end_request(&bench, 0, true);
    assert_int_equal(bench.count, 9);
    assert_int_equal(bench.timeouts_ms[8], 600);
    bench.fake.mono_ms += 600;
    batch_schedule(&bench.batch);
    assert_int_equal(bench.batch.queued, 0);
    assert_int_equal(bench.batch.left, 8);
    assert_string_equal(bench.replies[9].err.message, "no connection to 'a' within 1500 ms");
    bench_end(&bench);
}

/* Total times that differ: what is over is never started, however far behind it stands. */
static void test_total_timeout_of_each(void **state)
{
    struct bench bench;
    (void)state;
    bench_start(&bench);
    bench.requests[9].total_timeout_ms = 500;
    bench.requests[10].total_timeout_ms = 501;
    begin(&bench, 12);
    bench.fake.mono_ms += 500;
    for (size_t i = 0; i < 4; i++)
        end_request(&bench, i, true);
    assert_int_equal(bench.replies[9].err.code, ERR_TIMEOUT);
    assert_int_equal(bench.count, 11);
    assert_int_equal(bench.started[9], 10);
    assert_int_equal(bench.timeouts_ms[9], 1);
    assert_int_equal(bench.started[10], 11);
    bench_end(&bench);
}

static void test_failed_replies_hold_nothing(void **state)
{
    struct bench bench;
    (void)state;
    bench_start(&bench);
    begin(&bench, 1);
    struct http_reply *reply = &bench.replies[0];
    buf_add_text(&reply->body, "half a reply");
    buf_add_text(&reply->headers, "X: y\n");
    reply->status = 200;
    err_set(&reply->err, ERR_NETWORK, "cut off");
    end_request(&bench, 0, false);
    assert_int_equal(reply->status, 0);
    assert_int_equal(reply->body.len, 0);
    assert_null(reply->body.data);
    assert_null(reply->headers.data);
    bench_end(&bench);
}

static void test_no_memory_to_start(void **state)
{
    struct bench bench;
    (void)state;
    bench_start(&bench);
    bench.refuse = true;
    begin(&bench, 3);
    assert_int_equal(bench.batch.left, 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(bench.replies[i].err.code, ERR_NOMEM);
    assert_int_equal(lane_of(&bench, "https://a/")->busy, 0);
    bench_end(&bench);
}

static void test_lanes(void **state)
{
    static const char *const bad[] = {
        "", "a", "://a", "https://", "https:///a", "https://u@a/", "https://u:p@a"};
    struct lane *lanes = NULL;
    bool nomem = true;
    (void)state;
    struct lane *lane = lane_find(&lanes, "https://a:443/b://c@d", false, &nomem);
    assert_non_null(lane);
    assert_false(nomem);
    assert_string_equal(lane->origin, "https://a:443");
    assert_string_equal(lane->host, "a:443");
    assert_true(lane->tls);
    assert_ptr_equal(lane_find(&lanes, "https://a:443?x", false, &nomem), lane);
    assert_ptr_not_equal(lane_find(&lanes, "https://a:443/", true, &nomem), lane);
    assert_ptr_not_equal(lane_find(&lanes, "https://a:44", false, &nomem), lane);
    assert_ptr_not_equal(lane_find(&lanes, "https://a:4433", false, &nomem), lane);
    assert_false(lane_find(&lanes, "http://[::1]:80/", false, &nomem)->tls);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_null(lane_find(&lanes, bad[i], false, &nomem));
    assert_false(nomem);
    lanes_free(&lanes);
    assert_null(lanes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_hosts_have_windows_of_their_own),
        cmocka_unit_test(test_window_of_a_few),
        cmocka_unit_test(test_few_and_the_connection_is_lost),
        cmocka_unit_test(test_few_behind_one_that_hangs),
        cmocka_unit_test(test_waits_for_openings),
        cmocka_unit_test(test_openings_count),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_opening_that_hangs),
        cmocka_unit_test(test_opening_that_hangs_beside_work),
        cmocka_unit_test(test_total_timeout),
        cmocka_unit_test(test_total_timeout_of_each),
        cmocka_unit_test(test_failed_replies_hold_nothing),
        cmocka_unit_test(test_no_memory_to_start),
        cmocka_unit_test(test_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
