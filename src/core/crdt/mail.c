#include "core/crdt/mail.h"

#include <assert.h>
#include <string.h>

/* Turning a broadcast into sends lists the neighbours in the arena. */
#define BROADCAST_BYTES (MCPZ_LINKS_MAX * sizeof(struct mcpz_id))

#define DELTA_BYTES_MAX                                                                           \
    (MCPZ_ACTORS_MAX * sizeof(struct mcpz_version) +                                              \
     MCPZ_DELTA_ADDS_MAX *                                                                        \
         (sizeof(struct mcpz_add) + MCPZ_PATH_BYTES_MAX + MCPZ_VALUE_BYTES_MAX + 32) +            \
     MCPZ_DELTA_REMOVES_MAX * (sizeof(struct mcpz_remove) + MCPZ_PATH_BYTES_MAX + 16) + 64)

static_assert(DELTA_BYTES_MAX + BROADCAST_BYTES + 64 <= MCPZ_MAIL_BYTES_MAX,
              "a step can pass on any one delta");

void mcpz_mail_init(struct mcpz_mail *mail, struct mcpz_outbox *out)
{
    *mail = (struct mcpz_mail){.out = out};
}

/* What the arena gives for `bytes`. */
static size_t rounded(size_t bytes)
{
    return mcpz_arena_cost(1, bytes);
}

/* Take `bytes` of the arena and one action from our share; three stay for reply and facts. */
static bool reserve(struct mcpz_mail *mail, size_t bytes)
{
    const struct mcpz_arena *arena = &mail->out->arena;

    if (mail->action_count + 3 >= MCPZ_MAIL_ACTIONS_MAX ||
        mail->out->count + 3 >= MCPZ_OUTBOX_MAX ||
        mail->byte_count + bytes > MCPZ_MAIL_BYTES_MAX || bytes > arena->size - arena->used) {
        return false;
    }
    mail->action_count++;
    mail->byte_count += bytes;
    return true;
}

/* Room for a list; reserve() has made sure of it. */
static void *take(struct mcpz_mail *mail, size_t count, size_t size)
{
    void *room = mcpz_arena_take(&mail->out->arena, count, size);

    assert(room != NULL);
    return room;
}

static void send_or_broadcast(struct mcpz_mail *mail, const struct mcpz_id *to,
                              const struct mcpz_id *except, const struct mcpz_msg *msg)
{
    if (to != NULL) {
        mcpz_outbox_send(mail->out, to, msg);
    } else {
        mcpz_outbox_broadcast(mail->out, except, msg);
    }
}

/* What naming the receivers takes. */
static size_t address_bytes(const struct mcpz_id *to)
{
    return to != NULL ? rounded(sizeof(*to)) : BROADCAST_BYTES;
}

/* ---- Deltas ------------------------------------------------------------------------------- */

/* Entries that lie together share their path, and most removes of one write do. */
static bool shares_path(const struct mcpz_delta *delta, size_t index)
{
    return index > 0 &&
           mcpz_bytes_equal(delta->removes[index - 1].path, delta->removes[index].path);
}

size_t mcpz_mail_delta_bytes(const struct mcpz_delta *delta)
{
    size_t bytes = rounded(delta->version_count * sizeof(*delta->versions)) +
                   rounded(delta->add_count * sizeof(*delta->adds)) +
                   rounded(delta->remove_count * sizeof(*delta->removes));

    for (size_t i = 0; i < delta->add_count; i++) {
        bytes += rounded(delta->adds[i].path.length) + rounded(delta->adds[i].value.length);
    }
    for (size_t i = 0; i < delta->remove_count; i++) {
        bytes += shares_path(delta, i) ? 0 : rounded(delta->removes[i].path.length);
    }
    assert(bytes <= DELTA_BYTES_MAX);
    return bytes;
}

static const struct mcpz_version *keep_versions(struct mcpz_mail *mail,
                                                const struct mcpz_version *versions, size_t count)
{
    struct mcpz_version *kept = take(mail, count, sizeof(*kept));
    for (size_t i = 0; i < count; i++) {
        kept[i] = versions[i];
    }
    return kept;
}

static struct mcpz_delta keep_delta(struct mcpz_mail *mail, const struct mcpz_delta *delta)
{
    struct mcpz_add *adds = take(mail, delta->add_count, sizeof(*adds));
    struct mcpz_remove *removes = take(mail, delta->remove_count, sizeof(*removes));

    for (size_t i = 0; i < delta->add_count; i++) {
        adds[i] = delta->adds[i];
        adds[i].path = mcpz_outbox_keep(mail->out, delta->adds[i].path);
        adds[i].value = mcpz_outbox_keep(mail->out, delta->adds[i].value);
    }
    for (size_t i = 0; i < delta->remove_count; i++) {
        removes[i] = delta->removes[i];
        removes[i].path = shares_path(delta, i)
                              ? removes[i - 1].path
                              : mcpz_outbox_keep(mail->out, delta->removes[i].path);
    }

