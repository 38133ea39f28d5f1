/*
 * The shared config and credentials files of a user. The input is the one, a line of "---", and the other.
 * Whatever they say, the chain ends, with credentials or with an error.
 */
#define _GNU_SOURCE 1 /* memmem, memfd_create, strcasestr */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aws/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct files {
    char config[32];
    char credentials[32];
    size_t requests;
};

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void perform(void *ctx, const struct http_request *requests, struct http_reply *replies, size_t count)
{
    static const char reply[] =
        "<R><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey>"
        "<SessionToken>T</SessionToken></Credentials></R>";
    struct files *files = ctx;
    for (size_t i = 0; i < count; i++) {
        check(strncmp(requests[i].url, "http", 4) == 0 && !strpbrk(requests[i].url, " \r\n"));
        replies[i].status = requests[i].method == HTTP_POST ? 200 : 404;
        buf_add_text(&replies[i].body, reply);
        files->requests++;
    }
}

static int64_t now_ms(void *ctx)
{
    (void)ctx;
    return 1000;
}

static void sleep_ms(void *ctx, int64_t time_ms)
{
    (void)ctx;
    (void)time_ms;
}

static uint32_t draw(void *ctx)
{
    (void)ctx;
    return 0;
}

static const char *get(void *ctx, const char *name)
{
    const struct files *files = ctx;
    if (strcmp(name, "AWS_CONFIG_FILE") == 0)
        return files->config;
    if (strcmp(name, "AWS_SHARED_CREDENTIALS_FILE") == 0)
        return files->credentials;
    return NULL;
}

/* A file in memory with that text; its path. */
static int make_file(char path[32], const void *data, size_t size)
{
    int fd = memfd_create("profiles", 0);
    check(fd >= 0 && (size == 0 || write(fd, data, size) == (ssize_t)size));
    (void)snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

/* A credential_process would be run: such files are left to the unit tests. */
static bool runs_commands(const uint8_t *data, size_t size)
{
    bool found = true;
    char *text = malloc(size + 1);
    if (text) {
        for (size_t i = 0; i < size; i++)
            text[i] = data[i] ? (char)data[i] : ' ';
        text[size] = '\0';
        found = strcasestr(text, "process") != NULL;
    }
    free(text);
    return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char separator[] = "\n---\n";
    if (runs_commands(data, size))
        return 0;
    struct files files = {0};
    const uint8_t *middle = size ? memmem(data, size, separator, sizeof separator - 1) : NULL;
    size_t first = middle ? (size_t)(middle - data) : size;
    const uint8_t *rest = middle ? middle + sizeof separator - 1 : data + size;
    int config = make_file(files.config, data, first);
    int credentials_file = make_file(files.credentials, rest, (size_t)(data + size - rest));
    struct http http = {.ctx = &files, .perform = perform};
    struct clock clock = {.mono_ms = now_ms, .wall_ms = now_ms, .sleep_ms = sleep_ms, .random = draw};
    struct env env = {.ctx = &files, .get = get};
    struct aws_io io = {.http = &http, .clock = &clock, .env = &env, .deadline_ms = 11000};
    struct credentials_options options = {.profile = "a", .full_chain = true};
    struct imds imds = {0};
    struct credentials credentials = {0};
    struct err err = {0};
    if (credentials_find(&options, &imds, &io, &credentials, &err))
        check(*credentials.access_key && *credentials.secret_key && *credentials.source);
    else
        check(err.code != ERR_NONE && *err.message && !credentials.access_key);
    check(files.requests < 100);
    credentials_free(&credentials);
    imds_free(&imds);
    (void)close(config);
    (void)close(credentials_file);
    return 0;
}
