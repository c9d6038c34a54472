#include "core/crdt/document.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "core/crdt/budget.h"
#include "core/crdt/floor.h"
#include "core/crdt/kinds.h"
#include "core/crdt/lives.h"
#include "core/crdt/naming.h"
#include "core/crdt/number.h"
#include "core/crdt/paths.h"
#include "core/crdt/shown.h"

/* The empty document; room in its lists is left as it is. */
static void begin(struct mcpz_document *document, const struct mcpz_id *id)
{
    document->id = *id;
    document->exists = false;
    document->deleted = false;
    document->name = mcpz_bytes(NULL, 0);
    document->tenant = mcpz_bytes(NULL, 0);
    document->hlc = 0;
    document->entry_count = 0;
    document->clock.count = 0;
    document->cuts.count = 0;
}

void mcpz_document_copy(struct mcpz_document *to, const struct mcpz_document *from)
{
    to->id = from->id;
    to->exists = from->exists;
    to->deleted = from->deleted;
    to->name = from->name;
    to->tenant = from->tenant;
    to->hlc = from->hlc;
    to->entry_count = from->entry_count;
    to->clock.count = from->clock.count;
    memcpy(to->clock.versions, from->clock.versions,
           from->clock.count * sizeof(from->clock.versions[0]));
    to->cuts.count = from->cuts.count;
    memcpy(to->cuts.cuts, from->cuts.cuts, from->cuts.count * sizeof(from->cuts.cuts[0]));
}

mcpz_error mcpz_document_open(const struct mcpz_record_document *record,
                              struct mcpz_document *document)
{
    if (!mcpz_clock_is_valid(record->versions, record->version_count) ||
        !mcpz_cuts_is_valid(record->cuts, record->cut_count)) {
        return MCPZ_ECORRUPT;
    }
    document->id = record->id;
    document->exists = true;
    document->deleted = record->deleted;
    document->name = record->name;
    document->tenant = record->tenant;
    document->hlc = record->hlc;
    document->entry_count = record->entry_count;
    mcpz_clock_set(&document->clock, record->versions, record->version_count);
    mcpz_cuts_set(&document->cuts, record->cuts, record->cut_count);
    return MCPZ_OK;
}

mcpz_error mcpz_document_load(const struct mcpz_store *store, const struct mcpz_id *id,
                              struct mcpz_document *document)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = *id}};
    begin(document, id);

    mcpz_error error = store->get(store->context, &record);
    if (error != MCPZ_OK) {
        return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
    }
    return mcpz_document_open(&record.document, document);
}

mcpz_error mcpz_document_find_delta(const struct mcpz_store *store, const struct mcpz_id *document,
                                    const struct mcpz_actor *actor, uint64_t seq,
                                    struct mcpz_record *record)
{
    *record = (struct mcpz_record){
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = *document, .actor = *actor, .seq = seq}},
    };
    return store->next(store->context, MCPZ_SCAN_SEQ, true, record);
}

struct mcpz_record_document mcpz_document_record(const struct mcpz_document *document)
{
    return (struct mcpz_record_document){
        .id = document->id,
        .name = document->name,
        .tenant = document->tenant,
        .deleted = document->deleted,
        .hlc = document->hlc,
        .entry_count = document->entry_count,
        .versions = document->clock.versions,
        .version_count = document->clock.count,
        .cuts = document->cuts.cuts,
        .cut_count = document->cuts.count,
    };
}

/* ---- Its name ----------------------------------------------------------------------------- */

#define VERSION_BYTES (MCPZ_ID_BYTES + 4 + 8 + MCPZ_HEAD_BYTES)

static uint8_t *put_bytes(uint8_t *to, const void *from, size_t length)
{
    memcpy(to, from, length);
    return to + length;
}

static uint8_t *put_version(uint8_t *to, const struct mcpz_version *version)
{
    const uint32_t generation = htobe32(version->actor.generation);
    const uint64_t seq = htobe64(version->seq);

    to = put_bytes(to, version->actor.node.bytes, MCPZ_ID_BYTES);
    to = put_bytes(to, &generation, sizeof(generation));
    to = put_bytes(to, &seq, sizeof(seq));
    return put_bytes(to, version->head.bytes, MCPZ_HEAD_BYTES);
}

