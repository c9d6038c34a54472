#include "wire/rows.h"

#define S struct mcpz_bytes
static const struct mcpz_field name_fields[] = {
    {.type = MCPZ_FIELD_TEXT, .max = MCPZ_NAME_BYTES_MAX},
};
const struct mcpz_layout mcpz_name_layout = LAYOUT(S, name_fields);
#undef S

#define S struct mcpz_actor
static const struct mcpz_field actor_fields[] = {{ID(S, node)}, {U32(S, generation)}};
const struct mcpz_layout mcpz_actor_layout = LAYOUT(S, actor_fields);
#undef S

#define S struct mcpz_dot
static const struct mcpz_field dot_fields[] = {
    {STRUCT(S, actor, mcpz_actor_layout)},
    {U64_FROM(S, seq, 1)},
    {U32_IN(S, index, 0, MCPZ_DELTA_ADDS_MAX - 1)},
};
static const struct mcpz_layout dot_layout = LAYOUT(S, dot_fields);
#undef S

#define S struct mcpz_version
static const struct mcpz_field version_fields[] = {
    {STRUCT(S, actor, mcpz_actor_layout)},
    {U64(S, seq)},
    {HEAD(S, head)},
};
const struct mcpz_layout mcpz_version_layout = LAYOUT(S, version_fields);
#undef S

#define S struct mcpz_cosignature
static const struct mcpz_field cosignature_fields[] = {
    {ID(S, signer)},
    {.type = MCPZ_FIELD_FIXED, AT(S, signature), .max = MCPZ_SIGNATURE_BYTES},
};
const struct mcpz_layout mcpz_cosignature_layout = LAYOUT(S, cosignature_fields);
#undef S

#define S struct mcpz_agreed
static const struct mcpz_field agreed_fields[] = {
    {TEXT(S, tenant, MCPZ_TENANT_BYTES_MAX)},
    {U64(S, hlc)},
    {VERSIONS(S, versions, version_count)},
    {ID(S, root)},
    {U32_IN(S, replicas, 1, MCPZ_COSIGNATURES_MAX)},
    {COSIGNATURES(S, signatures, signature_count)},
    {CUTS(S, cuts, cut_count), SINCE},
};
const struct mcpz_layout mcpz_agreed_layout = LAYOUT(S, agreed_fields);
#undef S

#define S struct mcpz_tip
static const struct mcpz_field tip_fields[] = {{U64_FROM(S, seq, 1)}, {HEAD(S, head)}};
const struct mcpz_layout mcpz_tip_layout = LAYOUT(S, tip_fields);
#undef S

#define S struct mcpz_cut
static const struct mcpz_field cut_fields[] = {
    {STRUCT(S, actor, mcpz_actor_layout)},
    {U64_FROM(S, seq, 1)},
    {BOOL(S, overrun)},
    {INLINE(S, tips, tip_count, mcpz_tip_layout, 0)},
};
const struct mcpz_layout mcpz_cut_layout = LAYOUT(S, cut_fields);
#undef S

#define ENTRY_TYPE(S, member) U32_IN(S, member, MCPZ_ENTRY_REGISTER, MCPZ_ENTRY_END - 1)

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

bool mcpz_version_ascends(const void *a, const void *b)
{
    const struct mcpz_version *first = a;
    const struct mcpz_version *second = b;
    return mcpz_actor_compare(&first->actor, &second->actor) < 0;
}

bool mcpz_cut_ascends(const void *a, const void *b)
{
    const struct mcpz_cut *first = a;
    const struct mcpz_cut *second = b;
    return mcpz_actor_compare(&first->actor, &second->actor) < 0;
}

bool mcpz_tip_ascends(const void *a, const void *b)
{
    return mcpz_tip_compare(a, b) < 0;
}

#define S struct mcpz_delta_proof
static const struct mcpz_field proof_fields[] = {
    {.type = MCPZ_FIELD_FIXED, AT(S, batch), .max = MCPZ_BATCH_NAME_BYTES},
    {U32_IN(S, first, 0, MCPZ_BATCH_DELTAS_MAX - 1)},
    {U32_IN(S, index, 0, MCPZ_BATCH_DELTAS_MAX - 1)},
};
static const struct mcpz_layout proof_layout = LAYOUT(S, proof_fields);
#undef S

