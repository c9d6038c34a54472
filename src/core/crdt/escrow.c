#include "core/crdt/escrow.h"

#include <string.h>

#define ACTOR_BYTES (MCPZ_ID_BYTES + 4)

static_assert(2 * MCPZ_ESCROW_PARTNERS_MAX * (1 + 2 + ACTOR_BYTES + 9) + 32 <=
                  MCPZ_VALUE_BYTES_MAX,
              "any row fits a value");
static_assert(MCPZ_ESCROW_PARTNERS_MAX <= MCPZ_PARTS_MAX, "partners fit an array");

/* ---- Rows --------------------------------------------------------------------------------- */

static bool read_actor(struct mcpz_bytes bytes, struct mcpz_actor *actor)
{
    if (bytes.length != ACTOR_BYTES) {
        return false;
    }
    memcpy(actor->node.bytes, bytes.data, MCPZ_ID_BYTES);
    actor->generation = 0;
    for (size_t i = MCPZ_ID_BYTES; i < ACTOR_BYTES; i++) {
        actor->generation = actor->generation << 8 | bytes.data[i];
    }
    return true;
}

static void put_actor(struct mcpz_parts *parts, const struct mcpz_actor *actor)
{
    uint8_t bytes[ACTOR_BYTES];

    memcpy(bytes, actor->node.bytes, MCPZ_ID_BYTES);
    for (size_t i = 0; i < 4; i++) {
        bytes[MCPZ_ID_BYTES + i] = (uint8_t)(actor->generation >> (24 - 8 * i));
    }
    mcpz_parts_put_bin(parts, mcpz_bytes(bytes, sizeof(bytes)));
}

static bool read_share(struct mcpz_bytes *rest, struct mcpz_escrow_share *share)
{
    struct mcpz_bytes actor;
    size_t count;

    return mcpz_parts_take_array(rest, &count) && count == 2 &&
           mcpz_parts_take_bin(rest, &actor) && read_actor(actor, &share->actor) &&
           mcpz_parts_take_number(rest, &share->amount) && share->amount >= 1;
}

/* Sorted, each once: so a list has one form. */
static bool read_list(struct mcpz_bytes *rest, struct mcpz_escrow_list *list)
{
    if (!mcpz_parts_take_array(rest, &list->count) || list->count > MCPZ_ESCROW_PARTNERS_MAX) {
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (!read_share(rest, &list->shares[i])) {
            return false;
        }
        if (i > 0 && mcpz_actor_compare(&list->shares[i - 1].actor, &list->shares[i].actor) >= 0) {
            return false;
        }
    }
    return true;
}

static void put_list(struct mcpz_parts *parts, const struct mcpz_escrow_list *list)
{
    mcpz_parts_put_array(parts, list->count);
    for (size_t i = 0; i < list->count; i++) {
        mcpz_parts_put_array(parts, 2);
        put_actor(parts, &list->shares[i].actor);
        mcpz_parts_put_number(parts, list->shares[i].amount);
    }
}

/* *sum += amount; false: it would leave 64 bits. */
static bool add(int64_t *sum, int64_t amount)
{
    return !__builtin_add_overflow(*sum, amount, sum);
}

static bool add_list(int64_t *sum, const struct mcpz_escrow_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!add(sum, list->shares[i].amount)) {
            return false;
        }
    }
    return true;
}

/* What came in and what went out. False: over 64 bits. */
static bool add_up(const struct mcpz_escrow_row *row, int64_t *in, int64_t *out)
{
    *in = row->granted;
    *out = row->used;
    return add_list(in, &row->taken) && add_list(out, &row->given);
}

bool mcpz_escrow_read(struct mcpz_bytes value, struct mcpz_escrow_row *row)
{
    size_t count;
    int64_t in;
    int64_t out;

    return mcpz_parts_take_array(&value, &count) && count == 4 &&
           mcpz_parts_take_number(&value, &row->granted) &&
           mcpz_parts_take_number(&value, &row->used) && row->granted >= 0 && row->used >= 0 &&
           read_list(&value, &row->given) && read_list(&value, &row->taken) && value.length == 0 &&
           add_up(row, &in, &out) && in >= out;
}

struct mcpz_parts mcpz_escrow_write(const struct mcpz_escrow_row *row)
{
    struct mcpz_parts parts = {.length = 0};

    mcpz_parts_put_array(&parts, 4);
    mcpz_parts_put_number(&parts, row->granted);
    mcpz_parts_put_number(&parts, row->used);
    put_list(&parts, &row->given);
    put_list(&parts, &row->taken);
    return parts;
}

int64_t mcpz_escrow_rights(const struct mcpz_escrow_row *row)
{
    int64_t in;
    int64_t out;

    return add_up(row, &in, &out) ? in - out : 0;
}

int64_t mcpz_escrow_share_of(const struct mcpz_escrow_list *list, const struct mcpz_actor *actor)
{
    for (size_t i = 0; i < list->count; i++) {
        if (mcpz_actor_compare(&list->shares[i].actor, actor) == 0) {
            return list->shares[i].amount;
        }
    }
    return 0;
}

