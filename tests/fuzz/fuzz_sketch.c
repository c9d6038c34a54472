/*
 * Any messages of comparing, in any order, to a node of a few documents that is in the midst of a
 * sketch with the peer who sends them: the peer knows the session, so it gets as far as rubbish
 * can. Whatever comes, work and answers are bounded, and what is found is asked for by its right
 * name.
 */

#include "entropy_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define DOCUMENTS 200
#define SYMBOLS_OF(bytes) ((bytes) / MCPZ_IBLT_SYMBOL_BYTES * MCPZ_IBLT_SYMBOL_BYTES)

static struct pair *pair;

/* What the peer says next, made of the input: the first byte says what it is. */
static struct mcpz_msg message(const uint8_t *bytes, size_t length)
{
    const struct mcpz_sketch *asker = &pair->sides[0].entropy.asker.sketch;
    const struct mcpz_sketch *teller = &pair->sides[0].entropy.teller.sketch;
    const struct mcpz_bytes rest = mcpz_bytes(bytes + 1, length - 1);

    switch (bytes[0] % 8) {
    case 0:
        return (struct mcpz_msg){.kind = MCPZ_MSG_SKETCH,
                                 .sketch = {.session = asker->session, .nonce = bytes[0]}};
    case 1:
        return (struct mcpz_msg){
            .kind = MCPZ_MSG_SKETCH,
            .sketch = {.session = asker->session,
                       .first = (uint32_t)pair->sides[0].entropy.asker.decoder.cell_count,
                       .symbols = mcpz_bytes(rest.data, SYMBOLS_OF(rest.length))}};
    case 2:
        return (struct mcpz_msg){
            .kind = MCPZ_MSG_SKETCH_ASK,
            .sketch_ask = {.session = 9, .step = MCPZ_SKETCH_START, .count = bytes[0] + 1U}};
    case 3:
        return (struct mcpz_msg){
            .kind = MCPZ_MSG_SKETCH_ASK,
            .sketch_ask = {.session = teller->session,
                           .step = MCPZ_SKETCH_MORE,
                           .first = (uint32_t)pair->sides[0].entropy.teller.sent,
                           .count = bytes[0] / 8U}};
    case 4:
        return (struct mcpz_msg){
            .kind = MCPZ_MSG_SKETCH_ASK,
            .sketch_ask = {.session = teller->session, .step = MCPZ_SKETCH_FOUND, .ids = rest}};
    case 5:
        return (struct mcpz_msg){
            .kind = MCPZ_MSG_SKETCH_ASK,
            .sketch_ask = {.session = teller->session,
                           .step = bytes[0] < 128 ? MCPZ_SKETCH_TAKEN : MCPZ_SKETCH_GIVE_UP}};
    case 6:
        return (struct mcpz_msg){.kind = MCPZ_MSG_ROOT, .root = {.count = bytes[0], .seq = 7}};
    default:
        return (struct mcpz_msg){
            .kind = MCPZ_MSG_CHANGES,
            .changes = {.epoch = pair->sides[0].entropy.peers[0].pull_epoch,
                        .since = pair->sides[0].entropy.peers[0].pull_seq,
                        .upto = pair->sides[0].entropy.peers[0].pull_seq + bytes[0],
                        .last = bytes[0] > 128}};
    }
}

/* Let the node do what it is at, and throw away what it says. */
static void go_on(void)
{
    struct mcpz_mail mail;

    for (size_t i = 0; i < 3; i++) {
        pair->now += MCPZ_SWEEP_PAUSE_US;
        const struct mcpz_sync sync = pair_sync(pair, 0, &mail);
        mcpz_entropy_tick(&pair->sides[0].entropy, &sync, &pair->sides[0].overlay);
        pair_must(pair->out.count <= MCPZ_MAIL_ACTIONS_MAX, "too many actions");
    }
}

static void receive(const struct mcpz_msg *msg)
{
    struct mcpz_entropy *entropy = &pair->sides[0].entropy;
    struct mcpz_mail mail;
    const struct mcpz_sync sync = pair_sync(pair, 0, &mail);

    const mcpz_error error = mcpz_entropy_take(entropy, &sync, &pair->sides[1].id, msg);
    pair_must(error == MCPZ_OK || error == MCPZ_EPROTO, "the store is whole");
    pair_must(pair->out.count <= MCPZ_MAIL_ACTIONS_MAX, "too many actions");
    pair_must(pair->out.arena.used <= MCPZ_MAIL_BYTES_MAX, "too many bytes");
    pair_must(entropy->asker.decoder.difference_count <= MCPZ_SKETCH_SYMBOLS_MAX, "no bound");
    pair_must(entropy->teller.row_count <= MCPZ_DIGESTS_PER_MESSAGE_MAX, "too many rows");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct mcpz_mail mail;

    pair = pair_make(DOCUMENTS, 0);
    pair_link(pair);
    go_on();
    const struct mcpz_sync sync = pair_sync(pair, 0, &mail);
    const struct mcpz_sketch_start start = {
        .session = 5, .nonce = 6, .ours = DOCUMENTS, .theirs = DOCUMENTS};
    pair_must(
        mcpz_sketch_asker_start(&pair->sides[0].entropy.asker, &sync, &pair->sides[1].id, &start),
        "no room to start");
    /* Pieces, each with its length in front. */
    for (size_t at = 0; at + 1 < length;) {
        const size_t left = length - at - 1;
        const size_t piece = bytes[at] < left ? bytes[at] : left;
        if (piece > 0) {
            const struct mcpz_msg msg = message(bytes + at + 1, piece);
            receive(&msg);
            go_on();
        }
        at += 1 + piece;
    }
    for (size_t i = 0; i < DOCUMENTS; i++) {
        pair_must(pair->sides[0].rows[i].version.seq == 1, "it changed a document");
    }
    pair_free(pair);
    return 0;
}
