/* Two that keep one document, and somebody that they know who writes what contradicts itself. */

#ifndef TEST_LIAR_H
#define TEST_LIAR_H

#include "authors.h"
#include "fold_pair.h"
#include "rings.h"
#include "wire/codec.h"

static struct mcpz_identity *liar;

/* What the liar writes first: 7 to some, 8 to others. */
static inline struct mcpz_delta first_delta(uint8_t value)
{
    static uint8_t values[UINT8_MAX + 1];
    static struct mcpz_add adds[UINT8_MAX + 1];

    values[value] = value;
    adds[value] = (struct mcpz_add){
        .type = MCPZ_ENTRY_REGISTER,
        .path = mcpz_bytes("\x91\xa3lie", 5),
        .value = mcpz_bytes(&values[value], 1),
    };
    return (struct mcpz_delta){
        .document = document(),
        .actor = {.node = *mcpz_identity_id(liar), .generation = 1},
        .seq = 1,
        .hlc = mcpz_hlc_of_ms(WALL_MS),
        .adds = &adds[value],
        .add_count = 1,
    };
}

/* As if `peer` had said so to `side`. */
static inline void tell(struct side *side, const struct side *peer, const struct mcpz_delta *delta)
{
    static uint8_t bytes[MCPZ_DELTA_BYTES_MAX];
    const struct mcpz_certificate_bytes certificate = certify(founder.authority, liar);
    const struct mcpz_msg introduction = author_msg(liar, &certificate);
    const struct mcpz_msg msg = sign(liar, delta, bytes);
    struct mcpz_link_row *row = mcpz_link_rows_of(enter(side), mcpz_identity_id(peer->identity));

    CHECK(row != NULL);
    CHECK_UINT(mcpz_authors_take(side->engine, row, &introduction.author), MCPZ_OK);
    CHECK_UINT(mcpz_incoming_batch(side->engine, mcpz_identity_id(peer->identity), &msg.batch),
               MCPZ_OK);
    leave(side);
}

static inline void make_liar(const uint64_t *history_ms)
{
    make_neighbours(history_ms);
    liar = identity_of(99);
}

static inline void free_all(void)
{
    mcpz_identity_destroy(liar);
    free_pair();
    free_rings();
}

/* What is shown at the path of the liar; UINT8_MAX: nothing. */
static inline uint8_t lie_at(struct side *side)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_ENTRY,
        .entry = {.document = document(), .path = mcpz_bytes("\x91\xa3lie", 5)}};
    const struct mcpz_store *store = mcpz_engine_store(enter(side));
    uint8_t value = UINT8_MAX;

    if (store->next(store->context, MCPZ_SCAN_PATH, true, &record) == MCPZ_OK) {
        value = record.entry.value.data[0];
    }
    leave(side);
    return value;
}

/* The document is made, and both hold one branch of the liar's. */
static inline void write_lie(uint8_t value)
{
    const struct mcpz_delta lie = first_delta(value);

    write_many(&founder, 1);
    tell(&founder, &other, &lie);
    tell(&other, &founder, &lie);
    CHECK_UINT(lie_at(&other), value);
    check_same_root();
}

static inline void write_more(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        write_to(&founder, MCPZ_AGENT_SET, "\x91\xa1k", (uint8_t)(i % 100));
        talk();
    }
}

/* Both sign what they hold, and the founder knows that; the other does not yet. */
static inline void sign_at_founder(void)
{
    write_more(MCPZ_FOLD_DELTAS);
    for (int i = 0; i < 40 && count_rows(&founder, MCPZ_RECORD_STABLE) == 0; i++) {
        tick_both();
        while (count_rows(&founder, MCPZ_RECORD_STABLE) == 0 &&
               (hand_over(&founder, &other) || hand_over(&other, &founder))) {
        }
    }
    CHECK_UINT(count_rows(&founder, MCPZ_RECORD_STABLE), 1);
    CHECK_UINT(count_rows(&other, MCPZ_RECORD_STABLE), 0);
}

#endif