    struct mcpz_delta kept = *delta;
    kept.versions = keep_versions(mail, delta->versions, delta->version_count);
    kept.adds = adds;
    kept.removes = removes;
    return kept;
}

bool mcpz_mail_delta(struct mcpz_mail *mail, const struct mcpz_id *to,
                     const struct mcpz_id *except, const struct mcpz_delta *delta)
{
    if (!reserve(mail, mcpz_mail_delta_bytes(delta) + address_bytes(to))) {
        return false;
    }
    struct mcpz_msg msg = {.kind = MCPZ_MSG_DELTA, .delta = {.delta = keep_delta(mail, delta)}};
    send_or_broadcast(mail, to, except, &msg);
    mail->out->actions[mail->out->count - 1].durable = true;
    return true;
}

/* ---- Comparing and asking ----------------------------------------------------------------- */

bool mcpz_mail_want(struct mcpz_mail *mail, const struct mcpz_id *to,
                    const struct mcpz_document *document)
{
    const struct mcpz_clock *clock = &document->clock;
    const struct mcpz_cuts *cuts = &document->cuts;

    if (!reserve(mail, rounded(clock->count * sizeof(*clock->versions)) +
                           rounded(cuts->count * sizeof(*cuts->cuts)) + address_bytes(to))) {
        return false;
    }
    struct mcpz_cut *kept = take(mail, cuts->count, sizeof(*kept));
    for (size_t i = 0; i < cuts->count; i++) {
        kept[i] = cuts->cuts[i];
    }
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_WANT,
        .want = {.document = document->id,
                 .versions = keep_versions(mail, clock->versions, clock->count),
                 .version_count = clock->count,
                 .cuts = kept,
                 .cut_count = cuts->count},
    };
    mcpz_outbox_send(mail->out, to, &msg);
    return true;
}

bool mcpz_mail_base(struct mcpz_mail *mail, const struct mcpz_id *to,
                    const struct mcpz_id *document)
{
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_AGREED, .agreed = {.document = *document}};

    if (!reserve(mail, address_bytes(to))) {
        return false;
    }
    mcpz_outbox_send(mail->out, to, &msg);
    mail->out->actions[mail->out->count - 1].durable = true;
    return true;
}

static const struct mcpz_tip *keep_tips(struct mcpz_mail *mail, const struct mcpz_tip *tips,
                                        size_t count)
{
    struct mcpz_tip *kept = take(mail, count, sizeof(*kept));
    for (size_t i = 0; i < count; i++) {
        kept[i] = tips[i];
    }
    return kept;
}

bool mcpz_mail_branches(struct mcpz_mail *mail, const struct mcpz_id *to,
                        const struct mcpz_msg_branches *page)
{
    if (!reserve(mail, rounded(page->id_count * sizeof(*page->ids)) + address_bytes(to))) {
        return false;
    }
    struct mcpz_msg msg = {.kind = MCPZ_MSG_BRANCHES, .branches = *page};
    msg.branches.ids = keep_tips(mail, page->ids, page->id_count);
    mcpz_outbox_send(mail->out, to, &msg);
    /* What is asked for by it must find the deltas before it taken in. */
    mail->out->actions[mail->out->count - 1].durable = true;
    return true;
}

bool mcpz_mail_fetch(struct mcpz_mail *mail, const struct mcpz_id *to,
                     const struct mcpz_msg_fetch *fetch)
{
    if (!reserve(mail, rounded(fetch->id_count * sizeof(*fetch->ids)) + address_bytes(to))) {
        return false;
    }
    struct mcpz_msg msg = {.kind = MCPZ_MSG_FETCH, .fetch = *fetch};
    msg.fetch.ids = keep_tips(mail, fetch->ids, fetch->id_count);
    mcpz_outbox_send(mail->out, to, &msg);
    return true;
}

/* What `msg` points to, in the arena. NULL with 0 bytes: nothing. */
static const void *attached(const struct mcpz_msg *msg, size_t *bytes)
{
    const size_t row = sizeof(struct mcpz_digest);

    *bytes = 0;
    if (msg->kind == MCPZ_MSG_CHANGES) {
        *bytes = msg->changes.digest_count * row;
        return msg->changes.digests;
    }
    if (msg->kind == MCPZ_MSG_OFFER) {
        *bytes = msg->offer.digest_count * row;
        return msg->offer.digests;
    }
    if (msg->kind == MCPZ_MSG_SKETCH_ASK) {
        *bytes = msg->sketch_ask.ids.length;
        return msg->sketch_ask.ids.data;
    }
    if (msg->kind == MCPZ_MSG_SKETCH) {
        *bytes = msg->sketch.symbols.length;
        return msg->sketch.symbols.data;
    }
    assert(msg->kind == MCPZ_MSG_ROOT || msg->kind == MCPZ_MSG_CHANGES_ASK ||
           msg->kind == MCPZ_MSG_HORIZON || msg->kind == MCPZ_MSG_UNKNOWN);
    return NULL;
}

