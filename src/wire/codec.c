#include "wire/codec.h"

#include <assert.h>
#include <string.h>

#include "proto/cert.h"
#include "proto/code.h"
#include "proto/limits.h"
#include "wire/rows.h"
#include "wire/shape.h"

/* ---- The wire format ---------------------------------------------------------------------- */

#define S struct mcpz_bytes
static const struct mcpz_field capability_fields[] = {
    {.type = MCPZ_FIELD_TEXT, .max = MCPZ_CAPABILITY_BYTES_MAX},
};
static const struct mcpz_layout capability_layout = LAYOUT(S, capability_fields);
#undef S

#define S struct mcpz_digest
static const struct mcpz_field digest_fields[] = {{ID(S, document)}, {U64(S, digest)}};
static const struct mcpz_layout digest_layout = LAYOUT(S, digest_fields);
#undef S

#define S struct mcpz_msg_hello
static const struct mcpz_field hello_fields[] = {
    {U32(S, version_min)}, {U32(S, version_max)},
    {ID(S, mesh)},         {BYTES(S, certificate, 0, MCPZ_CERTIFICATE_BYTES_MAX)},
    {BOOL(S, joining)},
};
#undef S

#define S struct mcpz_msg_join
static const struct mcpz_field join_fields[] = {
    {BYTES(S, token_id, MCPZ_TOKEN_ID_BYTES, MCPZ_TOKEN_ID_BYTES)},
    {BYTES(S, proof, MCPZ_PROOF_BYTES, MCPZ_PROOF_BYTES)},
};
#undef S

#define S struct mcpz_msg_admit
static const struct mcpz_field admit_fields[] = {
    {BYTES(S, certificate, 0, MCPZ_CERTIFICATE_BYTES_MAX)},
};
#undef S

/* A failure never says "ok". */
#define CODE(S, member) U32_IN(S, member, MCPZ_CODE_OK + 1, UINT32_MAX)

#define S struct mcpz_msg_refuse
static const struct mcpz_field refuse_fields[] = {
    {CODE(S, code)},
    {TEXT(S, text, MCPZ_MESSAGE_BYTES_MAX)},
    {LIST(S, proof, proof_count, mcpz_revocation_layout, 1), SINCE},
};
#undef S

#define S struct mcpz_msg_revoked
static const struct mcpz_field revoked_fields[] = {
    {U64(S, digest)},
    {BOOL(S, asks)},
    {LIST(S, rows, row_count, mcpz_revocation_layout, MCPZ_REVOCATIONS_PER_MESSAGE_MAX)},
};
#undef S

#define S struct mcpz_msg_ping
static const struct mcpz_field ping_fields[] = {
    {U32(S, seq)},     {U32(S, echo)},   {U32(S, echo_us)},
    {U32(S, next_ms)}, {U32(S, digest)}, {BOOL(S, neighbour)},
};
#undef S

#define S struct mcpz_msg_member
static const struct mcpz_field member_fields[] = {
    {ID(S, id)},
    {U64(S, incarnation)},
    {U32_IN(S, state, MCPZ_MEMBER_ALIVE, MCPZ_MEMBER_STATE_END - 1)},
    {NAME(S, name)},
    {TEXT(S, address, MCPZ_ADDRESS_BYTES_MAX)},
    {NAME(S, region)},
    {NAME(S, zone)},
    {LIST(S, roles, role_count, mcpz_name_layout, MCPZ_ROLES_MAX)},
    {BYTES(S, signature, 0, MCPZ_SIGNATURE_BYTES)},
};
#undef S

#define S struct mcpz_msg_suspect
static const struct mcpz_field suspect_fields[] = {
    {ID(S, about)},
    {U64(S, incarnation)},
    {ID(S, observer)},
    {U32_IN(S, reason, MCPZ_SUSPICION_LATE, MCPZ_SUSPICION_END - 1)},
};
#undef S

#define S struct mcpz_msg_dead
static const struct mcpz_field dead_fields[] = {
    {ID(S, about)},
    {U64(S, incarnation)},
    {ID(S, observer)},
};
#undef S

static const struct mcpz_field short_fields[] = {{U32(struct mcpz_short, value)}};
static const struct mcpz_layout short_layout = LAYOUT(struct mcpz_short, short_fields);

#define S struct mcpz_msg_adjacency
static const struct mcpz_field adjacency_fields[] = {
    {ID(S, id)},
    {U64(S, incarnation)},
    {U32(S, version)},
    {LIST(S, peers, peer_count, short_layout, MCPZ_ADJACENCY_MAX)},
};
#undef S

#define S struct mcpz_summary_row
static const struct mcpz_field summary_row_fields[] = {
    {U64(S, key)},
    {U64(S, incarnation)},
    {U32(S, version)},
    {BOOL(S, gone)},
};
static const struct mcpz_layout summary_row_layout = LAYOUT(S, summary_row_fields);
#undef S

#define S struct mcpz_msg_summary
static const struct mcpz_field summary_fields[] = {
    {U32_IN(S, what, MCPZ_SUMMARY_MEMBERS, MCPZ_SUMMARY_CAPABILITIES)},
    {BOOL(S, reply)},
    {LIST(S, rows, row_count, summary_row_layout, MCPZ_MEMBERS_MAX)},
};
#undef S

#define SHORTS(S, member, count) LIST(S, member, count, short_layout, MCPZ_OVERLAY_WALK_MAX)

#define S struct mcpz_msg_probe
static const struct mcpz_field probe_fields[] = {
    {U32_IN(S, kind, MCPZ_PROBE_ASK, MCPZ_PROBE_NACK)},
    {U32(S, seq)},
    {U32_IN(S, at, 0, MCPZ_OVERLAY_WALK_MAX - 1)},
    {SHORTS(S, path, path_count)},
};
#undef S

