#include "core/fact.h"

const char *mcpz_fact_word(enum mcpz_fact_kind kind)
{
    switch (kind) {
    case MCPZ_FACT_LINKED:
        return "linked";
    case MCPZ_FACT_UNLINKED:
        return "unlinked";
    case MCPZ_FACT_ALIVE:
        return "alive";
    case MCPZ_FACT_SUSPECT:
        return "suspect";
    case MCPZ_FACT_DEAD:
        return "dead";
    case MCPZ_FACT_LEFT:
        return "left";
    case MCPZ_FACT_REFUTED:
        return "refuted";
    case MCPZ_FACT_CAPABILITIES:
        return "capabilities";
    case MCPZ_FACT_CALL_FAILED:
        return "call_failed";
    case MCPZ_FACT_AGENT_MERGED:
        return "agent_merged";
    case MCPZ_FACT_NEIGHBOUR_UP:
        return "neighbour_up";
    case MCPZ_FACT_NEIGHBOUR_DOWN:
        return "neighbour_down";
    case MCPZ_FACT_GOSSIP_DELIVERED:
        return "gossip_delivered";
    case MCPZ_FACT_LATE:
        return "late";
    case MCPZ_FACT_PROMPT:
        return "prompt";
    case MCPZ_FACT_UNREACHABLE:
        return "unreachable";
    case MCPZ_FACT_DIFFERS:
        return "differs";
    case MCPZ_FACT_PROBED:
        return "probed";
    case MCPZ_FACT_RELAYED:
        return "relayed";
    case MCPZ_FACT_UNRELAYED:
        return "unrelayed";
    case MCPZ_FACT_DRAINED:
        return "drained";
    case MCPZ_FACT_LAYOUT:
        return "layout";
    case MCPZ_FACT_STORE_REPAIRED:
        return "store_repaired";
    case MCPZ_FACT_SNAPSHOT_FAILED:
        return "snapshot_failed";
    case MCPZ_FACT_LAYOUT_SETTLED:
        return "layout_settled";
    case MCPZ_FACT_AGENT_DIVERGED:
        return "agent_diverged";
    case MCPZ_FACT_AGENT_FORKED:
        return "agent_forked";
    case MCPZ_FACT_AGENT_FOLDED:
        return "agent_folded";
    case MCPZ_FACT_REVOKED:
        return "revoked";
    case MCPZ_FACT_KIND_END:
        break;
    }
    return "?";
}
