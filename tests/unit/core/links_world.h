/* What the tests of links share: a node's links, and peers that say what a test wants. */

#ifndef TEST_LINKS_WORLD_H
#define TEST_LINKS_WORLD_H

#include "core.h"
#include "core/links.h"

#define LONG_MS 60000 /* what a peer that is never late promises */
#define ADDRESS_BYTES 16

static struct mcpz_links links;
static struct mcpz_node_timing timing;
static mcpz_time now;

static inline struct mcpz_id node(uint8_t number)
{
    return (struct mcpz_id){.bytes = {number, 1}};
}

static inline bool step(struct mcpz_event event)
{
    mcpz_outbox_clear(&out);
    return mcpz_links_step(&links, now, &event, &out);
}

static inline void tick(void)
{
    (void)step((struct mcpz_event){.kind = MCPZ_EVENT_TICK});
}

static inline void tick_at(mcpz_time at)
{
    now = at;
    tick();
}

static inline bool hear(uint8_t from, struct mcpz_msg msg)
{
    return step(
        (struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = node(from), .msg = &msg}});
}

static inline void link_up(uint8_t peer)
{
    (void)step((struct mcpz_event){.kind = MCPZ_EVENT_LINK_UP, .link = {.peer = node(peer)}});
}

static inline void link_down(uint8_t peer)
{
    (void)step((struct mcpz_event){.kind = MCPZ_EVENT_LINK_DOWN,
                                   .link = {.peer = node(peer), .reason = MCPZ_DOWN_CLOSED}});
}

static inline void want(uint8_t peer, bool wanted)
{
    const struct mcpz_id id = node(peer);
    mcpz_links_want(&links, now, &id, wanted);
}

static inline const struct mcpz_linked *link_of(uint8_t peer)
{
    const struct mcpz_id id = node(peer);
    return mcpz_links_find(&links, &id);
}

/* The peer's next heartbeat: it has heard all of ours, or says which. */
static inline void hear_ping(uint8_t from, uint32_t echo, uint32_t echo_us, uint32_t next_ms)
{
    const struct mcpz_linked *link = link_of(from);

    CHECK(link != NULL);
    (void)hear(from, (struct mcpz_msg){.kind = MCPZ_MSG_PING,
                                       .ping = {.seq = link->heard_seq + 1,
                                                .echo = echo,
                                                .echo_us = echo_us,
                                                .next_ms = next_ms}});
}

static inline void hear_all_well(uint8_t from)
{
    hear_ping(from, link_of(from)->seq, 0, LONG_MS);
}

static inline void set_up_as(size_t links_max, size_t dials_max, size_t seeds_max)
{
    static _Alignas(16) uint8_t memory[65536];
    static const struct mcpz_node_timing defaults;
    struct mcpz_arena arena;
    const struct mcpz_links_config config = {.self = self,
                                             .links_max = links_max,
                                             .dials_max = dials_max,
                                             .seeds_max = seeds_max,
                                             .address_bytes = ADDRESS_BYTES,
                                             .seed = 1};

    CHECK(mcpz_links_bytes(&config) <= sizeof(memory));
    timing = mcpz_timing_or_default(&defaults);
    now = MCPZ_SECONDS(1000);
    mcpz_arena_init(&arena, memory, mcpz_links_bytes(&config));
    mcpz_outbox_init(&out);
    mcpz_links_init(&links, &config, &timing, &arena, now);
}

static inline void set_up(void)
{
    set_up_as(8, 4, 4);
}

/* Linked with 1 .. count, who are counted on. */
static inline void set_up_with(uint8_t count)
{
    set_up();
    for (uint8_t i = 1; i <= count; i++) {
        link_up(i);
        want(i, true);
    }
}

/* Whom the first fact of `kind` is about; 0: nobody. */
static inline uint8_t told(enum mcpz_fact_kind kind)
{
    size_t at = 0;
    const struct mcpz_action *action;
    while ((action = next_action(MCPZ_ACTION_FACT, &at)) != NULL) {
        if (action->fact.kind == kind) {
            return action->fact.about.bytes[0];
        }
    }
    return 0;
}

/* Its reason. */
static inline uint32_t reason_of(enum mcpz_fact_kind kind)
{
    size_t at = 0;
    const struct mcpz_action *action;
    while ((action = next_action(MCPZ_ACTION_FACT, &at)) != NULL) {
        if (action->fact.kind == kind) {
            return action->fact.reason;
        }
    }
    return 0;
}

static inline bool has_pinged(void)
{
    for (size_t i = 0; i < out.count; i++) {
        if (out.actions[i].kind == MCPZ_ACTION_SEND &&
            out.actions[i].send.msg.kind == MCPZ_MSG_PING) {
            return true;
        }
    }
    return false;
}

/* Tick at every deadline up to `until`, or to the first step that tells `kind`. */
static inline bool run_to(enum mcpz_fact_kind kind, mcpz_time until)
{
    while (mcpz_links_deadline(&links) <= until) {
        tick_at(mcpz_links_deadline(&links));
        if (told(kind) != 0) {
            return true;
        }
    }
    return false;
}

/* The same, where all that are linked are well. */
static inline bool chat_to(enum mcpz_fact_kind kind, mcpz_time until)
{
    while (mcpz_links_deadline(&links) <= until) {
        tick_at(mcpz_links_deadline(&links));
        if (told(kind) != 0) {
            return true;
        }
        for (size_t i = 0; i < links.count; i++) {
            hear_all_well(links.links[i].id.bytes[0]);
        }
    }
    return false;
}

#endif
