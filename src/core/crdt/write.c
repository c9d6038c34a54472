#include "core/crdt/write.h"

#include <assert.h>

#include "core/crdt/edit.h"
#include "core/crdt/escrow.h"
#include "core/crdt/lives.h"
#include "core/crdt/naming.h"
#include "core/crdt/number.h"
#include "core/crdt/paths.h"
#include "core/crdt/restore.h"
#include "core/crdt/shown.h"
#include "core/crdt/write_list.h"

static const struct mcpz_outcome ok = {.code = MCPZ_CODE_OK, .text = ""};

static_assert(MCPZ_AGENTS_MAX == 1000000 && MCPZ_TENANT_BYTES_MAX == 64,
              "the texts in create() name them");

/* ---- One function for each kind of write -------------------------------------------------- */

static struct mcpz_add add_naming(const struct mcpz_naming *naming, struct mcpz_parts *parts)
{
    mcpz_naming_write(naming, parts);
    return (struct mcpz_add){
        .type = MCPZ_ENTRY_REGISTER, .path = mcpz_paths_id, .value = mcpz_parts_bytes(parts)};
}

/* ---- Life ----------------------------------------------------------------------------------- */

struct life {
    const char *state;
    int64_t rank;   /* within an epoch, what is further along has the last word */
    bool is_chosen; /* by LIFE; the others are CREATE's and DELETE's */
};

static const struct life lives[] = {
    {MCPZ_LIFE_PROVISIONING, 0, true},   {MCPZ_LIFE_ACTIVE, 0, true},
    {MCPZ_LIFE_IDLE, 0, true},           {MCPZ_LIFE_MAINTENANCE, 0, true},
    {MCPZ_LIFE_DECOMMISSIONED, 1, true}, {MCPZ_LIFE_DELETED, 2, false},
};

static const struct life *find_life(struct mcpz_bytes state)
{
    for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
        if (mcpz_bytes_equal(state, mcpz_text(lives[i].state))) {
            return &lives[i];
        }
    }
    return NULL;
}

/* A fenced entry, kept in `parts`. */
static struct mcpz_add add_life(const char *state, int64_t epoch, struct mcpz_parts *parts)
{
    const struct life *life = find_life(mcpz_text(state));
    uint8_t text[MCPZ_NUMBER_TEXT_MAX + 2];
    size_t length = mcpz_number_text_encode(mcpz_text(state), text);

    assert(life != NULL);
    *parts = mcpz_shown_fence(epoch, life->rank, mcpz_bytes(text, length));
    return (struct mcpz_add){
        .type = MCPZ_ENTRY_FENCED, .path = mcpz_paths_life, .value = mcpz_parts_bytes(parts)};
}

static mcpz_error find_shown(const struct mcpz_writer *writer, struct mcpz_bytes path,
                             struct mcpz_shown *shown)
{
    return mcpz_shown_find(writer->store, &writer->document->id, path, MCPZ_ENTRY_FENCED, shown);
}

static struct mcpz_outcome create(struct mcpz_writer *writer, const struct mcpz_naming *naming)
{
    struct mcpz_parts id;
    struct mcpz_parts life;
    struct mcpz_shown shown;

    if (mcpz_id_is_zero(&writer->document->id) || !mcpz_naming_is_valid(naming)) {
        return mcpz_edit_refuse(
            MCPZ_CODE_BAD_REQUEST,
            "an agent's name is 1 to 128 bytes of UTF-8, and a tenant's at most 64");
    }
    if (mcpz_document_is_live(writer->document)) {
        return mcpz_edit_refuse(MCPZ_CODE_CONFLICT, "an agent of this name exists");
    }
    if (!writer->has_room) {
        return mcpz_edit_refuse(MCPZ_CODE_LIMIT,
                                "this node holds too many agents (limit 1000000)");
    }
    const mcpz_error error = find_shown(writer, mcpz_paths_life, &shown);
    const int64_t before = writer->epoch > shown.epoch ? writer->epoch : shown.epoch;
    if (error != MCPZ_OK || before == INT64_MAX) {
        return mcpz_edit_store_failed();
    }