bool mcpz_escrow_set_share(struct mcpz_escrow_list *list, const struct mcpz_actor *actor,
                           int64_t amount)
{
    size_t at = 0;

    while (at < list->count && mcpz_actor_compare(&list->shares[at].actor, actor) < 0) {
        at++;
    }
    if (at == list->count || mcpz_actor_compare(&list->shares[at].actor, actor) != 0) {
        if (list->count == MCPZ_ESCROW_PARTNERS_MAX) {
            return false;
        }
        for (size_t i = list->count; i > at; i--) {
            list->shares[i] = list->shares[i - 1];
        }
        list->count++;
    }
    list->shares[at] = (struct mcpz_escrow_share){.actor = *actor, .amount = amount};
    return true;
}

/* ---- The rows of one counter -------------------------------------------------------------- */

static struct mcpz_record first_row(const struct mcpz_id *document, struct mcpz_bytes path)
{
    return (struct mcpz_record){
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = *document, .path = path, .type = MCPZ_ENTRY_BOUNDED},
    };
}

/* Step to the next row. MCPZ_ENOTFOUND: there is none. */
static mcpz_error next_row(const struct mcpz_store *store, struct mcpz_record *record,
                           struct mcpz_escrow_row *row)
{
    mcpz_error error = store->next(store->context, MCPZ_SCAN_PATH, false, record);

    if (error != MCPZ_OK) {
        return error;
    }
    if (record->entry.type != MCPZ_ENTRY_BOUNDED) {
        return MCPZ_ENOTFOUND;
    }
    return mcpz_escrow_read(record->entry.value, row) ? MCPZ_OK : MCPZ_ECORRUPT;
}

/* What `actor` has taken over from `from`. */
static mcpz_error taken_by(const struct mcpz_store *store, const struct mcpz_record *any,
                           const struct mcpz_actor *actor, const struct mcpz_actor *from,
                           int64_t *taken)
{
    struct mcpz_record record = first_row(&any->entry.document, any->entry.path);
    struct mcpz_escrow_row row;
    mcpz_error error;

    *taken = 0;
    for (error = next_row(store, &record, &row); error == MCPZ_OK;
         error = next_row(store, &record, &row)) {
        if (mcpz_actor_compare(&record.entry.dot.actor, actor) == 0) {
            int64_t share = mcpz_escrow_share_of(&row.taken, from);
            *taken = share > *taken ? share : *taken;
        }
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* What the owner of `row` has given, and nobody has taken over yet. */
static mcpz_error add_under_way(const struct mcpz_store *store, const struct mcpz_record *record,
                                const struct mcpz_escrow_row *row, int64_t *sum)
{
    for (size_t i = 0; i < row->given.count; i++) {
        const struct mcpz_escrow_share *share = &row->given.shares[i];
        int64_t taken;
        mcpz_error error =
            taken_by(store, record, &share->actor, &record->entry.dot.actor, &taken);
        if (error != MCPZ_OK) {
            return error;
        }
        if (share->amount > taken && !add(sum, share->amount - taken)) {
            *sum = INT64_MAX;
        }
    }
    return MCPZ_OK;
}

mcpz_error mcpz_escrow_value(const struct mcpz_store *store, const struct mcpz_id *document,
                             struct mcpz_bytes path, int64_t *value)
{
    struct mcpz_record record = first_row(document, path);
    struct mcpz_escrow_row row;
    mcpz_error error;

    *value = 0;
    for (error = next_row(store, &record, &row); error == MCPZ_OK;
         error = next_row(store, &record, &row)) {
        if (!add(value, mcpz_escrow_rights(&row))) {
            *value = INT64_MAX;
        }
        error = add_under_way(store, &record, &row, value);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

mcpz_error mcpz_escrow_own(const struct mcpz_store *store, const struct mcpz_id *document,
                           struct mcpz_bytes path, const struct mcpz_actor *actor,
                           struct mcpz_escrow_row *row)
{
    struct mcpz_record record = first_row(document, path);
    struct mcpz_escrow_list due = {.count = 0};
    struct mcpz_escrow_row one;
    mcpz_error error;

    *row = (struct mcpz_escrow_row){.granted = 0};
    for (error = next_row(store, &record, &one); error == MCPZ_OK;
         error = next_row(store, &record, &one)) {
        const struct mcpz_actor *owner = &record.entry.dot.actor;
        int64_t share = mcpz_escrow_share_of(&one.given, actor);
        if (mcpz_actor_compare(owner, actor) == 0) {
            *row = one;
        } else if (share > 0 && !mcpz_escrow_set_share(&due, owner, share)) {
            return MCPZ_EFULL;
        }
    }
    for (size_t i = 0; i < due.count; i++) {
        const struct mcpz_escrow_share *share = &due.shares[i];
        if (share->amount > mcpz_escrow_share_of(&row->taken, &share->actor) &&
            !mcpz_escrow_set_share(&row->taken, &share->actor, share->amount)) {
            return MCPZ_EFULL;
        }
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}
