#include "core/registry.h"

#include <assert.h>

#include "base/hash.h"
#include "core/roster.h"

/* One comparison sends so many lists at most; the next goes on. */
#define LISTS_PER_SUMMARY_MAX 64

static_assert(MCPZ_CAPABILITIES_MAX * (sizeof(struct mcpz_bytes) + 1) <=
                  MCPZ_OUTBOX_ARENA_BYTES / 4,
              "all names fit the outbox");
static_assert(MCPZ_CAPABILITIES_MAX >= 2 * MCPZ_CAPABILITIES_PER_NODE_MAX, "room for others");

#define SELF 0

static struct mcpz_offerer *find_offerer(struct mcpz_registry *registry, const struct mcpz_id *id)
{
    for (size_t i = 0; i < registry->offerer_count; i++) {
        if (mcpz_id_equal(&registry->offerers[i].id, id)) {
            return &registry->offerers[i];
        }
    }
    return NULL;
}

static bool is_named(const struct mcpz_offer *offer, struct mcpz_bytes name)
{
    return mcpz_bytes_equal(mcpz_text(offer->name), name);
}

static void drop_offers(struct mcpz_registry *registry, uint32_t offerer)
{
    size_t kept = 0;
    for (size_t i = 0; i < registry->offer_count; i++) {
        if (registry->offers[i].offerer != offerer) {
            if (kept != i) {
                registry->offers[kept] = registry->offers[i];
            }
            kept++;
        }
    }
    registry->offer_count = kept;
}

static bool add_offer(struct mcpz_registry *registry, uint32_t offerer, struct mcpz_bytes name,
                      uint8_t isolation)
{
    if (registry->offer_count == MCPZ_CAPABILITIES_MAX ||
        name.length > MCPZ_CAPABILITY_BYTES_MAX || name.length == 0) {
        registry->dropped++;
        return false;
    }
    struct mcpz_offer *offer = &registry->offers[registry->offer_count++];
    offer->offerer = offerer;
    /* What will be stricter than strict some day is unsaid to us. */
    offer->isolation = isolation < MCPZ_ISOLATION_END ? isolation : MCPZ_ISOLATION_UNSAID;
    mcpz_bytes_to_text(name, offer->name, sizeof(offer->name));
    return true;
}

/* Is the row one that others, and we, may see? */
static bool is_shown(const struct mcpz_registry *registry, const struct mcpz_offer *offer)
{
    return offer->offerer != SELF || !registry->hidden;
}

static size_t count_offers(const struct mcpz_registry *registry, uint32_t offerer)
{
    size_t count = 0;
    for (size_t i = 0; i < registry->offer_count; i++) {
        count += registry->offers[i].offerer == offerer;
    }
    return count;
}

/* One node's list as a message. The names stay in their rows: nothing moves them in this step. */
static struct mcpz_msg list_of(const struct mcpz_registry *registry, uint32_t offerer,
                               struct mcpz_outbox *out)
{
    const struct mcpz_offerer *who = &registry->offerers[offerer];
    struct mcpz_bytes *names =
        mcpz_arena_take(&out->arena, count_offers(registry, offerer), sizeof(*names));
    uint8_t *isolations = mcpz_arena_take(&out->arena, count_offers(registry, offerer), 1);
    size_t count = 0;

    assert(names != NULL && isolations != NULL);
    for (size_t i = 0; i < registry->offer_count; i++) {
        if (registry->offers[i].offerer == offerer && is_shown(registry, &registry->offers[i])) {
            isolations[count] = registry->offers[i].isolation;
            names[count++] = mcpz_text(registry->offers[i].name);
        }
    }
    return (struct mcpz_msg){
        .kind = MCPZ_MSG_CAPABILITIES,
        .capabilities =
            {
                .id = who->id,
                .incarnation = who->incarnation,
                .version = who->version,
                .names = names,
                .name_count = count,
                .isolations = mcpz_bytes(isolations, count),
            },
    };
}

