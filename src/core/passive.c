#include "core/passive.h"

#include <assert.h>

char *mcpz_where_room(struct mcpz_arena *arena, size_t count, size_t bytes)
{
    char *room = bytes > 0 ? mcpz_arena_take(arena, count, bytes) : NULL;

    assert(bytes == 0 || room != NULL);
    return room;
}

struct mcpz_where mcpz_where_init(char **room, size_t bytes)
{
    const struct mcpz_where where = {.address = *room};

    if (bytes > 0) {
        *room += bytes;
    }
    return where;
}

bool mcpz_where_set(struct mcpz_where *where, uint32_t scope, struct mcpz_bytes address,
                    size_t bytes)
{
    if (where->address != NULL && address.length >= bytes) {
        return false;
    }
    where->scope = scope;
    if (where->address != NULL) {
        mcpz_bytes_to_text(address, where->address, bytes);
    }
    return true;
}

struct mcpz_bytes mcpz_where_address(const struct mcpz_where *where)
{
    return where->address != NULL ? mcpz_text(where->address) : mcpz_bytes(NULL, 0);
}

/* The first whose id begins so; count: there is none. */
static size_t find_short(const struct mcpz_passive *passive, struct mcpz_short name)
{
    size_t at = 0;
    while (at < passive->count && passive->names[at].value != name.value) {
        at++;
    }
    return at;
}

static size_t find(const struct mcpz_passive *passive, const struct mcpz_id *id)
{
    size_t at = find_short(passive, mcpz_short_of(id));
    while (at < passive->count && !mcpz_id_equal(&passive->entries[at].id, id)) {
        at++;
    }
    return at;
}

static bool is_tried(const struct mcpz_passive *passive, size_t at)
{
    return (passive->tried >> at & 1) != 0;
}

static void set_tried(struct mcpz_passive *passive, size_t at, bool tried)
{
    const uint32_t bit = UINT32_C(1) << at;
    passive->tried = tried ? passive->tried | bit : passive->tried & ~bit;
}

static void remove_at(struct mcpz_passive *passive, size_t at)
{
    assert(at < passive->count);
    const struct mcpz_passive_entry gone = passive->entries[at];
    passive->entries[at] = passive->entries[--passive->count];
    passive->entries[passive->count] = gone; /* for the room of its address */
    passive->names[at] = passive->names[passive->count];
    set_tried(passive, at, is_tried(passive, passive->count));
}

size_t mcpz_passive_bytes(const struct mcpz_passive_config *config)
{
    return mcpz_arena_cost(config->capacity, sizeof(struct mcpz_passive_entry)) +
           mcpz_arena_cost(config->capacity, sizeof(struct mcpz_short)) +
           mcpz_arena_cost(config->capacity, config->address_bytes);
}

void mcpz_passive_init(struct mcpz_passive *passive, const struct mcpz_passive_config *config,
                       struct mcpz_arena *arena)
{
    assert(config->capacity > 0);
    assert(config->capacity <= MCPZ_OVERLAY_PASSIVE_MAX);
    assert(config->far_max < config->capacity);

    *passive = (struct mcpz_passive){
        .config = *config,
        .entries =
            mcpz_arena_take_sure(arena, config->capacity, sizeof(struct mcpz_passive_entry)),
        .names = mcpz_arena_take_sure(arena, config->capacity, sizeof(struct mcpz_short)),
    };
    char *room = mcpz_where_room(arena, config->capacity, config->address_bytes);
    for (size_t i = 0; i < config->capacity; i++) {
        passive->entries[i].where = mcpz_where_init(&room, config->address_bytes);
    }
}

static bool is_far(const struct mcpz_passive *passive, uint32_t scope)
{
    return passive->config.far_max > 0 && scope != passive->config.scope;
}

static uint32_t count_kind(const struct mcpz_passive *passive, bool far)
{
    uint32_t count = 0;

    for (size_t i = 0; i < passive->count; i++) {
        count += is_far(passive, passive->entries[i].where.scope) == far;
    }
    return count;
}

bool mcpz_passive_has_near(const struct mcpz_passive *passive)
{
    for (size_t i = 0; i < passive->count; i++) {
        if (passive->entries[i].where.scope == passive->config.scope) {
            return true;
        }
    }
    return false;
}

