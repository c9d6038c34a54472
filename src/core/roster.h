/*
 * The table of members: who they are, what they say of themselves, whom they have for neighbours.
 *
 * A row is small. What a member says of itself (name, address, roles, its signature over that) is
 * kept as it came, in one heap of texts that is packed when it is full; whoever wants to read it
 * has it described. Row 0 is ourselves. Rows move when one is removed.
 */

#ifndef CORE_ROSTER_H
#define CORE_ROSTER_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/time.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_ROSTER_SELF 0

struct mcpz_member {
    struct mcpz_id id;
    uint64_t incarnation;
    mcpz_time since_us; /* in this state */
    uint32_t text_at;   /* in the heap */
    uint16_t text_bytes;
    uint8_t state;              /* enum mcpz_member_state */
    uint8_t reason;             /* enum mcpz_suspicion, of SUSPECT and DEAD; 0: none */
    uint8_t adjacency_count;    /* neighbours it tells of */
    uint8_t unreached;          /* checks in a row in which no path led to it */
    uint8_t flaps;              /* times it was doubted and answered, lately: see members.h */
    uint8_t suspicion;          /* index + 1 of what is held against it; 0: nothing */
    uint32_t adjacency_version; /* 0: it has not told yet */
};

static_assert(sizeof(struct mcpz_member) == 64, "a row is a cache line");

struct mcpz_roster_config {
    size_t rows_max;      /* 2 to MCPZ_MEMBERS_MAX */
    size_t text_bytes;    /* of all texts and signatures together */
    size_t adjacency_max; /* neighbours kept of a member; 0: MCPZ_ADJACENCY_MAX */
};

struct mcpz_roster {
    struct mcpz_roster_config config;
    struct mcpz_member *rows;
    struct mcpz_short *names;     /* of the rows: searched first */
    struct mcpz_short *adjacency; /* of the rows, config.adjacency_max each */
    size_t count;
    char *texts;
    size_t text_used;
    uint32_t digest; /* of all that are not gone */
    bool has_dead;   /* goes with the digest */
    bool digest_is_stale;
};

/** How much mcpz_roster_init() takes from its arena, and how much of that is looked at often. */
size_t mcpz_roster_bytes(const struct mcpz_roster_config *config);
size_t mcpz_roster_often_bytes(const struct mcpz_roster_config *config);

/** Start empty. `arena` has room (asserted). */
void mcpz_roster_init(struct mcpz_roster *roster, const struct mcpz_roster_config *config,
                      struct mcpz_arena *arena);

/** Forget all rows. */
void mcpz_roster_clear(struct mcpz_roster *roster);

/** The row of `id`, NULL if there is none. */
struct mcpz_member *mcpz_roster_find(const struct mcpz_roster *roster, const struct mcpz_id *id);

/** The row of the member whose id begins so, NULL if there is none. */
struct mcpz_member *mcpz_roster_find_short(const struct mcpz_roster *roster,
                                           struct mcpz_short name);

/** Whom a member has for neighbours: its `adjacency_count`, room for config.adjacency_max. */
static inline struct mcpz_short *mcpz_roster_adjacency(const struct mcpz_roster *roster,
                                                       const struct mcpz_member *member)
{
    return roster->adjacency + (size_t)(member - roster->rows) * roster->config.adjacency_max;
}

/** A new row for `id`, which has none: zeroed but for its id. NULL: the table is full. */
struct mcpz_member *mcpz_roster_add(struct mcpz_roster *roster, const struct mcpz_id *id);

/** Forget a row, which is not ours. The last row takes its place. */
void mcpz_roster_remove(struct mcpz_roster *roster, struct mcpz_member *member);

/**
 * Keep what `news` says beside state and incarnation.
 *
 * Errors: MCPZ_EFULL  there is no room for its texts; the row keeps what it had
 */
MCPZ_MUST_USE mcpz_error mcpz_roster_describe(struct mcpz_roster *roster,
                                              struct mcpz_member *member,
                                              const struct mcpz_msg_member *news);

/**
 * What a member says of itself, as a message. Texts are borrowed from the table until the next
 * mcpz_roster_describe(); `roles` (MCPZ_ROLES_MAX) is filled and pointed to.
 */
struct mcpz_msg_member mcpz_roster_read(const struct mcpz_roster *roster,
                                        const struct mcpz_member *member,
                                        struct mcpz_bytes *roles);

/** Its address, borrowed as above; empty if it has none. */
struct mcpz_bytes mcpz_roster_address(const struct mcpz_roster *roster,
                                      const struct mcpz_member *member);

/** Its name, borrowed as above. */
struct mcpz_bytes mcpz_roster_name(const struct mcpz_roster *roster,
                                   const struct mcpz_member *member);

/** Tables that hold the same members as far along have the same digest. Call after changes. */
uint32_t mcpz_roster_digest(struct mcpz_roster *roster);

/** A row's state or incarnation has changed. */
void mcpz_roster_changed(struct mcpz_roster *roster);

/** A row's adjacency has another version from now on: by far what changes most often. */
void mcpz_roster_set_version(struct mcpz_roster *roster, struct mcpz_member *member,
                             uint32_t version);

/** Is any member held for dead? Call after changes. */
bool mcpz_roster_has_dead(struct mcpz_roster *roster);

/** Is an adjacency's version later than another? They wrap (RFC 1982); any is later than 0. */
static inline bool mcpz_roster_is_later(uint32_t version, uint32_t than)
{
    return version != 0 && (than == 0 || (int32_t)(version - than) > 0);
}

/** The first eight bytes of an id. */
uint64_t mcpz_roster_key(const struct mcpz_id *id);

static inline bool mcpz_member_is_gone(const struct mcpz_member *member)
{
    return member->state == MCPZ_MEMBER_DEAD || member->state == MCPZ_MEMBER_LEFT;
}

/** Is `id` a member that has not gone, as far as we know? */
static inline bool mcpz_roster_is_there(const struct mcpz_roster *roster, const struct mcpz_id *id)
{
    const struct mcpz_member *member = mcpz_roster_find(roster, id);

    return member != NULL && !mcpz_member_is_gone(member);
}

/** Members held for alive or suspect, ourselves included. */
size_t mcpz_roster_alive_count(const struct mcpz_roster *roster);

#endif
