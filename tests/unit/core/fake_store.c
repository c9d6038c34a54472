#include "fake_store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "core/crdt/cuts.h"
#include "proto/limits.h"

#define BLOCK_BYTES_MAX (sizeof(struct fake_row) + 131072)

struct fake_row {
    struct mcpz_record record;
    struct fake_row *next_gone;
    size_t memory_bytes;
    _Alignas(16) uint8_t memory[];
};

/* ---- Keys --------------------------------------------------------------------------------- */

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a == b ? 0 : (a < b ? -1 : 1);
}

static int compare_dots(const struct mcpz_dot *a, const struct mcpz_dot *b)
{
    int order = mcpz_actor_compare(&a->actor, &b->actor);
    order = order != 0 ? order : compare_numbers(a->seq, b->seq);
    return order != 0 ? order : compare_numbers(a->index, b->index);
}

static int compare_entries(const struct mcpz_record_entry *a, const struct mcpz_record_entry *b)
{
    int order = mcpz_id_compare(&a->document, &b->document);
    order = order != 0 ? order : mcpz_bytes_compare(a->path, b->path);
    order = order != 0 ? order : compare_numbers(a->type, b->type);
    return order != 0 ? order : compare_dots(&a->dot, &b->dot);
}

static int compare_deltas(const struct mcpz_record_delta *a, const struct mcpz_record_delta *b)
{
    int order = mcpz_id_compare(&a->delta.document, &b->delta.document);
    order = order != 0 ? order : mcpz_actor_compare(&a->delta.actor, &b->delta.actor);
    order = order != 0 ? order : compare_numbers(a->delta.seq, b->delta.seq);
    return order != 0 ? order : memcmp(a->head.bytes, b->head.bytes, MCPZ_HEAD_BYTES);
}

static int compare_ids(const struct mcpz_task_id *a, const struct mcpz_task_id *b)
{
    return memcmp(a->bytes, b->bytes, MCPZ_TASK_ID_BYTES);
}

static int compare_listed(const struct mcpz_record_task_listed *a,
                          const struct mcpz_record_task_listed *b)
{
    int order = compare_numbers(a->list, b->list);
    order = order != 0 ? order : compare_numbers(a->group, b->group);
    order = order != 0 ? order : compare_numbers(a->order, b->order);
    return order != 0 ? order : compare_ids(&a->id, &b->id);
}

static int compare_runs(const struct mcpz_record_run *a, const struct mcpz_record_run *b)
{
    int order = mcpz_bytes_compare(a->tenant, b->tenant);
    order = order != 0 ? order : mcpz_bytes_compare(a->capability, b->capability);
    return order != 0 ? order : mcpz_bytes_compare(a->key, b->key);
}

/* Of the records of durable tasks. */
static int compare_tasks(const struct mcpz_record *a, const struct mcpz_record *b)
{
    switch ((int)a->kind) {
    case MCPZ_RECORD_TASK:
        return compare_ids(&a->task.id, &b->task.id);
    case MCPZ_RECORD_TASK_STATE:
        return compare_ids(&a->task_state.id, &b->task_state.id);
    case MCPZ_RECORD_TASK_RESULT:
        return compare_ids(&a->task_result.id, &b->task_result.id);
    case MCPZ_RECORD_TASK_PLAN:
        return compare_ids(&a->task_plan.id, &b->task_plan.id);
    case MCPZ_RECORD_TASK_LISTED:
        return compare_listed(&a->task_listed, &b->task_listed);
    case MCPZ_RECORD_TASK_KEY: {
        int order = mcpz_bytes_compare(a->task_key.tenant, b->task_key.tenant);
        return order != 0 ? order : mcpz_bytes_compare(a->task_key.key, b->task_key.key);
    }
    case MCPZ_RECORD_QUEUE:
        return mcpz_bytes_compare(a->queue.capability, b->queue.capability);
    default:
        assert(a->kind == MCPZ_RECORD_RUN);
        return compare_runs(&a->run, &b->run);
    }
}

