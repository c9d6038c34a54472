#ifndef MCPZ_CLIENT_H
#define MCPZ_CLIENT_H

/*
 * Talk to the node on this machine: have tasks done anywhere in the mesh, and do tasks for it.
 *
 *   struct mcpz_client *client;
 *   if (mcpz_client_open("/var/lib/mcpz", &client) != MCPZ_OK) ...
 *   mcpz_client_call(client, &(struct mcpz_client_call){.capability = "hash.sha256", ...}, &id);
 *   while (!done) mcpz_client_work(client, -1);
 *   mcpz_client_close(client);
 *
 * One thread, no surprises: everything happens inside mcpz_client_work(), which calls back. What
 * is asked for goes out there too, so that many calls share a write. A program with a loop of its
 * own watches mcpz_client_fd() and calls mcpz_client_work(client, 0).
 *
 * Flow control is end to end: input and results wait, within 256 KiB a call each way, until the
 * other end has taken what came before.
 *
 * Functions that return mcpz_error give MCPZ_EIO for good once the node has closed the connection;
 * calls under way then end with code 4 (provider_lost).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mcpz_client;

/**
 * Connect to the node of data directory `data`; NULL: $MCPZ_DATA, or ./var.
 *
 * Errors: MCPZ_ENOTFOUND  no node runs there; MCPZ_EVERSION  it speaks another version
 *         MCPZ_EIO, MCPZ_ENOMEM; `*client` is then NULL
 */
mcpz_error mcpz_client_open(const char *data, struct mcpz_client **client);

/** Calls under way are cancelled, tasks under way are lost; nothing calls back. NULL is fine. */
void mcpz_client_close(struct mcpz_client *client);

/** The descriptor to watch for reading, and for writing if mcpz_client_wants_to_write(). */
int mcpz_client_fd(const struct mcpz_client *client);
bool mcpz_client_wants_to_write(const struct mcpz_client *client);

/**
 * Send what waits, take in what has come, call back. Waits up to `timeout_ms` for something to
 * come (0: not at all; -1: as long as it takes). Not from within a callback.
 *
 * Errors: MCPZ_ETIMEOUT  nothing came; MCPZ_EIO  the connection is gone
 *         MCPZ_EPROTO, MCPZ_EVERSION  the node said what it may not; MCPZ_ENOMEM
 */
mcpz_error mcpz_client_work(struct mcpz_client *client, int timeout_ms);

/* ---- Having something done ---------------------------------------------------------------- */

/* What is to be done. Texts are copied; NULL is none. */
struct mcpz_client_call {
    const char *capability; /* "hash.sha256" */
    const void *params;     /* JSON, up to 32 KiB */
    size_t params_length;
    bool has_input;      /* mcpz_client_input() follows */
    uint32_t timeout_ms; /* 0: 30 seconds; up to an hour */
    uint32_t priority;   /* 1 to 100, higher first; 0: 50 */
    const char *tenant;
    const char *traceparent; /* W3C Trace Context */
    const char *idempotency_key;
    bool idempotent; /* doing it twice does no harm */
    const char
        *isolation; /* "strict", "degraded": only where it is done so isolated; NULL: wherever */

    /* Some of the result. May be NULL. */
    void (*on_output)(void *context, uint64_t call, const void *bytes, size_t length);
    /* More input is wanted: so many bytes may be given to mcpz_client_input(). May be NULL. */
    void (*on_room)(void *context, uint64_t call, size_t room);
    /* It is over, and `call` is no call any more. `code` 0: well; else see mcpz_client_code(). */
    void (*on_end)(void *context, uint64_t call, uint32_t code, const char *text);
    void *context;
};

/**
 * Ask for it. on_end() comes exactly once for each call, unless it is cancelled. `*id`, which may
 * be NULL, names it.
 *
 * Errors: MCPZ_EFULL   2048 calls are under way, or too much waits to be sent
 *         MCPZ_EPROTO  a text or the parameters are too long, or not UTF-8
 *         MCPZ_ENOMEM, MCPZ_EIO
 */
mcpz_error mcpz_client_call(struct mcpz_client *client, const struct mcpz_client_call *call,
                            uint64_t *id);

/**
 * Give some of its input. At first there is room for 256 KiB; on_room() tells of more.
 *
 * Errors: MCPZ_EFULL  more than there is room for, nothing was taken
 *         MCPZ_ENOTFOUND  it has ended; MCPZ_ENOMEM, MCPZ_EIO
 */
mcpz_error mcpz_client_input(struct mcpz_client *client, uint64_t call, const void *bytes,
                             size_t length);
mcpz_error mcpz_client_input_end(struct mcpz_client *client, uint64_t call);

/** Nobody wants it any more. Its provider is stopped; nothing calls back. */
mcpz_error mcpz_client_cancel(struct mcpz_client *client, uint64_t call);

/** Within on_end(): come back no sooner than in so many milliseconds; 0: nothing was said. */
uint32_t mcpz_client_retry_after_ms(const struct mcpz_client *client);

/** The lower-case word for a code: "timeout", "no_provider" ... Never NULL. */
const char *mcpz_client_code(uint32_t code);

/* ---- Having something done, whoever crashes ----------------------------------------------- */

