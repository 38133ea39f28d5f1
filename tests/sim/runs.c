/*
 * runs.c - many runs of the real protocol at once on one virtual clock. Each run is a coroutine; where the
 * program would wait for the network or sleep, it gives way, and what happens next in time goes on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "core/outcome.h"
#include "core/plan.h"
#include "net/http.h"
#include "protocol/act.h"
#include "protocol/listing.h"
#include "protocol/run.h"
#include "world.h"

enum { STACK_SIZE = 256 * 1024, BODY_SIZE = 64 * 1024, GRACE_MS = 2000, WALL_MS_AT_0 = 1795348800 };

/* One request on its way. */
struct trip {
    const struct http_request *request;
    struct http_reply *reply;
    int64_t arrives_ms; /* -1: never */
    bool answered;
    bool reply_lost;
    int64_t done_ms;
};

struct simulated_run {
    struct world *world;
    struct world_session *self;
    ucontext_t context;
    char *stack;
    bool running;       /* has begun and not ended */
    bool waits_for_net; /* until all trips are done */
    bool killed;
    int64_t begin_ms, kill_ms, wake_ms, end_ms;
    struct trip *trips;
    size_t trip_count;
    struct clock clock;
    struct http http;
    struct env env;
    bool failed;
};

static ucontext_t scheduler;
static struct simulated_run runs[WORLD_RUNS_MAX];

/* ---- what a run is handed ---- */

static void give_way(struct simulated_run *run)
{
    if (swapcontext(&run->context, &scheduler) != 0)
        abort();
}

/* A run that was killed finds its time over, and nothing that it does has any effect. */
static int64_t mono_ms(void *ctx)
{
    const struct simulated_run *run = ctx;
    return run->killed ? INT64_MAX / 4 : run->world->now_ms;
}

static int64_t wall_ms(void *ctx)
{
    const struct simulated_run *run = ctx;
    return WALL_MS_AT_0 * INT64_C(1000) + run->world->now_ms;
}

static void sleep_ms(void *ctx, int64_t time_ms)
{
    struct simulated_run *run = ctx;
    if (run->killed || time_ms <= 0)
        return;
    run->wake_ms = run->world->now_ms + time_ms;
    give_way(run);
}

static uint32_t draw(void *ctx)
{
    struct simulated_run *run = ctx;
    return world_draw(run->world, UINT32_MAX);
}

static const char *variable(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return NULL;
}

static void lose(struct trip *trip)
{
    err_set(&trip->reply->err, ERR_NETWORK, "connection lost");
}

/* When each request of the batch arrives: eight at a time, and some never. */
static void send_off(struct simulated_run *run)
{
    struct world *world = run->world;
    const struct world_weather *weather = &world->weather;
    for (size_t i = 0; i < run->trip_count; i++) {
        struct trip *trip = &run->trips[i];
        bool metadata = strncmp(trip->request->url, "http://", 7) == 0;
        int64_t way_ms = metadata ? 1 : 1 + world_draw(world, (unsigned)weather->latency_ms);
        if (!metadata && world_draw(world, 1000) < weather->slow_pages)
            way_ms += world_draw(world, 1000);
        trip->arrives_ms = world->now_ms + way_ms * (int64_t)(1 + i / HTTP_CONNECTIONS_MAX);
        trip->done_ms = trip->arrives_ms + way_ms;
        trip->reply_lost = world_draw(world, 1000) < weather->lost_after;
        if (world_draw(world, 1000) < weather->lost_before) {
            trip->arrives_ms = -1;
            trip->done_ms = world->now_ms + 1 + world_draw(world, 3000);
        }
        if (trip->done_ms > world->now_ms + trip->request->timeout_ms) {
            trip->done_ms = world->now_ms + trip->request->timeout_ms;
            trip->reply_lost = true;
        }
    }
}

static void perform(void *ctx, const struct http_request *requests, struct http_reply *replies, size_t count)
{
    struct simulated_run *run = ctx;
    struct trip *trips = calloc(count, sizeof *trips);
    if (!trips)
        abort();
    for (size_t i = 0; i < count; i++)
        trips[i] = (struct trip){.request = &requests[i], .reply = &replies[i]};
    run->trips = trips;
    run->trip_count = count;
    if (!run->killed) {
        send_off(run);
        run->wake_ms = run->world->now_ms;
        for (size_t i = 0; i < count; i++)
            if (trips[i].done_ms > run->wake_ms)
                run->wake_ms = trips[i].done_ms;
        run->waits_for_net = true;
        give_way(run);
    }
    for (size_t i = 0; i < count; i++)
        if (run->killed || !trips[i].answered || trips[i].reply_lost)
            lose(&trips[i]);
    run->waits_for_net = false;
    run->trips = NULL;
    run->trip_count = 0;
    free(trips);
}

