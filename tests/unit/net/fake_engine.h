/*
 * An engine and a store that do nothing but note what they are told: the loop and the mesh's edge
 * are tested with these instead of the real ones. Links are numbered from 1 in each engine.
 */

#ifndef FAKE_ENGINE_H
#define FAKE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/proof.h"
#include "engine/engine.h"
#include "host/loop.h"

#define FAKE_LINKS_MAX 128
#define FAKE_FRAMES_MAX 64 /* kept of those that came in, over all links */
#define FAKE_QUEUE_MAX 64  /* waiting to go out, over all links */
#define FAKE_FAILURES_MAX 512
#define FAKE_DEADLINE_S 60.0 /* only a failing test waits so long */

struct fake_frame {
    mcpz_link link;
    uint8_t *bytes;
    size_t length;
};

struct fake_link {
    struct mcpz_id peer;
    uint8_t binding[MCPZ_BINDING_BYTES];
    char dialled[MCPZ_ADDRESS_BYTES_MAX + 1];
    bool is_closed;
    bool is_endless; /* has always another frame of the largest size */
    size_t pulled;
};

struct mcpz_engine {
    struct mcpz_engine_ports ports;
    struct mcpz_id self;

    bool in_turn;
    size_t turns;
    size_t ticks;
    size_t progresses;
    mcpz_time deadline;

    mcpz_error link_opened_error; /* what to answer */
    mcpz_error frame_error;
    bool closes_new_links; /* while they are being opened */

    struct fake_link links[FAKE_LINKS_MAX]; /* link n at n - 1 */
    size_t link_count;
    size_t closed_count;

    struct fake_frame in[FAKE_FRAMES_MAX];
    size_t in_count;
    struct fake_frame out[FAKE_QUEUE_MAX];
    size_t out_count;
    uint8_t *pulled; /* the last one given out */

    char failures[FAKE_FAILURES_MAX][MCPZ_ADDRESS_BYTES_MAX + 1];
    bool refused[FAKE_FAILURES_MAX];
    size_t failure_count;
};

/** What the store's thread does when it has news. Of the store opened last. */
void fake_store_notify(void);

/** Queue a copy of `bytes` for `link` and wake it. */
void fake_send(struct mcpz_engine *engine, mcpz_link link, const void *bytes, size_t length);

/** Ask for a dial, as the core does. `expected` NULL: whoever answers. */
void fake_dial(struct mcpz_loop *loop, const char *address, const struct mcpz_id *expected);

/** Turn the loop until `done`; false if that takes for ever. */
bool fake_turn_until(bool (*done)(const void *context), const void *context);

#endif