/* What became of handing a task in. Texts last for the call of on_taken(). */
struct mcpz_client_taken {
    uint32_t code;    /* 0: it is taken, and will be done or end as a dead letter */
    const char *text; /* why it was not, for people */
    const char *id;   /* "t-" and 32 hex digits, for `mcpz task status`; "": it was not taken */
    unsigned copies;  /* nodes that have it on disk */
};

/* A durable task. Everything is copied; NULL is none, and 0 what the node's configuration says. */
struct mcpz_client_submission {
    const char *capability;
    const void *params; /* JSON; with the input 32 KiB at most */
    size_t params_length;
    const void *input;
    size_t input_length;
    uint32_t timeout_ms; /* of one attempt; 0: 30 seconds */
    uint32_t priority;   /* 1 to 100, higher first; 0: 50 */
    const char *tenant;
    const char *traceparent;
    const char *idempotency_key; /* the same key at the same node: the same task */
    uint32_t attempts;           /* at most, up to 1000 */
    uint32_t backoff_ms;         /* before the second, at most */
    uint32_t ttl_ms;             /* not begun any more after that */
    uint32_t copies;             /* 2: refuse it if only this node can have it on disk */
    bool retry_failed;           /* also where the provider itself says that it failed */

    /* May be NULL. `code` 4 (provider_lost): the connection is gone, and it may have been taken.
     */
    void (*on_taken)(void *context, uint64_t number, const struct mcpz_client_taken *taken);
    void *context;
};

/**
 * Hand a task over. on_taken() comes once for each, when the task is on disk at this node and at
 * one more. What is handed in before mcpz_client_work() is called travels together, and so do
 * tasks the rest of the way: hand in many at a time. `*number`, which may be NULL, names it.
 *
 * Errors: MCPZ_EFULL   8192 of them, or 4 MiB, are not taken yet, or too much waits to be sent:
 *                      work, and try again
 *         MCPZ_EPROTO  a text or what it brings is too long, or not UTF-8
 *         MCPZ_ENOMEM, MCPZ_EIO
 */
mcpz_error mcpz_client_submit(struct mcpz_client *client,
                              const struct mcpz_client_submission *submission, uint64_t *number);

/* ---- Doing something ---------------------------------------------------------------------- */

/* A task to be done. Borrowed for the call of on_task(). */
struct mcpz_client_task {
    uint64_t task; /* names it */
    const char *capability;
    const void *params;
    size_t params_length;
    bool has_input;      /* on_input() follows */
    uint32_t timeout_ms; /* what is left */
    uint32_t priority;
    const char *tenant; /* "": none; so are the next two */
    const char *traceparent;
    const char *idempotency_key;
    uint32_t levels; /* of subtasks it may be split into: mcpz_client_split(); 0: it may not be */
};

/* Who does it. Only on_task() may not be NULL. */
struct mcpz_client_provider {
    void (*on_task)(void *context, const struct mcpz_client_task *task);
    /* Some of the input; `length` 0: that was all. */
    void (*on_input)(void *context, uint64_t task, const void *bytes, size_t length);
    /* So many bytes more of the result may be given to mcpz_client_reply(). */
    void (*on_room)(void *context, uint64_t task, size_t room);
    /* Nobody waits for it any more. */
    void (*on_cancel)(void *context, uint64_t task);
    void *context;
};

/**
 * Offer a capability: its tasks come to `provider` (copied). Several programs may offer the same.
 * That a command of the node's offers it already is an error that closes the connection.
 *
 * Errors: MCPZ_EFULL  64 are offered; MCPZ_EPROTO  the name is empty, too long or not UTF-8
 *         MCPZ_ECONFLICT  this client offers it already; MCPZ_ENOMEM, MCPZ_EIO
 */
mcpz_error mcpz_client_provide(struct mcpz_client *client, const char *name,
                               const struct mcpz_client_provider *provider);

/** No longer. Tasks under way go on. Errors: MCPZ_ENOTFOUND, MCPZ_EIO */
mcpz_error mcpz_client_withdraw(struct mcpz_client *client, const char *name);

/**
 * Give some of a task's result: from on_task() on, at any time. At first there is room for
 * 256 KiB; on_room() tells of more. Errors as mcpz_client_input().
 */
mcpz_error mcpz_client_reply(struct mcpz_client *client, uint64_t task, const void *bytes,
                             size_t length);

/**
 * It is done: that was the result, with these last bytes of it, if any, as by mcpz_client_reply().
 *
 * Errors: MCPZ_ENOTFOUND  nobody waits for it; MCPZ_EFULL, MCPZ_ENOMEM  it goes on; MCPZ_EIO
 */
mcpz_error mcpz_client_finish(struct mcpz_client *client, uint64_t task, const void *bytes,
                              size_t length);

/**
 * It is to be split into subtasks: `plan` is JSON, up to 32 KiB, and no result was given before.
 * {"subtasks": [{"type": ..., "params": ...}, ...]} is enough; README.md says what else there is.
 * Whether the plan is a good one whoever submitted the task learns.
 *
 * Errors: MCPZ_EPROTO  it is empty or too long; others as mcpz_client_finish()
 */
mcpz_error mcpz_client_split(struct mcpz_client *client, uint64_t task, const void *plan,
                             size_t length);

/** It failed. `text`, at most 4 KiB, is for people. Errors as mcpz_client_finish(). */
mcpz_error mcpz_client_fail(struct mcpz_client *client, uint64_t task, const char *text);

#ifdef __cplusplus
}
#endif

#endif
