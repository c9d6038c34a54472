#include "core/active.h"

#include <assert.h>

#include "core/asking.h"

void mcpz_active_dismiss(const struct mcpz_id *to, bool leaving, struct mcpz_outbox *out)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_OVERLAY_DISCONNECT, .overlay_disconnect = {leaving}};
    mcpz_outbox_send(out, to, &msg);
}

static void tell(enum mcpz_fact_kind kind, const struct mcpz_id *about, uint32_t reason,
                 struct mcpz_outbox *out)
{
    mcpz_outbox_fact(out, &(struct mcpz_fact){.kind = kind, .about = *about, .reason = reason});
}

size_t mcpz_active_find(const struct mcpz_overlay *overlay, const struct mcpz_id *id)
{
    const uint32_t name = mcpz_short_of(id).value;
    size_t at = 0;

    while (at < overlay->active_count &&
           (overlay->names[at].value != name || !mcpz_id_equal(&overlay->active[at].id, id))) {
        at++;
    }
    return at;
}

bool mcpz_active_has(const struct mcpz_overlay *overlay, const struct mcpz_id *id)
{
    return mcpz_active_find(overlay, id) < overlay->active_count;
}

size_t mcpz_active_count(const struct mcpz_overlay *overlay, bool far)
{
    size_t count = 0;

    for (size_t i = 0; i < overlay->active_count; i++) {
        count += mcpz_overlay_is_far(overlay, overlay->active[i].where.scope) == far;
    }
    return count;
}

size_t mcpz_active_max(const struct mcpz_overlay *overlay, bool far)
{
    return far ? overlay->config.far_max : overlay->config.active_max - overlay->config.far_max;
}

bool mcpz_active_is_full(const struct mcpz_overlay *overlay, uint32_t scope)
{
    bool far = mcpz_overlay_is_far(overlay, scope);
    return mcpz_active_count(overlay, far) == mcpz_active_max(overlay, far);
}

bool mcpz_active_is_alone(const struct mcpz_overlay *overlay)
{
    return mcpz_active_count(overlay, false) == 0;
}

bool mcpz_active_is_complete(const struct mcpz_overlay *overlay)
{
    return overlay->active_count == overlay->config.active_max;
}

size_t mcpz_active_count_chosen(const struct mcpz_overlay *overlay)
{
    size_t count = 0;

    for (size_t i = 0; i < overlay->active_count; i++) {
        count += overlay->active[i].chosen;
    }
    return count;
}

const struct mcpz_id *mcpz_active_pick(struct mcpz_overlay *overlay, const struct mcpz_id *not1,
                                       const struct mcpz_id *not2)
{
    const struct mcpz_id *fit[MCPZ_OVERLAY_ACTIVE_MAX];
    uint32_t count = 0;

    for (size_t i = 0; i < overlay->active_count; i++) {
        const struct mcpz_id *id = &overlay->active[i].id;
        if (!mcpz_id_equal(id, not1) && !mcpz_id_equal(id, not2)) {
            fit[count++] = id;
        }
    }
    return count > 0 ? fit[mcpz_rng_below(&overlay->rng, count)] : NULL;
}

const struct mcpz_id *mcpz_active_pick_towards(struct mcpz_overlay *overlay, uint32_t scope,
                                               const struct mcpz_id *not1,
                                               const struct mcpz_id *not2)
{
    const struct mcpz_id *fit[MCPZ_OVERLAY_ACTIVE_MAX];
    uint32_t count = 0;

    for (size_t i = 0; i < overlay->active_count; i++) {
        const struct mcpz_overlay_neighbour *one = &overlay->active[i];
        if (one->where.scope == scope && !mcpz_id_equal(&one->id, not1) &&
            !mcpz_id_equal(&one->id, not2)) {
            fit[count++] = &one->id;
        }
    }
    return count > 0 ? fit[mcpz_rng_below(&overlay->rng, count)]
                     : mcpz_active_pick(overlay, not1, not2);
}

struct mcpz_overlay_entry mcpz_active_entry(const struct mcpz_overlay_neighbour *one)
{
    return (struct mcpz_overlay_entry){
        .id = one->id,
        .scope = one->where.scope,
        .address = mcpz_where_address(&one->where),
    };
}

void mcpz_active_set_aside(struct mcpz_overlay *overlay, mcpz_time now,
                           const struct mcpz_overlay_entry *entry)
{
    if (!mcpz_overlay_is_self(overlay, &entry->id) && !mcpz_active_has(overlay, &entry->id)) {
        mcpz_passive_add(&overlay->passive, entry, now, &overlay->rng);
    }
}

