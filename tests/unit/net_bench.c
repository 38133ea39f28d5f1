#include "net_bench.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform/platform.h"

enum { LISTENERS_MAX = 64 };

static struct {
    pid_t pid;
    int input; /* its standard input: it ends with it */
    char folder[64];
    char names[LISTENERS_MAX][32];
    int ports[LISTENERS_MAX];
    size_t count;
    char counts[4096];
} server;

static void run_server(int input, int output)
{
    const char *python = getenv("PYTHON");
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    execlp(python ? python : "/usr/bin/python3", "python3", "-W", "ignore", "tests/unit/http_server.py",
           server.folder, (char *)NULL);
    _exit(127);
}

int net_server_start(void **state)
{
    int input[2], output[2];
    (void)state;
    strcpy(server.folder, "/tmp/test-net-XXXXXX");
    if (!mkdtemp(server.folder) || pipe(input) != 0 || pipe(output) != 0)
        return -1;
    signal(SIGPIPE, SIG_IGN);
    server.pid = fork();
    if (server.pid == 0)
        run_server(input[0], output[1]);
    close(input[0]);
    close(output[1]);
    server.input = input[1];
    FILE *lines = fdopen(output[0], "r");
    bool ready = false;
    while (!ready && server.count < LISTENERS_MAX &&
           fscanf(lines, "%31s %d", server.names[server.count], &server.ports[server.count]) == 2) {
        ready = strcmp(server.names[server.count], "ready") == 0;
        server.count++;
    }
    fclose(lines);
    return ready ? 0 : -1;
}

int net_server_stop(void **state)
{
    char command[96];
    int status;
    (void)state;
    close(server.input);
    waitpid(server.pid, &status, 0);
    (void)snprintf(command, sizeof command, "rm -r %s", server.folder);
    return system(command) == 0 ? 0 : -1;
}

static void say(void *ctx, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
static void say(void *ctx, const char *format, va_list args)
{
    struct buf *traced = ctx;
    buf_addv(traced, format, args);
    buf_add_char(traced, '\n');
}

const char *net_file(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", server.folder, name);
    return path;
}

void net_open(struct net_bench *bench, const char *ca)
{
    struct err err = {0};
    static char path[128];
    memset(bench, 0, sizeof *bench);
    fake_start(&bench->fake);
    platform_clock(&bench->clock);
    bench->trace = (struct trace){.ctx = &bench->traced, .say = say};
    bench->config = (struct http_config){
        .user_agent = "test/1", .env = &bench->fake.env, .clock = &bench->clock, .trace = &bench->trace};
    if (ca) {
        (void)snprintf(path, sizeof path, "%s", net_file(ca));
        bench->config.ca_bundle = path;
    }
    if (!http_open(&bench->http, &bench->config, &err))
        fail_msg("%s", err.message);
    net_counts(bench);
}

void net_close(struct net_bench *bench)
{
    http_close(&bench->http);
    fake_end(&bench->fake);
    buf_free(&bench->traced);
}

int net_port(const char *listener)
{
    for (size_t i = 0; i < server.count; i++)
        if (strcmp(server.names[i], listener) == 0)
            return server.ports[i];
    fail_msg("no listener '%s'", listener);
    return 0;
}

const char *net_url(const char *scheme, const char *listener, const char *path)
{
    static char urls[64][NET_URL_MAX];
    static size_t next;
    char *url = urls[next++ % 64];
    (void)snprintf(url, NET_URL_MAX, "%s://127.0.0.1:%d%s", scheme, net_port(listener), path);
    return url;
}

struct http_reply net_ask(struct net_bench *bench, struct http_request request)
{
    struct http_reply reply = {0};
    if (request.timeout_ms == 0)
        request.timeout_ms = 10000;
    bench->http.perform(bench->http.ctx, &request, &reply, 1);
    return reply;
}

struct http_reply net_get(struct net_bench *bench, const char *url)
{
    return net_ask(bench, (struct http_request){.method = HTTP_GET, .url = url});
}

/* Asked by a transport of its own, so that the bench's connections are left alone. */
void net_counts(struct net_bench *bench)
{
    struct http http = {0};
    struct err err = {0};
    struct http_config config = bench->config;
    config.trace = NULL;
    assert_true(http_open(&http, &config, &err));
    struct http_request request = {
        .method = HTTP_GET, .url = net_url("http", "counts", "/counts"), .timeout_ms = 10000, .direct = true};
    struct http_reply reply = {0};
    http.perform(http.ctx, &request, &reply, 1);
    assert_string_equal(reply.err.message, "");
    (void)snprintf(server.counts, sizeof server.counts, "%s", buf_text(&reply.body));
    http_reply_free(&reply);
    http_close(&http);
}

int net_count(const char *name)
{
    char key[64];
    (void)snprintf(key, sizeof key, "\"%s\": ", name);
    const char *found = strstr(server.counts, key);
    return found ? (int)strtol(found + strlen(key), NULL, 10) : 0;
}

int64_t net_now_ms(const struct net_bench *bench)
{
    return clock_mono_ms(&bench->clock);
}

void net_sleep_ms(const struct net_bench *bench, int64_t time_ms)
{
    clock_sleep_ms(&bench->clock, time_ms);
}
