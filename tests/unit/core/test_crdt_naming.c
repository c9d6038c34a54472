#include "core/crdt/naming.h"
#include "core/crdt/paths.h"
#include "test.h"

#define BYTES(text) mcpz_bytes(text, sizeof(text) - 1)

static struct mcpz_parts write(const char *tenant, const char *name)
{
    const struct mcpz_naming naming = {.tenant = mcpz_text(tenant), .name = mcpz_text(name)};
    struct mcpz_parts parts;

    mcpz_naming_write(&naming, &parts);
    return parts;
}

static bool is_read(struct mcpz_bytes value)
{
    struct mcpz_naming naming;
    return mcpz_naming_read(value, &naming);
}

TEST(its_bytes_are_these)
{
    struct mcpz_parts parts = write("", "worker");

    CHECK_BYTES(mcpz_parts_bytes(&parts), "\xa6worker", 7);
    parts = write("acme", "worker");
    CHECK_BYTES(mcpz_parts_bytes(&parts),
                "\x92\xa4"
                "acme\xa6worker",
                13);
}

TEST(it_is_read_as_it_was_written)
{
    static char name[MCPZ_AGENT_NAME_BYTES_MAX + 1];
    static char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    struct mcpz_naming naming;

    memset(name, 'n', sizeof(name) - 1);
    memset(tenant, 't', sizeof(tenant) - 1);
    struct mcpz_parts parts = write(tenant, name);
    CHECK(mcpz_naming_read(mcpz_parts_bytes(&parts), &naming));
    CHECK_BYTES(naming.tenant, tenant, sizeof(tenant) - 1);
    CHECK_BYTES(naming.name, name, sizeof(name) - 1);
    parts = write("", "a");
    CHECK(mcpz_naming_read(mcpz_parts_bytes(&parts), &naming));
    CHECK_UINT(naming.tenant.length, 0);
    CHECK_BYTES(naming.name, "a", 1);
}

TEST(there_is_one_form_of_each)
{
    static uint8_t long_name[2 + MCPZ_AGENT_NAME_BYTES_MAX + 1];

    CHECK(!is_read(BYTES("")));
    CHECK(!is_read(BYTES("\xa0")));          /* no name */
    CHECK(!is_read(BYTES("\x91\xa1n")));     /* not two */
    CHECK(!is_read(BYTES("\x92\xa0\xa1n"))); /* the default one is not named */
    CHECK(!is_read(BYTES("\x92\xa7"
                         "default\xa1n")));
    CHECK(!is_read(BYTES("\x92\xa1t\xa0")));
    CHECK(!is_read(BYTES("\x92\xa1t"))); /* cut off */
    CHECK(!is_read(BYTES("\x92\xa1t\xa2n")));
    CHECK(!is_read(BYTES("\x92\xa1t\xa1n\xa1n"))); /* three */
    CHECK(!is_read(BYTES("\x92\xa1t\xd9\x01n")));  /* a longer header than it takes */
    CHECK(!is_read(BYTES("\x92\xc4\x01t\xa1n")));  /* no text */
    CHECK(!is_read(BYTES("\xa1\xff")));            /* no UTF-8 */
    CHECK(!is_read(BYTES("\x07")));
    memset(long_name, 'n', sizeof(long_name));
    long_name[0] = 0xd9;
    long_name[1] = MCPZ_AGENT_NAME_BYTES_MAX;
    CHECK(is_read(mcpz_bytes(long_name, sizeof(long_name) - 1)));
    long_name[1]++;
    CHECK(!is_read(mcpz_bytes(long_name, sizeof(long_name))));
    CHECK(is_read(BYTES("\x92\xa1t\xa1n")));
}

TEST(only_the_register_at_its_path_names)
{
    struct mcpz_add add = {.type = MCPZ_ENTRY_REGISTER, .path = mcpz_paths_id};

    CHECK(mcpz_naming_is_one(&add));
    add.type = MCPZ_ENTRY_SET;
    CHECK(!mcpz_naming_is_one(&add));
    add = (struct mcpz_add){.type = MCPZ_ENTRY_REGISTER, .path = mcpz_paths_life};
    CHECK(!mcpz_naming_is_one(&add));
}

TEST_MAIN(RUN(its_bytes_are_these), RUN(it_is_read_as_it_was_written),
          RUN(there_is_one_form_of_each), RUN(only_the_register_at_its_path_names))
