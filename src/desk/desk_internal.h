/* The desk from the inside: for the files of desk/ only. */

#ifndef DESK_DESK_INTERNAL_H
#define DESK_DESK_INTERNAL_H

#include "base/index.h"
#include "desk/desk.h"
#include "wire/codec.h"

#define MCPZ_DESK_NONE UINT32_MAX /* no slot */

struct mcpz_program {
    struct mcpz_desk *desk; /* NULL: free */
    struct mcpz_desk_visitor visitor;
    bool greeted; /* its HELLO has come */
    size_t call_count;
    size_t run_count;
    uint64_t turn; /* when it was last given a run: who waited longest is first among equals */
    struct mcpz_index calls; /* its number of a call -> slot */
    void *calls_memory;
    char (*names)[MCPZ_CAPABILITY_BYTES_MAX + 1]; /* what it offers */
    size_t name_count;
};

/* A call that a program makes. */
struct mcpz_desk_call {
    struct mcpz_program *program; /* NULL: free */
    uint32_t next;                /* free, or dirty */
    uint64_t request;             /* the engine's name for it */
    uint64_t call;                /* the program's */
    struct mcpz_msg_open open;    /* its slices point into `kept` */
    uint8_t *kept;
    uint8_t *input; /* what may still be needed of it, from `input_dropped` on */
    size_t input_length;
    size_t input_capacity;
    uint64_t input_dropped; /* bytes before what is kept */
    uint64_t input_sent;    /* to the engine, in this attempt */
    uint64_t input_most;    /* the same in any attempt: so much the program got credit for */
    uint32_t credit;        /* bytes the engine will still take */
    uint32_t output_owed;   /* bytes of output sent that the program has not given credit for */
    bool input_ended;       /* the program has said END */
    bool end_said;          /* to the engine, in this attempt */
    bool retry;             /* everything is to be said again */
    bool dirty;             /* in the list of those mcpz_desk_work() looks at */
};

/* A message for a program that may not begin yet. */
struct mcpz_desk_held {
    struct mcpz_desk_held *next;
    size_t length;
    uint8_t bytes[]; /* encoded */
};

/* What a program does for somebody. */
struct mcpz_desk_run {
    struct mcpz_program *program; /* NULL: free */
    uint32_t next;
    uint32_t run;
    uint32_t credit;       /* bytes of output that may still come */
    uint32_t input_credit; /* bytes of input sent that the program has not given credit for */
    bool is_held;          /* the program hears of it when it may begin */
    struct mcpz_desk_held *held; /* all of it until then, in order */
    struct mcpz_desk_held *held_last;
};

/* A RUN_START that came to nothing. */
struct mcpz_desk_refusal {
    uint32_t run;
    uint32_t code;
};

/* Tasks that a program has handed in with one message. */
struct mcpz_desk_submission {
    struct mcpz_program *program; /* NULL: it is gone */
    uint64_t request;             /* the engine's name for the first */
    uint64_t number;              /* the program's */
    uint32_t count;
    uint32_t left; /* not answered */
};

struct mcpz_desk {
    struct mcpz_desk_ports ports;
    struct mcpz_offers *offers;
    struct mcpz_desk_stats stats;
    uint64_t seed;
    uint64_t turn;
    struct mcpz_program programs[MCPZ_PROGRAMS_MAX];
    size_t program_count;         /* all of them, edges of the node too */
    struct mcpz_desk_call *calls; /* MCPZ_DESK_CALLS_MAX */
    struct mcpz_desk_run *runs;   /* MCPZ_DESK_CALLS_MAX */
    uint32_t fresh_call; /* slots from here on were never used: their memory is not touched */
    uint32_t fresh_run;
    uint32_t free_call; /* used before; MCPZ_DESK_NONE: none is free of those */
    uint32_t free_run;
    uint32_t dirty_call;
    struct mcpz_index by_request;
    struct mcpz_index by_run;
    void *memory; /* of the two; made for the first program */
    struct mcpz_desk_refusal refusals[MCPZ_DESK_CALLS_MAX];
    size_t refusal_count;
    /* A ring, by their requests, which rise. */
    struct mcpz_desk_submission submissions[MCPZ_DESK_SUBMISSIONS_MAX];
    size_t submission_first;
    size_t submission_count;
    _Alignas(16) uint8_t arena[MCPZ_MSG_ARENA_BYTES]; /* lists of the message under way */
    uint8_t encoded[MCPZ_MSG_BYTES_MAX];              /* a message to be held */
};

/* desk.c */
void mcpz_desk_send(struct mcpz_desk *desk, struct mcpz_program *program,
                    const struct mcpz_msg *msg);
void mcpz_desk_say(struct mcpz_desk *desk, struct mcpz_event *event);

/* desk_calls.c */
/** OPEN, or what the program says as a caller. Errors: MCPZ_EPROTO */
mcpz_error mcpz_desk_open(struct mcpz_desk *desk, struct mcpz_program *program,
                          const struct mcpz_msg_open *open);
mcpz_error mcpz_desk_demand(struct mcpz_desk *desk, struct mcpz_program *program,
                            const struct mcpz_msg *msg);
void mcpz_desk_calls_act(struct mcpz_desk *desk, const struct mcpz_action *action);
void mcpz_desk_calls_work(struct mcpz_desk *desk);
/** Cancel all that the program asked for. */
void mcpz_desk_calls_leave(struct mcpz_desk *desk, struct mcpz_program *program);
void mcpz_desk_calls_finish(struct mcpz_desk *desk);

/* desk_runs.c */
/** What the program says as a provider. Errors: MCPZ_EPROTO */
mcpz_error mcpz_desk_answer(struct mcpz_desk *desk, struct mcpz_program *program,
                            const struct mcpz_msg *msg);
void mcpz_desk_runs_act(struct mcpz_desk *desk, const struct mcpz_action *action);
void mcpz_desk_runs_work(struct mcpz_desk *desk);
/** What the program was doing is lost. */
void mcpz_desk_runs_leave(struct mcpz_desk *desk, struct mcpz_program *program);

/* desk_tasks.c */
/** TASK_SUBMIT. Errors: MCPZ_EPROTO */
mcpz_error mcpz_desk_submit(struct mcpz_desk *desk, struct mcpz_program *program,
                            const struct mcpz_msg_task_submit *submit);
/** TAKEN, or a REPLY to somebody. */
void mcpz_desk_tasks_act(struct mcpz_desk *desk, const struct mcpz_action *action);
/** Nobody is to be told any more. */
void mcpz_desk_tasks_leave(struct mcpz_desk *desk, const struct mcpz_program *program);

/* desk_offers.c */
/** The program offers just these from now on. Errors: MCPZ_ECONFLICT, MCPZ_EFULL, MCPZ_EPROTO */
mcpz_error mcpz_desk_offer(struct mcpz_desk *desk, struct mcpz_program *program,
                           const struct mcpz_msg_capabilities *offered);
void mcpz_desk_offer_nothing(struct mcpz_desk *desk, struct mcpz_program *program);
/** Who is to do this: of those that offer it, who does least. NULL: nobody offers it. */
struct mcpz_program *mcpz_desk_pick(struct mcpz_desk *desk, struct mcpz_bytes name);

#endif