#define S struct mcpz_msg_capabilities
static const struct mcpz_field capabilities_fields[] = {
    {ID(S, id)},
    {U64(S, incarnation)},
    {U32(S, version)},
    {LIST(S, names, name_count, capability_layout, MCPZ_CAPABILITIES_PER_NODE_MAX)},
    {BYTES(S, isolations, 0, MCPZ_CAPABILITIES_PER_NODE_MAX), SINCE},
};
#undef S

/* A whole id, or none. */
static mcpz_error check_target(struct mcpz_bytes bytes)
{
    return bytes.length == 0 || bytes.length == MCPZ_ID_BYTES ? MCPZ_OK : MCPZ_EPROTO;
}

#define S struct mcpz_msg_open
static const struct mcpz_field open_fields[] = {
    {U64(S, call)},
    {TEXT(S, capability, MCPZ_CAPABILITY_BYTES_MAX)},
    {U32(S, timeout_ms)},
    {U32_IN(S, attempt, 1, UINT32_MAX)},
    {U32_IN(S, priority, 0, MCPZ_PRIORITY_MAX)},
    {TEXT(S, tenant, MCPZ_TENANT_BYTES_MAX)},
    {TEXT(S, traceparent, MCPZ_TRACEPARENT_BYTES_MAX)},
    {BYTES(S, params, 0, MCPZ_PARAMS_BYTES_MAX)},
    {BOOL(S, has_input)},
    {TEXT(S, idempotency_key, MCPZ_IDEMPOTENCY_KEY_BYTES_MAX)},
    {BOOL(S, idempotent)},
    {BOOL(S, durable)},
    {BYTES(S, target, 0, MCPZ_ID_BYTES), .check = check_target, SINCE},
    {U32(S, spared), SINCE},
    {U32(S, isolation), SINCE},
    {U32_IN(S, levels, 0, MCPZ_SUBTASK_LEVELS_MAX), SINCE},
};
#undef S

#define S struct mcpz_msg_data
static const struct mcpz_field data_fields[] = {
    {U64(S, call)},
    {BOOL(S, from_caller)},
    {BYTES(S, chunk, 1, MCPZ_CHUNK_BYTES_MAX)},
};
#undef S

#define TURNS_AWAY(S) U32_IN(S, turns_away, 0, MCPZ_SHED_CLASSES - 1), SINCE

#define S struct mcpz_msg_end
static const struct mcpz_field end_fields[] = {
    {U64(S, call)},         {BOOL(S, from_caller)}, {BYTES(S, chunk, 0, MCPZ_CHUNK_BYTES_MAX)},
    {U32(S, load)},         {U32(S, latency_us)},   {TURNS_AWAY(S)},
    {BOOL(S, plan), SINCE},
};
#undef S

#define S struct mcpz_msg_load
static const struct mcpz_field load_fields[] = {
    {TEXT(S, capability, MCPZ_CAPABILITY_BYTES_MAX)},
    {U32(S, in_flight)},
    {U32(S, latency_us)},
    {TURNS_AWAY(S)},
};
#undef S

static const struct mcpz_field load_ask_fields[] = {
    {TEXT(struct mcpz_msg_load_ask, capability, MCPZ_CAPABILITY_BYTES_MAX)}};

#define S struct mcpz_msg_fail
static const struct mcpz_field fail_fields[] = {
    {U64(S, call)},           {CODE(S, code)}, {TEXT(S, text, MCPZ_MESSAGE_BYTES_MAX)},
    {U32(S, retry_after_ms)}, {U32(S, load)},  {U32(S, latency_us)},
    {TURNS_AWAY(S)},
};
#undef S

static const struct mcpz_field cancel_fields[] = {{U64(struct mcpz_msg_cancel, call)}};

#define S struct mcpz_msg_credit
static const struct mcpz_field credit_fields[] = {
    {U64(S, call)},
    {BOOL(S, from_caller)},
    {U32(S, bytes)},
};
#undef S

#define S struct mcpz_msg_want
static const struct mcpz_field want_fields[] = {
    {ID(S, document)},
    {VERSIONS(S, versions, version_count)},
    {CUTS(S, cuts, cut_count)},
};
#undef S

#define TIPS(S, member, count, high)                                                              \
    LIST(S, member, count, mcpz_tip_layout, high), .ascends = mcpz_tip_ascends

#define S struct mcpz_msg_branches
static const struct mcpz_field branches_fields[] = {
    {ID(S, document)},      {STRUCT(S, actor, mcpz_actor_layout)},
    {BOOL(S, sparse)},      {U64_FROM(S, from, 1)},
    {U64_FROM(S, upto, 1)}, {TIPS(S, ids, id_count, MCPZ_BRANCH_IDS_MAX)},
};
#undef S

#define S struct mcpz_msg_fetch
static const struct mcpz_field fetch_fields[] = {
    {ID(S, document)},
    {STRUCT(S, actor, mcpz_actor_layout)},
    {TIPS(S, ids, id_count, MCPZ_FETCH_MAX)},
    {U64(S, next)},
};
#undef S

#define HELD(S) LIST(S, digests, digest_count, digest_layout, MCPZ_DIGESTS_PER_MESSAGE_MAX)

#define S struct mcpz_msg_root
static const struct mcpz_field root_fields[] = {
    {U64(S, scope)}, {U64(S, nonce)},      {U64(S, tag)},  {U64(S, count)},   {U64(S, epoch)},
    {U64(S, seq)},   {U64(S, seen_epoch)}, {U64(S, seen)}, {BOOL(S, answer)},
};
#undef S