/* Of layouts of the storage. */
static int compare_layouts(const struct mcpz_record *a, const struct mcpz_record *b)
{
    if (a->kind == MCPZ_RECORD_LAYOUT) {
        return mcpz_layout_stamp_compare(a->layout.stamp, b->layout.stamp);
    }
    return a->kind == MCPZ_RECORD_TRACKER
               ? mcpz_id_compare(&a->tracker.tracker.node, &b->tracker.tracker.node)
               : 0;
}

static int compare(const struct mcpz_record *a, const struct mcpz_record *b)
{
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    if (a->kind >= MCPZ_RECORD_LAYOUT && a->kind <= MCPZ_RECORD_STAGED) {
        return compare_layouts(a, b);
    }
    if (a->kind == MCPZ_RECORD_FORK) {
        int order = mcpz_id_compare(&a->fork.document, &b->fork.document);
        return order != 0 ? order : mcpz_actor_compare(&a->fork.actor, &b->fork.actor);
    }
    if (a->kind == MCPZ_RECORD_HINT) {
        int order = mcpz_id_compare(&a->hint.owner, &b->hint.owner);
        order = order != 0 ? order : compare_numbers(a->hint.since_ms, b->hint.since_ms);
        return order != 0 ? order : mcpz_id_compare(&a->hint.document, &b->hint.document);
    }
    if (a->kind == MCPZ_RECORD_CHANGE) {
        return compare_numbers(a->change.seq, b->change.seq);
    }
    if (a->kind == MCPZ_RECORD_CHANGES || a->kind == MCPZ_RECORD_HORIZON ||
        a->kind == MCPZ_RECORD_SETTLED) {
        return 0;
    }
    if (a->kind == MCPZ_RECORD_PEER) {
        return mcpz_id_compare(&a->peer.id, &b->peer.id);
    }
    if (a->kind == MCPZ_RECORD_REVOKED) {
        return mcpz_id_compare(&a->revoked.revocation.node, &b->revoked.revocation.node);
    }
    if (a->kind == MCPZ_RECORD_CURSOR) {
        return mcpz_id_compare(&a->cursor.peer, &b->cursor.peer);
    }
    if (a->kind == MCPZ_RECORD_BLOB_DOCUMENT) {
        return mcpz_id_compare(&a->blob_document.document, &b->blob_document.document);
    }
    if (a->kind == MCPZ_RECORD_FLOOR) {
        return mcpz_id_compare(&a->floor.document, &b->floor.document);
    }
    if (a->kind == MCPZ_RECORD_BASE) {
        int order = mcpz_id_compare(&a->base.document, &b->base.document);
        return order != 0 ? order : compare_numbers(a->base.index, b->base.index);
    }
    if (a->kind == MCPZ_RECORD_BATCH) {
        int order = memcmp(&a->batch.name, &b->batch.name, sizeof(a->batch.name));
        return order != 0 ? order : compare_numbers(a->batch.part.first, b->batch.part.first);
    }
    if (a->kind == MCPZ_RECORD_STABLE) {
        return mcpz_id_compare(&a->stable.document, &b->stable.document);
    }
    if (a->kind >= MCPZ_RECORD_TASK) {
        return compare_tasks(a, b);
    }
    if (a->kind == MCPZ_RECORD_DOCUMENT) {
        return mcpz_id_compare(&a->document.id, &b->document.id);
    }
    if (a->kind == MCPZ_RECORD_ENTRY) {
        return compare_entries(&a->entry, &b->entry);
    }
    assert(a->kind == MCPZ_RECORD_DELTA);
    return compare_deltas(&a->delta, &b->delta);
}

