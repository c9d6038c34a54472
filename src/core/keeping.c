#include "core/keeping.h"

#include <assert.h>

#include "base/clear.h"
#include "core/crdt/clock.h"
#include "core/crdt/document.h"
#include "core/crdt/mail.h"
#include "core/keeping/pull.h"
#include "core/keeping/step.h"

static struct mcpz_keeping_step begin(struct mcpz_keeping *keeping,
                                      const struct mcpz_keeping_below *below, mcpz_time now,
                                      uint64_t wall_ms, struct mcpz_outbox *out)
{
    struct mcpz_keeping_step step = {
        .keeping = keeping, .below = below, .now = now, .wall_ms = wall_ms, .out = out};

    mcpz_mail_init(&step.mail, out);
    return step;
}

/* What is written next has the number of what is lost, and would be taken for it. */
static void find_lost(struct mcpz_keeping *keeping, struct mcpz_ack_wait *wait)
{
    struct mcpz_document document;

    if (mcpz_document_load(keeping->store, &wait->document, &document) != MCPZ_OK) {
        keeping->store_failures++;
        return;
    }
    const struct mcpz_clock *clock = &document.clock;
    if (mcpz_clock_get(clock->versions, clock->count, &wait->actor) < wait->seq) {
        wait->is_lost = true;
        wait->ask_at_us = 0; /* it is said at the next occasion */
    }
}

void mcpz_keeping_recover(struct mcpz_keeping *keeping, mcpz_time now)
{
    struct mcpz_acks *acks = &keeping->acks;

    for (size_t i = 0; i < MCPZ_ACK_WAITS_MAX && acks->count > 0; i++) {
        if (acks->waits[i].request != 0) {
            find_lost(keeping, &acks->waits[i]);
        }
    }
    keeping->store_failures += mcpz_hints_recover(&keeping->hints, keeping->store, now);
}

void mcpz_keeping_init(struct mcpz_keeping *keeping, const struct mcpz_id *self,
                       const struct mcpz_store *store, uint64_t seed)
{
    mcpz_clear(keeping, sizeof(*keeping));
    keeping->self = *self;
    keeping->store = store;
    keeping->store_failures += mcpz_hints_init(&keeping->hints, store);
    mcpz_rounds_init(&keeping->rounds, seed);
}

/* ---- Whom a delta goes to ----------------------------------------------------------------- */

/*
 * A delta goes to the owners, from whoever wrote it; who gets it as an owner leaves it at that, as
 * the others get it from the same. One who is no owner hands it to them.
 */
static void direct(struct mcpz_keeping_step *step, size_t at)
{
    struct mcpz_action *action = &step->out->actions[at];
    const struct mcpz_id *document = &action->send.msg.delta.delta.document;
    const struct mcpz_id except = action->send.except;
    struct mcpz_id owners[MCPZ_OWNERS_MAX];
    const size_t count = mcpz_layouts_owners(step->below->layouts, document, owners);
    const bool is_ours = mcpz_id_is_zero(&except); /* not passed on for another */
    bool is_owner = false;
    size_t kept = 0;

    if (count == 0) {
        return; /* everybody keeps it */
    }
    for (size_t i = 0; i < count; i++) {
        is_owner = is_owner || mcpz_id_equal(&owners[i], &step->keeping->self);
        if (!mcpz_id_equal(&owners[i], &step->keeping->self) &&
            !mcpz_id_equal(&owners[i], &except)) {
            owners[kept++] = owners[i];
        }
    }
    if (kept == 0 || (is_owner && !is_ours)) {
        action->kind = MCPZ_ACTION_NONE;
        return;
    }
    const struct mcpz_bytes peers =
        mcpz_outbox_keep(step->out, mcpz_bytes(owners[0].bytes, kept * sizeof(owners[0])));
    action->kind = MCPZ_ACTION_SEND;
    action->send.peers = (const struct mcpz_id *)(const void *)peers.data;
    action->send.peer_count = kept;
    step->keeping->deltas_directed++;
    for (size_t i = 0; i < kept; i++) {
        if (mcpz_keeping_may_miss(step, &owners[i])) {
            mcpz_hints_note(step, &owners[i], document,
                            mcpz_mail_delta_bytes(&action->send.msg.delta.delta));
        }
        mcpz_keeping_reach(step, &owners[i]);
    }
}