static void connect_ahead(void *ctx, const char *url, size_t count)
{
    (void)ctx;
    (void)url;
    (void)count;
}

/* ---- one run: what `ssm-enforce --max N` does, by the same calls ---- */

static bool enforce(struct simulated_run *sim, const struct aws_io *io)
{
    struct err err = {0};
    struct run run = {0};
    struct listing listing = {0};
    struct plan plan = {0};
    struct outcomes outcomes = {0};
    size_t own;
    struct run_options options = {.context = {.session_id = sim->self->id}};
    bool ok = run_open(&run, &options, io, &err) &&
              listing_settle(&run.ssm, run.context.instance_id.value, sim->self->id, &listing, &err) &&
              plan_make(&listing.sessions, &sim->world->rules, &plan, &err) &&
              outcomes_begin(&plan, &outcomes, &err) &&
              act_on_others(&run.ssm, run.context.instance_id.value, &listing.sessions, sim->self->id,
                            &outcomes, &err);
    if (ok && act_self_is_due(&listing.sessions, sim->self->id, &outcomes, &own)) {
        clock_sleep_ms(io->clock, GRACE_MS);
        struct aws_io *later = (struct aws_io *)(uintptr_t)io;
        later->deadline_ms += GRACE_MS;
        act_on_self(&run.ssm, &listing.sessions, own, &outcomes);
    }
    ok = ok && !outcomes_tally(&outcomes, OUTCOME_FAILED);
    outcomes_free(&outcomes);
    plan_free(&plan);
    listing_free(&listing);
    run_close(&run);
    return ok;
}

static void enter(unsigned low, unsigned high)
{
    struct simulated_run *run = &runs[low | high << 16];
    struct aws_io io = {.http = &run->http,
                        .clock = &run->clock,
                        .env = &run->env,
                        .deadline_ms = run->world->now_ms + 10000};
    run->failed = !enforce(run, &io);
    run->running = false;
    run->end_ms = run->world->now_ms;
}

/* ---- the scheduler ---- */

static void start(struct simulated_run *run)
{
    unsigned index = (unsigned)(run - runs);
    run->clock = (struct clock){run, mono_ms, wall_ms, sleep_ms, draw};
    run->http = (struct http){run, perform, connect_ahead};
    run->env = (struct env){run, variable};
    if (!run->stack)
        run->stack = malloc(STACK_SIZE);
    if (!run->stack || getcontext(&run->context) != 0)
        abort();
    run->context.uc_stack.ss_sp = run->stack;
    run->context.uc_stack.ss_size = STACK_SIZE;
    run->context.uc_link = &scheduler;
    makecontext(&run->context, (void (*)(void))enter, 2, index & 0xffff, index >> 16);
    run->running = true;
}

static void resume(struct simulated_run *run)
{
    if (swapcontext(&scheduler, &run->context) != 0)
        abort();
}

static void arrive(struct simulated_run *run, struct trip *trip)
{
    static char body[BODY_SIZE];
    trip->reply->status = service_answer(run->world, trip->request, body, sizeof body);
    buf_add_text(&trip->reply->body, body);
    trip->answered = true;
}

/* What happens next, and when: the start, the waking or the killing of a run, or the arrival of a request. */
struct next {
    int64_t at_ms;
    struct simulated_run *run;
    struct trip *trip;
    bool begin, kill;
};

static void earlier(struct next *next, int64_t at_ms, struct next candidate)
{
    if (next->run && next->at_ms <= at_ms)
        return;
    *next = candidate;
    next->at_ms = at_ms;
}

static struct next find_next(struct world *world, const bool *begun)
{
    struct next next = {0};
    for (size_t i = 0; i < world->run_count; i++) {
        struct simulated_run *run = &runs[i];
        if (!begun[i]) {
            earlier(&next, run->begin_ms, (struct next){.run = run, .begin = true});
            continue;
        }
        if (!run->running)
            continue;
        for (size_t t = 0; t < run->trip_count; t++)
            if (!run->trips[t].answered && run->trips[t].arrives_ms >= 0 && !run->killed)
                earlier(&next, run->trips[t].arrives_ms, (struct next){.run = run, .trip = &run->trips[t]});
        earlier(&next, run->wake_ms, (struct next){.run = run});
        if (run->kill_ms >= 0 && !run->killed)
            earlier(&next, run->kill_ms, (struct next){.run = run, .kill = true});
    }
    return next;
}