/* Where `record` is or belongs. */
static size_t find(const struct fake_store *store, const struct mcpz_record *record)
{
    size_t low = 0;
    size_t high = store->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare(&store->rows[middle]->record, record) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool holds(const struct fake_store *store, size_t at, const struct mcpz_record *record)
{
    return at < store->count && compare(&store->rows[at]->record, record) == 0;
}

/* ---- Deep copies -------------------------------------------------------------------------- */

static struct mcpz_bytes copy_bytes(struct mcpz_arena *arena, struct mcpz_bytes bytes)
{
    struct mcpz_bytes copy;
    bool fits = mcpz_arena_copy(arena, bytes, &copy);
    assert(fits);
    return copy;
}

static const struct mcpz_version *copy_versions(struct mcpz_arena *arena,
                                                const struct mcpz_version *from, size_t count)
{
    struct mcpz_version *to = mcpz_arena_take(arena, count, sizeof(*to));
    for (size_t i = 0; i < count; i++) {
        memcpy(to[i].actor.node.bytes, from[i].actor.node.bytes, MCPZ_ID_BYTES);
        to[i].actor.generation = from[i].actor.generation;
        to[i].seq = from[i].seq;
        to[i].head = from[i].head;
    }
    return to;
}

static const struct mcpz_cut *copy_cuts(struct mcpz_arena *arena, const struct mcpz_cut *from,
                                        size_t count)
{
    struct mcpz_cut *to = mcpz_arena_take(arena, count, sizeof(*to));
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i];
    }
    return to;
}

static void copy_delta(struct mcpz_arena *arena, struct mcpz_delta *delta)
{
    struct mcpz_add *adds = mcpz_arena_take(arena, delta->add_count, sizeof(*adds));
    struct mcpz_remove *removes = mcpz_arena_take(arena, delta->remove_count, sizeof(*removes));

    for (size_t i = 0; i < delta->add_count; i++) {
        adds[i] = delta->adds[i];
        adds[i].path = copy_bytes(arena, adds[i].path);
        adds[i].value = copy_bytes(arena, adds[i].value);
    }
    for (size_t i = 0; i < delta->remove_count; i++) {
        removes[i] = delta->removes[i];
        removes[i].path = copy_bytes(arena, removes[i].path);
    }
    delta->adds = adds;
    delta->removes = removes;
    delta->versions = copy_versions(arena, delta->versions, delta->version_count);
}

static void copy_state(struct mcpz_arena *arena, struct mcpz_task_state *state)
{
    struct mcpz_task_attempt *history =
        mcpz_arena_take(arena, state->history_count, sizeof(*history));

    for (size_t i = 0; i < state->history_count; i++) {
        history[i] = state->history[i];
        history[i].text = copy_bytes(arena, history[i].text);
    }
    state->text = copy_bytes(arena, state->text);
    state->history = history;
}

static void copy_body(struct mcpz_arena *arena, struct mcpz_task_body *body)
{
    struct mcpz_bytes *texts[] = {&body->capability, &body->params, &body->input,
                                  &body->tenant,     &body->key,    &body->traceparent};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *texts[i] = copy_bytes(arena, *texts[i]);
    }
}

static void copy_task(struct mcpz_arena *arena, struct mcpz_record *record)
{
    if (record->kind == MCPZ_RECORD_TASK) {
        copy_body(arena, &record->task.body);
    } else if (record->kind == MCPZ_RECORD_TASK_STATE) {
        copy_state(arena, &record->task_state.state);
    } else if (record->kind == MCPZ_RECORD_TASK_KEY) {
        record->task_key.tenant = copy_bytes(arena, record->task_key.tenant);
        record->task_key.key = copy_bytes(arena, record->task_key.key);
    } else if (record->kind == MCPZ_RECORD_TASK_RESULT) {
        record->task_result.bytes = copy_bytes(arena, record->task_result.bytes);
    } else if (record->kind == MCPZ_RECORD_TASK_PLAN) {
        record->task_plan.plan.weights = copy_bytes(arena, record->task_plan.plan.weights);
        record->task_plan.plan.text = copy_bytes(arena, record->task_plan.plan.text);
    } else if (record->kind == MCPZ_RECORD_QUEUE) {
        record->queue.capability = copy_bytes(arena, record->queue.capability);
    } else if (record->kind == MCPZ_RECORD_RUN) {
        record->run.tenant = copy_bytes(arena, record->run.tenant);
        record->run.capability = copy_bytes(arena, record->run.capability);
        record->run.key = copy_bytes(arena, record->run.key);
        record->run.result = copy_bytes(arena, record->run.result);
    }
}

