#include "wire/codec.h"

#include <assert.h>
#include <string.h>

#include "base/base32.h"
#include "proto/code.h"
#include "proto/limits.h"
#include "wire/layout.h"
#include "wire/shape.h"
#include "wire/value.h"

/* ---- How rows are written -------------------------------------------------------------------
 * S is the struct a row belongs to. */

#define AT(S, member) .offset = offsetof(S, member)
#define U32_IN(S, member, low, high)                                                              \
    .type = MCPZ_FIELD_U32, AT(S, member), .min = (low), .max = (high)
#define U32(S, member) U32_IN(S, member, 0, UINT32_MAX)
#define U64_FROM(S, member, low)                                                                  \
    .type = MCPZ_FIELD_U64, AT(S, member), .min = (low), .max = UINT64_MAX
#define U64(S, member) U64_FROM(S, member, 0)
#define BOOL(S, member) .type = MCPZ_FIELD_BOOL, AT(S, member)
#define ID(S, member) .type = MCPZ_FIELD_FIXED, AT(S, member), .max = MCPZ_ID_BYTES
#define BYTES(S, member, low, high)                                                               \
    .type = MCPZ_FIELD_BYTES, AT(S, member), .min = (low), .max = (high)
#define PATH(S, member) BYTES(S, member, 1, MCPZ_PATH_BYTES_MAX), .check = mcpz_path_check
#define VALUE(S, member) BYTES(S, member, 1, MCPZ_VALUE_BYTES_MAX), .check = mcpz_value_check
#define TEXT(S, member, high) .type = MCPZ_FIELD_TEXT, AT(S, member), .max = (high)
#define NAME(S, member) TEXT(S, member, MCPZ_NAME_BYTES_MAX)
#define STRUCT(S, member, layout) .type = MCPZ_FIELD_STRUCT, AT(S, member), .item = &(layout)
#define LIST(S, member, count, layout, high)                                                      \
    .type = MCPZ_FIELD_LIST, AT(S, member), .count_offset = offsetof(S, count), .max = (high),    \
    .item = &(layout)
#define INLINE(S, member, count, layout, low)                                                     \
    .type = MCPZ_FIELD_INLINE, AT(S, member), .count_offset = offsetof(S, count), .min = (low),   \
    .max = sizeof(((S *)NULL)->member) / sizeof(((S *)NULL)->member[0]), .item = &(layout)
#define LAYOUT(S, array)                                                                          \
    {                                                                                             \
        .size = sizeof(S), .fields = (array), .field_count = MCPZ_ARRAY_LEN(array)                \
    }
#define NAMED(text, S, array)                                                                     \
    {                                                                                             \
        .name = (text), .size = sizeof(S), .fields = (array),                                     \
        .field_count = MCPZ_ARRAY_LEN(array)                                                      \
    }

/* ---- What messages and records are made of ------------------------------------------------ */

#define S struct mcpz_bytes
static const struct mcpz_field name_fields[] = {
    {.type = MCPZ_FIELD_TEXT, .max = MCPZ_NAME_BYTES_MAX},
};
static const struct mcpz_layout name_layout = LAYOUT(S, name_fields);

static const struct mcpz_field capability_fields[] = {
    {.type = MCPZ_FIELD_TEXT, .max = MCPZ_CAPABILITY_BYTES_MAX},
};
static const struct mcpz_layout capability_layout = LAYOUT(S, capability_fields);

static const struct mcpz_field address_fields[] = {
    {.type = MCPZ_FIELD_TEXT, .max = MCPZ_ADDRESS_BYTES_MAX},
};
static const struct mcpz_layout address_layout = LAYOUT(S, address_fields);
#undef S

#define S struct mcpz_actor
static const struct mcpz_field actor_fields[] = {{ID(S, node)}, {U32(S, generation)}};
static const struct mcpz_layout actor_layout = LAYOUT(S, actor_fields);
#undef S