static void tell(const struct mcpz_id *about, struct mcpz_outbox *out)
{
    mcpz_outbox_fact(out, &(struct mcpz_fact){.kind = MCPZ_FACT_CAPABILITIES, .about = *about});
}

/* Our own list has changed: a new version of it, to everybody. */
static void publish(struct mcpz_registry *registry, struct mcpz_outbox *out)
{
    registry->offerers[SELF].version++;
    tell(&registry->offerers[SELF].id, out);

    struct mcpz_msg list = list_of(registry, SELF, out);
    mcpz_outbox_broadcast(out, NULL, &list);
}

/* Our own row of this name, or NULL. */
static struct mcpz_offer *own_offer(struct mcpz_registry *registry, struct mcpz_bytes name)
{
    for (size_t i = 0; i < registry->offer_count; i++) {
        if (registry->offers[i].offerer == SELF && is_named(&registry->offers[i], name)) {
            return &registry->offers[i];
        }
    }
    return NULL;
}

static void provide(struct mcpz_registry *registry, struct mcpz_bytes name, uint8_t isolation,
                    struct mcpz_outbox *out)
{
    struct mcpz_offer *offer = own_offer(registry, name);

    if (offer != NULL) {
        if (offer->isolation != isolation) {
            offer->isolation = isolation;
            publish(registry, out);
        }
        return;
    }
    if (count_offers(registry, SELF) == MCPZ_CAPABILITIES_PER_NODE_MAX) {
        registry->dropped++;
        return;
    }
    if (add_offer(registry, SELF, name, isolation)) {
        publish(registry, out);
    }
}

static void withdraw(struct mcpz_registry *registry, struct mcpz_bytes name,
                     struct mcpz_outbox *out)
{
    struct mcpz_offer *offer = own_offer(registry, name);

    if (offer != NULL) {
        *offer = registry->offers[--registry->offer_count];
        publish(registry, out);
    }
}

/* What we offer goes out of sight, or comes back. */
static void hide(struct mcpz_registry *registry, bool hidden, struct mcpz_outbox *out)
{
    if (registry->hidden != hidden) {
        registry->hidden = hidden;
        if (count_offers(registry, SELF) > 0) {
            publish(registry, out);
        }
    }
}

/* A row for a node we have no list of: a free one, or that of a node that is gone. */
static struct mcpz_offerer *take_offerer(struct mcpz_registry *registry, const struct mcpz_id *id)
{
    struct mcpz_offerer *row = NULL;

    if (registry->offerer_count < MCPZ_MEMBERS_MAX) {
        row = &registry->offerers[registry->offerer_count++];
    }
    for (size_t i = 1; i < registry->offerer_count && row == NULL; i++) {
        if (!registry->offerers[i].up) {
            row = &registry->offerers[i];
            drop_offers(registry, (uint32_t)i);
        }
    }
    if (row != NULL) {
        *row = (struct mcpz_offerer){.id = *id, .up = true};
    }
    return row;
}

static bool is_newer(const struct mcpz_msg_capabilities *list, const struct mcpz_offerer *row)
{
    if (list->incarnation != row->incarnation) {
        return list->incarnation > row->incarnation;
    }
    return list->version > row->version;
}

static void on_list(struct mcpz_registry *registry, bool gossip, const struct mcpz_msg *msg,
                    struct mcpz_outbox *out)
{
    const struct mcpz_msg_capabilities *list = &msg->capabilities;
    const struct mcpz_offerer *self = &registry->offerers[SELF];
    if (mcpz_id_equal(&list->id, &self->id)) {
        if (list->incarnation < self->incarnation && self->version == 0) {
            publish(registry, out); /* of an earlier life: we offer nothing of it now */
        }
        return;
    }
    struct mcpz_offerer *row = find_offerer(registry, &list->id);
    if (row != NULL && !is_newer(list, row)) {
        return;
    }
    if (row == NULL) {
        row = take_offerer(registry, &list->id);
    }
    if (row == NULL) {
        registry->dropped++;
        return;
    }

