#include "engine/engine.h"

#include <assert.h>
#include <stdlib.h>

#include "core/crdt/lives.h"
#include "engine/internal.h"
#include "wire/codec.h"
#include "wire/plan.h"

#define FULL_US MCPZ_SECONDS(45) /* after a batch that found no room on the disk */
#define SAVE_AGAIN_US MCPZ_SECONDS(1)
#define MEMBER_BYTES_MAX 2048 /* of one member's own words, encoded */
#define UNSETTLED UINT64_MAX  /* of a batch: its turn has not ended */

/* ---- Stepping ----------------------------------------------------------------------------- */

/*
 * What must not go back after a restart: the generation we write as, and our incarnation, below
 * which what we say of ourselves would be old news to the others. Incarnations are kept in blocks,
 * well ahead of their use, so that a refutation need not wait for the disk.
 */
void mcpz_engine_keep_self(struct mcpz_engine *engine)
{
    uint32_t generation = engine->node.agents.actor.generation;
    uint64_t incarnation = mcpz_members_self(&engine->node.fabric.members)->incarnation;
    bool runs_short = incarnation + MCPZ_INCARNATIONS_KEPT / 2 > engine->incarnation_ceiling;

    engine->node_config.fabric.members.incarnation = incarnation;
    if (runs_short) {
        engine->incarnation_ceiling = incarnation + MCPZ_INCARNATIONS_KEPT;
    }
    if (runs_short || generation != engine->node_config.generation) {
        engine->node_config.generation = generation;
        mcpz_engine_save_self(engine);
    }
}

void mcpz_engine_step(struct mcpz_engine *engine, struct mcpz_event *event)
{
    struct mcpz_outbox *out = &engine->scratch->outbox;

    assert(engine->in_turn);
    assert(!engine->stepping);
    engine->stepping = true;
    event->wall_ms = engine->wall_ms;
    mcpz_outbox_clear(out);
    mcpz_node_step(&engine->node, engine->now, event, out);

    mcpz_engine_keep_self(engine);
    for (size_t i = 0; i < out->count; i++) {
        mcpz_outbound_action(engine, &out->actions[i]);
    }
    if (engine->scratch->outgoing.own_count >= MCPZ_OWN_BATCH_DELTAS) {
        mcpz_signing_sign(engine);
    }
    engine->stepping = false;
}

/* Links that had to be closed while actions were carried out: the core hears of them now. */
static bool tell_one_link_down(struct mcpz_engine *engine)
{
    for (size_t i = 0; i < MCPZ_CONNECTED_MAX && engine->has_fallen; i++) {
        struct mcpz_link_row *row = &engine->links[i];
        if (row->id != 0 && row->down_reason != 0) {
            struct mcpz_event event = {
                .kind = MCPZ_EVENT_LINK_DOWN,
                .link = {.peer = row->peer, .reason = row->down_reason},
            };
            row->down_reason = 0;
            mcpz_engine_step(engine, &event);
            return true;
        }
    }
    engine->has_fallen = false;
    return false;
}

void mcpz_engine_follow_up(struct mcpz_engine *engine)
{
    if (engine->stepping) {
        return;
    }
    while (mcpz_inbound_loopback(engine) || tell_one_link_down(engine)) {
    }
}

void mcpz_engine_dispatch(struct mcpz_engine *engine, struct mcpz_event *event)
{
    if (event->kind == MCPZ_EVENT_RECV) {
        event->recv.relayed = engine->hears_letter;
    }
    mcpz_engine_step(engine, event);
    mcpz_engine_follow_up(engine);
}

void mcpz_engine_save_self(struct mcpz_engine *engine)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_SELF,
        .self =
            {
                .mesh = engine->mesh,
                .certificate = mcpz_certificate_slice(&engine->certificate),
                .incarnation = engine->incarnation_ceiling,
                .generation = engine->node_config.generation,
            },
    };
    engine->store.put(engine->store.context, &record);
    engine->self_batch = UNSETTLED;
}

/*
 * A block of incarnations is kept well before its first is used, but for two: that of a start, and
 * that of who was set back and hears how far it had come. Those are not said before they are kept,
 * or the next life would say them again, or lesser ones.
 */
