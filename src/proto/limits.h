/*
 * Every limit that more than one file knows, and how they hang together.
 *
 * What is reached is an answer: the frame is refused, the entry dropped and counted, the request
 * told MCPZ_EFULL. Nothing waits for room and nothing grows.
 */

#ifndef PROTO_LIMITS_H
#define PROTO_LIMITS_H

#include <assert.h>

/* ---- Frames and messages ------------------------------------------------------------------ */

#define MCPZ_PROTOCOL_MIN 1 /* versions of the mesh protocol we speak */
#define MCPZ_PROTOCOL_MAX 1

#define MCPZ_FRAME_BYTES_MAX 65536 /* before compression: a heartbeat never waits behind more */
#define MCPZ_FRAME_MESSAGES_MAX 100
#define MCPZ_COMPRESS_BYTES_MIN 1024 /* smaller frames are not worth zstd */
#define MCPZ_MSG_BYTES_MAX 61440     /* one encoded message; fits a frame with its header */
#define MCPZ_MSG_DEPTH_MAX 16        /* nested arrays and maps */
#define MCPZ_CHUNK_BYTES_MAX 32768   /* of a call's input or output in one DATA */

static_assert(MCPZ_MSG_BYTES_MAX + 1 <= MCPZ_FRAME_BYTES_MAX, "a frame holds any message");
static_assert(MCPZ_CHUNK_BYTES_MAX + 1024 <= MCPZ_MSG_BYTES_MAX, "a chunk fits its message");

/* ---- Names -------------------------------------------------------------------------------- */

#define MCPZ_NAME_BYTES_MAX 64        /* of a node, a region, a zone, a role */
#define MCPZ_CAPABILITY_BYTES_MAX 128 /* "hash.sha256" */
#define MCPZ_ADDRESS_BYTES_MAX 272    /* host (253), ':', port, with room for brackets */
#define MCPZ_MESSAGE_BYTES_MAX 4096   /* text of a failure: what, where, what to do */
#define MCPZ_AGENT_NAME_BYTES_MAX 128

/* ---- Mesh --------------------------------------------------------------------------------- */

#define MCPZ_MEMBERS_MAX 1024 /* rows at one node; fewer where its configuration says so */
#define MCPZ_LINKS_MAX 64     /* admitted links: to neighbours, and those that calls use */
#define MCPZ_ADJACENCY_MAX 8  /* neighbours a member tells of */
#define MCPZ_SEEDS_MAX 16
#define MCPZ_ROLES_MAX 8
#define MCPZ_CERTIFICATE_BYTES_MAX 2048 /* encoded chain */
#define MCPZ_TOKENS_MAX 256
#define MCPZ_REVOCATIONS_MAX 1024            /* as many as there can be members at one time */
#define MCPZ_REVOCATION_REASON_BYTES_MAX 256 /* why, for people */
#define MCPZ_REVOCATIONS_PER_MESSAGE_MAX 64
#define MCPZ_OVERLAY_WALK_MAX 16   /* hops of a join's or a shuffle's random walk */
#define MCPZ_OVERLAY_SHUFFLE_MAX 8 /* nodes named in one shuffle, its origin not counted */

static_assert(MCPZ_REVOCATIONS_PER_MESSAGE_MAX *
                      (MCPZ_REVOCATION_REASON_BYTES_MAX + 2 * MCPZ_NAME_BYTES_MAX + 192) <=
                  MCPZ_MSG_BYTES_MAX,
              "as many fit REVOKED");

/* ---- Connections: R-MESH-8 allows 10 to a peer, 200 in all, 30 s to connect, asks for 300 s idle
 * and a sign of life every 60 s. A pair of nodes keeps one link, which carries all its calls. */

#define MCPZ_CONNECTED_MAX 128        /* links, admitted or not */
#define MCPZ_CONNECT_TIMEOUT_MS 15000 /* from dialling to being admitted */
#define MCPZ_IDLE_MS 300000           /* a link that calls used is kept so long after */
#define MCPZ_KEEP_ALIVE_MS 8000       /* between heartbeats on a link that only calls use */

static_assert(MCPZ_CONNECTED_MAX >= 2 * MCPZ_LINKS_MAX, "newcomers are heard while links stand");

/* ---- Capabilities and calls --------------------------------------------------------------- */