    uint32_t offerer = (uint32_t)(row - registry->offerers);
    row->incarnation = list->incarnation;
    row->version = list->version;
    drop_offers(registry, offerer);
    for (size_t i = 0; i < list->name_count; i++) {
        (void)add_offer(registry, offerer, list->names[i],
                        i < list->isolations.length ? list->isolations.data[i]
                                                    : MCPZ_ISOLATION_UNSAID);
    }
    tell(&list->id, out);
    if (!gossip) {
        mcpz_outbox_broadcast(out, NULL, msg); /* one neighbour knew more: the others may not */
    }
}

/* ---- Comparing ---------------------------------------------------------------------------- */

/* Who offers nothing, and never has, is as good as unknown. */
static bool counts(const struct mcpz_offerer *row)
{
    return row->up && row->version > 0;
}

static void summarise(const struct mcpz_registry *registry, const struct mcpz_id *peer, bool reply,
                      struct mcpz_outbox *out)
{
    struct mcpz_summary_row *rows =
        mcpz_arena_take(&out->arena, registry->offerer_count, sizeof(*rows));
    size_t count = 0;

    assert(rows != NULL);
    for (size_t i = 0; i < registry->offerer_count; i++) {
        const struct mcpz_offerer *row = &registry->offerers[i];
        if (counts(row)) {
            rows[count++] = (struct mcpz_summary_row){
                .key = mcpz_roster_key(&row->id),
                .incarnation = row->incarnation,
                .version = row->version,
            };
        }
    }
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_SUMMARY,
        .summary = {.what = MCPZ_SUMMARY_CAPABILITIES,
                    .reply = reply,
                    .rows = rows,
                    .row_count = count},
    };
    mcpz_outbox_send(out, peer, &msg);
}

static bool lacks(const struct mcpz_msg_summary *summary, const struct mcpz_offerer *row)
{
    uint64_t key = mcpz_roster_key(&row->id);

    for (size_t i = 0; i < summary->row_count; i++) {
        const struct mcpz_summary_row *theirs = &summary->rows[i];
        if (theirs->key == key) {
            return theirs->incarnation < row->incarnation ||
                   (theirs->incarnation == row->incarnation && theirs->version < row->version);
        }
    }
    return true;
}

static void on_summary(const struct mcpz_registry *registry, const struct mcpz_id *peer,
                       const struct mcpz_msg_summary *summary, struct mcpz_outbox *out)
{
    size_t sent = 0;

    for (size_t i = 0; i < registry->offerer_count && sent < LISTS_PER_SUMMARY_MAX; i++) {
        if (counts(&registry->offerers[i]) && lacks(summary, &registry->offerers[i])) {
            struct mcpz_msg list = list_of(registry, (uint32_t)i, out);
            mcpz_outbox_send(out, peer, &list);
            sent++;
        }
    }
    if (!summary->reply) {
        summarise(registry, peer, true, out);
    }
}

uint32_t mcpz_registry_digest(const struct mcpz_registry *registry)
{
    return registry->digest;
}

static void digest(struct mcpz_registry *registry)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < registry->offerer_count; i++) {
        const struct mcpz_offerer *row = &registry->offerers[i];
        if (counts(row)) {
            sum ^= mcpz_hash_mix(mcpz_roster_key(&row->id) ^
                                 mcpz_hash_mix(row->incarnation ^ (uint64_t)row->version << 40));
        }
    }
    registry->digest = (uint32_t)(sum ^ sum >> 32);
}

/* ---- The machine -------------------------------------------------------------------------- */

/* A member comes or goes: its list counts, or it does not. */
static void on_fact(struct mcpz_registry *registry, const struct mcpz_fact *fact,
                    struct mcpz_outbox *out)
{
    if (fact->kind == MCPZ_FACT_DIFFERS) {
        summarise(registry, &fact->about, false, out);
        return;
    }
    bool up = fact->kind == MCPZ_FACT_ALIVE || fact->kind == MCPZ_FACT_SUSPECT;
    bool gone = fact->kind == MCPZ_FACT_DEAD || fact->kind == MCPZ_FACT_LEFT;
    struct mcpz_offerer *row = up || gone ? find_offerer(registry, &fact->about) : NULL;
    if (row != NULL && row->up != up) {
        row->up = up;
        tell(&row->id, out);
    }
}

