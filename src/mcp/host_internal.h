/* The host from the inside: for the files of mcp/ that belong to it only. */

#ifndef MCP_HOST_INTERNAL_H
#define MCP_HOST_INTERNAL_H

#include "base/attr.h"
#include "mcp/envelope.h"
#include "mcp/host.h"
#include "mcp/lines.h"
#include "mcp/words.h"
#include "proto/code.h"

#define MCPZ_MCP_MODERN "2026-07-28"
#define MCPZ_MCP_LEGACY "2025-11-25"
#define MCPZ_MCP_META "io.modelcontextprotocol/"
#define MCPZ_MCP_VERSION_BYTES 31
#define MCPZ_MCP_LEVEL_BYTES 15
#define MCPZ_MCP_NUMBER_BYTES 24
#define MCPZ_MCP_NO_CALL UINT32_MAX
#define MCPZ_MCP_NO_JOB UINT64_MAX
#define MCPZ_MCP_URIS_MAX 256 /* that a legacy session is subscribed to */

enum mcpz_era { MCPZ_ERA_UNKNOWN, MCPZ_ERA_LEGACY, MCPZ_ERA_MODERN };

/* Bytes that are ours. */
struct mcpz_own {
    uint8_t *data;
    size_t length;
};

enum mcpz_mcp_job_kind {
    MCPZ_JOB_CALL,   /* for a call; without one: nobody waits for it any more, or it is parked */
    MCPZ_JOB_PROBE,  /* what era is it of? */
    MCPZ_JOB_BEGIN,  /* initialize, or server/discover */
    MCPZ_JOB_LIST,   /* of the describer */
    MCPZ_JOB_LISTEN, /* of the describer of a modern server: its changes */
    MCPZ_JOB_SILENT, /* whose answer does not matter */
};

/* Something that a process was asked. */
struct mcpz_mcp_job {
    struct mcpz_mcp_job *next; /* of the same process */
    struct mcpz_conn *conn;
    struct mcpz_mcp_call *call; /* NULL: see above */
    enum mcpz_mcp_job_kind kind;
    uint64_t id;           /* how we call it */
    mcpz_time due_us;      /* given up then; MCPZ_TIME_NEVER */
    struct mcpz_own token; /* progress token, as the client wrote it; empty: none */
    struct mcpz_own told;  /* the same, as the process was told it */
    uint64_t order;        /* the greater, the later it was asked */

    /* Parked: the process waits for an answer of a client that has to come back. */
    bool parked;
    struct mcpz_own held;                   /* the answer of a process that did not wait for it */
    char state[MCPZ_MCP_SESSION_BYTES + 1]; /* 128 bits, hexadecimal */
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    char capability[MCPZ_CAPABILITY_BYTES_MAX + 1];
};

/* What a process has asked a client, and waits for. */
struct mcpz_question {
    struct mcpz_question *next;
    struct mcpz_own id;         /* as the process wrote it */
    struct mcpz_mcp_job *job;   /* for which; NULL: for none */
    struct mcpz_mcp_call *call; /* who was asked; NULL: nobody yet, the job is parked */
    struct mcpz_own line;       /* the request; only while nobody was asked */
};

enum mcpz_conn_role {
    MCPZ_CONN_PROBE = 1,
    MCPZ_CONN_DESCRIBER,
    MCPZ_CONN_COMMON,  /* of all modern clients that can be asked nothing */
    MCPZ_CONN_SESSION, /* of one client */
    MCPZ_CONN_POOLED,  /* of whoever has the same capabilities, one call at a time */
};

/* A process of a server. */
struct mcpz_conn {
    struct mcpz_hosted *server;
    struct mcpz_conn *next;
    struct mcpz_upstream *upstream; /* NULL: gone */
    enum mcpz_conn_role role;
    bool ready;
    bool stopping;
    bool paused;
    char session[MCPZ_MCP_SESSION_BYTES + 1];
    uint64_t signature; /* POOLED: of what its client can do */
    char level[MCPZ_MCP_LEVEL_BYTES + 1];
    struct mcpz_own begun; /* the result of initialize or server/discover */
    struct mcpz_mcp_job *jobs;
    uint64_t about; /* the job that it is saying something about; MCPZ_MCP_NO_JOB: who knows */
    struct mcpz_question *questions;
    size_t waiting; /* calls that wait until it is ready */
    mcpz_time started_us;
    mcpz_time used_us;
    char trouble[256]; /* why we end it */
};

/* Something asked of the client of a modern server's call, through a legacy session. */
struct mcpz_asked {
    struct mcpz_own key;    /* in inputRequests, with its quotes */
    struct mcpz_own answer; /* empty: not yet */
};