/* ---- Acknowledgements --------------------------------------------------------------------- */

static struct mcpz_layout_stamp newest_stamp(const struct mcpz_keeping_step *step)
{
    const struct mcpz_live_layout *newest =
        mcpz_layout_history_newest(&step->below->layouts->history);

    return newest != NULL ? newest->stamp : (struct mcpz_layout_stamp){0};
}

uint32_t mcpz_keeping_copies(const struct mcpz_keeping_step *step)
{
    const struct mcpz_store *store = step->keeping->store;
    const size_t alive = mcpz_members_alive_count(&step->below->fabric->members);
    struct mcpz_record met = {.kind = MCPZ_RECORD_PEER};
    size_t count = 1; /* ourselves */

    while (count < MCPZ_COPIES_WITHOUT_LAYOUT && alive < MCPZ_COPIES_WITHOUT_LAYOUT &&
           store->next(store->context, MCPZ_SCAN_KIND, count == 1, &met) == MCPZ_OK) {
        count++;
    }
    count = alive > count ? alive : count;
    return (uint32_t)(count < MCPZ_COPIES_WITHOUT_LAYOUT ? count : MCPZ_COPIES_WITHOUT_LAYOUT);
}

/* Any members will do: ourselves, those that have it already, and neighbours, who have it from us.
 */
static void find_anybody(struct mcpz_keeping_step *step, struct mcpz_ack_wait *wait)
{
    const struct mcpz_overlay *overlay = &step->below->fabric->overlay;

    for (size_t i = 0; i < wait->owner_count; i++) {
        const struct mcpz_id has_it = wait->owners[i].node;
        mcpz_ack_wait_add(wait, 0, &has_it);
    }
    mcpz_ack_wait_add(wait, 0, &step->keeping->self);
    for (size_t i = 0; i < overlay->active_count && i < MCPZ_COPIES_WITHOUT_LAYOUT; i++) {
        mcpz_ack_wait_add(wait, 0, &overlay->active[i].id);
    }
    wait->set_sizes[0] = (uint8_t)mcpz_keeping_copies(step);
}

static void find_owners(struct mcpz_keeping_step *step, struct mcpz_ack_wait *wait)
{
    struct mcpz_owner_set sets[MCPZ_LAYOUTS_LIVE_MAX];
    const struct mcpz_layout_history *history = &step->below->layouts->history;
    const size_t count = mcpz_document_is_everywhere(&wait->document)
                             ? 0
                             : mcpz_layout_history_sets(history, &wait->document, sets);

    mcpz_ack_wait_replan(wait, newest_stamp(step));
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < sets[i].count; n++) {
            mcpz_ack_wait_add(wait, i, &sets[i].nodes[n]->id);
        }
    }
    if (count == 0) {
        find_anybody(step, wait);
    }
}

static void send_ask(struct mcpz_keeping_step *step, const struct mcpz_ack_wait *wait,
                     const struct mcpz_id *to)
{
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_ACK_ASK,
                                 .ack_ask = {.document = wait->document,
                                             .actor = wait->actor,
                                             .seq = wait->seq,
                                             .stamp = wait->stamp}};

    mcpz_outbox_send(step->out, to, &msg);
    step->out->actions[step->out->count - 1].durable = true; /* behind the deltas */
}

/* Its last delta once more, for who may have lost it; what comes before that they ask for. */
static void send_again(struct mcpz_keeping_step *step, const struct mcpz_ack_wait *wait,
                       const struct mcpz_id *to)
{
    const struct mcpz_store *store = step->keeping->store;
    struct mcpz_record record;

    if (mcpz_document_find_delta(store, &wait->document, &wait->actor, wait->seq, &record) !=
        MCPZ_OK) {
        step->keeping->store_failures++;
        return;
    }
    /* Without room the next time will do. */
    (void)!mcpz_mail_delta(&step->mail, to, NULL, &record.delta.delta);
}

