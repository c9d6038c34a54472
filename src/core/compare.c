#include "core/compare.h"

#include <assert.h>

#define DIFFERED_ENOUGH 2 /* heartbeats: one may cross a broadcast */
#define DIFFERED_LONG 4   /* the other end should have spoken by now */
#define AGAIN_AFTER_US MCPZ_MS(1500)
#define UNANSWERED_US MCPZ_SECONDS(30) /* who has not answered does not keep up */

/* ---- Messages ----------------------------------------------------------------------------- */

struct mcpz_msg mcpz_news_of(const struct mcpz_roster *roster, const struct mcpz_member *member,
                             struct mcpz_outbox *out)
{
    struct mcpz_bytes *roles = mcpz_arena_take(&out->arena, MCPZ_ROLES_MAX, sizeof(*roles));

    assert(roles != NULL);
    return (struct mcpz_msg){
        .kind = MCPZ_MSG_MEMBER,
        .member = mcpz_roster_read(roster, member, roles),
    };
}

struct mcpz_msg mcpz_adjacency_of(const struct mcpz_roster *roster,
                                  const struct mcpz_member *member)
{
    return (struct mcpz_msg){
        .kind = MCPZ_MSG_ADJACENCY,
        .adjacency = {.id = member->id,
                      .incarnation = member->incarnation,
                      .version = member->adjacency_version,
                      .peers = mcpz_roster_adjacency(roster, member),
                      .peer_count = member->adjacency_count},
    };
}

struct mcpz_msg mcpz_death_of(const struct mcpz_roster *roster, const struct mcpz_member *member)
{
    return (struct mcpz_msg){
        .kind = MCPZ_MSG_DEAD,
        .dead = {.about = member->id,
                 .incarnation = member->incarnation,
                 .observer = roster->rows[MCPZ_ROSTER_SELF].id},
    };
}

/* ---- When --------------------------------------------------------------------------------- */

/* What we keep in mind of a peer: its own place, a free one, or the next in turn. In turn, lest
 * two peers that come by and by take the same place from each other and neither is ever asked. */
static struct mcpz_comparison *take(struct mcpz_members *members, const struct mcpz_id *peer)
{
    const struct mcpz_short name = mcpz_short_of(peer);
    struct mcpz_comparison *place = NULL;

    for (size_t i = 0; i < MCPZ_COMPARISONS_MAX; i++) {
        struct mcpz_comparison *one = &members->comparisons[i];
        if (one->peer.value == name.value) {
            return one;
        }
        if (place == NULL && one->peer.value == 0) {
            place = one;
        }
    }
    if (place == NULL) {
        place = &members->comparisons[members->next_comparison++ % MCPZ_COMPARISONS_MAX];
    } else {
        members->comparison_count++;
    }
    *place = (struct mcpz_comparison){.peer = name};
    return place;
}

static void summarise(struct mcpz_members *members, const struct mcpz_id *peer, bool reply,
                      struct mcpz_outbox *out)
{
    const struct mcpz_roster *roster = &members->roster;
    struct mcpz_summary_row *rows = mcpz_arena_take(&out->arena, roster->count, sizeof(*rows));

    assert(rows != NULL);
    for (size_t i = 0; i < roster->count; i++) {
        const struct mcpz_member *row = &roster->rows[i];
        rows[i] = (struct mcpz_summary_row){
            .key = mcpz_roster_key(&row->id),
            .incarnation = row->incarnation,
            .version = row->adjacency_version,
            .gone = mcpz_member_is_gone(row),
        };
    }
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_SUMMARY,
        .summary = {.what = MCPZ_SUMMARY_MEMBERS,
                    .reply = reply,
                    .rows = rows,
                    .row_count = roster->count},
    };
    members->compared++;
    mcpz_outbox_send(out, peer, &msg);
}

bool mcpz_compare_has_nothing_to_say(struct mcpz_members *members, uint32_t digest)
{
    return members->comparison_count == 0 && digest == mcpz_members_digest(members);
}

void mcpz_compare_linked(struct mcpz_members *members, const struct mcpz_id *peer)
{
    struct mcpz_comparison *comparison = take(members, peer);

    comparison->differed = DIFFERED_ENOUGH - 1;
    comparison->asked_us = 0;
    comparison->awaits = false;
}

