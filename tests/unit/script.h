/*
 * script.h - services that answer by a list: each request has to be the next one that the list has for its
 * host, and gets its reply. Time passes where something sleeps.
 *
 *     struct script script;
 *     script_start(&script);
 *     script_expect(&script, "ssm.eu-west-1", "UpdateDocument", 200, "{...}");
 *     ... use &script.account ...
 *     script_end(&script);      (fails the test where an expected request never came)
 */
#ifndef TESTS_SCRIPT_H
#define TESTS_SCRIPT_H

#include "fake.h"
#include "rollout/account.h"

enum { SCRIPT_MAX = 128 };

struct script_step {
    const char *host; /* the beginning of the host's name */
    const char *what; /* the operation, or a part of the request's URL */
    int status;
    char *body;
    char *request; /* body that came */
    bool used;
    size_t batch;
};

struct script {
    struct fake fake;
    struct http http;
    struct account account;
    struct script_step steps[SCRIPT_MAX];
    size_t count;
    size_t batches;
};

/* `regions` as of --region. */
void script_start(struct script *script, const char *regions);

/* The reply is copied. */
struct script_step *script_expect(struct script *script, const char *host, const char *what, int status,
                                  const char *body);

void script_end(struct script *script);

#endif
