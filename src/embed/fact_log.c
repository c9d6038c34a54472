#include "embed/fact_log.h"

#include "core/fact.h"
#include "host/log.h"
#include "proto/id.h"
#include "proto/limits.h"

static enum mcpz_log_level level_of(enum mcpz_fact_kind kind)
{
    switch (kind) {
    case MCPZ_FACT_SUSPECT:
    case MCPZ_FACT_DEAD:
    case MCPZ_FACT_REFUTED:
    case MCPZ_FACT_AGENT_DIVERGED:
    case MCPZ_FACT_STORE_REPAIRED:
    case MCPZ_FACT_SNAPSHOT_FAILED:
    case MCPZ_FACT_AGENT_FORKED:
    case MCPZ_FACT_REVOKED:
        return MCPZ_LOG_WARN;
    case MCPZ_FACT_ALIVE:
    case MCPZ_FACT_LEFT:
    case MCPZ_FACT_DRAINED:
    case MCPZ_FACT_LAYOUT:
    case MCPZ_FACT_LAYOUT_SETTLED:
        return MCPZ_LOG_INFO;
    case MCPZ_FACT_LINKED:
    case MCPZ_FACT_UNLINKED:
    case MCPZ_FACT_CAPABILITIES:
    case MCPZ_FACT_CALL_FAILED:
    case MCPZ_FACT_AGENT_MERGED:
    case MCPZ_FACT_NEIGHBOUR_UP:
    case MCPZ_FACT_NEIGHBOUR_DOWN:
    case MCPZ_FACT_GOSSIP_DELIVERED:
    case MCPZ_FACT_LATE:
    case MCPZ_FACT_PROMPT:
    case MCPZ_FACT_UNREACHABLE:
    case MCPZ_FACT_DIFFERS:
    case MCPZ_FACT_PROBED:
    case MCPZ_FACT_RELAYED:
    case MCPZ_FACT_UNRELAYED:
    case MCPZ_FACT_AGENT_FOLDED:
    case MCPZ_FACT_KIND_END:
        break;
    }
    return MCPZ_LOG_DEBUG;
}

/* Who looks through the log later wants to know why. */
static void log_revoked(const char *about, struct mcpz_bytes reason)
{
    char text[MCPZ_REVOCATION_REASON_BYTES_MAX + 1];

    mcpz_bytes_to_text(reason, text, sizeof(text));
    mcpz_log(MCPZ_LOG_WARN, "mesh", "revoked", "about=%s reason=\"%s\"", about, text);
}

void mcpz_fact_log(const struct mcpz_fact *fact)
{
    char about[MCPZ_ID_TEXT_BYTES];

    const bool is_document =
        fact->kind == MCPZ_FACT_AGENT_MERGED || fact->kind == MCPZ_FACT_AGENT_DIVERGED ||
        fact->kind == MCPZ_FACT_AGENT_FORKED || fact->kind == MCPZ_FACT_AGENT_FOLDED;

    mcpz_id_to_text(&fact->about, is_document ? 'd' : 'n', about);
    if (fact->kind == MCPZ_FACT_REVOKED) {
        log_revoked(about, fact->detail);
        return;
    }
    mcpz_log(level_of(fact->kind), "mesh", mcpz_fact_word(fact->kind), "about=%s", about);
}