    struct mcpz_edit edit = {.query = mcpz_edit_query(writer, mcpz_paths_life, MCPZ_ENTRY_FENCED)};
    edit.adds[edit.add_count++] = add_life(MCPZ_LIFE_ACTIVE, before + 1, &life);
    if (writer->document->name.length == 0) {
        edit.adds[edit.add_count++] = add_naming(naming, &id);
    }
    return mcpz_edit_carry_out(writer, &edit);
}

static struct mcpz_outcome delete (struct mcpz_writer *writer)
{
    struct mcpz_parts life;
    struct mcpz_shown shown;

    if (find_shown(writer, mcpz_paths_life, &shown) != MCPZ_OK) {
        return mcpz_edit_store_failed();
    }
    struct mcpz_edit edit = {
        .query = {.range = MCPZ_FIND_ALL, .document = writer->document->id},
        .adds = {add_life(MCPZ_LIFE_DELETED, shown.epoch, &life)},
        .add_count = 1,
    };
    return mcpz_edit_carry_out(writer, &edit);
}

static struct mcpz_outcome change_life(struct mcpz_writer *writer, struct mcpz_bytes state)
{
    const struct life *life = find_life(state);
    struct mcpz_parts parts;
    struct mcpz_shown shown;

    if (life == NULL || !life->is_chosen) {
        return mcpz_edit_refuse(MCPZ_CODE_BAD_REQUEST,
                                "an agent is provisioning, active, idle, maintenance or "
                                "decommissioned");
    }
    if (find_shown(writer, mcpz_paths_life, &shown) != MCPZ_OK) {
        return mcpz_edit_store_failed();
    }
    if (shown.rank > life->rank) {
        return mcpz_edit_refuse(MCPZ_CODE_CONFLICT,
                                "it is decommissioned: delete it, and create it anew");
    }
    struct mcpz_edit edit = {
        .query = mcpz_edit_query(writer, mcpz_paths_life, MCPZ_ENTRY_FENCED),
        .adds = {add_life(life->state, shown.epoch, &parts)},
        .add_count = 1,
    };
    return mcpz_edit_carry_out(writer, &edit);
}

/* ---- Registers, sets, flags, maps ----------------------------------------------------------- */

/* One entry in place of all observed ones of its type and path. */
static struct mcpz_outcome replace(struct mcpz_writer *writer, uint32_t type,
                                   struct mcpz_bytes path, struct mcpz_bytes value)
{
    struct mcpz_edit edit = {
        .query = mcpz_edit_query(writer, path, type),
        .adds = {{type, path, value}},
        .add_count = 1,
    };
    return mcpz_edit_carry_out(writer, &edit);
}

static struct mcpz_outcome fence(struct mcpz_writer *writer,
                                 const struct mcpz_event_agent *request)
{
    struct mcpz_shown shown;
    struct mcpz_parts parts;

    if (request->epoch < 0 || request->rank < 0 || request->rank > MCPZ_FENCE_RANK_MAX) {
        return mcpz_edit_refuse(MCPZ_CODE_BAD_REQUEST,
                                "an epoch is not negative, and a rank is 0 to 255");
    }
    if (find_shown(writer, request->path, &shown) != MCPZ_OK) {
        return mcpz_edit_store_failed();
    }
    if (shown.is_there && request->epoch < shown.epoch) {
        return mcpz_edit_refuse(MCPZ_CODE_CONFLICT,
                                "a later epoch has begun, as the history shows");
    }
    parts = mcpz_shown_fence(request->epoch, request->rank, request->value);
    if (parts.is_full) {
        return mcpz_edit_refuse(MCPZ_CODE_BAD_REQUEST, "a fenced value is at most 1000 bytes");
    }
    return replace(writer, MCPZ_ENTRY_FENCED, request->path, mcpz_parts_bytes(&parts));
}