#define STATE_BYTES (MCPZ_ID_BYTES + MCPZ_ACTORS_MAX * VERSION_BYTES + 8)

/* What names a document's state: its id, versions and cuts. */
static struct mcpz_bytes spell_state(const struct mcpz_record_document *record, uint8_t *bytes)
{
    const uint64_t cuts = htobe64(mcpz_cuts_digest(record->cuts, record->cut_count));
    uint8_t *end = put_bytes(bytes, record->id.bytes, MCPZ_ID_BYTES);

    assert(record->version_count <= MCPZ_ACTORS_MAX);
    for (size_t i = 0; i < record->version_count; i++) {
        end = put_version(end, &record->versions[i]);
    }
    end = put_bytes(end, &cuts, sizeof(cuts));
    return mcpz_bytes(bytes, (size_t)(end - bytes));
}

uint64_t mcpz_document_hash(struct mcpz_siphash_key key, const struct mcpz_record_document *record)
{
    uint8_t bytes[STATE_BYTES];

    return mcpz_siphash(key, spell_state(record, bytes));
}

void mcpz_document_hash_wide(struct mcpz_siphash_key key,
                             const struct mcpz_record_document *record, uint64_t words[2])
{
    uint8_t bytes[STATE_BYTES];

    mcpz_siphash_wide(key, spell_state(record, bytes), words);
}

uint64_t mcpz_document_digest(const struct mcpz_record_document *record)
{
    static const struct mcpz_siphash_key key = {.low = UINT64_C(0x6d63707a20646f63),
                                                .high = UINT64_C(0x6469676573742031)};

    return mcpz_document_hash(key, record);
}

uint64_t mcpz_document_digest_of(const struct mcpz_document *document)
{
    const struct mcpz_record_document record = mcpz_document_record(document);

    return mcpz_document_digest(&record);
}

/* ---- Validity ----------------------------------------------------------------------------- */

static bool add_is_valid(const struct mcpz_add *add)
{
    return mcpz_kinds_is_known(add->type) && mcpz_paths_is_valid(add->path) &&
           add->value.length <= MCPZ_VALUE_BYTES_MAX && mcpz_kinds_value_is_valid(add);
}

/* crdt 1.4, V6: nobody removes what they cannot have seen. */
static bool remove_is_valid(const struct mcpz_delta *delta, const struct mcpz_remove *removed)
{
    bool is_own = mcpz_actor_compare(&removed->dot.actor, &delta->actor) == 0;
    uint64_t seen =
        is_own ? delta->seq - 1
               : mcpz_clock_get(delta->versions, delta->version_count, &removed->dot.actor);

    return mcpz_kinds_is_known(removed->type) && mcpz_paths_is_valid(removed->path) &&
           removed->dot.seq >= 1 && removed->dot.seq <= seen &&
           removed->dot.index < MCPZ_DELTA_ADDS_MAX;
}

static bool dot_equal(const struct mcpz_dot *a, const struct mcpz_dot *b)
{
    return a->seq == b->seq && a->index == b->index &&
           mcpz_actor_compare(&a->actor, &b->actor) == 0;
}

/* Is the dot of the `index`-th remove named before it? */
static bool is_named_before(const struct mcpz_delta *delta, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (dot_equal(&delta->removes[i].dot, &delta->removes[index].dot)) {
            return true;
        }
    }
    return false;
}

