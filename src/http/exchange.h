/*
 * What the families of routes share: an exchange from the inside, and how to answer it.
 *
 * A handler answers at once, or sets `work`, `note` and `state` and returns: the exchange then
 * waits for the engine, or for its next slice.
 */

#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "http/api.h"
#include "http/blob_arrival.h"
#include "http/blob_keeper.h"
#include "http/events.h"
#include "http/fellows.h"
#include "http/key_share.h"
#include "http/name_book.h"
#include "http/queue_book.h"
#include "http/rule_book.h"
#include "http/set_aside.h"
#include "http/shred_book.h"
#include "mcp/face.h"
#include "proto/code.h"

/* What an exchange that is not answered at once does. Each may be NULL. */
struct mcpz_exchange_kind {
    /* The engine says something: true if it is for this exchange. Do not call the engine. */
    bool (*note)(struct mcpz_exchange *exchange, const struct mcpz_action *action);

    /* Go on: something was noted, or mcpz_exchange_again() was called. */
    void (*work)(struct mcpz_exchange *exchange);

    /* `deadline_us` has passed. NULL: a timeout in general words. */
    void (*expire)(struct mcpz_exchange *exchange);

    /* Release `state`. If the exchange is not answered, also cancel what it has under way. */
    void (*finish)(struct mcpz_exchange *exchange);

    /* Of an answer that streams: as mcpz_api_pull(). It works and expires on. */
    size_t (*pull)(struct mcpz_exchange *exchange, uint8_t *out, size_t capacity);
};

/* Whose agents a request is about: http/agent_scope.h */
struct mcpz_agent_scope {
    bool is_all;
    char tenant[MCPZ_TENANT_BYTES_MAX + 1]; /* as documents say it; "" with `is_all` */
};

struct mcpz_exchange {
    struct mcpz_api *api;
    void *owner;
    bool open;
    bool answered;
    bool has_work; /* `work` is to be called */
    bool is_apart; /* it is none of api->exchanges, but has memory of its own */
    char tenant[MCPZ_TENANT_BYTES_MAX + 1]; /* for whom alone it asks; "": for anybody */
    struct mcpz_agent_scope agents;         /* of routes of agents */
    uint64_t request;                       /* the engine's name for what we asked; 0: none */
    void (*answered_elsewhere)(struct mcpz_exchange *exchange); /* another node asks; NULL: not */
    uint32_t fellow_code; /* why the last call that mcpz_fellows_take() gave has failed; 0: not */
    void (*own_answer)(void *context); /* mcpz_api_answer_to(): of `owner` */
    mcpz_time deadline_us;
    const struct mcpz_exchange_kind *kind;
    void *state; /* of the kind */
    struct mcpz_body input;
    struct mcpz_response response;
};

struct mcpz_api {
    struct mcpz_api_ports ports;
    char *directory;
    uint64_t results_bytes; /* of MCPZ_RESULTS_BYTES_MAX, taken */
    struct mcpz_exchange exchanges[MCPZ_EXCHANGES_MAX];
    size_t open_count; /* of them */
    size_t apart_count;
    size_t exports;         /* of agents, under way */
    struct mcpz_face *face; /* NULL: no client of MCP has come yet */
    bool face_has_work;
    uint32_t registry_digest; /* as the face knows it */
    struct mcpz_events events;
    struct mcpz_rule_book rules;
    struct mcpz_queue_book queues;
    struct mcpz_name_book names;
    struct mcpz_shred_book shreds;
    struct mcpz_key_share key_share;
    struct mcpz_blob_keeper blobs;
    struct mcpz_blob_arrivals arrivals;
    struct mcpz_set_aside aside;
    struct mcpz_fellows fellows;
};

typedef void (*mcpz_handler)(struct mcpz_exchange *exchange, const struct mcpz_request *request);