static struct fake_row *make_row(const struct mcpz_record *record)
{
    static _Alignas(16) uint8_t scratch[BLOCK_BYTES_MAX];
    struct mcpz_arena arena;
    struct mcpz_arena exact;

    /* Once to measure, once to keep: a block of just its size lets ASan see overruns. */
    struct mcpz_record measured = *record;
    mcpz_arena_init(&arena, scratch, sizeof(scratch));
    struct fake_row *row = NULL;
    for (int pass = 0; pass < 2; pass++) {
        struct mcpz_arena *to = pass == 0 ? &arena : &exact;
        struct mcpz_record *copy = pass == 0 ? &measured : &row->record;
        *copy = *record;
        if (record->kind == MCPZ_RECORD_DOCUMENT) {
            copy->document.name = copy_bytes(to, record->document.name);
            copy->document.versions =
                copy_versions(to, record->document.versions, record->document.version_count);
            copy->document.cuts = copy_cuts(to, record->document.cuts, record->document.cut_count);
        } else if (record->kind == MCPZ_RECORD_ENTRY) {
            copy->entry.path = copy_bytes(to, record->entry.path);
            copy->entry.value = copy_bytes(to, record->entry.value);
        } else if (record->kind == MCPZ_RECORD_LAYOUT) {
            copy->layout.bytes = copy_bytes(to, record->layout.bytes);
        } else if (record->kind == MCPZ_RECORD_STAGED) {
            copy->staged.body = copy_bytes(to, record->staged.body);
        } else if (record->kind == MCPZ_RECORD_FLOOR) {
            copy->floor.agreed.versions = copy_versions(to, record->floor.agreed.versions,
                                                        record->floor.agreed.version_count);
            copy->floor.agreed.cuts =
                copy_cuts(to, record->floor.agreed.cuts, record->floor.agreed.cut_count);
        } else if (record->kind == MCPZ_RECORD_STABLE) {
            copy->stable.agreed.versions = copy_versions(to, record->stable.agreed.versions,
                                                         record->stable.agreed.version_count);
            copy->stable.agreed.cuts =
                copy_cuts(to, record->stable.agreed.cuts, record->stable.agreed.cut_count);
        } else if (record->kind == MCPZ_RECORD_BASE) {
            copy->base.bytes = copy_bytes(to, record->base.bytes);
        } else if (record->kind == MCPZ_RECORD_BATCH) {
            copy->batch.leaves = copy_bytes(to, record->batch.leaves);
            copy->batch.part.seal.signature = copy_bytes(to, record->batch.part.seal.signature);
        } else if (record->kind >= MCPZ_RECORD_TASK && record->kind != MCPZ_RECORD_FORK) {
            copy_task(to, copy);
        } else if (record->kind == MCPZ_RECORD_DELTA) {
            copy_delta(to, &copy->delta.delta);
        }
        if (pass == 0) {
            row = calloc(1, sizeof(*row) + arena.used);
            assert(row != NULL);
            row->memory_bytes = arena.used;
            mcpz_arena_init(&exact, row->memory, arena.used);
        }
    }
    return row;
}

/* ---- The port ----------------------------------------------------------------------------- */

static bool fails(struct fake_store *store)
{
    if (store->error == MCPZ_OK) {
        return false;
    }
    if (store->reads_left == 0) {
        return true;
    }
    store->reads_left--;
    return false;
}

