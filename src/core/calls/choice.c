#include "core/calls/choice.h"

static bool has_failed(const struct mcpz_call_out *slot, const struct mcpz_id *id)
{
    for (size_t i = 0; i < slot->attempts; i++) {
        if (mcpz_id_equal(&slot->failed[i], id)) {
            return true;
        }
    }
    return false;
}

/* How little we want to call this member; UINT64_MAX: we cannot. */
static uint64_t reluctance(const struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                           const struct mcpz_id *id)
{
    const struct mcpz_member *member = mcpz_members_find(&sight->fabric->members, id);
    bool linked = mcpz_caller_is_linked(caller, sight, id);
    bool known = member != NULL && !mcpz_member_is_gone(member);

    if (!linked && !known) {
        return UINT64_MAX;
    }
    bool is_dialled =
        linked || mcpz_roster_address(&sight->fabric->members.roster, member).length > 0;
    if (!is_dialled && !mcpz_relay_is_there(sight->relay)) {
        return UINT64_MAX;
    }
    bool suspect = known && member->state == MCPZ_MEMBER_SUSPECT;
    return (suspect ? (uint64_t)1 << 32 : 0) + 4 * mcpz_caller_count_to(caller, id) +
           (is_dialled ? 0U : 2U) + (linked ? 0U : 1U);
}

/* Among equals by lot: the k-th is kept with chance 1/k. */
bool mcpz_choice_make(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                      const struct mcpz_call_out *slot, struct mcpz_id *provider)
{
    const struct mcpz_registry *registry = sight->registry;
    const struct mcpz_bytes capability = mcpz_text(slot->capability);
    uint64_t least = UINT64_MAX;
    uint32_t equals = 0;

    for (const struct mcpz_offer *offer = mcpz_registry_find(registry, capability, 0);
         offer != NULL; offer = mcpz_registry_find(registry, capability,
                                                   (size_t)(offer - registry->offers) + 1)) {
        const struct mcpz_id *id = &registry->offerers[offer->offerer].id;
        uint64_t cost = has_failed(slot, id) ? UINT64_MAX : reluctance(caller, sight, id);
        if (cost == UINT64_MAX) {
            continue;
        }
        equals = cost < least ? 1 : equals + (cost == least);
        if (cost < least || (cost == least && mcpz_rng_below(&caller->rng, equals) == 0)) {
            least = cost;
            *provider = *id;
        }
    }
    return least != UINT64_MAX;
}
