#include "core/shuffle.h"

#include <assert.h>

#include "core/active.h"
#include "core/asking.h"

/* Entries as they go into a message: addresses in the views do not last. */
static const struct mcpz_overlay_entry *keep(const struct mcpz_overlay_entry *entries,
                                             size_t count, struct mcpz_outbox *out)
{
    struct mcpz_overlay_entry *kept = mcpz_arena_take(&out->arena, count, sizeof(*kept));

    assert(kept != NULL);
    for (size_t i = 0; i < count; i++) {
        kept[i] = entries[i];
        kept[i].address = mcpz_outbox_keep(out, entries[i].address);
    }
    return kept;
}

/* `path` with `more` at its end. */
static const struct mcpz_short *extend(const struct mcpz_short *path, size_t count,
                                       struct mcpz_short more, struct mcpz_outbox *out)
{
    struct mcpz_short *longer = mcpz_arena_take(&out->arena, count + 1, sizeof(*longer));

    assert(longer != NULL);
    if (count > 0) {
        memcpy(longer, path, count * sizeof(*path));
    }
    longer[count] = more;
    return longer;
}

/* Take in what a shuffle brought, at the cost of what we gave for it, then of anybody. */
static void integrate(struct mcpz_overlay *overlay, mcpz_time now,
                      const struct mcpz_overlay_entry *entry, const struct mcpz_short *given,
                      size_t given_count)
{
    struct mcpz_passive *passive = &overlay->passive;

    if (MCPZ_SECONDS(entry->age_s) > overlay->config.passive_age_us ||
        mcpz_overlay_is_self(overlay, &entry->id) || mcpz_active_has(overlay, &entry->id)) {
        return;
    }
    bool is_new = !mcpz_passive_has(passive, &entry->id);
    for (size_t i = 0; i < given_count && is_new && mcpz_passive_is_full(passive, entry->scope);
         i++) {
        mcpz_passive_give_way(passive, given[i], entry->scope);
    }
    mcpz_active_set_aside(overlay, now, entry);
}

static void integrate_all(struct mcpz_overlay *overlay, mcpz_time now,
                          const struct mcpz_overlay_entry *entries, size_t count,
                          const struct mcpz_short *given, size_t given_count)
{
    for (size_t i = 0; i < count; i++) {
        integrate(overlay, now, &entries[i], given, given_count);
    }
}

static void note_names(const struct mcpz_overlay_entry *entries, size_t count,
                       struct mcpz_short *names)
{
    for (size_t i = 0; i < count; i++) {
        names[i] = mcpz_short_of(&entries[i].id);
    }
}

/* The answer goes back to `from` and on along the path that is left. */
static void reply_to_shuffle(struct mcpz_overlay *overlay, mcpz_time now,
                             const struct mcpz_id *from,
                             const struct mcpz_msg_overlay_shuffle *shuffle,
                             struct mcpz_outbox *out)
{
    struct mcpz_overlay_entry entries[MCPZ_OVERLAY_SHUFFLE_MAX];
    struct mcpz_short given[MCPZ_OVERLAY_SHUFFLE_MAX];
    size_t count =
        mcpz_passive_sample(&overlay->passive, now, &overlay->rng, entries, shuffle->entry_count);
    note_names(entries, count, given);
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OVERLAY_SHUFFLED,
        .overlay_shuffled = {.seq = shuffle->seq,
                             .entries = keep(entries, count, out),
                             .entry_count = count,
                             .path = shuffle->path,
                             .path_count = shuffle->path_count > 0 ? shuffle->path_count - 1 : 0},
    };
    mcpz_outbox_send(out, from, &msg);
    integrate_all(overlay, now, shuffle->entries, shuffle->entry_count, given, count);
}