enum mcpz_mcp_call_kind { MCPZ_MCP_REQUEST = 1, MCPZ_MCP_LISTEN, MCPZ_MCP_END, MCPZ_MCP_ABOUT };

/* A call of the mesh. */
struct mcpz_mcp_call {
    struct mcpz_mcp_host *host;
    struct mcpz_mcp_call *next; /* of the server */
    struct mcpz_hosted *server; /* NULL: it is gone */
    struct mcpz_line_stream *stream;
    enum mcpz_mcp_call_kind kind;
    enum mcpz_era era; /* the client's */
    bool begun;        /* its first line has come */
    bool is_unheard;   /* LISTEN: it has a client, who does not hear it now */
    char version[MCPZ_MCP_VERSION_BYTES + 1];
    char session[MCPZ_MCP_SESSION_BYTES + 1]; /* "": none */
    char level[MCPZ_MCP_LEVEL_BYTES + 1];     /* "": none */
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    char capability[MCPZ_CAPABILITY_BYTES_MAX + 1];
    char principal[MCPZ_MCP_PRINCIPAL_BYTES + 1]; /* "": nobody in particular */
    struct mcpz_own capabilities;                 /* the client's, JSON */
    struct mcpz_own info;                         /* clientInfo, JSON */
    struct mcpz_own line;                         /* the first line: `request` lies in it */
    struct mcpz_envelope request;
    struct mcpz_conn *conn; /* that it waits for, or that does it; NULL: none */
    bool waits;             /* for `conn`, or if that is NULL for the describer, to be ready */
    bool wants_room;        /* all processes are in use: it waits for one, */
    mcpz_time room_by_us;   /* until then; 0: it has not waited yet */
    struct mcpz_mcp_job *job;

    /* bridge_modern.c: a subscriptions/listen to a legacy server. */
    bool subscribed;
    bool wants_tools;
    bool wants_prompts;
    bool wants_resources;

    /* bridge_legacy.c. */
    struct mcpz_asked asked[MCPZ_MCP_ASKED_MAX];
    size_t asked_count;
    size_t rounds;
    struct mcpz_own state; /* requestState to send back, JSON */
};

/* A legacy session with a modern server: what it is subscribed to. */
struct mcpz_legacy_session {
    struct mcpz_legacy_session *next;
    char id[MCPZ_MCP_SESSION_BYTES + 1];
    struct mcpz_own *uris; /* with their quotes */
    size_t uri_count;
    struct mcpz_mcp_call *listener; /* the call of kind LISTEN; NULL: none */
    mcpz_time used_us;
};

enum mcpz_list {
    MCPZ_LIST_TOOLS,
    MCPZ_LIST_RESOURCES,
    MCPZ_LIST_TEMPLATES,
    MCPZ_LIST_PROMPTS,
    MCPZ_LIST_COUNT,
};

struct mcpz_hosted {
    struct mcpz_mcp_host *host;
    struct mcpz_mcp_server what;
    bool used;
    bool leaving; /* removed: freed when its processes are gone */
    uint64_t order;
    enum mcpz_era era;
    struct mcpz_conn *conns;
    struct mcpz_conn *describer; /* NULL: none */
    struct mcpz_mcp_call *calls;
    struct mcpz_legacy_session *sessions;
    size_t session_count;
    size_t call_count;
    size_t conn_count;
    bool wants_room; /* some call does */

    uint32_t failures;       /* of the describer, in a row */
    mcpz_time start_at_us;   /* when the next attempt may be; MCPZ_TIME_NEVER: one is under way */
    mcpz_time offered_until; /* while it is down; MCPZ_TIME_NEVER: it is up */
    char trouble[512];

    bool described; /* at least once */
    bool offered;
    bool stale; /* its lists have changed while they were read */
    bool listing;
    enum mcpz_list list;                    /* being read */
    size_t pages;                           /* of it, read */
    struct mcpz_own lists[MCPZ_LIST_COUNT]; /* so far: elements, with commas between them */
    struct mcpz_own document;
    char hash[2 * MCPZ_MCP_HASH_BYTES + 1];
};

struct mcpz_mcp_host {
    struct mcpz_mcp_host_config config;
    struct mcpz_mcp_host_stats stats;
    struct mcpz_lines *lines;
    char node[MCPZ_ID_TEXT_BYTES];
    struct mcpz_hosted servers[2 * MCPZ_MCP_SERVERS_MAX]; /* those that leave are there too */
    struct mcpz_mcp_job *jobs[MCPZ_MCP_CALLS_MAX];        /* by the low bits of their ids */
    uint64_t next_job;
    uint64_t next_order;
    bool offers_changed;
    mcpz_time wakes_at; /* as was said last */
};

/* ---- Bytes -------------------------------------------------------------------------------- */

