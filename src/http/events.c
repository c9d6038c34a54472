#include "http/events.h"

#include <assert.h>
#include <string.h>

#include "core/event.h"
#include "core/suspicion.h"

/* ---- Kinds -------------------------------------------------------------------------------- */

static const enum mcpz_fact_kind kept_kinds[] = {
    MCPZ_FACT_LINKED,         MCPZ_FACT_UNLINKED,
    MCPZ_FACT_ALIVE,          MCPZ_FACT_SUSPECT,
    MCPZ_FACT_DEAD,           MCPZ_FACT_LEFT,
    MCPZ_FACT_REFUTED,        MCPZ_FACT_CAPABILITIES,
    MCPZ_FACT_NEIGHBOUR_UP,   MCPZ_FACT_NEIGHBOUR_DOWN,
    MCPZ_FACT_LAYOUT,         MCPZ_FACT_LAYOUT_SETTLED,
    MCPZ_FACT_STORE_REPAIRED, MCPZ_FACT_SNAPSHOT_FAILED,
    MCPZ_FACT_AGENT_FORKED,   MCPZ_FACT_AGENT_FOLDED,
    MCPZ_FACT_REVOKED,
};

static_assert(MCPZ_FACT_KIND_END <= 32, "a set of kinds is 32 bits");

uint32_t mcpz_events_all_kinds(void)
{
    uint32_t kinds = 0;

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(kept_kinds); i++) {
        kinds |= UINT32_C(1) << kept_kinds[i];
    }
    return kinds;
}

/* The kind called `word`, as a set; empty if there is none. */
static uint32_t kind_called(struct mcpz_bytes word)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(kept_kinds); i++) {
        if (mcpz_bytes_equal(word, mcpz_text(mcpz_fact_word(kept_kinds[i])))) {
            return UINT32_C(1) << kept_kinds[i];
        }
    }
    return 0;
}

bool mcpz_events_read_kinds(struct mcpz_bytes words, uint32_t *kinds)
{
    uint32_t all = 0;

    for (;;) {
        const uint8_t *comma =
            words.length > 0 ? (const uint8_t *)memchr(words.data, ',', words.length) : NULL;
        size_t length = comma != NULL ? (size_t)(comma - words.data) : words.length;
        uint32_t kind = kind_called(mcpz_bytes(words.data, length));
        if (kind == 0) {
            return false;
        }
        all |= kind;
        if (comma == NULL) {
            *kinds = all;
            return true;
        }
        words = mcpz_bytes(comma + 1, words.length - length - 1);
    }
}

/* ---- Reasons ------------------------------------------------------------------------------ */

static const char *link_down_word(enum mcpz_link_down_reason reason)
{
    switch (reason) {
    case MCPZ_DOWN_CLOSED:
        return "closed";
    case MCPZ_DOWN_SILENT:
        return "silent";
    case MCPZ_DOWN_SLOW:
        return "slow";
    case MCPZ_DOWN_PROTOCOL:
        return "protocol";
    case MCPZ_DOWN_DUPLICATE:
        return "duplicate";
    case MCPZ_DOWN_LEFT:
        return "left";
    case MCPZ_DOWN_FULL:
        return "full";
    case MCPZ_DOWN_ONE_WAY:
        return "one_way";
    }
    return NULL;
}

static const char *neighbour_down_word(enum mcpz_neighbour_down_reason reason)
{
    switch (reason) {
    case MCPZ_NEIGHBOUR_LOST:
        return "lost";
    case MCPZ_NEIGHBOUR_DROPPED:
        return "dropped";
    case MCPZ_NEIGHBOUR_EVICTED:
        return "evicted";
    case MCPZ_NEIGHBOUR_LEAVING:
        return "leaving";
    }
    return NULL;
}

