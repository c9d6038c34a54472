#include "wire/records.h"

#include <assert.h>

#include "proto/limits.h"
#include "wire/rows.h"

/* ---- The disk format ------------------------------------------------------------------------
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
    {CUTS(S, cuts, cut_count)},
    {U64(S, change)},
    {TEXT(S, tenant, MCPZ_TENANT_BYTES_MAX)},
};
#undef S

#define S struct mcpz_record_entry
static const struct mcpz_field entry_fields[] = {{U64(S, hlc)}, {VALUE(S, value)}};
#undef S

#define S struct mcpz_record_fork
static const struct mcpz_field fork_fields[] = {
    {U64_FROM(S, seq, 1)}, {ID(S, one)},        {ID(S, other)},
    {U64(S, one_hlc)},     {U64(S, other_hlc)}, {U64(S, noticed_ms)},
};
#undef S

#define S struct mcpz_record_task
static const struct mcpz_field kept_task_fields[] = {{STRUCT(S, body, mcpz_task_body_layout)}};
#undef S

#define S struct mcpz_record_task_state
static const struct mcpz_field kept_state_fields[] = {{STRUCT(S, state, mcpz_task_state_layout)}};
#undef S

static const struct mcpz_field task_key_fields[] = {{TASK_ID(struct mcpz_record_task_key, id)}};

#define S struct mcpz_record_task_result
static const struct mcpz_field task_result_fields[] = {
    {BYTES(S, bytes, 0, MCPZ_TASK_RESULT_BYTES_MAX)},
};
#undef S

#define S struct mcpz_task_plan
static const struct mcpz_field plan_fields[] = {
    {U32_IN(S, count, 1, MCPZ_SUBTASKS_MAX)},
    {U32_IN(S, aggregate, MCPZ_TASK_PARALLEL, MCPZ_TASK_AGGREGATE_END - 1)},
    {BOOL(S, reduces)},
    {U32_IN(S, failures_max, 0, MCPZ_SUBTASKS_MAX)},
    {U64(S, salt)},
    {BYTES(S, weights, 0, 4 * MCPZ_SUBTASKS_MAX)},
    {BYTES(S, text, 1, MCPZ_PLAN_BYTES_MAX)},
};
static const struct mcpz_layout plan_layout = LAYOUT(S, plan_fields);
#undef S

#define S struct mcpz_record_task_plan
static const struct mcpz_field kept_plan_fields[] = {{STRUCT(S, plan, plan_layout)}};
#undef S

static const struct mcpz_field queue_fields[] = {{BOOL(struct mcpz_record_queue, paused)}};

#define S struct mcpz_record_run
static const struct mcpz_field run_fields[] = {
    {BOOL(S, done)},
    {U64(S, ended_ms)},
    {BYTES(S, result, 0, MCPZ_TASK_RESULT_BYTES_MAX)},
    {BOOL(S, plan), SINCE},
};
#undef S

#define S struct mcpz_record_batch
static const struct mcpz_field batch_fields[] = {
    {STRUCT(S, part.seal, mcpz_batch_seal_layout)},
    {DIGESTS(S, part.beside, 0, MCPZ_BATCH_BESIDE_MAX)},
    {DIGESTS(S, leaves, 1, MCPZ_BATCH_DELTAS_MAX)},
    {U32(S, kept)},
};
#undef S

#define S struct mcpz_record_checkpoint
static const struct mcpz_field checkpoint_fields[] = {
    {ID(S, state)},
    {ID(S, root)},
    {U64(S, deltas)},
    {U64(S, folded_ms)},
    {COSIGNATURES(S, signatures, signature_count)},
};
#undef S

#define S struct mcpz_record_author
static const struct mcpz_field author_fields[] = {
    {ID(S, mesh)},
    {BYTES(S, certificate, 1, MCPZ_CERTIFICATE_BYTES_MAX)},
};
#undef S

static const struct mcpz_field kept_layout_fields[] = {
    {BYTES(struct mcpz_record_layout, bytes, 1, MCPZ_LAYOUT_BYTES_MAX)},
};

static const struct mcpz_field staged_fields[] = {
    {BYTES(struct mcpz_record_staged, body, 1, MCPZ_LAYOUT_BYTES_MAX)},
};

static const struct mcpz_field hint_fields[] = {{U64(struct mcpz_record_hint, bytes)}};

static const struct mcpz_field change_fields[] = {{ID(struct mcpz_record_change, document)}};

#define S struct mcpz_record_changes
static const struct mcpz_field changes_fields[] = {{U64(S, epoch)}, {U64(S, floor)}};
#undef S

#define S struct mcpz_record_cursor
static const struct mcpz_field cursor_fields[] = {
    {U64(S, epoch)}, {U64(S, scope)}, {U64(S, seq)}, {U64(S, wall_ms)}};
#undef S

#define S struct mcpz_record_floor
static const struct mcpz_field floor_fields[] = {
    {STRUCT(S, agreed, mcpz_agreed_layout)},
    {U64_FROM(S, byte_count, 1)},
    {U64(S, folded_ms)},
    {BOOL(S, swept)},
    {U64(S, agreed_ms), SINCE},
    {BOOL(S, is_deleted), SINCE},
};
#undef S

static const struct mcpz_field base_fields[] = {
    {BYTES(struct mcpz_record_base, bytes, 1, MCPZ_BASE_PIECE_BYTES)},
};

#define S struct mcpz_record_stable
static const struct mcpz_field stable_fields[] = {
    {STRUCT(S, agreed, mcpz_agreed_layout)},
    {U64(S, agreed_ms)},
    {BOOL(S, is_deleted), SINCE},
};
#undef S

#define S struct mcpz_record_horizon
static const struct mcpz_field horizon_fields[] = {
    {U64(S, horizon_ms)}, {U64(S, fresh_ms)},  {U64(S, told_hlc)},
    {U64(S, since_ms)},   {BOOL(S, is_whole)},
};
#undef S

#define S struct mcpz_record_settled
static const struct mcpz_field settled_fields[] = {
    {STRUCT(S, stamp, mcpz_stamp_layout)},
    {U64(S, since_ms)},
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
                           .fields = mcpz_delta_fields + MCPZ_DELTA_KEY_FIELDS,
                           .field_count = MCPZ_DELTA_FIELDS - MCPZ_DELTA_KEY_FIELDS + 1},
    [MCPZ_RECORD_BATCH] = NAMED("batch", struct mcpz_record_batch, batch_fields),
    [MCPZ_RECORD_AUTHOR] = NAMED("author", struct mcpz_record_author, author_fields),
    [MCPZ_RECORD_CHECKPOINT] =
        NAMED("checkpoint", struct mcpz_record_checkpoint, checkpoint_fields),
    [MCPZ_RECORD_FORK] = NAMED("fork", struct mcpz_record_fork, fork_fields),
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
    [MCPZ_RECORD_TASK_PLAN] = NAMED("task_plan", struct mcpz_record_task_plan, kept_plan_fields),
    [MCPZ_RECORD_LAYOUT] = NAMED("layout", struct mcpz_record_layout, kept_layout_fields),
    [MCPZ_RECORD_TRACKER] = {.name = "tracker",
                             .size = sizeof(struct mcpz_record_tracker),
                             .fields = mcpz_tracker_fields + MCPZ_TRACKER_KEY_FIELDS,
                             .field_count = MCPZ_TRACKER_FIELDS - MCPZ_TRACKER_KEY_FIELDS},
    [MCPZ_RECORD_STAGED] = NAMED("staged", struct mcpz_record_staged, staged_fields),
    [MCPZ_RECORD_HINT] = NAMED("hint", struct mcpz_record_hint, hint_fields),
    [MCPZ_RECORD_CHANGE] = NAMED("change", struct mcpz_record_change, change_fields),
    [MCPZ_RECORD_CHANGES] = NAMED("changes", struct mcpz_record_changes, changes_fields),
    [MCPZ_RECORD_CURSOR] = NAMED("cursor", struct mcpz_record_cursor, cursor_fields),
    [MCPZ_RECORD_BLOB_DOCUMENT] = {.name = "blob_document",
                                   .size = sizeof(struct mcpz_record_blob_document)},
    [MCPZ_RECORD_FLOOR] = NAMED("floor", struct mcpz_record_floor, floor_fields),
    [MCPZ_RECORD_BASE] = NAMED("base", struct mcpz_record_base, base_fields),
    [MCPZ_RECORD_STABLE] = NAMED("stable", struct mcpz_record_stable, stable_fields),
    [MCPZ_RECORD_HORIZON] = NAMED("horizon", struct mcpz_record_horizon, horizon_fields),
    [MCPZ_RECORD_SETTLED] = NAMED("settled", struct mcpz_record_settled, settled_fields),
    [MCPZ_RECORD_REVOKED] = {.name = "revoked",
                             .size = sizeof(struct mcpz_record_revoked),
                             .fields = mcpz_revocation_fields + MCPZ_REVOCATION_KEY_FIELDS,
                             .field_count = MCPZ_REVOCATION_FIELDS - MCPZ_REVOCATION_KEY_FIELDS},
};

/* ---- Reading and writing ------------------------------------------------------------------ */

