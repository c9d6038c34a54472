#include "core/members.h"

#include <assert.h>

#include "base/hash.h"
#include "core/compare.h"
#include "core/judging.h"
#include "core/overdue.h"
#include "core/recall.h"
#include "proto/cert.h"

/* A tick can bury every suspect, ask it back, and begin as many suspicions as are allowed. */
static_assert(MCPZ_OUTBOX_MAX >= 3 * MCPZ_SUSPICIONS_MAX + 2 * MCPZ_SUSPECTS_PER_MINUTE +
                                     2 * MCPZ_ROWS_PER_SUMMARY_MAX,
              "one step must fit the outbox");

#define MANY_LEAST 3             /* suspects, */
#define MANY_SHARE 16            /* and one in so many members, are many at once */
#define UNREACHED_ENOUGH 2       /* checks in a row */
#define FRESH_US MCPZ_SECONDS(3) /* who joined so lately hands on no rows that it was sent */
#define FORGET_PERIOD_US MCPZ_SECONDS(60)

/* ---- Small things ------------------------------------------------------------------------- */

static struct mcpz_member *self_row(const struct mcpz_members *members)
{
    return &members->roster.rows[MCPZ_ROSTER_SELF];
}

static bool is_self(const struct mcpz_members *members, const struct mcpz_id *id)
{
    return mcpz_id_equal(&self_row(members)->id, id);
}

static mcpz_time jitter(struct mcpz_members *members, mcpz_time most_us)
{
    return mcpz_rng_below(&members->rng, (uint32_t)most_us + 1);
}

/* A row as a message whose texts last as long as the outbox. */
static struct mcpz_msg kept_news(const struct mcpz_members *members,
                                 const struct mcpz_member *member, struct mcpz_outbox *out)
{
    struct mcpz_msg news = mcpz_news_of(&members->roster, member, out);
    struct mcpz_msg_member *said = &news.member;
    struct mcpz_bytes *roles = mcpz_arena_take(&out->arena, MCPZ_ROLES_MAX, sizeof(*roles));

    assert(roles != NULL);
    said->name = mcpz_outbox_keep(out, said->name);
    said->address = mcpz_outbox_keep(out, said->address);
    said->region = mcpz_outbox_keep(out, said->region);
    said->zone = mcpz_outbox_keep(out, said->zone);
    said->signature = mcpz_outbox_keep(out, said->signature);
    for (size_t i = 0; i < said->role_count; i++) {
        roles[i] = mcpz_outbox_keep(out, said->roles[i]);
    }
    said->roles = roles;
    return news;
}

static void spread(const struct mcpz_members *members, const struct mcpz_member *member,
                   struct mcpz_outbox *out)
{
    struct mcpz_msg news = kept_news(members, member, out);
    mcpz_outbox_broadcast(out, NULL, &news);
}

/* ---- Ourselves ---------------------------------------------------------------------------- */

/* Sign what we say of ourselves, as it is now. */
static void sign_self(struct mcpz_members *members)
{
    struct mcpz_member *self = self_row(members);
    struct mcpz_bytes roles[MCPZ_ROLES_MAX];
    uint8_t signature[MCPZ_SIGNATURE_BYTES];
    struct mcpz_msg_member said = mcpz_roster_read(&members->roster, self, roles);

    mcpz_roster_changed(&members->roster);
    if (members->notary.sign == NULL) {
        return;
    }
    said.signature = mcpz_bytes(NULL, 0);
    members->notary.sign(members->notary.context, &said, signature);
    said.signature = mcpz_bytes(signature, sizeof(signature));
    mcpz_error error = mcpz_roster_describe(&members->roster, self, &said);
    assert(error == MCPZ_OK); /* it has had room for all but the signature's content before */
}

/* Somebody doubts us: say otherwise with a higher incarnation, which only we may raise (4.2). */
static void refute(struct mcpz_members *members, uint64_t incarnation, struct mcpz_outbox *out)
{
    struct mcpz_member *self = self_row(members);

    if (members->leaving || incarnation < self->incarnation || incarnation == UINT64_MAX) {
        return;
    }
    self->incarnation = incarnation + 1;
    sign_self(members);
    mcpz_judging_tell(members, self, MCPZ_FACT_REFUTED, out);
    spread(members, self, out);
}

