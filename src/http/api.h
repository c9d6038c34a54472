/*
 * The local API, without the sockets: a request in, an answer out, at once or later.
 *
 *   open -> ask -> [engine event -> REPLY / TASK_*, or work in slices] -> answered -> close
 *
 * One exchange is one request and its answer. What the engine has to say about it comes within
 * the engine's turn, where the engine may not be called: mcpz_api_act() only notes it and asks for
 * mcpz_api_progress(), which acts. Nothing here blocks; what walks many records does so a slice a
 * turn. Bodies over a megabyte, either way, are files.
 */

#ifndef HTTP_API_H
#define HTTP_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "base/durations.h"
#include "base/time.h"
#include "core/outbox.h"
#include "core/router/rules.h"
#include "engine/engine.h"
#include "host/agent_pools.h"
#include "http/access.h"
#include "http/body.h"
#include "http/count.h"
#include "proto/limits.h"

#define MCPZ_EXCHANGES_MAX 72             /* under way at once */
#define MCPZ_EXCHANGES_WAITING_MAX 64     /* of them, of what may take long: one can always look */
#define MCPZ_JSON_BODY_BYTES_MAX 65536    /* of an ordinary request */
#define MCPZ_UPLOAD_BYTES_MAX 268435456   /* of a task or an import */
#define MCPZ_RESULTS_BYTES_MAX 134217728  /* results being collected, all tasks together */
#define MCPZ_API_WAIT_US MCPZ_SECONDS(60) /* for the engine to answer a request */
#define MCPZ_SLICE_DOCUMENTS 32           /* looked at in one turn */
#define MCPZ_SLICE_DELTAS 64
#define MCPZ_EVENT_STREAMS_MAX 16               /* followed at once; leaves room for verbs */
#define MCPZ_EVENTS_COMMENT_US MCPZ_SECONDS(15) /* a stream with nothing to say says that */
#define MCPZ_MCP_EXCHANGES_MAX 1024 /* with clients of MCP, beside those; streams most of them */
#define MCPZ_MCP_BODY_BYTES_MAX (MCPZ_MCP_MESSAGE_BYTES_MAX + 65536) /* in memory, either way */
#define MCPZ_HEADERS_BYTES_MAX 4096 /* of a request: those that are looked at */
#define MCPZ_QUERY_BYTES_MAX 1024   /* of a request, decoded */
#define MCPZ_PULL_BYTES_MIN 4096    /* what a stream's next piece may take */

enum mcpz_method { MCPZ_GET = 1, MCPZ_POST, MCPZ_DELETE, MCPZ_METHOD_OTHER };

struct mcpz_request {
    enum mcpz_method method;
    struct mcpz_bytes path;       /* decoded, starts with "/" */
    struct mcpz_bytes query;      /* decoded "name=value", with a NUL between two */
    struct mcpz_bytes last_event; /* the header Last-Event-ID; empty: none */
    struct mcpz_bytes headers;    /* of MCP: "name", NUL, value, NUL for each; names in small */
    uint32_t params_version;      /* as mcpz_api_mcp_headers() gave it before those were read */
    enum mcpz_access access;
    struct mcpz_bytes principal; /* whom the key or the token names; empty: there was none */
    struct mcpz_bytes tenant;    /* for whom alone it may ask; empty: for anybody */
    struct mcpz_body *body;      /* taken: empty afterwards */
};

struct mcpz_response {
    unsigned status;
    const char *content_type;
    const char *allow;       /* with 405; else NULL */
    uint32_t retry_after_ms; /* come back no sooner; 0: nothing is said */
    bool streams;            /* goes on without end: mcpz_api_pull() instead of a body */
    bool ended;              /* after a pull of nothing: that was all */
    char session[40];        /* the header Mcp-Session-Id; "": none */
    struct mcpz_body body;
};

struct mcpz_api;
struct mcpz_desk;
struct mcpz_mcp_hosting_port;
struct mcpz_mcp_names;
struct mcpz_backup_port;
struct mcpz_blob_port;
struct mcpz_exchange;