#define S struct mcpz_msg_changes_ask
static const struct mcpz_field changes_ask_fields[] = {{U64(S, epoch)}, {U64(S, since)}};
#undef S

#define S struct mcpz_msg_changes
static const struct mcpz_field changes_fields[] = {
    {U64(S, epoch)}, {U64(S, since)}, {U64(S, upto)}, {BOOL(S, last)}, {HELD(S)},
};
#undef S

#define S struct mcpz_msg_offer
static const struct mcpz_field offer_fields[] = {{U64(S, session)}, {BOOL(S, last)}, {HELD(S)}};
#undef S

#define S struct mcpz_msg_sketch_ask
static const struct mcpz_field sketch_ask_fields[] = {
    {U64(S, session)}, {U32_IN(S, step, MCPZ_SKETCH_START, MCPZ_SKETCH_STEP_END - 1)},
    {U32(S, first)},   {U32(S, count)},
    {U64(S, nonce)},   {U64(S, epoch)},
    {U64(S, seq)},     {BYTES(S, ids, 0, MCPZ_SKETCH_IDS_MAX *MCPZ_SKETCH_ID_BYTES)},
};
#undef S

#define S struct mcpz_msg_sketch
static const struct mcpz_field sketch_fields[] = {
    {U64(S, session)},
    {BOOL(S, busy)},
    {U32(S, first)},
    {U64(S, nonce)},
    {U64(S, epoch)},
    {U64(S, seq)},
    {BYTES(S, symbols, 0, MCPZ_SKETCH_BYTES_MAX)},
};
#undef S

#define S struct mcpz_msg_horizon
static const struct mcpz_field horizon_fields[] = {
    {U64(S, horizon_ms)}, {U64(S, fresh_ms)}, {BOOL(S, is_whole)}, {U64(S, had_ms)}};
#undef S

#define S struct mcpz_check_row
static const struct mcpz_field check_row_fields[] = {
    {ID(S, document)}, {BYTES(S, actors, 0, MCPZ_ACTORS_MAX *MCPZ_CHECK_ACTOR_BYTES)}};
static const struct mcpz_layout check_row_layout = LAYOUT(S, check_row_fields);
#undef S

#define S struct mcpz_msg_check
static const struct mcpz_field check_fields[] = {
    {U64(S, nonce)},
    {U64(S, scope)},
    {LIST(S, rows, row_count, check_row_layout, MCPZ_CHECK_MAX)},
};
#undef S

#define S struct mcpz_msg_unknown
static const struct mcpz_field unknown_fields[] = {
    {U64(S, nonce)}, {U64(S, mask)}, {U64(S, wall_ms)}};
#undef S

#define GOSSIP_ID(S, member) .type = MCPZ_FIELD_FIXED, AT(S, member), .max = MCPZ_GOSSIP_ID_BYTES
#define ROUND(S, member) U32_IN(S, member, 1, UINT32_MAX)

#define S struct mcpz_msg_gossip
static const struct mcpz_field gossip_fields[] = {
    {GOSSIP_ID(S, id)},
    {ROUND(S, round)},
    {BYTES(S, payload, 0, MCPZ_PLUMTREE_LARGE_BYTES_MAX)},
    {BOOL(S, patient)},
    {BOOL(S, scattered)},
};
#undef S

#define S struct mcpz_gossip_notice
static const struct mcpz_field notice_fields[] = {
    {GOSSIP_ID(S, id)},
    {ROUND(S, round)},
    {U32_IN(S, bytes, 0, MCPZ_PLUMTREE_LARGE_BYTES_MAX)},
};
static const struct mcpz_layout notice_layout = LAYOUT(S, notice_fields);
#undef S

#define S struct mcpz_msg_ihave
static const struct mcpz_field ihave_fields[] = {
    {LIST(S, notices, notice_count, notice_layout, MCPZ_PLUMTREE_IHAVE_MAX)},
};
#undef S

#define S struct mcpz_msg_graft
static const struct mcpz_field graft_fields[] = {
    {BOOL(S, wanted)},
    {GOSSIP_ID(S, id)},
    {BOOL(S, pull)},
};
#undef S

#define WHERE(S)                                                                                  \
    {U32(S, scope)},                                                                              \
    {                                                                                             \
        TEXT(S, address, MCPZ_ADDRESS_BYTES_MAX)                                                  \
    }

#define S struct mcpz_msg_overlay_join
static const struct mcpz_field overlay_join_fields[] = {{U32(S, seq)}, WHERE(S)};
#undef S

#define WALK(S, member, low) U32_IN(S, member, low, MCPZ_OVERLAY_WALK_MAX)

#define S struct mcpz_msg_overlay_forward
static const struct mcpz_field overlay_forward_fields[] = {
    {ID(S, joiner)}, {WALK(S, ttl, 0)}, WHERE(S)};
#undef S

#define S struct mcpz_msg_overlay_neighbour
static const struct mcpz_field overlay_neighbour_fields[] = {
    {U32(S, seq)}, {BOOL(S, high)}, WHERE(S)};
#undef S

#define S struct mcpz_msg_overlay_answer
static const struct mcpz_field overlay_answer_fields[] = {
    {U32(S, seq)}, {BOOL(S, accepted)}, WHERE(S)};
#undef S

static const struct mcpz_field overlay_disconnect_fields[] = {
    {BOOL(struct mcpz_msg_overlay_disconnect, leaving)},
};