/* Ask who has not said that it has it. */
static void ask(struct mcpz_keeping_step *step, struct mcpz_ack_wait *wait, bool again)
{
    for (size_t i = 0; i < wait->owner_count; i++) {
        const struct mcpz_ack_owner *owner = &wait->owners[i];
        if (owner->has || owner->sets == 0) {
            continue;
        }
        if (!mcpz_keeping_is_linked(step, &owner->node)) {
            mcpz_keeping_reach(step, &owner->node);
            continue;
        }
        if (again) {
            send_again(step, wait, &owner->node);
        }
        send_ask(step, wait, &owner->node);
    }
    wait->ask_at_us = step->now + MCPZ_ACK_AGAIN_US;
}

static void reply(struct mcpz_keeping_step *step, const struct mcpz_ack_wait *wait, uint32_t code,
                  const char *text)
{
    struct mcpz_action *action = mcpz_outbox_append(step->out, MCPZ_ACTION_REPLY);

    action->durable = true;
    action->reply.request = wait->request;
    action->reply.code = code;
    action->reply.text = mcpz_text(text);
    action->reply.document = wait->document;
    action->reply.copies = mcpz_ack_wait_reached(wait);
    action->reply.copies_wanted = mcpz_ack_wait_wanted(wait);
}

/* Owners that have not said that they have it may have missed it. */
static void hint_silent(struct mcpz_keeping_step *step, const struct mcpz_ack_wait *wait)
{
    for (size_t i = 0; i < wait->owner_count; i++) {
        const struct mcpz_ack_owner *owner = &wait->owners[i];
        if (!owner->has && owner->sets != 0 && mcpz_layouts_any(step->below->layouts)) {
            mcpz_hints_note(step, &owner->node, &wait->document, 0);
        }
    }
}

/* Answer if there is something to say. Is it over? */
static bool settle(struct mcpz_keeping_step *step, struct mcpz_ack_wait *wait)
{
    struct mcpz_acks *acks = &step->keeping->acks;

    if (wait->is_lost) {
        reply(step, wait, MCPZ_CODE_STORE_FAILED, "nothing was written: the store failed");
    } else if (mcpz_ack_wait_is_over(wait)) {
        reply(step, wait, MCPZ_CODE_OK, "");
        acks->reached++;
    } else if (wait->until_us <= step->now) {
        reply(step, wait, MCPZ_CODE_TIMEOUT, "it is written, but not on as many disks in time");
        acks->late++;
        hint_silent(step, wait);
    } else {
        return false;
    }
    mcpz_acks_end(acks, wait);
    return true;
}

/* A write was answered with OK: hold that back, if it waits for more. */
static void hold(struct mcpz_keeping_step *step, const struct mcpz_event_agent *written,
                 struct mcpz_action *answer)
{
    struct mcpz_keeping *keeping = step->keeping;
    const struct mcpz_actor *actor = &step->below->agents->writer;
    struct mcpz_document document;

    if (mcpz_document_load(keeping->store, &written->document, &document) != MCPZ_OK) {
        keeping->store_failures++;
        return;
    }
    const uint64_t seq = mcpz_clock_get(document.clock.versions, document.clock.count, actor);
    struct mcpz_ack_wait *wait =
        seq > 0 ? mcpz_acks_begin(&keeping->acks, written->request) : NULL;
    if (wait == NULL) {
        if (seq > 0) { /* too many wait */
            answer->reply.code = MCPZ_CODE_TIMEOUT;
            answer->reply.copies = 1;
            answer->reply.copies_wanted = 2;
        }
        return;
    }
    answer->kind = MCPZ_ACTION_NONE;
    wait->level = written->ack;
    wait->document = written->document;
    wait->actor = *actor;
    wait->seq = seq;
    wait->until_us = step->now + MCPZ_MS((mcpz_time)written->ack_timeout_ms);
    find_owners(step, wait);
    mcpz_ack_wait_note(wait, &keeping->self); /* the answer waits for our own disk anyway */
    if (!settle(step, wait)) {
        ask(step, wait, false);
    }
}

