/* The host from the inside: for the files of mcp/ that belong to it only. */

#ifndef MCP_HOST_INTERNAL_H
#define MCP_HOST_INTERNAL_H

#include "base/attr.h"
#include "mcp/envelope.h"
#include "mcp/host.h"
#include "mcp/lines.h"
#include "mcp/task_shape.h"
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
    MCPZ_JOB_TASK,   /* what comes of a task */
    MCPZ_JOB_STATE,  /* how it ended */
};

/*
 * A task of the protocol that is kept here (host_task.c): one that a legacy process works at for
 * a modern client, or what a modern server has answered at once where a legacy client wanted one.
 */
struct mcpz_mcp_task {
    struct mcpz_mcp_task *next; /* of the server; newest first */
    struct mcpz_hosted *server;
    struct mcpz_conn *conn;              /* which works at it; NULL: it is done */
    char id[MCPZ_MCP_SESSION_BYTES + 1]; /* how its client calls it */
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    char principal[MCPZ_MCP_PRINCIPAL_BYTES + 1];
    struct mcpz_own inner;   /* how its process calls it, JSON */
    struct mcpz_own state;   /* what its server said of it last, an object */
    struct mcpz_own outcome; /* a result, or an error; an object */
    bool has_failed;         /* it is an error */
    size_t asked;            /* questions of its process, ever */
    mcpz_time until_us;      /* it is forgotten then */
};

/* Something that a process was asked. */
struct mcpz_mcp_job {
    struct mcpz_mcp_job *next; /* of the same process */
    struct mcpz_conn *conn;
    struct mcpz_mcp_call *call; /* NULL: see above */
    enum mcpz_mcp_job_kind kind;
    uint64_t id;                /* how we call it */
    mcpz_time due_us;           /* given up then; MCPZ_TIME_NEVER */
    struct mcpz_own token;      /* progress token, as the client wrote it; empty: none */
    struct mcpz_own told;       /* the same, as the process was told it */
    uint64_t order;             /* the greater, the later it was asked */
    struct mcpz_mcp_task *task; /* TASK, STATE: which */
    struct mcpz_own inner;      /* CALL: the task of the process that it waits for; empty: none */

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
    struct mcpz_mcp_task *task; /* whose client it is for; NULL: see above */
    size_t number;              /* of it */
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

/* What a legacy client's call about a task of a modern server waits for. */
enum mcpz_mcp_step {
    MCPZ_STEP_NONE,
    MCPZ_STEP_CREATE, /* the task, or the result at once */
    MCPZ_STEP_GET,    /* its state */
    MCPZ_STEP_FOLLOW, /* its state, until it is over */
    MCPZ_STEP_TELL,   /* the server has been told what its client has answered */
    MCPZ_STEP_LOOK,   /* its state: may it be cancelled? */
    MCPZ_STEP_CANCEL, /* that this is heard */
    MCPZ_STEP_SEE,    /* its state: has it been cancelled? */
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