#define S struct mcpz_overlay_entry
static const struct mcpz_field overlay_entry_fields[] = {{ID(S, id)}, {U32(S, age_s)}, WHERE(S)};
static const struct mcpz_layout overlay_entry_layout = LAYOUT(S, overlay_entry_fields);
#undef S

#define OVERLAY_ENTRIES(S)                                                                        \
    LIST(S, entries, entry_count, overlay_entry_layout, MCPZ_OVERLAY_SHUFFLE_MAX)

#define S struct mcpz_msg_overlay_shuffle
static const struct mcpz_field overlay_shuffle_fields[] = {
    {ID(S, origin)},
    {U32(S, seq)},
    {WALK(S, ttl, 1)},
    {OVERLAY_ENTRIES(S)},
    {SHORTS(S, path, path_count)},
};
#undef S

#define S struct mcpz_msg_overlay_shuffled
static const struct mcpz_field overlay_shuffled_fields[] = {
    {U32(S, seq)}, {OVERLAY_ENTRIES(S)}, {SHORTS(S, path, path_count)}};
#undef S

#define OLD(S)                                                                                    \
    {ID(S, old)}, {U32(S, old_scope)},                                                            \
    {                                                                                             \
        TEXT(S, old_address, MCPZ_ADDRESS_BYTES_MAX)                                              \
    }

#define S struct mcpz_msg_overlay_optimise
static const struct mcpz_field overlay_optimise_fields[] = {
    {U32(S, seq)}, WHERE(S), {U32(S, gain_us)}, OLD(S)};
#undef S

#define S struct mcpz_msg_overlay_replace
static const struct mcpz_field overlay_replace_fields[] = {
    {U32(S, seq)}, {ID(S, initiator)}, {U32(S, limit_us)}, OLD(S)};
#undef S

#define S struct mcpz_msg_overlay_switch
static const struct mcpz_field overlay_switch_fields[] = {
    {U32(S, seq)}, WHERE(S), {ID(S, initiator)}};
#undef S

#define S struct mcpz_msg_overlay_switched
static const struct mcpz_field overlay_switched_fields[] = {{U32(S, seq)}, {BOOL(S, accepted)}};
#undef S

#define S struct mcpz_msg_relay
static const struct mcpz_field relay_fields[] = {
    {U32_IN(S, kind, MCPZ_RELAY_GREET, MCPZ_RELAY_BROKEN)},
    {U64(S, session)},
    {U32_IN(S, at, 0, MCPZ_OVERLAY_WALK_MAX - 1)},
    {SHORTS(S, path, path_count)},
    {U32_IN(S, broken_at, 0, MCPZ_OVERLAY_WALK_MAX - 1)},
    {BYTES(S, bytes, 0, MCPZ_RELAY_BYTES_MAX)},
};
#undef S

static const struct mcpz_field relay_taken_fields[] = {
    {U32(struct mcpz_msg_relay_taken, bytes)},
};

/* ---- Durable tasks ------------------------------------------------------------------------ */

#define S struct mcpz_msg_task_keep
static const struct mcpz_field task_keep_fields[] = {
    {TASK_ID(S, id)},
    {STRUCT(S, body, mcpz_task_body_layout)},
    {STRUCT(S, state, mcpz_task_state_layout)},
};
#undef S

#define S struct mcpz_msg_task_moved
static const struct mcpz_field task_moved_fields[] = {
    {TASK_ID(S, id)},
    {STRUCT(S, state, mcpz_task_state_layout)},
    {BYTES(S, result, 0, MCPZ_TASK_RESULT_BYTES_MAX)},
};
#undef S

#define S struct mcpz_msg_task_mark
static const struct mcpz_field task_mark_fields[] = {
    {TASK_ID(S, id)}, {U64(S, epoch)}, {U64(S, revision)}};
#undef S

#define S struct mcpz_msg_task_yield
static const struct mcpz_field task_yield_fields[] = {
    {TASK_ID(S, id)}, {U64(S, epoch)}, {ID(S, owner)}};
#undef S

/* As a body, but that what a client leaves open is 0, and what it has no say in is not there. */
#define S struct mcpz_task_order
static const struct mcpz_field task_order_fields[] = {
    {.type = MCPZ_FIELD_TEXT, AT(S, body.capability), .min = 1, .max = MCPZ_CAPABILITY_BYTES_MAX},
    {BYTES(S, body.params, 0, MCPZ_TASK_BYTES_MAX)},
    {BYTES(S, body.input, 0, MCPZ_TASK_BYTES_MAX)},
    {TEXT(S, body.tenant, MCPZ_TENANT_BYTES_MAX)},
    {TEXT(S, body.key, MCPZ_IDEMPOTENCY_KEY_BYTES_MAX)},
    {TEXT(S, body.traceparent, MCPZ_TRACEPARENT_BYTES_MAX)},
    {U32_IN(S, body.priority, 0, MCPZ_PRIORITY_MAX)},
    {U32_IN(S, body.attempts_max, 0, MCPZ_TASK_ATTEMPTS_MAX)},
    {U32_IN(S, body.backoff_ms, 0, MCPZ_TASK_BACKOFF_MS_MAX)},
    {U32_IN(S, body.timeout_ms, 1, MCPZ_CALL_TIMEOUT_MS_MAX)},
    {BOOL(S, body.retry_failed)},
    {U32(S, ttl_ms)},
    {U32(S, copies_min)},
};
static const struct mcpz_layout task_order_layout = LAYOUT(S, task_order_fields);
#undef S

#define S struct mcpz_msg_task_submit
static const struct mcpz_field task_submit_fields[] = {
    {U64(S, number)},
    {LIST(S, orders, order_count, task_order_layout, MCPZ_TASK_ORDERS_MAX)},
};
#undef S