void mcpz_keeping_pass(struct mcpz_keeping *keeping, const struct mcpz_keeping_below *below,
                       mcpz_time now, const struct mcpz_event *event, struct mcpz_outbox *out,
                       size_t from)
{
    struct mcpz_keeping_step step = begin(keeping, below, now, event->wall_ms, out);
    const size_t end = out->count;
    const bool waits = event->kind == MCPZ_EVENT_AGENT_WRITE && event->agent.ack != MCPZ_ACK_ASYNC;

    for (size_t i = from; i < end; i++) {
        struct mcpz_action *action = &out->actions[i];
        if (action->kind == MCPZ_ACTION_BROADCAST && action->send.msg.kind == MCPZ_MSG_DELTA) {
            direct(&step, i);
        } else if (waits && action->kind == MCPZ_ACTION_REPLY &&
                   action->reply.request == event->agent.request &&
                   action->reply.code == MCPZ_CODE_OK) {
            hold(&step, &event->agent, action);
        }
    }
}

/* ---- Messages ----------------------------------------------------------------------------- */

/* May we say that we have it, by the layouts that both sides know? */
static bool may_count(const struct mcpz_keeping_step *step, const struct mcpz_msg_ack_ask *ask)
{
    const struct mcpz_layouts *layouts = step->below->layouts;

    return !mcpz_layouts_any(layouts) || mcpz_document_is_everywhere(&ask->document) ||
           mcpz_layout_history_takes(&layouts->history, ask->stamp);
}

static void on_ask(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                   const struct mcpz_msg_ack_ask *ask)
{
    struct mcpz_document document;

    if (!may_count(step, ask)) {
        return;
    }
    if (mcpz_document_load(step->keeping->store, &ask->document, &document) != MCPZ_OK) {
        step->keeping->store_failures++;
        return;
    }
    const struct mcpz_clock *clock = &document.clock;
    if (mcpz_clock_get(clock->versions, clock->count, &ask->actor) < ask->seq ||
        mcpz_clock_is_closed(clock->versions, clock->count, &ask->actor)) {
        return; /* it is on its way, or sent again; of a life that is over nothing is taken in */
    }
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_ACK,
        .ack = {.document = ask->document, .actor = ask->actor, .seq = ask->seq}};
    mcpz_outbox_send(step->out, from, &msg);
    step->out->actions[step->out->count - 1].durable = true;
    step->keeping->acks_given++;
}

static void on_ack(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                   const struct mcpz_msg_ack *ack)
{
    struct mcpz_acks *acks = &step->keeping->acks;

    for (size_t i = 0; i < MCPZ_ACK_WAITS_MAX && acks->count > 0; i++) {
        struct mcpz_ack_wait *wait = &acks->waits[i];
        if (wait->request != 0 && wait->seq <= ack->seq &&
            mcpz_id_equal(&wait->document, &ack->document) &&
            mcpz_actor_compare(&wait->actor, &ack->actor) == 0) {
            mcpz_ack_wait_note(wait, from);
            (void)settle(step, wait);
        }
    }
}

/* ---- The machine -------------------------------------------------------------------------- */

/* Another layout is known: its owners count as well. Or there is none, and a neighbour has come.
 */
static void replan(struct mcpz_keeping_step *step)
{
    struct mcpz_acks *acks = &step->keeping->acks;

    for (size_t i = 0; i < MCPZ_ACK_WAITS_MAX && acks->count > 0; i++) {
        struct mcpz_ack_wait *wait = &acks->waits[i];
        if (wait->request != 0) {
            find_owners(step, wait);
            mcpz_ack_wait_note(wait, &step->keeping->self);
            ask(step, wait, true);
        }
    }
}

/* By a layout, or as there is none and any will do. */
static bool are_others_to_be_asked(const struct mcpz_keeping_step *step,
                                   const struct mcpz_fact *fact)
{
    return fact->kind == MCPZ_FACT_LAYOUT ||
           (fact->kind == MCPZ_FACT_NEIGHBOUR_UP && !mcpz_layouts_any(step->below->layouts));
}

static void on_tick(struct mcpz_keeping_step *step)
{
    struct mcpz_acks *acks = &step->keeping->acks;

    for (size_t i = 0; i < MCPZ_ACK_WAITS_MAX && acks->count > 0; i++) {
        struct mcpz_ack_wait *wait = &acks->waits[i];
        if (wait->request != 0 && !settle(step, wait) && wait->ask_at_us <= step->now) {
            find_owners(step, wait); /* without a layout others may have come */
            ask(step, wait, true);
        }
    }
}

