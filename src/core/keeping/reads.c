#include "core/keeping/reads.h"

#include <assert.h>

#include "core/keeping/along.h"
#include "core/keeping/step.h"

/* ---- Whom to ask -------------------------------------------------------------------------- */

static void add_owner(struct mcpz_reading *read, const struct mcpz_id *node)
{
    assert(read->owner_count < MCPZ_COPIES_MAX);
    read->owners[read->owner_count++] = (struct mcpz_read_owner){.node = *node};
}

/* Any members will do: ourselves, and neighbours. */
static void find_anybody(struct mcpz_keeping_step *step, struct mcpz_reading *read)
{
    const struct mcpz_overlay *overlay = &step->below->fabric->overlay;

    add_owner(read, &step->keeping->self);
    for (size_t i = 0; i < overlay->active_count && i < MCPZ_COPIES_WITHOUT_LAYOUT; i++) {
        add_owner(read, &overlay->active[i].id);
    }
    read->copies = mcpz_keeping_copies(step);
}

/* We have all that we have; others are to be asked. */
static void find_owners(struct mcpz_keeping_step *step, struct mcpz_reading *read)
{
    struct mcpz_id owners[MCPZ_OWNERS_MAX];
    const size_t count = mcpz_layouts_readers(step->below->layouts, &read->document, owners);

    read->owner_count = 0;
    read->copies = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        add_owner(read, &owners[i]);
    }
    if (count == 0) {
        find_anybody(step, read);
    }
    for (size_t i = 0; i < read->owner_count; i++) {
        read->owners[i].has_answered = mcpz_id_equal(&read->owners[i].node, &step->keeping->self);
    }
}

static void send_read(struct mcpz_keeping_step *step, const struct mcpz_reading *read,
                      const struct mcpz_id *to)
{
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_READ,
                                 .read = {.nonce = read->request, .document = read->document}};

    mcpz_outbox_send(step->out, to, &msg);
}

static void ask(struct mcpz_keeping_step *step, struct mcpz_reading *read)
{
    for (size_t i = 0; i < read->owner_count; i++) {
        struct mcpz_read_owner *owner = &read->owners[i];
        owner->quick = 0;
        if (owner->has_answered) {
            continue;
        }
        if (mcpz_keeping_is_linked(step, &owner->node)) {
            send_read(step, read, &owner->node);
        } else {
            mcpz_keeping_reach(step, &owner->node);
        }
    }
    read->ask_at_us = step->now + MCPZ_READ_AGAIN_US;
}

/* ---- Answering ---------------------------------------------------------------------------- */

static uint32_t count_answered(const struct mcpz_reading *read)
{
    uint32_t count = 0;

    for (size_t i = 0; i < read->owner_count; i++) {
        count += read->owners[i].has_answered ? 1 : 0;
    }
    return count;
}

static void reply(struct mcpz_keeping_step *step, uint64_t request, uint32_t code,
                  const char *text, const struct mcpz_reading *read)
{
    struct mcpz_action *action = mcpz_outbox_append(step->out, MCPZ_ACTION_REPLY);

    action->durable = true; /* what was taken in for it stays */
    action->reply.request = request;
    action->reply.code = code;
    action->reply.text = mcpz_text(text);
    action->reply.copies = read != NULL ? count_answered(read) : 0;
    action->reply.copies_wanted = read != NULL ? read->copies / 2 + 1 : 0;
}

/* Answer if there is something to say. Is it over? */
static bool settle(struct mcpz_keeping_step *step, struct mcpz_reading *read)
{
    struct mcpz_reads *reads = &step->keeping->reads;

    if (count_answered(read) >= read->copies / 2 + 1) {
        reply(step, read->request, MCPZ_CODE_OK, "", read);
    } else if (read->until_us <= step->now) {
        reply(step, read->request, MCPZ_CODE_TIMEOUT,
              "fewer of those that keep this agent than make a quorum have answered", read);
        reads->late++;
    } else {
        return false;
    }
    read->request = 0;
    reads->count--;
    return true;
}

void mcpz_reads_begin(struct mcpz_keeping_step *step, const struct mcpz_event_agent *asked)
{
    struct mcpz_reads *reads = &step->keeping->reads;

    for (size_t i = 0; i < MCPZ_READS_MAX && reads->count < MCPZ_READS_MAX; i++) {
        struct mcpz_reading *read = &reads->reads[i];
        if (read->request != 0) {
            continue;
        }
        *read = (struct mcpz_reading){.request = asked->request,
                                      .document = asked->document,
                                      .until_us =
                                          step->now + MCPZ_MS((mcpz_time)asked->ack_timeout_ms)};
        reads->count++;
        reads->begun++;
        find_owners(step, read);
        if (!settle(step, read)) {
            ask(step, read);
        }
        return;
    }
    reads->too_many++;
    reply(step, asked->request, MCPZ_CODE_BUSY, "too many reads wait for owners", NULL);
}