#define S struct mcpz_task_taken
static const struct mcpz_field task_taken_row_fields[] = {
    {U64(S, number)},
    {U32(S, code)},
    {U32(S, copies)},
    {TASK_ID(S, id)},
    {TEXT(S, text, MCPZ_TASK_TEXT_BYTES_MAX)},
};
static const struct mcpz_layout task_taken_row_layout = LAYOUT(S, task_taken_row_fields);
#undef S

#define S struct mcpz_msg_task_taken
static const struct mcpz_field task_taken_fields[] = {
    {LIST(S, rows, row_count, task_taken_row_layout, MCPZ_TASK_ORDERS_MAX)},
};
#undef S

#define S struct mcpz_task_new
static const struct mcpz_field task_new_fields[] = {
    {TASK_ID(S, id)},
    {STRUCT(S, body, mcpz_task_body_layout)},
};
static const struct mcpz_layout task_new_layout = LAYOUT(S, task_new_fields);
#undef S

#define S struct mcpz_msg_task_keep_new
static const struct mcpz_field task_keep_new_fields[] = {
    {LIST(S, tasks, task_count, task_new_layout, MCPZ_TASK_ORDERS_MAX)},
};
#undef S

static const struct mcpz_layout task_mark_layout =
    LAYOUT(struct mcpz_msg_task_mark, task_mark_fields);

#define S struct mcpz_msg_task_kept_all
static const struct mcpz_field task_kept_all_fields[] = {
    {LIST(S, marks, mark_count, task_mark_layout, MCPZ_TASK_ORDERS_MAX)},
};
#undef S

static const struct mcpz_field task_renew_fields[] = {{U64(struct mcpz_msg_task_renew, call)}};

#define S struct mcpz_bytes
static const struct mcpz_field signed_delta_fields[] = {
    {.type = MCPZ_FIELD_BYTES, .min = 1, .max = MCPZ_DELTA_BYTES_MAX},
};
static const struct mcpz_layout signed_delta_layout = LAYOUT(S, signed_delta_fields);
#undef S

#define S struct mcpz_msg_batch
static const struct mcpz_field batch_fields[] = {
    {STRUCT(S, part.seal, mcpz_batch_seal_layout)},
    {U32_IN(S, part.first, 0, MCPZ_BATCH_DELTAS_MAX - 1)},
    {DIGESTS(S, part.beside, 0, MCPZ_BATCH_BESIDE_MAX)},
    {LIST(S, deltas, delta_count, signed_delta_layout, MCPZ_BATCH_DELTAS_MAX)},
};
#undef S

#define S struct mcpz_msg_fold
static const struct mcpz_field fold_fields[] = {
    {ID(S, document)},
    {ID(S, state)},
    {ID(S, root)},
    {U32(S, replicas)},
};
#undef S

#define S struct mcpz_msg_agreed
static const struct mcpz_field agreed_fields[] = {
    {ID(S, document)},
    {STRUCT(S, agreed, mcpz_agreed_layout)},
    {.type = MCPZ_FIELD_U64, AT(S, byte_count), .max = MCPZ_BASE_BYTES_MAX},
};
#undef S

#define S struct mcpz_msg_base
static const struct mcpz_field base_fields[] = {
    {ID(S, document)},
    {ID(S, root)},
    {U32_IN(S, index, 0, MCPZ_BASE_BYTES_MAX / MCPZ_BASE_PIECE_BYTES + MCPZ_ACTORS_MAX)},
    {BOOL(S, is_answer)},
    {BYTES(S, bytes, 0, MCPZ_BASE_ANSWER_BYTES_MAX)},
};
#undef S

#define S struct mcpz_msg_folded
static const struct mcpz_field folded_fields[] = {
    {ID(S, document)},
    {ID(S, state)},
    {U32_IN(S, verdict, MCPZ_FOLD_SAME, MCPZ_FOLD_VERDICT_END - 1)},
    {BYTES(S, signature, 0, MCPZ_SIGNATURE_BYTES)},
};
#undef S

#define S struct mcpz_forget_row
static const struct mcpz_field forget_row_fields[] = {{ID(S, document)}, {ID(S, root)}};
static const struct mcpz_layout forget_row_layout = LAYOUT(S, forget_row_fields);
#undef S

#define S struct mcpz_msg_forget
static const struct mcpz_field forget_fields[] = {
    {U64_FROM(S, nonce, 1)},
    {U64_FROM(S, horizon_ms, 1)},
    {BOOL(S, is_agreed)},
    {LIST(S, rows, row_count, forget_row_layout, MCPZ_FORGET_ROWS_MAX)},
};
#undef S

#define S struct mcpz_msg_forget_answer
static const struct mcpz_field forget_answer_fields[] = {{U64_FROM(S, nonce, 1)},
                                                         {U64(S, agreed)}};
#undef S

#define S struct mcpz_msg_author
static const struct mcpz_field author_fields[] = {
    {ID(S, author)},
    {BYTES(S, certificate, 0, MCPZ_CERTIFICATE_BYTES_MAX)},
};
#undef S

#define S struct mcpz_msg_layout
static const struct mcpz_field layout_fields[] = {{BYTES(S, bytes, 1, MCPZ_LAYOUT_BYTES_MAX)}};
#undef S

static bool stamp_ascends(const void *a, const void *b)
{
    const struct mcpz_layout_stamp *first = a;
    const struct mcpz_layout_stamp *second = b;
    return mcpz_layout_stamp_compare(*first, *second) < 0;
}

