/*
 * lane.h - what goes on with one server: connections that are open, opening or busy, and the requests that
 * wait.
 *
 * Pure bookkeeping: it decides which connection a waiting request takes, and opens none itself.
 */
#ifndef NET_LANE_H
#define NET_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lane {
    struct lane *next;
    char *origin;     /* "https://host:port", as the URL has it */
    const char *host; /* "host:port" for messages, part of origin */
    bool direct;      /* not through a proxy */
    bool tls;
    unsigned busy;    /* requests under way, a connection each */
    unsigned opening; /* connections that are opened in advance */
    unsigned warm;    /* opened in advance and not used yet */
    unsigned idle;    /* kept open after a reply */
    unsigned window;  /* so many requests under way and connections opening at once, for those that wait */
    /* Requests that wait, by their index in the batch. */
    size_t first;
    size_t last;
    size_t queued;
    int64_t wait_start_ms; /* since when the first of them waits for a connection that is opening; -1: it does
                              not */
};

/* How the first request that waits may go. */
enum lane_way {
    LANE_WAIT, /* not yet */
    LANE_IDLE, /* on a connection that was kept */
    LANE_WARM, /* on one that was opened in advance */
    LANE_NEW   /* on one that it opens itself */
};

/*
 * Sets the window for the requests that wait. A connection of its own costs a request two round trips (TCP
 * and TLS) before it leaves, in which one that is open carries two: more than it are worth opening from the
 * fourth request on.
 */
void lane_set_window(struct lane *lane);

/*
 * Finds the lane of url (scheme, host and port as they are written) or adds one. NULL: url has no scheme and
 * host, has a user name in it, or memory is out (*nomem).
 */
struct lane *lane_find(struct lane **lanes, const char *url, bool direct, bool *nomem);

/* Requests wait for connections that are opening, one each; what is beyond that opens its own, up to the
 * window. */
enum lane_way lane_way(const struct lane *lane);

/* How many connections have to be opened so that `count` are there. */
unsigned lane_missing(const struct lane *lane, size_t count);

/* The queue. `links` has a place for each request of the batch. */
void lane_push(struct lane *lane, size_t *links, size_t index);
size_t lane_pop(struct lane *lane, const size_t *links);

void lanes_free(struct lane **lanes);

#endif