bool mcpz_document_delta_is_valid(const struct mcpz_delta *delta)
{
    if (mcpz_id_is_zero(&delta->document) || delta->seq == 0 || delta->seq >= MCPZ_SEQ_CLOSED ||
        delta->add_count > MCPZ_DELTA_ADDS_MAX || delta->remove_count > MCPZ_DELTA_REMOVES_MAX ||
        !mcpz_clock_is_valid(delta->versions, delta->version_count)) {
        return false;
    }
    /* crdt 1.4, V4, V5: its own past is the chain that `prev` is the end of. */
    if (mcpz_head_is_zero(&delta->prev) != (delta->seq == 1) ||
        mcpz_clock_find(delta->versions, delta->version_count, &delta->actor) != NULL) {
        return false;
    }
    for (size_t i = 0; i < delta->add_count; i++) {
        if (!add_is_valid(&delta->adds[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < delta->remove_count; i++) {
        if (!remove_is_valid(delta, &delta->removes[i]) || is_named_before(delta, i)) {
            return false;
        }
    }
    return !mcpz_kinds_replaces_foreign(delta) && mcpz_budget_is_of_seen(delta);
}

/* ---- What a delta comes to ------------------------------------------------------------------ */

struct change {
    const struct mcpz_delta *delta;
    struct mcpz_head head;
    bool is_tainted;    /* what it adds does not count */
    uint64_t gone_from; /* what its author has added from there on goes; UINT64_MAX: nothing */
    const struct mcpz_version *closing; /* NULL: none; what its lives did behind that goes */
};

static bool is_removed(const struct mcpz_delta *delta, const struct mcpz_record_entry *entry)
{
    for (size_t i = 0; i < delta->remove_count; i++) {
        const struct mcpz_remove *removed = &delta->removes[i];
        if (removed->type == entry->type && dot_equal(&removed->dot, &entry->dot) &&
            mcpz_bytes_equal(removed->path, entry->path)) {
            return true;
        }
    }
    return false;
}

/* Does it go because its author contradicts itself, or because it came when its life was over? */
static bool is_gone(const struct change *change, const struct mcpz_record_entry *entry)
{
    const struct mcpz_dot *dot = &entry->dot;

    if (dot->seq >= change->gone_from &&
        mcpz_actor_compare(&dot->actor, &change->delta->actor) == 0) {
        return true;
    }
    return change->closing != NULL && mcpz_lives_is_late(change->delta, change->closing, dot);
}

/* May anything go that its delta does not name? */
static bool has_gone(const struct change *change)
{
    return change->gone_from != UINT64_MAX || change->closing != NULL;
}

/* ---- What is shown of the reserved registers ---------------------------------------------- */

/* What the register of `type` at `path` will show once `change` is made. */
static mcpz_error find_shown(const struct mcpz_store *store, const struct change *change,
                             struct mcpz_bytes path, uint32_t type, struct mcpz_shown *best)
{
    const struct mcpz_delta *delta = change->delta;
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = delta->document, .path = path, .type = type},
    };
    *best = (struct mcpz_shown){.is_there = false};

    mcpz_error error = store->next(store->context, MCPZ_SCAN_PATH, true, &record);
    while (error == MCPZ_OK && record.entry.type == type) {
        if (!is_removed(delta, &record.entry) && !is_gone(change, &record.entry)) {
            mcpz_shown_consider(best, type, record.entry.hlc, &record.entry.dot,
                                record.entry.value);
        }
        error = store->next(store->context, MCPZ_SCAN_PATH, false, &record);
    }
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        return error;
    }

    for (size_t i = 0; i < delta->add_count && !change->is_tainted; i++) {
        const struct mcpz_add *add = &delta->adds[i];
        if (add->type == type && mcpz_bytes_equal(add->path, path)) {
            struct mcpz_dot dot = {delta->actor, delta->seq, (uint32_t)i};
            mcpz_shown_consider(best, type, delta->hlc, &dot, add->value);
        }
    }
    return MCPZ_OK;
}

static bool touches(const struct change *change, struct mcpz_bytes path)
{
    const struct mcpz_delta *delta = change->delta;

    if (has_gone(change)) {
        return true; /* anything of its author may go */
    }
    for (size_t i = 0; i < delta->add_count; i++) {
        if (mcpz_bytes_equal(delta->adds[i].path, path)) {
            return true;
        }
    }
    for (size_t i = 0; i < delta->remove_count; i++) {
        if (mcpz_bytes_equal(delta->removes[i].path, path)) {
            return true;
        }
    }
    return false;
}

static mcpz_error judge_life(const struct mcpz_store *store, const struct change *change,
                             struct mcpz_document *document)
{
    struct mcpz_shown life;
    struct mcpz_bytes text;

