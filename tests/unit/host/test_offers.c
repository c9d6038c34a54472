#include "host/offers.h"
#include "test.h"

static struct mcpz_offers offers;
static int pool;
static int desk;

static int set_up(void **state)
{
    (void)state;
    offers = (struct mcpz_offers){.count = 0};
    return 0;
}

TEST(one_edge_does_a_capability)
{
    CHECK(mcpz_offers_edge(&offers, mcpz_text("a")) == NULL);
    CHECK(mcpz_offers_claim(&offers, mcpz_text("a"), &pool) == MCPZ_OK);
    CHECK(mcpz_offers_claim(&offers, mcpz_text("a"), &pool) == MCPZ_OK);
    CHECK(mcpz_offers_claim(&offers, mcpz_text("a"), &desk) == MCPZ_ECONFLICT);
    CHECK(mcpz_offers_edge(&offers, mcpz_text("a")) == &pool);
    CHECK(mcpz_offers_edge(&offers, mcpz_text("ab")) == NULL);
    CHECK_UINT(offers.count, 1);
}

TEST(only_who_does_it_can_let_it_go)
{
    CHECK(mcpz_offers_claim(&offers, mcpz_text("a"), &pool) == MCPZ_OK);
    CHECK(mcpz_offers_claim(&offers, mcpz_text("b"), &desk) == MCPZ_OK);
    mcpz_offers_release(&offers, mcpz_text("a"), &desk);
    CHECK(mcpz_offers_edge(&offers, mcpz_text("a")) == &pool);
    mcpz_offers_release(&offers, mcpz_text("a"), &pool);
    mcpz_offers_release(&offers, mcpz_text("a"), &pool);
    CHECK(mcpz_offers_edge(&offers, mcpz_text("a")) == NULL);
    CHECK(mcpz_offers_edge(&offers, mcpz_text("b")) == &desk);
    CHECK(mcpz_offers_claim(&offers, mcpz_text("a"), &desk) == MCPZ_OK);
}

TEST(there_is_room_for_so_many)
{
    char name[16];

    for (int i = 0; i <= MCPZ_CAPABILITIES_PER_NODE_MAX; i++) {
        (void)snprintf(name, sizeof(name), "name%d", i);
        CHECK(mcpz_offers_claim(&offers, mcpz_text(name), &pool) ==
              (i < MCPZ_CAPABILITIES_PER_NODE_MAX ? MCPZ_OK : MCPZ_EFULL));
    }
    CHECK(mcpz_offers_claim(&offers, mcpz_text("name0"), &pool) == MCPZ_OK);
}

TEST(names_have_bounds)
{
    uint8_t name[MCPZ_CAPABILITY_BYTES_MAX + 1];

    memset(name, 'x', sizeof(name));
    CHECK(mcpz_offers_claim(&offers, mcpz_bytes(name, sizeof(name)), &pool) == MCPZ_EPROTO);
    CHECK(mcpz_offers_claim(&offers, mcpz_bytes(name, sizeof(name) - 1), &pool) == MCPZ_OK);
    CHECK(mcpz_offers_claim(&offers, mcpz_bytes(name, 0), &pool) == MCPZ_EPROTO);
    CHECK(mcpz_offers_claim(&offers, mcpz_bytes("a\0b", 3), &pool) == MCPZ_EPROTO);
    CHECK(mcpz_offers_claim(&offers, mcpz_text("\xff"), &pool) == MCPZ_EPROTO);
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

TEST_MAIN(CASE(one_edge_does_a_capability), CASE(only_who_does_it_can_let_it_go),
          CASE(there_is_room_for_so_many), CASE(names_have_bounds))