/* ---- What links tell ---------------------------------------------------------------------- */

static void on_unlinked(struct mcpz_members *members, const struct mcpz_links *links,
                        struct mcpz_member *member, enum mcpz_link_down_reason reason,
                        mcpz_time now, struct mcpz_outbox *out)
{
    bool is_silence = reason == MCPZ_DOWN_SILENT || reason == MCPZ_DOWN_ONE_WAY;

    if (reason == MCPZ_DOWN_FULL || reason == MCPZ_DOWN_LEFT || reason == MCPZ_DOWN_DUPLICATE ||
        mcpz_member_is_gone(member)) {
        return; /* no hint of anything */
    }
    mcpz_judging_accuse(members, links, member,
                        is_silence ? MCPZ_SUSPICION_SILENT : MCPZ_SUSPICION_CLOSED, now, out);
    if (mcpz_links_have_just_woken(links, now)) {
        mcpz_recall_later(members, member, now);
    }
    if (!mcpz_member_is_gone(member)) {
        mcpz_recall_reach(members, member, out); /* rule 1: redial once before more is said */
    }
}

static void on_linked(struct mcpz_members *members, const struct mcpz_id *peer,
                      struct mcpz_outbox *out)
{
    const struct mcpz_member *member = mcpz_roster_find(&members->roster, peer);

    mcpz_compare_linked(members, peer);
    if (member != NULL && member->state != MCPZ_MEMBER_ALIVE) {
        mcpz_judging_ask_back(members, member, out);
    }
}

/* It is heard again: what we said of it was wrong, or no longer holds. That we said it was told
 * over this very link: it is about to answer. */
static void on_prompt(struct mcpz_members *members, struct mcpz_member *member,
                      struct mcpz_outbox *out)
{
    struct mcpz_suspicion_case *suspicion =
        mcpz_suspicions_get(&members->suspicions, member->suspicion);
    const struct mcpz_short self = mcpz_short_of(&self_row(members)->id);

    if (suspicion == NULL) {
        return;
    }
    if (!mcpz_suspicion_is_by(suspicion, self)) {
        mcpz_judging_ask_back(members, member, out);
    }
    mcpz_suspicion_withdraw(suspicion, self);
}

static void plan_adjacency(struct mcpz_members *members, mcpz_time now)
{
    members->adjacency_at_us =
        mcpz_time_min(members->adjacency_at_us, now + members->timing->adjacency_us);
}

static void on_neighbour(struct mcpz_members *members, mcpz_time now, const struct mcpz_id *peer,
                         bool up, struct mcpz_outbox *out)
{
    struct mcpz_member *self = self_row(members);
    struct mcpz_short *peers = mcpz_roster_adjacency(&members->roster, self);
    const struct mcpz_short name = mcpz_short_of(peer);
    size_t at = 0;

    while (at < self->adjacency_count && peers[at].value != name.value) {
        at++;
    }
    if (up && at == self->adjacency_count && at < members->roster.config.adjacency_max) {
        peers[self->adjacency_count++] = name;
    } else if (!up && at < self->adjacency_count) {
        peers[at] = peers[--self->adjacency_count];
    }
    members->neighbour_count = self->adjacency_count;
    plan_adjacency(members, now);
    if (up && self->adjacency_count == 1) {
        members->joined_us = members->joined_us == 0 ? now : members->joined_us;
        spread(members, self, out); /* whoever is there hears that we are */
        for (size_t i = 0; i < members->suspicions.max; i++) {
            if (members->suspicions.cases[i].used) {
                members->suspicions.cases[i].first_us = now; /* we were away: all begin anew */
            }
        }
    }
}

