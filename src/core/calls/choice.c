#include "core/calls/choice.h"

/* How far a member is: it says itself where it is. */
static enum mcpz_ring ring_of(const struct mcpz_msg_member *said,
                              const struct mcpz_msg_member *ours)
{
    if (!mcpz_bytes_equal(said->region, ours->region)) {
        return MCPZ_RING_FAR;
    }
    return mcpz_bytes_equal(said->zone, ours->zone) ? MCPZ_RING_ZONE : MCPZ_RING_REGION;
}

/* Add one that offers it, unless it cannot be called at all. */
static void add(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                struct mcpz_class *class, const struct mcpz_msg_member *ours,
                const struct mcpz_offer *offer)
{
    const struct mcpz_id *id = &sight->registry->offerers[offer->offerer].id;
    const struct mcpz_roster *roster = &sight->fabric->members.roster;
    const struct mcpz_member *member = mcpz_members_find(&sight->fabric->members, id);
    const struct mcpz_linked *link = mcpz_links_find(&sight->fabric->links, id);
    const bool known = member != NULL && !mcpz_member_is_gone(member);
    struct mcpz_bytes roles[MCPZ_ROLES_MAX];
    struct mcpz_candidate candidate = {
        .node = {.id = *id},
        .ring = mcpz_id_equal(id, &caller->self) ? MCPZ_RING_ZONE : MCPZ_RING_FAR,
        .rtt_us = link != NULL ? link->rtt_us : 0,
        .linked = mcpz_caller_is_linked(caller, sight, id),
        .suspect = known && member->state == MCPZ_MEMBER_SUSPECT,
        .isolation = offer->isolation,
    };

    if (!candidate.linked && !known) {
        return;
    }
    candidate.remote = !candidate.linked && mcpz_roster_address(roster, member).length == 0;
    if (candidate.remote && !mcpz_relay_is_there(sight->relay)) {
        return;
    }
    if (known) {
        const struct mcpz_msg_member said = mcpz_roster_read(roster, member, roles);
        candidate.node.name = said.name;
        candidate.node.zone = said.zone;
        candidate.node.roles = said.roles;
        candidate.node.role_count = said.role_count;
        candidate.ring = ring_of(&said, ours);
    }
    mcpz_router_list_add(&caller->router, class, &candidate);
}

static void list(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                 struct mcpz_class *class)
{
    const struct mcpz_registry *registry = sight->registry;
    const struct mcpz_members *members = &sight->fabric->members;
    const struct mcpz_bytes capability = mcpz_text(class->capability);
    struct mcpz_bytes roles[MCPZ_ROLES_MAX];
    const struct mcpz_msg_member ours =
        mcpz_roster_read(&members->roster, mcpz_members_self(members), roles);

    mcpz_router_list_begin(&caller->router, class);
    for (const struct mcpz_offer *offer = mcpz_registry_find(registry, capability, 0);
         offer != NULL; offer = mcpz_registry_find(registry, capability,
                                                   (size_t)(offer - registry->offers) + 1)) {
        add(caller, sight, class, &ours, offer);
    }
    mcpz_router_list_end(&caller->router, class, sight->now);
}

/* See that who offers it is known as of now. */
static void refresh(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                    struct mcpz_class *class)
{
    if (caller->offers_digest != sight->registry->digest) {
        caller->offers_digest = sight->registry->digest;
        mcpz_router_changed(&caller->router);
    }
    if (mcpz_router_is_stale(&caller->router, class, sight->now)) {
        list(caller, sight, class);
    }
}

struct mcpz_class *mcpz_choice_class(struct mcpz_caller *caller,
                                     const struct mcpz_call_sight *sight,
                                     struct mcpz_bytes capability)
{
    struct mcpz_class *class = mcpz_router_class(&caller->router, sight->now, capability);

    if (class != NULL) {
        refresh(caller, sight, class);
    }
    return class;
}

struct mcpz_wish mcpz_choice_wish(const struct mcpz_call_out *slot)
{
    return (struct mcpz_wish){
        .tried = slot->failed,
        .tried_count = slot->attempts,
        .tenant = slot->tenant,
        .class = slot->shed_class,
        .isolation = slot->isolation,
    };
}

struct mcpz_pick mcpz_choice_make(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                                  const struct mcpz_call_out *slot)
{
    struct mcpz_class *class = &caller->router.classes[slot->class];
    const struct mcpz_wish wish = mcpz_choice_wish(slot);
    const struct mcpz_pick pick = mcpz_router_pick(&caller->router, class, sight->now, &wish);

    if (pick.verdict == MCPZ_VERDICT_SHED) {
        mcpz_router_spare(&caller->router, class, &wish);
    }
    return pick;
}

bool mcpz_choice_is_left(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                         const struct mcpz_call_out *slot)
{
    struct mcpz_class *class = &caller->router.classes[slot->class];

    const struct mcpz_wish wish = mcpz_choice_wish(slot);

    refresh(caller, sight, class);
    return mcpz_router_outlook(&caller->router, class, sight->now, &wish).verdict ==
           MCPZ_VERDICT_CHOSEN;
}