bool mcpz_engine_may_speak(const struct mcpz_engine *engine)
{
    return mcpz_members_self(&engine->node.fabric.members)->incarnation <=
           engine->incarnation_kept;
}

/* The batch with what we must know of ourselves may be done. */
static void note_self_kept(struct mcpz_engine *engine)
{
    if (engine->self_batch == 0 || engine->self_batch == UNSETTLED) {
        return;
    }
    if (engine->self_batch <= engine->progress.durable) {
        const bool could_speak = mcpz_engine_may_speak(engine);
        engine->self_batch = 0;
        engine->incarnation_kept = engine->incarnation_ceiling;
        if (!could_speak && mcpz_engine_may_speak(engine)) {
            mcpz_link_rows_wake_all(engine);
        }
    } else if (engine->self_batch <= engine->progress.failed) {
        engine->self_batch = 0; /* it is saved again */
    }
}

static void copy_text(char *to, size_t capacity, const char *from)
{
    mcpz_bytes_to_text(mcpz_text(from != NULL ? from : ""), to, capacity);
}

/* ---- What the core borrows from others ---------------------------------------------------- */

static size_t pack(const struct mcpz_msg *msg, uint8_t *buffer, size_t capacity)
{
    size_t length = 0;
    mcpz_error error = mcpz_msg_encode(msg, buffer, capacity, &length);

    return error == MCPZ_OK ? length : 0;
}

static bool unpack(struct mcpz_bytes bytes, struct mcpz_arena *arena, struct mcpz_msg *msg)
{
    return mcpz_msg_decode(bytes, arena, msg) == MCPZ_OK;
}

static const struct mcpz_packer packer = {.pack = pack, .unpack = unpack};

/* The bytes a member signs: what it says of itself, encoded without a signature. */
static struct mcpz_bytes signed_bytes(const struct mcpz_msg_member *member, uint8_t *buffer,
                                      size_t capacity)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_MEMBER, .member = *member};

    msg.member.signature = mcpz_bytes(NULL, 0);
    return mcpz_bytes(buffer, pack(&msg, buffer, capacity));
}

static void sign_member(void *context, const struct mcpz_msg_member *member, uint8_t *signature)
{
    const struct mcpz_engine *engine = context;
    uint8_t buffer[MEMBER_BYTES_MAX];

    mcpz_identity_sign(engine->identity, signed_bytes(member, buffer, sizeof(buffer)), signature);
}

static bool is_revoked(void *context, const struct mcpz_id *node)
{
    return mcpz_revocations_find(context, node) != NULL;
}

static bool verify_member(void *context, const struct mcpz_msg_member *member)
{
    uint8_t buffer[MEMBER_BYTES_MAX];
    struct mcpz_bytes said = signed_bytes(member, buffer, sizeof(buffer));

    (void)context;
    return said.length > 0 &&
           mcpz_signature_verify(&member->id, said, member->signature) == MCPZ_OK;
}

/* ---- Making one --------------------------------------------------------------------------- */

static void copy_config(struct mcpz_engine *engine, const struct mcpz_engine_config *config)
{
    struct mcpz_members_config *members = &engine->node_config.fabric.members;
    assert(config->role_count <= MCPZ_ROLES_MAX);

    copy_text(engine->texts.name, sizeof(engine->texts.name), config->name);
    copy_text(engine->texts.address, sizeof(engine->texts.address), config->address);
    copy_text(engine->texts.region, sizeof(engine->texts.region), config->region);
    copy_text(engine->texts.zone, sizeof(engine->texts.zone), config->zone);
    *members = (struct mcpz_members_config){
        .id = *mcpz_identity_id(config->identity),
        .incarnation = 1,
        .name = engine->texts.name,
        .address = engine->texts.address,
        .region = engine->texts.region,
        .zone = engine->texts.zone,
        .role_count = config->role_count,
        .notary = {.context = engine,
                   .sign = sign_member,
                   .verify = verify_member,
                   .is_revoked = is_revoked},
    };
    for (size_t i = 0; i < config->role_count; i++) {
        copy_text(engine->texts.roles[i], sizeof(engine->texts.roles[i]), config->roles[i]);
        members->roles[i] = engine->texts.roles[i];
    }
    engine->node_config.fabric.timing = config->timing;
    engine->node_config.fabric.seed = config->seed;
    engine->node_config.fabric.neighbours_max = config->neighbours_max;
    assert(config->relayed_max <= MCPZ_RELAY_SESSIONS_MAX);
    engine->node_config.sealer = mcpz_sealing_port(engine);
    engine->node_config.planner = &mcpz_json_planner;
    engine->node_config.opener = mcpz_layouts_port(engine);
    engine->node_config.layout_nodes_max = config->layout_nodes_max;
    engine->node_config.relayed_max = config->relayed_max;
    engine->node_config.calls.out_max = config->calls_max;
    engine->node_config.calls.in_max = config->calls_max;
    engine->node_config.calls.gate = config->gate;
    engine->node_config.fabric.packer = packer;
    engine->node_config.generation = 1;
}