/* What GET /v1/status says that the engine does not know. */
struct mcpz_api_measures {
    uint64_t rss_bytes;
    uint64_t private_bytes;
    uint64_t cpu_us; /* of all threads, since the start */
    uint64_t descriptors;
    uint64_t disk_free_bytes;
    uint64_t disk_bytes; /* 0: not known */
    mcpz_time started;
    const char *snapshot_trouble; /* why the last automatic snapshot failed; NULL: it did not */
    uint64_t snapshots;           /* made automatically, since the start */
    uint64_t snapshots_failed;
    uint64_t runs_running; /* of providers */
    uint64_t runs_waiting;
    const char *api_url; /* where HTTP is served over TCP; NULL: nowhere */
    bool api_guarded;    /* a key or a token must be shown there */
    struct {
        uint64_t entries;
        uint64_t used_bytes;
        uint64_t map_bytes;
        uint64_t commits;
        uint64_t writes; /* in them */
        uint64_t failed_commits;
        uint64_t commit_us_last;
        uint64_t commit_us_max;
        struct mcpz_durations took;
    } store;
    const struct mcpz_durations *busy; /* the loop, between two waits; NULL: not measured */
};

/* How the API reaches the world. */
struct mcpz_api_ports {
    void *context; /* handed to each */

    /* Open the turn if none is open; the engine. Never NULL. */
    struct mcpz_engine *(*enter)(void *context);

    /* Call mcpz_api_progress() soon, but not from here. */
    void (*defer)(void *context);

    /* The exchange of `owner` has its answer, or more of it if it streams. Called from ask,
     * progress and tick. */
    void (*answered)(void *context, void *owner);

    mcpz_time (*now)(void *context);
    uint64_t (*wall_ms)(void *context);
    void (*measure)(void *context, struct mcpz_api_measures *measures);

    /* Name further counters: what mcpz_peers_stats() counts, as "net_...". */
    void (*count)(void *context,
                  void (*visit)(void *visit_context, const struct mcpz_api_count *count),
                  void *visit_context);

    /* Where work is handed out; borrowed. NULL: nowhere. */
    struct mcpz_desk *desk;

    const struct mcpz_agent_pools_port *pools; /* NULL: there are none */

    const struct mcpz_mcp_hosting_port *hosting; /* of MCP servers; NULL: there are none */

    struct mcpz_keyring *keyring;       /* NULL: none */
    const struct mcpz_blob_port *blobs; /* NULL: there are none */
    mcpz_time blobs_mourned_us;         /* so long after a death its copies are not made anew */
    mcpz_time blobs_scan_us;            /* between two looks at all; 0: MCPZ_BLOB_SCAN_US */

    const struct mcpz_backup_port *backup; /* NULL: nothing can be copied */

    /* The rules of the configuration; NULL: there are none. Looked at now and then. */
    const struct mcpz_rule *(*rules)(void *context, size_t *count);

    /* How the configuration calls tools of /mcp; NULL: it does not. Looked at now and then. */
    const struct mcpz_mcp_names *(*mcp_names)(void *context);

    /* Have mcpz_api_wake() called then; replaces what was said before. NULL: no MCP. */
    void (*wake_at)(void *context, mcpz_time at_us);

    /* As mcpz_config_walk(). */
    void (*walk_config)(void *context,
                        void (*visit)(void *visit_context, const char *key, const char *value,
                                      const char *origin),
                        void *visit_context);
};

/**
 * `directory` (copied) takes bodies that are too large for memory. `ports` is copied.
 *
 * Errors: MCPZ_ENOMEM; `*api` is then NULL.
 */
MCPZ_MUST_USE mcpz_error mcpz_api_create(const struct mcpz_api_ports *ports, const char *directory,
                                         struct mcpz_api **api);

/** All exchanges must be closed. NULL is fine. */
void mcpz_api_destroy(struct mcpz_api *api);

/** The ports it was made with. */
const struct mcpz_api_ports *mcpz_api_ports(const struct mcpz_api *api);

/** An empty body that spills to the API's directory. */
void mcpz_api_body_init(const struct mcpz_api *api, struct mcpz_body *body);