static mcpz_error get(void *context, struct mcpz_record *record)
{
    struct fake_store *store = context;
    if (fails(store)) {
        return store->error;
    }
    size_t at = find(store, record);
    if (!holds(store, at, record)) {
        return MCPZ_ENOTFOUND;
    }
    *record = store->rows[at]->record;
    return MCPZ_OK;
}

static void drop(struct fake_store *store, struct fake_row *row)
{
    row->next_gone = store->gone;
    store->gone = row;
}

static void check_bounds(const struct mcpz_record *record)
{
    if (record->kind == MCPZ_RECORD_DOCUMENT) {
        assert(record->document.name.length <= MCPZ_AGENT_NAME_BYTES_MAX);
        assert(record->document.version_count <= MCPZ_ACTORS_MAX);
    } else if (record->kind == MCPZ_RECORD_ENTRY) {
        assert(record->entry.path.length <= MCPZ_PATH_BYTES_MAX);
        assert(record->entry.value.length <= MCPZ_VALUE_BYTES_MAX);
    }
}

static void put(void *context, const struct mcpz_record *record)
{
    struct fake_store *store = context;
    struct fake_row *row = make_row(record);
    size_t at = find(store, record);

    check_bounds(record);
    store->writes++;
    if (holds(store, at, record)) {
        drop(store, store->rows[at]);
        store->rows[at] = row;
        return;
    }
    if (store->count == store->capacity) {
        store->capacity = store->capacity == 0 ? 64 : 2 * store->capacity;
        store->rows = realloc(store->rows, store->capacity * sizeof(struct fake_row *));
        assert(store->rows != NULL);
    }
    memmove(store->rows + at + 1, store->rows + at,
            (store->count - at) * sizeof(struct fake_row *));
    store->rows[at] = row;
    store->count++;
}

static void remove_row(void *context, const struct mcpz_record *record)
{
    struct fake_store *store = context;
    size_t at = find(store, record);

    store->writes++;
    if (!holds(store, at, record)) {
        return;
    }
    drop(store, store->rows[at]);
    store->count--;
    memmove(store->rows + at, store->rows + at + 1,
            (store->count - at) * sizeof(struct fake_row *));
}

static bool shares(enum mcpz_scan scan, const struct mcpz_record *a, const struct mcpz_record *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    if (scan == MCPZ_SCAN_KIND) {
        return true;
    }
    if (a->kind == MCPZ_RECORD_FORK) {
        return mcpz_id_equal(&a->fork.document, &b->fork.document);
    }
    if (a->kind == MCPZ_RECORD_TASK_LISTED) {
        return a->task_listed.list == b->task_listed.list &&
               (scan == MCPZ_SCAN_LIST || a->task_listed.group == b->task_listed.group);
    }
    if (a->kind == MCPZ_RECORD_ENTRY) {
        return mcpz_id_equal(&a->entry.document, &b->entry.document) &&
               (scan != MCPZ_SCAN_PATH || mcpz_bytes_equal(a->entry.path, b->entry.path));
    }
    if (a->kind == MCPZ_RECORD_BASE) {
        return mcpz_id_equal(&a->base.document, &b->base.document);
    }
    assert(a->kind == MCPZ_RECORD_DELTA);
    return mcpz_id_equal(&a->delta.delta.document, &b->delta.delta.document) &&
           (scan == MCPZ_SCAN_DOCUMENT ||
            mcpz_actor_compare(&a->delta.delta.actor, &b->delta.delta.actor) == 0) &&
           (scan != MCPZ_SCAN_SEQ || a->delta.delta.seq == b->delta.delta.seq);
}

static mcpz_error next(void *context, enum mcpz_scan scan, bool inclusive,
                       struct mcpz_record *record)
{
    struct fake_store *store = context;
    if (fails(store)) {
        return store->error;
    }
    size_t at = find(store, record);
    if (!inclusive && holds(store, at, record)) {
        at++;
    }
    if (at == store->count || !shares(scan, &store->rows[at]->record, record)) {
        return MCPZ_ENOTFOUND;
    }
    *record = store->rows[at]->record;
    return MCPZ_OK;
}

