#include "crypto/seal.h"
#include "test.h"

#define PLAIN "what only the two may read"
#define ROOM_BYTES 4096

/* Two ends, and a third that carries. */
static struct {
    struct mcpz_identity *alice;
    struct mcpz_identity *bob;
    struct mcpz_identity *eve;
    struct mcpz_seal *first; /* alice's */
    struct mcpz_seal *second;
    uint8_t greeting[ROOM_BYTES];
    size_t greeting_length;
    uint8_t answer[ROOM_BYTES];
    size_t answer_length;
} world;

static uint8_t bytes[ROOM_BYTES];

static struct mcpz_identity *make(uint8_t first)
{
    const uint8_t seed[MCPZ_SEED_BYTES] = {first};
    struct mcpz_identity *identity;

    CHECK_UINT(mcpz_identity_create(seed, &identity), MCPZ_OK);
    return identity;
}

static void set_up(void)
{
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    memset(&world, 0, sizeof(world));
    world.alice = make(1);
    world.bob = make(2);
    world.eve = make(3);
}

static void tear_down(void)
{
    mcpz_seal_destroy(world.first);
    mcpz_seal_destroy(world.second);
    mcpz_identity_destroy(world.alice);
    mcpz_identity_destroy(world.bob);
    mcpz_identity_destroy(world.eve);
}

/* Key pairs of a session: of no use to anybody else, so they may be the same in every run. */
static const uint8_t fresh_one[MCPZ_SEAL_FRESH_BYTES] = {11, 1};
static const uint8_t fresh_two[MCPZ_SEAL_FRESH_BYTES] = {22, 2};

static mcpz_error begin(const struct mcpz_identity *self, const struct mcpz_identity *peer,
                        const uint8_t *fresh, struct mcpz_seal **seal)
{
    const struct mcpz_seal_ends ends = {self, mcpz_identity_id(peer), fresh};
    struct mcpz_seal_room room = {.bytes = world.greeting, .capacity = ROOM_BYTES};

    mcpz_error error = mcpz_seal_begin(&ends, mcpz_text("i am alice"), &room, seal);
    world.greeting_length = room.length;
    return error;
}

static mcpz_error accept(const struct mcpz_identity *self, const struct mcpz_identity *peer,
                         size_t length, struct mcpz_seal **seal)
{
    const struct mcpz_seal_ends ends = {self, mcpz_identity_id(peer), fresh_two};
    struct mcpz_seal_room payload = {.bytes = bytes, .capacity = ROOM_BYTES};

    mcpz_error error = mcpz_seal_accept(&ends, mcpz_bytes(world.greeting, length), &payload, seal);
    if (error != MCPZ_OK) {
        CHECK(*seal == NULL);
        return error;
    }
    CHECK_BYTES(mcpz_bytes(payload.bytes, payload.length), "i am alice", 10);
    struct mcpz_seal_room answer = {.bytes = world.answer, .capacity = ROOM_BYTES};
    CHECK_UINT(mcpz_seal_answer(*seal, mcpz_text("i am bob"), &answer), MCPZ_OK);
    world.answer_length = answer.length;
    return MCPZ_OK;
}

static mcpz_error finish(size_t length)
{
    struct mcpz_seal_room payload = {.bytes = bytes, .capacity = ROOM_BYTES};

    mcpz_error error = mcpz_seal_finish(world.first, mcpz_bytes(world.answer, length), &payload);
    if (error == MCPZ_OK) {
        CHECK_BYTES(mcpz_bytes(payload.bytes, payload.length), "i am bob", 8);
    }
    return error;
}

static void shake_hands(void)
{
    CHECK_UINT(begin(world.alice, world.bob, fresh_one, &world.first), MCPZ_OK);
    CHECK_UINT(accept(world.bob, world.alice, world.greeting_length, &world.second), MCPZ_OK);
    CHECK_UINT(finish(world.answer_length), MCPZ_OK);
}