void mcpz_active_drop(struct mcpz_overlay *overlay, size_t at,
                      enum mcpz_neighbour_down_reason reason, struct mcpz_outbox *out)
{
    assert(at < overlay->active_count);

    const struct mcpz_overlay_neighbour gone = overlay->active[at];
    overlay->active[at] = overlay->active[--overlay->active_count];
    overlay->names[at] = overlay->names[overlay->active_count];
    overlay->far_count -= gone.where.scope != overlay->where.scope;
    overlay->active[overlay->active_count] = gone; /* for the room of its address */
    overlay->promote_wait_us = overlay->config.promote_period_us;
    tell(MCPZ_FACT_NEIGHBOUR_DOWN, &gone.id, reason, out);
}

void mcpz_active_retire(struct mcpz_overlay *overlay, mcpz_time now, size_t at,
                        enum mcpz_neighbour_down_reason reason, struct mcpz_outbox *out)
{
    mcpz_active_drop(overlay, at, reason, out);
    const struct mcpz_overlay_entry entry =
        mcpz_active_entry(&overlay->active[overlay->active_count]);
    mcpz_active_set_aside(overlay, now, &entry);
}

/* May this one be evicted for another of the same kind? */
static bool is_expendable(const struct mcpz_overlay *overlay, size_t at, bool far)
{
    const struct mcpz_overlay_neighbour *one = &overlay->active[at];
    bool spared = one->chosen && mcpz_active_count_chosen(overlay) <= overlay->config.chosen_min;

    return mcpz_overlay_is_far(overlay, one->where.scope) == far && !spared;
}

/* dropRandomElementFromActiveView, section 4.2. */
static void evict(struct mcpz_overlay *overlay, mcpz_time now, bool far, struct mcpz_outbox *out)
{
    size_t fit[MCPZ_OVERLAY_ACTIVE_MAX];
    uint32_t count = 0;

    for (size_t i = 0; i < overlay->active_count; i++) {
        if (is_expendable(overlay, i, far)) {
            fit[count++] = i;
        }
    }
    for (size_t i = 0; i < overlay->active_count && count == 0; i++) {
        if (mcpz_overlay_is_far(overlay, overlay->active[i].where.scope) == far) {
            fit[count++] = i; /* all are chosen: then one of those */
        }
    }
    assert(count > 0);
    size_t at = fit[mcpz_rng_below(&overlay->rng, count)];
    const struct mcpz_id gone = overlay->active[at].id;

    /* If we also asked it, its yes must not bring it back: it hears our DISCONNECT after it. */
    struct mcpz_overlay_ask *ask = mcpz_asking_find(overlay, &gone);
    if (ask != NULL) {
        mcpz_asking_end(overlay, ask);
    }
    mcpz_active_dismiss(&gone, false, out);
    mcpz_active_retire(overlay, now, at, MCPZ_NEIGHBOUR_EVICTED, out);
}

void mcpz_active_add(struct mcpz_overlay *overlay, mcpz_time now,
                     const struct mcpz_overlay_entry *entry, bool chosen, struct mcpz_outbox *out)
{
    const size_t address_bytes = overlay->config.address_bytes;

    assert(!mcpz_overlay_is_self(overlay, &entry->id));
    assert(!mcpz_active_has(overlay, &entry->id));

    if (mcpz_active_is_full(overlay, entry->scope)) {
        evict(overlay, now, mcpz_overlay_is_far(overlay, entry->scope), out);
    }
    struct mcpz_overlay_neighbour *added = &overlay->active[overlay->active_count];
    if (!mcpz_where_set(&added->where, entry->scope, entry->address, address_bytes)) {
        (void)mcpz_where_set(&added->where, entry->scope, mcpz_bytes(NULL, 0), address_bytes);
    }
    added->id = entry->id;
    added->since_us = now;
    added->tried = false;
    added->chosen = chosen;
    added->contradicted = 0;
    overlay->names[overlay->active_count++] = mcpz_short_of(&entry->id);
    overlay->far_count += entry->scope != overlay->where.scope;
    mcpz_passive_remove(&overlay->passive, &entry->id);
    tell(MCPZ_FACT_NEIGHBOUR_UP, &entry->id, mcpz_overlay_is_far(overlay, entry->scope), out);
}