static void on_fact(struct mcpz_members *members, const struct mcpz_links *links, mcpz_time now,
                    const struct mcpz_fact *fact, struct mcpz_outbox *out)
{
    struct mcpz_member *member = mcpz_roster_find(&members->roster, &fact->about);

    if (fact->kind == MCPZ_FACT_LINKED) {
        on_linked(members, &fact->about, out);
    } else if (fact->kind == MCPZ_FACT_NEIGHBOUR_UP && fact->reason == 0) {
        on_neighbour(members, now, &fact->about, true, out);
    } else if (fact->kind == MCPZ_FACT_NEIGHBOUR_DOWN) {
        on_neighbour(members, now, &fact->about, false, out);
    } else if (member == NULL) {
        return;
    } else if (fact->kind == MCPZ_FACT_UNLINKED) {
        on_unlinked(members, links, member, (enum mcpz_link_down_reason)fact->reason, now, out);
    } else if (fact->kind == MCPZ_FACT_LATE) {
        mcpz_overdue_note(members, links, member, now, out);
    } else if (fact->kind == MCPZ_FACT_PROMPT) {
        on_prompt(members, member, out);
    } else if (fact->kind == MCPZ_FACT_UNREACHABLE && fact->reason == MCPZ_UNREACHABLE_REFUSED &&
               member->state == MCPZ_MEMBER_SUSPECT) {
        mcpz_judging_accuse(members, links, member, MCPZ_SUSPICION_REFUSED, now, out);
    }
}

/* ---- News --------------------------------------------------------------------------------- */

uint64_t mcpz_members_scope(struct mcpz_bytes region, struct mcpz_bytes zone)
{
    return mcpz_hash_bytes(zone, mcpz_hash_bytes(region, 0));
}

static bool is_in_scope(const struct mcpz_members *members, const struct mcpz_msg_member *news)
{
    return !members->zone_only ||
           mcpz_members_scope(news->region, news->zone) == members->scope_key;
}

/* A row for a member we did not know: a free one, or that of whoever is gone longest. */
static struct mcpz_member *take_row(struct mcpz_members *members, const struct mcpz_id *id)
{
    struct mcpz_roster *roster = &members->roster;
    struct mcpz_member *oldest = NULL;

    if (roster->count == roster->config.rows_max) {
        for (size_t i = 1; i < roster->count; i++) {
            struct mcpz_member *row = &roster->rows[i];
            if (mcpz_member_is_gone(row) && (oldest == NULL || row->since_us < oldest->since_us)) {
                oldest = row;
            }
        }
        if (oldest == NULL) {
            return NULL;
        }
        mcpz_roster_remove(roster, oldest);
    }
    return mcpz_roster_add(roster, id);
}

static bool is_signed(struct mcpz_members *members, const struct mcpz_msg_member *news)
{
    if (members->notary.verify == NULL || members->notary.verify(members->notary.context, news)) {
        return true;
    }
    members->forged++;
    return false;
}

/* What a member says of itself: alive, or gone for good. Newer than what we know, or nothing. */
static void on_assertion(struct mcpz_members *members, const struct mcpz_links *links,
                         mcpz_time now, const struct mcpz_msg_member *news, bool gossip,
                         struct mcpz_outbox *out)
{
    bool left = news->state == MCPZ_MEMBER_LEFT;
    struct mcpz_member *member = mcpz_roster_find(&members->roster, &news->id);
    bool was_known = member != NULL;

    if (is_self(members, &news->id)) {
        if (news->incarnation > self_row(members)->incarnation || left) {
            refute(members, news->incarnation, out); /* said in an earlier life */
        }
        return;
    }
    bool is_news = !was_known ? !left
                              : news->incarnation > member->incarnation ||
                                    (left && news->incarnation == member->incarnation &&
                                     member->state != MCPZ_MEMBER_LEFT);
    if (!is_news || (!left && news->state != MCPZ_MEMBER_ALIVE) || !is_in_scope(members, news) ||
        mcpz_members_is_revoked(members, &news->id) || !is_signed(members, news)) {
        return;
    }
    member = was_known ? member : take_row(members, &news->id);
    if (member == NULL || mcpz_roster_describe(&members->roster, member, news) != MCPZ_OK) {
        members->dropped++;
        if (member != NULL && !was_known) {
            mcpz_roster_remove(&members->roster, member);
        }
        return;
    }
    bool was_alive = member->state == MCPZ_MEMBER_ALIVE;
    mcpz_judging_note_flap(member, now);
    member->incarnation = news->incarnation;
    mcpz_judging_set_state(members, member, left ? MCPZ_MEMBER_LEFT : MCPZ_MEMBER_ALIVE, now);
    if (left || !was_alive) {
        mcpz_judging_tell(members, member, left ? MCPZ_FACT_LEFT : MCPZ_FACT_ALIVE, out);
    }
    /* Told by a neighbour alone: the others may not know it either. A newcomer knows no better. */
    bool is_fresh = members->joined_us == 0 || now < members->joined_us + FRESH_US;
    if (!gossip && (was_known || !is_fresh) && !mcpz_links_have_just_woken(links, now)) {
        spread(members, member, out);
    }
}