    /* Tasks of the protocol: bridge_legacy_task.c, bridge_modern_task.c. */
    enum mcpz_mcp_step step;
    bool with_tasks;          /* what it sends says that its client knows of tasks */
    bool makes_task;          /* it has asked a legacy server for one */
    struct mcpz_own task;     /* JSON: how its server calls the task it is about */
    struct mcpz_own answered; /* "key", "key", ...: what was asked for it and answered */
    unsigned looks;
    mcpz_time poll_at_us; /* the next look; NEVER: none is due */
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
    struct mcpz_mcp_task *tasks;
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
    struct mcpz_own unsound;                /* the same: tools that may not be used */
    struct mcpz_own
        task_tools; /* legacy: [["name",is_required],...], that can be called as tasks */
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

/** Write in two passes what is put. False: no memory, and `own` is empty. */
MCPZ_MUST_USE bool mcpz_own_write(struct mcpz_own *own,
                                  void (*put)(struct mcpz_json_writer *writer, const void *what),
                                  const void *what);

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

/** Keep what a process asks, behind all that it has asked before, until somebody can be asked.
 * NULL: no memory, and it was told. */
struct mcpz_question *mcpz_question_keep(struct mcpz_conn *conn,
                                         const struct mcpz_envelope *request);
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

/** Answer the call with an error as a server has written it; it is over then. */
void mcpz_call_answer_error(struct mcpz_mcp_call *call, struct mcpz_bytes error);

/** Answer the call with a result that is put in two passes; it is over then. */
void mcpz_call_answer_put(struct mcpz_mcp_call *call,
                          void (*put)(struct mcpz_json_writer *writer, const void *what),
                          const void *what);

/** Ask for it with a method and parameters of ours; the answer is the call's. False: it is over.
 */
MCPZ_MUST_USE bool mcpz_call_ask(struct mcpz_mcp_call *call, const char *method,
                                 struct mcpz_bytes params);

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

/* ---- host_task.c: tasks that are kept here ---------------------------------------------------
 */

/**
 * Keep a task for the client of `call`. `inner`: how `conn` calls it; without a `conn` it is done.
 * `state` (JSON) is what was said of it. The oldest one that is done gives way. NULL: all are
 * worked at, or no memory.
 */
struct mcpz_mcp_task *mcpz_mcp_task_keep(struct mcpz_mcp_call *call, struct mcpz_conn *conn,
                                         struct mcpz_bytes inner, struct mcpz_bytes state);

/** The one that the call is about, if it is its client's; NULL: there is none. */
struct mcpz_mcp_task *mcpz_mcp_task_find(const struct mcpz_mcp_call *call);

/** The one that a process calls so; NULL: there is none. */
struct mcpz_mcp_task *mcpz_mcp_task_of(const struct mcpz_conn *conn, struct mcpz_json inner);

/** That came of it. False: no memory. */
bool mcpz_mcp_task_set_outcome(struct mcpz_mcp_task *task, const struct mcpz_envelope *answer);

/** Nobody works at it any more. */
void mcpz_mcp_task_finish(struct mcpz_mcp_task *task);

/** Forget it; who works at it is told. */
void mcpz_mcp_task_drop(struct mcpz_mcp_task *task);

/** The process is gone: what it worked at has failed. */
void mcpz_mcp_tasks_lose(struct mcpz_conn *conn, const char *why);

/** Forget those that are over (MCPZ_TIME_NEVER: all); when the next one is. */
void mcpz_mcp_tasks_expire(struct mcpz_hosted *server, mcpz_time now);
mcpz_time mcpz_mcp_tasks_deadline(const struct mcpz_hosted *server);

/* ---- bridge_legacy_task.c, bridge_modern_task.c ----------------------------------------------
 */

/** Is it about a task that this host, or a server of the other era, has to do with? False: it is
 * sent on as it is. */
bool mcpz_bridge_legacy_task(struct mcpz_mcp_call *call);
bool mcpz_bridge_modern_task(struct mcpz_mcp_call *call);

/** The server has answered something that has to do with a task. False: it has not. */
bool mcpz_bridge_legacy_task_answered(struct mcpz_mcp_call *call,
                                      const struct mcpz_envelope *answer);
bool mcpz_bridge_modern_task_answered(struct mcpz_mcp_call *call,
                                      const struct mcpz_envelope *answer);

/** The client has answered all that was asked for its task. */
void mcpz_bridge_legacy_task_told(struct mcpz_mcp_call *call);

/** Look at the tasks that are due; when the next look is. */
void mcpz_bridge_legacy_look(struct mcpz_hosted *server, mcpz_time now);
mcpz_time mcpz_bridge_legacy_look_at(const struct mcpz_hosted *server);

/** How a request becomes one for a task, or is none; `splices` has room for one. Returns how many
 * there are. */
size_t mcpz_bridge_modern_task_splice(const struct mcpz_mcp_call *call,
                                      struct mcpz_splice *splices);

/** What a process says of a task: what came of it, how it ended, and what it asks. */
void mcpz_bridge_modern_outcome(struct mcpz_mcp_task *task, const struct mcpz_envelope *answer);
void mcpz_bridge_modern_state(struct mcpz_mcp_task *task, const struct mcpz_envelope *answer);
void mcpz_bridge_modern_task_asked(struct mcpz_mcp_task *task,
                                   const struct mcpz_envelope *request);

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
/** Put the members of `_meta` that each request to a modern server has. */
MCPZ_MUST_USE bool mcpz_bridge_legacy_meta(const struct mcpz_mcp_call *call,
                                           struct mcpz_own *meta);
/** Send the call's request again, with what it knows by now. */
void mcpz_bridge_legacy_send(struct mcpz_mcp_call *call);
/** Begin a round of questions. False: there were too many, and the call is over. */
MCPZ_MUST_USE bool mcpz_bridge_legacy_begin_round(struct mcpz_mcp_call *call);
/** Ask the client something. False: the call is over. */
MCPZ_MUST_USE bool mcpz_bridge_legacy_ask(struct mcpz_mcp_call *call, struct mcpz_json key,
                                          struct mcpz_json question);
/** Put {"key": answer, ...}, what was answered in this round. */
MCPZ_MUST_USE bool mcpz_bridge_legacy_responses(const struct mcpz_mcp_call *call,
                                                struct mcpz_own *text);

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