/* What the store remembers of us: mesh, certificate, how often we have started. */
static mcpz_error recall_self(struct mcpz_engine *engine, enum mcpz_past_of_store past)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_SELF};
    mcpz_error error = engine->store.get(engine->store.context, &record);

    engine->incarnation_ceiling = MCPZ_INCARNATIONS_KEPT;
    if (error == MCPZ_ENOTFOUND) {
        mcpz_engine_save_self(engine);
        return MCPZ_OK;
    }
    if (error != MCPZ_OK) {
        return error;
    }
    engine->node_config.fabric.members.incarnation = record.self.incarnation + 1;
    engine->incarnation_kept = record.self.incarnation;
    engine->incarnation_ceiling = record.self.incarnation + MCPZ_INCARNATIONS_KEPT;
    engine->node_config.generation = record.self.generation;
    if (past != MCPZ_STORE_VOUCHED_FOR) { /* kept by the adoption below, in this turn */
        struct mcpz_rng rng;
        mcpz_rng_init(&rng, engine->node_config.fabric.seed);
        engine->node_config.generation =
            mcpz_lives_next(record.self.generation, past == MCPZ_STORE_SET_BACK, &rng);
    }
    struct mcpz_id mesh = record.self.mesh;
    struct mcpz_certificate_bytes kept = {.length = record.self.certificate.length};
    memcpy(kept.bytes, record.self.certificate.data, kept.length);
    mcpz_admission_adopt(engine, &mesh, mcpz_certificate_slice(&kept));
    return MCPZ_OK;
}

/* Whom we have met is as good as a seed. */
static void recall_peers(struct mcpz_engine *engine)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_PEER};
    size_t seeds = 0;

    for (size_t i = 0; i < MCPZ_MEMBERS_MAX && seeds < MCPZ_SEEDS_MAX; i++) {
        if (engine->store.next(engine->store.context, MCPZ_SCAN_KIND, i == 0, &record) !=
            MCPZ_OK) {
            return;
        }
        if (record.peer.address.length == 0) {
            continue; /* nobody can dial it */
        }
        seeds++;
        struct mcpz_event seed = {
            .kind = MCPZ_EVENT_SEED,
            .seed = {.address = record.peer.address},
        };
        mcpz_engine_dispatch(engine, &seed);
    }
}

static bool is_founder(const struct mcpz_engine *engine)
{
    return engine->authority != NULL &&
           (mcpz_id_is_zero(&engine->mesh) ||
            mcpz_id_equal(&engine->mesh, mcpz_identity_id(engine->authority)));
}

