/* service.c - Systems Manager and IMDS of the simulated world, and the rules that no run may break. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/json_read.h"
#include "net/http.h"
#include "world.h"

unsigned world_draw(struct world *world, unsigned below)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return below ? (unsigned)((world->random >> 20) % below) : 0;
}

static void broken(struct world *world, const char *rule, const struct world_session *session)
{
    if (!world->broken[0])
        (void)snprintf(world->broken, sizeof world->broken, "%s: session %s of %s at %" PRId64 " ms", rule,
                       session->id, session->owner, world->now_ms);
}

/* ---- what listings show ---- */

/* The status that a listing shows now, NULL: it does not show the session. */
static const char *shown(const struct world *world, const struct world_session *session)
{
    if (world->now_ms < session->visible_ms)
        return NULL;
    if (session->ended_ms < 0 || world->now_ms < session->ended_ms + session->stale_ms)
        return "Connected";
    return world->now_ms < session->ended_ms + session->stale_ms + session->vanishing_ms ? "Terminating"
                                                                                         : NULL;
}

/* The place of a session in the listing's order: pages go from place to place, so that what appears in
 * between behind the place is seen and what appears before it is not. */
static uint64_t place(const struct world *world, const struct world_session *session)
{
    uint64_t index = (uint64_t)(session - world->sessions);
    if (world->page_order == 2)
        return (index * UINT64_C(2654435761)) % 1000003 * 1000 + index + 1;
    uint64_t start = (uint64_t)session->start_ms * 1000 + index + 1;
    return world->page_order == 0 ? start : UINT64_MAX / 2 - start;
}

/* The session with the least place above `last`, or NULL. */
static const struct world_session *next_shown(const struct world *world, uint64_t last)
{
    const struct world_session *best = NULL;
    for (size_t i = 0; i < world->session_count; i++) {
        const struct world_session *session = &world->sessions[i];
        if (shown(world, session) && place(world, session) > last &&
            (!best || place(world, session) < place(world, best)))
            best = session;
    }
    return best;
}

static int describe(struct world *world, const struct json *json, char *body, size_t size)
{
    uint64_t last = 0;
    size_t token = json_get(json, 0, "NextToken");
    if (token != JSON_NONE)
        last = strtoull(json->text + json->tokens[token].start, NULL, 10);
    else
        world->listings++;
    size_t at = (size_t)snprintf(body, size, "{\"Sessions\":[");
    const struct world_session *session = NULL;
    for (size_t listed = 0; listed < world->page_size; listed++) {
        session = next_shown(world, last);
        if (!session)
            break;
        last = place(world, session);
        at += (size_t)snprintf(body + at, size - at,
                               "%s{\"SessionId\":\"%s\",\"Target\":\"" WORLD_INSTANCE "\",\"Owner\":\"%s\","
                               "\"Status\":\"%s\",\"StartDate\":%" PRId64 ".%03d}",
                               listed ? "," : "", session->id, session->owner, shown(world, session),
                               session->start_ms / 1000, (int)(session->start_ms % 1000));
    }
    if (session && next_shown(world, last))
        (void)snprintf(body + at, size - at, "],\"NextToken\":\"%" PRIu64 "\"}", last);
    else
        (void)snprintf(body + at, size - at, "]}");
    return 200;
}

/* ---- the rules ---- */

/* True if a is kept before b. */
static bool kept_before(const struct world *world, const struct world_session *a,
                        const struct world_session *b)
{
    int order = a->start_ms != b->start_ms ? (a->start_ms < b->start_ms ? -1 : 1) : strcmp(a->id, b->id);
    return world->rules.order == TERMINATE_OLDEST ? order > 0 : order < 0;
}

static bool same_group(const struct world *world, const struct world_session *a,
                       const struct world_session *b)
{
    return world->rules.per == PER_ALL || strcmp(a->owner, b->owner) == 0;
}

/* How many of its group that have begun are kept before it. */
static int32_t rank(const struct world *world, const struct world_session *session)
{
    int32_t before = 0;
    for (size_t i = 0; i < world->session_count; i++) {
        const struct world_session *other = &world->sessions[i];
        before += other->begun_ms <= world->now_ms && same_group(world, other, session) &&
                  kept_before(world, other, session);
    }
    return before;
}

static int terminate(struct world *world, const struct json *json, char *body, size_t size)
{
    size_t id = json_get(json, 0, "SessionId");
    for (size_t i = 0; i < world->session_count; i++) {
        struct world_session *session = &world->sessions[i];
        if (!json_equals(json, id, session->id))
            continue;
        if (rank(world, session) < world->rules.max)
            broken(world, "terminated though it was within the limit", session);
        if (session->ended_ms < 0) {
            session->ended_ms = world->now_ms;
            world->terminations++;
        } else if (world_draw(world, 2)) {
            (void)snprintf(body, size, "{\"__type\":\"DoesNotExistException\",\"message\":\"gone\"}");
            return 400;
        }
        (void)snprintf(body, size, "{\"SessionId\":\"%s\"}", session->id);
        return 200;
    }
    (void)snprintf(body, size, "{\"__type\":\"DoesNotExistException\",\"message\":\"never was\"}");
    return 400;
}

void service_check_end(struct world *world)
{
    for (size_t i = 0; i < world->session_count; i++) {
        const struct world_session *session = &world->sessions[i];
        bool right = rank(world, session) < world->rules.max;
        if (right && session->ended_ms >= 0)
            broken(world, "ended at the end though it is one of the right ones", session);
        if (!right && session->ended_ms < 0 && !world->killed_runs && !world->failed_runs)
            broken(world, "alive at the end though it is over the limit", session);
    }
}

/* ---- requests ---- */

static int metadata(const char *path, char *body, size_t size)
{
    static const struct {
        const char *path;
        const char *body;
    } pages[] = {
        {"/latest/api/token", "token"},
        {"/latest/meta-data/iam/security-credentials/", "web\n"},
        {"/latest/meta-data/iam/security-credentials/web",
         "{\"Code\":\"Success\",\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"secret\",\"Token\":\"token\","
         "\"Expiration\":\"2099-01-01T00:00:00Z\"}"},
        {"/latest/dynamic/instance-identity/document",
         "{\"instanceId\":\"" WORLD_INSTANCE "\",\"region\":\"eu-west-1\",\"accountId\":\"123456789012\"}"},
    };
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (strcmp(path, pages[i].path) == 0) {
            (void)snprintf(body, size, "%s", pages[i].body);
            return 200;
        }
    }
    body[0] = '\0';
    return 404;
}

int service_answer(struct world *world, const struct http_request *request, char *body, size_t size)
{
    world->requests++;
    if (strncmp(request->url, "http://169.254.169.254", 22) == 0)
        return metadata(request->url + 22, body, size);
    if (world_draw(world, 1000) < world->weather.throttled) {
        (void)snprintf(body, size, "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}");
        return 400;
    }
    if (world_draw(world, 1000) < world->weather.broken) {
        (void)snprintf(body, size, "unavailable");
        return 503;
    }
    struct json json = {0};
    struct err err = {0};
    int status = 500;
    if (json_parse(&json, request->body, request->body_len, &err))
        status = json_get(&json, 0, "State") != JSON_NONE ? describe(world, &json, body, size)
                                                          : terminate(world, &json, body, size);
    json_free(&json);
    return status;
}
