/*
 * Where programs on this machine meet the mesh: what they ask of it, and what they do for it.
 *
 *   program                            desk                               engine
 *   OPEN, DATA, END, CANCEL, CREDIT -> a call it makes -----------------> TASK_*
 *                                   <- DATA, END or FAIL, CREDIT <------- TASK_OUTPUT, TASK_DONE
 *   CAPABILITIES ----------------------> what it offers ----------------> PROVIDE, WITHDRAW
 *   OPEN, DATA, END, CANCEL, CREDIT <-- a run it does <------------------ RUN_*
 *   DATA, END or FAIL, CREDIT ----------------------------------------> RUN_OUTPUT, RUN_END ...
 *   TASK_SUBMIT -----------------------> durable tasks ---------------> DURABLE_SUBMIT
 *                                   <- TASK_TAKEN <-------------------- TAKEN, REPLY
 *
 * The messages are those that nodes exchange (proto/msg.h), with the same windows: a program is
 * to its node what one node is to another, so a call costs no second protocol. HELLO comes first,
 * both ways. Calls have the program's numbers, runs the node's.
 *
 * What a call sent is kept while it may have to be said again: up to a window of input, until
 * output comes. Several programs may offer the same capability; whoever does least gets the next.
 * A program that goes takes its calls with it, and what it was doing fails as lost.
 *
 * Pure: bytes and sockets are the edges' (local/, http/); reception.h binds it to a loop.
 */

#ifndef DESK_DESK_H
#define DESK_DESK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/event.h"
#include "core/outbox.h"
#include "host/offers.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_PROGRAMS_MAX 64           /* connected at one time */
#define MCPZ_DESK_CALLS_MAX 4096       /* of all programs, and as many runs */
#define MCPZ_PROGRAM_CALLS_MAX 2048    /* of one program */
#define MCPZ_DESK_SUBMISSIONS_MAX 1024 /* messages of tasks that are not all taken yet */
#define MCPZ_DESK_TIMEOUT_MS 30000     /* of a call that names none */

struct mcpz_desk;
struct mcpz_program;

/* How the desk reaches the world. What is handed to a port is borrowed until it returns. */
struct mcpz_desk_ports {
    void *context;

    /* The engine: only called from within enter(), message(), take(), leave() and work(). */
    uint64_t (*next_request)(void *context, size_t count); /* the first of so many names */
    void (*say)(void *context, struct mcpz_event *event);

    /* Have mcpz_desk_work() called soon, outside the engine's turn. */
    void (*later)(void *context);
};

/* How a program is spoken to. */
struct mcpz_desk_visitor {
    void *context;

    /* Put a message on its way to it. May be called within the engine's turn: who finds out here
     * that the program is gone must not call the desk, but later. */
    void (*send)(void *context, const struct mcpz_msg *msg);

    bool is_node; /* an edge of the node itself: it is not counted among programs */
};

struct mcpz_desk_stats {
    size_t programs;
    size_t calls; /* under way */
    size_t runs;
    size_t submissions; /* messages of durable tasks that are not all answered */
    uint64_t calls_total;
    uint64_t runs_total;
    uint64_t tasks_total; /* durable ones handed in */
    uint64_t refused;     /* programs turned away for what they said */
};

/**
 * Make a desk. `offers`, borrowed, is shared with the other edges.
 *
 * Errors: MCPZ_ENOMEM; `*desk` is then NULL
 */
MCPZ_MUST_USE mcpz_error mcpz_desk_create(const struct mcpz_desk_ports *ports,
                                          struct mcpz_offers *offers, uint64_t seed,
                                          struct mcpz_desk **desk);

/** Tells the engine nothing: it is going. NULL is fine. */
void mcpz_desk_destroy(struct mcpz_desk *desk);

/** A program has connected: it is sent our HELLO. Errors: MCPZ_EFULL, MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_desk_enter(struct mcpz_desk *desk,
                                         const struct mcpz_desk_visitor *visitor,
                                         struct mcpz_program **program);

/**
 * Take in one message of the program, encoded. On error it is to be cut off: it has been told why
 * (REFUSE), where it could be.
 *
 * Errors: those of mcpz_msg_decode(); MCPZ_EPROTO  it may not say that, or more than its windows
 *         allow; MCPZ_EVERSION; MCPZ_ECONFLICT  it offers what another edge does; MCPZ_EFULL
 */
MCPZ_MUST_USE mcpz_error mcpz_desk_message(struct mcpz_desk *desk, struct mcpz_program *program,
                                           struct mcpz_bytes message);

/** As mcpz_desk_message(), of a message that was never bytes; within its bounds (asserted). */
MCPZ_MUST_USE mcpz_error mcpz_desk_take(struct mcpz_desk *desk, struct mcpz_program *program,
                                        const struct mcpz_msg *msg);

/** The program is gone. */
void mcpz_desk_leave(struct mcpz_desk *desk, struct mcpz_program *program);

/** Hear an action of the engine, within its turn. Those that are for others are ignored. */
void mcpz_desk_act(struct mcpz_desk *desk, const struct mcpz_action *action);

/** Do what could not be done within the engine's turn. */
void mcpz_desk_work(struct mcpz_desk *desk);

const struct mcpz_desk_stats *mcpz_desk_stats(const struct mcpz_desk *desk);

#endif