#define S struct mcpz_msg_layout_state
static const struct mcpz_field layout_state_fields[] = {
    {BOOL(S, ask)},
    {U64(S, digest)},
    {LIST(S, live, live_count, mcpz_stamp_layout, MCPZ_LAYOUTS_LIVE_MAX),
     .ascends = stamp_ascends},
    {LIST(S, trackers, tracker_count, mcpz_tracker_layout, MCPZ_TRACKERS_PER_MESSAGE_MAX)},
};
#undef S

#define S struct mcpz_msg_ack_ask
static const struct mcpz_field ack_ask_fields[] = {
    {ID(S, document)},
    {STRUCT(S, actor, mcpz_actor_layout)},
    {U64_FROM(S, seq, 1)},
    {STRUCT(S, stamp, mcpz_stamp_layout)},
};
#undef S

#define S struct mcpz_msg_ack
static const struct mcpz_field ack_fields[] = {
    {ID(S, document)},
    {STRUCT(S, actor, mcpz_actor_layout)},
    {U64_FROM(S, seq, 1)},
};
#undef S

#define S struct mcpz_msg_pull
static const struct mcpz_field pull_fields[] = {
    {STRUCT(S, stamp, mcpz_stamp_layout)},
    {ID(S, after)},
    {U32(S, alive_max)},
};
#undef S

#define S struct mcpz_pulled_row
static const struct mcpz_field pulled_row_fields[] = {
    {ID(S, document)},
    {VERSIONS(S, versions, version_count)},
    {CUTS(S, cuts, cut_count)},
};
static const struct mcpz_layout pulled_row_layout = LAYOUT(S, pulled_row_fields);
#undef S

#define S struct mcpz_msg_pulled
static const struct mcpz_field pulled_fields[] = {
    {STRUCT(S, stamp, mcpz_stamp_layout)},
    {ID(S, after)},
    {ID(S, upto)},
    {LIST(S, rows, row_count, pulled_row_layout, MCPZ_PULLED_MAX)},
};
#undef S

#define S struct mcpz_msg_handover
static const struct mcpz_field handover_fields[] = {
    {ID(S, document)},
    {U64(S, digest)},
    {VERSIONS(S, versions, version_count)},
    {CUTS(S, cuts, cut_count)},
};
#undef S

#define S struct mcpz_msg_handed
static const struct mcpz_field handed_fields[] = {{ID(S, document)}, {U64(S, digest)}};
#undef S

#define S struct mcpz_msg_read
static const struct mcpz_field read_fields[] = {{U64(S, nonce)}, {ID(S, document)}};
#undef S

#define S struct mcpz_msg_reading
static const struct mcpz_field reading_fields[] = {
    {U64(S, nonce)},
    {ID(S, document)},
    {VERSIONS(S, versions, version_count)},
    {CUTS(S, cuts, cut_count)},
};
#undef S

