/* What the tests of the overlay share: one node, and what others say to it. */

#ifndef TEST_OVERLAY_WORLD_H
#define TEST_OVERLAY_WORLD_H

#include "core.h"
#include "core/overlay.h"

static struct mcpz_overlay overlay;
static mcpz_time now;

static inline struct mcpz_id node(uint8_t number)
{
    return (struct mcpz_id){.bytes = {number, 1}};
}

static inline void step(struct mcpz_event event)
{
    mcpz_outbox_clear(&out);
    mcpz_overlay_step(&overlay, now, &event, &out);
}

static inline void happen(enum mcpz_event_kind kind, uint8_t peer)
{
    step((struct mcpz_event){.kind = kind,
                             .link = {.peer = node(peer), .reason = MCPZ_DOWN_CLOSED}});
}

static inline void receive(uint8_t from, struct mcpz_msg msg)
{
    step((struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = node(from), .msg = &msg}});
}

static inline void hear_join(uint8_t from)
{
    receive(from, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_JOIN, .overlay_join = {.seq = 9}});
}

static inline void hear_forward(uint8_t from, uint8_t joiner, uint32_t ttl)
{
    receive(from, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_FORWARD,
                                    .overlay_forward = {.joiner = node(joiner), .ttl = ttl}});
}

static inline void hear_neighbour_of(uint8_t from, bool high, uint32_t scope)
{
    receive(from, (struct mcpz_msg){
                      .kind = MCPZ_MSG_OVERLAY_NEIGHBOUR,
                      .overlay_neighbour = {.seq = 9, .high = high, .scope = scope},
                  });
}

static inline void hear_neighbour(uint8_t from, bool high)
{
    hear_neighbour_of(from, high, overlay.config.scope);
}

static inline void hear_answer_of(uint8_t from, uint32_t seq, bool accepted, uint32_t scope)
{
    receive(from, (struct mcpz_msg){
                      .kind = MCPZ_MSG_OVERLAY_ANSWER,
                      .overlay_answer = {.seq = seq, .accepted = accepted, .scope = scope},
                  });
}

static inline void hear_answer(uint8_t from, uint32_t seq, bool accepted)
{
    hear_answer_of(from, seq, accepted, overlay.config.scope);
}

static inline void hear_disconnect(uint8_t from, bool leaving)
{
    receive(from, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_DISCONNECT,
                                    .overlay_disconnect = {leaving}});
}

static inline void hear_ping(uint8_t from, bool held)
{
    receive(from, (struct mcpz_msg){.kind = MCPZ_MSG_PING, .ping = {.neighbour = held}});
}

/* A shuffle of `origin` that has passed only it. */
static inline void hear_shuffle(uint8_t from, uint8_t origin, uint32_t ttl,
                                const struct mcpz_overlay_entry *entries, size_t count)
{
    const struct mcpz_id first = node(origin);
    const struct mcpz_short path[] = {mcpz_short_of(&first)};

    receive(from, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_SHUFFLE,
                                    .overlay_shuffle = {.origin = first,
                                                        .seq = 5,
                                                        .ttl = ttl,
                                                        .entries = entries,
                                                        .entry_count = count,
                                                        .path = path,
                                                        .path_count = 1}});
}

static inline void hear_shuffled(uint8_t from, uint32_t seq,
                                 const struct mcpz_overlay_entry *entries, size_t count)
{
    receive(from, (struct mcpz_msg){
                      .kind = MCPZ_MSG_OVERLAY_SHUFFLED,
                      .overlay_shuffled = {.seq = seq, .entries = entries, .entry_count = count},
                  });
}

static inline bool is_neighbour(uint8_t number)
{
    struct mcpz_id id = node(number);
    return mcpz_overlay_is_neighbour(&overlay, &id);
}

static inline bool is_passive(uint8_t number)
{
    struct mcpz_id id = node(number);
    return mcpz_passive_has(&overlay.passive, &id);
}

static inline bool is_wanted(uint8_t number)
{
    struct mcpz_id id = node(number);
    return mcpz_overlay_wants(&overlay, &id);
}

static inline void keep_passive_of(uint8_t number, uint32_t scope)
{
    const struct mcpz_overlay_entry entry = {.id = node(number), .scope = scope};
    mcpz_passive_add(&overlay.passive, &entry, now, &overlay.rng);
}

static inline void keep_passive(uint8_t number)
{
    keep_passive_of(number, overlay.config.scope);
}

/* Whom the only message of `kind` went to. */
static inline uint8_t receiver_of(enum mcpz_msg_kind kind)
{
    const struct mcpz_action *found = NULL;
    for (size_t i = 0; i < out.count; i++) {
        const struct mcpz_action *action = &out.actions[i];
        if (action->kind == MCPZ_ACTION_SEND && action->send.msg.kind == kind) {
            CHECK(found == NULL);
            found = action;
        }
    }
    CHECK(found != NULL);
    return found == NULL ? 0 : found->send.peers->bytes[0];
}

static inline size_t count_sent(enum mcpz_msg_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < out.count; i++) {
        const struct mcpz_action *action = &out.actions[i];
        count += action->kind == MCPZ_ACTION_SEND && action->send.msg.kind == kind;
    }
    return count;
}

static inline uint8_t reached(void)
{
    return only_action(MCPZ_ACTION_REACH)->reach.peer.bytes[0];
}

static inline uint32_t down_reason(void)
{
    size_t at = 0;
    const struct mcpz_action *action;
    while ((action = next_action(MCPZ_ACTION_FACT, &at)) != NULL) {
        if (action->fact.kind == MCPZ_FACT_NEIGHBOUR_DOWN) {
            return action->fact.reason;
        }
    }
    return 0;
}

static inline void tick(void)
{
    step((struct mcpz_event){.kind = MCPZ_EVENT_TICK});
}

static inline void set_up_as(struct mcpz_overlay_config config)
{
    static _Alignas(16) uint8_t memory[65536];
    struct mcpz_arena arena;

    CHECK(mcpz_overlay_bytes(&config) <= sizeof(memory));
    mcpz_arena_init(&arena, memory, mcpz_overlay_bytes(&config));
    now = MCPZ_SECONDS(10000);
    mcpz_outbox_init(&out);
    mcpz_overlay_init(&overlay, &self, &config, &arena, 1, now);
}

static inline void set_up(size_t active_max)
{
    set_up_as((struct mcpz_overlay_config){.active_max = active_max, .passive_max = 10});
}

/* Neighbours 1 .. count. */
static inline void set_up_with(size_t active_max, uint8_t count)
{
    set_up(active_max);
    for (uint8_t i = 1; i <= count; i++) {
        hear_neighbour(i, true);
        CHECK(is_neighbour(i));
    }
}

/* One round of repair, with as many candidates asked as say no. */
static inline void tick_repair(void)
{
    now = overlay.promote_at_us;
    overlay.shuffle_at_us = MCPZ_TIME_NEVER;
    tick();
}

#endif
