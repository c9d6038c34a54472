#include "core/passive.h"

#include <assert.h>

static size_t find(const struct mcpz_passive *passive, const struct mcpz_id *id)
{
    size_t at = 0;
    while (at < passive->count && !mcpz_id_equal(&passive->entries[at].id, id)) {
        at++;
    }
    return at;
}

static void remove_at(struct mcpz_passive *passive, size_t at)
{
    assert(at < passive->count);
    passive->entries[at] = passive->entries[--passive->count];
}

void mcpz_passive_init(struct mcpz_passive *passive, size_t capacity)
{
    assert(capacity > 0);
    assert(capacity <= MCPZ_OVERLAY_PASSIVE_MAX);
    *passive = (struct mcpz_passive){.capacity = capacity};
}

bool mcpz_passive_has(const struct mcpz_passive *passive, const struct mcpz_id *id)
{
    return find(passive, id) < passive->count;
}

void mcpz_passive_add(struct mcpz_passive *passive, const struct mcpz_id *id, mcpz_time heard_us,
                      struct mcpz_rng *rng)
{
    size_t at = find(passive, id);
    if (at < passive->count) {
        if (passive->entries[at].heard_us < heard_us) {
            passive->entries[at].heard_us = heard_us;
        }
        return;
    }
    if (passive->count == passive->capacity) {
        remove_at(passive, mcpz_rng_below(rng, (uint32_t)passive->count));
    }
    passive->entries[passive->count++] =
        (struct mcpz_passive_entry){.id = *id, .heard_us = heard_us};
    assert(passive->count <= passive->capacity);
}

void mcpz_passive_remove(struct mcpz_passive *passive, const struct mcpz_id *id)
{
    size_t at = find(passive, id);
    if (at < passive->count) {
        remove_at(passive, at);
    }
}

void mcpz_passive_expire(struct mcpz_passive *passive, mcpz_time since_us)
{
    for (size_t i = passive->count; i > 0; i--) {
        if (passive->entries[i - 1].heard_us < since_us) {
            remove_at(passive, i - 1);
        }
    }
}

void mcpz_passive_begin_round(struct mcpz_passive *passive)
{
    for (size_t i = 0; i < passive->count; i++) {
        passive->entries[i].tried = false;
    }
}

bool mcpz_passive_try(struct mcpz_passive *passive, struct mcpz_rng *rng, struct mcpz_id *id)
{
    uint32_t untried = 0;
    for (size_t i = 0; i < passive->count; i++) {
        untried += !passive->entries[i].tried;
    }
    if (untried == 0) {
        return false;
    }

    uint32_t skip = mcpz_rng_below(rng, untried);
    size_t at = 0;
    while (passive->entries[at].tried || skip > 0) {
        skip -= !passive->entries[at].tried;
        at++;
    }
    passive->entries[at].tried = true;
    *id = passive->entries[at].id;
    return true;
}

size_t mcpz_passive_sample(const struct mcpz_passive *passive, mcpz_time now, struct mcpz_rng *rng,
                           struct mcpz_overlay_entry *entries, size_t count)
{
    size_t taken = 0;

    /* Each of those left is as likely as any other (Knuth, volume 2, algorithm 3.4.2 S). */
    for (size_t i = 0; i < passive->count && taken < count; i++) {
        if (mcpz_rng_below(rng, (uint32_t)(passive->count - i)) < count - taken) {
            entries[taken++] = (struct mcpz_overlay_entry){
                .id = passive->entries[i].id,
                .age_s = mcpz_passive_age_s(now, passive->entries[i].heard_us),
            };
        }
    }
    return taken;
}

uint32_t mcpz_passive_age_s(mcpz_time now, mcpz_time heard_us)
{
    mcpz_time age_s = now > heard_us ? (now - heard_us) / MCPZ_SECONDS(1) : 0;
    return age_s < UINT32_MAX ? (uint32_t)age_s : UINT32_MAX;
}