void mcpz_shuffle_on_walk(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                          const struct mcpz_msg_overlay_shuffle *shuffle, struct mcpz_outbox *out)
{
    const uint32_t ttl = shuffle->ttl < overlay->config.arwl ? shuffle->ttl : overlay->config.arwl;

    if (mcpz_overlay_is_self(overlay, &shuffle->origin)) {
        return;
    }
    const struct mcpz_id *next = mcpz_active_pick(overlay, from, &shuffle->origin);
    if (ttl <= 1 || next == NULL || shuffle->path_count >= MCPZ_OVERLAY_WALK_MAX) {
        reply_to_shuffle(overlay, now, from, shuffle, out);
        return;
    }
    struct mcpz_msg msg = {.kind = MCPZ_MSG_OVERLAY_SHUFFLE, .overlay_shuffle = *shuffle};
    msg.overlay_shuffle.ttl = ttl - 1;
    msg.overlay_shuffle.path =
        extend(shuffle->path, shuffle->path_count, mcpz_short_of(&overlay->self), out);
    msg.overlay_shuffle.path_count = shuffle->path_count + 1;
    mcpz_outbox_send(out, next, &msg);
}

static void hand_back(struct mcpz_overlay *overlay, const struct mcpz_msg_overlay_shuffled *answer,
                      struct mcpz_outbox *out)
{
    const struct mcpz_short next = answer->path[answer->path_count - 1];
    struct mcpz_msg msg = {.kind = MCPZ_MSG_OVERLAY_SHUFFLED, .overlay_shuffled = *answer};

    msg.overlay_shuffled.path_count--;
    for (size_t i = 0; i < overlay->active_count; i++) {
        if (mcpz_short_of(&overlay->active[i].id).value == next.value) {
            mcpz_outbox_send(out, &overlay->active[i].id, &msg);
            return;
        }
    }
}

void mcpz_shuffle_on_answer(struct mcpz_overlay *overlay, mcpz_time now,
                            const struct mcpz_msg_overlay_shuffled *answer,
                            struct mcpz_outbox *out)
{
    if (answer->path_count > 0) {
        hand_back(overlay, answer, out);
        return;
    }
    if (overlay->shuffle_seq == 0 || answer->seq != overlay->shuffle_seq) {
        return; /* not asked for, or too late */
    }
    overlay->shuffle_seq = 0;
    integrate_all(overlay, now, answer->entries, answer->entry_count, overlay->shuffled,
                  overlay->shuffled_count);
}

static size_t sample_active(struct mcpz_overlay *overlay, const struct mcpz_id *except,
                            struct mcpz_overlay_entry *entries)
{
    size_t start = mcpz_rng_below(&overlay->rng, (uint32_t)overlay->active_count);
    size_t count = 0;

    /* The view is in no order, so a run of it is as good as a sample. */
    for (size_t i = 0; i < overlay->active_count && count < overlay->config.shuffle_active; i++) {
        const struct mcpz_overlay_neighbour *one =
            &overlay->active[(start + i) % overlay->active_count];
        if (!mcpz_id_equal(&one->id, except)) {
            entries[count++] = mcpz_active_entry(one);
        }
    }
    return count;
}

void mcpz_shuffle_begin(struct mcpz_overlay *overlay, mcpz_time now, struct mcpz_outbox *out)
{
    struct mcpz_overlay_entry entries[MCPZ_OVERLAY_SHUFFLE_MAX];
    const mcpz_time age_us = overlay->config.passive_age_us;

    mcpz_passive_expire(&overlay->passive, now > age_us ? now - age_us : 0);
    overlay->shuffle_seq = 0;
    if (overlay->active_count == 0) {
        return;
    }
    const struct mcpz_id to = *mcpz_active_pick(overlay, &overlay->self, &overlay->self);
    size_t count = sample_active(overlay, &to, entries);
    count += mcpz_passive_sample(&overlay->passive, now, &overlay->rng, entries + count,
                                 overlay->config.shuffle_passive);
    note_names(entries, count, overlay->shuffled);
    overlay->shuffled_count = count;
    entries[count++] = (struct mcpz_overlay_entry){.id = overlay->self,
                                                   .scope = overlay->where.scope,
                                                   .address = mcpz_where_address(&overlay->where)};
    overlay->shuffle_seq = mcpz_asking_seq(overlay);
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OVERLAY_SHUFFLE,
        .overlay_shuffle = {.origin = overlay->self,
                            .seq = overlay->shuffle_seq,
                            .ttl = overlay->config.arwl,
                            .entries = keep(entries, count, out),
                            .entry_count = count,
                            .path = extend(NULL, 0, mcpz_short_of(&overlay->self), out),
                            .path_count = 1},
    };
    mcpz_outbox_send(out, &to, &msg);
}
