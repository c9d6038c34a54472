#include "embed/reach.h"
#include "proto/limits.h"
#include "test.h"

static struct mcpz_reach find(const char *listen, const char *advertise, const char *expected)
{
    char address[MCPZ_ADDRESS_BYTES_MAX + 1];
    struct mcpz_reach reach = mcpz_reach_find(listen, advertise, 4711, address);

    CHECK_TEXT(address, expected);
    return reach;
}

TEST(takes_the_port_really_listened_on)
{
    (void)state;
    CHECK(find("127.0.0.1:0", NULL, "127.0.0.1:4711").is_local);
}

TEST(knows_loopback_by_all_its_names)
{
    (void)state;
    CHECK(find("127.1.2.3:4711", NULL, "127.1.2.3:4711").is_local);
    CHECK(find("localhost:4711", "", "localhost:4711").is_local);
    CHECK(find("[::1]:4711", NULL, "[::1]:4711").is_local);
    CHECK(!find("10.0.0.2:4711", NULL, "10.0.0.2:4711").is_local);
}

TEST(prefers_what_is_to_be_advertised)
{
    (void)state;
    struct mcpz_reach reach = find("0.0.0.0:4711", "attic.lan:8765", "attic.lan:8765");
    CHECK(!reach.is_local);
    CHECK(!reach.is_guessed);
    (void)find("0.0.0.0:4711", "attic.lan", "attic.lan:4711");
    (void)find("0.0.0.0:4711", "attic.lan:0", "attic.lan:4711");
}

TEST(never_tells_others_to_dial_everywhere)
{
    char address[MCPZ_ADDRESS_BYTES_MAX + 1];

    (void)state;
    struct mcpz_reach reach = mcpz_reach_find("0.0.0.0:0", NULL, 4711, address);
    CHECK(strncmp(address, "0.0.0.0", 7) != 0);
    CHECK(reach.is_guessed == (address[0] != '\0'));
}

TEST_MAIN(RUN(takes_the_port_really_listened_on), RUN(knows_loopback_by_all_its_names),
          RUN(prefers_what_is_to_be_advertised), RUN(never_tells_others_to_dial_everywhere))