/* Who doubts or buries somebody that has left has missed its goodbye: hand that on. */
static void answer_for_who_left(const struct mcpz_members *members, const struct mcpz_links *links,
                                const struct mcpz_member *member, uint64_t incarnation,
                                const struct mcpz_id *observer, struct mcpz_outbox *out)
{
    if (member->state == MCPZ_MEMBER_LEFT && incarnation <= member->incarnation &&
        mcpz_links_find(links, observer) != NULL &&
        !mcpz_members_is_revoked(members, &member->id)) {
        const struct mcpz_msg goodbye = kept_news(members, member, out);
        mcpz_outbox_send(out, observer, &goodbye);
    }
}

static void on_suspicion(struct mcpz_members *members, const struct mcpz_links *links,
                         mcpz_time now, const struct mcpz_msg_suspect *news,
                         struct mcpz_outbox *out)
{
    struct mcpz_member *member = mcpz_roster_find(&members->roster, &news->about);
    const struct mcpz_member *observer = mcpz_roster_find(&members->roster, &news->observer);

    if (is_self(members, &news->about)) {
        refute(members, news->incarnation, out);
        return;
    }
    if (member != NULL) {
        answer_for_who_left(members, links, member, news->incarnation, &news->observer, out);
    }
    if (member == NULL || mcpz_member_is_gone(member) || is_self(members, &news->observer) ||
        observer == NULL || mcpz_member_is_gone(observer) ||
        news->incarnation != member->incarnation) {
        return; /* nobody's word about nothing we know */
    }
    mcpz_judging_hear(members, links, member, news, now, out);
}

/*
 * Who holds a suspect of ours for dead is an observer of it: those who have done with it will not
 * say again that they doubt it, and alone we would wait for the longest grace.
 */
static void hear_teller(struct mcpz_members *members, const struct mcpz_links *links,
                        const struct mcpz_msg_dead *news, mcpz_time now, struct mcpz_outbox *out)
{
    const struct mcpz_member *member = mcpz_roster_find(&members->roster, &news->about);

    if (member->state == MCPZ_MEMBER_SUSPECT) {
        on_suspicion(members, links, now,
                     &(struct mcpz_msg_suspect){.about = news->about,
                                                .incarnation = member->incarnation,
                                                .observer = news->observer,
                                                .reason = MCPZ_SUSPICION_RUMOUR},
                     out);
    }
}

/* That somebody is dead, as a conclusion (a broadcast) or as what one neighbour holds for true. */
static void on_death(struct mcpz_members *members, const struct mcpz_links *links, mcpz_time now,
                     const struct mcpz_msg_dead *news, bool gossip, struct mcpz_outbox *out)
{
    struct mcpz_member *member = mcpz_roster_find(&members->roster, &news->about);

    if (is_self(members, &news->about)) {
        refute(members, news->incarnation, out);
        return;
    }
    if (member != NULL) {
        answer_for_who_left(members, links, member, news->incarnation, &news->observer, out);
    }
    if (member == NULL || mcpz_member_is_gone(member) || news->incarnation < member->incarnation) {
        return;
    }
    if (mcpz_judging_is_heard(links, member)) {
        mcpz_judging_ask_back(members, member,
                              out); /* let it answer for itself instead of believing them */
    } else if (gossip) {
        member->reason = member->reason != 0 ? member->reason : MCPZ_SUSPICION_RUMOUR;
        member->incarnation = news->incarnation;
        mcpz_judging_bury(members, member, now, out);
    } else {
        mcpz_judging_accuse(members, links, member, MCPZ_SUSPICION_RUMOUR, now, out);
        hear_teller(members, links, news, now, out);
    }
}

/*
 * Its version goes on through all incarnations: a refutation changes nothing of it, and need not
 * be followed by it.
 */
