#include "core/gate/tenants.h"

#include <assert.h>

#include "base/clear.h"
#include "base/hash.h"

#define MINUTE_US MCPZ_SECONDS(60)
#define BURST_PART 10 /* of a minute's calls may come at once */

void mcpz_tenants_init(struct mcpz_tenants *tenants, enum mcpz_level level_default, uint64_t seed)
{
    mcpz_clear(tenants, sizeof(*tenants));
    tenants->seed = seed;
    tenants->level_default = (uint8_t)level_default;
    for (size_t i = 0; i < MCPZ_TENANT_SETS && level_default != MCPZ_LEVEL_NONE; i++) {
        tenants->rows[i][MCPZ_TENANT_WAYS].level = (uint8_t)level_default;
    }
}

/* A row that is in use has a name other than zeros. */
static void name_of(const struct mcpz_tenants *tenants, struct mcpz_bytes text, uint64_t name[2])
{
    name[0] = mcpz_hash_bytes(text, tenants->seed) | 1;
    name[1] = mcpz_hash_bytes(text, mcpz_hash_mix(tenants->seed + 1));
}

/* An id is as good as random: mixing is enough, and much cheaper. */
static void name_of_node(const struct mcpz_tenants *tenants, const struct mcpz_id *id,
                         uint64_t name[2])
{
    for (size_t part = 0; part < 2; part++) {
        uint64_t bits = mcpz_hash_mix(tenants->seed + 2 + part);
        for (size_t i = 0; i < sizeof(bits); i++) {
            bits ^= (uint64_t)id->bytes[part * sizeof(bits) + i] << 8 * i;
        }
        name[part] = mcpz_hash_mix(bits);
    }
    name[0] |= 1;
}

static bool is(const struct mcpz_tenant *row, const uint64_t name[2])
{
    return row->name[0] == name[0] && row->name[1] == name[1];
}

/* Does a row say no more than a fresh one? */
static bool is_at_rest(const struct mcpz_tenant *row, mcpz_time now)
{
    return row->under_way == 0 && row->tat <= now;
}

void mcpz_tenants_unpin(struct mcpz_tenants *tenants, enum mcpz_level level_default)
{
    tenants->level_default = (uint8_t)level_default;
    for (size_t i = 0; i < tenants->pinned_count; i++) {
        tenants->pinned[i].pinned = false;
        tenants->pinned[i].level = (uint8_t)level_default;
    }
    for (size_t set = 0; set < MCPZ_TENANT_SETS; set++) {
        for (size_t i = 0; i <= MCPZ_TENANT_WAYS; i++) {
            tenants->rows[set][i].level = (uint8_t)level_default;
        }
    }
}

/* The row that was this tenant's, or one that nobody misses; NULL: there is none. */
static struct mcpz_tenant *row_to_pin(struct mcpz_tenants *tenants, const uint64_t name[2],
                                      mcpz_time now)
{
    struct mcpz_tenant *rested = NULL;

    for (size_t i = 0; i < tenants->pinned_count; i++) {
        struct mcpz_tenant *row = &tenants->pinned[i];
        if (is(row, name)) {
            return row;
        }
        if (rested == NULL && !row->pinned && is_at_rest(row, now)) {
            rested = row;
        }
    }
    if (rested == NULL && tenants->pinned_count < MCPZ_TENANTS_MAX) {
        rested = &tenants->pinned[tenants->pinned_count++];
    }
    if (rested != NULL) {
        *rested = (struct mcpz_tenant){.name = {name[0], name[1]}};
    }
    return rested;
}

bool mcpz_tenants_pin(struct mcpz_tenants *tenants, struct mcpz_bytes name, enum mcpz_level level,
                      mcpz_time now)
{
    uint64_t hash[2];
    name_of(tenants, name, hash);

    struct mcpz_tenant *row = row_to_pin(tenants, hash, now);
    if (row == NULL) {
        return false;
    }
    row->level = (uint8_t)level;
    row->pinned = true;
    return true;
}

static struct mcpz_tenant *find(struct mcpz_tenants *tenants, const uint64_t hash[2],
                                mcpz_time now)
{
    for (size_t i = 0; i < tenants->pinned_count; i++) {
        if (is(&tenants->pinned[i], hash)) {
            return &tenants->pinned[i];
        }
    }
    struct mcpz_tenant *set = tenants->rows[hash[1] & (MCPZ_TENANT_SETS - 1)];
    struct mcpz_tenant *rested = NULL;
    for (size_t i = 0; i < MCPZ_TENANT_WAYS; i++) {
        if (is(&set[i], hash)) {
            return &set[i];
        }
        if (rested == NULL && is_at_rest(&set[i], now)) {
            rested = &set[i];
        }
    }
    if (rested == NULL) {
        tenants->shared++;
        return &set[MCPZ_TENANT_WAYS];
    }
    *rested = (struct mcpz_tenant){
        .name = {hash[0], hash[1]},
        .level = tenants->level_default,
    };
    return rested;
}

struct mcpz_tenant *mcpz_tenants_find(struct mcpz_tenants *tenants, struct mcpz_bytes name,
                                      mcpz_time now)
{
    uint64_t hash[2];

    name_of(tenants, name, hash);
    return find(tenants, hash, now);
}

struct mcpz_tenant *mcpz_tenants_find_node(struct mcpz_tenants *tenants, const struct mcpz_id *id,
                                           mcpz_time now)
{
    uint64_t hash[2];

    name_of_node(tenants, id, hash);
    return find(tenants, hash, now);
}

struct mcpz_rate mcpz_tenant_rate(const struct mcpz_tenant *tenant)
{
    uint32_t per_minute = mcpz_level_per_minute((enum mcpz_level)tenant->level);
    return mcpz_rate(per_minute, MINUTE_US, per_minute / BURST_PART + 1);
}