/* ---- Ids: as good as a real hash, as long as nobody looks for collisions -------------------- */

static uint64_t mix_number(uint64_t sum, uint64_t number)
{
    return mcpz_hash_mix(sum + mcpz_hash_mix(number));
}

static uint64_t mix_bytes(uint64_t sum, struct mcpz_bytes bytes)
{
    return mix_number(mcpz_hash_bytes(bytes, sum), bytes.length);
}

static uint64_t mix_dot(uint64_t sum, const struct mcpz_dot *dot)
{
    sum = mix_bytes(sum, mcpz_bytes(dot->actor.node.bytes, MCPZ_ID_BYTES));
    sum = mix_number(sum, dot->actor.generation);
    return mix_number(mix_number(sum, dot->seq), dot->index);
}

static uint64_t mix_delta(uint64_t sum, const struct mcpz_delta *delta)
{
    const struct mcpz_dot self = {delta->actor, delta->seq, 0};

    sum = mix_bytes(sum, mcpz_bytes(delta->document.bytes, MCPZ_ID_BYTES));
    sum = mix_number(mix_dot(sum, &self), delta->hlc);
    sum = mix_bytes(sum, mcpz_bytes(delta->prev.bytes, MCPZ_HEAD_BYTES));
    for (size_t i = 0; i < delta->version_count; i++) {
        const struct mcpz_dot seen = {delta->versions[i].actor, delta->versions[i].seq, 1};
        sum = mix_dot(sum, &seen);
        sum = mix_bytes(sum, mcpz_bytes(delta->versions[i].head.bytes, MCPZ_HEAD_BYTES));
    }
    for (size_t i = 0; i < delta->add_count; i++) {
        sum = mix_number(sum, delta->adds[i].type);
        sum = mix_bytes(mix_bytes(sum, delta->adds[i].path), delta->adds[i].value);
    }
    for (size_t i = 0; i < delta->remove_count; i++) {
        sum = mix_number(mix_dot(sum, &delta->removes[i].dot), delta->removes[i].type);
        sum = mix_bytes(sum, delta->removes[i].path);
    }
    return sum;
}

void fake_store_delta_id(void *context, const struct mcpz_delta *delta, struct mcpz_id *id)
{
    (void)context;
    for (size_t i = 0; i < MCPZ_ID_BYTES / sizeof(uint64_t); i++) {
        uint64_t part = mix_delta(i, delta);
        memcpy(id->bytes + i * sizeof(part), &part, sizeof(part));
    }
}

/* ---- For tests ---------------------------------------------------------------------------- */

void fake_store_init(struct fake_store *store)
{
    *store = (struct fake_store){
        .port = {.context = store,
                 .get = get,
                 .put = put,
                 .remove = remove_row,
                 .next = next,
                 .delta_id = fake_store_delta_id},
    };
}

void fake_store_end_turn(struct fake_store *store)
{
    while (store->gone != NULL) {
        struct fake_row *next_gone = store->gone->next_gone;
        free(store->gone);
        store->gone = next_gone;
    }
}

void fake_store_finish(struct fake_store *store)
{
    fake_store_end_turn(store);
    for (size_t i = 0; i < store->count; i++) {
        free(store->rows[i]);
    }
    free(store->rows);
    *store = (struct fake_store){.count = 0};
}

void fake_store_copy(struct fake_store *to, const struct fake_store *from)
{
    assert(to->count == 0);
    for (size_t i = 0; i < from->count; i++) {
        put(to, &from->rows[i]->record);
    }
}

void fake_store_fail_after(struct fake_store *store, size_t reads, mcpz_error error)
{
    store->reads_left = reads;
    store->error = error;
}