static struct mcpz_bytes seal(struct mcpz_seal *from, uint8_t *sealed, const char *plain)
{
    struct mcpz_seal_room room = {.bytes = sealed, .capacity = ROOM_BYTES};

    CHECK_UINT(mcpz_seal_close(from, mcpz_text(plain), &room), MCPZ_OK);
    CHECK_UINT(room.length, strlen(plain) + MCPZ_SEAL_BYTES);
    return mcpz_bytes(sealed, room.length);
}

static mcpz_error open_as(struct mcpz_seal *to, struct mcpz_bytes sealed, const char *plain)
{
    struct mcpz_seal_room room = {.bytes = bytes, .capacity = ROOM_BYTES};

    mcpz_error error = mcpz_seal_open(to, sealed, &room);
    if (error == MCPZ_OK) {
        CHECK_BYTES(mcpz_bytes(room.bytes, room.length), plain, strlen(plain));
    }
    return error;
}

static bool holds(struct mcpz_bytes haystack, const char *needle)
{
    return memmem(haystack.data, haystack.length, needle, strlen(needle)) != NULL;
}

TEST(what_one_end_seals_the_other_opens_both_ways)
{
    uint8_t sealed[ROOM_BYTES];

    set_up();
    shake_hands();
    for (size_t i = 0; i < 300; i++) {
        struct mcpz_bytes there = seal(world.first, sealed, PLAIN);
        CHECK(!holds(there, "what only"));
        CHECK_UINT(open_as(world.second, there, PLAIN), MCPZ_OK);
        struct mcpz_bytes back = seal(world.second, sealed, "");
        CHECK_UINT(open_as(world.first, back, ""), MCPZ_OK);
    }
    tear_down();
}

TEST(payloads_of_the_handshake_are_sealed_too)
{
    set_up();
    shake_hands();
    CHECK_UINT(world.greeting_length, 10 + MCPZ_SEAL_GREETING_BYTES);
    CHECK_UINT(world.answer_length, 8 + MCPZ_SEAL_GREETING_BYTES);
    CHECK(!holds(mcpz_bytes(world.greeting, world.greeting_length), "alice"));
    CHECK(!holds(mcpz_bytes(world.answer, world.answer_length), "bob"));
    tear_down();
}

/* Eve sees all, and has a key of her own. */
TEST(nobody_else_is_taken_for_either_end)
{
    struct mcpz_seal *other = NULL;

    set_up();
    /* What alice says to bob is for bob alone, and from alice alone. */
    CHECK_UINT(begin(world.alice, world.bob, fresh_one, &world.first), MCPZ_OK);
    CHECK_UINT(accept(world.eve, world.alice, world.greeting_length, &other), MCPZ_EAUTH);
    CHECK_UINT(accept(world.bob, world.eve, world.greeting_length, &other), MCPZ_EAUTH);
    CHECK_UINT(accept(world.alice, world.bob, world.greeting_length, &other), MCPZ_EAUTH);

    /* An answer to eve's greeting is none to alice's, though bob made it. */
    struct mcpz_seal *eves = NULL;
    CHECK_UINT(begin(world.eve, world.bob, fresh_one, &eves), MCPZ_OK);
    CHECK_UINT(accept(world.bob, world.eve, world.greeting_length, &other), MCPZ_OK);
    CHECK_UINT(finish(world.answer_length), MCPZ_EAUTH);
    mcpz_seal_destroy(other);
    mcpz_seal_destroy(eves);
    tear_down();
}

TEST(an_answer_to_an_earlier_greeting_is_refused)
{
    struct mcpz_seal *earlier = NULL;

    set_up();
    CHECK_UINT(begin(world.alice, world.bob, fresh_two, &earlier), MCPZ_OK);
    CHECK_UINT(accept(world.bob, world.alice, world.greeting_length, &world.second), MCPZ_OK);
    CHECK_UINT(begin(world.alice, world.bob, fresh_one, &world.first), MCPZ_OK);
    CHECK_UINT(finish(world.answer_length), MCPZ_EAUTH);
    mcpz_seal_destroy(earlier);
    tear_down();
}