void mcpz_compare_ping(struct mcpz_members *members, mcpz_time now, const struct mcpz_id *peer,
                       uint32_t digest, struct mcpz_outbox *out)
{
    const struct mcpz_id *self = &members->roster.rows[MCPZ_ROSTER_SELF].id;

    if (digest == mcpz_members_digest(members)) {
        for (size_t i = 0; i < MCPZ_COMPARISONS_MAX && members->comparison_count > 0; i++) {
            if (members->comparisons[i].peer.value == mcpz_short_of(peer).value) {
                members->comparisons[i] = (struct mcpz_comparison){0};
                members->comparison_count--;
            }
        }
        return;
    }
    struct mcpz_comparison *comparison = take(members, peer);
    bool ours = mcpz_id_compare(self, peer) < 0;

    comparison->differed++;
    const mcpz_time wait_us = comparison->awaits ? UNANSWERED_US : AGAIN_AFTER_US;
    if (comparison->differed < (ours ? DIFFERED_ENOUGH : DIFFERED_LONG) ||
        (comparison->asked_us != 0 && now < comparison->asked_us + wait_us)) {
        return;
    }
    comparison->differed = 0;
    comparison->asked_us = now;
    comparison->awaits = true;
    summarise(members, peer, false, out);
    mcpz_outbox_fact(out, &(struct mcpz_fact){.kind = MCPZ_FACT_DIFFERS, .about = *peer});
}

/* ---- What ---------------------------------------------------------------------------------- */

static const struct mcpz_summary_row *find(const struct mcpz_msg_summary *summary, uint64_t key)
{
    for (size_t i = 0; i < summary->row_count; i++) {
        if (summary->rows[i].key == key) {
            return &summary->rows[i];
        }
    }
    return NULL;
}

/* Send what `theirs` (NULL: nothing) lacks of `row`. Returns how many messages that took. */
static size_t send_lacking(const struct mcpz_members *members, const struct mcpz_id *peer,
                           const struct mcpz_member *row, const struct mcpz_summary_row *theirs,
                           struct mcpz_outbox *out)
{
    const struct mcpz_roster *roster = &members->roster;
    bool left = row->state == MCPZ_MEMBER_LEFT;
    bool dead = row->state == MCPZ_MEMBER_DEAD;
    bool is_older = theirs == NULL || theirs->incarnation < row->incarnation;
    size_t sent = 0;

    if ((theirs == NULL && (left || dead)) || mcpz_members_is_revoked(members, &row->id)) {
        return 0; /* nothing to bury; and a row would keep the dead going round */
    }
    if (dead && theirs->incarnation <= row->incarnation && !theirs->gone) {
        struct mcpz_msg death = mcpz_death_of(roster, row);
        mcpz_outbox_send(out, peer, &death);
        return 1;
    }
    if ((is_older && !dead) ||
        (left && !theirs->gone && theirs->incarnation == row->incarnation)) {
        struct mcpz_msg news = mcpz_news_of(roster, row, out);
        mcpz_outbox_send(out, peer, &news);
        sent++;
    }
    if (!left && !dead && row->adjacency_version > 0 &&
        (theirs == NULL || mcpz_roster_is_later(row->adjacency_version, theirs->version))) {
        struct mcpz_msg adjacency = mcpz_adjacency_of(roster, row);
        mcpz_outbox_send(out, peer, &adjacency);
        sent++;
    }
    return sent;
}

static void note_answer(struct mcpz_members *members, const struct mcpz_id *peer)
{
    for (size_t i = 0; i < MCPZ_COMPARISONS_MAX; i++) {
        if (members->comparisons[i].peer.value == mcpz_short_of(peer).value) {
            members->comparisons[i].awaits = false;
        }
    }
}

void mcpz_compare_summary(struct mcpz_members *members, const struct mcpz_id *peer,
                          const struct mcpz_msg_summary *summary, struct mcpz_outbox *out)
{
    const struct mcpz_roster *roster = &members->roster;
    size_t sent = 0;

    for (size_t i = 0; i < roster->count && sent < MCPZ_ROWS_PER_SUMMARY_MAX; i++) {
        const struct mcpz_member *row = &roster->rows[i];
        sent += send_lacking(members, peer, row, find(summary, mcpz_roster_key(&row->id)), out);
    }
    if (!summary->reply) {
        summarise(members, peer, true, out);
    } else {
        note_answer(members, peer);
    }
}
