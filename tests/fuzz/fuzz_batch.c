/*
 * Feed any bytes as a BATCH. What verifies is what its author has signed, byte for byte, and what
 * is read of it would be written the same way.
 */

#include <stdlib.h>
#include <string.h>

#include "engine/batch.h"
#include "wire/codec.h"
#include "wire/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define SIGNED_COUNT 5

static struct mcpz_verified verified;
static struct mcpz_batch_made made;
static struct mcpz_merkle_digest known[SIGNED_COUNT];

/* The batch that files of the corpus are parts of. Its deltas are not of any document. */
static void sign(void)
{
    const uint8_t seed[MCPZ_SEED_BYTES] = {42};
    struct mcpz_identity *identity;

    if (mcpz_crypto_init() != MCPZ_OK || mcpz_identity_create(seed, &identity) != MCPZ_OK) {
        abort();
    }
    const struct mcpz_actor author = {.node = *mcpz_identity_id(identity), .generation = 1};
    for (uint8_t i = 0; i < SIGNED_COUNT; i++) {
        const uint8_t delta[2] = {'d', i};
        mcpz_batch_leaf(mcpz_bytes(delta, sizeof(delta)), &known[i]);
    }
    mcpz_batch_sign(identity, &author, known, SIGNED_COUNT, &verified, &made);
    mcpz_identity_destroy(identity);
}

static void check_signed(const struct mcpz_msg_batch *batch,
                         const struct mcpz_merkle_digest *leaves)
{
    struct mcpz_batch_name found;

    if (mcpz_batch_verify(&batch->part, leaves, (uint32_t)batch->delta_count, &verified, &found) !=
        MCPZ_OK) {
        return;
    }
    if (!mcpz_batch_name_equal(&found, &made.name) || batch->part.seal.count != SIGNED_COUNT ||
        memcmp(leaves, known + batch->part.first, batch->delta_count * sizeof(*leaves)) != 0) {
        abort();
    }
}

static void check_delta(struct mcpz_bytes bytes)
{
    static _Alignas(16) uint8_t memory[MCPZ_DELTA_ARENA_BYTES];
    static uint8_t again[MCPZ_DELTA_BYTES_MAX];
    struct mcpz_arena arena;
    struct mcpz_delta delta;

    mcpz_arena_init(&arena, memory, sizeof(memory));
    mcpz_error error = mcpz_delta_decode(bytes, &arena, &delta);
    if (error == MCPZ_EFULL ||
        (error == MCPZ_OK && (mcpz_delta_encode(&delta, again, sizeof(again)) != bytes.length ||
                              memcmp(again, bytes.data, bytes.length) != 0))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static _Alignas(16) uint8_t memory[MCPZ_MSG_ARENA_BYTES];
    static struct mcpz_merkle_digest leaves[MCPZ_BATCH_DELTAS_MAX];
    static bool is_signed;
    struct mcpz_arena arena;
    struct mcpz_msg msg;

    if (!is_signed) {
        sign();
        is_signed = true;
    }
    mcpz_arena_init(&arena, memory, sizeof(memory));
    if (mcpz_msg_decode(mcpz_bytes(bytes, length), &arena, &msg) != MCPZ_OK ||
        msg.kind != MCPZ_MSG_BATCH || msg.batch.delta_count == 0) {
        return 0;
    }
    for (size_t i = 0; i < msg.batch.delta_count; i++) {
        mcpz_batch_leaf(msg.batch.deltas[i], &leaves[i]);
        check_delta(msg.batch.deltas[i]);
    }
    check_signed(&msg.batch, leaves);
    return 0;
}
