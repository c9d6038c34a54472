#include "host/config.h"
#include "test.h"

struct split_case {
    const char *text;
    const char *host;
    uint16_t port;
};

TEST(splits_every_way_to_write_an_address)
{
    static const struct split_case cases[] = {
        {"10.0.0.1:9000", "10.0.0.1", 9000},
        {"attic.lan:1", "attic.lan", 1},
        {"attic.lan:65535", "attic.lan", 65535},
        {"attic.lan", "attic.lan", 7},
        {"attic_2.my-lan", "attic_2.my-lan", 7},
        {"[::1]:8765", "::1", 8765},
        {"[fe80::1:2]", "fe80::1:2", 7},
        {"::1", "::1", 7},
        {"::", "::", 7},
        {"2001:db8::8:800:200c:417a", "2001:db8::8:800:200c:417a", 7},
        {":8765", "", 8765},
        {"8765", "", 8765},
        {"0", "", 0},
        {"host:0", "host", 0},
        {"3com.example:80", "3com.example", 80},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        char host[MCPZ_ADDRESS_BYTES_MAX + 1];
        uint16_t port;
        CHECK(mcpz_address_split(cases[i].text, 7, host, &port) == MCPZ_OK);
        CHECK_TEXT(host, cases[i].host);
        CHECK_UINT(port, cases[i].port);
    }
}

TEST(refuses_what_is_no_address_and_leaves_the_result_alone)
{
    static const char *const texts[] = {
        "",
        "host:65536",
        "65536",
        "99999999999",
        "host:",
        "host:-1",
        "host:8a",
        "host:80 ",
        " host:80",
        "ho st:80",
        "host:80:81",
        "[::1",
        "[::1]8765",
        "[::1]:",
        "[::1]:65536",
        "[1.2.3.4]:5",
        "[]:5",
        "[host]:5",
        "[::1]x",
        "256.1.1.1:80",
        "1.2.3:80",
        "a..b:80",
        ".a:80",
        "user@host:80",
        "host/x:80",
        "wss://host",
        "host:080000",
        "1:2:3:4:5",
        "[fe80::1%e]",
        "a.1:80",
        "host\n:80",
        "[",
        "]",
        ":",
        "h\xc3\xb6st",
        "fe80::1::2",
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(texts); i++) {
        char host[MCPZ_ADDRESS_BYTES_MAX + 1] = "as before";
        uint16_t port = 7;
        if (mcpz_address_split(texts[i], 1, host, &port) != MCPZ_EPROTO) {
            fail_msg("took \"%s\"", texts[i]);
        }
        CHECK_TEXT(host, "as before");
        CHECK_UINT(port, 7);
    }
}

/* `count` labels of `label` letters, separated by dots. */
static void make_host(char *text, size_t label, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        text[i] = (i + 1) % (label + 1) == 0 ? '.' : 'a';
    }
    text[length] = '\0';
}

TEST(takes_labels_of_63_and_names_of_253_and_none_longer)
{
    char host[MCPZ_ADDRESS_BYTES_MAX + 1];
    char text[512];
    uint16_t port;

    make_host(text, 63, 63);
    CHECK(mcpz_address_split(text, 1, host, &port) == MCPZ_OK);
    make_host(text, 64, 64);
    CHECK(mcpz_address_split(text, 1, host, &port) == MCPZ_EPROTO);
    make_host(text, 63, 253);
    CHECK(mcpz_address_split(text, 1, host, &port) == MCPZ_OK);
    CHECK_UINT(strlen(host), 253);
    make_host(text, 63, 254);
    CHECK(mcpz_address_split(text, 1, host, &port) == MCPZ_EPROTO);
    make_host(text, 63, 400);
    CHECK(mcpz_address_split(text, 1, host, &port) == MCPZ_EPROTO);
}

TEST(puts_ipv6_back_into_brackets)
{
    char address[MCPZ_ADDRESS_BYTES_MAX + 1];
    char host[512];

    CHECK(mcpz_address_join("::1", 80, address) == MCPZ_OK);
    CHECK_TEXT(address, "[::1]:80");
    CHECK(mcpz_address_join("a.b", 65535, address) == MCPZ_OK);
    CHECK_TEXT(address, "a.b:65535");
    make_host(host, 63, 300);
    CHECK(mcpz_address_join(host, 1, address) == MCPZ_EPROTO);
}

TEST(reads_bootstrap_urls_and_tells_which_were_plain)
{
    static const struct {
        const char *url;
        const char *address;
        bool upgraded;
    } cases[] = {
        {"wss://a.b:1", "a.b:1", false},      {"ws://a.b:1", "a.b:1", true},
        {"WS://a.b", "a.b:8765", true},       {"Wss://a.b/", "a.b:8765", false},
        {"a.b", "a.b:8765", false},           {"a.b:9", "a.b:9", false},
        {"ws://[::1]:9/", "[::1]:9", true},   {"wss://[::1]", "[::1]:8765", false},
        {"10.0.0.1", "10.0.0.1:8765", false}, {"::1", "[::1]:8765", false},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        char address[MCPZ_ADDRESS_BYTES_MAX + 1];
        bool upgraded = !cases[i].upgraded;
        CHECK(mcpz_address_from_url(cases[i].url, address, &upgraded) == MCPZ_OK);
        CHECK_TEXT(address, cases[i].address);
        CHECK_UINT(upgraded, cases[i].upgraded);
    }
}

TEST(refuses_urls_that_name_no_node)
{
    static const char *const urls[] = {
        "",        "wss://",      "ws:///",       "http://a.b",   "wss://a.b/mesh", "wss://u@a.b",
        "a.b:0",   "wss://a.b:0", "wss://a.b:1x", "wss://8765",   ":8765",          "8765",
        "wss:a.b", "a.b//",       "wss://a.b?x",  "wss://a b:80",
    };
    char address[MCPZ_ADDRESS_BYTES_MAX + 1] = "as before";
    bool upgraded = true;
    char url[600];

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(urls); i++) {
        if (mcpz_address_from_url(urls[i], address, &upgraded) != MCPZ_EPROTO) {
            fail_msg("took \"%s\"", urls[i]);
        }
    }
    make_host(url, 63, sizeof(url) - 1);
    CHECK(mcpz_address_from_url(url, address, &upgraded) == MCPZ_EPROTO);
    CHECK_TEXT(address, "as before");
    CHECK(upgraded);
}

TEST_MAIN(RUN(splits_every_way_to_write_an_address),
          RUN(refuses_what_is_no_address_and_leaves_the_result_alone),
          RUN(takes_labels_of_63_and_names_of_253_and_none_longer),
          RUN(puts_ipv6_back_into_brackets), RUN(reads_bootstrap_urls_and_tells_which_were_plain),
          RUN(refuses_urls_that_name_no_node))
