/*
 * The last facts about members that people care about, for whoever follows them.
 *
 *   fact -> note -> [ ring of MCPZ_EVENTS_KEPT ] -> read, read, ... -> a reader for each stream
 *
 * A reader is a place in the ring and nothing more, so that who reads slowly, or not at all, costs
 * nothing: what it has missed by then is said to it as a number. Places are counted on from the
 * wall's clock at the start of the node: those of a former life are recognised, and come before.
 */

#ifndef HTTP_EVENTS_H
#define HTTP_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "core/fact.h"
#include "proto/id.h"
#include "proto/limits.h"

#define MCPZ_EVENTS_KEPT 1024

struct mcpz_kept_event {
    uint64_t seq;
    uint64_t wall_ms;
    enum mcpz_fact_kind kind;
    uint32_t reason;
    struct mcpz_id node;
    uint64_t incarnation;                     /* 0: does not apply */
    char address[MCPZ_ADDRESS_BYTES_MAX + 1]; /* "": does not apply */
};

struct mcpz_events {
    uint64_t first; /* seq of this life's first event */
    uint64_t next;  /* seq of the next event */
    struct mcpz_kept_event kept[MCPZ_EVENTS_KEPT];
};

struct mcpz_events_reader {
    uint64_t next;       /* seq it reads next */
    uint32_t kinds;      /* which it wants: 1 << enum mcpz_fact_kind */
    bool has_lost_track; /* it goes on from a place that is none of this life's */
};

enum mcpz_events_found {
    MCPZ_EVENTS_NOTHING = 1, /* not yet */
    MCPZ_EVENTS_EVENT,
    MCPZ_EVENTS_LOST, /* some were overwritten before they were read */
};

/* What a read gave. */
struct mcpz_events_item {
    const struct mcpz_kept_event *event; /* EVENT; lasts until the next note */
    uint64_t seq;                        /* to go on after */
    uint64_t lost;                       /* LOST: how many of this life, of any kind */
    const char *reason;                  /* LOST: why */
};

/** Start with nothing. `first` numbers the first event; at least 1. */
void mcpz_events_init(struct mcpz_events *events, uint64_t first);

/** Keep `fact`, if it is of a kind people care about. Was it? */
bool mcpz_events_note(struct mcpz_events *events, uint64_t wall_ms, const struct mcpz_fact *fact);

/** Read the `kinds` of what is kept: after event `since`, or, with 0, from the oldest on. */
void mcpz_events_reader_init(struct mcpz_events_reader *reader, const struct mcpz_events *events,
                             uint64_t since, uint32_t kinds);

/** Move on to what comes next. `*item` is filled in for EVENT and LOST. */
MCPZ_MUST_USE enum mcpz_events_found mcpz_events_read(struct mcpz_events_reader *reader,
                                                      const struct mcpz_events *events,
                                                      struct mcpz_events_item *item);

/** All the kinds that are kept, as mcpz_events_reader.kinds has them. */
uint32_t mcpz_events_all_kinds(void);

/** "dead,suspect" as kinds. False: a word is none of theirs, or there is none. */
MCPZ_MUST_USE bool mcpz_events_read_kinds(struct mcpz_bytes words, uint32_t *kinds);

/** Why a link or a neighbour went; NULL for kinds that have no reason, and reasons not known. */
const char *mcpz_events_reason(const struct mcpz_kept_event *event);

#endif