void mcpz_registry_init(struct mcpz_registry *registry, const struct mcpz_id *self,
                        uint64_t incarnation)
{
    /* The tables are not cleared: pages that nobody writes to cost nothing, and there are 450 KB.
     */
    registry->offerer_count = 1;
    registry->offer_count = 0;
    registry->digest = 0;
    registry->hidden = false;
    registry->dropped = 0;
    registry->offerers[SELF] =
        (struct mcpz_offerer){.id = *self, .incarnation = incarnation, .up = true};
}

void mcpz_registry_start_over(struct mcpz_registry *registry, uint64_t incarnation)
{
    size_t kept = 0;

    for (size_t i = 0; i < registry->offer_count; i++) {
        if (registry->offers[i].offerer == SELF) {
            registry->offers[kept++] = registry->offers[i];
        }
    }
    registry->offer_count = kept;
    registry->offerer_count = 1;
    registry->offerers[SELF].incarnation = incarnation;
    digest(registry);
}

void mcpz_registry_step(struct mcpz_registry *registry, mcpz_time now,
                        const struct mcpz_event *event, struct mcpz_outbox *out)
{
    (void)now;

    if (event->kind == MCPZ_EVENT_PROVIDE) {
        provide(registry, event->provide.name, event->provide.isolation, out);
    } else if (event->kind == MCPZ_EVENT_WITHDRAW) {
        withdraw(registry, event->provide.name, out);
    } else if (event->kind == MCPZ_EVENT_DRAIN || event->kind == MCPZ_EVENT_RESUME) {
        hide(registry, event->kind == MCPZ_EVENT_DRAIN, out);
    } else if (event->kind == MCPZ_EVENT_FACT) {
        on_fact(registry, &event->fact, out);
    } else if (event->kind == MCPZ_EVENT_RECV && event->recv.msg->kind == MCPZ_MSG_CAPABILITIES) {
        on_list(registry, event->recv.gossip, event->recv.msg, out);
    } else if (event->kind == MCPZ_EVENT_RECV && event->recv.msg->kind == MCPZ_MSG_SUMMARY &&
               event->recv.msg->summary.what == MCPZ_SUMMARY_CAPABILITIES) {
        on_summary(registry, &event->recv.from, &event->recv.msg->summary, out);
    } else {
        return;
    }
    digest(registry);

    assert(registry->offer_count <= MCPZ_CAPABILITIES_MAX);
}

bool mcpz_registry_offers(const struct mcpz_registry *registry, const struct mcpz_id *id,
                          struct mcpz_bytes name)
{
    for (const struct mcpz_offer *offer = mcpz_registry_find(registry, name, 0); offer != NULL;
         offer = mcpz_registry_find(registry, name, (size_t)(offer - registry->offers) + 1)) {
        if (mcpz_id_equal(&registry->offerers[offer->offerer].id, id)) {
            return true;
        }
    }
    return false;
}

enum mcpz_isolation mcpz_registry_isolation(const struct mcpz_registry *registry,
                                            struct mcpz_bytes name)
{
    for (size_t i = 0; i < registry->offer_count; i++) {
        if (registry->offers[i].offerer == SELF && is_named(&registry->offers[i], name)) {
            return (enum mcpz_isolation)registry->offers[i].isolation;
        }
    }
    return MCPZ_ISOLATION_UNSAID;
}

bool mcpz_registry_offers_any(const struct mcpz_registry *registry)
{
    return count_offers(registry, SELF) > 0;
}

const struct mcpz_offer *mcpz_registry_find(const struct mcpz_registry *registry,
                                            struct mcpz_bytes name, size_t from)
{
    for (size_t i = from; i < registry->offer_count; i++) {
        const struct mcpz_offer *offer = &registry->offers[i];
        if (registry->offerers[offer->offerer].up && is_shown(registry, offer) &&
            is_named(offer, name)) {
            return offer;
        }
    }
    return NULL;
}
