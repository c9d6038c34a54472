#include "base/chain.h"
#include "test.h"

static struct mcpz_chain_link links[4];

static void check(const struct mcpz_chain *chain, const uint32_t *items, size_t count)
{
    uint32_t at = chain->first;
    uint32_t before = MCPZ_CHAIN_END;

    CHECK_UINT(chain->count, count);
    for (size_t i = 0; i < count; i++) {
        CHECK_UINT(at, items[i]);
        CHECK_UINT(links[at].previous, before);
        before = at;
        at = links[at].next;
    }
    CHECK_UINT(at, MCPZ_CHAIN_END);
    CHECK_UINT(chain->last, before);
}

TEST(keeps_the_order_in_which_things_came)
{
    struct mcpz_chain chain = mcpz_chain_empty();

    check(&chain, NULL, 0);
    mcpz_chain_append(&chain, links, 2);
    mcpz_chain_append(&chain, links, 0);
    mcpz_chain_append(&chain, links, 3);
    check(&chain, (const uint32_t[]){2, 0, 3}, 3);
}

TEST(takes_out_the_first_the_last_and_one_between)
{
    struct mcpz_chain chain = mcpz_chain_empty();

    for (uint32_t i = 0; i < 4; i++) {
        mcpz_chain_append(&chain, links, i);
    }
    mcpz_chain_remove(&chain, links, 1);
    check(&chain, (const uint32_t[]){0, 2, 3}, 3);
    mcpz_chain_remove(&chain, links, 0);
    check(&chain, (const uint32_t[]){2, 3}, 2);
    mcpz_chain_remove(&chain, links, 3);
    check(&chain, (const uint32_t[]){2}, 1);
    mcpz_chain_remove(&chain, links, 2);
    check(&chain, NULL, 0);
    mcpz_chain_append(&chain, links, 1);
    check(&chain, (const uint32_t[]){1}, 1);
}

TEST(one_array_serves_two_chains)
{
    struct mcpz_chain odd = mcpz_chain_empty();
    struct mcpz_chain even = mcpz_chain_empty();

    for (uint32_t i = 0; i < 4; i++) {
        mcpz_chain_append(i % 2 == 0 ? &even : &odd, links, i);
    }
    check(&odd, (const uint32_t[]){1, 3}, 2);
    check(&even, (const uint32_t[]){0, 2}, 2);
}

TEST_MAIN(RUN(keeps_the_order_in_which_things_came),
          RUN(takes_out_the_first_the_last_and_one_between), RUN(one_array_serves_two_chains))
