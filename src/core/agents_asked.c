#include "core/agents_asked.h"

#include "core/crdt/branches.h"
#include "core/crdt/clock.h"
#include "core/crdt/cuts.h"

/* Read a document that a message is about. False: it cannot be read, which was counted. */
static bool open_document(struct mcpz_agents *agents, const struct mcpz_id *id,
                          struct mcpz_document *document)
{
    if (mcpz_document_load(agents->store, id, document) == MCPZ_OK) {
        return true;
    }
    agents->store_failures++;
    return false;
}

static void on_want(struct mcpz_agents_step *step, const struct mcpz_id *from,
                    const struct mcpz_msg_want *want)
{
    struct mcpz_agents *agents = step->agents;
    struct mcpz_catchup catchup = mcpz_agents_catchup(step, from);
    struct mcpz_document document;
    size_t bytes = 0;
    bool lacks = false;

    if (mcpz_id_is_zero(&want->document) ||
        !mcpz_clock_is_valid(want->versions, want->version_count) ||
        !mcpz_cuts_is_valid(want->cuts, want->cut_count)) {
        agents->messages_refused++;
        return;
    }
    if (!open_document(agents, &want->document, &document)) {
        return;
    }
    mcpz_agents_notice_lost(agents, &document, want->versions, want->version_count);

    mcpz_error error = mcpz_catchup_serve(&catchup, &document, want, &bytes);
    /* It has no more for us than it says by asking; what it has sent is on its way before. If that
     * was of no use (it is stamped by a clock that is ahead, on both sides), it is not asked for
     * again before the next comparison, nor what is below a base: both would ask without end. */
    const bool was_asked = mcpz_wanted_answered(&agents->wanted, from, &want->document);
    if (error == MCPZ_OK && !was_asked && !catchup.is_below) {
        error = mcpz_catchup_lacks(agents->store, &document, want, &lacks);
    }
    agents->store_failures += error != MCPZ_OK ? 1 : 0;
    if (lacks) {
        const struct mcpz_record_document theirs = {
            .id = want->document,
            .versions = want->versions,
            .version_count = want->version_count,
            .cuts = want->cuts,
            .cut_count = want->cut_count,
        };
        (void)mcpz_catchup_ask(&catchup, &document, MCPZ_WANT_GAP, mcpz_document_digest(&theirs));
    } else if (error == MCPZ_OK && bytes == 0 && document.exists) {
        /* There is nothing to send: it need not wait for it. */
        (void)mcpz_mail_offer(&step->mail, from, &document.id, mcpz_document_digest_of(&document));
    }
}

static void on_branches(struct mcpz_agents_step *step, const struct mcpz_id *from,
                        const struct mcpz_msg_branches *page)
{
    struct mcpz_agents *agents = step->agents;
    struct mcpz_catchup catchup = mcpz_agents_catchup(step, from);
    struct mcpz_document document;

    if (!mcpz_branches_page_is_valid(page)) {
        agents->messages_refused++;
    } else if (open_document(agents, &page->document, &document) && document.exists &&
               mcpz_catchup_branches(&catchup, &document, page) != MCPZ_OK) {
        agents->store_failures++;
    }
}

static void on_fetch(struct mcpz_agents_step *step, const struct mcpz_id *from,
                     const struct mcpz_msg_fetch *fetch)
{
    struct mcpz_agents *agents = step->agents;
    struct mcpz_catchup catchup = mcpz_agents_catchup(step, from);
    struct mcpz_document document;
    size_t bytes = 0;

    if (mcpz_id_is_zero(&fetch->document)) {
        agents->messages_refused++;
    } else if (open_document(agents, &fetch->document, &document) && document.exists) {
        mcpz_error error = mcpz_catchup_fetch(&catchup, &document, fetch, &bytes);
        agents->store_failures += error != MCPZ_OK ? 1 : 0;
    }
}

static void on_horizon(struct mcpz_agents_step *step, const struct mcpz_id *from,
                       const struct mcpz_msg_horizon *said)
{
    struct mcpz_agents *agents = step->agents;
    const struct mcpz_sync sync = mcpz_agents_sync(step);
    const struct mcpz_horizon_news news =
        mcpz_recheck_hear(&agents->recheck, &sync, from, said, agents->hlc);

    agents->messages_refused += news.is_invalid ? 1 : 0;
    if (news.is_lifted) {
        mcpz_entropy_read_anew(&agents->entropy, from, step->now);
    }
}

/* What was forgotten, of documents: a question, or the answer to one. */
static void look_through(struct mcpz_agents_step *step, const struct mcpz_id *from,
                         const struct mcpz_msg *msg)
{
    struct mcpz_agents *agents = step->agents;
    const struct mcpz_sync sync = mcpz_agents_sync(step);
    const mcpz_error error = msg->kind == MCPZ_MSG_CHECK
                                 ? mcpz_recheck_answer(&sync, from, &msg->check)
                                 : mcpz_recheck_take(&agents->recheck, &sync, from, &msg->unknown);

    agents->messages_refused += error == MCPZ_EPROTO ? 1 : 0;
    agents->store_failures += error != MCPZ_OK && error != MCPZ_EPROTO ? 1 : 0;
}

static bool is_of_entropy(enum mcpz_msg_kind kind)
{
    return kind >= MCPZ_MSG_ROOT && kind <= MCPZ_MSG_SKETCH;
}

static void compare(struct mcpz_agents_step *step, const struct mcpz_id *from,
                    const struct mcpz_msg *msg)
{
    struct mcpz_agents *agents = step->agents;
    const struct mcpz_sync sync = mcpz_agents_sync(step);
    mcpz_error error = mcpz_entropy_take(&agents->entropy, &sync, from, msg);

    if (error == MCPZ_EPROTO) {
        agents->messages_refused++;
    } else if (error != MCPZ_OK) {
        agents->store_failures++;
    }
}

bool mcpz_agents_asked(struct mcpz_agents_step *step, const struct mcpz_id *from,
                       const struct mcpz_msg *msg)
{
    if (msg->kind == MCPZ_MSG_WANT) {
        on_want(step, from, &msg->want);
        return true;
    }
    if (msg->kind == MCPZ_MSG_BRANCHES) {
        on_branches(step, from, &msg->branches);
        return true;
    }
    if (msg->kind == MCPZ_MSG_FETCH) {
        on_fetch(step, from, &msg->fetch);
        return true;
    }
    if (msg->kind == MCPZ_MSG_HORIZON) {
        on_horizon(step, from, &msg->horizon);
    } else if (msg->kind == MCPZ_MSG_CHECK || msg->kind == MCPZ_MSG_UNKNOWN) {
        look_through(step, from, msg);
    } else if (is_of_entropy(msg->kind)) {
        compare(step, from, msg);
    }
    return false;
}