static void on_adjacency(struct mcpz_members *members, mcpz_time now,
                         const struct mcpz_msg_adjacency *news)
{
    struct mcpz_member *member = mcpz_roster_find(&members->roster, &news->id);

    if (member == NULL || !mcpz_roster_is_later(news->version, member->adjacency_version)) {
        return;
    }
    mcpz_roster_set_version(&members->roster, member, news->version);
    if (is_self(members, &news->id)) {
        plan_adjacency(members, now); /* said in an earlier life: go on from there */
        return;
    }
    struct mcpz_short *peers = mcpz_roster_adjacency(&members->roster, member);
    member->adjacency_count = 0;
    for (size_t i = 0; i < news->peer_count && i < members->roster.config.adjacency_max; i++) {
        peers[member->adjacency_count++] = news->peers[i];
    }
}

static void on_probe_result(struct mcpz_members *members, const struct mcpz_links *links,
                            enum mcpz_probe_result result, mcpz_time now, struct mcpz_outbox *out)
{
    if (result == MCPZ_PROBE_RESULT_NONE) {
        return;
    }
    bool failed = result == MCPZ_PROBE_RESULT_SILENT;
    struct mcpz_member *member = mcpz_roster_find(&members->roster, &members->probes.target);

    mcpz_outbox_fact(out, &(struct mcpz_fact){.kind = MCPZ_FACT_PROBED,
                                              .about = members->probes.target,
                                              .reason = failed});
    if (failed && member != NULL) {
        mcpz_judging_accuse(members, links, member, MCPZ_SUSPICION_PROBE, now, out);
    }
}

/* Who is of another scope holds another table than we do, and that is well. */
static bool shares_view(const struct mcpz_members *members, const struct mcpz_id *peer)
{
    const struct mcpz_member *self = self_row(members);

    if (!members->zone_only || mcpz_roster_find(&members->roster, peer) != NULL) {
        return true;
    }
    const struct mcpz_short *peers = mcpz_roster_adjacency(&members->roster, self);
    for (size_t i = 0; i < self->adjacency_count; i++) {
        if (peers[i].value == mcpz_short_of(peer).value) {
            return true; /* a neighbour that we know of nothing else yet */
        }
    }
    return false;
}

/* Who was late just now has slept, and what it holds is old: it would not answer in time. */
static bool keeps_up(const struct mcpz_links *links, const struct mcpz_id *peer)
{
    const struct mcpz_linked *link = mcpz_links_find(links, peer);

    return link == NULL || !link->tardy;
}

static void on_message(struct mcpz_members *members, const struct mcpz_links *links, mcpz_time now,
                       const struct mcpz_event *event, struct mcpz_outbox *out)
{
    const struct mcpz_msg *msg = event->recv.msg;
    const struct mcpz_id *from = &event->recv.from;
    bool gossip = event->recv.gossip;

    if (msg->kind == MCPZ_MSG_PING) {
        /* Just woken: what has waited for us is old, and so is its digest. */
        if (!mcpz_compare_has_nothing_to_say(members, msg->ping.digest) &&
            shares_view(members, from) && keeps_up(links, from) &&
            !mcpz_links_have_just_woken(links, now)) {
            mcpz_compare_ping(members, now, from, msg->ping.digest, out);
        }
    } else if (msg->kind == MCPZ_MSG_MEMBER) {
        on_assertion(members, links, now, &msg->member, gossip, out);
    } else if (msg->kind == MCPZ_MSG_SUSPECT) {
        on_suspicion(members, links, now, &msg->suspect, out);
    } else if (msg->kind == MCPZ_MSG_DEAD) {
        on_death(members, links, now, &msg->dead, gossip, out);
    } else if (msg->kind == MCPZ_MSG_ADJACENCY) {
        on_adjacency(members, now, &msg->adjacency);
    } else if (msg->kind == MCPZ_MSG_SUMMARY && msg->summary.what == MCPZ_SUMMARY_MEMBERS) {
        mcpz_compare_summary(members, from, &msg->summary, out);
    } else if (msg->kind == MCPZ_MSG_PROBE) {
        enum mcpz_probe_result result =
            mcpz_probes_message(&members->probes, &members->roster, links, now, &msg->probe, out);
        on_probe_result(members, links, result, now, out);
    }
}

/* ---- Time --------------------------------------------------------------------------------- */