#define S struct mcpz_delta
const struct mcpz_field mcpz_delta_fields[MCPZ_DELTA_FIELDS + 1] = {
    {ID(S, document)},
    {STRUCT(S, actor, mcpz_actor_layout)},
    {U64_FROM(S, seq, 1)},
    {HEAD(S, prev)},
    {U64(S, hlc)},
    {VERSIONS(S, versions, version_count)},
    {LIST(S, adds, add_count, add_layout, MCPZ_DELTA_ADDS_MAX)},
    {LIST(S, removes, remove_count, remove_layout, MCPZ_DELTA_REMOVES_MAX)},
    {STRUCT(S, proof, proof_layout)},
};
const struct mcpz_layout mcpz_delta_layout = {.name = "delta",
                                              .size = sizeof(S),
                                              .fields = mcpz_delta_fields,
                                              .field_count = MCPZ_DELTA_FIELDS};
#undef S

#define S struct mcpz_batch_seal
static const struct mcpz_field batch_seal_fields[] = {
    {STRUCT(S, author, mcpz_actor_layout)},
    {U32_IN(S, count, 1, MCPZ_BATCH_DELTAS_MAX)},
    {BYTES(S, signature, MCPZ_SIGNATURE_BYTES, MCPZ_SIGNATURE_BYTES)},
};
const struct mcpz_layout mcpz_batch_seal_layout = LAYOUT(S, batch_seal_fields);
#undef S

#define S struct mcpz_task_kin
static const struct mcpz_field kin_fields[] = {
    {TASK_ID(S, parent)},
    {TASK_ID(S, root)},
    {U32_IN(S, level, 1, MCPZ_SUBTASK_LEVELS_MAX)},
    {U32_IN(S, part, 0, MCPZ_SUBTASKS_MAX)},
    {U32_IN(S, feed, 0, MCPZ_TASK_FEED_END - 1)},
};
static const struct mcpz_layout kin_layout = LAYOUT(S, kin_fields);
#undef S

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
    {INLINE(S, kin, kin_count, kin_layout, 0), SINCE},
};
const struct mcpz_layout mcpz_task_body_layout = LAYOUT(S, task_body_fields);
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
    {U32_IN(S, phase, MCPZ_TASK_QUEUED, MCPZ_TASK_PHASE_END - 1)},
    {U64(S, due_ms)},
    {U32(S, attempts)},
    {ID(S, provider)},
    {U64(S, held_ms)},
    {U64(S, ended_ms)},
    {U32(S, code)},
    {TEXT(S, text, MCPZ_TASK_TEXT_BYTES_MAX)},
    {LIST(S, history, history_count, task_attempt_layout, MCPZ_TASK_HISTORY_MAX)},
    {U32(S, family), SINCE},
    {U32(S, round), SINCE},
};
const struct mcpz_layout mcpz_task_state_layout = LAYOUT(S, task_state_fields);
#undef S

#define S struct mcpz_layout_stamp
static const struct mcpz_field stamp_fields[] = {{U64(S, version)}, {U64(S, tag)}};
const struct mcpz_layout mcpz_stamp_layout = LAYOUT(S, stamp_fields);
#undef S

#define S struct mcpz_revocation
const struct mcpz_field mcpz_revocation_fields[MCPZ_REVOCATION_FIELDS] = {
    {ID(S, node)},
    {NAME(S, name)},
    {ID(S, by)},
    {NAME(S, by_name)},
    {U64(S, at_ms)},
    {TEXT(S, reason, MCPZ_REVOCATION_REASON_BYTES_MAX)},
    {BYTES(S, signature, MCPZ_SIGNATURE_BYTES, MCPZ_SIGNATURE_BYTES)},
};
const struct mcpz_layout mcpz_revocation_layout = LAYOUT(S, mcpz_revocation_fields);
#undef S

#define S struct mcpz_layout_tracker
const struct mcpz_field mcpz_tracker_fields[MCPZ_TRACKER_FIELDS] = {
    {ID(S, node)},
    {STRUCT(S, acked, mcpz_stamp_layout)},
    {STRUCT(S, synced, mcpz_stamp_layout)},
    {STRUCT(S, sync_acked, mcpz_stamp_layout)},
};
const struct mcpz_layout mcpz_tracker_layout = LAYOUT(S, mcpz_tracker_fields);
#undef S