/** Copy. False: no memory, and `own` is empty. */
MCPZ_MUST_USE bool mcpz_own_set(struct mcpz_own *own, struct mcpz_bytes bytes);
MCPZ_MUST_USE bool mcpz_own_append(struct mcpz_own *own, struct mcpz_bytes bytes);
void mcpz_own_finish(struct mcpz_own *own);

static inline struct mcpz_bytes mcpz_own_bytes(const struct mcpz_own *own)
{
    return mcpz_bytes(own->data, own->length);
}

/** A member of an object; NONE: it has none such, or more than one. */
struct mcpz_json mcpz_member(struct mcpz_json object, const char *name);

/** What a string says, in `text` of `capacity`; false if it is none, or does not fit. */
MCPZ_MUST_USE bool mcpz_json_to_text(struct mcpz_json value, char *text, size_t capacity);

/* A message in the making: pieces of others, one behind the other. */
#define MCPZ_PIECES_MAX 96

struct mcpz_pieces {
    struct mcpz_bytes rows[MCPZ_PIECES_MAX];
    size_t count;
};

void mcpz_pieces_add(struct mcpz_pieces *pieces, struct mcpz_bytes bytes);
void mcpz_pieces_text(struct mcpz_pieces *pieces, const char *text); /* borrowed */

/** `text` with its `splices`, as mcpz_splice(). */
void mcpz_pieces_splice(struct mcpz_pieces *pieces, struct mcpz_bytes text,
                        const struct mcpz_splice *splices, size_t count);

/** After something came from a process: see what follows from it. */
void mcpz_host_settle(struct mcpz_mcp_host *host);

/* ---- host_conn.c: processes, and what they are asked --------------------------------------- */

/** Where the processes of a server come from. */
const struct mcpz_upstreams *mcpz_hosted_port(const struct mcpz_hosted *server);

/** Start one. NULL: `error` says why not. */
struct mcpz_conn *mcpz_conn_start(struct mcpz_hosted *server, enum mcpz_conn_role role,
                                  mcpz_error *error);

/** Have it ended. `why`: "" if it has done nothing wrong. Its calls fail when it is gone. */
void mcpz_conn_stop(struct mcpz_conn *conn, const char *why);

/** Say a line. False: it does not take it, and is being ended. */
bool mcpz_conn_say(struct mcpz_conn *conn, const struct mcpz_pieces *pieces);

/** A new job, which nothing was said of yet. NULL: too many, or no memory. */
struct mcpz_mcp_job *mcpz_mcp_job_begin(struct mcpz_conn *conn, enum mcpz_mcp_job_kind kind,
                                        mcpz_time due_us);
void mcpz_mcp_job_end(struct mcpz_mcp_job *job);

/** The job that it is saying something about; where it does not tell, the latest it was given. */
struct mcpz_mcp_job *mcpz_conn_latest(const struct mcpz_conn *conn);

/** The one that waits for its client to come back; NULL: none does. */
struct mcpz_mcp_job *mcpz_conn_parked(const struct mcpz_conn *conn);

/** Ask with parameters in JSON ("": none); the job's id is put in. */
bool mcpz_conn_ask(struct mcpz_conn *conn, struct mcpz_mcp_job *job, const char *method,
                   struct mcpz_bytes params);

/** Ask something whose answer does not matter. */
void mcpz_conn_ask_silently(struct mcpz_conn *conn, const char *method, struct mcpz_bytes params);

/** Send initialize, or server/discover, for a client; empty: in our own name. */
void mcpz_conn_begin(struct mcpz_conn *conn, struct mcpz_bytes version,
                     struct mcpz_bytes capabilities, struct mcpz_bytes info);

/** Nobody waits for the job any more: tell the process. */
void mcpz_mcp_job_abandon(struct mcpz_mcp_job *job);

void mcpz_question_end(struct mcpz_conn *conn, struct mcpz_question *question);
struct mcpz_question *mcpz_question_find(struct mcpz_conn *conn, struct mcpz_bytes id);

/** Answer a request of the process: `result` is JSON. */
void mcpz_conn_answer(struct mcpz_conn *conn, struct mcpz_bytes id, struct mcpz_bytes result);
void mcpz_conn_refuse(struct mcpz_conn *conn, struct mcpz_bytes id, enum mcpz_mcp_code code,
                      const char *text);

/* ---- host_describe.c ----------------------------------------------------------------------- */

/** Begin with a server, or again. */
void mcpz_hosted_start(struct mcpz_hosted *server);

/** The probe or the describer has answered, is ready, or gone. */
void mcpz_hosted_probed(struct mcpz_hosted *server, enum mcpz_era era);
void mcpz_hosted_ready(struct mcpz_hosted *server);
void mcpz_hosted_listed(struct mcpz_hosted *server, const struct mcpz_envelope *answer);
void mcpz_hosted_changed(struct mcpz_hosted *server); /* its lists have */
void mcpz_hosted_lost(struct mcpz_hosted *server, const char *why);

