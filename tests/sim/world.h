/*
 * world.h - a Systems Manager and a metadata service on a virtual clock, and many runs that meet them at
 * once.
 *
 * Everything follows from a seed, so that a failure is repeated by its seed alone.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/plan.h"

enum { WORLD_RUNS_MAX = 100, WORLD_SESSIONS_MAX = 160 };

#define WORLD_INSTANCE "i-0123456789abcdef0"

struct world_session {
    char id[40];
    const char *owner;
    int64_t start_ms; /* StartDate: by the service's clock, which is not quite in the order of starts */
    int64_t begun_ms;
    int64_t visible_ms;   /* listings show it from here on */
    int64_t ended_ms;     /* TerminateSession took effect; -1: it lives */
    int64_t stale_ms;     /* so long after that, listings show it as before */
    int64_t vanishing_ms; /* so long after that as Terminating, then not at all */
};

/* How rough the world is; chances in a thousand. */
struct world_weather {
    unsigned lost_before;  /* a request never arrives */
    unsigned lost_after;   /* its reply never does */
    unsigned throttled;    /* ThrottlingException */
    unsigned broken;       /* 503 */
    unsigned killed;       /* a run ends half-way */
    int64_t latency_ms;    /* most that one way takes */
    int64_t visibility_ms; /* most until a session is listed */
    int64_t stale_ms;      /* most until its end is */
    unsigned slow_pages;   /* a page takes up to a second */
};

struct world {
    uint64_t seed;
    uint64_t random;
    int64_t now_ms;
    struct world_weather weather;
    struct plan_rules rules;
    size_t page_size;
    int page_order; /* 0: oldest first, 1: newest first, 2: by hash */
    struct world_session sessions[WORLD_SESSIONS_MAX];
    size_t session_count;
    size_t run_count;

    /* What came of it. */
    size_t listings, terminations, requests, failed_runs, killed_runs;
    int64_t longest_ms;
    char broken[512]; /* the rule that was broken, "" for none */
};

/* A number from 0 to below-1. */
unsigned world_draw(struct world *world, unsigned below);

/* Makes the world of a seed, and lets its runs run to their end. */
void world_run(struct world *world, uint64_t seed);

/* The service answers one request that arrives now; the reply's JSON in `body` (of `size` bytes). Returns the
 * status. */
struct http_request;
int service_answer(struct world *world, const struct http_request *request, char *body, size_t size);

/* Rule 3 at the end: exactly the right sessions are left. */
void service_check_end(struct world *world);

#endif
