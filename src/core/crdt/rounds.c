#include "core/crdt/rounds.h"

#include <string.h>

#include "core/crdt/document.h"

static struct mcpz_round *find(struct mcpz_rounds *rounds, const struct mcpz_id *peer)
{
    for (size_t i = 0; i < rounds->count; i++) {
        if (mcpz_id_equal(&rounds->rounds[i].peer, peer)) {
            return &rounds->rounds[i];
        }
    }
    return NULL;
}

static void end(struct mcpz_rounds *rounds, struct mcpz_round *round)
{
    *round = rounds->rounds[--rounds->count];
}

void mcpz_rounds_start(struct mcpz_rounds *rounds, const struct mcpz_id *peer, mcpz_time now)
{
    struct mcpz_round *round = find(rounds, peer);

    if (round == NULL && rounds->count < MCPZ_LINKS_MAX) {
        round = &rounds->rounds[rounds->count++];
        round->told = true;
    }
    /* As many rounds as there can be links; were there more, the next comparison is theirs. */
    if (round != NULL && round->told) {
        *round = (struct mcpz_round){.peer = *peer, .next_us = now};
    }
}

void mcpz_rounds_stop(struct mcpz_rounds *rounds, const struct mcpz_id *peer)
{
    struct mcpz_round *round = find(rounds, peer);
    if (round != NULL) {
        end(rounds, round);
    }
}

/* Never twice to the same place: a document it cannot take in must not hold up the others. */
static void go_back(struct mcpz_round *round, const struct mcpz_id *document, mcpz_time now)
{
    if (mcpz_id_compare(document, &round->after) <= 0 &&
        mcpz_id_compare(document, &round->rewound_to) > 0) {
        round->next_us = round->told ? now : round->next_us;
        round->rewound_to = *document;
        round->after = mcpz_mail_before(document);
        round->told = false;
    }
}

void mcpz_rounds_asked(struct mcpz_rounds *rounds, const struct mcpz_id *peer,
                       const struct mcpz_id *document, size_t bytes, mcpz_time now)
{
    struct mcpz_round *round = find(rounds, peer);
    if (round == NULL) {
        return;
    }
    if (round->slow_pages == 0) {
        go_back(round, document, now);
    }
    if (round->told) {
        return; /* that was all; it ends when it was to end */
    }
    round->slow_pages = MCPZ_ROUND_SLOW_PAGES;
    round->next_us = round->next_us > now ? round->next_us : now;
    round->next_us += bytes / MCPZ_ROUND_BYTES_PER_US;
}

/* Fill `page` with up to `limit` documents after `after`. */
static mcpz_error fill_page(const struct mcpz_store *store, const struct mcpz_id *after,
                            size_t limit, struct mcpz_digest *digests,
                            struct mcpz_msg_digests *page)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = *after}};
    mcpz_error error = MCPZ_OK;
    size_t count = 0;

    while (count < limit) {
        error = store->next(store->context, MCPZ_SCAN_KIND, false, &record);
        if (error != MCPZ_OK) {
            break;
        }
        const struct mcpz_record_document *document = &record.document;
        digests[count++] = (struct mcpz_digest){
            .document = document->id,
            .digest = mcpz_document_digest(document),
        };
    }
    if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
        return error;
    }

    *page = (struct mcpz_msg_digests){.after = *after, .digests = digests, .digest_count = count};
    if (error == MCPZ_ENOTFOUND) {
        memset(page->upto.bytes, 0xff, MCPZ_ID_BYTES);
    } else {
        page->upto = digests[count - 1].document;
    }
    return MCPZ_OK;
}

static bool is_last(const struct mcpz_id *upto)
{
    struct mcpz_id last;
    memset(last.bytes, 0xff, MCPZ_ID_BYTES);
    return mcpz_id_equal(upto, &last);
}

/* Mail one page. `*done`: nothing comes after it, or there is no more room in this step. */
static mcpz_error send_page(struct mcpz_rounds *rounds, struct mcpz_round *round,
                            const struct mcpz_store *store, mcpz_time now, struct mcpz_mail *mail,
                            bool *done)
{
    struct mcpz_digest digests[MCPZ_DIGESTS_PER_MESSAGE_MAX];
    struct mcpz_msg_digests page;
    size_t limit = round->slow_pages > 0 ? MCPZ_ROUND_SLOW_DIGESTS : MCPZ_ROUND_FAST_DIGESTS;

    *done = true;
    mcpz_error error = fill_page(store, &round->after, limit, digests, &page);
    if (error != MCPZ_OK) {
        end(rounds, round);
        return error;
    }
    if (!mcpz_mail_digests(mail, &round->peer, &page)) {
        return MCPZ_OK;
    }
    round->after = page.upto;
    round->told = is_last(&page.upto);
    *done = round->told;
    if (round->told) {
        round->slow_pages = 0;
        round->next_us = now + MCPZ_ROUND_LINGER_US;
    } else if (round->slow_pages > 0) {
        round->slow_pages--;
    }
    return MCPZ_OK;
}

static struct mcpz_round *longest_waiting(struct mcpz_rounds *rounds, mcpz_time now)
{
    struct mcpz_round *first = NULL;
    for (size_t i = 0; i < rounds->count; i++) {
        struct mcpz_round *round = &rounds->rounds[i];
        if (round->next_us <= now && (first == NULL || round->next_us < first->next_us)) {
            first = round;
        }
    }
    return first;
}

mcpz_error mcpz_rounds_run(struct mcpz_rounds *rounds, const struct mcpz_store *store,
                           mcpz_time now, struct mcpz_mail *mail)
{
    struct mcpz_round *round = longest_waiting(rounds, now);
    if (round == NULL) {
        return MCPZ_OK;
    }
    if (round->told) {
        end(rounds, round);
        return MCPZ_OK;
    }

    bool is_slow = round->slow_pages > 0;
    size_t page_count = is_slow ? 1 : MCPZ_ROUND_FAST_PAGES;
    bool done = false;

    round->next_us = now + (is_slow ? MCPZ_ROUND_SLOW_PAUSE_US : MCPZ_ROUND_FAST_PAUSE_US);
    for (size_t i = 0; i < page_count && !done; i++) {
        mcpz_error error = send_page(rounds, round, store, now, mail, &done);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    return MCPZ_OK;
}

mcpz_time mcpz_rounds_deadline(const struct mcpz_rounds *rounds)
{
    mcpz_time deadline = MCPZ_TIME_NEVER;
    for (size_t i = 0; i < rounds->count; i++) {
        deadline = mcpz_time_min(deadline, rounds->rounds[i].next_us);
    }
    return deadline;
}
