/* What the parts of the face know of each other. */

#ifndef MCP_FACE_INTERNAL_H
#define MCP_FACE_INTERNAL_H

#include "mcp/catalogue.h"
#include "mcp/envelope.h"
#include "mcp/face.h"
#include "mcp/flow.h"
#include "mcp/lines.h"
#include "mcp/words.h"
#include "proto/id.h"

#define MCPZ_FACE_SESSION_CHARS 32
#define MCPZ_FACE_SESSION_BUCKETS 4096
#define MCPZ_FACE_LEVEL_CHARS 16
#define MCPZ_FACE_PRINCIPAL_BYTES 128
#define MCPZ_FACE_MODERN "2026-07-28"
#define MCPZ_FACE_LEGACY "2025-11-25" /* the newest of that era */

struct mcpz_face_call;
struct mcpz_session;

/* A stream of events to a client; of a session, it outlasts the connection. */
struct mcpz_face_flow {
    struct mcpz_flow flow;
    struct mcpz_session *session; /* NULL: modern */
    struct mcpz_asker *asker;     /* who reads it; NULL: nobody now */
    struct mcpz_face_flow *next;  /* of the session */
    size_t left;                  /* requests it still owes an answer */
    bool is_standing;             /* the stream of a GET: it has no end */
    bool is_full;                 /* what feeds it is paused */
    bool may_poll;                /* who reads it may be sent away once, to come back for more */
};

/* Where a session's calls to a server go. */
struct mcpz_face_place {
    struct mcpz_face_place *next;
    char server[MCPZ_SERVER_NAME_CHARS_MAX + 1];
    bool has_node;
    struct mcpz_id node;
    struct mcpz_face_call *first;  /* is about to find the node; others wait for it */
    struct mcpz_face_call *listen; /* hears what the server says outside of calls */
    bool has_listened;             /* so it is to go on, at another node if that one goes */
    mcpz_time unheard_since;       /* `listen` says what nobody reads; NEVER: somebody does */
    mcpz_time listen_at;           /* not before */
};

struct mcpz_session {
    struct mcpz_session *next_in_bucket;
    struct mcpz_session *older; /* by last use */
    struct mcpz_session *newer;
    char id[MCPZ_FACE_SESSION_CHARS + 1];
    char server[MCPZ_SERVER_NAME_CHARS_MAX + 1]; /* "": the whole mesh */
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    const char *version;
    char principal[MCPZ_FACE_PRINCIPAL_BYTES + 1]; /* nobody else may use it */
    char *client; /* "{"capabilities":..,"clientInfo":..}", owned */
    char level[MCPZ_FACE_LEVEL_CHARS];
    mcpz_time used_at;
    size_t asker_count;
    uint32_t last_flow;
    size_t flow_count;
    struct mcpz_face_flow *flows; /* newest first */
    struct mcpz_face_flow *standing;
    size_t place_count;
    struct mcpz_face_place *places;
    uint64_t last_question;
    size_t question_count;
    uint32_t seen[MCPZ_CATALOGUE_KINDS]; /* the catalogue's versions it was told of */
    char seen_hash[MCPZ_CATALOGUE_HASH_CHARS + 1];
};

/* A request of a client over HTTP. */
struct mcpz_asker {
    struct mcpz_face *face;
    struct mcpz_asker *next;
    struct mcpz_asker *previous;
    struct mcpz_face_request request;
    void *owner;
    mcpz_time asked_at;
    mcpz_time spoke_at; /* a stream, last */
    bool waits;         /* for the catalogue */
    bool may_wait;      /* it asks for one thing, which may be named in what is still to come */
    bool misses;        /* that is not there: it waits for it */
    bool answered;
    bool is_modern;
    bool begins_session;
    bool prefers_stream;
    struct mcpz_session *session;
    struct mcpz_face_flow *flow; /* NULL: no stream yet */
    size_t left;                 /* requests without an answer */

    /* subscriptions/listen at /mcp. */
    bool listens;
    bool wants[MCPZ_CATALOGUE_KINDS];
    uint32_t seen[MCPZ_CATALOGUE_KINDS];
    struct mcpz_envelope envelope; /* of the request, which is borrowed */
    mcpz_time listen_at;
};

/* A request of a server to a client, which is to answer it under our name. */
struct mcpz_face_question {
    struct mcpz_face_question *next;
    uint64_t number;
    size_t id_length;
    uint8_t id[]; /* as the server wrote it */
};

