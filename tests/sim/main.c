/*
 * sim - simulates worlds until so many runs were made, and says which rule was broken by which seed.
 *
 *     sim [RUNS [SEED]]     RUNS simulated runs (10000) from world SEED (1) on
 *     sim seed SEED         one world, told in full
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

static struct world world;

struct tally {
    size_t runs, worlds, broken, failed, killed, listings, terminations, requests;
    int64_t longest_ms;
    uint64_t longest_seed;
    size_t most_requests; /* for one run, on average */
    uint64_t most_seed;
};

static void tell(const struct world *w)
{
    printf("seed %" PRIu64
           ": %zu runs, %zu sessions, limit %d, terminate %s, per %s, pages of %zu (order %d)\n",
           w->seed, w->run_count, w->session_count, (int)w->rules.max,
           w->rules.order == TERMINATE_OLDEST ? "oldest" : "newest",
           w->rules.per == PER_ALL ? "all" : "owner", w->page_size, w->page_order);
    printf("  %zu listings, %zu terminations, %zu requests, %zu failed, %zu killed, longest run %" PRId64
           " ms\n",
           w->listings, w->terminations, w->requests, w->failed_runs, w->killed_runs, w->longest_ms);
    if (w->broken[0])
        printf("  BROKEN: %s\n", w->broken);
}

static void count(struct tally *tally, const struct world *w)
{
    tally->worlds++;
    tally->runs += w->run_count;
    tally->broken += w->broken[0] != '\0';
    tally->failed += w->failed_runs;
    tally->killed += w->killed_runs;
    tally->listings += w->listings;
    tally->terminations += w->terminations;
    tally->requests += w->requests;
    if (w->longest_ms > tally->longest_ms) {
        tally->longest_ms = w->longest_ms;
        tally->longest_seed = w->seed;
    }
    if (w->requests / w->run_count > tally->most_requests) {
        tally->most_requests = w->requests / w->run_count;
        tally->most_seed = w->seed;
    }
}

int main(int argc, char **argv)
{
    struct tally tally = {0};
    if (argc == 3 && strcmp(argv[1], "seed") == 0) {
        world_run(&world, strtoull(argv[2], NULL, 10));
        tell(&world);
        return world.broken[0] != '\0';
    }
    size_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    for (; tally.runs < wanted; seed++) {
        world_run(&world, seed);
        count(&tally, &world);
        if (world.broken[0] && tally.broken <= 10)
            tell(&world);
    }
    printf("simulated %zu runs in %zu worlds: %zu listings, %zu terminations, %zu requests, %zu runs failed, "
           "%zu killed\n",
           tally.runs, tally.worlds, tally.listings, tally.terminations, tally.requests, tally.failed,
           tally.killed);
    printf("longest run %" PRId64 " ms (seed %" PRIu64 "), most requests a run %zu (seed %" PRIu64 ")\n",
           tally.longest_ms, tally.longest_seed, tally.most_requests, tally.most_seed);
    printf("rules broken in %zu worlds\n", tally.broken);
    return tally.broken != 0;
}