static void on_recv(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                    const struct mcpz_msg *msg)
{
    if (msg->kind == MCPZ_MSG_ACK_ASK) {
        on_ask(step, from, &msg->ack_ask);
    } else if (msg->kind == MCPZ_MSG_ACK) {
        on_ack(step, from, &msg->ack);
    } else if (msg->kind == MCPZ_MSG_HANDOVER) {
        mcpz_handover_on_offer(step, from, &msg->handover);
    } else if (msg->kind == MCPZ_MSG_HANDED) {
        mcpz_handover_on_handed(step, from, &msg->handed);
        mcpz_hints_on_handed(step, from, &msg->handed);
    } else if (msg->kind == MCPZ_MSG_WANT) {
        mcpz_handover_on_want(step, from, &msg->want.document);
        mcpz_hints_on_want(step, from, &msg->want.document);
    } else if (msg->kind == MCPZ_MSG_PULL) {
        mcpz_pull_on_pull(step, from, &msg->pull);
    } else if (msg->kind == MCPZ_MSG_PULLED) {
        mcpz_pull_on_pulled(step, from, &msg->pulled);
    } else if (msg->kind == MCPZ_MSG_READ) {
        mcpz_reads_on_read(step, from, &msg->read);
    } else if (msg->kind == MCPZ_MSG_READING) {
        mcpz_reads_on_reading(step, from, &msg->reading);
    }
}

/* Whoever keeps it with us may know whether it was forgotten (core/crdt/recheck.h). */
static void seek_witness(struct mcpz_keeping_step *step)
{
    const struct mcpz_id *document = &step->below->agents->recheck.unwitnessed;
    struct mcpz_id owners[MCPZ_OWNERS_MAX];

    if (mcpz_id_is_zero(document)) {
        return;
    }
    const size_t count = mcpz_layouts_owners(step->below->layouts, document, owners);
    for (size_t i = 0; i < count; i++) {
        if (!mcpz_id_equal(&owners[i], &step->keeping->self)) {
            mcpz_keeping_reach(step, &owners[i]);
        }
    }
}

void mcpz_keeping_step(struct mcpz_keeping *keeping, const struct mcpz_keeping_below *below,
                       mcpz_time now, const struct mcpz_event *event, struct mcpz_outbox *out)
{
    struct mcpz_keeping_step step = begin(keeping, below, now, event->wall_ms, out);

    keeping->handover.gone_count = 0;
    keeping->rounds.linked = (struct mcpz_id){{0}};
    if (event->kind == MCPZ_EVENT_TICK) {
        on_tick(&step);
    } else if (event->kind == MCPZ_EVENT_AGENT_READ) {
        mcpz_reads_begin(&step, &event->agent);
    } else if (event->kind == MCPZ_EVENT_MEET) {
        mcpz_keeping_reach(&step, &event->link.peer);
    } else if (event->kind == MCPZ_EVENT_RECV) {
        on_recv(&step, &event->recv.from, event->recv.msg);
    } else if (event->kind == MCPZ_EVENT_FACT && are_others_to_be_asked(&step, &event->fact)) {
        replan(&step);
        mcpz_reads_replan(&step);
    } else if (event->kind == MCPZ_EVENT_FACT &&
               (event->fact.kind == MCPZ_FACT_LINKED || event->fact.kind == MCPZ_FACT_RELAYED)) {
        mcpz_pull_on_linked(&step, &event->fact.about);
        mcpz_hints_on_linked(&step);
    }
    seek_witness(&step);
    mcpz_reads_run(&step);
    mcpz_hints_run(&step);
    mcpz_pull_run(&step);
    mcpz_handover_run(&step);
    mcpz_rounds_run(&step);
}

mcpz_time mcpz_keeping_deadline(const struct mcpz_keeping *keeping)
{
    mcpz_time deadline = mcpz_acks_deadline(&keeping->acks);

    deadline = mcpz_time_min(deadline, mcpz_reads_deadline(&keeping->reads));
    deadline = mcpz_time_min(deadline, mcpz_hints_deadline(&keeping->hints));
    deadline = mcpz_time_min(deadline, mcpz_pull_deadline(&keeping->puller));
    deadline = mcpz_time_min(deadline, mcpz_rounds_deadline(&keeping->rounds));
    return mcpz_time_min(deadline, mcpz_handover_deadline(&keeping->handover));
}