enum mcpz_face_call_kind {
    MCPZ_FACE_REQUEST = 1,
    MCPZ_FACE_LISTEN,    /* of a session: what its server says of its own accord */
    MCPZ_FACE_SUBSCRIBE, /* one server's part of a subscriptions/listen at /mcp */
    MCPZ_FACE_END,
    MCPZ_FACE_ABOUT,
};

/* A call of the mesh. */
struct mcpz_face_call {
    struct mcpz_face *face;
    struct mcpz_face_call *next;
    struct mcpz_face_call *previous;
    enum mcpz_face_call_kind kind;
    struct mcpz_session *session;
    struct mcpz_face_place *place;
    struct mcpz_asker *asker;
    struct mcpz_face_flow *flow;
    struct mcpz_line_stream *stream; /* NULL: not yet, or not any more */
    char server[MCPZ_SERVER_NAME_CHARS_MAX + 1];
    char hash[MCPZ_CATALOGUE_HASH_CHARS + 1]; /* ABOUT */
    char *id;                                 /* as the client wrote it, owned */
    size_t id_length;
    char *params;  /* of OPEN, owned */
    uint8_t *line; /* the request, owned: it may have to be said again */
    size_t line_length;
    char traceparent[MCPZ_TRACEPARENT_BYTES_MAX + 1];
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    bool has_target;
    struct mcpz_id target;
    bool has_node; /* who does it has said so */
    struct mcpz_id node;
    bool may_repeat;
    bool has_spoken;  /* something came of it */
    bool is_answered; /* only its end is waited for */
    unsigned attempts;
    bool is_modern;
    bool is_of_mesh;    /* asked at /mcp: clients see whose a task is (face_task.c) */
    bool goes_anywhere; /* the next call may be done elsewhere: they see where a task is, too */
    bool lists_tasks;
    char next_lister[MCPZ_SERVER_NAME_CHARS_MAX + 1]; /* whose tasks come behind; "": nobody's */
    mcpz_time abandoned_at; /* since when nobody reads it; NEVER: somebody does */
    struct mcpz_face_question *questions;
};

struct mcpz_face {
    struct mcpz_face_config config;
    struct mcpz_lines *lines;
    struct mcpz_catalogue catalogue;
    bool looks;        /* at the capabilities, when there is time */
    mcpz_time look_at; /* again, for what is over */
    mcpz_time made_at;
    mcpz_time wake; /* the next tick */
    mcpz_time announce_at;
    uint32_t announced; /* the sum of the catalogue's versions */
    bool leaves;        /* see mcpz_face_leave() */
    bool is_ready;      /* all descriptions that there were have come once */
    struct mcpz_asker *askers;
    struct mcpz_face_call *calls;
    struct mcpz_session *buckets[MCPZ_FACE_SESSION_BUCKETS];
    struct mcpz_session *oldest;
    struct mcpz_session *newest;
    struct mcpz_face_stats stats;
};

static inline mcpz_time mcpz_face_now(const struct mcpz_face *face)
{
    return face->config.now(face->config.context);
}

/* ---- face.c: askers and their answers ------------------------------------------------------- */

/** Begin the answer: once. */
void mcpz_face_answer(struct mcpz_asker *asker, const struct mcpz_face_answer *said);
void mcpz_face_answer_text(struct mcpz_asker *asker, unsigned status, struct mcpz_bytes text);
void mcpz_face_begin_stream(struct mcpz_asker *asker);

/** One request has its response, made of parts; `code` 0: it is a result. */
void mcpz_face_respond(struct mcpz_asker *asker, const struct mcpz_bytes *parts, size_t count,
                       int64_t code);
void mcpz_face_result(struct mcpz_asker *asker, struct mcpz_json id, struct mcpz_bytes result);
void mcpz_face_error(struct mcpz_asker *asker, struct mcpz_json id, enum mcpz_mcp_code code,
                     const char *message, struct mcpz_bytes data);

/** Answer the whole exchange with an error of HTTP; the body is an error of JSON-RPC. */
void mcpz_face_refuse(struct mcpz_asker *asker, unsigned status, struct mcpz_json id,
                      enum mcpz_mcp_code code, const char *message, struct mcpz_bytes data);

/** Begin a stream, if there is none yet. False: no memory; it was answered. */
MCPZ_MUST_USE bool mcpz_face_stream(struct mcpz_asker *asker);

/** Say something on a flow; false: it could not be said. */
bool mcpz_face_say(struct mcpz_face_flow *flow, const struct mcpz_bytes *parts, size_t count);

/** One request of the flow has had its answer, or never will: it may be at its end. */
void mcpz_face_settle(struct mcpz_face_flow *flow);

/* ---- face_http.c ---------------------------------------------------------------------------- */