    if (!touches(change, mcpz_paths_life)) {
        return MCPZ_OK;
    }
    mcpz_error error = find_shown(store, change, mcpz_paths_life, MCPZ_ENTRY_FENCED, &life);
    if (error != MCPZ_OK) {
        return error;
    }
    document->deleted = life.is_there && mcpz_number_text_decode(life.value, &text) &&
                        mcpz_bytes_equal(text, mcpz_text(MCPZ_LIFE_DELETED));
    return MCPZ_OK;
}

static mcpz_error judge_name(const struct mcpz_store *store, const struct change *change,
                             struct mcpz_document *document)
{
    struct mcpz_shown id;
    struct mcpz_naming naming;

    if (!touches(change, mcpz_paths_id)) {
        return MCPZ_OK;
    }
    mcpz_error error = find_shown(store, change, mcpz_paths_id, MCPZ_ENTRY_REGISTER, &id);
    if (error != MCPZ_OK) {
        return error;
    }
    bool is_named = id.is_there && mcpz_naming_read(id.value, &naming);
    document->name = is_named ? naming.name : mcpz_bytes(NULL, 0);
    return MCPZ_OK;
}

/*
 * Whose it is. Also what does not count any more tells: so it depends on which deltas are here,
 * and not on their order, nor on who contradicts itself.
 */
static void learn_tenant(const struct mcpz_delta *delta, struct mcpz_document *document)
{
    struct mcpz_naming naming;

    for (size_t i = 0; i < delta->add_count && document->tenant.length == 0; i++) {
        if (mcpz_naming_is_one(&delta->adds[i]) &&
            mcpz_naming_read(delta->adds[i].value, &naming)) {
            document->tenant = naming.tenant;
        }
    }
}

/* ---- Where its author then stands --------------------------------------------------------- */

/* How many have written to it, with those that are cut at their very first delta. */
static size_t count_actors(const struct mcpz_document *document)
{
    const struct mcpz_clock *clock = &document->clock;
    const struct mcpz_cuts *cuts = &document->cuts;
    size_t count = clock->count;

    for (size_t i = 0; i < cuts->count; i++) {
        count += mcpz_clock_find(clock->versions, clock->count, &cuts->cuts[i].actor) == NULL;
    }
    return count;
}

static bool has_place(const struct mcpz_document *document, const struct mcpz_actor *actor,
                      size_t places)
{
    const struct mcpz_clock *clock = &document->clock;
    const struct mcpz_cuts *cuts = &document->cuts;

    return mcpz_clock_find(clock->versions, clock->count, actor) != NULL ||
           mcpz_cuts_find(cuts->cuts, cuts->count, actor) != NULL ||
           count_actors(document) < places;
}

bool mcpz_document_admits(const struct mcpz_document *document, const struct mcpz_actor *actor)
{
    return has_place(document, actor, MCPZ_WRITERS_MAX);
}

bool mcpz_document_has_place(const struct mcpz_document *document, const struct mcpz_actor *actor)
{
    return has_place(document, actor, MCPZ_ACTORS_MAX);
}

bool mcpz_document_has_places(const struct mcpz_document *document)
{
    return count_actors(document) <= MCPZ_ACTORS_MAX;
}

/* Where the cut is just above what all have signed, `delta` may follow what does not count. */
static mcpz_error step_back(const struct mcpz_store *store, struct mcpz_document *document,
                            const struct mcpz_delta *delta)
{
    struct mcpz_clock *clock = &document->clock;
    struct mcpz_version before = {delta->actor, delta->seq - 1, delta->prev};

    mcpz_error error = mcpz_floor_correct(store, &document->id, &before);
    if (error != MCPZ_OK) {
        return error;
    }
    mcpz_clock_forget(clock, &delta->actor);
    if (before.seq > 0) {
        bool has_room = mcpz_clock_advance(clock, &before);
        assert(has_room); /* it was in there */
    }
    return MCPZ_OK;
}