static const struct mcpz_layout msg_layouts[MCPZ_MSG_KIND_END] = {
    [MCPZ_MSG_HELLO] = NAMED("hello", struct mcpz_msg_hello, hello_fields),
    [MCPZ_MSG_JOIN] = NAMED("join", struct mcpz_msg_join, join_fields),
    [MCPZ_MSG_ADMIT] = NAMED("admit", struct mcpz_msg_admit, admit_fields),
    [MCPZ_MSG_REFUSE] = NAMED("refuse", struct mcpz_msg_refuse, refuse_fields),
    [MCPZ_MSG_RENEW] = {.name = "renew", .size = sizeof(struct mcpz_msg_renew)},
    [MCPZ_MSG_REVOKED] = NAMED("revoked", struct mcpz_msg_revoked, revoked_fields),
    [MCPZ_MSG_PING] = NAMED("ping", struct mcpz_msg_ping, ping_fields),
    [MCPZ_MSG_MEMBER] = NAMED("member", struct mcpz_msg_member, member_fields),
    [MCPZ_MSG_CAPABILITIES] =
        NAMED("capabilities", struct mcpz_msg_capabilities, capabilities_fields),
    [MCPZ_MSG_OPEN] = NAMED("open", struct mcpz_msg_open, open_fields),
    [MCPZ_MSG_DATA] = NAMED("data", struct mcpz_msg_data, data_fields),
    [MCPZ_MSG_END] = NAMED("end", struct mcpz_msg_end, end_fields),
    [MCPZ_MSG_FAIL] = NAMED("fail", struct mcpz_msg_fail, fail_fields),
    [MCPZ_MSG_LOAD_ASK] = NAMED("load_ask", struct mcpz_msg_load_ask, load_ask_fields),
    [MCPZ_MSG_LOAD] = NAMED("load", struct mcpz_msg_load, load_fields),
    [MCPZ_MSG_CANCEL] = NAMED("cancel", struct mcpz_msg_cancel, cancel_fields),
    [MCPZ_MSG_CREDIT] = NAMED("credit", struct mcpz_msg_credit, credit_fields),
    [MCPZ_MSG_DELTA] = {.name = "delta",
                        .size = sizeof(struct mcpz_msg_delta),
                        .fields = mcpz_delta_fields,
                        .field_count = MCPZ_DELTA_FIELDS},
    [MCPZ_MSG_BATCH] = NAMED("batch", struct mcpz_msg_batch, batch_fields),
    [MCPZ_MSG_AUTHOR] = NAMED("author", struct mcpz_msg_author, author_fields),
    [MCPZ_MSG_FOLD] = NAMED("fold", struct mcpz_msg_fold, fold_fields),
    [MCPZ_MSG_FOLDED] = NAMED("folded", struct mcpz_msg_folded, folded_fields),
    [MCPZ_MSG_FORGET] = NAMED("forget", struct mcpz_msg_forget, forget_fields),
    [MCPZ_MSG_FORGET_ANSWER] =
        NAMED("forget_answer", struct mcpz_msg_forget_answer, forget_answer_fields),
    [MCPZ_MSG_AGREED] = NAMED("agreed", struct mcpz_msg_agreed, agreed_fields),
    [MCPZ_MSG_BASE] = NAMED("base", struct mcpz_msg_base, base_fields),
    [MCPZ_MSG_BRANCHES] = NAMED("branches", struct mcpz_msg_branches, branches_fields),
    [MCPZ_MSG_FETCH] = NAMED("fetch", struct mcpz_msg_fetch, fetch_fields),
    [MCPZ_MSG_WANT] = NAMED("want", struct mcpz_msg_want, want_fields),
    [MCPZ_MSG_OVERLAY_JOIN] =
        NAMED("overlay_join", struct mcpz_msg_overlay_join, overlay_join_fields),
    [MCPZ_MSG_OVERLAY_FORWARD] =
        NAMED("overlay_forward", struct mcpz_msg_overlay_forward, overlay_forward_fields),
    [MCPZ_MSG_OVERLAY_NEIGHBOUR] =
        NAMED("overlay_neighbour", struct mcpz_msg_overlay_neighbour, overlay_neighbour_fields),
    [MCPZ_MSG_OVERLAY_ANSWER] =
        NAMED("overlay_answer", struct mcpz_msg_overlay_answer, overlay_answer_fields),
    [MCPZ_MSG_OVERLAY_DISCONNECT] =
        NAMED("overlay_disconnect", struct mcpz_msg_overlay_disconnect, overlay_disconnect_fields),
    [MCPZ_MSG_OVERLAY_SHUFFLE] =
        NAMED("overlay_shuffle", struct mcpz_msg_overlay_shuffle, overlay_shuffle_fields),
    [MCPZ_MSG_OVERLAY_SHUFFLED] =
        NAMED("overlay_shuffled", struct mcpz_msg_overlay_shuffled, overlay_shuffled_fields),
    [MCPZ_MSG_GOSSIP] = NAMED("gossip", struct mcpz_msg_gossip, gossip_fields),
    [MCPZ_MSG_IHAVE] = NAMED("ihave", struct mcpz_msg_ihave, ihave_fields),
    [MCPZ_MSG_GRAFT] = NAMED("graft", struct mcpz_msg_graft, graft_fields),
    [MCPZ_MSG_PRUNE] = {.name = "prune", .size = sizeof(struct mcpz_msg_prune)},
    [MCPZ_MSG_SUSPECT] = NAMED("suspect", struct mcpz_msg_suspect, suspect_fields),
    [MCPZ_MSG_DEAD] = NAMED("dead", struct mcpz_msg_dead, dead_fields),
    [MCPZ_MSG_ADJACENCY] = NAMED("adjacency", struct mcpz_msg_adjacency, adjacency_fields),
    [MCPZ_MSG_SUMMARY] = NAMED("summary", struct mcpz_msg_summary, summary_fields),
    [MCPZ_MSG_PROBE] = NAMED("probe", struct mcpz_msg_probe, probe_fields),
    [MCPZ_MSG_OVERLAY_OPTIMISE] =
        NAMED("overlay_optimise", struct mcpz_msg_overlay_optimise, overlay_optimise_fields),
    [MCPZ_MSG_OVERLAY_REPLACE] =
        NAMED("overlay_replace", struct mcpz_msg_overlay_replace, overlay_replace_fields),
    [MCPZ_MSG_OVERLAY_SWITCH] =
        NAMED("overlay_switch", struct mcpz_msg_overlay_switch, overlay_switch_fields),
    [MCPZ_MSG_OVERLAY_SWITCHED] =
        NAMED("overlay_switched", struct mcpz_msg_overlay_switched, overlay_switched_fields),
    [MCPZ_MSG_RELAY] = NAMED("relay", struct mcpz_msg_relay, relay_fields),
    [MCPZ_MSG_RELAY_TAKEN] = NAMED("relay_taken", struct mcpz_msg_relay_taken, relay_taken_fields),

    [MCPZ_MSG_TASK_KEEP] = NAMED("task_keep", struct mcpz_msg_task_keep, task_keep_fields),
    [MCPZ_MSG_TASK_MOVED] = NAMED("task_moved", struct mcpz_msg_task_moved, task_moved_fields),
    [MCPZ_MSG_TASK_KEPT] = NAMED("task_kept", struct mcpz_msg_task_mark, task_mark_fields),
    [MCPZ_MSG_TASK_LACK] = NAMED("task_lack", struct mcpz_msg_task_mark, task_mark_fields),
    [MCPZ_MSG_TASK_YIELD] = NAMED("task_yield", struct mcpz_msg_task_yield, task_yield_fields),
    [MCPZ_MSG_TASK_DROP] = NAMED("task_drop", struct mcpz_msg_task_mark, task_mark_fields),
    [MCPZ_MSG_TASK_UNABLE] = NAMED("task_unable", struct mcpz_msg_task_mark, task_mark_fields),
    [MCPZ_MSG_TASK_CHECK] = NAMED("task_check", struct mcpz_msg_task_mark, task_mark_fields),
    [MCPZ_MSG_TASK_STANDS] = NAMED("task_stands", struct mcpz_msg_task_mark, task_mark_fields),
    [MCPZ_MSG_TASK_RENEW] = NAMED("task_renew", struct mcpz_msg_task_renew, task_renew_fields),
    [MCPZ_MSG_TASK_SUBMIT] = NAMED("task_submit", struct mcpz_msg_task_submit, task_submit_fields),
    [MCPZ_MSG_TASK_TAKEN] = NAMED("task_taken", struct mcpz_msg_task_taken, task_taken_fields),
    [MCPZ_MSG_TASK_KEEP_NEW] =
        NAMED("task_keep_new", struct mcpz_msg_task_keep_new, task_keep_new_fields),
    [MCPZ_MSG_TASK_KEPT_ALL] =
        NAMED("task_kept_all", struct mcpz_msg_task_kept_all, task_kept_all_fields),
    [MCPZ_MSG_LAYOUT] = NAMED("layout", struct mcpz_msg_layout, layout_fields),
    [MCPZ_MSG_LAYOUT_STATE] =
        NAMED("layout_state", struct mcpz_msg_layout_state, layout_state_fields),
    [MCPZ_MSG_ACK_ASK] = NAMED("ack_ask", struct mcpz_msg_ack_ask, ack_ask_fields),
    [MCPZ_MSG_ACK] = NAMED("ack", struct mcpz_msg_ack, ack_fields),
    [MCPZ_MSG_PULL] = NAMED("pull", struct mcpz_msg_pull, pull_fields),
    [MCPZ_MSG_PULLED] = NAMED("pulled", struct mcpz_msg_pulled, pulled_fields),
    [MCPZ_MSG_HANDOVER] = NAMED("handover", struct mcpz_msg_handover, handover_fields),
    [MCPZ_MSG_HANDED] = NAMED("handed", struct mcpz_msg_handed, handed_fields),
    [MCPZ_MSG_READ] = NAMED("read", struct mcpz_msg_read, read_fields),
    [MCPZ_MSG_READING] = NAMED("reading", struct mcpz_msg_reading, reading_fields),

    [MCPZ_MSG_ROOT] = NAMED("root", struct mcpz_msg_root, root_fields),
    [MCPZ_MSG_CHANGES_ASK] = NAMED("changes_ask", struct mcpz_msg_changes_ask, changes_ask_fields),
    [MCPZ_MSG_CHANGES] = NAMED("changes", struct mcpz_msg_changes, changes_fields),
    [MCPZ_MSG_OFFER] = NAMED("offer", struct mcpz_msg_offer, offer_fields),
    [MCPZ_MSG_SKETCH_ASK] = NAMED("sketch_ask", struct mcpz_msg_sketch_ask, sketch_ask_fields),
    [MCPZ_MSG_SKETCH] = NAMED("sketch", struct mcpz_msg_sketch, sketch_fields),
    [MCPZ_MSG_HORIZON] = NAMED("horizon", struct mcpz_msg_horizon, horizon_fields),
    [MCPZ_MSG_CHECK] = NAMED("check", struct mcpz_msg_check, check_fields),
    [MCPZ_MSG_UNKNOWN] = NAMED("unknown", struct mcpz_msg_unknown, unknown_fields),
};