static void tell_adjacency(struct mcpz_members *members, mcpz_time now, struct mcpz_outbox *out)
{
    struct mcpz_member *self = self_row(members);

    if (members->adjacency_at_us > now) {
        return;
    }
    members->adjacency_at_us = MCPZ_TIME_NEVER;
    mcpz_roster_set_version(&members->roster, self,
                            self->adjacency_version +
                                (self->adjacency_version == UINT32_MAX ? 2 : 1)); /* never 0 */
    struct mcpz_msg msg = mcpz_adjacency_of(&members->roster, self);
    struct mcpz_bytes peers =
        mcpz_bytes(msg.adjacency.peers, msg.adjacency.peer_count * sizeof(struct mcpz_short));
    msg.adjacency.peers = (const struct mcpz_short *)mcpz_outbox_keep(out, peers).data;
    mcpz_outbox_broadcast(out, NULL, &msg);
}

/* Whom no path leads to may be well, and so may we: then the mesh has come apart between us. */
static void note_lost(struct mcpz_members *members)
{
    uint32_t fit = 0;

    members->lost.value = 0;
    for (size_t i = 1; i < members->roster.count; i++) {
        const struct mcpz_member *row = &members->roster.rows[i];
        if (row->unreached > 0 && row->state == MCPZ_MEMBER_ALIVE &&
            mcpz_rng_below(&members->rng, ++fit) == 0) {
            members->lost = members->roster.names[i];
        }
    }
}

/* The graph says that no path leads to somebody: not one observer is left to speak of it. */
static void accuse_unreached(struct mcpz_members *members, const struct mcpz_links *links,
                             mcpz_time now, struct mcpz_outbox *out)
{
    for (size_t i = 1; i < members->roster.count; i++) {
        struct mcpz_member *row = &members->roster.rows[i];
        if (row->unreached >= UNREACHED_ENOUGH && row->state == MCPZ_MEMBER_ALIVE &&
            mcpz_links_find(links, &row->id) == NULL) {
            mcpz_judging_accuse(members, links, row, MCPZ_SUSPICION_UNREACHABLE, now, out);
        }
    }
}

static void probe(struct mcpz_members *members, const struct mcpz_links *links, mcpz_time now,
                  struct mcpz_outbox *out)
{
    const mcpz_time period = members->timing->probe_us;
    enum mcpz_probe_result result =
        mcpz_probes_tick(&members->probes, &members->roster, links, now, out);

    on_probe_result(members, links, result, now, out);
    if (members->probe_at_us <= now) {
        members->probe_at_us = now + period - period / 8 + jitter(members, period / 4);
        if (members->neighbour_count > 0 && !members->leaving) {
            mcpz_probes_start(&members->probes, &members->roster, links, now, out);
            note_lost(members);
            accuse_unreached(members, links, now, out);
        }
    }
}

static void forget_the_gone(struct mcpz_members *members, const struct mcpz_links *links,
                            mcpz_time now)
{
    struct mcpz_roster *roster = &members->roster;

    if (members->forget_at_us > now) {
        return;
    }
    members->forget_at_us = now + FORGET_PERIOD_US;
    for (size_t i = roster->count; i > 1; i--) {
        struct mcpz_member *row = &roster->rows[i - 1];
        if (mcpz_member_is_gone(row) && mcpz_links_find(links, &row->id) == NULL &&
            now - row->since_us >= members->timing->forget_us) {
            mcpz_roster_remove(roster, row);
        }
    }
}

static void on_tick(struct mcpz_members *members, const struct mcpz_links *links, mcpz_time now,
                    struct mcpz_outbox *out)
{
    forget_the_gone(members, links, now); /* first: it moves rows */
    mcpz_judging_tick(members, links, now, out);
    mcpz_overdue_tick(members, links, now, out);
    tell_adjacency(members, now, out);
    probe(members, links, now, out);
    mcpz_recall_tick(members, links, now, out);
}

/*
 * To everybody linked, and not as a broadcast: our place in the tree may be such that it would
 * only be announced, and nobody could ask us for it any more. Whoever hears it tells the others.
 */
