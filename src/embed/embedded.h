/* A node in a program (include/mcpz/node.h) from the inside: for the files of embed/ only. */

#ifndef EMBED_EMBEDDED_H
#define EMBED_EMBEDDED_H

#include <mcpz/node.h>

#include "base/attr.h"
#include "embed/assembly.h"
#include "embed/pending.h"
#include "host/loop.h"
#include "proto/id.h"

/* A client in the node's own process. */
struct mcpz_insider {
    struct mcpz_embedded *node; /* NULL: it is gone */
    struct mcpz_insider *next;  /* of the same node */
    struct mcpz_client *client;
    struct mcpz_program *program; /* the desk's; NULL: it has left */
    struct mcpz_pending pending;
    struct mcpz_deferred work;
    bool has_heard;   /* something has come since it was last asked */
    mcpz_error error; /* not MCPZ_OK: it is to leave, and why */
};

struct mcpz_embedded {
    struct mcpz_config config;
    struct mcpz_assembly assembly;
    struct mcpz_trouble trouble;
    char *ephemeral; /* NULL: none */
    char id[MCPZ_ID_TEXT_BYTES];
    struct mcpz_insider *insiders;
    bool is_over;

    struct mcpz_deferred invited;
    void (*on_token)(void *context, const char *token); /* NULL: none is being made */
    void *on_token_context;

    /* From other threads. */
    _Atomic(struct mcpz_embedded_job *) jobs; /* the newest first */
    _Atomic unsigned stops;
    unsigned stops_heard;
};

/* insider.c */
/** The node goes: its clients are cut off, without a word to the desk. */
void mcpz_insiders_forget(struct mcpz_embedded *node);

#endif
