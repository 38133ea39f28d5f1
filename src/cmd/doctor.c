/* doctor.c - every link of the chain, tried one after the other: ok, warning or failure, and what mends it.
 */
#include <stdlib.h>
#include <string.h>

#include "aws/ssm.h"
#include "base/version.h"
#include "cmd/command.h"
#include "format/json_write.h"
#include "format/text.h"
#include "format/timestamp.h"
#include "protocol/run.h"

enum finding { FINDING_OK, FINDING_WARNING, FINDING_FAILURE };

/* No session can have this id: it is too short for one, and its owner's name is taken. */
#define IMPOSSIBLE_SESSION "ssm-enforce-doctor-00000000000000000"

enum { CHECKS_MAX = 16, SKEW_WARNING_MS = 60 * 1000, EXPIRY_WARNING_MS = 5 * 60 * 1000 };

struct check {
    const char *name;
    enum finding finding;
    char *text;
};

struct examination {
    const struct command *command;
    struct aws_io io;
    struct run_options run_options;
    struct run run;
    struct session_list sessions;
    struct check checks[CHECKS_MAX];
    size_t count;
};

/* ---- findings ---- */

__attribute__((format(printf, 4, 5))) static void found(struct examination *e, const char *name,
                                                        enum finding finding, const char *format, ...)
{
    struct buf text = {0};
    va_list args;
    va_start(args, format);
    buf_addv(&text, format, args);
    va_end(args);
    if (e->count < CHECKS_MAX)
        e->checks[e->count++] = (struct check){name, finding, buf_take(&text)};
    else
        buf_free(&text);
}

static bool failed(struct examination *e, const char *name, const struct err *err)
{
    found(e, name, FINDING_FAILURE, "%s", err->message);
    return false;
}

static void found_fact(struct examination *e, const char *name, const struct fact *fact, const char *remedy)
{
    if (fact->value)
        found(e, name, FINDING_OK, "%s (%s)", fact->value, fact->source);
    else
        found(e, name, FINDING_WARNING, "not known: %s", remedy);
}

/* ---- the links ---- */

static bool check_context(struct examination *e)
{
    struct err err = {0};
    if (!run_begin(&e->run, &e->run_options, &e->io, &err))
        return failed(e, "context", &err);
    found_fact(e, "own session", &e->run.context.session_id,
               "this is no Session Manager shell, or its worker can't be seen (hidepid); enforcement works, "
               "but does "
               "not wait until the own session is listed");
    bool asks_imds = !e->run.context.region.value || !e->run.context.instance_id.value;
    if (!run_locate(&e->run, &err))
        return failed(e, e->run.context.region.value ? "endpoint" : "metadata service", &err);
    if (asks_imds && e->run.imds.has_identity)
        found(e, "metadata service", FINDING_OK, "version 2 answers");
    else if (asks_imds)
        found(e, "metadata service", FINDING_WARNING, "no answer: instance and region come from elsewhere");
    found_fact(e, "region", &e->run.context.region, "give --region");
    return true;
}

static bool check_credentials(struct examination *e)
{
    struct err err = {0};
    char left[TIMESTAMP_MAX];
    const struct credentials *credentials = &e->run.session.credentials;
    if (!run_authenticate(&e->run, &err))
        return failed(e, "credentials", &err);
    int64_t left_ms = credentials->expiry_ms - clock_wall_ms(e->io.clock);
    timestamp_age(left_ms, left);
    if (!credentials->expiry_ms)
        found(e, "credentials", FINDING_OK, "%s", credentials->source);
    else if (left_ms > EXPIRY_WARNING_MS)
        found(e, "credentials", FINDING_OK, "%s, valid for %s", credentials->source, left);
    else
        found(e, "credentials", FINDING_WARNING, "%s, %s", credentials->source,
              left_ms > 0 ? "about to expire" : "expired: the service may refuse them");
    return true;
}

/* An unsigned request: whatever the service says to it, name, connection, certificate and clock are then
 * known. */
static bool check_network(struct examination *e)
{
    const struct http *http = e->io.http;
    const char *url = e->run.ssm.endpoint.url;
    struct http_request request = {
        .method = HTTP_GET, .url = url, .timeout_ms = aws_io_left_ms(&e->io) / 2 + 1};
    struct http_reply reply = {0};
    struct buf date = {0};
    int64_t server_ms;
    http->perform(http->ctx, &request, &reply, 1);
    bool ok = reply.err.code == ERR_NONE;
    if (!ok)
        failed(e, reply.err.code == ERR_TLS ? "certificate" : "network", &reply.err);
    else
        found(e, "network", FINDING_OK, "%s answers, its certificate is trusted", url);
    if (ok && http_reply_header(&reply, "Date", &date) && timestamp_from_http(buf_text(&date), &server_ms)) {
        char difference[TIMESTAMP_MAX];
        int64_t off_ms = clock_wall_ms(e->io.clock) - server_ms;
        bool far_off = off_ms > SKEW_WARNING_MS || off_ms < -SKEW_WARNING_MS;
        timestamp_age(off_ms < 0 ? -off_ms : off_ms, difference);
        if (far_off)
            found(e, "clock", FINDING_WARNING, "%s %s the service's: set it (chrony, Amazon Time Sync)",
                  difference, off_ms < 0 ? "behind" : "ahead of");
        else
            found(e, "clock", FINDING_OK, "right to the minute");
    }
    buf_free(&date);
    http_reply_free(&reply);
    return ok;
}

