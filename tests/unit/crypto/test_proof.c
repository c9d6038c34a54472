#include "crypto/proof.h"
#include "hex.h"
#include "proto/msg.h"
#include "test.h"

struct scene {
    uint8_t key[MCPZ_PROOF_BYTES];
    uint8_t binding[MCPZ_BINDING_BYTES];
    struct mcpz_id joiner;
    struct mcpz_id admitter;
    uint8_t proof[MCPZ_PROOF_BYTES + 1];
};

static struct scene make_scene(void)
{
    struct scene scene;
    uint8_t secret[32];

    for (size_t i = 0; i < sizeof(secret); i++) {
        secret[i] = (uint8_t)i;
    }
    memset(&scene, 0, sizeof(scene));
    memset(scene.binding, 0xb1, sizeof(scene.binding));
    memset(scene.joiner.bytes, 0x0a, MCPZ_ID_BYTES);
    memset(scene.admitter.bytes, 0xad, MCPZ_ID_BYTES);
    mcpz_proof_key(mcpz_bytes(secret, sizeof(secret)), scene.key);
    mcpz_proof_make(scene.key, scene.binding, &scene.joiner, &scene.admitter, scene.proof);
    return scene;
}

static mcpz_error check(const struct scene *scene, size_t length)
{
    return mcpz_proof_check(scene->key, scene->binding, &scene->joiner, &scene->admitter,
                            mcpz_bytes(scene->proof, length));
}

/* Computed with hashlib.blake2b of Python. */
TEST(agrees_with_another_implementation)
{
    struct scene scene = make_scene();
    CHECK_TEXT(to_hex(scene.key, MCPZ_PROOF_BYTES),
               "130d5d2b1459e00ae0fe06ab15d410d1bf8677be2a9520e345bc6a958a6a70c6");
    CHECK_TEXT(to_hex(scene.proof, MCPZ_PROOF_BYTES),
               "7010cb3651d6ffe4b33000e8ede776bbe808baef941e34405feb1b290fa81fa2");
}

TEST(accepts_what_was_made_for_this_connection)
{
    struct scene scene = make_scene();
    CHECK_UINT(check(&scene, MCPZ_PROOF_BYTES), MCPZ_OK);
}

TEST(refuses_another_connection)
{
    struct scene scene = make_scene();
    scene.binding[31] ^= 1;
    CHECK_UINT(check(&scene, MCPZ_PROOF_BYTES), MCPZ_EAUTH);
}

TEST(refuses_another_key)
{
    struct scene scene = make_scene();
    scene.key[0] ^= 0x80;
    CHECK_UINT(check(&scene, MCPZ_PROOF_BYTES), MCPZ_EAUTH);
}

TEST(refuses_another_joiner_and_another_admitter)
{
    struct scene scene = make_scene();
    scene.joiner.bytes[5] ^= 1;
    CHECK_UINT(check(&scene, MCPZ_PROOF_BYTES), MCPZ_EAUTH);

    scene = make_scene();
    scene.admitter.bytes[5] ^= 1;
    CHECK_UINT(check(&scene, MCPZ_PROOF_BYTES), MCPZ_EAUTH);
}

/* A reflected proof must not admit the one it was made for. */
TEST(refuses_the_two_exchanged)
{
    struct scene scene = make_scene();
    struct mcpz_id joiner = scene.joiner;
    scene.joiner = scene.admitter;
    scene.admitter = joiner;
    CHECK_UINT(check(&scene, MCPZ_PROOF_BYTES), MCPZ_EAUTH);
}

TEST(refuses_every_flipped_bit)
{
    struct scene scene = make_scene();
    for (size_t bit = 0; bit < 8 * MCPZ_PROOF_BYTES; bit++) {
        scene.proof[bit / 8] ^= (uint8_t)(1U << bit % 8);
        CHECK_UINT(check(&scene, MCPZ_PROOF_BYTES), MCPZ_EAUTH);
        scene.proof[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

TEST(refuses_another_length)
{
    struct scene scene = make_scene();
    CHECK_UINT(check(&scene, 0), MCPZ_EAUTH);
    CHECK_UINT(check(&scene, MCPZ_PROOF_BYTES - 1), MCPZ_EAUTH);
    CHECK_UINT(check(&scene, MCPZ_PROOF_BYTES + 1), MCPZ_EAUTH);
}

TEST_MAIN(RUN(agrees_with_another_implementation), RUN(accepts_what_was_made_for_this_connection),
          RUN(refuses_another_connection), RUN(refuses_another_key),
          RUN(refuses_another_joiner_and_another_admitter), RUN(refuses_the_two_exchanged),
          RUN(refuses_every_flipped_bit), RUN(refuses_another_length))