#define MCPZ_CAPABILITIES_PER_NODE_MAX 240 /* a list of the longest names is one broadcast */
#define MCPZ_CALLS_MAX 4096                /* at one server, as caller and as provider each */
#define MCPZ_RUNNING_UNBOUNDED 0xffffffffU /* of a capability: no limit by how long it takes */
#define MCPZ_PARAMS_BYTES_MAX 32768        /* JSON parameters of a task */
#define MCPZ_COMMAND_BYTES_MAX 4096        /* of a provider, as given to the shell */
#define MCPZ_INPUT_BYTES_MAX 1073741824    /* of one task; it streams, nobody holds it whole */
#define MCPZ_OUTPUT_BYTES_MAX 1073741824   /* of one run; it streams too */
#define MCPZ_RESULT_BYTES_MAX 10485760     /* R-MESH-8: one that is gathered, at most 10 MB */
#define MCPZ_CALL_WINDOW_BYTES 262144      /* sent but not yet taken, each way of each call */
#define MCPZ_CALL_ATTEMPTS_MAX 3
#define MCPZ_MCP_MESSAGE_BYTES_MAX 8388608 /* 8 MiB: one of the Model Context Protocol */
#define MCPZ_CALL_TIMEOUT_MS_MAX 3600000
#define MCPZ_SHED_CLASSES 8   /* of priorities: core/gate/shedder.h */
#define MCPZ_PRIORITY_MAX 100 /* higher first */
#define MCPZ_PRIORITY_DEFAULT 50
#define MCPZ_TENANT_BYTES_MAX 64
#define MCPZ_TRACEPARENT_BYTES_MAX 64     /* W3C Trace Context: 55 in version 00 */
#define MCPZ_IDEMPOTENCY_KEY_BYTES_MAX 64 /* chosen by the caller */
#define MCPZ_RETRY_AFTER_MS 1000          /* said where a table is full and nothing is known */
#define MCPZ_TENANTS_MAX 64               /* with a level of their own */

static_assert(MCPZ_CALL_WINDOW_BYTES >= 2 * MCPZ_CHUNK_BYTES_MAX, "a window keeps a pipe full");
static_assert(MCPZ_PARAMS_BYTES_MAX + 1024 <= MCPZ_MSG_BYTES_MAX, "parameters fit OPEN");

/* ---- Relays ------------------------------------------------------------------------------- */

#define MCPZ_RELAY_BYTES_MAX 36864 /* sealed, of one message */
#define MCPZ_RELAY_SESSIONS_MAX 64 /* of one server */
#define MCPZ_RELAY_FLIGHT_BYTES_MAX                                                               \
    8388608 /* handed to one peer and not taken yet, for all sessions; less than its lane holds   \
             */

#define MCPZ_LETTER_BYTES_MAX 16384   /* of a message about documents that goes through others */
#define MCPZ_LETTERS_FLYING_MAX 98304 /* of them, sent in one session and not taken yet */

static_assert(MCPZ_RELAY_BYTES_MAX + 1024 <= MCPZ_MSG_BYTES_MAX, "sealed bytes fit RELAY");
static_assert(MCPZ_CHUNK_BYTES_MAX + 1024 <= MCPZ_RELAY_BYTES_MAX, "a sealed chunk fits");
static_assert(MCPZ_PARAMS_BYTES_MAX + 1024 <= MCPZ_RELAY_BYTES_MAX, "sealed parameters fit");

/* ---- Durable tasks ------------------------------------------------------------------------ */

#define MCPZ_TASK_BYTES_MAX 32768        /* parameters and input of one, together */
#define MCPZ_TASK_RESULT_BYTES_MAX 32768 /* what is kept of a result; more is too large */
#define MCPZ_TASK_TEXT_BYTES_MAX 256     /* of a failure, in the history */
#define MCPZ_TASK_HISTORY_MAX 8
#define MCPZ_TASK_ATTEMPTS_MAX 1000
#define MCPZ_TASK_BACKOFF_MS_MAX 3600000
#define MCPZ_TASK_ORDERS_MAX 128 /* in one message, and of one request */
#define MCPZ_TASK_ORDER_BYTES                                                                     \
    96 /* of one in a message, beside its parameters, input and names                             \
        */