static void on_leave(struct mcpz_members *members, const struct mcpz_links *links, mcpz_time now,
                     struct mcpz_outbox *out)
{
    members->leaving = true;
    mcpz_judging_set_state(members, self_row(members), MCPZ_MEMBER_LEFT, now);
    sign_self(members);
    const struct mcpz_msg goodbye = kept_news(members, self_row(members), out);
    for (size_t i = 0; i < links->count; i++) {
        mcpz_outbox_send(out, &links->links[i].id, &goodbye);
    }
}

/* Its row may be gone, and those above may wait for it nevertheless. */
static void on_revoked(struct mcpz_members *members, mcpz_time now, const struct mcpz_event *event,
                       struct mcpz_outbox *out)
{
    const struct mcpz_id *node = &event->revoked.node;
    struct mcpz_member *member = mcpz_roster_find(&members->roster, node);

    mcpz_outbox_fact(out,
                     &(struct mcpz_fact){.kind = MCPZ_FACT_REVOKED,
                                         .about = *node,
                                         .detail = mcpz_outbox_keep(out, event->revoked.reason)});
    if (is_self(members, node)) {
        return;
    }
    if (member != NULL) {
        mcpz_judging_set_state(members, member, MCPZ_MEMBER_LEFT, now);
    }
    mcpz_outbox_fact(out,
                     &(struct mcpz_fact){.kind = MCPZ_FACT_LEFT,
                                         .about = *node,
                                         .incarnation = member != NULL ? member->incarnation : 0});
}

/* ---- The machine -------------------------------------------------------------------------- */

static struct mcpz_roster_config roster_config(const struct mcpz_members_config *config)
{
    return (struct mcpz_roster_config){.rows_max = config->rows_max,
                                       .text_bytes = config->text_bytes,
                                       .adjacency_max = config->adjacency_max};
}

size_t mcpz_members_bytes(const struct mcpz_members_config *config)
{
    const struct mcpz_roster_config roster = roster_config(config);
    return mcpz_roster_bytes(&roster) + mcpz_suspicions_bytes(config->suspicions_max);
}

size_t mcpz_members_often_bytes(const struct mcpz_members_config *config)
{
    const struct mcpz_roster_config roster = roster_config(config);
    return mcpz_roster_often_bytes(&roster);
}

static void describe_self(struct mcpz_members *members, const struct mcpz_members_config *config)
{
    static const uint8_t unsigned_yet[MCPZ_SIGNATURE_BYTES];
    struct mcpz_member *self = mcpz_roster_add(&members->roster, &config->id);
    struct mcpz_bytes roles[MCPZ_ROLES_MAX];
    struct mcpz_msg_member said = {
        .name = mcpz_text(config->name != NULL ? config->name : ""),
        .address = mcpz_text(config->address != NULL ? config->address : ""),
        .region = mcpz_text(config->region != NULL ? config->region : ""),
        .zone = mcpz_text(config->zone != NULL ? config->zone : ""),
        .roles = roles,
        .role_count = config->role_count,
    };

    assert(config->role_count <= MCPZ_ROLES_MAX);
    for (size_t i = 0; i < config->role_count; i++) {
        roles[i] = mcpz_text(config->roles[i]);
    }
    if (config->notary.sign != NULL) {
        said.signature = mcpz_bytes(unsigned_yet, sizeof(unsigned_yet)); /* room for it */
    }
    mcpz_error error = mcpz_roster_describe(&members->roster, self, &said);
    assert(error == MCPZ_OK); /* the table is empty, and holds at least one text */
    self->incarnation = config->incarnation;
    self->state = MCPZ_MEMBER_ALIVE;
    members->scope_key = mcpz_members_scope(said.region, said.zone);
}

void mcpz_members_init(struct mcpz_members *members, const struct mcpz_members_config *config,
                       const struct mcpz_node_timing *timing, struct mcpz_arena *arena,
                       uint64_t seed, mcpz_time now)
{
    const struct mcpz_roster_config roster = roster_config(config);

    *members = (struct mcpz_members){
        .timing = timing,
        .notary = config->notary,
        .zone_only = config->zone_only,
        .adjacency_at_us = MCPZ_TIME_NEVER,
        .overdue_at_us = MCPZ_TIME_NEVER,
        .look_at_us = MCPZ_TIME_NEVER,
        .allowance_at_us = now,
        .allowance = MCPZ_SUSPECTS_PER_MINUTE,
        .forget_at_us = now + FORGET_PERIOD_US,
    };
    mcpz_rng_init(&members->rng, seed);
    mcpz_roster_init(&members->roster, &roster, arena);
    mcpz_suspicions_init(&members->suspicions, config->suspicions_max, arena);
    mcpz_probes_init(&members->probes, mcpz_rng_next(&members->rng));
    members->probe_at_us = now + timing->probe_us / 2 + jitter(members, timing->probe_us);
    members->reconnect_at_us = now + jitter(members, timing->reconnect_us);
    describe_self(members, config);
    self_row(members)->since_us = now;
    sign_self(members);
}

