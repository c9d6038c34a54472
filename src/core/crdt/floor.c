#include "core/crdt/floor.h"

#include "core/crdt/release.h"

/* ---- Looking ------------------------------------------------------------------------------ */

bool mcpz_floor_is_valid(const struct mcpz_agreed *agreed)
{
    return mcpz_clock_is_valid(agreed->versions, agreed->version_count) &&
           mcpz_cuts_is_valid(agreed->cuts, agreed->cut_count);
}

static void set(struct mcpz_floor *floor, const struct mcpz_agreed *agreed)
{
    floor->hlc = agreed->hlc;
    mcpz_clock_set(&floor->clock, agreed->versions, agreed->version_count);
    mcpz_cuts_set(&floor->cuts, agreed->cuts, agreed->cut_count);
}

mcpz_error mcpz_floor_load(const struct mcpz_store *store, const struct mcpz_id *document,
                           struct mcpz_floor *floor)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = *document}};
    const struct mcpz_agreed *agreed = &record.floor.agreed;

    floor->exists = false;
    floor->is_deleted = false;
    floor->hlc = 0;
    floor->clock.count = 0;
    floor->cuts.count = 0;
    mcpz_error error = store->get(store->context, &record);
    if (error != MCPZ_OK) {
        return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
    }
    if (!mcpz_floor_is_valid(agreed)) {
        return MCPZ_ECORRUPT;
    }
    floor->exists = true;
    floor->is_deleted = record.floor.is_deleted;
    set(floor, agreed);
    return MCPZ_OK;
}

mcpz_error mcpz_floor_load_tombstone(const struct mcpz_store *store,
                                     const struct mcpz_id *document, struct mcpz_floor *tombstone)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_STABLE, .stable = {.document = *document}};
    const struct mcpz_agreed *agreed = &record.stable.agreed;

    mcpz_error error = mcpz_floor_load(store, document, tombstone);
    tombstone->exists = tombstone->exists && tombstone->is_deleted;
    if (error == MCPZ_OK) {
        error = store->get(store->context, &record);
    }
    if (error != MCPZ_OK) {
        return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
    }
    if (!mcpz_floor_is_valid(agreed)) {
        return MCPZ_ECORRUPT;
    }
    if (record.stable.is_deleted) {
        tombstone->exists = true;
        set(tombstone, agreed);
    }
    return MCPZ_OK;
}

bool mcpz_floor_is_within(const struct mcpz_version *versions, size_t count,
                          const struct mcpz_version *clock, size_t clock_count)
{
    for (size_t i = 0; i < count; i++) {
        if (mcpz_clock_get(clock, clock_count, &versions[i].actor) < versions[i].seq) {
            return false;
        }
    }
    return true;
}

bool mcpz_floor_has_cut(const struct mcpz_seen *seen, const struct mcpz_cut *cut)
{
    return mcpz_clock_is_closed(seen->versions, seen->version_count, &cut->actor) ||
           mcpz_cuts_equal(cut, mcpz_cuts_find(seen->cuts, seen->cut_count, &cut->actor));
}

static bool has_cuts(const struct mcpz_seen *seen, const struct mcpz_cut *cuts, size_t count)
{
    bool has_all = true;

    for (size_t i = 0; i < count && has_all; i++) {
        has_all = mcpz_floor_has_cut(seen, &cuts[i]);
    }
    return has_all;
}

bool mcpz_floor_is_held(const struct mcpz_seen *below, const struct mcpz_seen *seen)
{
    for (size_t i = 0; i < seen->cut_count; i++) {
        const struct mcpz_cut *cut = &seen->cuts[i];
        if (mcpz_clock_get(below->versions, below->version_count, &cut->actor) >= cut->seq) {
            return false;
        }
    }
    return mcpz_floor_is_within(below->versions, below->version_count, seen->versions,
                                seen->version_count) &&
           has_cuts(seen, below->cuts, below->cut_count);
}

bool mcpz_floor_is_reached(const struct mcpz_floor *floor, const struct mcpz_seen *seen)
{
    for (size_t i = 0; floor->exists && i < floor->clock.count; i++) {
        if (!mcpz_clock_has(seen->versions, seen->version_count, &floor->clock.versions[i])) {
            return false;
        }
    }
    return has_cuts(seen, floor->cuts.cuts, floor->cuts.count);
}