/* The families. `path` of a request is whole; handlers cut it themselves. */
void mcpz_api_get_openapi(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_status(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_peers(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_capabilities(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_config(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_events(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_health(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_livez(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_metrics(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_readyz(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_post_task(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_work(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_post_work(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_submit_tasks(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_tasks(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_task(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_post_task_verb(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_delete_task(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_runs(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_queues(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_post_queue(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_agents(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_post_agents(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_agent(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_post_agent(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_delete_agent(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_watch_agent(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_history(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_snapshots(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_export(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_apply(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_backup(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_check_store(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_import(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_blobs(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_post_blobs(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_post_upload(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_delete_upload(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_blob(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_delete_blob(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_keys(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_rotate_keys(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_delete_key(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_rules(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_post_rules(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_delete_rule(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_explain_rules(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_layout(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_plan_layout(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_stage_layout(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_apply_layout(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_revert_layout(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_skip_layout(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_forks(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_revocations(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_post_revocations(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_tokens(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_post_tokens(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_delete_token(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_pools(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_post_pools(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_post_pool(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_delete_pool(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_servers(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_post_servers(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_server(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_delete_server(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_post_lease(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_delete_lease(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_join(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_leave(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_mcp(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_get_drain(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_drain(struct mcpz_exchange *exchange, const struct mcpz_request *request);
void mcpz_api_resume(struct mcpz_exchange *exchange, const struct mcpz_request *request);

/** How many different capabilities nodes that are up offer. */
size_t mcpz_api_count_capabilities(const struct mcpz_registry *registry);

/** How many agents are kept here: documents about blobs are none. */
uint64_t mcpz_api_count_agents(const struct mcpz_node *node);

/* ---- Answering: exactly once -------------------------------------------------------------- */

/** Answer with `json`, which is taken. NULL: out of memory, and says so. */
void mcpz_exchange_answer(struct mcpz_exchange *exchange, unsigned status, json_t *json);

/** Answer with what was appended to `exchange->response.body`. */
void mcpz_exchange_send(struct mcpz_exchange *exchange, unsigned status, const char *content_type);

/** Answer with an error: code, and what was wrong, where, what to do. */
void mcpz_exchange_fail(struct mcpz_exchange *exchange, uint32_t code, const char *format, ...)
    MCPZ_PRINTF(3, 4);

/** Answer with what an operation of ours failed with; `what` names it. */
void mcpz_exchange_fail_error(struct mcpz_exchange *exchange, mcpz_error error, const char *what);

/* ---- Waiting ------------------------------------------------------------------------------ */

/** Wait as `kind` with `state`, until MCPZ_API_WAIT_US from now. */
void mcpz_exchange_wait(struct mcpz_exchange *exchange, const struct mcpz_exchange_kind *kind,
                        void *state);

/** Its state was released: it may wait for something else. */
void mcpz_exchange_wait_no_more(struct mcpz_exchange *exchange);

/** Have `work` called in another turn. */
void mcpz_exchange_again(struct mcpz_exchange *exchange);

/* What the engine has answered. Kinds that note it so begin their state with one. */
struct mcpz_reply_note {
    bool came;
    uint32_t code;
    uint32_t copies;        /* of a write that waits for owners: so many have it on disk, */
    uint32_t copies_wanted; /* of so many that were to; 0: it does not wait */
    char text[MCPZ_MESSAGE_BYTES_MAX + 1];
};

/** A `note` for kinds whose state begins with a struct mcpz_reply_note: keep the REPLY there. */
bool mcpz_exchange_note_reply(struct mcpz_exchange *exchange, const struct mcpz_action *action);

/** Has it come, and was it no failure? A failure is answered here. */
bool mcpz_exchange_has_reply(struct mcpz_exchange *exchange);

/**
 * Wait for the REPLY to a new request, whose name is returned; answer then. Code 0: with `status`
 * and `json`; else with the code and its text. `json` is taken, but may be added to in this turn.
 *
 * Call it before the engine is asked: the REPLY can come at once. 0: out of memory, answered.
 */
uint64_t mcpz_exchange_await_reply(struct mcpz_exchange *exchange, unsigned status, json_t *json);

#define MCPZ_WHERE_BYTES_MAX 255

/** Of an exchange that awaits a REPLY: what it is about, told behind the text of a failure. */
void mcpz_exchange_is_about(struct mcpz_exchange *exchange, const char *where);

/** Of an exchange that awaits a REPLY: give up in `patience_us`, as a timeout with `text`
 * (static). */
void mcpz_exchange_expire_in(struct mcpz_exchange *exchange, mcpz_time patience_us,
                             const char *text);

/* ---- Helpers ------------------------------------------------------------------------------ */

/* The API's ports, with their context. Stirred, it acts again in another turn. */
struct mcpz_engine *mcpz_api_engine(const struct mcpz_api *api);
mcpz_time mcpz_api_now(const struct mcpz_api *api);
uint64_t mcpz_api_wall_ms(const struct mcpz_api *api);
void mcpz_api_stir(struct mcpz_api *api);

struct mcpz_engine *mcpz_exchange_engine(struct mcpz_exchange *exchange);
struct mcpz_bytes mcpz_exchange_text_of(const json_t *string);

/**
 * The request's body as a JSON object with no members but those named in `allowed` (NULL at the
 * end; NULL itself: any); the caller's. NULL: the exchange has been answered with what is wrong.
 */
json_t *mcpz_exchange_object(struct mcpz_exchange *exchange, const char *const *allowed);

/** As above, of `text`. */
json_t *mcpz_exchange_parse(struct mcpz_exchange *exchange, struct mcpz_bytes text,
                            const char *const *allowed);

/** May who asks name this tenant? "": none is named. False: the exchange has been answered. */
MCPZ_MUST_USE bool mcpz_exchange_may_name(struct mcpz_exchange *exchange, const char *tenant);

/** The members of `object`, in the order of their names, as an array of at most `most`. NULL: out
 * of memory. */
json_t *mcpz_exchange_sort_rows(json_t *object, size_t most);

/* What an integer member may be, and is taken for when it is absent. */
struct mcpz_integer_rule {
    const char *key;
    json_int_t min;
    json_int_t max;
    json_int_t absent;
};

/** Read an integer member. False: the exchange has been answered with what is wrong. */
MCPZ_MUST_USE bool mcpz_exchange_integer(struct mcpz_exchange *exchange, const json_t *object,
                                         const struct mcpz_integer_rule *rule, json_int_t *number);

/** Take the first "name=value" off a request's `query`. False: there was none left. */
MCPZ_MUST_USE bool mcpz_exchange_parameter(struct mcpz_bytes *query, struct mcpz_bytes *name,
                                           struct mcpz_bytes *value);

/** How many answers stream now: MCPZ_EVENT_STREAMS_MAX may. */
size_t mcpz_exchange_streams(const struct mcpz_api *api);

/** The path behind `prefix`. */
struct mcpz_bytes mcpz_exchange_path_rest(struct mcpz_bytes path, const char *prefix);

#define MCPZ_ISO_TIME_CHARS 32

/** "2026-11-20T12:00:00Z" as JSON; null for 0. */
json_t *mcpz_exchange_show_time(uint64_t wall_ms);

/** The first whole second that is not before it: what holds from then on may be said so. */
json_t *mcpz_exchange_show_time_from(uint64_t wall_ms);

/** The same as text; "" where there is none. */
void mcpz_exchange_write_time(uint64_t wall_ms, char text[MCPZ_ISO_TIME_CHARS]);
json_t *mcpz_exchange_show_id(const struct mcpz_id *id, char prefix);
json_t *mcpz_exchange_show_text(struct mcpz_bytes text);
json_t *mcpz_exchange_show_hex(struct mcpz_bytes bytes);

/** A text, or null if it is empty. */
json_t *mcpz_exchange_show_text_or_null(const char *text);

/** What the face of MCP servers is to do, now and a few times a second. */
void mcpz_api_mcp_work(struct mcpz_api *api);
void mcpz_api_mcp_tick(struct mcpz_api *api);

/** What is wrong with this node, in words; shared by status and health. */
json_t *mcpz_api_problems(struct mcpz_api *api);

/** Append `json`, which is taken, to `body`, after a comma if it is not the `first`. */
void mcpz_body_append_json(struct mcpz_body *body, json_t *json, bool first);

#endif
