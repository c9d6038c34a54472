#include <sys/resource.h>

#include "crypto/identity.h"
#include "hex.h"
#include "test.h"

static struct mcpz_identity *make(const char *seed_hex)
{
    struct mcpz_identity *identity;
    uint8_t seed[MCPZ_SEED_BYTES];

    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    from_hex(seed_hex, seed, sizeof(seed));
    CHECK_UINT(mcpz_identity_create(seed, &identity), MCPZ_OK);
    return identity;
}

/* RFC 8032 section 7.1, TEST 1 to 3. */
static const struct {
    const char *seed;
    const char *id;
    const char *message;
    size_t message_length;
    const char *signature;
} vectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "", 0,
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
     "b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "\x72", 1,
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
     "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "\xaf\x82", 2,
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
     "c6594a7c15e9716ed28dc027beceea1ec40a"},
};

TEST(agrees_with_the_rfc)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(vectors); i++) {
        struct mcpz_identity *identity = make(vectors[i].seed);
        struct mcpz_bytes message = mcpz_bytes(vectors[i].message, vectors[i].message_length);
        uint8_t signature[MCPZ_SIGNATURE_BYTES];

        CHECK_TEXT(to_hex(mcpz_identity_id(identity)->bytes, MCPZ_ID_BYTES), vectors[i].id);
        CHECK_TEXT(to_hex(mcpz_identity_seed(identity), MCPZ_SEED_BYTES), vectors[i].seed);

        mcpz_identity_sign(identity, message, signature);
        CHECK_TEXT(to_hex(signature, sizeof(signature)), vectors[i].signature);
        CHECK_UINT(mcpz_signature_verify(mcpz_identity_id(identity), message,
                                         mcpz_bytes(signature, sizeof(signature))),
                   MCPZ_OK);
        mcpz_identity_destroy(identity);
    }
}

TEST(signs_nothing_given_as_null)
{
    struct mcpz_identity *identity = make(vectors[0].seed);
    uint8_t signature[MCPZ_SIGNATURE_BYTES];

    mcpz_identity_sign(identity, mcpz_bytes(NULL, 0), signature);
    CHECK_TEXT(to_hex(signature, sizeof(signature)), vectors[0].signature);
    CHECK_UINT(mcpz_signature_verify(mcpz_identity_id(identity), mcpz_bytes(NULL, 0),
                                     mcpz_bytes(signature, sizeof(signature))),
               MCPZ_OK);
    mcpz_identity_destroy(identity);
}

TEST(refuses_every_flipped_bit_of_a_signature)
{
    struct mcpz_identity *identity = make(vectors[1].seed);
    struct mcpz_bytes message = mcpz_text("an agreement");
    uint8_t signature[MCPZ_SIGNATURE_BYTES];

    mcpz_identity_sign(identity, message, signature);
    for (size_t bit = 0; bit < 8 * sizeof(signature); bit++) {
        signature[bit / 8] ^= (uint8_t)(1U << bit % 8);
        CHECK_UINT(mcpz_signature_verify(mcpz_identity_id(identity), message,
                                         mcpz_bytes(signature, sizeof(signature))),
                   MCPZ_EAUTH);
        signature[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    mcpz_identity_destroy(identity);
}

TEST(refuses_a_signature_of_another_length)
{
    struct mcpz_identity *identity = make(vectors[1].seed);
    uint8_t signature[MCPZ_SIGNATURE_BYTES + 1] = {0};

    mcpz_identity_sign(identity, mcpz_text("x"), signature);
    const struct mcpz_id *id = mcpz_identity_id(identity);
    const size_t lengths[] = {0, MCPZ_SIGNATURE_BYTES - 1, MCPZ_SIGNATURE_BYTES + 1};
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(lengths); i++) {
        CHECK_UINT(mcpz_signature_verify(id, mcpz_text("x"), mcpz_bytes(signature, lengths[i])),
                   MCPZ_EAUTH);
    }
    CHECK_UINT(mcpz_signature_verify(id, mcpz_text("x"), mcpz_bytes(NULL, 0)), MCPZ_EAUTH);
    mcpz_identity_destroy(identity);
}

TEST(refuses_another_signer_and_another_message)
{
    struct mcpz_identity *one = make(vectors[1].seed);
    struct mcpz_identity *other = make(vectors[2].seed);
    uint8_t signature[MCPZ_SIGNATURE_BYTES];
    struct mcpz_bytes slice = mcpz_bytes(signature, sizeof(signature));

    mcpz_identity_sign(one, mcpz_text("x"), signature);
    CHECK_UINT(mcpz_signature_verify(mcpz_identity_id(one), mcpz_text("x"), slice), MCPZ_OK);
    CHECK_UINT(mcpz_signature_verify(mcpz_identity_id(other), mcpz_text("x"), slice), MCPZ_EAUTH);
    CHECK_UINT(mcpz_signature_verify(mcpz_identity_id(one), mcpz_text("y"), slice), MCPZ_EAUTH);
    CHECK_UINT(mcpz_signature_verify(mcpz_identity_id(one), mcpz_text(""), slice), MCPZ_EAUTH);
    mcpz_identity_destroy(one);
    mcpz_identity_destroy(other);
}

/* The neutral point verifies anything in implementations that do not look for it. */
TEST(refuses_a_signer_of_small_order)
{
    struct mcpz_id signer = {.bytes = {1}};
    uint8_t signature[MCPZ_SIGNATURE_BYTES] = {1};

    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    CHECK_UINT(
        mcpz_signature_verify(&signer, mcpz_text("x"), mcpz_bytes(signature, sizeof(signature))),
        MCPZ_EAUTH);
}

TEST(says_so_when_there_is_no_memory_for_a_secret)
{
    static const uint8_t seed[MCPZ_SEED_BYTES];
    struct mcpz_identity *identity = make(vectors[0].seed);
    struct mcpz_identity *const before_error = identity;
    struct rlimit before;

    CHECK_UINT(getrlimit(RLIMIT_AS, &before), 0);
    const struct rlimit none = {.rlim_cur = 4096, .rlim_max = before.rlim_max};
    CHECK_UINT(setrlimit(RLIMIT_AS, &none), 0);
    mcpz_error error = mcpz_identity_create(seed, &identity);
    CHECK_UINT(setrlimit(RLIMIT_AS, &before), 0);

    CHECK_UINT(error, MCPZ_ENOMEM);
    CHECK(identity == NULL);
    mcpz_identity_destroy(identity);
    mcpz_identity_destroy(before_error);
}

TEST(draws_other_bytes_each_time_and_wipes_them)
{
    static const uint8_t zero[32];
    uint8_t one[32];
    uint8_t two[32];

    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    mcpz_random(one, sizeof(one));
    mcpz_random(two, sizeof(two));
    CHECK(memcmp(one, two, sizeof(one)) != 0);
    mcpz_wipe(one, sizeof(one));
    CHECK(memcmp(one, zero, sizeof(one)) == 0);
}

TEST_MAIN(RUN(agrees_with_the_rfc), RUN(signs_nothing_given_as_null),
          RUN(refuses_every_flipped_bit_of_a_signature),
          RUN(refuses_a_signature_of_another_length),
          RUN(refuses_another_signer_and_another_message), RUN(refuses_a_signer_of_small_order),
          RUN(says_so_when_there_is_no_memory_for_a_secret),
          RUN(draws_other_bytes_each_time_and_wipes_them))