TEST(no_byte_of_a_greeting_can_be_changed_or_left_out)
{
    struct mcpz_seal *none = NULL;

    set_up();
    CHECK_UINT(begin(world.alice, world.bob, fresh_one, &world.first), MCPZ_OK);
    for (size_t i = 0; i < world.greeting_length; i++) {
        CHECK_UINT(accept(world.bob, world.alice, i, &none), MCPZ_EAUTH);
        world.greeting[i] ^= 1;
        CHECK_UINT(accept(world.bob, world.alice, world.greeting_length, &none), MCPZ_EAUTH);
        world.greeting[i] ^= 1;
    }
    CHECK_UINT(accept(world.bob, world.alice, world.greeting_length + 1, &none), MCPZ_EAUTH);
    tear_down();
}

/* The true answer still counts after all that. */
TEST(no_byte_of_an_answer_can_be_changed_or_left_out)
{
    set_up();
    CHECK_UINT(begin(world.alice, world.bob, fresh_one, &world.first), MCPZ_OK);
    CHECK_UINT(accept(world.bob, world.alice, world.greeting_length, &world.second), MCPZ_OK);
    for (size_t i = 0; i < world.answer_length; i++) {
        CHECK_UINT(finish(i), MCPZ_EAUTH);
        world.answer[i] ^= 0x80;
        CHECK_UINT(finish(world.answer_length), MCPZ_EAUTH);
        world.answer[i] ^= 0x80;
    }
    CHECK_UINT(finish(world.answer_length), MCPZ_OK);
    tear_down();
}

TEST(no_byte_of_what_is_sealed_can_be_changed_or_left_out)
{
    uint8_t sealed[ROOM_BYTES];

    set_up();
    shake_hands();
    struct mcpz_bytes said = seal(world.first, sealed, PLAIN);
    for (size_t i = 0; i < said.length; i++) {
        CHECK_UINT(open_as(world.second, mcpz_bytes(sealed, i), ""), MCPZ_EAUTH);
        sealed[i] ^= 4;
        CHECK_UINT(open_as(world.second, said, ""), MCPZ_EAUTH);
        sealed[i] ^= 4;
    }
    CHECK_UINT(open_as(world.second, mcpz_bytes(sealed, said.length + 1), ""), MCPZ_EAUTH);
    CHECK_UINT(open_as(world.second, said, PLAIN), MCPZ_OK);
    tear_down();
}

TEST(what_was_opened_once_is_not_opened_again)
{
    uint8_t one[ROOM_BYTES];
    uint8_t two[ROOM_BYTES];

    set_up();
    shake_hands();
    struct mcpz_bytes first = seal(world.first, one, "one");
    struct mcpz_bytes second = seal(world.first, two, "two");
    CHECK_UINT(open_as(world.second, first, "one"), MCPZ_OK);
    CHECK_UINT(open_as(world.second, first, ""), MCPZ_EUSED);
    CHECK_UINT(open_as(world.second, second, "two"), MCPZ_OK);
    CHECK_UINT(open_as(world.second, first, ""), MCPZ_EUSED);
    tear_down();
}

TEST(what_comes_after_something_lost_says_so)
{
    uint8_t one[ROOM_BYTES];
    uint8_t two[ROOM_BYTES];

    set_up();
    shake_hands();
    struct mcpz_bytes first = seal(world.first, one, "one");
    struct mcpz_bytes second = seal(world.first, two, "two");
    CHECK_UINT(open_as(world.second, second, ""), MCPZ_ESHORT);
    two[MCPZ_SEAL_BYTES / 3] ^= 1; /* and only if it is the peer's */
    CHECK_UINT(open_as(world.second, second, ""), MCPZ_EAUTH);
    CHECK_UINT(open_as(world.second, first, "one"), MCPZ_OK);
    tear_down();
}

