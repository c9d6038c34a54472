#include "cli/peers.h"
#include "cli/show.h"
#include "test.h"

static const char *const known[] = {"alive", "suspect", "dead", NULL};

/* The names left of some peers. */
static void keeps(const char *key, const char *words, const char *expected)
{
    json_t *peers = json_loads("[{\"name\":\"a\",\"state\":\"alive\",\"view\":\"active\"},"
                               "{\"name\":\"b\",\"state\":\"dead\",\"view\":\"none\"},"
                               "{\"name\":\"c\",\"state\":\"alive\"},"
                               "{\"name\":\"d\",\"state\":\"suspect\",\"view\":\"passive\"}]",
                               0, NULL);
    char left[64] = "";

    CHECK(peers != NULL);
    mcpz_peers_keep(peers, key, words);
    for (size_t i = 0; i < json_array_size(peers); i++) {
        (void)strcat(left, mcpz_show_text(json_array_get(peers, i), "name"));
    }
    json_decref(peers);
    CHECK_TEXT(left, expected);
}

TEST(words_are_known_one_by_one)
{
    CHECK(mcpz_words_are("dead", known));
    CHECK(mcpz_words_are("suspect,dead,suspect", known));
    CHECK(!mcpz_words_are("", known));
    CHECK(!mcpz_words_are("dead,", known));
    CHECK(!mcpz_words_are(",dead", known));
    CHECK(!mcpz_words_are("deadly", known));
    CHECK(!mcpz_words_are("dea", known));
    CHECK(!mcpz_words_are("alive,Dead", known));
}

TEST(peers_are_kept_by_what_they_are)
{
    keeps("state", NULL, "abcd");
    keeps("state", "alive", "ac");
    keeps("state", "suspect,dead", "bd");
    keeps("state", "left", "");
    keeps("view", "active,passive", "ad");
    keeps("view", "none", "b");
}

static void reasons_are(const char *json, const char *expected)
{
    char room[MCPZ_FIELD_BYTES];
    json_t *peer = json_loads(json, 0, NULL);

    CHECK(peer != NULL);
    const char *text = mcpz_peer_reasons(peer, room);
    CHECK((text == NULL) == (expected == NULL));
    if (expected != NULL) {
        CHECK_TEXT(text, expected);
    }
    json_decref(peer);
}

TEST(reasons_name_who_had_them)
{
    reasons_are("{}", NULL);
    reasons_are("{\"reasons\":[]}", NULL);
    reasons_are("{\"reasons\":[{\"observer\":\"n-abcdefghijkl\",\"reason\":\"silent\"}]}",
                "silent by n-abcdefgh");
    reasons_are("{\"reasons\":[{\"observer\":\"n-abcdefghijkl\",\"reason\":\"silent\"},{}]}",
                "silent by n-abcdefgh, - by -");
}

TEST(more_reasons_than_fit_are_cut)
{
    char room[MCPZ_FIELD_BYTES];
    json_t *peer = json_pack("{s:[]}", "reasons");
    json_t *reasons = json_object_get(peer, "reasons");

    for (size_t i = 0; i < 100; i++) {
        CHECK(json_array_append_new(reasons, json_pack("{s:s, s:s}", "observer", "n-abcdefgh",
                                                       "reason", "silent")) == 0);
    }
    CHECK(mcpz_peer_reasons(peer, room) == room);
    CHECK_UINT(strlen(room), MCPZ_FIELD_BYTES - 1);
    json_decref(peer);
}

TEST_MAIN(RUN(words_are_known_one_by_one), RUN(peers_are_kept_by_what_they_are),
          RUN(reasons_name_who_had_them), RUN(more_reasons_than_fit_are_cut))
