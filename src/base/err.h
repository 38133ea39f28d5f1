/*
 * err.h - what went wrong, for a program (the code) and for a person (the message).
 *
 * Functions that can fail return bool and fill a struct err, their last parameter. The code decides the exit
 * status and whether a call is tried again; the message is complete enough to be printed as it is: lower
 * case, the subject quoted, and what mends it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum err_code {
    ERR_NONE = 0,
    ERR_USAGE,          /* an option or argument: exit status 2 */
    ERR_CONFIG,         /* a profile, a CA bundle, a file that an option names: exit status 2 */
    ERR_NOMEM,          /* out of memory, or a buffer's cap was reached */
    ERR_IO,             /* a local file or device */
    ERR_NOT_FOUND,      /* a file, a session, a document, a policy that is not there */
    ERR_NO_CREDENTIALS, /* no source had credentials */
    ERR_NETWORK,        /* refused, no route, name not found, cut off: worth another try */
    ERR_TIMEOUT,        /* no answer in time: worth another try while the deadline allows */
    ERR_TLS,            /* the peer could not be trusted: never tried again */
    ERR_MALFORMED,      /* a reply or file that can't be read whole: nothing is done on it */
    ERR_DENIED,         /* the service refuses these credentials this action */
    ERR_EXPIRED,        /* the service calls the credentials expired or unknown */
    ERR_SKEW,           /* the service finds the local clock wrong */
    ERR_THROTTLED,      /* the service asks to slow down: worth another try */
    ERR_SERVER,         /* 5xx: worth another try */
    ERR_SERVICE         /* any other refusal by the service, named by service_code */
};

struct err {
    enum err_code code;
    char service_code[64]; /* the service's own code ("ThrottlingException"), "" where there is none */
    char message[1024];
};

/*
 * Sets code and message (printf format) and clears service_code. Always returns false, so that a function can
 * end with `return err_set(...)`. A message that is too long is cut.
 */
bool err_set(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with a va_list. */
bool err_setv(struct err *err, enum err_code code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* Puts a prefix (printf format) and ": " before the message; code and service_code stay. Returns false. */
bool err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Out of memory, said in one place. Returns false. */
bool err_nomem(struct err *err);

/* Makes err say that nothing went wrong. */
void err_clear(struct err *err);

#endif