/* ---- Reading and writing ------------------------------------------------------------------ */

static const struct mcpz_layout *msg_layout_of(uint64_t kind)
{
    return kind < MCPZ_MSG_KIND_END && msg_layouts[kind].name != NULL ? &msg_layouts[kind] : NULL;
}

mcpz_error mcpz_msg_encode(const struct mcpz_msg *msg, uint8_t *buffer, size_t capacity,
                           size_t *length)
{
    const struct mcpz_layout *layout = msg_layout_of(msg->kind);
    assert(layout != NULL);

    /* All members of the union lie where the first one does. */
    mcpz_error error = mcpz_layout_write_tagged(layout, (uint32_t)msg->kind, &msg->hello, buffer,
                                                capacity, length);
    assert(error != MCPZ_OK || *length <= MCPZ_MSG_BYTES_MAX);
    return error;
}

mcpz_error mcpz_msg_decode_shaped(struct mcpz_bytes bytes, struct mcpz_arena *arena,
                                  struct mcpz_msg *msg)
{
    struct mcpz_layout_source source = {.reader = mcpz_reader(bytes), .arena = arena};
    const size_t arena_used = arena->used;
    uint64_t kind;
    size_t count;

    if (bytes.length > MCPZ_MSG_BYTES_MAX) {
        return MCPZ_EPROTO;
    }
    mcpz_error error = mcpz_layout_read_tag(&source, &kind, &count);
    if (error != MCPZ_OK) {
        return error;
    }
    const struct mcpz_layout *layout = msg_layout_of(kind);
    if (layout == NULL) {
        return MCPZ_EPROTO;
    }
    msg->kind = (enum mcpz_msg_kind)kind;
    memset(&msg->hello, 0, layout->size); /* fields that are not on the wire */
    error = mcpz_layout_read_fields(&source, layout, count, &msg->hello);
    if (error != MCPZ_OK) {
        mcpz_arena_rewind(arena, arena_used);
    }
    return error;
}

mcpz_error mcpz_msg_decode(struct mcpz_bytes bytes, struct mcpz_arena *arena, struct mcpz_msg *msg)
{
    struct mcpz_msg result;

    if (bytes.length > MCPZ_MSG_BYTES_MAX) {
        return MCPZ_EPROTO;
    }
    mcpz_error error = mcpz_shape_check(bytes);
    if (error == MCPZ_OK) {
        memset(&result, 0, sizeof(result));
        error = mcpz_msg_decode_shaped(bytes, arena, &result);
    }
    if (error == MCPZ_OK) {
        *msg = result;
    }
    return error;
}

const char *mcpz_msg_name(uint32_t kind)
{
    const struct mcpz_layout *layout = msg_layout_of(kind);
    return layout != NULL ? layout->name : "?";
}