static mcpz_error begin(struct mcpz_engine *engine, enum mcpz_past_of_store past)
{
    mcpz_error error = recall_self(engine, past);
    if (error == MCPZ_OK) {
        error = mcpz_revocations_load(engine);
        mcpz_admission_review(engine);
    }
    if (error == MCPZ_OK && is_founder(engine)) {
        error = mcpz_admission_found(engine);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    engine->node_memory = calloc(1, mcpz_node_bytes(&engine->node_config));
    if (engine->node_memory == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_node_init(&engine->node, &engine->node_config, &engine->store, engine->node_memory,
                   engine->now);
    engine->node_config.calls.gate = NULL; /* it was borrowed */
    recall_peers(engine);
    return MCPZ_OK;
}

void mcpz_engine_keep(struct mcpz_engine *engine, const uint64_t *history_ms, uint64_t grace_ms)
{
    engine->history_ms = history_ms != NULL ? *history_ms : MCPZ_HISTORY_ALL;
    engine->grace_ms = grace_ms != 0 ? grace_ms : MCPZ_GRACE_MS_DEFAULT;
    engine->node_config.grace_ms = engine->grace_ms;
    engine->node.agents.horizon.grace_ms = engine->grace_ms;
}

mcpz_error mcpz_engine_create(const struct mcpz_engine_config *config,
                              const struct mcpz_engine_ports *ports, mcpz_time now,
                              uint64_t wall_ms, struct mcpz_engine **engine)
{
    struct mcpz_engine *made = calloc(1, sizeof(*made));

    *engine = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->ports = *ports;
    made->identity = config->identity;
    made->authority = config->authority;
    made->scratch = config->scratch;
    made->certificate_renew_ms = UINT64_MAX;
    made->save_again_us = MCPZ_TIME_NEVER;
    made->fold_deltas = config->fold_deltas > 1 ? config->fold_deltas : MCPZ_FOLD_DELTAS;
    mcpz_engine_keep(made, config->history_ms, config->grace_ms);
    made->collecting.next_us = MCPZ_TIME_NEVER;
    made->forgetting.is_on = config->forgets;
    copy_config(made, config);
    mcpz_persist_init(&made->persist, &config->kv, config->scratch, &made->store);
    made->persist.watch = mcpz_signing_note;
    made->persist.watch_context = made;
    mcpz_error error =
        config->vault != NULL ? mcpz_at_rest_create(config->vault, &made->rest) : MCPZ_OK;
    if (error != MCPZ_OK) {
        mcpz_engine_destroy(made);
        return error;
    }
    mcpz_persist_seal(&made->persist, made->rest);

    mcpz_engine_turn_begin(made, now, wall_ms);
    error = begin(made, config->past);
    (void)mcpz_engine_turn_end(made);
    if (error != MCPZ_OK) {
        mcpz_engine_destroy(made);
        return error;
    }
    *engine = made;
    return MCPZ_OK;
}

void mcpz_engine_destroy(struct mcpz_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    for (size_t i = 0; i < MCPZ_CONNECTED_MAX; i++) {
        mcpz_lane_clear(&engine->links[i].control);
        mcpz_lane_clear(&engine->links[i].data);
        free(engine->links[i].told);
    }
    mcpz_letters_clear(engine);
    mcpz_lane_clear(&engine->loopback);
    mcpz_outbound_clear(engine);
    mcpz_sealing_clear(engine);
    mcpz_collecting_clear(engine);
    mcpz_transfers_clear(engine);
    mcpz_revocations_clear(engine);
    free(engine->node_memory);
    mcpz_at_rest_destroy(engine->rest);
    mcpz_wipe(engine, sizeof(*engine));
    free(engine);
}

/* ---- The turn ----------------------------------------------------------------------------- */

void mcpz_engine_turn_begin(struct mcpz_engine *engine, mcpz_time now, uint64_t wall_ms)
{
    assert(!engine->stepping);
    assert(now >= engine->now);

    engine->in_turn = true;
    engine->now = now;
    engine->wall_ms = wall_ms;
}

uint64_t mcpz_engine_turn_end(struct mcpz_engine *engine)
{
    uint64_t newest = 0;
    assert(engine->in_turn && !engine->stepping);

    /* Letting something out can make a step that writes, so more than once; rarely. */
    do {
        (void)mcpz_letters_run(engine);
        mcpz_late_settle(engine);
        mcpz_outgoing_flush(engine);
        uint64_t batch = mcpz_persist_commit(&engine->persist);
        if (batch != 0) {
            engine->counters.batches++;
            engine->last_batch = batch;
            newest = batch;
            if (engine->self_batch == UNSETTLED) {
                engine->self_batch = batch;
            }
        }
        mcpz_outbound_settle(engine, engine->last_batch);
        mcpz_outbound_release(engine);
    } while (mcpz_letters_run(engine) || mcpz_outbound_is_unsettled(engine));
    mcpz_arena_clear(&engine->scratch->read_arena); /* or all of it would come into use in time */
    engine->in_turn = false;
    return newest;
}

/* It is asked for what it lacks at least as often as that (core/keeping/pull.h). */
static_assert(FULL_US > MCPZ_PULL_AGAIN_US << 5, "who has no room says so until it has");

bool mcpz_engine_is_full(const struct mcpz_engine *engine)
{
    return engine->now < engine->full_until_us;
}

void mcpz_engine_store_progress(struct mcpz_engine *engine)
{
    assert(!engine->in_turn);

    uint64_t failed_before = engine->progress.failed;
    engine->progress = engine->persist.kv.progress(engine->persist.kv.context);
    mcpz_engine_turn_begin(engine, engine->now, engine->wall_ms);
    if (engine->progress.failed > failed_before) {
        /* What failed before was counted then: `durable` stays where it is on a full disk. */
        uint64_t counted =
            failed_before > engine->progress.durable ? failed_before : engine->progress.durable;
        engine->counters.batches_failed += engine->progress.failed - counted;
        if (engine->progress.error == MCPZ_ENOSPACE) {
            engine->full_until_us = engine->now + FULL_US;
        }
        mcpz_agents_recount(&engine->node.agents, engine->now);
        mcpz_tasks_recover(&engine->node.tasks);
        mcpz_keeping_recover(&engine->node.keeping, engine->now);
        /* Both may have been among them. Not at once: it would fail as well while a disk is full.
         */
        engine->save_again_us = engine->now + SAVE_AGAIN_US;
    }
    note_self_kept(engine);
    mcpz_outbound_release(engine);
    (void)mcpz_engine_turn_end(engine);
}

void mcpz_engine_tick(struct mcpz_engine *engine)
{
    struct mcpz_event tick = {.kind = MCPZ_EVENT_TICK};

    if (engine->join.active && engine->wall_ms >= engine->join.expires_ms) {
        mcpz_admission_end_join(engine, MCPZ_CODE_TOKEN_EXPIRED,
                                "the token expired before anybody answered");
    }
    if (engine->save_again_us <= engine->now) {
        engine->save_again_us = MCPZ_TIME_NEVER;
        mcpz_engine_save_self(engine);
        mcpz_layouts_rewrite(&engine->node.layouts);
        mcpz_horizon_rewrite(&engine->node.agents.horizon);
        mcpz_revocations_rewrite(engine);
    }
    mcpz_admission_tick(engine);
    mcpz_folding_tick(engine);
    mcpz_collecting_tick(engine);
    mcpz_transfers_tick(engine);
    mcpz_forgetting_tick(engine);
    mcpz_engine_dispatch(engine, &tick);
}

mcpz_time mcpz_engine_deadline(const struct mcpz_engine *engine)
{
    const mcpz_time deadline =
        mcpz_time_min(mcpz_node_deadline(&engine->node), mcpz_admission_deadline(engine));

    const mcpz_time folding = mcpz_time_min(
        mcpz_folding_deadline(engine),
        mcpz_time_min(mcpz_collecting_deadline(engine), mcpz_transfers_deadline(engine)));

    return mcpz_time_min(mcpz_time_min(engine->save_again_us, mcpz_forgetting_deadline(engine)),
                         mcpz_time_min(deadline, folding));
}

/* ---- Requests ----------------------------------------------------------------------------- */

void mcpz_engine_event(struct mcpz_engine *engine, struct mcpz_event *event)
{
    mcpz_engine_dispatch(engine, event);
}

void mcpz_engine_dial_failed(struct mcpz_engine *engine, struct mcpz_bytes address, bool refused)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_DIAL_FAILED,
        .seed = {.address = address, .refused = refused},
    };
    engine->counters.dials_failed++;
    mcpz_engine_dispatch(engine, &event);
}