#define MCPZ_TASK_ORDERS_BYTES_MAX 61376 /* of all of them: see mcpz_task_order_bytes() */
#define MCPZ_TASK_TTL_DEFAULT UINT32_MAX /* of who says nothing: what the node's owner says */
#define MCPZ_TASK_LEASE_SECONDS_MIN 10   /* providers renew every five */
#define MCPZ_TASKS_MAX 1000000           /* at one node, not ended */
#define MCPZ_TASKS_ENDED_MAX 100000
#define MCPZ_SUBTASKS_MAX 50                           /* R-TASK-9: of one task */
#define MCPZ_SUBTASK_LEVELS_MAX 5                      /* R-TASK-9: below a root */
#define MCPZ_TASK_FAMILY_MAX 10000                     /* subtasks of one root, all levels */
#define MCPZ_PLAN_BYTES_MAX MCPZ_TASK_RESULT_BYTES_MAX /* of what a task is split into */

static_assert(MCPZ_TASK_BYTES_MAX + 1024 <= MCPZ_TASK_ORDERS_BYTES_MAX, "any order fits");
static_assert(MCPZ_TASK_ORDERS_BYTES_MAX + 64 <= MCPZ_MSG_BYTES_MAX, "orders fit a message");
static_assert(MCPZ_TASK_BYTES_MAX + 4096 +
                      MCPZ_TASK_HISTORY_MAX * (MCPZ_TASK_TEXT_BYTES_MAX + 64) <=
                  MCPZ_MSG_BYTES_MAX,
              "a task and its history fit one message");

/* ---- Agents ------------------------------------------------------------------------------- */

#define MCPZ_PATH_BYTES_MAX 400 /* canonical MessagePack array of strings and numbers */
#define MCPZ_PATH_DEPTH_MAX 16
#define MCPZ_VALUE_BYTES_MAX 1024           /* canonical MessagePack */
#define MCPZ_WRITERS_MAX 32                 /* of one document; who would be one more is refused */
#define MCPZ_ACTORS_MAX 64                  /* in its version vector: see core/crdt/document.h */
#define MCPZ_VERSION_BYTES 72               /* of one actor in a message, or less */
#define MCPZ_BRANCHES_MAX 4                 /* told apart, of one actor that contradicts itself */
#define MCPZ_BRANCH_IDS_MAX 256             /* in one message */
#define MCPZ_RIVALS_MAX MCPZ_BRANCH_IDS_MAX /* deltas of one place: no more can be told of */
#define MCPZ_FETCH_MAX 64                   /* deltas asked for by name in one message */
#define MCPZ_ENTRIES_MAX 4096               /* live entries of one document */
#define MCPZ_LIST_ITEMS_MAX 1024            /* elements of one list */
#define MCPZ_LIST_KEY_BYTES_MAX 64          /* of where an element stands */
#define MCPZ_ESCROW_PARTNERS_MAX 10         /* actors that one has given to, or taken from */
#define MCPZ_DELTA_ADDS_MAX 16
#define MCPZ_DELTA_REMOVES_MAX 64
#define MCPZ_AGENTS_MAX 1000000 /* documents at one node, in this version */
#define MCPZ_CHECK_MAX 64       /* documents in a CHECK: as many as there are bits in the answer */
#define MCPZ_CHECK_ACTOR_BYTES 13 /* see struct mcpz_check_row */
#define MCPZ_DIGESTS_PER_MESSAGE_MAX 64
#define MCPZ_FORGET_ROWS_MAX 64       /* documents in a FORGET: bits of an answer */
#define MCPZ_SKETCH_ID_BYTES 8        /* of an item, big-endian */
#define MCPZ_SKETCH_IDS_MAX 7000      /* in one message */
#define MCPZ_SKETCH_BYTES_MAX 34816   /* of symbols in one message */
#define MCPZ_CLOCK_AHEAD_MS_MAX 30000 /* a stamp further ahead waits (crdt: admission delay) */

/* One delta in its canonical bytes; with its signature and its way to the root it fits a message.
 */
#define MCPZ_DELTA_BYTES_MAX 58368

static_assert(MCPZ_DELTA_ADDS_MAX * (MCPZ_PATH_BYTES_MAX + MCPZ_VALUE_BYTES_MAX + 64) +
                      MCPZ_DELTA_REMOVES_MAX * (MCPZ_PATH_BYTES_MAX + 64) +
                      MCPZ_ACTORS_MAX * MCPZ_VERSION_BYTES <=
                  MCPZ_DELTA_BYTES_MAX,
              "any delta is within its bound");
