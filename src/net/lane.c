#include "net/lane.h"

#include <stdlib.h>
#include <string.h>

#include "net/http.h"

/* Length of "scheme://host:port" at the start of url; 0: there is none. */
static size_t origin_len(const char *url)
{
    const char *authority = strstr(url, "://");
    if (!authority || authority == url)
        return 0;
    authority += 3;
    size_t len = strcspn(authority, "/?#");
    return len == 0 || memchr(authority, '@', len) ? 0 : (size_t)(authority - url) + len;
}

struct lane *lane_find(struct lane **lanes, const char *url, bool direct, bool *nomem)
{
    size_t len = origin_len(url);
    *nomem = false;
    if (len == 0)
        return NULL;
    for (struct lane *lane = *lanes; lane; lane = lane->next)
        if (lane->direct == direct && strncmp(lane->origin, url, len) == 0 && lane->origin[len] == '\0')
            return lane;
    struct lane *lane = calloc(1, sizeof *lane);
    char *origin = malloc(len + 1);
    if (!lane || !origin) {
        free(lane);
        free(origin);
        *nomem = true;
        return NULL;
    }
    memcpy(origin, url, len);
    origin[len] = '\0';
    lane->origin = origin;
    lane->host = strstr(origin, "://") + 3;
    lane->direct = direct;
    lane->tls = strncmp(origin, "https:", 6) == 0;
    lane->wait_start_ms = -1;
    lane->window = HTTP_CONNECTIONS_MAX;
    lane->next = *lanes;
    *lanes = lane;
    return lane;
}

void lane_set_window(struct lane *lane)
{
    bool open = lane->idle + lane->warm > 0;
    size_t want = !open ? (size_t)HTTP_CONNECTIONS_MAX : lane->queued > 3 ? lane->queued - 2 : 1;
    lane->window = want < HTTP_CONNECTIONS_MAX ? (unsigned)want : (unsigned)HTTP_CONNECTIONS_MAX;
}

enum lane_way lane_way(const struct lane *lane)
{
    if (lane->busy >= HTTP_CONNECTIONS_MAX)
        return LANE_WAIT;
    if (lane->idle > 0)
        return LANE_IDLE;
    if (lane->warm > 0)
        return LANE_WARM;
    if (lane->queued > lane->opening && lane->busy + lane->opening < lane->window)
        return LANE_NEW;
    return LANE_WAIT;
}

unsigned lane_missing(const struct lane *lane, size_t count)
{
    unsigned want = count < HTTP_CONNECTIONS_MAX ? (unsigned)count : (unsigned)HTTP_CONNECTIONS_MAX;
    unsigned have = lane->busy + lane->opening + lane->warm + lane->idle;
    return want > have ? want - have : 0;
}

void lane_push(struct lane *lane, size_t *links, size_t index)
{
    if (lane->queued++ == 0)
        lane->first = index;
    else
        links[lane->last] = index;
    lane->last = index;
}

size_t lane_pop(struct lane *lane, const size_t *links)
{
    size_t index = lane->first;
    lane->queued--;
    if (lane->queued > 0)
        lane->first = links[index];
    return index;
}

void lanes_free(struct lane **lanes)
{
    while (*lanes) {
        struct lane *lane = *lanes;
        *lanes = lane->next;
        free(lane->origin);
        free(lane);
    }
}