static struct mcpz_outcome disable(struct mcpz_writer *writer, struct mcpz_bytes path)
{
    struct mcpz_edit edit = {.query = mcpz_edit_query(writer, path, MCPZ_ENTRY_FLAG),
                             .must_find = true};

    return mcpz_edit_carry_out(writer, &edit);
}

static struct mcpz_outcome unset(struct mcpz_writer *writer,
                                 const struct mcpz_event_agent *request)
{
    struct mcpz_edit edit = {
        .query = {.range = MCPZ_FIND_BELOW,
                  .document = writer->document->id,
                  .path = request->path},
        .must_find = true,
    };
    return mcpz_edit_carry_out(writer, &edit);
}

static struct mcpz_outcome change_set(struct mcpz_writer *writer,
                                      const struct mcpz_event_agent *request)
{
    struct mcpz_edit edit = {.query = mcpz_edit_query(writer, request->path, MCPZ_ENTRY_SET)};
    edit.query.value = request->value;

    if (request->op == MCPZ_AGENT_ADD) {
        edit.adds[0] = (struct mcpz_add){MCPZ_ENTRY_SET, request->path, request->value};
        edit.add_count = 1;
    } else {
        edit.must_find = true;
    }
    return mcpz_edit_carry_out(writer, &edit);
}

/* What we have added to the counter so far. */
static struct mcpz_outcome sum_own(struct mcpz_writer *writer,
                                   const struct mcpz_finder_query *query, int64_t *sum)
{
    struct mcpz_finder finder;
    struct mcpz_record_entry entry;

    mcpz_finder_init(&finder, writer->store, query);
    mcpz_error error = mcpz_finder_next(&finder, &entry);
    while (error == MCPZ_OK) {
        int64_t own;
        if (!mcpz_number_decode(entry.value, &own)) {
            return mcpz_edit_store_failed();
        }
        if (__builtin_add_overflow(*sum, own, sum)) {
            return mcpz_edit_refuse(MCPZ_CODE_BAD_REQUEST, "the counter would leave 64 bits");
        }
        error = mcpz_finder_next(&finder, &entry);
    }
    return error == MCPZ_ENOTFOUND ? ok : mcpz_edit_store_failed();
}

static struct mcpz_outcome increment(struct mcpz_writer *writer,
                                     const struct mcpz_event_agent *request)
{
    uint8_t value[MCPZ_NUMBER_BYTES_MAX];
    int64_t sum = 0;
    struct mcpz_edit edit = {.query = mcpz_edit_query(writer, request->path, MCPZ_ENTRY_COUNTER)};
    edit.query.owner = &writer->actor;

    struct mcpz_outcome outcome = sum_own(writer, &edit.query, &sum);
    if (outcome.code != MCPZ_CODE_OK) {
        return outcome;
    }
    if (__builtin_add_overflow(sum, request->amount, &sum)) {
        return mcpz_edit_refuse(MCPZ_CODE_BAD_REQUEST, "the counter would leave 64 bits");
    }
    size_t length = mcpz_number_encode(sum, value);
    edit.adds[0] = (struct mcpz_add){MCPZ_ENTRY_COUNTER, request->path, mcpz_bytes(value, length)};
    edit.add_count = 1;
    return mcpz_edit_carry_out(writer, &edit);
}

/* ---- Bounded counters ----------------------------------------------------------------------- */

static struct mcpz_outcome put_row(struct mcpz_writer *writer,
                                   const struct mcpz_event_agent *request,
                                   const struct mcpz_escrow_row *row)
{
    struct mcpz_parts parts = mcpz_escrow_write(row);
    struct mcpz_edit edit = {
        .query = mcpz_edit_query(writer, request->path, MCPZ_ENTRY_BOUNDED),
        .adds = {{MCPZ_ENTRY_BOUNDED, request->path, mcpz_parts_bytes(&parts)}},
        .add_count = 1,
    };
    edit.query.owner = &writer->actor;
    assert(!parts.is_full); /* escrow.c: any row fits */
    return mcpz_edit_carry_out(writer, &edit);
}

