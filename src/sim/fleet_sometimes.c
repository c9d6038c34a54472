#include "sim/fleet_sometimes.h"

#define AT(name) MCPZ_FLEET_SOMETIMES_##name
#define NOTHING MCPZ_FLEET_SOMETIMES_END

const struct mcpz_sometimes_words mcpz_fleet_sometimes_words[] = {
    MCPZ_FLEET_SOMETIMES(MCPZ_SOMETIMES_WORDS)};

/* ---- Facts -------------------------------------------------------------------------------- */

static enum mcpz_fleet_sometimes of_link(uint32_t reason)
{
    switch ((enum mcpz_link_down_reason)reason) {
    case MCPZ_DOWN_CLOSED:
        return AT(LINK_CLOSED);
    case MCPZ_DOWN_SILENT:
        return AT(LINK_SILENT);
    case MCPZ_DOWN_FULL:
        return AT(LINK_FULL);
    case MCPZ_DOWN_ONE_WAY:
        return AT(LINK_ONE_WAY);
    case MCPZ_DOWN_LEFT: /* these are the engine's, which a fleet has not */
    case MCPZ_DOWN_SLOW:
    case MCPZ_DOWN_PROTOCOL:
    case MCPZ_DOWN_DUPLICATE:
        break;
    }
    return NOTHING;
}

static enum mcpz_fleet_sometimes of_dial(uint32_t reason)
{
    return reason == MCPZ_UNREACHABLE_SILENT    ? AT(DIAL_SILENT)
           : reason == MCPZ_UNREACHABLE_REFUSED ? AT(DIAL_REFUSED)
           : reason == MCPZ_UNREACHABLE_BUSY    ? AT(DIAL_BUSY)
                                                : NOTHING;
}

static enum mcpz_fleet_sometimes of_neighbour(uint32_t reason)
{
    switch ((enum mcpz_neighbour_down_reason)reason) {
    case MCPZ_NEIGHBOUR_LOST:
        return AT(NEIGHBOUR_LOST);
    case MCPZ_NEIGHBOUR_DROPPED:
        return AT(NEIGHBOUR_DROPPED);
    case MCPZ_NEIGHBOUR_EVICTED:
        return AT(NEIGHBOUR_EVICTED);
    case MCPZ_NEIGHBOUR_LEAVING:
        return AT(NEIGHBOUR_LEAVING);
    }
    return NOTHING;
}

static enum mcpz_fleet_sometimes of_suspicion(uint32_t reason)
{
    switch ((enum mcpz_suspicion)reason) {
    case MCPZ_SUSPICION_LATE:
        return AT(SUSPECT_LATE);
    case MCPZ_SUSPICION_SILENT:
        return AT(SUSPECT_SILENT);
    case MCPZ_SUSPICION_CLOSED:
        return AT(SUSPECT_CLOSED);
    case MCPZ_SUSPICION_REFUSED:
        return AT(SUSPECT_REFUSED);
    case MCPZ_SUSPICION_PROBE:
        return AT(SUSPECT_PROBE);
    case MCPZ_SUSPICION_UNREACHABLE:
        return AT(SUSPECT_UNREACHABLE);
    case MCPZ_SUSPICION_RUMOUR:
        return AT(SUSPECT_RUMOUR);
    case MCPZ_SUSPICION_END:
        break;
    }
    return NOTHING;
}

static enum mcpz_fleet_sometimes of_death(uint32_t reason)
{
    return reason == MCPZ_SUSPICION_SILENT    ? AT(DEAD_SILENT)
           : reason == MCPZ_SUSPICION_REFUSED ? AT(DEAD_REFUSED)
                                              : AT(DEAD_OTHERWISE);
}

static enum mcpz_fleet_sometimes of_fact(const struct mcpz_fact *fact)
{
    switch (fact->kind) {
    case MCPZ_FACT_UNLINKED:
        return of_link(fact->reason);
    case MCPZ_FACT_UNREACHABLE:
        return of_dial(fact->reason);
    case MCPZ_FACT_NEIGHBOUR_DOWN:
        return of_neighbour(fact->reason);
    case MCPZ_FACT_SUSPECT:
        return of_suspicion(fact->reason);
    case MCPZ_FACT_DEAD:
        return of_death(fact->reason);
    case MCPZ_FACT_LATE:
        return AT(LATE);
    case MCPZ_FACT_PROMPT:
        return AT(PROMPT);
    case MCPZ_FACT_REFUTED:
        return AT(REFUTED);
    case MCPZ_FACT_LEFT:
        return AT(LEFT);
    case MCPZ_FACT_PROBED:
        return fact->reason == 0 ? AT(PROBE_WELL) : AT(PROBE_FAILED);
    case MCPZ_FACT_LINKED: /* these come about in any run */
    case MCPZ_FACT_ALIVE:
    case MCPZ_FACT_NEIGHBOUR_UP:
    case MCPZ_FACT_GOSSIP_DELIVERED:
    case MCPZ_FACT_DIFFERS:
    case MCPZ_FACT_CAPABILITIES: /* and these are not the fabric's */
    case MCPZ_FACT_CALL_FAILED:
    case MCPZ_FACT_RELAYED:
    case MCPZ_FACT_UNRELAYED:
    case MCPZ_FACT_DRAINED:
    case MCPZ_FACT_LAYOUT:
    case MCPZ_FACT_STORE_REPAIRED:
    case MCPZ_FACT_SNAPSHOT_FAILED:
    case MCPZ_FACT_LAYOUT_SETTLED:
    case MCPZ_FACT_AGENT_MERGED:
    case MCPZ_FACT_AGENT_DIVERGED:
    case MCPZ_FACT_AGENT_FORKED:
    case MCPZ_FACT_AGENT_FOLDED:
    case MCPZ_FACT_REVOKED:
    case MCPZ_FACT_KIND_END:
        break;
    }
    return NOTHING;
}

void mcpz_fleet_sometimes_fact(uint64_t *sometimes, const struct mcpz_fact *fact)
{
    const enum mcpz_fleet_sometimes what = of_fact(fact);

    if (what != NOTHING) {
        sometimes[what]++;
    }
}

/* ---- Lives -------------------------------------------------------------------------------- */

void mcpz_fleet_sometimes_life(uint64_t *sometimes, const struct mcpz_fabric *fabric)
{
    sometimes[AT(STOOD_STILL)] += fabric->links.lags;
    sometimes[AT(CONTRADICTED)] += fabric->overlay.contradicted;
    sometimes[AT(ASKS_FULL)] += fabric->overlay.dropped;
    sometimes[AT(REJOINED)] += fabric->rejoins;
    sometimes[AT(XBOT_SCANNED)] += fabric->xbot.scans;
    sometimes[AT(XBOT_SWAPPED)] += fabric->xbot.swaps;
    sometimes[AT(XBOT_REFUSED)] += fabric->xbot.refused;
    sometimes[AT(DUPLICATE)] += fabric->plumtree.duplicates;
    sometimes[AT(GRAFTED)] += fabric->plumtree.grafts;
    sometimes[AT(TREE_SWAPPED)] += fabric->plumtree.swaps;
    sometimes[AT(GIVEN_UP)] += fabric->plumtree.given_up;
    sometimes[AT(SPARED)] += fabric->members.spared;
    sometimes[AT(COMPARED)] += fabric->members.compared;
    sometimes[AT(PROBE_NACKED)] += fabric->members.probes.nacks;
}