static void make_sessions(struct world *world, size_t older)
{
    static const char *const owners[] = {"arn:aws:sts::123456789012:assumed-role/Admin/jane",
                                         "arn:aws:sts::123456789012:assumed-role/Admin/joe",
                                         "arn:aws:iam::123456789012:user/eve"};
    unsigned owner_count = 1 + world_draw(world, 3);
    world->session_count = older + world->run_count;
    for (size_t i = 0; i < world->session_count; i++) {
        struct world_session *session = &world->sessions[i];
        int64_t begin_ms = i < older ? 0 : 1000 + (int64_t)world_draw(world, 1 + world_draw(world, 4000));
        int64_t start_ms = 1000000 + begin_ms - (i < older ? (int64_t)world_draw(world, 900000) : 0) -
                           (int64_t)world_draw(world, 200);
        *session = (struct world_session){
            .owner = owners[world_draw(world, owner_count)],
            .start_ms = start_ms / 10 * 10, /* so that some are equal */
            .begun_ms = begin_ms,
            .visible_ms =
                i < older ? 0 : begin_ms + (int64_t)world_draw(world, (unsigned)world->weather.visibility_ms),
            .ended_ms = -1,
            .stale_ms = (int64_t)world_draw(world, (unsigned)world->weather.stale_ms),
            .vanishing_ms = (int64_t)world_draw(world, 500)};
        (void)snprintf(session->id, sizeof session->id, "s-%08x-%03zu", world_draw(world, UINT32_MAX), i);
    }
}

static void make_world(struct world *world, uint64_t seed)
{
    *world = (struct world){.seed = seed, .random = seed * UINT64_C(0x9E3779B97F4A7C15) | 1};
    for (int i = 0; i < 8; i++)
        (void)world_draw(world, 2);
    bool rough = world_draw(world, 3) == 0;
    world->weather = (struct world_weather){.lost_before = rough ? world_draw(world, 80) : 0,
                                            .lost_after = rough ? world_draw(world, 80) : 0,
                                            .throttled = world_draw(world, 3) ? 0 : world_draw(world, 200),
                                            .broken = rough ? world_draw(world, 100) : 0,
                                            .killed = world_draw(world, 4) ? 0 : world_draw(world, 200),
                                            .latency_ms = 1 + world_draw(world, 100),
                                            .visibility_ms = 1 + world_draw(world, 2000),
                                            .stale_ms = 1 + world_draw(world, 3000),
                                            .slow_pages = world_draw(world, 3) ? 0 : world_draw(world, 200)};
    world->run_count = 1 + world_draw(world, world_draw(world, 10) ? 20 : WORLD_RUNS_MAX);
    world->rules = (struct plan_rules){.max = (int32_t)(1 + world_draw(world, 6)),
                                       .per = world_draw(world, 3) ? PER_OWNER : PER_ALL,
                                       .order = (enum plan_order)world_draw(world, 2),
                                       .target = WORLD_INSTANCE};
    world->page_size = world_draw(world, 2) ? 200 : 2 + world_draw(world, 10);
    world->page_order = (int)world_draw(world, 3);
    make_sessions(world, world_draw(world, WORLD_SESSIONS_MAX - WORLD_RUNS_MAX));
    for (size_t i = 0; i < world->run_count; i++) {
        char *stack = runs[i].stack;
        struct world_session *self = &world->sessions[world->session_count - world->run_count + i];
        runs[i] = (struct simulated_run){.world = world, .stack = stack, .self = self, .kill_ms = -1};
        runs[i].begin_ms = self->begun_ms + (int64_t)world_draw(world, 50);
        if (world_draw(world, 1000) < world->weather.killed)
            runs[i].kill_ms = runs[i].begin_ms + (int64_t)world_draw(world, 1500);
    }
}

void world_run(struct world *world, uint64_t seed)
{
    bool begun[WORLD_RUNS_MAX] = {false};
    make_world(world, seed);
    for (struct next next; (next = find_next(world, begun)).run;) {
        world->now_ms = next.at_ms > world->now_ms ? next.at_ms : world->now_ms;
        if (next.begin) {
            begun[next.run - runs] = true;
            start(next.run);
            resume(next.run);
        } else if (next.kill) {
            next.run->killed = true;
            world->killed_runs++;
            resume(next.run);
        } else if (next.trip) {
            arrive(next.run, next.trip);
        } else {
            resume(next.run);
        }
    }
    for (size_t i = 0; i < world->run_count; i++) {
        world->failed_runs += runs[i].failed && !runs[i].killed;
        if (runs[i].end_ms - runs[i].begin_ms > world->longest_ms)
            world->longest_ms = runs[i].end_ms - runs[i].begin_ms;
    }
    service_check_end(world);
}
