/* Which node people mean. */

#include "http/node_search.h"
#include "test.h"

static struct mcpz_node_search search;

static const struct mcpz_id one = {{0x11, 1}};
static const struct mcpz_id two = {{0x11, 2}};

/* What comes of `text` where there are two nodes. */
static mcpz_error look_for(const char *text, struct mcpz_id *node)
{
    mcpz_node_search_init(&search, mcpz_text(text));
    mcpz_node_search_offer(&search, &one, mcpz_text("attic"));
    mcpz_node_search_offer(&search, &two, mcpz_text("cellar"));
    mcpz_node_search_offer(&search, &one, mcpz_bytes(NULL, 0)); /* met, and by no name */
    return mcpz_node_search_end(&search, node);
}

TEST(a_name_and_an_id_and_its_beginning_are_one_node)
{
    char text[MCPZ_ID_TEXT_BYTES];
    struct mcpz_id found = {{0}};

    (void)state;
    CHECK_UINT(look_for("cellar", &found), MCPZ_OK);
    CHECK(mcpz_id_equal(&found, &two));
    mcpz_id_to_text(&one, 'n', text);
    CHECK_UINT(look_for(text, &found), MCPZ_OK);
    CHECK(mcpz_id_equal(&found, &one));
    for (size_t length = strlen(text); length > 0; length--) {
        const struct mcpz_id before = found = (struct mcpz_id){{7}};
        text[length] = '\0';
        const mcpz_error error = look_for(text, &found);
        if (length < MCPZ_NODE_PREFIX_CHARS_MIN) {
            CHECK_UINT(error, MCPZ_ENOTFOUND);
        }
        CHECK(mcpz_id_equal(&found, error == MCPZ_OK ? &one : &before));
    }
}

TEST(what_several_begin_with_is_none_of_them)
{
    struct mcpz_id found = {{7}};

    (void)state;
    char text[MCPZ_ID_TEXT_BYTES];
    mcpz_id_to_text(&one, 'n', text);
    text[MCPZ_NODE_PREFIX_CHARS_MIN] = '\0'; /* the first bits of both */
    CHECK_UINT(look_for(text, &found), MCPZ_ECONFLICT);
    mcpz_node_search_init(&search, mcpz_text("attic"));
    mcpz_node_search_offer(&search, &one, mcpz_text("attic"));
    mcpz_node_search_offer(&search, &two, mcpz_text("attic"));
    CHECK_UINT(mcpz_node_search_end(&search, &found), MCPZ_ECONFLICT);
    CHECK_UINT(found.bytes[0], 7);
}

TEST(what_may_have_been_meant_is_said)
{
    struct mcpz_id found;

    (void)state;
    CHECK_UINT(look_for("celar", &found), MCPZ_ENOTFOUND);
    assert_string_equal(search.near, "cellar");
    CHECK_UINT(look_for("kitchen", &found), MCPZ_ENOTFOUND);
    assert_string_equal(search.near, "");
    CHECK_UINT(look_for("", &found), MCPZ_ENOTFOUND);
}

TEST_MAIN(RUN(a_name_and_an_id_and_its_beginning_are_one_node),
          RUN(what_several_begin_with_is_none_of_them), RUN(what_may_have_been_meant_is_said))