/** Is what is asked for not there, but perhaps about to come? Then it is taken in again. */
MCPZ_MUST_USE bool mcpz_face_waits_for(struct mcpz_asker *asker);

/** Take in what is asked, now that the catalogue is there. */
void mcpz_face_take(struct mcpz_asker *asker);

/* ---- face_session.c ------------------------------------------------------------------------- */

struct mcpz_session *mcpz_session_make(struct mcpz_asker *asker, const char *version,
                                       const struct mcpz_envelope *request);
struct mcpz_session *mcpz_session_find(struct mcpz_face *face, struct mcpz_bytes id);
void mcpz_session_touch(struct mcpz_face *face, struct mcpz_session *session);
void mcpz_session_end(struct mcpz_face *face, struct mcpz_session *session);
void mcpz_session_expire(struct mcpz_face *face, mcpz_time now);

/** A new flow of the session, or of nobody (NULL). NULL: no memory. */
struct mcpz_face_flow *mcpz_session_flow(struct mcpz_session *session);
struct mcpz_face_flow *mcpz_session_find_flow(struct mcpz_session *session, uint32_t number);
void mcpz_session_drop_flow(struct mcpz_session *session, struct mcpz_face_flow *flow);

/** NULL: no memory, or too many servers. */
struct mcpz_face_place *mcpz_session_place(struct mcpz_session *session, struct mcpz_bytes server);

/* ---- face_call.c ---------------------------------------------------------------------------- */

/* What a call is to be. */
struct mcpz_face_order {
    enum mcpz_face_call_kind kind;
    struct mcpz_session *session;
    struct mcpz_asker *asker;
    struct mcpz_bytes server;
    struct mcpz_bytes hash;
    const struct mcpz_id *target;        /* where else than by its session; NULL: nowhere */
    const struct mcpz_envelope *request; /* NULL: there is no line */
    const struct mcpz_splice *splices;   /* what is different in it */
    size_t splice_count;
    bool may_repeat;
    bool lists_tasks;
    const char *next_lister; /* of tasks; NULL: nobody */
};

/** Make a call. NULL: no room or memory. */
struct mcpz_face_call *mcpz_face_call(struct mcpz_face *face, const struct mcpz_face_order *order);

/** Cancel and free it; its asker is not told. */
void mcpz_face_drop(struct mcpz_face_call *call);

/** Whoever fed this flow and was paused may go on. */
void mcpz_face_unpause(struct mcpz_face *face, struct mcpz_face_flow *flow);

/** The client's side of it says no more: so it is but for a session's. */
bool mcpz_face_has_said_all(const struct mcpz_face_call *call);

/** The stream on which its client hears what comes before the response; NULL: nobody hears it. */
struct mcpz_face_flow *mcpz_face_flow_of(struct mcpz_face_call *call);

/** Say that there, if anybody hears it. */
void mcpz_face_tell(struct mcpz_face_call *call, const struct mcpz_bytes *parts, size_t count);

/** Answer the client's request with an error of the mesh. The call itself goes on. */
void mcpz_face_fail(struct mcpz_face_call *call, uint32_t code, const char *text,
                    uint32_t retry_after_ms);

/* ---- face_question.c ------------------------------------------------------------------------ */

/** A server asks the client of the call something, or takes it back. */
void mcpz_face_ask_client(struct mcpz_face_call *call, const struct mcpz_envelope *request);
void mcpz_face_take_back(struct mcpz_face_call *call, const struct mcpz_envelope *notification);

/** A client has answered a question, or said something about one. True: it was for somebody. */
bool mcpz_face_take_answer(struct mcpz_face *face, struct mcpz_session *session,
                           const struct mcpz_envelope *answer);

/** Pass on what a client says without being asked to all who may want to hear it. */
void mcpz_face_tell_servers(struct mcpz_face *face, struct mcpz_session *session,
                            const struct mcpz_envelope *notification);

/** The client does not want it any more. */
void mcpz_face_cancel(struct mcpz_face *face, struct mcpz_session *session, struct mcpz_json id);

/* ---- face_listen.c -------------------------------------------------------------------------- */

/** Have the calls that listen for a session: one for each server it has called. */
void mcpz_face_listen(struct mcpz_face *face, struct mcpz_session *session);

/** The same for a subscriptions/listen. */
void mcpz_face_subscribe(struct mcpz_asker *asker);

/** End a subscriptions/listen: its client may come again. */
void mcpz_face_unsubscribe(struct mcpz_asker *asker);

/* ---- face_modern.c -------------------------------------------------------------------------- */

/** Has a request of 2026-07-28 all it must have? False: it was refused. */
MCPZ_MUST_USE bool mcpz_face_check_modern(struct mcpz_asker *asker,
                                          const struct mcpz_envelope *request);