void mcpz_members_step(struct mcpz_members *members, const struct mcpz_links *links, mcpz_time now,
                       const struct mcpz_event *event, struct mcpz_outbox *out)
{
    assert(members->roster.count >= 1);

    if (event->kind == MCPZ_EVENT_TICK) {
        on_tick(members, links, now, out);
    } else if (event->kind == MCPZ_EVENT_RECV) {
        on_message(members, links, now, event, out);
    } else if (event->kind == MCPZ_EVENT_FACT) {
        on_fact(members, links, now, &event->fact, out);
    } else if (event->kind == MCPZ_EVENT_LEAVE) {
        on_leave(members, links, now, out);
    } else if (event->kind == MCPZ_EVENT_REVOKED) {
        on_revoked(members, now, event, out);
    }
}

uint32_t mcpz_members_digest(struct mcpz_members *members)
{
    return mcpz_roster_digest(&members->roster) ^ members->other_digest;
}

mcpz_time mcpz_members_deadline(const struct mcpz_members *members)
{
    mcpz_time deadline = mcpz_time_min(members->adjacency_at_us, members->probe_at_us);

    deadline = mcpz_time_min(deadline, members->reconnect_at_us);
    deadline = mcpz_time_min(deadline, members->forget_at_us);
    deadline = mcpz_time_min(deadline, members->overdue_at_us);
    deadline = mcpz_time_min(deadline, members->look_at_us);
    deadline = mcpz_time_min(deadline, mcpz_probes_deadline(&members->probes));
    if (members->suspicions.count > 0) {
        deadline = mcpz_time_min(deadline, members->ask_at_us);
    }
    for (size_t i = 0; i < members->suspicions.max && members->suspicions.count > 0; i++) {
        if (members->suspicions.cases[i].used) {
            deadline = mcpz_time_min(deadline, members->suspicions.cases[i].look_us);
        }
    }
    return deadline;
}

/* ---- Looking ------------------------------------------------------------------------------ */

uint32_t mcpz_members_flaps(const struct mcpz_member *member, mcpz_time now)
{
    return now < member->since_us + MCPZ_FLAPS_US ? member->flaps : 0;
}

const struct mcpz_member *mcpz_members_find(const struct mcpz_members *members,
                                            const struct mcpz_id *id)
{
    return mcpz_roster_find(&members->roster, id);
}

const struct mcpz_member *mcpz_members_self(const struct mcpz_members *members)
{
    return self_row(members);
}

bool mcpz_members_is_revoked(const struct mcpz_members *members, const struct mcpz_id *id)
{
    const struct mcpz_notary *notary = &members->notary;

    return notary->is_revoked != NULL && notary->is_revoked(notary->context, id);
}

size_t mcpz_members_alive_count(const struct mcpz_members *members)
{
    return mcpz_roster_alive_count(&members->roster);
}

const struct mcpz_member *mcpz_members_take_lost(struct mcpz_members *members)
{
    const struct mcpz_short name = members->lost;

    members->lost.value = 0;
    return name.value != 0 ? mcpz_roster_find_short(&members->roster, name) : NULL;
}

bool mcpz_members_doubts_many(const struct mcpz_members *members)
{
    const size_t alive = mcpz_roster_alive_count(&members->roster);

    return members->suspicions.count >= MANY_LEAST &&
           members->suspicions.count >= alive / MANY_SHARE;
}

const struct mcpz_suspicion_case *mcpz_members_suspicion(const struct mcpz_members *members,
                                                         const struct mcpz_member *member)
{
    return mcpz_suspicions_get(&members->suspicions, member->suspicion);
}