static bool check_listing(struct examination *e)
{
    struct err err = {0};
    if (!run_find_instance(&e->run, &err))
        return failed(e, "instance", &err);
    found_fact(e, "instance", &e->run.context.instance_id, "give --instance-id");
    const char *self_id = e->run.context.session_id.value;
    if (!ssm_list_sessions(&e->run.ssm, e->run.context.instance_id.value, &e->sessions, NULL, &err))
        return failed(e, "ssm:DescribeSessions", &err);
    found(e, "ssm:DescribeSessions", FINDING_OK, "%zu active session%s on this instance", e->sessions.count,
          e->sessions.count == 1 ? "" : "s");
    if (self_id && !session_list_find(&e->sessions, self_id))
        found(e, "own session listed", FINDING_WARNING,
              "'%s' is not among them: it has ended, or runs on another instance", self_id);
    else if (self_id)
        found(e, "own session listed", FINDING_OK, "it is");
    return true;
}

/* Terminating what can't exist tells whether one may, and does nothing. */
static void check_termination(struct examination *e)
{
    struct err err = {0};
    const char *id = IMPOSSIBLE_SESSION;
    ssm_terminate_sessions(&e->run.ssm, &id, &err, 1);
    if (err.code == ERR_NONE)
        found(e, "ssm:TerminateSession", FINDING_OK, "allowed (tried on a session that can't exist)");
    else
        failed(e, "ssm:TerminateSession", &err);
}

/* ---- the report ---- */

static const char *finding_name(enum finding finding)
{
    static const char *const names[] = {"ok", "warning", "failure"};
    return names[finding];
}

static void tell_text(const struct examination *e, struct buf *out)
{
    static const char *const colors[] = {"\033[32m", "\033[33m", "\033[31m"};
    bool color = e->command->console->style.color;
    for (size_t i = 0; i < e->count; i++) {
        const struct check *check = &e->checks[i];
        const char *name = finding_name(check->finding);
        buf_addf(out, "%s%s%s%*s", color ? colors[check->finding] : "", name, color ? "\033[0m" : "",
                 (int)(9 - strlen(name)), "");
        buf_addf(out, "%-21s ", check->name);
        if (check->text)
            text_visible(out, check->text, strlen(check->text));
        buf_add_char(out, '\n');
    }
}

static void tell_json(const struct examination *e, int status, struct buf *out)
{
    struct json_writer json = {.out = out, .indent = 2};
    char time[TIMESTAMP_MAX];
    timestamp_rfc3339(clock_wall_ms(e->io.clock), time);
    json_begin_object(&json, NULL);
    json_add_string(&json, "version", SSM_ENFORCE_VERSION);
    json_add_string(&json, "time", time);
    json_add_integer(&json, "exit_code", status);
    json_begin_array(&json, "checks");
    for (size_t i = 0; i < e->count; i++) {
        json_begin_object(&json, NULL);
        json_add_string(&json, "name", e->checks[i].name);
        json_add_string(&json, "finding", finding_name(e->checks[i].finding));
        json_add_string(&json, "message", e->checks[i].text);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    buf_add_char(out, '\n');
}

static int tell(const struct examination *e)
{
    struct buf out = {0};
    size_t failures = 0;
    for (size_t i = 0; i < e->count; i++)
        failures += e->checks[i].finding == FINDING_FAILURE;
    int status = failures ? EXIT_FAILED : EXIT_HOLDS;
    if (e->command->options->output == OUTPUT_JSON)
        tell_json(e, status, &out);
    else
        tell_text(e, &out);
    console_write(&out);
    buf_free(&out);
    return status;
}

int cmd_doctor(const struct command *command)
{
    struct examination e = {
        .command = command, .io = command_io(command), .run_options = command_run_options(command->options)};
    if (check_context(&e)) {
        bool reachable = check_network(&e);
        if (check_credentials(&e) && reachable && check_listing(&e))
            check_termination(&e);
    }
    int status = tell(&e);
    for (size_t i = 0; i < e.count; i++)
        free(e.checks[i].text);
    session_list_free(&e.sessions);
    run_close(&e.run);
    return status;
}