/* `delta` is not the one that is here: cut its author, and note both. */
static mcpz_error cut(const struct mcpz_store *store, struct mcpz_document *document,
                      const struct mcpz_delta *delta, struct mcpz_record_fork *fork)
{
    const struct mcpz_clock *clock = &document->clock;
    const struct mcpz_version *last =
        mcpz_clock_find(clock->versions, clock->count, &delta->actor);
    const struct mcpz_tip tip = {last->seq, last->head};
    struct mcpz_record rival;

    mcpz_error error =
        mcpz_document_find_delta(store, &document->id, &delta->actor, delta->seq, &rival);
    if (error != MCPZ_OK) {
        return error == MCPZ_ENOTFOUND ? MCPZ_ECORRUPT : error; /* all deltas are kept */
    }
    *fork = (struct mcpz_record_fork){
        .document = document->id,
        .actor = delta->actor,
        .seq = delta->seq,
        .one_hlc = rival.delta.delta.hlc,
        .other_hlc = delta->hlc,
    };
    store->delta_id(store->context, &rival.delta.delta, &fork->one);
    mcpz_cuts_lower(&document->cuts, &delta->actor, delta->seq, &tip);
    return step_back(store, document, delta);
}

/* Does it follow another delta than is here? That one lies below what all have signed. */
static bool breaks_off(const struct mcpz_document *document, const struct mcpz_delta *delta)
{
    const struct mcpz_clock *clock = &document->clock;
    const struct mcpz_version *last =
        mcpz_clock_find(clock->versions, clock->count, &delta->actor);

    return last != NULL && last->seq + 1 == delta->seq &&
           !mcpz_head_equal(&last->head, &delta->prev) &&
           !mcpz_cuts_is_tainted(&document->cuts, &delta->actor, delta->seq);
}

/*
 * Cut the author of `delta`, which breaks off, there. What shows that is what was signed, and it;
 * unless the two deltas of one place were seen.
 */
static mcpz_error cut_off(const struct mcpz_store *store, struct mcpz_document *document,
                          const struct mcpz_delta *delta, struct mcpz_record_fork *fork)
{
    struct mcpz_record known = {.kind = MCPZ_RECORD_FORK,
                                .fork = {.document = document->id, .actor = delta->actor}};
    struct mcpz_record last;

    mcpz_error error = store->get(store->context, &known);
    if (error == MCPZ_ENOTFOUND) {
        error =
            mcpz_document_find_delta(store, &document->id, &delta->actor, delta->seq - 1, &last);
        if (error == MCPZ_OK) {
            *fork = known.fork;
            fork->seq = delta->seq;
            fork->one_hlc = last.delta.delta.hlc;
            fork->other_hlc = delta->hlc;
            store->delta_id(store->context, &last.delta.delta, &fork->one);
        }
    }
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        return error;
    }
    mcpz_cuts_put(&document->cuts, &(struct mcpz_cut){.actor = delta->actor, .seq = delta->seq});
    return MCPZ_OK;
}

