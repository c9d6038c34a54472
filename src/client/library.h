/* The client of include/mcpz/client.h from the inside: for the files of client/ only. */

#ifndef CLIENT_LIBRARY_H
#define CLIENT_LIBRARY_H

#include <mcpz/client.h>

#include "base/attr.h"
#include "base/index.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_CLIENT_CALLS_MAX 2048
#define MCPZ_CLIENT_TASKS_MAX 4096
#define MCPZ_CLIENT_SUBMITTED_MAX 8192
#define MCPZ_CLIENT_SUBMITTED_BYTES_MAX 4194304
#define MCPZ_CLIENT_OUT_BYTES_MAX 67108864
#define MCPZ_CLIENT_CREDIT_BYTES 65536 /* smaller credits are gathered */
#define MCPZ_CLIENT_NO_SLOT UINT32_MAX

struct mcpz_client_asked {
    bool used;
    uint32_t next; /* free */
    uint64_t id;
    size_t room;   /* bytes of input that may still go */
    uint32_t owed; /* bytes of output taken, not given credit for yet */
    bool has_input;
    void (*on_output)(void *context, uint64_t call, const void *bytes, size_t length);
    void (*on_room)(void *context, uint64_t call, size_t room);
    void (*on_end)(void *context, uint64_t call, uint32_t code, const char *text);
    void *context;
};

struct mcpz_client_doing {
    bool used;
    uint32_t next; /* free */
    uint64_t id;
    size_t room;   /* bytes of the result that may still go */
    uint32_t owed; /* bytes of input taken, not given credit for yet */
    uint32_t offer;
};

struct mcpz_client_offer {
    char name[MCPZ_CAPABILITY_BYTES_MAX + 1];
    struct mcpz_client_provider provider;
};

/*
 * What carries messages between a client and its node: a socket (socket.c), or no more than a
 * queue where the node is in the same process (embed/local_client.c).
 */
struct mcpz_client_carrier {
    void *context;
    int fd; /* to be watched; -1: there is none */

    /* Put a message behind what waits. Errors: MCPZ_EFULL, MCPZ_ENOMEM, MCPZ_EPROTO, MCPZ_EIO */
    mcpz_error (*put)(void *context, const struct mcpz_msg *msg);

    /*
     * Send what waits, wait for something to come, and hand it to mcpz_client_take(); what is put
     * there goes out too. Errors: MCPZ_ENOTFOUND  nothing came; all others end the connection
     */
    mcpz_error (*exchange)(void *context, int timeout_ms);
    bool (*has_waiting)(const void *context);

    /* Have mcpz_client_submit_all() called soon, though nobody exchanges; NULL: somebody will. */
    void (*stir)(void *context);
    void (*close)(void *context);
};

struct mcpz_client {
    struct mcpz_client_carrier carrier;
    bool broken;  /* the connection is gone */
    bool greeted; /* the node's HELLO has come */
    bool working; /* within mcpz_client_work() */

    uint64_t next_id;
    uint32_t retry_after_ms;         /* of the call that ends just now */
    struct mcpz_client_asked *asked; /* MCPZ_CLIENT_CALLS_MAX */
    uint32_t free_asked;
    struct mcpz_index asked_by_id;

    struct mcpz_client_doing *doing; /* MCPZ_CLIENT_TASKS_MAX */
    uint32_t free_doing;
    struct mcpz_index doing_by_id;

    struct mcpz_client_offer *offers; /* MCPZ_CAPABILITIES_PER_NODE_MAX, made with the first */
    size_t offer_count;
    uint32_t offers_version;

    struct mcpz_client_submitting *submitting; /* made with the first */

    void *memory; /* of the indices */
};

/* library.c: for those who carry. */
/** Make a client that is carried by `carrier`, which it closes in the end; not on error. Errors:
 * MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_client_create(const struct mcpz_client_carrier *carrier,
                                            struct mcpz_client **client);
/** Put our HELLO. Errors: those of mcpz_client_put() */
MCPZ_MUST_USE mcpz_error mcpz_client_greet(struct mcpz_client *client);
/** Take in what the node says, and call back. On error the connection is over. */
MCPZ_MUST_USE mcpz_error mcpz_client_take(struct mcpz_client *client, const struct mcpz_msg *msg);
/** The connection is over: all calls end. */
void mcpz_client_break(struct mcpz_client *client);

/** Put it behind what waits to be sent. Errors: MCPZ_EFULL, MCPZ_ENOMEM, MCPZ_EPROTO, MCPZ_EIO */
mcpz_error mcpz_client_put(struct mcpz_client *client, const struct mcpz_msg *msg);

/* library_calls.c */
void mcpz_client_asked_init(struct mcpz_client *client);
/** What the node says of a call. */
void mcpz_client_answered(struct mcpz_client *client, const struct mcpz_msg *msg);
/** The connection is gone: all calls end. */
void mcpz_client_asked_lost(struct mcpz_client *client);

/* library_durable.c */

/* A durable task that the node has not said anything of yet. */
struct mcpz_client_submitted {
    void (*on_taken)(void *context, uint64_t number, const struct mcpz_client_taken *taken);
    void *context;
    uint32_t bytes; /* 0: free */
};

struct mcpz_client_submitting {
    struct mcpz_client_submitted rows[MCPZ_CLIENT_SUBMITTED_MAX]; /* by number */
    uint64_t next_number;
    size_t count;
    size_t bytes;
    /* What waits to be sent in one message; texts lie in `kept`. */
    struct mcpz_task_order orders[MCPZ_TASK_ORDERS_MAX];
    size_t order_count;
    size_t order_bytes;
    uint8_t kept[MCPZ_TASK_ORDERS_BYTES_MAX];
    size_t kept_length;
};

/** Put what was handed in behind what waits to be sent; later, where that is too much. Errors:
 * those of mcpz_client_put(), but MCPZ_EFULL */
mcpz_error mcpz_client_submit_all(struct mcpz_client *client);
/** Does something wait to be put there? */
bool mcpz_client_has_orders(const struct mcpz_client *client);
/** TASK_TAKEN; what is handed in because of it goes with what goes out next. Errors: as above */
mcpz_error mcpz_client_taken(struct mcpz_client *client, const struct mcpz_msg_task_taken *taken);
/** The connection is gone: nobody knows what became of them. */
void mcpz_client_submitted_lost(struct mcpz_client *client);

/* library_tasks.c */
void mcpz_client_doing_init(struct mcpz_client *client);
/** OPEN. Errors: those of mcpz_client_put() */
mcpz_error mcpz_client_begin(struct mcpz_client *client, const struct mcpz_msg_open *open);
/** What the node says of a task. */
void mcpz_client_demanded(struct mcpz_client *client, const struct mcpz_msg *msg);

#endif