/* Is it within what was signed? */
static bool is_within_agreed(const struct mcpz_agreed *agreed, const struct mcpz_actor *actor,
                             uint64_t seq)
{
    return seq <= mcpz_clock_get(agreed->versions, agreed->version_count, actor) ||
           mcpz_cuts_find(agreed->cuts, agreed->cut_count, actor) != NULL;
}

mcpz_error mcpz_floor_is_settled(const struct mcpz_store *store, const struct mcpz_id *document,
                                 const struct mcpz_actor *actor, uint64_t seq, bool *settled)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_STABLE, .stable = {.document = *document}};

    *settled = false;
    mcpz_error error = store->get(store->context, &record);
    if (error == MCPZ_OK && is_within_agreed(&record.stable.agreed, actor, seq)) {
        *settled = true;
        return MCPZ_OK;
    }
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        return error;
    }
    record = (struct mcpz_record){.kind = MCPZ_RECORD_FLOOR, .floor = {.document = *document}};
    error = store->get(store->context, &record);
    *settled = error == MCPZ_OK && is_within_agreed(&record.floor.agreed, actor, seq);
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* Are all branches of `cut` here? Of who has too many nobody can tell. */
static mcpz_error has_branches(const struct mcpz_store *store, const struct mcpz_id *document,
                               const struct mcpz_cut *cut, bool *has_all)
{
    mcpz_error error = MCPZ_OK;

    *has_all = !cut->overrun;
    for (size_t i = 0; i < cut->tip_count && *has_all && error == MCPZ_OK; i++) {
        struct mcpz_record record = {
            .kind = MCPZ_RECORD_DELTA,
            .delta = {.delta = {.document = *document,
                                .actor = cut->actor,
                                .seq = cut->tips[i].seq},
                      .head = cut->tips[i].head},
        };
        error = store->get(store->context, &record);
        *has_all = error == MCPZ_OK;
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

static mcpz_error is_against(const struct mcpz_store *store, const struct mcpz_id *document,
                             const struct mcpz_agreed *agreed, const struct mcpz_cut *cut,
                             bool *against)
{
    const struct mcpz_cut *known = mcpz_cuts_find(agreed->cuts, agreed->cut_count, &cut->actor);
    bool has_all = true;

    *against = cut->seq <= mcpz_clock_get(agreed->versions, agreed->version_count, &cut->actor);
    if (*against || known == NULL || mcpz_cuts_equal(cut, known)) {
        return MCPZ_OK;
    }
    mcpz_error error = has_branches(store, document, cut, &has_all);
    *against = !has_all;
    return error;
}

mcpz_error mcpz_floor_is_against(const struct mcpz_store *store, const struct mcpz_id *document,
                                 const struct mcpz_cut *cut, bool *against)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_STABLE, .stable = {.document = *document}};

    *against = false;
    mcpz_error error = store->get(store->context, &record);
    if (error == MCPZ_OK) {
        error = is_against(store, document, &record.stable.agreed, cut, against);
    }
    if ((error != MCPZ_OK && error != MCPZ_ENOTFOUND) || *against) {
        return error;
    }
    record = (struct mcpz_record){.kind = MCPZ_RECORD_FLOOR, .floor = {.document = *document}};
    error = store->get(store->context, &record);
    if (error == MCPZ_OK) {
        error = is_against(store, document, &record.floor.agreed, cut, against);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* False: it does not end there. */
static bool correct(const struct mcpz_agreed *agreed, struct mcpz_version *version)
{
    const struct mcpz_version *last =
        mcpz_clock_find(agreed->versions, agreed->version_count, &version->actor);
    const bool ends_there = last != NULL && last->seq == version->seq;

    if (ends_there) {
        version->head = last->head;
    }
    return ends_there;
}

mcpz_error mcpz_floor_correct(const struct mcpz_store *store, const struct mcpz_id *document,
                              struct mcpz_version *version)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_STABLE, .stable = {.document = *document}};

    mcpz_error error = store->get(store->context, &record);
    if (error == MCPZ_OK && correct(&record.stable.agreed, version)) {
        return MCPZ_OK;
    }
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        return error;
    }
    record = (struct mcpz_record){.kind = MCPZ_RECORD_FLOOR, .floor = {.document = *document}};
    error = store->get(store->context, &record);
    if (error == MCPZ_OK) {
        (void)correct(&record.floor.agreed, version);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

mcpz_error mcpz_floor_hasten(const struct mcpz_store *store, const struct mcpz_id *document)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_STABLE, .stable = {.document = *document}};

    mcpz_error error = store->get(store->context, &record);
    if (error == MCPZ_OK && record.stable.agreed_ms != 0) {
        record.stable.agreed_ms = 0;
        store->put(store->context, &record);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* ---- Sweeping ----------------------------------------------------------------------------- */

/* Rows of `actor` from `from` on, up to `end`, go. */
static mcpz_error sweep_actor(struct mcpz_release *release, const struct mcpz_id *document,
                              const struct mcpz_actor *actor, uint64_t from, uint64_t end,
                              size_t *rows_left)
{
    const struct mcpz_store *store = release->store;
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = *document, .actor = *actor, .seq = from}},
    };
    mcpz_error error = store->next(store->context, MCPZ_SCAN_ACTOR, true, &record);

    while (error == MCPZ_OK && record.delta.delta.seq<end && * rows_left> 0) {
        error = mcpz_release_row(release, &record);
        (*rows_left)--;
        if (error == MCPZ_OK) {
            error = store->next(store->context, MCPZ_SCAN_ACTOR, false, &record);
        }
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* Of lives that are closed below the floor nothing is looked at any more: all rows go. */
static mcpz_error sweep_closed(struct mcpz_release *release, const struct mcpz_id *document,
                               const struct mcpz_version *closing, size_t *rows_left)
{
    const struct mcpz_store *store = release->store;
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = *document, .actor = {.node = closing->actor.node}}},
    };
    const struct mcpz_delta *delta = &record.delta.delta;
    mcpz_error error = store->next(store->context, MCPZ_SCAN_DOCUMENT, true, &record);

    while (error == MCPZ_OK && *rows_left > 0 &&
           mcpz_actor_compare(&delta->actor, &closing->actor) <= 0) {
        error = mcpz_release_row(release, &record);
        (*rows_left)--;
        if (error == MCPZ_OK) {
            error = store->next(store->context, MCPZ_SCAN_DOCUMENT, false, &record);
        }
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

mcpz_error mcpz_floor_sweep(const struct mcpz_store *store, const struct mcpz_id *document,
                            size_t rows_max, bool *done)
{
    struct mcpz_release release = {.store = store};
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = *document}};
    struct mcpz_floor floor;
    size_t rows_left = rows_max;

    *done = true;
    mcpz_error error = mcpz_floor_load(store, document, &floor);
    for (size_t i = 0; i < floor.clock.count && error == MCPZ_OK && rows_left > 0; i++) {
        const struct mcpz_version *last = &floor.clock.versions[i];
        error = mcpz_version_closes(last)
                    ? sweep_closed(&release, document, last, &rows_left)
                    : sweep_actor(&release, document, &last->actor, 0, last->seq, &rows_left);
    }
    for (size_t i = 0; i < floor.cuts.count && error == MCPZ_OK && rows_left > 0; i++) {
        const struct mcpz_cut *cut = &floor.cuts.cuts[i];
        error = sweep_actor(&release, document, &cut->actor, cut->seq, UINT64_MAX, &rows_left);
    }
    if (error == MCPZ_OK) {
        error = mcpz_release_end(&release);
    }
    *done = error == MCPZ_OK && rows_left > 0;
    if (!*done || !floor.exists) {
        return error;
    }
    error = store->get(store->context, &record);
    if (error == MCPZ_OK && !record.floor.swept) {
        record.floor.swept = true;
        store->put(store->context, &record);
    }
    return error;
}

mcpz_error mcpz_floor_forget(const struct mcpz_store *store, const struct mcpz_id *document)
{
    const struct mcpz_record floor = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = *document}};
    const struct mcpz_record stable = {.kind = MCPZ_RECORD_STABLE,
                                       .stable = {.document = *document}};
    struct mcpz_record piece = {.kind = MCPZ_RECORD_BASE, .base = {.document = *document}};
    mcpz_error error = store->next(store->context, MCPZ_SCAN_DOCUMENT, true, &piece);

    while (error == MCPZ_OK) {
        store->remove(store->context, &piece);
        error = store->next(store->context, MCPZ_SCAN_DOCUMENT, false, &piece);
    }
    store->remove(store->context, &floor);
    store->remove(store->context, &stable);
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}