uint64_t mcpz_engine_next_request(struct mcpz_engine *engine)
{
    return mcpz_engine_next_requests(engine, 1);
}

uint64_t mcpz_engine_next_requests(struct mcpz_engine *engine, size_t count)
{
    const uint64_t first = engine->next_request + 1;

    engine->next_request += count;
    return first;
}

static bool is_alone(const struct mcpz_engine *engine)
{
    return engine->node.fabric.links.count == 0 &&
           mcpz_members_alive_count(&engine->node.fabric.members) == 1;
}

mcpz_error mcpz_engine_join(struct mcpz_engine *engine, uint64_t request,
                            const struct mcpz_join_token *token)
{
    assert(engine->in_turn);

    if (mcpz_id_equal(&token->mesh, &engine->mesh) || engine->join.active || !is_alone(engine)) {
        return MCPZ_ECONFLICT;
    }
    if (engine->wall_ms >= token->expires_ms) {
        return MCPZ_EEXPIRED;
    }
    engine->join = (struct mcpz_pending_join){
        .active = true,
        .request = request,
        .mesh = token->mesh,
        .expires_ms = token->expires_ms,
    };
    assert(token->id.length == MCPZ_TOKEN_ID_BYTES);
    memcpy(engine->join.token_id, token->id.data, MCPZ_TOKEN_ID_BYTES);
    mcpz_proof_key(token->secret, engine->join.key);
    for (size_t i = 0; i < token->address_count; i++) {
        struct mcpz_event seed = {
            .kind = MCPZ_EVENT_SEED,
            .seed = {.address = token->addresses[i]},
        };
        mcpz_engine_dispatch(engine, &seed);
    }
    return MCPZ_OK;
}

