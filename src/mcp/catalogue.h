/*
 * What the MCP servers of the mesh have to offer, put together from their descriptions.
 *
 *   capability mcp.about/NAME/HASH --> a document to fetch --> mcpz_catalogue_put()
 *
 *   server    tool     shown as        A name is shown as it is while it is the only one; who
 * comes files     read     read            later with the same name is shown as SERVER_NAME. A
 * name once notes     read     notes_read      given stays, so that no tool changes its name
 * because another server has come.
 *                                    What a node is told of names (host/mcp_names.h) goes first.
 *
 * Documents are kept as they came; items are spans of them. Of several descriptions of a server
 * the one with the smallest hash counts. A server that is not offered any more is kept for
 * MCPZ_CATALOGUE_GRACE_US, so that a short absence changes nothing that clients see.
 */

#ifndef MCP_CATALOGUE_H
#define MCP_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "base/time.h"
#include "host/mcp_names.h"
#include "proto/limits.h"
#include "wire/json.h"

#define MCPZ_CATALOGUE_SERVERS_MAX 256
#define MCPZ_CATALOGUE_ITEMS_MAX 16384  /* of one server, of one kind */
#define MCPZ_CATALOGUE_CLAIMS_MAX 65536 /* names given, ever; then no more are remembered */
#define MCPZ_CATALOGUE_BUCKETS 4096
#define MCPZ_CATALOGUE_BYTES_MAX 134217728 /* of all documents */
#define MCPZ_CATALOGUE_PARAMS_BYTES 4096   /* of names of headers; then no more are looked at */
#define MCPZ_CATALOGUE_GRACE_US MCPZ_SECONDS(30)
#define MCPZ_CATALOGUE_RETRY_US MCPZ_SECONDS(5) /* to fetch what could not be fetched */
#define MCPZ_CATALOGUE_HASH_CHARS 16
#define MCPZ_SERVER_NAME_CHARS_MAX 64 /* of an MCP server */
#define MCPZ_SHOWN_CHARS_MAX 64       /* of a tool or a prompt, as clients see it */

enum mcpz_catalogue_kind {
    MCPZ_CATALOGUE_TOOLS,
    MCPZ_CATALOGUE_PROMPTS,
    MCPZ_CATALOGUE_RESOURCES,
    MCPZ_CATALOGUE_TEMPLATES,
    MCPZ_CATALOGUE_KINDS,
};

/* One thing a server offers. */
struct mcpz_catalogue_item {
    struct mcpz_json whole; /* the object, as the server described it */
    struct mcpz_json key;   /* its `name`, or its `uri` or `uriTemplate` */
    char *shown;            /* how clients see it; owned. NULL: not yet, or never */
    bool is_renamed;        /* `shown` is not what the server says */
    bool is_left_out;       /* for its name is another's; not said yet */
    bool is_idempotent;     /* a tool that may be called twice: so its annotations say */
    bool has_params;        /* a tool that has arguments repeated in headers (param.h) */
    bool is_unsound;        /* what it says about that is wrong: it goes without */
};

struct mcpz_catalogue_list {
    struct mcpz_catalogue_item *items; /* in the server's order */
    size_t count;
};

enum mcpz_fetching { MCPZ_FETCH_NONE, MCPZ_FETCH_WANTED, MCPZ_FETCH_UNDER_WAY };

struct mcpz_catalogue_server {
    char name[MCPZ_SERVER_NAME_CHARS_MAX + 1];
    char offered[MCPZ_CATALOGUE_HASH_CHARS + 1]; /* the hash to have; "": none is offered */
    char hash[MCPZ_CATALOGUE_HASH_CHARS + 1];    /* of `document`; "": there is none yet */
    bool is_offered;                             /* calls to it can be made */
    mcpz_time gone_at;                           /* since when not; NEVER: it is offered */
    enum mcpz_fetching fetching;
    mcpz_time retry_at;
    bool has_failed;   /* at fetching, last */
    uint8_t *document; /* owned */
    size_t document_length;
    struct mcpz_json server_info;
    struct mcpz_json capabilities;
    struct mcpz_json instructions;
    bool is_modern;
    bool is_stateless;
    bool is_named; /* its items have been given the names under which they are shown */
    struct mcpz_catalogue_list lists[MCPZ_CATALOGUE_KINDS];
};

struct mcpz_catalogue_claim;

struct mcpz_catalogue {
    struct mcpz_catalogue_server *servers[MCPZ_CATALOGUE_SERVERS_MAX]; /* by name */
    size_t server_count;
    size_t bytes;
    uint32_t versions[MCPZ_CATALOGUE_KINDS]; /* count changes of what is shown */
    struct mcpz_catalogue_claim *claims[MCPZ_CATALOGUE_BUCKETS]; /* by what was given */
    size_t claim_count;
    size_t unkept_count; /* of them, of tools and prompts, that nobody was told of */
    bool has_left_out;   /* perhaps */
    struct mcpz_mcp_names names;
    uint64_t refused; /* documents that are none */