/* Of what is here of `actor`, from its cut on: how many deltas, and the sum of their heads. */
static mcpz_error sum_up(const struct mcpz_store *store, const struct mcpz_document *document,
                         const struct mcpz_actor *actor, struct mcpz_tip *sum)
{
    const struct mcpz_cuts *cuts = &document->cuts;
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = document->id,
                            .actor = *actor,
                            .seq = mcpz_cuts_find(cuts->cuts, cuts->count, actor)->seq}},
    };
    *sum = (struct mcpz_tip){.seq = 0};

    mcpz_error error = store->next(store->context, MCPZ_SCAN_ACTOR, true, &record);
    while (error == MCPZ_OK) {
        mcpz_cuts_add(sum, &record.delta.head);
        error = store->next(store->context, MCPZ_SCAN_ACTOR, false, &record);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* One more delta of an actor, from its cut on. */
static mcpz_error extend(const struct mcpz_store *store, struct mcpz_document *document,
                         const struct change *change, const struct mcpz_tip *tip)
{
    const struct mcpz_delta *delta = change->delta;
    const struct mcpz_cut *cut =
        mcpz_cuts_find(document->cuts.cuts, document->cuts.count, &delta->actor);
    const bool is_wider = cut->overrun && change->gone_from != UINT64_MAX;
    struct mcpz_tip sum;

    if (!is_wider && mcpz_cuts_extend(&document->cuts, &delta->actor, &delta->prev, tip)) {
        return MCPZ_OK;
    }
    mcpz_error error = sum_up(store, document, &delta->actor, &sum);
    if (error == MCPZ_OK) {
        mcpz_cuts_add(&sum, &tip->head);
        mcpz_cuts_overrun(&document->cuts, &delta->actor, &sum);
    }
    return error;
}

/*
 * Close what the delta says is over; also if it does not count itself, and if that was said before
 * in another way, so that the order of them does not matter. Mostly nothing of it is here that
 * should not be; what is went around all who signed that there is no more, and does not count.
 */
static void close_lives(struct mcpz_document *document, struct change *change)
{
    const struct mcpz_delta *delta = change->delta;
    const struct mcpz_clock *clock = &document->clock;

    for (size_t i = 0; i < delta->version_count; i++) {
        const struct mcpz_version *seen = &delta->versions[i];
        const struct mcpz_version *known =
            mcpz_clock_find(clock->versions, clock->count, &seen->actor);
        if (!mcpz_version_closes(seen) || !mcpz_id_equal(&seen->actor.node, &delta->actor.node) ||
            known == NULL) {
            continue;
        }
        /* What is inherited was closed by another, who named what there was of each. */
        if (!mcpz_lives_is_inherited(delta, seen) &&
            mcpz_lives_may_have_late(document, delta, seen)) {
            change->closing = seen;
        }
        bool has_room = mcpz_clock_advance(&document->clock, seen);
        assert(has_room); /* it was in there */
        (void)has_room;
        mcpz_cuts_forget(&document->cuts, &seen->actor);
    }
}

/* Move the author on, or cut it. */
static mcpz_error take_place(const struct mcpz_store *store, struct mcpz_document *document,
                             struct change *change, struct mcpz_record_fork *fork)
{
    const struct mcpz_delta *delta = change->delta;
    const struct mcpz_tip tip = {delta->seq, change->head};
    const struct mcpz_version version = {delta->actor, delta->seq, change->head};

    if (!mcpz_document_has_place(document, &delta->actor)) {
        return MCPZ_EFULL;
    }
    if (mcpz_clock_is_closed(document->clock.versions, document->clock.count, &delta->actor)) {
        change->is_tainted = true; /* made anew, of what was here when it was closed */
        return MCPZ_OK;
    }
    mcpz_error error = MCPZ_OK;
    if (delta->seq <=
        mcpz_clock_get(document->clock.versions, document->clock.count, &delta->actor)) {
        error = cut(store, document, delta, fork);
        change->gone_from = delta->seq;
    } else if (breaks_off(document, delta)) {
        error = cut_off(store, document, delta, fork);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    close_lives(document, change);
    change->is_tainted = mcpz_cuts_is_tainted(&document->cuts, &delta->actor, delta->seq);
    if (change->is_tainted) {
        return extend(store, document, change, &tip);
    }
    bool has_room = mcpz_clock_advance(&document->clock, &version);
    assert(has_room);
    (void)has_room;
    return MCPZ_OK;
}

/* ---- Applying: all that can fail comes before the first write ----------------------------- */

static struct mcpz_record entry_of_remove(const struct mcpz_delta *delta,
                                          const struct mcpz_remove *removed)
{
    return (struct mcpz_record){
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = delta->document,
                  .path = removed->path,
                  .type = removed->type,
                  .dot = removed->dot},
    };
}

/* Walk what goes because its author contradicts itself, and is not removed anyway. */
static mcpz_error for_gone(const struct mcpz_store *store, const struct change *change,
                           bool remove, uint32_t *count)
{
    if (!has_gone(change)) {
        return MCPZ_OK;
    }
    struct mcpz_record record = {.kind = MCPZ_RECORD_ENTRY,
                                 .entry = {.document = change->delta->document}};
    mcpz_error error = store->next(store->context, MCPZ_SCAN_DOCUMENT, true, &record);
    while (error == MCPZ_OK) {
        if (is_gone(change, &record.entry) && !is_removed(change->delta, &record.entry)) {
            *count += 1;
            if (remove) {
                store->remove(store->context, &record);
            }
        }
        error = store->next(store->context, MCPZ_SCAN_DOCUMENT, false, &record);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* How many of the entries that are there go. */
static mcpz_error count_removed(const struct mcpz_store *store, const struct change *change,
                                uint32_t *count)
{
    const struct mcpz_delta *delta = change->delta;

    *count = 0;
    for (size_t i = 0; i < delta->remove_count; i++) {
        struct mcpz_record record = entry_of_remove(delta, &delta->removes[i]);
        mcpz_error error = store->get(store->context, &record);
        if (error == MCPZ_OK) {
            (*count)++;
        } else if (error != MCPZ_ENOTFOUND) {
            return error;
        }
    }
    return for_gone(store, change, false, count);
}

static void write_entries(const struct mcpz_store *store, const struct change *change)
{
    const struct mcpz_delta *delta = change->delta;

    for (size_t i = 0; i < delta->remove_count; i++) {
        struct mcpz_record record = entry_of_remove(delta, &delta->removes[i]);
        store->remove(store->context, &record);
    }
    for (size_t i = 0; i < delta->add_count && !change->is_tainted; i++) {
        struct mcpz_record record = {
            .kind = MCPZ_RECORD_ENTRY,
            .entry = {.document = delta->document,
                      .path = delta->adds[i].path,
                      .type = delta->adds[i].type,
                      .dot = {delta->actor, delta->seq, (uint32_t)i},
                      .hlc = delta->hlc,
                      .value = delta->adds[i].value},
        };
        store->put(store->context, &record);
    }
}

void mcpz_document_store(const struct mcpz_store *store, const struct mcpz_document *document)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DOCUMENT,
        .document = mcpz_document_record(document),
    };
    store->put(store->context, &record);
}

/* What `change` makes of the document's record. Reads only. */
static mcpz_error judge(const struct mcpz_store *store, const struct change *change,
                        struct mcpz_document *document)
{
    const struct mcpz_delta *delta = change->delta;
    uint32_t removed_count;

    mcpz_error error = count_removed(store, change, &removed_count);
    if (error == MCPZ_OK) {
        error = judge_life(store, change, document);
    }
    if (error == MCPZ_OK) {
        error = judge_name(store, change, document);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    if (removed_count > document->entry_count) {
        return MCPZ_ECORRUPT;
    }
    learn_tenant(delta, document);
    document->exists = true;
    document->hlc = delta->hlc > document->hlc ? delta->hlc : document->hlc;
    document->entry_count += change->is_tainted ? 0 : (uint32_t)delta->add_count;
    document->entry_count -= removed_count;
    return MCPZ_OK;
}

mcpz_error mcpz_document_apply(const struct mcpz_store *store, struct mcpz_document *document,
                               const struct mcpz_delta *delta, const struct mcpz_id *delta_id,
                               uint64_t wall_ms)
{
    assert(mcpz_id_equal(&document->id, &delta->document));

    struct mcpz_document after;
    mcpz_document_copy(&after, document);
    struct change change = {
        .delta = delta, .head = mcpz_head_of(delta_id), .gone_from = UINT64_MAX};
    struct mcpz_record record = {.kind = MCPZ_RECORD_FORK};
    uint32_t gone_count = 0;

    mcpz_error error = take_place(store, &after, &change, &record.fork);
    if (error == MCPZ_OK) {
        error = judge(store, &change, &after);
    }
    if (error == MCPZ_OK) {
        error = for_gone(store, &change, true, &gone_count);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    if (record.fork.seq > 0) {
        record.fork.other = *delta_id;
        record.fork.noticed_ms = wall_ms;
        store->put(store->context, &record);
    }
    mcpz_document_store(store, &after); /* first: what hangs on it is sealed as it is */
    write_entries(store, &change);
    record = (struct mcpz_record){
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = *delta, .head = change.head},
    };
    store->put(store->context, &record);
    mcpz_document_copy(document, &after);
    return MCPZ_OK;
}