static_assert(MCPZ_DELTA_BYTES_MAX + 1024 <= MCPZ_MSG_BYTES_MAX, "any delta fits BATCH by itself");
static_assert(MCPZ_SKETCH_IDS_MAX * MCPZ_SKETCH_ID_BYTES + 128 <= MCPZ_MSG_BYTES_MAX,
              "ids fit their message");
static_assert(MCPZ_SKETCH_BYTES_MAX + 128 <= MCPZ_MSG_BYTES_MAX, "symbols fit theirs");

/* ---- Broadcast ---------------------------------------------------------------------------- */

#define MCPZ_PLUMTREE_PAYLOAD_BYTES_MAX 4096 /* of a broadcast that is pushed */
#define MCPZ_PLUMTREE_LARGE_BYTES_MAX 32768  /* of one that is announced and pulled */
#define MCPZ_PLUMTREE_IHAVE_MAX 64           /* announcements in one message */

static_assert(MCPZ_PLUMTREE_PAYLOAD_BYTES_MAX < MCPZ_PLUMTREE_LARGE_BYTES_MAX,
              "large is what is not pushed");
static_assert(MCPZ_PLUMTREE_LARGE_BYTES_MAX + 64 <= MCPZ_MSG_BYTES_MAX, "it fits GOSSIP");
static_assert(MCPZ_CAPABILITIES_PER_NODE_MAX * (MCPZ_CAPABILITY_BYTES_MAX + 3) + 256 <=
                  MCPZ_PLUMTREE_LARGE_BYTES_MAX,
              "what a node offers is one broadcast");

/* ---- Store -------------------------------------------------------------------------------- */

#define MCPZ_KEY_BYTES_MAX 511              /* LMDB's own limit */
#define MCPZ_STORED_BYTES_MAX 61440         /* value of one record */
#define MCPZ_SEALED_BYTES_MAX 62464         /* the same sealed, with the names out of its key */
#define MCPZ_BATCH_OPERATIONS_MAX 16384     /* in one commit: so many take as long as the sync */
#define MCPZ_STORE_QUEUE_BYTES_MAX 67108864 /* handed over, not yet durable */

static_assert(1 + 32 + MCPZ_PATH_BYTES_MAX + 1 + 32 + 4 + 8 + 2 <= MCPZ_KEY_BYTES_MAX,
              "an entry's key: space, document, path, type, dot");
static_assert(MCPZ_STORED_BYTES_MAX + MCPZ_KEY_BYTES_MAX + 2 + 32 <= MCPZ_SEALED_BYTES_MAX,
              "any value, the names in its key, their length, the seal");

/* ---- Layouts ------------------------------------------------------------------------------ */

#define MCPZ_LAYOUT_NODES_MAX 1024 /* in a layout that is applied: fits one message */
#define MCPZ_LAYOUT_ZONES_MAX 128
#define MCPZ_LAYOUT_BYTES_MAX 57344 /* signed */
#define MCPZ_TRACKERS_PER_MESSAGE_MAX 400
#define MCPZ_PULLED_MAX 12           /* documents in one PULLED */
#define MCPZ_PULLED_VERSIONS_MAX 256 /* of all of them */

static_assert(MCPZ_LAYOUT_BYTES_MAX + 64 <= MCPZ_MSG_BYTES_MAX, "a layout fits its message");
static_assert(MCPZ_LAYOUT_BYTES_MAX + 64 <= MCPZ_STORED_BYTES_MAX, "and its record");
static_assert(MCPZ_CHECK_MAX * (MCPZ_ACTORS_MAX * MCPZ_CHECK_ACTOR_BYTES + 64) + 64 <=
                  MCPZ_MSG_BYTES_MAX,
              "a page of questions fits");
static_assert(MCPZ_PULLED_MAX * 64 + MCPZ_PULLED_VERSIONS_MAX * MCPZ_VERSION_BYTES +
                      MCPZ_ACTORS_MAX * (64 + 32 * MCPZ_BRANCHES_MAX) + 256 <=
                  MCPZ_MSG_BYTES_MAX,
              "fits");
static_assert(MCPZ_TRACKERS_PER_MESSAGE_MAX * 100 + 256 <= MCPZ_MSG_BYTES_MAX, "rows fit");

#endif
