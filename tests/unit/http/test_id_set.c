/* Ids that were seen are known again, up to a bound. */

#include "crypto/identity.h"
#include "http/id_set.h"
#include "test.h"

static struct mcpz_id id_of(uint32_t number)
{
    return (struct mcpz_id){{(uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}};
}

TEST(each_is_new_once)
{
    struct mcpz_id_set set;

    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    mcpz_id_set_init(&set, 10000);
    for (uint32_t i = 0; i < 10000; i++) {
        const struct mcpz_id id = id_of(i);
        CHECK_UINT(mcpz_id_set_add(&set, &id), MCPZ_OK);
    }
    for (uint32_t i = 0; i < 10000; i++) {
        const struct mcpz_id id = id_of(i);
        CHECK_UINT(mcpz_id_set_add(&set, &id), MCPZ_EUSED);
    }
    CHECK_UINT(set.count, 10000);
    CHECK(set.capacity >= 2 * set.count);
    mcpz_id_set_finish(&set);
}

TEST(a_full_one_takes_none_and_knows_those_it_has)
{
    const struct mcpz_id ids[] = {id_of(1), id_of(2), id_of(3)};
    struct mcpz_id_set set;

    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    mcpz_id_set_init(&set, 2);
    CHECK_UINT(mcpz_id_set_add(&set, &ids[0]), MCPZ_OK);
    CHECK_UINT(mcpz_id_set_add(&set, &ids[1]), MCPZ_OK);
    CHECK_UINT(mcpz_id_set_add(&set, &ids[2]), MCPZ_EFULL);
    CHECK_UINT(mcpz_id_set_add(&set, &ids[1]), MCPZ_EUSED);
    mcpz_id_set_finish(&set);
    mcpz_id_set_finish(&set);
}

TEST_MAIN(RUN(each_is_new_once), RUN(a_full_one_takes_none_and_knows_those_it_has))
