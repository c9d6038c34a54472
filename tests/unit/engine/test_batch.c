#include "engine/batch.h"
#include "test.h"

static struct mcpz_identity *identity;
static struct mcpz_actor author;
static struct mcpz_merkle_digest leaves[MCPZ_BATCH_DELTAS_MAX];
static struct mcpz_verified verified;
static struct mcpz_batch_made made;
static uint8_t beside[MCPZ_BATCH_BESIDE_MAX * MCPZ_BATCH_DIGEST_BYTES];

static void begin(uint32_t count)
{
    const uint8_t seed[MCPZ_SEED_BYTES] = {7};

    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    CHECK_UINT(mcpz_identity_create(seed, &identity), MCPZ_OK);
    author = (struct mcpz_actor){.node = *mcpz_identity_id(identity), .generation = 3};
    memset(&verified, 0, sizeof(verified));
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t delta[2] = {(uint8_t)i, (uint8_t)(i >> 8)};
        mcpz_batch_leaf(mcpz_bytes(delta, sizeof(delta)), &leaves[i]);
    }
    mcpz_batch_sign(identity, &author, leaves, count, &verified, &made);
    memset(&verified, 0, sizeof(verified)); /* as another node */
}

static void end(void)
{
    mcpz_identity_destroy(identity);
}

static struct mcpz_batch_part whole(uint32_t count)
{
    return (struct mcpz_batch_part){
        .seal = {.author = author,
                 .count = count,
                 .signature = mcpz_bytes(made.signature, sizeof(made.signature))},
    };
}

static struct mcpz_batch_part part_of(const struct mcpz_batch_part *of, uint32_t first,
                                      uint32_t count)
{
    struct mcpz_batch_part part = *of;
    size_t length = 0;

    CHECK_UINT(mcpz_batch_beside(of, mcpz_bytes(leaves, of->seal.count * sizeof(leaves[0])), first,
                                 count, beside, &length),
               MCPZ_OK);
    part.first = first;
    part.beside = mcpz_bytes(beside, length);
    return part;
}

static mcpz_error verify(const struct mcpz_batch_part *part, uint32_t count)
{
    struct mcpz_batch_name found;

    mcpz_error error = mcpz_batch_verify(part, leaves + part->first, count, &verified, &found);
    if (error == MCPZ_OK) {
        CHECK(mcpz_batch_name_equal(&found, &made.name));
    }
    return error;
}

TEST(all_of_it_and_any_part_are_the_authors)
{
    begin(21);
    const struct mcpz_batch_part all = whole(21);

    CHECK_UINT(verify(&all, 21), MCPZ_OK);
    for (uint32_t first = 0; first < 21; first++) {
        for (uint32_t count = 1; count <= 21 - first; count++) {
            const struct mcpz_batch_part part = part_of(&all, first, count);
            CHECK_UINT(verify(&part, count), MCPZ_OK);
        }
    }
    CHECK_UINT(verified.misses, 1); /* one signature for all of that */
    end();
}

TEST(who_signed_need_not_verify)
{
    begin(1);
    const struct mcpz_batch_part all = whole(1);

    mcpz_batch_sign(identity, &author, leaves, 1, &verified, &made);
    CHECK_UINT(verify(&all, 1), MCPZ_OK);
    CHECK_UINT(verified.misses, 0);
    end();
}

TEST(nothing_that_was_changed_is_the_authors)
{
    begin(8);
    const struct mcpz_batch_part all = whole(8);
    struct mcpz_batch_part part = part_of(&all, 2, 3);

    CHECK_UINT(verify(&part, 3), MCPZ_OK);
    for (size_t i = 0; i < part.beside.length; i += 7) {
        beside[i] ^= 1;
        CHECK_UINT(verify(&part, 3), MCPZ_EAUTH);
        beside[i] ^= 1;
    }
    for (size_t i = 0; i < sizeof(made.signature); i++) {
        made.signature[i] ^= 1;
        CHECK_UINT(verify(&part, 3), MCPZ_EAUTH);
        made.signature[i] ^= 1;
    }
    leaves[3].bytes[0] ^= 1;
    CHECK_UINT(verify(&part, 3), MCPZ_EAUTH);
    leaves[3].bytes[0] ^= 1;
    part.seal.author.generation++;
    CHECK_UINT(verify(&part, 3), MCPZ_EAUTH);
    part.seal.author.generation--;
    part.seal.author.node.bytes[5] ^= 1;
    CHECK_UINT(verify(&part, 3), MCPZ_EAUTH);
    part.seal.author.node.bytes[5] ^= 1;
    CHECK_UINT(verify(&part, 3), MCPZ_OK);
    end();
}

TEST(a_place_or_a_count_that_is_not_its_own_is_refused)
{
    struct mcpz_batch_name found;

    begin(8);
    const struct mcpz_batch_part all = whole(8);
    struct mcpz_batch_part part = part_of(&all, 2, 2);

    part.first = 4; /* as many digests lie beside those */
    CHECK_UINT(mcpz_batch_verify(&part, leaves + 2, 2, &verified, &found), MCPZ_EAUTH);
    part.first = 2;
    part.seal.count = 7;
    CHECK_UINT(verify(&part, 2), MCPZ_EAUTH);
    part.seal.count = 1025;
    CHECK_UINT(verify(&part, 2), MCPZ_EPROTO);
    part.seal.count = 8;
    part.beside.length--;
    CHECK_UINT(verify(&part, 2), MCPZ_EPROTO);
    part.beside = mcpz_bytes(NULL, 0);
    CHECK_UINT(verify(&part, 2), MCPZ_EPROTO);
    end();
}

/* A false signature over something that was verified with the true one is not believed. */
TEST(what_is_remembered_is_the_signature_too)
{
    begin(4);
    const struct mcpz_batch_part all = whole(4);

    CHECK_UINT(verify(&all, 4), MCPZ_OK);
    CHECK_UINT(verify(&all, 4), MCPZ_OK);
    CHECK_UINT(verified.hits, 1);
    made.signature[0] ^= 1;
    CHECK_UINT(verify(&all, 4), MCPZ_EAUTH);
    CHECK_UINT(verify(&all, 4), MCPZ_EAUTH);
    end();
}

TEST(the_largest_batch_is_signed)
{
    begin(MCPZ_BATCH_DELTAS_MAX);
    const struct mcpz_batch_part all = whole(MCPZ_BATCH_DELTAS_MAX);
    const struct mcpz_batch_part last = part_of(&all, MCPZ_BATCH_DELTAS_MAX - 1, 1);

    CHECK_UINT(last.beside.length, 10 * MCPZ_BATCH_DIGEST_BYTES);
    CHECK_UINT(verify(&last, 1), MCPZ_OK);
    end();
}

TEST_MAIN(RUN(all_of_it_and_any_part_are_the_authors), RUN(who_signed_need_not_verify),
          RUN(nothing_that_was_changed_is_the_authors),
          RUN(a_place_or_a_count_that_is_not_its_own_is_refused),
          RUN(what_is_remembered_is_the_signature_too), RUN(the_largest_batch_is_signed))