const char *mcpz_events_reason(const struct mcpz_kept_event *event)
{
    if (event->kind == MCPZ_FACT_UNLINKED) {
        return link_down_word((enum mcpz_link_down_reason)event->reason);
    }
    if (event->kind == MCPZ_FACT_NEIGHBOUR_DOWN) {
        return neighbour_down_word((enum mcpz_neighbour_down_reason)event->reason);
    }
    if (event->kind == MCPZ_FACT_SUSPECT || event->kind == MCPZ_FACT_DEAD) {
        return event->reason != 0 ? mcpz_suspicion_word(event->reason) : NULL;
    }
    return NULL;
}

/* ---- The ring ----------------------------------------------------------------------------- */

void mcpz_events_init(struct mcpz_events *events, uint64_t first)
{
    assert(first > 0);

    events->first = first;
    events->next = first;
}

static bool has_incarnation(enum mcpz_fact_kind kind)
{
    return kind >= MCPZ_FACT_ALIVE && kind <= MCPZ_FACT_REFUTED;
}

bool mcpz_events_note(struct mcpz_events *events, uint64_t wall_ms, const struct mcpz_fact *fact)
{
    assert(events->next >= events->first);
    assert(fact->kind < MCPZ_FACT_KIND_END);

    if ((mcpz_events_all_kinds() >> fact->kind & 1) == 0) {
        return false;
    }
    struct mcpz_kept_event *kept = &events->kept[events->next % MCPZ_EVENTS_KEPT];
    *kept = (struct mcpz_kept_event){
        .seq = events->next,
        .wall_ms = wall_ms,
        .kind = fact->kind,
        .reason = fact->reason,
        .node = fact->about,
        .incarnation = has_incarnation(fact->kind) ? fact->incarnation : 0,
    };
    if (fact->kind == MCPZ_FACT_AGENT_FORKED && fact->detail.length == MCPZ_ID_BYTES) {
        memcpy(kept->node.bytes, fact->detail.data, MCPZ_ID_BYTES); /* who, not where */
    }
    if (fact->kind == MCPZ_FACT_ALIVE) {
        mcpz_bytes_to_text(fact->detail, kept->address, sizeof(kept->address));
    }
    events->next++;
    return true;
}

static uint64_t oldest(const struct mcpz_events *events)
{
    uint64_t count = events->next - events->first;

    return count > MCPZ_EVENTS_KEPT ? events->next - MCPZ_EVENTS_KEPT : events->first;
}

/* ---- Reading ------------------------------------------------------------------------------ */

void mcpz_events_reader_init(struct mcpz_events_reader *reader, const struct mcpz_events *events,
                             uint64_t since, uint32_t kinds)
{
    /* The event before the first may have been named to a reader that had missed some. */
    bool is_ours = since >= events->first - 1 && since < events->next;

    *reader = (struct mcpz_events_reader){.kinds = kinds};
    if (since == 0) {
        reader->next = oldest(events);
    } else if (is_ours) {
        reader->next = since + 1;
    } else {
        reader->next = events->first;
        reader->has_lost_track = true;
    }
}

enum mcpz_events_found mcpz_events_read(struct mcpz_events_reader *reader,
                                        const struct mcpz_events *events,
                                        struct mcpz_events_item *item)
{
    uint64_t start = oldest(events);

    if (reader->has_lost_track || reader->next < start) {
        *item = (struct mcpz_events_item){
            .seq = start - 1,
            .lost = start - reader->next,
            .reason = reader->has_lost_track ? "restarted" : "not_kept",
        };
        reader->has_lost_track = false;
        reader->next = start;
        return MCPZ_EVENTS_LOST;
    }
    while (reader->next < events->next) {
        const struct mcpz_kept_event *event = &events->kept[reader->next % MCPZ_EVENTS_KEPT];
        assert(event->seq == reader->next);
        reader->next++;
        if ((reader->kinds >> event->kind & 1) != 0) {
            *item = (struct mcpz_events_item){.event = event, .seq = event->seq};
            return MCPZ_EVENTS_EVENT;
        }
    }
    return MCPZ_EVENTS_NOTHING;
}
