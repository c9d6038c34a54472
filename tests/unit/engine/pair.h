/*
 * Two engines and what lies between them, for tests: frames are handed over when the test says
 * so, disks are done at once unless the test holds them.
 */

#ifndef TEST_PAIR_H
#define TEST_PAIR_H

#include "core/outbox.h"
#include "crypto/identity.h"
#include "crypto/proof.h"
#include "engine/engine.h"
#include "proto/code.h"
#include "store/mem.h"
#include "test.h"

#define WALL_MS UINT64_C(1700000000000)

struct side {
    struct mcpz_identity *identity;
    struct mcpz_identity *authority;
    struct mcpz_mem *mem;
    struct mcpz_kv kv;
    struct mcpz_engine *engine;
    mcpz_link link;
    bool disk_is_held;
    bool closed; /* the engine wants its link closed */
    char why[128];
    uint32_t reply_code; /* of the last REPLY; UINT32_MAX: none */
    char reply_text[256];
    size_t dials;
    size_t wakes;
};

static struct mcpz_scratch *scratch;
static struct side founder;
static struct side other;
static const struct mcpz_vault_port
    *vaults[2]; /* the founder's, the other's; NULL: nothing is sealed */
static mcpz_time now;
static uint64_t wall_ms;
static const uint64_t *pair_history_ms;      /* of engines to be started; NULL: the default */
static enum mcpz_past_of_store pair_past;    /* likewise */
static bool pair_forgets;                    /* likewise */
static const char *pair_address = "other:1"; /* of the other; "": nobody can dial it */

static void port_wake(void *context, mcpz_link link)
{
    struct side *side = context;
    (void)link;
    side->wakes++;
}

static void port_close(void *context, mcpz_link link, const char *why)
{
    struct side *side = context;
    if (link == side->link) {
        side->closed = true;
        (void)snprintf(side->why, sizeof(side->why), "%s", why);
    }
}

static void port_act(void *context, const struct mcpz_action *action)
{
    struct side *side = context;
    if (action->kind == MCPZ_ACTION_REPLY) {
        side->reply_code = action->reply.code;
        mcpz_bytes_to_text(action->reply.text, side->reply_text, sizeof(side->reply_text));
    } else if (action->kind == MCPZ_ACTION_DIAL) {
        side->dials++;
    }
}

static inline struct mcpz_engine *enter(struct side *side)
{
    mcpz_engine_turn_begin(side->engine, now, wall_ms);
    return side->engine;
}

static inline void sync_disk(struct side *side)
{
    mcpz_mem_sync(side->mem, mcpz_mem_newest(side->mem));
    mcpz_engine_store_progress(side->engine);
}

static inline void leave(struct side *side)
{
    (void)mcpz_engine_turn_end(side->engine);
    if (!side->disk_is_held) {
        sync_disk(side);
    }
}

static inline struct mcpz_identity *identity_of(uint8_t seed)
{
    uint8_t bytes[MCPZ_SEED_BYTES] = {seed};
    struct mcpz_identity *identity;
    CHECK_UINT(mcpz_identity_create(bytes, &identity), MCPZ_OK);
    return identity;
}

/* What it writes at its start is not on its disk yet. */
static inline void start_engine(struct side *side, const char *address)
{
    struct mcpz_engine_ports ports = {
        .context = side, .wake = port_wake, .close = port_close, .act = port_act};
    struct mcpz_engine_config config = {
        .identity = side->identity,
        .authority = side->authority,
        .vault = vaults[side == &founder ? 0 : 1],
        .kv = side->kv,
        .past = pair_past,
        .scratch = scratch,
        .seed = 1,
        .name = "side",
        .address = address,
        .history_ms = pair_history_ms,
        .grace_ms = 60000,
        .forgets = pair_forgets,
    };
    CHECK_UINT(mcpz_engine_create(&config, &ports, now, wall_ms, &side->engine), MCPZ_OK);
}

static inline void start_side(struct side *side, const char *address)
{
    start_engine(side, address);
    sync_disk(side);
}

static inline void make_side(struct side *side, uint8_t key, uint8_t authority,
                             const char *address)
{
    *side = (struct side){.reply_code = UINT32_MAX};
    side->identity = identity_of(key);
    side->authority = authority != 0 ? identity_of(authority) : NULL;
    CHECK_UINT(mcpz_mem_create(&side->mem, &side->kv), MCPZ_OK);
    start_side(side, address);
}