/* ---- host_call.c ---------------------------------------------------------------------------- */

/** Somebody calls. */
void mcpz_host_open(void *context, struct mcpz_line_stream *stream,
                    const struct mcpz_msg_open *open);

/** Free it; its stream is not ours any more. */
void mcpz_call_free(struct mcpz_mcp_call *call);

/** End it: well, or with a failure of the mesh. */
void mcpz_call_finish(struct mcpz_mcp_call *call);
void mcpz_call_fail(struct mcpz_mcp_call *call, uint32_t code, const char *text,
                    uint32_t retry_after_ms);

/** Say a line to the client. False: it could not be said, and the call has failed. */
MCPZ_MUST_USE bool mcpz_call_say(struct mcpz_mcp_call *call, const struct mcpz_pieces *pieces);

/** Answer the call with a result (JSON), or with an error; it is over then. */
void mcpz_call_answer(struct mcpz_mcp_call *call, struct mcpz_bytes result);
void mcpz_call_refuse(struct mcpz_mcp_call *call, enum mcpz_mcp_code code, const char *text);

/**
 * A task of the protocol, asked for across the eras: they are two designs. A legacy one is made
 * by the client and has its result fetched, a modern one by the server, which is asked for its
 * state and given its input. True: refused, and the call is over.
 */
bool mcpz_call_refuses_task(struct mcpz_mcp_call *call);

/** Do it: `conn` is ready. */
void mcpz_call_go(struct mcpz_mcp_call *call, struct mcpz_conn *conn);

/** `conn` can take the calls that wait for it (NULL: the describer is no more). */
void mcpz_calls_go(struct mcpz_hosted *server, struct mcpz_conn *conn);

/** Send its request to `conn`, which is ready; `extra` splices are in the order of the text. */
void mcpz_call_pass(struct mcpz_mcp_call *call, struct mcpz_conn *conn,
                    const struct mcpz_splice *extra, size_t count);

/* What a process says. */
void mcpz_call_answered(struct mcpz_mcp_job *job, const struct mcpz_envelope *answer);
void mcpz_conn_notified(struct mcpz_conn *conn, const struct mcpz_envelope *notification);
void mcpz_conn_requested(struct mcpz_conn *conn, const struct mcpz_envelope *request);

/* ---- host_process.c ------------------------------------------------------------------------- */

/** Find it a process, at once or when there is one; or it fails. */
void mcpz_call_find(struct mcpz_mcp_call *call);

/** The same for a modern client's request to a legacy server. */
void mcpz_call_find_modern(struct mcpz_mcp_call *call);

/** Give those that wait what is free by now; who has waited for too long is told. */
void mcpz_calls_find_room(struct mcpz_hosted *server);

/** When somebody will have waited for too long. */
mcpz_time mcpz_calls_room_by(const struct mcpz_hosted *server);

/* ---- bridge_legacy.c: a legacy client, a modern server ---------------------------------------
 */

void mcpz_bridge_legacy_request(struct mcpz_mcp_call *call);
void mcpz_bridge_legacy_answered(struct mcpz_mcp_call *call, const struct mcpz_envelope *answer);
/** The client has answered what it was asked. */
void mcpz_bridge_legacy_told(struct mcpz_mcp_call *call, const struct mcpz_envelope *answer);
void mcpz_bridge_legacy_listen(struct mcpz_mcp_call *call);
/** A session is over, or all of them (NULL). */
void mcpz_bridge_legacy_forget(struct mcpz_hosted *server, const char *id);
/** Forget those that nobody has used for long; when the next of them is due. */
void mcpz_bridge_legacy_expire(struct mcpz_hosted *server, mcpz_time now);
mcpz_time mcpz_bridge_legacy_deadline(const struct mcpz_hosted *server);
void mcpz_bridge_legacy_left(struct mcpz_mcp_call *call);

/* ---- bridge_modern.c: a modern client, a legacy server ---------------------------------------
 */

void mcpz_bridge_modern_request(struct mcpz_mcp_call *call);
void mcpz_bridge_modern_send(struct mcpz_mcp_call *call, struct mcpz_conn *conn);
void mcpz_bridge_modern_answered(struct mcpz_mcp_call *call, const struct mcpz_envelope *answer);
void mcpz_bridge_modern_asked(struct mcpz_mcp_job *job, const struct mcpz_envelope *request);
/** A subscription is over. */
void mcpz_bridge_modern_left(struct mcpz_mcp_call *call);
/** A list, or a resource, has changed. */
void mcpz_bridge_modern_notified(struct mcpz_hosted *server,
                                 const struct mcpz_envelope *notification);

#endif
