#include "core/fabric_config.h"

#include "base/hash.h"

static size_t either(size_t given, size_t otherwise)
{
    return given > 0 ? given : otherwise;
}

uint64_t mcpz_fabric_seed(const struct mcpz_fabric_config *config, const char *machine)
{
    return mcpz_hash_bytes(mcpz_text(machine), config->seed);
}

struct mcpz_links_config mcpz_fabric_links_config(const struct mcpz_fabric_config *config)
{
    return (struct mcpz_links_config){
        .self = config->members.id,
        .links_max = either(config->links_max, MCPZ_LINKS_MAX),
        .dials_max = either(config->dials_max, MCPZ_REACHING_MAX),
        .seeds_max = either(config->seeds_max, MCPZ_SEEDS_MAX),
        .address_bytes = either(config->address_bytes, MCPZ_ADDRESS_BYTES_MAX + 1),
        .seed = mcpz_fabric_seed(config, "links"),
    };
}

struct mcpz_overlay_config mcpz_fabric_overlay_config(const struct mcpz_fabric_config *config)
{
    const struct mcpz_members_config *members = &config->members;
    const size_t neighbours = either(config->neighbours_max, 6);
    uint64_t scope = 0;

    if (members->zone_only) {
        scope = mcpz_members_scope(mcpz_text(members->region), mcpz_text(members->zone));
    }
    return (struct mcpz_overlay_config){
        .active_max = neighbours,
        .passive_max = either(config->passive_max, 30),
        .far_max = members->zone_only ? config->far_max : 0,
        .chosen_min = neighbours / 3,
        /* Who knows every member has little to learn from shuffles. */
        .shuffle_period_us = members->zone_only ? MCPZ_SECONDS(60) : MCPZ_SECONDS(300),
        .scope = (uint32_t)(scope ^ scope >> 32),
        .address = mcpz_text(members->address != NULL ? members->address : ""),
        .address_bytes = either(config->address_bytes, MCPZ_ADDRESS_BYTES_MAX + 1),
    };
}

struct mcpz_xbot_config mcpz_fabric_xbot_config(const struct mcpz_fabric_config *config)
{
    const struct mcpz_node_timing timing = mcpz_timing_or_default(&config->timing);

    return (struct mcpz_xbot_config){
        .period_us = timing.optimise_us,
        .measure_us = timing.heartbeat_us, /* a new link's come four times as often */
        .unbiased = either(config->neighbours_max, 6) / 3,
        .address_bytes = either(config->address_bytes, MCPZ_ADDRESS_BYTES_MAX + 1),
    };
}

struct mcpz_plumtree_config mcpz_fabric_plumtree_config(const struct mcpz_fabric_config *config)
{
    struct mcpz_plumtree_config plumtree = {
        .seen_max = (uint32_t)either(config->gossip_seen_max, 4096),
        .cache_max = (uint32_t)either(config->gossip_cache_max, MCPZ_PLUMTREE_CACHE_MAX),
        .cache_bytes = (uint32_t)either(config->gossip_cache_bytes, 131072),
        .missing_max = (uint32_t)either(config->gossip_missing_max, MCPZ_PLUMTREE_MISSING_MAX),
        .notices_max = (uint32_t)either(config->gossip_notices_max, MCPZ_PLUMTREE_IHAVE_MAX),
        .first_timeout_us = MCPZ_PLUMTREE_FIRST_TIMEOUT_MIN_US,
        .next_timeout_us = MCPZ_PLUMTREE_NEXT_TIMEOUT_MIN_US,
        .announce_us = MCPZ_MS(100),
        .announce_patient_us = MCPZ_SECONDS(1),
        .announce_by_lot = true,
        .keep_us = MCPZ_SECONDS(60),
        .optimise_ahead = MCPZ_PLUMTREE_AHEAD_MANY_SENDERS,
        .seed = mcpz_fabric_seed(config, "plumtree"),
    };
    plumtree.payload_bytes_max = plumtree.cache_bytes < MCPZ_PLUMTREE_PAYLOAD_BYTES_MAX
                                     ? plumtree.cache_bytes
                                     : MCPZ_PLUMTREE_PAYLOAD_BYTES_MAX;
    return plumtree;
}

struct mcpz_members_config mcpz_fabric_members_config(const struct mcpz_fabric_config *config)
{
    struct mcpz_members_config members = config->members;

    members.rows_max = either(members.rows_max, MCPZ_MEMBERS_MAX);
    members.text_bytes = either(members.text_bytes, MCPZ_MEMBERS_MAX * 256);
    members.suspicions_max = either(members.suspicions_max, MCPZ_SUSPICIONS_MAX);
    return members;
}