static void attach(struct mcpz_msg *msg, const void *copy)
{
    if (msg->kind == MCPZ_MSG_CHANGES) {
        msg->changes.digests = copy;
    } else if (msg->kind == MCPZ_MSG_OFFER) {
        msg->offer.digests = copy;
    } else if (msg->kind == MCPZ_MSG_SKETCH_ASK) {
        msg->sketch_ask.ids.data = copy;
    } else if (msg->kind == MCPZ_MSG_SKETCH) {
        msg->sketch.symbols.data = copy;
    }
}

static bool send_message(struct mcpz_mail *mail, const struct mcpz_id *to,
                         const struct mcpz_msg *msg, bool durable)
{
    size_t bytes;
    const void *from = attached(msg, &bytes);

    if (!reserve(mail, rounded(bytes) + address_bytes(to))) {
        return false;
    }
    struct mcpz_msg kept = *msg;
    if (bytes > 0) {
        void *copy = take(mail, bytes, 1);
        memcpy(copy, from, bytes);
        attach(&kept, copy);
    }
    send_or_broadcast(mail, to, NULL, &kept);
    mail->out->actions[mail->out->count - 1].durable = durable;
    return true;
}

bool mcpz_mail_check(struct mcpz_mail *mail, const struct mcpz_id *to, const struct mcpz_msg *msg)
{
    const struct mcpz_msg_check *check = &msg->check;
    size_t bytes = rounded(check->row_count * sizeof(*check->rows));

    for (size_t i = 0; i < check->row_count; i++) {
        bytes += rounded(check->rows[i].actors.length);
    }
    if (!reserve(mail, bytes + address_bytes(to))) {
        return false;
    }
    struct mcpz_check_row *rows = take(mail, check->row_count, sizeof(*rows));
    for (size_t i = 0; i < check->row_count; i++) {
        rows[i] = check->rows[i];
        rows[i].actors = mcpz_outbox_keep(mail->out, check->rows[i].actors);
    }
    struct mcpz_msg kept = *msg;
    kept.check.rows = rows;
    mcpz_outbox_send(mail->out, to, &kept);
    return true;
}

bool mcpz_mail_message(struct mcpz_mail *mail, const struct mcpz_id *to,
                       const struct mcpz_msg *msg)
{
    /* Deltas wait for the disk; what comes after them must not overtake them, and no number of a
     * change may be known that could be given out again. */
    return send_message(mail, to, msg, true);
}

bool mcpz_mail_question(struct mcpz_mail *mail, const struct mcpz_id *to,
                        const struct mcpz_msg *msg)
{
    return send_message(mail, to, msg, false);
}

bool mcpz_mail_offer(struct mcpz_mail *mail, const struct mcpz_id *to,
                     const struct mcpz_id *document, uint64_t digest)
{
    const struct mcpz_digest one = {.document = *document, .digest = digest};
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OFFER,
        .offer = {.digests = &one, .digest_count = 1},
    };

    return mcpz_mail_message(mail, to, &msg);
}

/* ---- For people --------------------------------------------------------------------------- */

void mcpz_mail_reply(struct mcpz_mail *mail, uint64_t request, const struct mcpz_id *document,
                     struct mcpz_outcome outcome)
{
    struct mcpz_action *action = mcpz_outbox_append(mail->out, MCPZ_ACTION_REPLY);

    action->durable = outcome.code == MCPZ_CODE_OK;
    action->reply.request = request;
    action->reply.code = outcome.code;
    action->reply.text = mcpz_text(outcome.text);
    action->reply.document = *document;
}

void mcpz_mail_merged(struct mcpz_mail *mail, const struct mcpz_id *document)
{
    struct mcpz_fact fact = {.kind = MCPZ_FACT_AGENT_MERGED, .about = *document};

    mcpz_outbox_fact(mail->out, &fact);
}

void mcpz_mail_forked(struct mcpz_mail *mail, const struct mcpz_id *document,
                      const struct mcpz_actor *actor)
{
    struct mcpz_fact fact = {
        .kind = MCPZ_FACT_AGENT_FORKED,
        .about = *document,
        .incarnation = actor->generation,
        .detail = mcpz_outbox_keep(mail->out, mcpz_bytes(actor->node.bytes, MCPZ_ID_BYTES)),
    };

    mcpz_outbox_fact(mail->out, &fact);
}