static void forget_peers(struct mcpz_engine *engine)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_PEER};

    while (engine->store.next(engine->store.context, MCPZ_SCAN_KIND, true, &record) == MCPZ_OK) {
        engine->store.remove(engine->store.context, &record);
    }
}

void mcpz_engine_leave(struct mcpz_engine *engine, uint64_t request)
{
    struct mcpz_event leave = {.kind = MCPZ_EVENT_LEAVE};
    assert(engine->in_turn);

    mcpz_engine_dispatch(engine, &leave);
    for (size_t i = 0; i < MCPZ_CONNECTED_MAX; i++) {
        if (engine->links[i].id != 0) {
            mcpz_link_rows_close(engine, &engine->links[i], MCPZ_DOWN_LEFT, "leaving the mesh");
        }
    }
    engine->mesh = (struct mcpz_id){0};
    engine->certificate.length = 0;
    engine->certificate_end_ms = 0;
    engine->certificate_renew_ms = UINT64_MAX;
    forget_peers(engine);
    mcpz_revocations_start_over(engine);
    engine->node_config.fabric.members.incarnation++;
    mcpz_engine_save_self(engine);
    mcpz_node_start_over(&engine->node, &engine->node_config, engine->now);
    mcpz_outbound_reply(engine, request, MCPZ_CODE_OK, "");
}

/* ---- Looking ------------------------------------------------------------------------------ */

void mcpz_engine_explain(struct mcpz_engine *engine, struct mcpz_bytes capability,
                         struct mcpz_explanation *explanation)
{
    mcpz_node_explain(&engine->node, engine->now, capability, explanation);
}

const struct mcpz_node *mcpz_engine_node(const struct mcpz_engine *engine)
{
    return &engine->node;
}

const struct mcpz_counters *mcpz_engine_counters(const struct mcpz_engine *engine)
{
    return &engine->counters;
}

const struct mcpz_engine_sent *mcpz_engine_sent(const struct mcpz_engine *engine,
                                                enum mcpz_msg_kind kind)
{
    assert(kind < MCPZ_MSG_KIND_END);
    return &engine->sent[kind];
}

const struct mcpz_id *mcpz_engine_id(const struct mcpz_engine *engine)
{
    return mcpz_identity_id(engine->identity);
}

const struct mcpz_id *mcpz_engine_mesh(const struct mcpz_engine *engine)
{
    return &engine->mesh;
}

uint64_t mcpz_engine_certificate_end_ms(const struct mcpz_engine *engine)
{
    return engine->certificate_end_ms;
}

bool mcpz_engine_is_joining(const struct mcpz_engine *engine)
{
    return engine->join.active;
}

const struct mcpz_store *mcpz_engine_store(struct mcpz_engine *engine)
{
    return &engine->store;
}