bool mcpz_passive_is_full(const struct mcpz_passive *passive, uint32_t scope)
{
    bool far = is_far(passive, scope);
    size_t far_max = passive->config.far_max;

    return count_kind(passive, far) == (far ? far_max : passive->config.capacity - far_max);
}

bool mcpz_passive_has_untried(const struct mcpz_passive *passive)
{
    for (size_t i = 0; i < passive->count; i++) {
        if (!is_tried(passive, i) && !is_far(passive, passive->entries[i].where.scope)) {
            return true;
        }
    }
    return false;
}

/* Let go of one of the same kind. */
static void drop_one(struct mcpz_passive *passive, bool far, struct mcpz_rng *rng)
{
    uint32_t skip = mcpz_rng_below(rng, count_kind(passive, far));
    size_t at = 0;

    while (is_far(passive, passive->entries[at].where.scope) != far || skip > 0) {
        skip -= is_far(passive, passive->entries[at].where.scope) == far;
        at++;
    }
    remove_at(passive, at);
}

bool mcpz_passive_has(const struct mcpz_passive *passive, const struct mcpz_id *id)
{
    return find(passive, id) < passive->count;
}

void mcpz_passive_add(struct mcpz_passive *passive, const struct mcpz_overlay_entry *entry,
                      mcpz_time now, struct mcpz_rng *rng)
{
    const size_t address_bytes = passive->config.address_bytes;
    mcpz_time age_us = MCPZ_SECONDS(entry->age_s);
    mcpz_time heard_us = now > age_us ? now - age_us : 0;
    size_t at = find(passive, &entry->id);

    if (at < passive->count) {
        if (passive->entries[at].heard_us < heard_us) {
            passive->entries[at].heard_us = heard_us;
        }
        return;
    }
    if (address_bytes > 0 && entry->address.length >= address_bytes) {
        return;
    }
    if (mcpz_passive_is_full(passive, entry->scope)) {
        drop_one(passive, is_far(passive, entry->scope), rng);
    }
    struct mcpz_passive_entry *added = &passive->entries[passive->count++];
    added->id = entry->id;
    added->heard_us = heard_us;
    passive->names[passive->count - 1] = mcpz_short_of(&entry->id);
    set_tried(passive, passive->count - 1, false);
    (void)mcpz_where_set(&added->where, entry->scope, entry->address, address_bytes);
    assert(passive->count <= passive->config.capacity);
}

void mcpz_passive_remove(struct mcpz_passive *passive, const struct mcpz_id *id)
{
    size_t at = find(passive, id);
    if (at < passive->count) {
        remove_at(passive, at);
    }
}

void mcpz_passive_give_way(struct mcpz_passive *passive, struct mcpz_short name, uint32_t scope)
{
    size_t at = find_short(passive, name);
    if (at < passive->count &&
        is_far(passive, passive->entries[at].where.scope) == is_far(passive, scope)) {
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
    passive->tried = 0;
}

static bool is_candidate(const struct mcpz_passive *passive, size_t at,
                         enum mcpz_passive_which which)
{
    bool far = is_far(passive, passive->entries[at].where.scope);

    return !is_tried(passive, at) &&
           (which == MCPZ_PASSIVE_ANY || far == (which == MCPZ_PASSIVE_FAR));
}

const struct mcpz_passive_entry *
mcpz_passive_try(struct mcpz_passive *passive, enum mcpz_passive_which which, struct mcpz_rng *rng)
{
    uint32_t untried = 0;
    for (size_t i = 0; i < passive->count; i++) {
        untried += is_candidate(passive, i, which);
    }
    if (untried == 0) {
        return NULL;
    }

    uint32_t skip = mcpz_rng_below(rng, untried);
    size_t at = 0;
    while (!is_candidate(passive, at, which) || skip > 0) {
        skip -= is_candidate(passive, at, which);
        at++;
    }
    set_tried(passive, at, true);
    return &passive->entries[at];
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
                .scope = passive->entries[i].where.scope,
                .address = mcpz_where_address(&passive->entries[i].where),
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