/* Give some of what is ours to another. */
static struct mcpz_outcome give(const struct mcpz_writer *writer,
                                const struct mcpz_event_agent *request,
                                struct mcpz_escrow_row *row)
{
    struct mcpz_actor to = mcpz_lives_newest(writer->document, &request->to);

    /* Who spends for a node is the life that it has its rights as. */
    if (mcpz_lives_spender(writer->store, writer->document, &to) != MCPZ_OK) {
        return mcpz_edit_store_failed();
    }
    int64_t given = mcpz_escrow_share_of(&row->given, &to);
    if (request->amount > mcpz_escrow_rights(row)) {
        return mcpz_edit_refuse(MCPZ_CODE_CONFLICT, "so much is not this node's to give");
    }
    if (__builtin_add_overflow(given, request->amount, &given)) {
        return mcpz_edit_refuse(MCPZ_CODE_BAD_REQUEST, "the counter would leave 64 bits");
    }
    if (!mcpz_escrow_set_share(&row->given, &to, given)) {
        return mcpz_edit_refuse(MCPZ_CODE_LIMIT, "given to too many nodes (limit 10)");
    }
    return ok;
}

static_assert(MCPZ_ESCROW_PARTNERS_MAX == 10, "the texts of give() and change_row() name it");

static struct mcpz_outcome change_row(struct mcpz_writer *writer,
                                      const struct mcpz_event_agent *request)
{
    struct mcpz_escrow_row row;
    bool is_grant = request->op == MCPZ_AGENT_GRANT;
    bool is_gift = is_grant && !mcpz_id_is_zero(&request->to) &&
                   !mcpz_id_equal(&request->to, &writer->actor.node);
    int64_t *sum = is_grant ? &row.granted : &row.used;

    if (request->amount < 1) {
        return mcpz_edit_refuse(MCPZ_CODE_BAD_REQUEST, "an amount is at least 1");
    }
    mcpz_error error =
        mcpz_escrow_own(writer->store, &writer->document->id, request->path, &writer->actor, &row);
    if (error == MCPZ_EFULL) {
        return mcpz_edit_refuse(MCPZ_CODE_LIMIT, "given by too many nodes (limit 10)");
    }
    if (error != MCPZ_OK) {
        return mcpz_edit_store_failed();
    }
    if (is_gift) {
        struct mcpz_outcome outcome = give(writer, request, &row);
        return outcome.code == MCPZ_CODE_OK ? put_row(writer, request, &row) : outcome;
    }
    if (!is_grant && request->amount > mcpz_escrow_rights(&row)) {
        return mcpz_edit_refuse(MCPZ_CODE_CONFLICT, "so much is not this node's to spend");
    }
    if (__builtin_add_overflow(*sum, request->amount, sum) ||
        (is_grant && mcpz_escrow_rights(&row) == 0)) {
        return mcpz_edit_refuse(MCPZ_CODE_BAD_REQUEST, "the counter would leave 64 bits");
    }
    return put_row(writer, request, &row);
}

/* ---- Whatever it is ------------------------------------------------------------------------- */

static bool carries_value(enum mcpz_agent_op op)
{
    static const enum mcpz_agent_op ops[] = {
        MCPZ_AGENT_SET,  MCPZ_AGENT_KEEP,   MCPZ_AGENT_FENCE,  MCPZ_AGENT_ADD,
        MCPZ_AGENT_PUSH, MCPZ_AGENT_REMOVE, MCPZ_AGENT_INSERT,
    };
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (op == ops[i]) {
            return true;
        }
    }
    return false;
}

