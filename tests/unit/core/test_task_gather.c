#include "core/task_gather.h"
#include "core/task_plan.h"
#include "fake_store.h"
#include "test.h"

static struct fake_store store;
static struct mcpz_task_book book;
static const struct mcpz_id self = {.bytes = {1}};
static const struct mcpz_task_id root = {.bytes = {1}};

/* JSON is what begins like it. */
static bool is_value(struct mcpz_bytes text)
{
    return text.length > 0 && strchr("[{0123456789\"", text.data[0]) != NULL;
}

static size_t escape(uint8_t byte, char escape[MCPZ_PLAN_ESCAPE_CHARS])
{
    escape[0] = '\\';
    escape[1] = (char)byte;
    return byte == '"' ? 2 : 0;
}

static const struct mcpz_planner planner = {.is_value = is_value, .escape = escape};

static void begin(void)
{
    fake_store_init(&store);
    mcpz_task_book_init(&book, &store.port, &self);
}

static void keep(const struct mcpz_task_id *id, uint32_t phase, struct mcpz_bytes result)
{
    const struct mcpz_task_body body = {.capability = mcpz_text("x")};
    const struct mcpz_task_state now = {.epoch = 1, .revision = 1, .phase = phase};

    mcpz_task_book_add(&book, id, &body, &now);
    mcpz_task_book_set_result(&book, id, result);
}

static void split(const struct mcpz_task_id *id, uint32_t aggregate, uint32_t count, bool reduces)
{
    const struct mcpz_task_plan plan = {.count = count,
                                        .aggregate = aggregate,
                                        .reduces = reduces,
                                        .weights = mcpz_bytes("\0\0\x01\xf4\0\0\x07\xd0", 8),
                                        .text = mcpz_text("{}")};
    mcpz_task_book_set_plan(&book, id, &plan);
}

static struct mcpz_task_id part_of(const struct mcpz_task_id *id, uint32_t part)
{
    return mcpz_task_part_id(id, 0, part);
}

static void keep_part(const struct mcpz_task_id *id, uint32_t part, uint32_t phase,
                      const char *result)
{
    const struct mcpz_task_id name = part_of(id, part);
    keep(&name, phase, mcpz_text(result));
}

/* Read what was begun, `step` bytes at a time. */
static void check_read(struct mcpz_gather *gather, size_t step, const char *expected)
{
    static uint8_t all[4 * MCPZ_TASK_RESULT_BYTES_MAX];
    size_t used = 0;
    size_t length;

    while ((length = mcpz_gather_read(gather, &book, all + used, step)) > 0) {
        CHECK(length <= step);
        used += length;
    }
    CHECK_BYTES(mcpz_bytes(all, used), expected, strlen(expected));
}

static void check_result(const struct mcpz_task_id *id, const char *expected)
{
    for (size_t step = MCPZ_GATHER_PENDING_BYTES; step < 200; step += 7) {
        struct mcpz_gather gather;
        mcpz_gather_result(&gather, &planner, &book, id);
        check_read(&gather, step, expected);
    }
}

TEST(what_was_not_split_gives_what_it_gave)
{
    begin();
    keep(&root, MCPZ_TASK_DONE, mcpz_text("plain \"text\""));
    check_result(&root, "plain \"text\"");
    fake_store_finish(&store);
}

TEST(an_array_has_json_as_it_is_and_the_rest_as_strings)
{
    const struct mcpz_task_id bytes = part_of(&root, 3);

    begin();
    keep(&root, MCPZ_TASK_DONE, mcpz_text(""));
    split(&root, MCPZ_TASK_PARALLEL, 6, false);
    keep_part(&root, 0, MCPZ_TASK_DONE, "{\"a\": 1}");
    keep_part(&root, 1, MCPZ_TASK_DONE, "say \"hello\"");
    keep_part(&root, 2, MCPZ_TASK_DEAD, "");
    keep(&bytes, MCPZ_TASK_DONE, mcpz_bytes("\xff\xfe\xfd\xfc", 4));
    keep_part(&root, 4, MCPZ_TASK_DONE, "");
    check_result(&root, "[{\"a\": 1},\"say \\\"hello\\\"\",null,\"//79/A==\",\"\",null]");
    fake_store_finish(&store);
}