/* ---- Messages ----------------------------------------------------------------------------- */

void mcpz_reads_on_read(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                        const struct mcpz_msg_read *read)
{
    struct mcpz_document document;
    struct mcpz_along along;

    if (mcpz_id_is_zero(&read->document) ||
        !mcpz_layouts_keeps(step->below->layouts, &step->keeping->self, &read->document) ||
        !mcpz_along_load(step, &read->document, &document)) {
        return;
    }
    const struct mcpz_record_document record = mcpz_document_record(&document);
    if (!mcpz_along_keep(step->out, &record, &along)) {
        return; /* it is asked again */
    }
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_READING,
                                 .reading = {.nonce = read->nonce,
                                             .document = read->document,
                                             .versions = along.versions,
                                             .version_count = along.version_count,
                                             .cuts = along.cuts,
                                             .cut_count = along.cut_count}};
    mcpz_outbox_send(step->out, from, &msg);
    step->out->actions[step->out->count - 1].durable = true; /* behind deltas */
}

/* It is not where we are, and has nothing that we lack: it is behind. */
static bool is_behind(const struct mcpz_document *document, const struct mcpz_along *along)
{
    const struct mcpz_record_document theirs = {.id = along->document,
                                                .versions = along->versions,
                                                .version_count = along->version_count,
                                                .cuts = along->cuts,
                                                .cut_count = along->cut_count};

    return mcpz_document_digest(&theirs) != mcpz_document_digest_of(document);
}

static void hear(struct mcpz_keeping_step *step, struct mcpz_reading *read,
                 struct mcpz_read_owner *owner, const struct mcpz_along *along)
{
    struct mcpz_document document;

    if (!mcpz_along_load(step, &read->document, &document)) {
        return;
    }
    if (mcpz_along_lacks(step, &document, along)) {
        if (owner->quick++ < MCPZ_READ_QUICK_MAX &&
            mcpz_mail_want(&step->mail, &owner->node, &document)) {
            send_read(step, read, &owner->node); /* behind it */
        }
        return;
    }
    owner->has_answered = true;
    if (is_behind(&document, along)) {
        step->keeping->reads.repairs++;
        mcpz_along_offer(step, &document, &owner->node);
    }
    (void)settle(step, read);
}

void mcpz_reads_on_reading(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                           const struct mcpz_msg_reading *said)
{
    struct mcpz_reads *reads = &step->keeping->reads;
    const struct mcpz_along along = {.document = said->document,
                                     .versions = said->versions,
                                     .version_count = said->version_count,
                                     .cuts = said->cuts,
                                     .cut_count = said->cut_count};

    if (said->nonce == 0 || !mcpz_along_is_valid(&along)) {
        return;
    }
    for (size_t i = 0; i < MCPZ_READS_MAX && reads->count > 0; i++) {
        struct mcpz_reading *read = &reads->reads[i];
        if (read->request != said->nonce || !mcpz_id_equal(&read->document, &said->document)) {
            continue;
        }
        for (size_t n = 0; n < read->owner_count && read->request != 0; n++) {
            if (!read->owners[n].has_answered && mcpz_id_equal(&read->owners[n].node, from)) {
                hear(step, read, &read->owners[n], &along);
            }
        }
    }
}

/* ---- Time --------------------------------------------------------------------------------- */

void mcpz_reads_replan(struct mcpz_keeping_step *step)
{
    struct mcpz_reads *reads = &step->keeping->reads;

    for (size_t i = 0; i < MCPZ_READS_MAX && reads->count > 0; i++) {
        struct mcpz_reading *read = &reads->reads[i];
        if (read->request != 0) {
            find_owners(step, read);
            ask(step, read);
        }
    }
}

void mcpz_reads_run(struct mcpz_keeping_step *step)
{
    struct mcpz_reads *reads = &step->keeping->reads;

    for (size_t i = 0; i < MCPZ_READS_MAX && reads->count > 0; i++) {
        struct mcpz_reading *read = &reads->reads[i];
        if (read->request != 0 && !settle(step, read) && read->ask_at_us <= step->now) {
            ask(step, read);
        }
    }
}

mcpz_time mcpz_reads_deadline(const struct mcpz_reads *reads)
{
    mcpz_time deadline = MCPZ_TIME_NEVER;

    for (size_t i = 0; i < MCPZ_READS_MAX && reads->count > 0; i++) {
        const struct mcpz_reading *read = &reads->reads[i];
        if (read->request != 0) {
            deadline = mcpz_time_min(deadline, mcpz_time_min(read->ask_at_us, read->until_us));
        }
    }
    return deadline;
}