    /* The headers that tools ask for: "mcp-param-region", NUL, and so on. */
    char params[MCPZ_CATALOGUE_PARAMS_BYTES];
    size_t params_length;
    uint32_t params_version; /* counts changes of that */
};

void mcpz_catalogue_init(struct mcpz_catalogue *catalogue);
void mcpz_catalogue_finish(struct mcpz_catalogue *catalogue);

/* ---- What is offered: begin, one call a capability, end ------------------------------------ */

void mcpz_catalogue_begin(struct mcpz_catalogue *catalogue);

/** A capability somebody alive has. Those that are not about MCP servers are ignored. */
void mcpz_catalogue_offer(struct mcpz_catalogue *catalogue, struct mcpz_bytes capability);

/** That were all: servers that are not among them go, when their grace is over. */
void mcpz_catalogue_end(struct mcpz_catalogue *catalogue, mcpz_time now);

/* ---- Documents ----------------------------------------------------------------------------- */

/** A server whose document is to be fetched now; NULL: none. It is under way then. */
struct mcpz_catalogue_server *mcpz_catalogue_wanted(struct mcpz_catalogue *catalogue,
                                                    mcpz_time now);

/** Is any document still to come that was not tried yet? */
bool mcpz_catalogue_is_waiting(const struct mcpz_catalogue *catalogue);

/**
 * Here is the document of `name` with `hash` (copied). One that nobody wants any more is dropped.
 *
 * Errors: MCPZ_EPROTO  it is no description; MCPZ_EFULL  too large; MCPZ_ENOMEM; it is asked for
 *         again later
 */
MCPZ_MUST_USE mcpz_error mcpz_catalogue_put(struct mcpz_catalogue *catalogue,
                                            struct mcpz_bytes name, struct mcpz_bytes hash,
                                            struct mcpz_bytes document, mcpz_time now);

/** Give the new items their names, servers in the order of their own names. */
void mcpz_catalogue_name(struct mcpz_catalogue *catalogue);

/**
 * Tools and prompts are called so from now on. If that is news, names that were pinned are to be
 * pinned again before any are given: true.
 */
bool mcpz_catalogue_call(struct mcpz_catalogue *catalogue, const struct mcpz_mcp_names *names);

/** A tool or prompt that is not shown, for another has its name, and was not said here before. */
MCPZ_MUST_USE bool mcpz_catalogue_next_left_out(struct mcpz_catalogue *catalogue,
                                                const char **server, struct mcpz_bytes *item);

/**
 * A name that was given to a tool or a prompt, and was not said here before; false: there is none.
 * It is to be kept, for this node when it starts again, and for the others.
 */
MCPZ_MUST_USE bool mcpz_catalogue_next_unkept(struct mcpz_catalogue *catalogue,
                                              enum mcpz_catalogue_kind *kind, const char **shown,
                                              const char **server);

/** The name is that server's, whoever has it here now: so it was kept. What mcpz_catalogue_call()
 * was told goes first. */
void mcpz_catalogue_pin(struct mcpz_catalogue *catalogue, enum mcpz_catalogue_kind kind,
                        struct mcpz_bytes shown, struct mcpz_bytes server);

/** It could not be had: try again in a while. */
void mcpz_catalogue_failed(struct mcpz_catalogue *catalogue, struct mcpz_bytes name,
                           mcpz_time now);

/* ---- Looking ------------------------------------------------------------------------------- */

/** A server that has a document; NULL: there is none of that name. */
const struct mcpz_catalogue_server *mcpz_catalogue_server(const struct mcpz_catalogue *catalogue,
                                                          struct mcpz_bytes name);

struct mcpz_catalogue_hit {
    const struct mcpz_catalogue_server *server; /* NULL: nobody */
    const struct mcpz_catalogue_item *item;     /* NULL: found by its template or its owner */
};

/** Is it shown to nobody, since another has its name, and it may have no other? */
bool mcpz_catalogue_leaves_out(const struct mcpz_catalogue *catalogue,
                               const struct mcpz_catalogue_server *server,
                               const struct mcpz_catalogue_item *item);

/** Whose is what clients see under this name? */
struct mcpz_catalogue_hit mcpz_catalogue_find(const struct mcpz_catalogue *catalogue,
                                              enum mcpz_catalogue_kind kind,
                                              struct mcpz_bytes shown);

/**
 * Who can read this resource: whose list it is in, whose template it fits best, or the only one
 * that has resources.
 */
struct mcpz_catalogue_hit mcpz_catalogue_find_uri(const struct mcpz_catalogue *catalogue,
                                                  struct mcpz_bytes uri);

#endif