#define S struct mcpz_dot
static const struct mcpz_field dot_fields[] = {
    {STRUCT(S, actor, actor_layout)},
    {U64_FROM(S, seq, 1)},
    {U32_IN(S, index, 0, MCPZ_DELTA_ADDS_MAX - 1)},
};
static const struct mcpz_layout dot_layout = LAYOUT(S, dot_fields);
#undef S

#define S struct mcpz_version
static const struct mcpz_field version_fields[] = {
    {STRUCT(S, actor, actor_layout)},
    {U64(S, seq)},
};
static const struct mcpz_layout version_layout = LAYOUT(S, version_fields);
#undef S

#define ENTRY_TYPE(S, member) U32_IN(S, member, MCPZ_ENTRY_REGISTER, MCPZ_ENTRY_COUNTER)

#define S struct mcpz_add
static const struct mcpz_field add_fields[] = {
    {ENTRY_TYPE(S, type)},
    {PATH(S, path)},
    {VALUE(S, value)},
};
static const struct mcpz_layout add_layout = LAYOUT(S, add_fields);
#undef S

#define S struct mcpz_remove
static const struct mcpz_field remove_fields[] = {
    {ENTRY_TYPE(S, type)},
    {PATH(S, path)},
    {STRUCT(S, dot, dot_layout)},
};
static const struct mcpz_layout remove_layout = LAYOUT(S, remove_fields);
#undef S

static bool version_ascends(const void *a, const void *b)
{
    const struct mcpz_version *first = a;
    const struct mcpz_version *second = b;
    return mcpz_actor_compare(&first->actor, &second->actor) < 0;
}

static bool digest_ascends(const void *a, const void *b)
{
    const struct mcpz_digest *first = a;
    const struct mcpz_digest *second = b;
    return mcpz_id_compare(&first->document, &second->document) < 0;
}

#define VERSIONS(S, member, count)                                                                \
    LIST(S, member, count, version_layout, MCPZ_ACTORS_MAX), .ascends = version_ascends

/* The first DELTA_KEY_FIELDS are its key as a record. */
#define DELTA_KEY_FIELDS 3
#define S struct mcpz_delta
static const struct mcpz_field delta_fields[] = {
    {ID(S, document)},
    {STRUCT(S, actor, actor_layout)},
    {U64_FROM(S, seq, 1)},
    {U64(S, hlc)},
    {VERSIONS(S, versions, version_count)},
    {LIST(S, adds, add_count, add_layout, MCPZ_DELTA_ADDS_MAX)},
    {LIST(S, removes, remove_count, remove_layout, MCPZ_DELTA_REMOVES_MAX)},
};
#undef S

#define S struct mcpz_digest
static const struct mcpz_field digest_fields[] = {{ID(S, document)}, {U64(S, digest)}};
static const struct mcpz_layout digest_layout = LAYOUT(S, digest_fields);
#undef S

/* ---- Messages: the wire format ------------------------------------------------------------ */

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
    {LIST(S, roles, role_count, name_layout, MCPZ_ROLES_MAX)},
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
};
#undef S

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
};
#undef S

#define S struct mcpz_msg_data
static const struct mcpz_field data_fields[] = {
    {U64(S, call)},
    {BOOL(S, from_caller)},
    {BYTES(S, chunk, 1, MCPZ_CHUNK_BYTES_MAX)},
};
#undef S

#define S struct mcpz_msg_end
static const struct mcpz_field end_fields[] = {
    {U64(S, call)}, {BOOL(S, from_caller)}, {BYTES(S, chunk, 0, MCPZ_CHUNK_BYTES_MAX)},
    {U32(S, load)}, {U32(S, latency_us)},
};
#undef S

#define S struct mcpz_msg_load
static const struct mcpz_field load_fields[] = {
    {TEXT(S, capability, MCPZ_CAPABILITY_BYTES_MAX)},
    {U32(S, in_flight)},
    {U32(S, latency_us)},
};
#undef S