static const struct mcpz_layout *record_layout_of(enum mcpz_record_kind kind)
{
    assert(kind < MCPZ_RECORD_KIND_END && record_layouts[kind].name != NULL);
    return &record_layouts[kind];
}

mcpz_error mcpz_record_encode(const struct mcpz_record *record, uint8_t *buffer, size_t capacity,
                              size_t *length)
{
    mcpz_error error =
        mcpz_layout_write_tagged(record_layout_of(record->kind), MCPZ_RECORD_VERSION,
                                 &record->self, buffer, capacity, length);
    assert(error != MCPZ_OK || *length <= MCPZ_STORED_BYTES_MAX);
    return error;
}

size_t mcpz_delta_encode(const struct mcpz_delta *delta, uint8_t *buffer, size_t capacity)
{
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, capacity);

    mcpz_layout_write(&writer, &mcpz_delta_layout, delta);
    assert(writer.error == MCPZ_OK);
    return writer.length;
}

mcpz_error mcpz_delta_decode(struct mcpz_bytes bytes, struct mcpz_arena *arena,
                             struct mcpz_delta *delta)
{
    /* What comes from the future is not skipped: the hash of a delta is of all its bytes. */
    struct mcpz_layout_source source = {
        .reader = mcpz_reader(bytes), .arena = arena, .is_exact = true};
    const size_t arena_used = arena->used;
    struct mcpz_delta result = {.seq = 0};

    mcpz_error error = mcpz_layout_read(&source, &mcpz_delta_layout, &result);
    if (error == MCPZ_OK && source.reader.left.length > 0) {
        error = MCPZ_EPROTO;
    }
    if (error != MCPZ_OK) {
        mcpz_arena_rewind(arena, arena_used);
        return error;
    }
    *delta = result;
    return MCPZ_OK;
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

    mcpz_error error = mcpz_layout_read_tag(&source, &version, &count);
    if (error == MCPZ_OK && version != MCPZ_RECORD_VERSION) {
        error = MCPZ_EPROTO;
    }
    if (error == MCPZ_OK) {
        error = mcpz_layout_read_fields(&source, layout, count, &result.self);
    }
    if (error == MCPZ_OK && source.reader.left.length > 0) {
        error = MCPZ_EPROTO;
    }
    if (error != MCPZ_OK) {
        mcpz_arena_rewind(arena, arena_used);
        return error == MCPZ_EFULL ? MCPZ_EFULL : MCPZ_ECORRUPT;
    }
    *record = result;
    return MCPZ_OK;
}
