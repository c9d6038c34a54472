#include "engine/batch.h"

#include <assert.h>
#include <string.h>

static_assert(MCPZ_BATCH_DELTAS_MAX == MCPZ_MERKLE_LEAVES_MAX &&
                  MCPZ_BATCH_BESIDE_MAX == MCPZ_MERKLE_BESIDE_MAX &&
                  MCPZ_BATCH_DIGEST_BYTES == sizeof(struct mcpz_merkle_digest),
              "a batch is a tree");

/* Nothing else that a node signs begins so. */
static const char words[] = "mcpz batch: ";
#define WORDS_BYTES (sizeof(words) - 1)

struct statement {
    uint8_t bytes[WORDS_BYTES + MCPZ_ID_BYTES + 4 + 4 + MCPZ_DIGEST_BYTES];
};

static void put_u32(uint8_t *bytes, uint32_t number)
{
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(number >> (24 - 8 * i));
    }
}

static struct statement statement_of(const struct mcpz_actor *author, uint32_t count,
                                     const struct mcpz_merkle_digest *root)
{
    struct statement said;
    uint8_t *at = said.bytes;

    memcpy(at, words, WORDS_BYTES);
    at += WORDS_BYTES;
    memcpy(at, author->node.bytes, MCPZ_ID_BYTES);
    at += MCPZ_ID_BYTES;
    put_u32(at, author->generation);
    put_u32(at + 4, count);
    memcpy(at + 8, root->bytes, sizeof(root->bytes));
    return said;
}

static void name_of(const struct statement *said, struct mcpz_batch_name *name)
{
    uint8_t digest[MCPZ_DIGEST_BYTES];

    mcpz_digest(MCPZ_DIGEST_BATCH, mcpz_bytes(said->bytes, sizeof(said->bytes)), digest);
    memcpy(name->bytes, digest, sizeof(name->bytes));
}

static struct mcpz_verified_claim
claim_of(const struct mcpz_id *author, const struct statement *said, struct mcpz_bytes signature)
{
    return (struct mcpz_verified_claim){
        .signer = mcpz_bytes(author->bytes, MCPZ_ID_BYTES),
        .said = mcpz_bytes(said->bytes, sizeof(said->bytes)),
        .signature = signature,
    };
}

void mcpz_batch_leaf(struct mcpz_bytes delta, struct mcpz_merkle_digest *leaf)
{
    mcpz_digest(MCPZ_DIGEST_DELTA, delta, leaf->bytes);
}

void mcpz_batch_sign(const struct mcpz_identity *identity, const struct mcpz_actor *author,
                     const struct mcpz_merkle_digest *leaves, uint32_t count,
                     struct mcpz_verified *verified, struct mcpz_batch_made *made)
{
    const struct mcpz_merkle_run all = {.tree_count = count, .count = count, .leaves = leaves};
    struct mcpz_merkle_digest root;

    assert(mcpz_id_equal(&author->node, mcpz_identity_id(identity)));
    mcpz_error error = mcpz_merkle_root(&all, &root);
    assert(error == MCPZ_OK);

    const struct statement said = statement_of(author, count, &root);
    mcpz_identity_sign(identity, mcpz_bytes(said.bytes, sizeof(said.bytes)), made->signature);
    const struct mcpz_verified_claim claim =
        claim_of(&author->node, &said, mcpz_bytes(made->signature, sizeof(made->signature)));
    mcpz_verified_add(verified, &claim);
    name_of(&said, &made->name);
}

/* The digests as they travel: side by side. Copied, as nobody promises how they are aligned. */
static mcpz_error read_digests(struct mcpz_bytes bytes, size_t max,
                               struct mcpz_merkle_digest *digests, size_t *count)
{
    *count = bytes.length / sizeof(*digests);
    if (bytes.length % sizeof(*digests) != 0 || *count > max) {
        return MCPZ_EPROTO;
    }
    if (bytes.length > 0) {
        memcpy(digests, bytes.data, bytes.length);
    }
    return MCPZ_OK;
}

mcpz_error mcpz_batch_verify(const struct mcpz_batch_part *part,
                             const struct mcpz_merkle_digest *leaves, uint32_t count,
                             struct mcpz_verified *verified, struct mcpz_batch_name *name)
{
    const struct mcpz_id *author = &part->seal.author.node;
    struct mcpz_merkle_digest beside[MCPZ_MERKLE_BESIDE_MAX];
    struct mcpz_merkle_digest root;
    struct mcpz_merkle_run run = {.tree_count = part->seal.count,
                                  .first = part->first,
                                  .count = count,
                                  .leaves = leaves,
                                  .beside = beside};

    mcpz_error error =
        read_digests(part->beside, MCPZ_MERKLE_BESIDE_MAX, beside, &run.beside_count);
    if (error == MCPZ_OK) {
        error = mcpz_merkle_root(&run, &root);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    const struct statement said = statement_of(&part->seal.author, part->seal.count, &root);
    const struct mcpz_verified_claim claim = claim_of(author, &said, part->seal.signature);
    if (!mcpz_verified_find(verified, &claim)) {
        error = mcpz_signature_verify(author, claim.said, claim.signature);
        if (error != MCPZ_OK) {
            return error;
        }
        mcpz_verified_add(verified, &claim);
    }
    name_of(&said, name);
    return MCPZ_OK;
}

mcpz_error mcpz_batch_beside(const struct mcpz_batch_part *part, struct mcpz_bytes leaves,
                             uint32_t first, uint32_t count, uint8_t *beside, size_t *length)
{
    struct mcpz_merkle_digest known[MCPZ_MERKLE_LEAVES_MAX];
    struct mcpz_merkle_digest ours[MCPZ_MERKLE_BESIDE_MAX];
    struct mcpz_merkle_digest theirs[MCPZ_MERKLE_BESIDE_MAX];
    struct mcpz_merkle_run run = {
        .tree_count = part->seal.count, .first = part->first, .leaves = known, .beside = ours};
    size_t known_count = 0;
    size_t theirs_count = 0;

    mcpz_error error = read_digests(leaves, MCPZ_MERKLE_LEAVES_MAX, known, &known_count);
    if (error == MCPZ_OK) {
        error = read_digests(part->beside, MCPZ_MERKLE_BESIDE_MAX, ours, &run.beside_count);
    }
    run.count = (uint32_t)known_count;
    if (error == MCPZ_OK) {
        error = mcpz_merkle_beside(&run, first, count, theirs, &theirs_count);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    *length = theirs_count * sizeof(theirs[0]);
    memcpy(beside, theirs, *length);
    return MCPZ_OK;
}
