/* reply.h - puts a reply together from what the network brings. */
#ifndef NET_REPLY_H
#define NET_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/http.h"

/* The largest headers of a reply, all lines together. */
enum { REPLY_HEADERS_MAX = 64 * 1024 };

struct reply_reader {
    struct http_reply *reply;
    bool headers_whole; /* the empty line behind the final reply's headers was there */
};

/* reply is filled as request wants it (caps, secrecy), and borrowed. */
void reply_begin(struct reply_reader *reader, struct http_reply *reply, const struct http_request *request);

/*
 * Takes one line, line end included: a status line, a header, or the empty line. The headers of an interim
 * reply (103) are forgotten when the next status line comes. False: the cap is reached, or no memory.
 */
bool reply_take_header(struct reply_reader *reader, const char *line, size_t len);

/* Takes a part of the body; announced: the length of it all as the server says, less than 1 where it does
 * not. False: too long, or out of memory. */
bool reply_take_body(struct reply_reader *reader, const char *data, size_t len, int64_t announced);

#endif