TEST(nobody_hears_what_he_said_himself)
{
    uint8_t sealed[ROOM_BYTES];

    set_up();
    shake_hands();
    struct mcpz_bytes said = seal(world.first, sealed, PLAIN);
    CHECK_UINT(open_as(world.first, said, ""), MCPZ_EAUTH);
    tear_down();
}

/* Same ends, same words: other keys, so other bytes, and neither opens the other's. */
TEST(every_session_has_keys_of_its_own)
{
    uint8_t one[ROOM_BYTES];
    uint8_t two[ROOM_BYTES];
    struct mcpz_seal *first = NULL;
    struct mcpz_seal *second = NULL;

    set_up();
    shake_hands();
    first = world.first;
    second = world.second;
    CHECK_UINT(begin(world.alice, world.bob, fresh_two, &world.first), MCPZ_OK);
    CHECK_UINT(accept(world.bob, world.alice, world.greeting_length, &world.second), MCPZ_OK);
    CHECK_UINT(finish(world.answer_length), MCPZ_OK);
    struct mcpz_bytes old = seal(first, one, PLAIN);
    struct mcpz_bytes new = seal(world.first, two, PLAIN);
    CHECK(!mcpz_bytes_equal(old, new));
    CHECK_UINT(open_as(second, new, ""), MCPZ_EAUTH);
    CHECK_UINT(open_as(world.second, old, ""), MCPZ_EAUTH);
    mcpz_seal_destroy(first);
    mcpz_seal_destroy(second);
    tear_down();
}

TEST(room_is_looked_at_before_anything_is_written)
{
    uint8_t small[8];
    uint8_t sealed[ROOM_BYTES];
    struct mcpz_seal *none = NULL;

    set_up();
    const struct mcpz_seal_ends ends = {world.alice, mcpz_identity_id(world.bob), fresh_one};
    struct mcpz_seal_room room = {.bytes = small, .capacity = sizeof(small)};
    CHECK_UINT(mcpz_seal_begin(&ends, mcpz_text("x"), &room, &none), MCPZ_EFULL);
    CHECK(none == NULL);
    shake_hands();
    CHECK_UINT(mcpz_seal_close(world.first, mcpz_text(PLAIN), &room), MCPZ_EFULL);
    struct mcpz_bytes said = seal(world.first, sealed, PLAIN);
    CHECK_UINT(mcpz_seal_open(world.second, said, &room), MCPZ_EFULL);
    CHECK_UINT(open_as(world.second, said, PLAIN), MCPZ_OK);
    tear_down();
}

TEST(an_id_that_is_no_key_is_refused)
{
    const struct mcpz_id zeros = {{0}};
    struct mcpz_seal *none = NULL;

    set_up();
    const struct mcpz_seal_ends ends = {world.alice, &zeros, fresh_one};
    struct mcpz_seal_room room = {.bytes = world.greeting, .capacity = ROOM_BYTES};
    CHECK_UINT(mcpz_seal_begin(&ends, mcpz_text(""), &room, &none), MCPZ_EAUTH);
    CHECK(none == NULL);
    tear_down();
}

TEST_MAIN(RUN(what_one_end_seals_the_other_opens_both_ways),
          RUN(payloads_of_the_handshake_are_sealed_too), RUN(nobody_else_is_taken_for_either_end),
          RUN(an_answer_to_an_earlier_greeting_is_refused),
          RUN(no_byte_of_a_greeting_can_be_changed_or_left_out),
          RUN(no_byte_of_an_answer_can_be_changed_or_left_out),
          RUN(no_byte_of_what_is_sealed_can_be_changed_or_left_out),
          RUN(what_was_opened_once_is_not_opened_again),
          RUN(what_comes_after_something_lost_says_so), RUN(nobody_hears_what_he_said_himself),
          RUN(every_session_has_keys_of_its_own),
          RUN(room_is_looked_at_before_anything_is_written), RUN(an_id_that_is_no_key_is_refused))