/** Do its Mcp-Param-* headers say what the arguments of the tool (NULL: unknown) say? False: it
 * was refused. */
MCPZ_MUST_USE bool mcpz_face_check_params(struct mcpz_asker *asker,
                                          const struct mcpz_envelope *request,
                                          const struct mcpz_catalogue_item *tool);

/* ---- face_route.c: what is asked ------------------------------------------------------------ */

/** Take in a request of a client, which has passed all checks of its transport. */
void mcpz_face_take_request(struct mcpz_asker *asker, const struct mcpz_envelope *request);
void mcpz_face_initialize(struct mcpz_asker *asker, const struct mcpz_envelope *request);

/** Pass a request on to `order->server`, with its splices (at most one); the rest of the order is
 * filled in. It is answered if it cannot be. */
void mcpz_face_pass(struct mcpz_asker *asker, const struct mcpz_envelope *request,
                    struct mcpz_face_order order);

/** The one server there is; NULL: several, or none. */
const struct mcpz_catalogue_server *mcpz_face_only(const struct mcpz_face *face);

/* ---- face_list.c: what is answered here ----------------------------------------------------- */

/* A text made in two passes: measured, and written. */
struct mcpz_face_text {
    uint8_t *data; /* the caller's to free; NULL: no memory */
    size_t length;
};

struct mcpz_face_text
mcpz_face_write(void (*put)(struct mcpz_json_writer *writer, const void *what), const void *what);

/** Results, by version: initialize, or server/discover where it is modern. */
struct mcpz_face_text mcpz_face_describe(const struct mcpz_face *face, struct mcpz_bytes server,
                                         const char *version);

/**
 * Is the server another mesh, as this node would show its own? What one mesh has of others it
 * does not pass on to who hosts it: two that host each other would have their tools, and listen to
 * each other, without end.
 */
bool mcpz_face_is_mesh(const struct mcpz_catalogue_server *server);

/** A page of a list of /mcp, for who asks. `*is_good`: the cursor is one of ours. */
struct mcpz_face_text mcpz_face_list(const struct mcpz_asker *asker, enum mcpz_catalogue_kind kind,
                                     struct mcpz_json cursor, bool *is_good);

/** Has any server of the mesh that capability? */
bool mcpz_face_has(const struct mcpz_face *face, const char *capability);

/* ---- face_task.c ---------------------------------------------------------------------------- */

/**
 * What a server says, as a client is to hear it: tasks with their server and node before them.
 * `*said` is of `shown` then, which is the caller's to free; NULL: it names none, or needs
 * neither. False: no memory.
 */
MCPZ_MUST_USE bool mcpz_face_show_tasks(const struct mcpz_face_call *call,
                                        struct mcpz_envelope *said, struct mcpz_face_text *shown);

/** What a client says to `server` (empty: to one as it is): its `count` splices (at most one),
 * with that for the task it is about among them. Their number. */
MCPZ_MUST_USE size_t mcpz_face_own_task(const struct mcpz_envelope *said, struct mcpz_bytes server,
                                        struct mcpz_splice splices[2], size_t count);

/* The part of a subscriptions/listen that is about tasks of one server. */
struct mcpz_face_filter {
    bool has_node; /* it is to be asked there */
    struct mcpz_id node;
    struct mcpz_splice splice; /* if there is an */
    struct mcpz_face_text own; /* `own.data`, the caller's to free; NULL: it is not about tasks */
};

/** False: no memory. `server` is empty where it is asked as it is. */
MCPZ_MUST_USE bool mcpz_face_own_filter(const struct mcpz_envelope *request,
                                        struct mcpz_bytes server, struct mcpz_face_filter *filter);

/** Does who wants to hear of tasks say that it knows them? False: it was refused. */
MCPZ_MUST_USE bool mcpz_face_may_hear_of_tasks(struct mcpz_asker *asker,
                                               const struct mcpz_envelope *request);

/** What can be agreed to at /mcp of a filter of subscriptions/listen: `splice`, if there is an
 * `agreed->data`, which is the caller's to free. False: no memory. */
MCPZ_MUST_USE bool mcpz_face_agree(const struct mcpz_asker *asker, struct mcpz_json filter,
                                   struct mcpz_splice *splice, struct mcpz_face_text *agreed);

/** Requests: tasks/list, and those for one task. */
void mcpz_face_list_tasks(struct mcpz_asker *asker, const struct mcpz_envelope *request);
void mcpz_face_reach_task(struct mcpz_asker *asker, const struct mcpz_envelope *request);

#endif