TEST(a_sequence_gives_what_its_last_gave_and_a_reduction_what_it_made)
{
    const struct mcpz_task_id middle = part_of(&root, 1);

    begin();
    keep(&root, MCPZ_TASK_DONE, mcpz_text(""));
    split(&root, MCPZ_TASK_SEQUENTIAL, 2, false);
    keep_part(&root, 0, MCPZ_TASK_DONE, "first");
    keep(&middle, MCPZ_TASK_DONE, mcpz_text(""));
    split(&middle, MCPZ_TASK_PARALLEL, 1, true);
    keep_part(&middle, 0, MCPZ_TASK_DONE, "1");
    keep_part(&middle, 1, MCPZ_TASK_DONE, "made of it");
    check_result(&root, "made of it");
    fake_store_finish(&store);
}

TEST(a_mean_is_what_is_kept)
{
    begin();
    keep(&root, MCPZ_TASK_DONE, mcpz_text("3.5"));
    split(&root, MCPZ_TASK_WEIGHTED, 2, false);
    check_result(&root, "3.5");
    fake_store_finish(&store);
}

TEST(who_reduces_is_given_weights_where_there_are)
{
    struct mcpz_gather gather;

    begin();
    split(&root, MCPZ_TASK_WEIGHTED, 2, true);
    keep_part(&root, 0, MCPZ_TASK_DONE, "1");
    keep_part(&root, 1, MCPZ_TASK_DEAD, "");
    mcpz_gather_parts(&gather, &planner, &root);
    check_read(&gather, 100, "[{\"weight\":0.5,\"result\":1},{\"weight\":2,\"result\":null}]");
    fake_store_finish(&store);
}

TEST(what_is_split_again_is_an_array_in_the_array)
{
    const struct mcpz_task_id middle = part_of(&root, 1);

    begin();
    keep(&root, MCPZ_TASK_DONE, mcpz_text(""));
    split(&root, MCPZ_TASK_PARALLEL, 2, false);
    keep_part(&root, 0, MCPZ_TASK_DONE, "1");
    keep(&middle, MCPZ_TASK_DONE, mcpz_text(""));
    split(&middle, MCPZ_TASK_PARALLEL, 2, false);
    keep_part(&middle, 0, MCPZ_TASK_DONE, "2");
    keep_part(&middle, 1, MCPZ_TASK_DONE, "three");
    check_result(&root, "[1,[2,\"three\"]]");
    fake_store_finish(&store);
}

/* Whoever wrote such rows did not go by the rules: it is read to an end nevertheless. */
TEST(a_tree_that_is_its_own_branch_comes_to_an_end)
{
    static struct mcpz_task_id at;
    struct mcpz_gather gather;
    uint8_t buffer[256];
    size_t reads = 0;

    begin();
    at = root;
    for (size_t level = 0; level < 3 * MCPZ_GATHER_DEPTH_MAX; level++) {
        keep(&at, MCPZ_TASK_DONE, mcpz_text(""));
        split(&at, level % 2 == 0 ? MCPZ_TASK_PARALLEL : MCPZ_TASK_SEQUENTIAL, 1, false);
        at = part_of(&at, 0);
    }
    mcpz_gather_result(&gather, &planner, &book, &root);
    while (mcpz_gather_read(&gather, &book, buffer, sizeof(buffer)) > 0 && reads < 100) {
        reads++;
    }
    CHECK(reads < 100);
    fake_store_finish(&store);
}

TEST_MAIN(RUN(what_was_not_split_gives_what_it_gave),
          RUN(an_array_has_json_as_it_is_and_the_rest_as_strings),
          RUN(a_sequence_gives_what_its_last_gave_and_a_reduction_what_it_made),
          RUN(a_mean_is_what_is_kept), RUN(who_reduces_is_given_weights_where_there_are),
          RUN(what_is_split_again_is_an_array_in_the_array),
          RUN(a_tree_that_is_its_own_branch_comes_to_an_end))
