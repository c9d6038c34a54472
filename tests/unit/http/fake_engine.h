/*
 * An engine for tests of the API: it writes down what it is told, and says what the test makes it
 * say. Its store is real, in memory. Also the world around the API.
 */

#ifndef FAKE_ENGINE_H
#define FAKE_ENGINE_H

#include "core/node.h"
#include "engine/aside.h"
#include "engine/engine.h"
#include "engine/persist.h"
#include "http/api.h"
#include "store/mem.h"
#include "test.h"

#define FAKE_EVENTS_MAX 512
#define FAKE_WALL_MS UINT64_C(1800000000000) /* when its clock says 0 */
#define FAKE_COPIES_BYTES 4194304

struct mcpz_engine {
    struct mcpz_event events[FAKE_EVENTS_MAX]; /* what they point to lies in `copies` */
    size_t event_count;
    uint64_t requests;
    size_t imports_here;     /* of the deltas imported next, so many are here already */
    mcpz_error import_error; /* what the author of a file is met with */
    mcpz_error base_error;   /* what the last message of a base is met with */
    unsigned int refills;    /* bases asked for again */
    mcpz_error refuse;       /* what join, revoke, token_create and _revoke return */

    struct mcpz_explanation explanation;

    struct mcpz_node node; /* its fabric alone is set up */
    void *fabric_memory;
    struct mcpz_counters counters;
    struct mcpz_id id;
    struct mcpz_id mesh;
    uint64_t certificate_end_ms;
    bool joining;
    bool may_admit;
    bool holds_mesh_key;
    struct mcpz_revocation revoked[2];
    size_t revoked_count;
    struct mcpz_id aside[MCPZ_CHECK_MAX]; /* to be set aside */
    size_t aside_count;
    struct mcpz_aside_row aside_rows[MCPZ_CHECK_MAX]; /* as was said of them last */
    size_t aside_row_count;
    bool aside_failed;
    size_t asides; /* how often */
    bool is_full;
    struct mcpz_placement applied; /* the last one; without its lists */

    struct mcpz_kv kv;
    struct mcpz_mem *mem;
    struct mcpz_scratch *scratch;
    struct mcpz_persist persist;
    struct mcpz_store store;

    struct mcpz_arena arena;
    uint8_t *copies;
};

/* The one world of a test program. */
struct fake_world {
    struct mcpz_engine engine;
    struct mcpz_api *api;
    bool deferred;
    size_t answer_count;
    mcpz_time now_us;
    struct mcpz_api_measures measures;
    const char *tenant; /* for whom alone is asked; NULL: for anybody */
};

extern struct fake_world world;

/* What the API of the next fake_begin() has of blobs, and of agent pools; NULL: none. */
extern const struct mcpz_blob_port *fake_blobs;
extern const struct mcpz_agent_pools_port *fake_pools;
extern const struct mcpz_mcp_hosting_port *fake_hosting; /* of MCP servers; the same */

/** For each test: an API with nothing under way, and an empty engine. */
void fake_begin(void);
void fake_end(void);

/** The node hears of a member that calls itself so. Its row, to do with as the test likes. */
struct mcpz_member *fake_member(char first_byte, const char *name);

/** Ask over the Unix socket; `body` NULL: none. Close it with mcpz_api_close(). */
struct mcpz_exchange *fake_ask(enum mcpz_method method, const char *path, const char *body);
struct mcpz_exchange *fake_ask_bytes(enum mcpz_method method, const char *path,
                                     struct mcpz_bytes body);

/** Let the API act until nothing is put off. */
void fake_turn(void);

/** The status of the answer; 0: none yet. */
unsigned fake_status(const struct mcpz_exchange *exchange);

/** The answer's body, as text, in a buffer of 1 MiB. */
const char *fake_text(const struct mcpz_exchange *exchange);

/* The document is there, and holds `text` under `key`. */
void fake_keep(const struct mcpz_id *document, const char *key, const char *text);

/* Several at one time. */
void fake_taken_all(const struct mcpz_task_taken *rows, size_t count);

/** The engine says. Followed by a turn of the API. */
void fake_reply(uint64_t request, uint32_t code, const char *text);
/** A durable task is taken. */
void fake_taken(uint64_t request, uint8_t id, uint32_t copies);
void fake_task(enum mcpz_action_kind kind, const struct mcpz_action_task *task);

/** The newest event, which must be of `kind`. */
const struct mcpz_event *fake_newest(enum mcpz_event_kind kind);

#endif
