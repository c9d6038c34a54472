/*
 * One question to the node on this machine, over HTTP/1.1 on its Unix socket. It blocks.
 *
 * A request is sent whole unless the answer comes before: then the rest is not sent, and the
 * answer counts. The answer ends with its Content-Length, or, without one, with the connection.
 * Left out: chunked answers (refused), keep-alive, redirects.
 */

#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "embed/trouble.h"
#include "proto/limits.h"

#define MCPZ_ANSWER_HEAD_BYTES_MAX 16384
/* A result of control characters only becomes six times as long in JSON. */
#define MCPZ_ANSWER_BYTES_MAX (6 * MCPZ_RESULT_BYTES_MAX + 1048576)
#define MCPZ_SOCKET_PATH_BYTES 108 /* what a Unix socket's address holds */

#define MCPZ_CLIENT_NO_FILE (-1)

struct mcpz_client_request {
    const char *method;
    const char *path;    /* percent-encoded */
    const char *type;    /* of the body; NULL: no body */
    const char *headers; /* further ones, each with CR LF; NULL: none */
    struct mcpz_bytes body;
    int body_file;        /* follows `body`, up to its end; MCPZ_CLIENT_NO_FILE: nothing does */
    int answer_file;      /* takes the body of a 200; MCPZ_CLIENT_NO_FILE: it stays in memory */
    uint32_t patience_ms; /* longest time in which nothing moves */

    /* Takes the body of a 200 in its place, piece by piece as it comes; NULL: nobody does. It says
     * in `trouble` what its error is about, which ends the question. */
    mcpz_error (*take)(void *context, struct mcpz_bytes piece, struct mcpz_trouble *trouble);
    void *take_context;
};

struct mcpz_client_answer {
    unsigned status;
    char *body; /* ours, with a terminator after `length` bytes */
    uint64_t length;
};

/**
 * Where the node of data directory `data` listens: DATA/mcpz.sock, or what DATA/mcpz.sock.path
 * says. `path` has MCPZ_SOCKET_PATH_BYTES.
 *
 * Errors: MCPZ_ENOTFOUND  neither can be
 */
MCPZ_MUST_USE mcpz_error mcpz_client_socket(const char *data, char *path);

/**
 * Ask, and wait for the answer. Release it with mcpz_client_answer_finish().
 *
 * Errors: MCPZ_ENOTFOUND  nobody listens there
 *         MCPZ_EAUTH      somebody does, but we may not
 *         MCPZ_ETIMEOUT   nothing moved for `patience_ms`
 *         MCPZ_EPROTO     what came is not an HTTP answer
 *         MCPZ_EFULL      the answer, or the body, is over its limit
 *         MCPZ_ENOSPACE, MCPZ_EIO, MCPZ_ENOMEM  also EIO: Ctrl-C, see interrupt.h
 *         those of request->take
 */
MCPZ_MUST_USE mcpz_error mcpz_client_ask(const char *socket_path,
                                         const struct mcpz_client_request *request,
                                         struct mcpz_client_answer *answer,
                                         struct mcpz_trouble *trouble);

void mcpz_client_answer_finish(struct mcpz_client_answer *answer);

/**
 * Percent-encode `text` as one segment of a path.
 *
 * Errors: MCPZ_EFULL  `capacity` (terminator included) is too small
 */
MCPZ_MUST_USE mcpz_error mcpz_client_escape(const char *text, char *escaped, size_t capacity);

#endif