static bool versions_equal(const struct mcpz_version *a, const struct mcpz_version *b,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (mcpz_actor_compare(&a[i].actor, &b[i].actor) != 0 || a[i].seq != b[i].seq ||
            !mcpz_head_equal(&a[i].head, &b[i].head)) {
            return false;
        }
    }
    return true;
}

static bool cuts_equal(const struct mcpz_cut *a, size_t a_count, const struct mcpz_cut *b,
                       size_t b_count)
{
    bool equal = a_count == b_count;
    for (size_t i = 0; equal && i < a_count; i++) {
        equal = mcpz_actor_compare(&a[i].actor, &b[i].actor) == 0 && mcpz_cuts_equal(&a[i], &b[i]);
    }
    return equal;
}

static bool documents_equal(const struct mcpz_record_document *a,
                            const struct mcpz_record_document *b)
{
    return mcpz_bytes_equal(a->name, b->name) && a->deleted == b->deleted && a->hlc == b->hlc &&
           a->entry_count == b->entry_count && a->version_count == b->version_count &&
           versions_equal(a->versions, b->versions, a->version_count) &&
           cuts_equal(a->cuts, a->cut_count, b->cuts, b->cut_count);
}

static bool deltas_equal(const struct mcpz_delta *a, const struct mcpz_delta *b)
{
    bool equal = a->hlc == b->hlc && mcpz_head_equal(&a->prev, &b->prev) &&
                 a->add_count == b->add_count && a->remove_count == b->remove_count &&
                 a->version_count == b->version_count &&
                 versions_equal(a->versions, b->versions, a->version_count);

    for (size_t i = 0; equal && i < a->add_count; i++) {
        equal = a->adds[i].type == b->adds[i].type &&
                mcpz_bytes_equal(a->adds[i].path, b->adds[i].path) &&
                mcpz_bytes_equal(a->adds[i].value, b->adds[i].value);
    }
    for (size_t i = 0; equal && i < a->remove_count; i++) {
        equal = a->removes[i].type == b->removes[i].type &&
                mcpz_bytes_equal(a->removes[i].path, b->removes[i].path) &&
                compare_dots(&a->removes[i].dot, &b->removes[i].dot) == 0;
    }
    return equal;
}

static bool records_equal(const struct mcpz_record *a, const struct mcpz_record *b)
{
    if (compare(a, b) != 0) {
        return false;
    }
    if (a->kind == MCPZ_RECORD_DOCUMENT) {
        return documents_equal(&a->document, &b->document);
    }
    if (a->kind == MCPZ_RECORD_DELTA) {
        return deltas_equal(&a->delta.delta, &b->delta.delta);
    }
    if (a->kind == MCPZ_RECORD_FORK) {
        return a->fork.seq == b->fork.seq; /* which two it is, depends on who came first */
    }
    return a->entry.hlc == b->entry.hlc && mcpz_bytes_equal(a->entry.value, b->entry.value);
}

/* What a node keeps of the order of its own changes is its own; it lies behind all else. */
static size_t shared_count(const struct fake_store *store)
{
    const struct mcpz_record first = {.kind = MCPZ_RECORD_CHANGE};

    return find(store, &first);
}

bool fake_store_equal(const struct fake_store *a, const struct fake_store *b)
{
    const size_t count = shared_count(a);

    if (count != shared_count(b)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!records_equal(&a->rows[i]->record, &b->rows[i]->record)) {
            return false;
        }
    }
    return true;
}

size_t fake_store_count(const struct fake_store *store, enum mcpz_record_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < store->count; i++) {
        count += store->rows[i]->record.kind == kind ? 1 : 0;
    }
    return count;
}

const struct mcpz_record *fake_store_at(const struct fake_store *store, enum mcpz_record_kind kind,
                                        size_t index)
{
    for (size_t i = 0; i < store->count; i++) {
        if (store->rows[i]->record.kind == kind && index-- == 0) {
            return &store->rows[i]->record;
        }
    }
    assert(false);
    return NULL;
}