/** The most bytes the body of such a request may have; 0: it has none. */
uint64_t mcpz_api_body_max(enum mcpz_method method, struct mcpz_bytes path);

/**
 * Begin an exchange. `owner` is handed to ports.answered.
 *
 * Errors: MCPZ_EFULL  MCPZ_EXCHANGES_MAX are under way
 */
MCPZ_MUST_USE mcpz_error mcpz_api_open(struct mcpz_api *api, void *owner,
                                       struct mcpz_exchange **exchange);

/**
 * The names of headers, in small letters, a NUL behind each, that clients of MCP servers here are
 * asked to send beside those of the protocol (mcp/param.h), and in which version.
 */
struct mcpz_bytes mcpz_api_mcp_headers(const struct mcpz_api *api, uint32_t *version);

/** Is it the path of the face of MCP servers? Its exchanges are opened as below. */
bool mcpz_api_is_mcp(struct mcpz_bytes path);

/**
 * Begin an exchange with a client of MCP.
 *
 * Errors: MCPZ_EFULL  MCPZ_MCP_EXCHANGES_MAX are under way; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_api_open_apart(struct mcpz_api *api, void *owner,
                                             struct mcpz_exchange **exchange);

/** The value of a header, by its name in small letters; no data: it is not there. */
struct mcpz_bytes mcpz_request_header(const struct mcpz_request *request, const char *name);

/** Have `answered` called when it has its answer, in its turn, instead of ports.answered. */
void mcpz_api_answer_to(struct mcpz_exchange *exchange, void (*answered)(void *context),
                        void *context);

/** Take in the request. The answer may be there when this returns: ports.answered was called. */
void mcpz_api_ask(struct mcpz_exchange *exchange, const struct mcpz_request *request);

/** The answer; NULL until it is there. Lasts until close. */
const struct mcpz_response *mcpz_api_response(const struct mcpz_exchange *exchange);

/**
 * The next bytes of an answer that streams, at most `capacity`, which is at least
 * MCPZ_PULL_BYTES_MIN. 0: nothing now; ports.answered is called when there is more. What is not
 * pulled is not kept.
 */
size_t mcpz_api_pull(struct mcpz_exchange *exchange, uint8_t *out, size_t capacity);

/** Answer with an error in words: for what the server refuses before it asks. */
void mcpz_api_refuse(struct mcpz_exchange *exchange, uint32_t code, const char *text);

/** End the exchange. What it has under way is cancelled: whoever asked is gone. */
void mcpz_api_close(struct mcpz_exchange *exchange);

/** Tell who follows events of something that became true of this node. */
void mcpz_api_tell(struct mcpz_api *api, enum mcpz_fact_kind kind);

/** Note an action of the engine. Within the engine's turn. */
void mcpz_api_act(struct mcpz_api *api, const struct mcpz_action *action);

/** Act on what was noted. Outside engine callbacks. */
void mcpz_api_progress(struct mcpz_api *api);

/** Have the rules that are kept hold, if they may be others than those that do: in a turn. */
void mcpz_api_look_at_rules(struct mcpz_api *api);

/** The time of ports.wake_at has come. Outside engine callbacks. */
void mcpz_api_wake(struct mcpz_api *api);

/** Give up what has waited too long. A few times a second. Outside engine callbacks. */
void mcpz_api_tick(struct mcpz_api *api);

/** The HTTP status that goes with a code. */
unsigned mcpz_api_status_of(uint32_t code);

/**
 * May a browser's or a stranger's request with this Host header be answered over TCP? Only for
 * loopback names, and for the host we were told to listen on: a page elsewhere that points its
 * own name at this machine (DNS rebinding) sends its own name.
 */
bool mcpz_api_host_is_ours(struct mcpz_bytes host, struct mcpz_bytes listen_host);

/** The same of an Origin header: a page served by such a host. No data: there is none, which is
 * fine: no browser sent it. */
bool mcpz_api_origin_is_ours(struct mcpz_bytes origin, struct mcpz_bytes listen_host);

#endif