/* A founder of mesh `2`, and a node with the mesh of its own whose key is `authority`. */
static inline void make_pair(uint8_t authority)
{
    now = MCPZ_SECONDS(1);
    wall_ms = WALL_MS;
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    CHECK_UINT(mcpz_scratch_create(&scratch), MCPZ_OK);
    make_side(&founder, 1, 2, "founder:1");
    make_side(&other, 3, authority, pair_address);
}

static inline void free_side(struct side *side)
{
    mcpz_engine_destroy(side->engine);
    mcpz_mem_destroy(side->mem);
    mcpz_identity_destroy(side->identity);
    mcpz_identity_destroy(side->authority);
}

static inline void free_pair(void)
{
    free_side(&founder);
    free_side(&other);
    mcpz_scratch_destroy(scratch);
}

static inline void open_end(struct side *side, const struct side *peer, const char *dialled)
{
    static uint8_t binding[MCPZ_BINDING_BYTES] = {7};

    side->closed = false;
    CHECK_UINT(mcpz_engine_link_opened(enter(side), mcpz_identity_id(peer->identity), binding,
                                       mcpz_text(dialled), &side->link),
               MCPZ_OK);
    leave(side);
}

/* A connection from the other to the founder, as TLS would have made it. */
static inline void connect_pair(void)
{
    open_end(&other, &founder, "founder:1");
    open_end(&founder, &other, "");
}

/* It starts again with what is on its disk, and is linked anew. */
static inline void restart_side(struct side *side)
{
    struct side *peer = side == &founder ? &other : &founder;

    mcpz_engine_destroy(side->engine);
    side->disk_is_held = false;
    start_side(side, side == &founder ? "founder:1" : pair_address);
    mcpz_engine_link_closed(enter(peer), peer->link);
    leave(peer);
    connect_pair();
}

static inline bool hand_over(struct side *from, struct side *to)
{
    if (!mcpz_engine_has_frames(from->engine, from->link)) {
        return false;
    }
    static uint8_t frame[MCPZ_FRAME_BYTES_MAX + 1];
    struct mcpz_bytes pulled = mcpz_engine_pull(from->engine, from->link);
    memcpy(frame, pulled.data, pulled.length);
    if (mcpz_engine_frame(enter(to), to->link, mcpz_bytes(frame, pulled.length)) != MCPZ_OK) {
        to->closed = true;
    }
    leave(to);
    return true;
}

/* Hand over all frames both ways until there are none. */
static inline void talk(void)
{
    bool more = true;
    while (more) {
        more = hand_over(&founder, &other);
        more = hand_over(&other, &founder) || more;
    }
}

static inline size_t link_count(const struct side *side)
{
    return mcpz_engine_node(side->engine)->fabric.links.count;
}

static uint8_t pair_secret[MCPZ_SECRET_BYTES];
static uint8_t pair_token_id[MCPZ_TOKEN_ID_BYTES];

/* A token of the founder's, copied out of the engine. */
static inline struct mcpz_join_token make_token(uint64_t ttl_ms, uint32_t uses, const char *role)
{
    struct mcpz_join_token token;
    CHECK_UINT(mcpz_engine_token_create(enter(&founder), 1, ttl_ms, uses, mcpz_text(role), &token),
               MCPZ_OK);
    memcpy(pair_secret, token.secret.data, sizeof(pair_secret));
    memcpy(pair_token_id, token.id.data, sizeof(pair_token_id));
    token.secret = mcpz_bytes(pair_secret, sizeof(pair_secret));
    token.id = mcpz_bytes(pair_token_id, sizeof(pair_token_id));
    leave(&founder);
    return token;
}

/* The other joins. */
static inline void join_with(const struct mcpz_join_token *token)
{
    CHECK_UINT(mcpz_engine_join(enter(&other), 9, token), MCPZ_OK);
    leave(&other);
    connect_pair();
    talk();
}

/* A founder, and the other as a member of its mesh. */
static inline void make_mesh(void)
{
    make_pair(0);
    const struct mcpz_join_token token = make_token(1000, 1, "");
    join_with(&token);
    CHECK_UINT(link_count(&founder), 1);
}

/* Half a second goes by for both. */
static inline void tick_both(void)
{
    now += MCPZ_MS(500);
    wall_ms += 500;
    mcpz_engine_tick(enter(&founder));
    leave(&founder);
    mcpz_engine_tick(enter(&other));
    leave(&other);
}

/* So long they go on, and say what they have to. */
static inline void pass_time(mcpz_time by)
{
    for (const mcpz_time end = now + by; now < end;) {
        tick_both();
        talk();
    }
}

#endif