static const struct mcpz_field load_ask_fields[] = {
    {TEXT(struct mcpz_msg_load_ask, capability, MCPZ_CAPABILITY_BYTES_MAX)}};

#define S struct mcpz_msg_fail
static const struct mcpz_field fail_fields[] = {
    {U64(S, call)},           {CODE(S, code)}, {TEXT(S, text, MCPZ_MESSAGE_BYTES_MAX)},
    {U32(S, retry_after_ms)}, {U32(S, load)},  {U32(S, latency_us)},
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

#define S struct mcpz_msg_digests
static const struct mcpz_field digests_fields[] = {
    {ID(S, after)},
    {ID(S, upto)},
    {LIST(S, digests, digest_count, digest_layout, MCPZ_DIGESTS_PER_MESSAGE_MAX),
     .ascends = digest_ascends},
};
#undef S

#define S struct mcpz_msg_want
static const struct mcpz_field want_fields[] = {
    {ID(S, document)},
    {VERSIONS(S, versions, version_count)},
};
#undef S

#define GOSSIP_ID(S, member) .type = MCPZ_FIELD_FIXED, AT(S, member), .max = MCPZ_GOSSIP_ID_BYTES
#define ROUND(S, member) U32_IN(S, member, 1, UINT32_MAX)

#define S struct mcpz_msg_gossip
static const struct mcpz_field gossip_fields[] = {
    {GOSSIP_ID(S, id)},
    {ROUND(S, round)},
    {BYTES(S, payload, 0, MCPZ_PLUMTREE_LARGE_BYTES_MAX)},
    {BOOL(S, patient)},
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

#define TASK_ID(S, member) .type = MCPZ_FIELD_FIXED, AT(S, member), .max = MCPZ_TASK_ID_BYTES

#define S struct mcpz_task_body
static const struct mcpz_field task_body_fields[] = {
    {.type = MCPZ_FIELD_TEXT, AT(S, capability), .min = 1, .max = MCPZ_CAPABILITY_BYTES_MAX},
    {BYTES(S, params, 0, MCPZ_TASK_BYTES_MAX)},
    {BYTES(S, input, 0, MCPZ_TASK_BYTES_MAX)},
    {TEXT(S, tenant, MCPZ_TENANT_BYTES_MAX)},
    {TEXT(S, key, MCPZ_IDEMPOTENCY_KEY_BYTES_MAX)},
    {TEXT(S, traceparent, MCPZ_TRACEPARENT_BYTES_MAX)},
    {U32_IN(S, priority, 0, MCPZ_PRIORITY_MAX)},
    {U32_IN(S, attempts_max, 1, MCPZ_TASK_ATTEMPTS_MAX)},
    {U32_IN(S, backoff_ms, 1, MCPZ_TASK_BACKOFF_MS_MAX)},
    {U32_IN(S, timeout_ms, 1, MCPZ_CALL_TIMEOUT_MS_MAX)},
    {BOOL(S, retry_failed)},
    {U64(S, created_ms)},
    {U64(S, expires_ms)},
};
static const struct mcpz_layout task_body_layout = LAYOUT(S, task_body_fields);
#undef S

#define S struct mcpz_task_attempt
static const struct mcpz_field task_attempt_fields[] = {
    {U32(S, number)}, {ID(S, provider)}, {U32(S, code)}, {TEXT(S, text, MCPZ_TASK_TEXT_BYTES_MAX)},
    {U64(S, at_ms)},
};
static const struct mcpz_layout task_attempt_layout = LAYOUT(S, task_attempt_fields);
#undef S

#define S struct mcpz_task_state
static const struct mcpz_field task_state_fields[] = {
    {U64_FROM(S, epoch, 1)},
    {U64_FROM(S, revision, 1)},
    {ID(S, owner)},
    {ID(S, backup)},
    {U64(S, life)},
    {U32_IN(S, phase, MCPZ_TASK_QUEUED, MCPZ_TASK_YIELDED)},
    {U64(S, due_ms)},
    {U32(S, attempts)},
    {ID(S, provider)},
    {U64(S, held_ms)},
    {U64(S, ended_ms)},
    {U32(S, code)},
    {TEXT(S, text, MCPZ_TASK_TEXT_BYTES_MAX)},
    {LIST(S, history, history_count, task_attempt_layout, MCPZ_TASK_HISTORY_MAX)},
};
static const struct mcpz_layout task_state_layout = LAYOUT(S, task_state_fields);
#undef S

#define S struct mcpz_msg_task_keep
static const struct mcpz_field task_keep_fields[] = {
    {TASK_ID(S, id)},
    {STRUCT(S, body, task_body_layout)},
    {STRUCT(S, state, task_state_layout)},
};
#undef S

#define S struct mcpz_msg_task_moved
static const struct mcpz_field task_moved_fields[] = {
    {TASK_ID(S, id)},
    {STRUCT(S, state, task_state_layout)},
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

static const struct mcpz_field task_renew_fields[] = {{U64(struct mcpz_msg_task_renew, call)}};

static const struct mcpz_layout msg_layouts[MCPZ_MSG_KIND_END] = {
    [MCPZ_MSG_HELLO] = NAMED("hello", struct mcpz_msg_hello, hello_fields),
    [MCPZ_MSG_JOIN] = NAMED("join", struct mcpz_msg_join, join_fields),
    [MCPZ_MSG_ADMIT] = NAMED("admit", struct mcpz_msg_admit, admit_fields),
    [MCPZ_MSG_REFUSE] = NAMED("refuse", struct mcpz_msg_refuse, refuse_fields),
    [MCPZ_MSG_RENEW] = {.name = "renew", .size = sizeof(struct mcpz_msg_renew)},
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
    [MCPZ_MSG_DELTA] = NAMED("delta", struct mcpz_msg_delta, delta_fields),
    [MCPZ_MSG_DIGESTS] = NAMED("digests", struct mcpz_msg_digests, digests_fields),
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
};

/* ---- Records: the disk format ---------------------------------------------------------------
 * Values only; the keys are made in store/schema.h. */

#define S struct mcpz_record_self
static const struct mcpz_field self_fields[] = {
    {ID(S, mesh)},
    {BYTES(S, certificate, 0, MCPZ_CERTIFICATE_BYTES_MAX)},
    {U64(S, incarnation)},
    {U32(S, generation)},
};
#undef S

#define S struct mcpz_record_token
static const struct mcpz_field kept_token_fields[] = {
    {BYTES(S, key, MCPZ_PROOF_BYTES, MCPZ_PROOF_BYTES)},
    {U64(S, created_ms)},
    {U64(S, expires_ms)},
    {U32(S, uses_max)},
    {U32(S, uses_spent)},
    {NAME(S, role)},
    {BOOL(S, revoked)},
    {ID(S, last)},
};
#undef S

#define S struct mcpz_record_peer
static const struct mcpz_field peer_fields[] = {
    {TEXT(S, address, MCPZ_ADDRESS_BYTES_MAX)},
    {NAME(S, name)},
};
#undef S

#define S struct mcpz_record_document
static const struct mcpz_field document_fields[] = {
    {TEXT(S, name, MCPZ_AGENT_NAME_BYTES_MAX)},
    {BOOL(S, deleted)},
    {U64(S, hlc)},
    {U32(S, entry_count)},
    {VERSIONS(S, versions, version_count)},
};
#undef S

#define S struct mcpz_record_entry
static const struct mcpz_field entry_fields[] = {{U64(S, hlc)}, {VALUE(S, value)}};
#undef S

#define S struct mcpz_record_task
static const struct mcpz_field kept_task_fields[] = {{STRUCT(S, body, task_body_layout)}};
#undef S

#define S struct mcpz_record_task_state
static const struct mcpz_field kept_state_fields[] = {{STRUCT(S, state, task_state_layout)}};
#undef S

static const struct mcpz_field task_key_fields[] = {{TASK_ID(struct mcpz_record_task_key, id)}};

#define S struct mcpz_record_task_result
static const struct mcpz_field task_result_fields[] = {
    {BYTES(S, bytes, 0, MCPZ_TASK_RESULT_BYTES_MAX)},
};
#undef S

static const struct mcpz_field queue_fields[] = {{BOOL(struct mcpz_record_queue, paused)}};

#define S struct mcpz_record_run
static const struct mcpz_field run_fields[] = {
    {BOOL(S, done)},
    {U64(S, ended_ms)},
    {BYTES(S, result, 0, MCPZ_TASK_RESULT_BYTES_MAX)},
};
#undef S

static const struct mcpz_layout record_layouts[MCPZ_RECORD_KIND_END] = {
    [MCPZ_RECORD_SELF] = NAMED("self", struct mcpz_record_self, self_fields),
    [MCPZ_RECORD_TOKEN] = NAMED("token", struct mcpz_record_token, kept_token_fields),
    [MCPZ_RECORD_PEER] = NAMED("peer", struct mcpz_record_peer, peer_fields),
    [MCPZ_RECORD_DOCUMENT] = NAMED("document", struct mcpz_record_document, document_fields),
    [MCPZ_RECORD_ENTRY] = NAMED("entry", struct mcpz_record_entry, entry_fields),
    [MCPZ_RECORD_DELTA] = {.name = "delta",
                           .size = sizeof(struct mcpz_record_delta),
                           .fields = delta_fields + DELTA_KEY_FIELDS,
                           .field_count = MCPZ_ARRAY_LEN(delta_fields) - DELTA_KEY_FIELDS},
    [MCPZ_RECORD_TASK] = NAMED("task", struct mcpz_record_task, kept_task_fields),
    [MCPZ_RECORD_TASK_STATE] =
        NAMED("task_state", struct mcpz_record_task_state, kept_state_fields),
    [MCPZ_RECORD_TASK_LISTED] = {.name = "task_listed",
                                 .size = sizeof(struct mcpz_record_task_listed)},
    [MCPZ_RECORD_TASK_KEY] = NAMED("task_key", struct mcpz_record_task_key, task_key_fields),
    [MCPZ_RECORD_TASK_RESULT] =
        NAMED("task_result", struct mcpz_record_task_result, task_result_fields),
    [MCPZ_RECORD_QUEUE] = NAMED("queue", struct mcpz_record_queue, queue_fields),
    [MCPZ_RECORD_RUN] = NAMED("run", struct mcpz_record_run, run_fields),
};

/* ---- Certificates and tokens -------------------------------------------------------------- */

#define S struct mcpz_certificate
static const struct mcpz_field body_fields[] = {
    {ID(S, mesh)},    {ID(S, node)},           {ID(S, issuer)},
    {U64(S, serial)}, {U64(S, not_before_ms)}, {U64(S, not_after_ms)},
    {NAME(S, zone)},  {NAME(S, tenant)},       {INLINE(S, roles, role_count, name_layout, 0)},
};
static const struct mcpz_layout body_layout = LAYOUT(S, body_fields);

/* [body, signature]: what is signed lies in one piece. */
static const struct mcpz_field certificate_fields[] = {
    {.type = MCPZ_FIELD_STRUCT, .item = &body_layout},
    {BYTES(S, signature, MCPZ_SIGNATURE_BYTES, MCPZ_SIGNATURE_BYTES)},
};
static const struct mcpz_layout certificate_layout = LAYOUT(S, certificate_fields);
#undef S

#define S struct mcpz_certificate_chain
static const struct mcpz_field chain_fields[] = {
    {INLINE(S, certificates, count, certificate_layout, 1)},
};
static const struct mcpz_layout chain_layout = LAYOUT(S, chain_fields);
#undef S

#define S struct mcpz_join_token
static const struct mcpz_field token_fields[] = {
    {ID(S, mesh)},
    {BYTES(S, id, MCPZ_TOKEN_ID_BYTES, MCPZ_TOKEN_ID_BYTES)},
    {BYTES(S, secret, MCPZ_SECRET_BYTES, MCPZ_SECRET_BYTES)},
    {U64(S, expires_ms)},
    {U32(S, uses)},
    {NAME(S, role)},
    {INLINE(S, addresses, address_count, address_layout, 0)},
};
static const struct mcpz_layout token_layout = LAYOUT(S, token_fields);
#undef S

/* ---- Messages and records ----------------------------------------------------------------- */

static const struct mcpz_layout *msg_layout_of(uint64_t kind)
{
    return kind < MCPZ_MSG_KIND_END && msg_layouts[kind].name != NULL ? &msg_layouts[kind] : NULL;
}

static const struct mcpz_layout *record_layout_of(enum mcpz_record_kind kind)
{
    assert(kind < MCPZ_RECORD_KIND_END && record_layouts[kind].name != NULL);
    return &record_layouts[kind];
}

static mcpz_error finish(const struct mcpz_value_writer *writer, size_t *length)
{
    if (writer->error == MCPZ_OK) {
        *length = writer->length;
    }
    return writer->error;
}

/* [tag, field, ...] */
static struct mcpz_value_writer write_tagged(const struct mcpz_layout *layout, uint32_t tag,
                                             const void *base, uint8_t *buffer, size_t capacity)
{
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, capacity);

    mcpz_value_array(&writer, (uint32_t)(1 + layout->field_count));
    mcpz_value_uint(&writer, tag);
    mcpz_layout_write_fields(&writer, layout, base);
    return writer;
}

/* Check the shape of it all, then read the tag. `*count` items are left. */
static mcpz_error read_tag(struct mcpz_layout_source *source, uint64_t *tag, size_t *count)
{
    struct mcpz_item item;

    mcpz_error error = mcpz_shape_check(source->reader.left);
    if (error == MCPZ_OK) {
        error = mcpz_layout_expect(source, MCPZ_ITEM_ARRAY, &item);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    if (item.count == 0) {
        return MCPZ_EPROTO;
    }
    *count = item.count - 1;
    error = mcpz_layout_expect(source, MCPZ_ITEM_UINT, &item);
    if (error == MCPZ_OK) {
        *tag = item.uint;
    }
    return error;
}

mcpz_error mcpz_msg_encode(const struct mcpz_msg *msg, uint8_t *buffer, size_t capacity,
                           size_t *length)
{
    const struct mcpz_layout *layout = msg_layout_of(msg->kind);
    assert(layout != NULL);

    /* All members of the union lie where the first one does. */
    struct mcpz_value_writer writer =
        write_tagged(layout, (uint32_t)msg->kind, &msg->hello, buffer, capacity);
    assert(writer.length <= MCPZ_MSG_BYTES_MAX);
    return finish(&writer, length);
}

mcpz_error mcpz_msg_decode(struct mcpz_bytes bytes, struct mcpz_arena *arena, struct mcpz_msg *msg)
{
    struct mcpz_layout_source source = {.reader = mcpz_reader(bytes), .arena = arena};
    const size_t arena_used = arena->used;
    uint64_t kind;
    size_t count;

    if (bytes.length > MCPZ_MSG_BYTES_MAX) {
        return MCPZ_EPROTO;
    }
    mcpz_error error = read_tag(&source, &kind, &count);
    if (error != MCPZ_OK) {
        return error;
    }
    const struct mcpz_layout *layout = msg_layout_of(kind);
    if (layout == NULL) {
        return MCPZ_EPROTO;
    }

    struct mcpz_msg result;
    memset(&result, 0, sizeof(result));
    result.kind = (enum mcpz_msg_kind)kind;
    error = mcpz_layout_read_fields(&source, layout, count, &result.hello);
    if (error != MCPZ_OK) {
        arena->used = arena_used;
        return error;
    }
    *msg = result;
    return MCPZ_OK;
}

const char *mcpz_msg_name(uint32_t kind)
{
    const struct mcpz_layout *layout = msg_layout_of(kind);
    return layout != NULL ? layout->name : "?";
}

mcpz_error mcpz_record_encode(const struct mcpz_record *record, uint8_t *buffer, size_t capacity,
                              size_t *length)
{
    struct mcpz_value_writer writer = write_tagged(
        record_layout_of(record->kind), MCPZ_RECORD_VERSION, &record->self, buffer, capacity);
    assert(writer.length <= MCPZ_STORED_BYTES_MAX);
    return finish(&writer, length);
}

mcpz_error mcpz_record_decode(struct mcpz_bytes bytes, struct mcpz_arena *arena,
                              struct mcpz_record *record)
{
    const struct mcpz_layout *layout = record_layout_of(record->kind);
    struct mcpz_layout_source source = {.reader = mcpz_reader(bytes), .arena = arena};
    const size_t arena_used = arena->used;
    struct mcpz_record result = *record;
    uint64_t version;
    size_t count;

    mcpz_error error = read_tag(&source, &version, &count);
    if (error == MCPZ_OK && version != MCPZ_RECORD_VERSION) {
        error = MCPZ_EPROTO;
    }
    if (error == MCPZ_OK) {
        error = mcpz_layout_read_fields(&source, layout, count, &result.self);
    }
    if (error != MCPZ_OK) {
        arena->used = arena_used;
        return error == MCPZ_EFULL ? MCPZ_EFULL : MCPZ_ECORRUPT;
    }
    *record = result;
    return MCPZ_OK;
}

/* ---- Certificates ------------------------------------------------------------------------- */

static mcpz_error write_whole(const struct mcpz_layout *layout, const void *base, uint8_t *buffer,
                              size_t capacity, size_t *length)
{
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, capacity);

    mcpz_layout_write(&writer, layout, base);
    return finish(&writer, length);
}

static mcpz_error read_whole(struct mcpz_bytes bytes, const struct mcpz_layout *layout, void *base)
{
    struct mcpz_layout_source source = {.reader = mcpz_reader(bytes)};

    mcpz_error error = mcpz_shape_check(bytes);
    return error != MCPZ_OK ? error : mcpz_layout_read(&source, layout, base);
}

mcpz_error mcpz_certificate_body_encode(const struct mcpz_certificate *certificate,
                                        uint8_t *buffer, size_t capacity, size_t *length)
{
    return write_whole(&body_layout, certificate, buffer, capacity, length);
}

mcpz_error mcpz_certificate_chain_encode(const struct mcpz_certificate_chain *chain,
                                         uint8_t *buffer, size_t capacity, size_t *length)
{
    return write_whole(&chain_layout, chain, buffer, capacity, length);
}

mcpz_error mcpz_certificate_chain_decode(struct mcpz_bytes bytes,
                                         struct mcpz_certificate_chain *chain)
{
    struct mcpz_certificate_chain result = {0};
    uint8_t again[MCPZ_CERTIFICATE_BYTES_MAX];
    size_t length;

    if (bytes.length > MCPZ_CERTIFICATE_BYTES_MAX) {
        return MCPZ_EPROTO;
    }
    mcpz_error error = read_whole(bytes, &chain_layout, &result);
    if (error != MCPZ_OK) {
        return error;
    }
    /* Fields from the future are not skipped here: a signature covers all of a certificate. */
    if (mcpz_certificate_chain_encode(&result, again, sizeof(again), &length) != MCPZ_OK ||
        !mcpz_bytes_equal(bytes, mcpz_bytes(again, length))) {
        return MCPZ_EPROTO;
    }
    *chain = result;
    return MCPZ_OK;
}

/* ---- Tokens ------------------------------------------------------------------------------- */

#define PREFIX_CHARS (sizeof(MCPZ_TOKEN_PREFIX) - 1)

/* What the longest text can hold. */
#define TOKEN_BYTES_MAX ((MCPZ_TOKEN_TEXT_BYTES_MAX - 1 - PREFIX_CHARS) * 5 / 8)

mcpz_error mcpz_token_to_text(const struct mcpz_join_token *token, char *text, size_t capacity)
{
    uint8_t bytes[TOKEN_BYTES_MAX];
    size_t length;

    mcpz_error error = write_whole(&token_layout, token, bytes, sizeof(bytes), &length);
    if (error == MCPZ_OK && PREFIX_CHARS + MCPZ_BASE32_CHARS(length) + 1 > capacity) {
        error = MCPZ_EFULL;
    }
    if (error == MCPZ_OK) {
        memcpy(text, MCPZ_TOKEN_PREFIX, PREFIX_CHARS);
        mcpz_base32_encode(mcpz_bytes(bytes, length), text + PREFIX_CHARS);
    }
    explicit_bzero(bytes, sizeof(bytes)); /* the secret was in there */
    return error;
}

static bool is_space(uint8_t character)
{
    return character == ' ' || (character >= '\t' && character <= '\r');
}

static struct mcpz_bytes trim(struct mcpz_bytes text)
{
    while (text.length > 0 && is_space(text.data[0])) {
        text = mcpz_bytes(text.data + 1, text.length - 1);
    }
    while (text.length > 0 && is_space(text.data[text.length - 1])) {
        text.length--;
    }
    return text;
}

/* Is it "mcpz", some digits, '-'? */
static bool has_token_prefix(struct mcpz_bytes text)
{
    static const char stem[] = "mcpz";
    size_t at = sizeof(stem) - 1;

    if (text.length < at || memcmp(text.data, stem, at) != 0) {
        return false;
    }
    while (at < text.length && text.data[at] >= '0' && text.data[at] <= '9') {
        at++;
    }
    return at > sizeof(stem) - 1 && at < text.length && text.data[at] == '-';
}

static mcpz_error read_token(struct mcpz_bytes text, struct mcpz_arena *arena,
                             struct mcpz_join_token *token)
{
    size_t capacity = text.length * 5 / 8;
    size_t length;

    uint8_t *bytes = mcpz_arena_take(arena, capacity, 1);
    if (bytes == NULL) {
        return MCPZ_EFULL;
    }
    mcpz_error error = mcpz_base32_decode(text, bytes, capacity, &length);
    return error != MCPZ_OK ? error : read_whole(mcpz_bytes(bytes, length), &token_layout, token);
}

mcpz_error mcpz_token_from_text(struct mcpz_bytes text, struct mcpz_arena *arena,
                                struct mcpz_join_token *token)
{
    struct mcpz_join_token result = {0};
    const size_t arena_used = arena->used;

    text = trim(text);
    if (!has_token_prefix(text)) {
        return MCPZ_EPROTO;
    }
    if (memcmp(text.data, MCPZ_TOKEN_PREFIX, PREFIX_CHARS) != 0) {
        return MCPZ_EVERSION;
    }
    if (text.length >= MCPZ_TOKEN_TEXT_BYTES_MAX) {
        return MCPZ_EFULL;
    }
    mcpz_error error = read_token(mcpz_bytes(text.data + PREFIX_CHARS, text.length - PREFIX_CHARS),
                                  arena, &result);
    if (error != MCPZ_OK) {
        arena->used = arena_used;
        return error;
    }
    *token = result;
    return MCPZ_OK;
}