static struct mcpz_outcome check_request(const struct mcpz_event_agent *request)
{
    bool has_value = carries_value(request->op);

    if (!mcpz_paths_is_valid(request->path)) {
        return mcpz_edit_refuse(MCPZ_CODE_BAD_REQUEST,
                                "not a path: 1 to 16 texts or natural numbers, "
                                "400 bytes at most");
    }
    if (mcpz_paths_is_reserved(request->path)) {
        return mcpz_edit_refuse(MCPZ_CODE_BAD_REQUEST, "paths below \"$\" are the system's own");
    }
    if (has_value &&
        (request->value.length == 0 || request->value.length > MCPZ_VALUE_BYTES_MAX)) {
        return mcpz_edit_refuse(MCPZ_CODE_BAD_REQUEST, "a value is at most 1024 bytes");
    }
    return ok;
}

static struct mcpz_outcome edit_at_path(struct mcpz_writer *writer,
                                        const struct mcpz_event_agent *request)
{
    static const uint8_t flag[] = {0xc3};
    static const uint8_t nil[] = {0xc0};
    struct mcpz_outcome outcome = check_request(request);
    if (outcome.code != MCPZ_CODE_OK) {
        return outcome;
    }
    switch (request->op) {
    case MCPZ_AGENT_SET:
        return replace(writer, MCPZ_ENTRY_REGISTER, request->path, request->value);
    case MCPZ_AGENT_KEEP:
        return replace(writer, MCPZ_ENTRY_MULTI, request->path, request->value);
    case MCPZ_AGENT_ENABLE:
        return replace(writer, MCPZ_ENTRY_FLAG, request->path, mcpz_bytes(flag, sizeof(flag)));
    case MCPZ_AGENT_MAP:
        return replace(writer, MCPZ_ENTRY_MAP, request->path, mcpz_bytes(nil, sizeof(nil)));
    case MCPZ_AGENT_FENCE:
        return fence(writer, request);
    case MCPZ_AGENT_DISABLE:
        return disable(writer, request->path);
    case MCPZ_AGENT_GRANT:
    case MCPZ_AGENT_SPEND:
        return change_row(writer, request);
    case MCPZ_AGENT_PUSH:
    case MCPZ_AGENT_INSERT:
    case MCPZ_AGENT_MOVE:
    case MCPZ_AGENT_DROP:
        return mcpz_write_list(writer, request);
    case MCPZ_AGENT_UNSET:
        return unset(writer, request);
    case MCPZ_AGENT_ADD:
    case MCPZ_AGENT_REMOVE:
        return change_set(writer, request);
    case MCPZ_AGENT_INCREMENT:
        return increment(writer, request);
    case MCPZ_AGENT_CREATE:
    case MCPZ_AGENT_DELETE:
    case MCPZ_AGENT_LIFE:
    case MCPZ_AGENT_RESTORE:
        break; /* have no path */
    }
    assert(false);
    return mcpz_edit_store_failed();
}

struct mcpz_outcome mcpz_writer_run(struct mcpz_writer *writer,
                                    const struct mcpz_event_agent *request)
{
    writer->delta_count = 0;
    if (request->op == MCPZ_AGENT_CREATE) {
        const struct mcpz_naming naming = {.tenant = request->tenant, .name = request->name};
        return create(writer, &naming);
    }
    if (request->op == MCPZ_AGENT_RESTORE) {
        return mcpz_restore(writer, request->past); /* also one that was deleted */
    }
    if (!mcpz_document_is_live(writer->document)) {
        return mcpz_edit_refuse(MCPZ_CODE_NOT_FOUND,
                                "there is none of this name, create it first");
    }
    if (request->op == MCPZ_AGENT_DELETE) {
        return delete (writer);
    }
    if (request->op == MCPZ_AGENT_LIFE) {
        return change_life(writer, request->name);
    }
    return edit_at_path(writer, request);
}
