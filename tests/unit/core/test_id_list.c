#include "core/reconcile/id_list.h"
#include "test.h"

static struct {
    uint64_t ids[16];
    bool is_theirs[16];
    size_t count;
} noted;

static void note(void *context, uint64_t id, bool is_theirs)
{
    CHECK(context == &noted && noted.count < 16);
    noted.ids[noted.count] = id;
    noted.is_theirs[noted.count++] = is_theirs;
}

static const struct mcpz_id_list_found found = {.context = &noted, .note = note};
static const uint64_t ours[] = {2, 5, 7, 9};

#define ID(low) "\0\0\0\0\0\0\0" low

static bool take(struct mcpz_id_list *list, const char *literal, size_t size)
{
    return mcpz_id_list_take(list, mcpz_bytes(literal, size - 1), &found);
}

#define TAKE(literal) take(&list, literal, sizeof(literal))

static struct mcpz_id_list begin(void)
{
    struct mcpz_id_list list;
    noted.count = 0;
    mcpz_id_list_begin(&list, ours, 4);
    return list;
}

static void check_noted(size_t at, uint64_t id, bool is_theirs)
{
    CHECK(at < noted.count);
    CHECK_UINT(noted.ids[at], id);
    CHECK(noted.is_theirs[at] == is_theirs);
}

TEST(what_only_one_has_is_noted_in_order)
{
    struct mcpz_id_list list = begin();

    CHECK(TAKE(ID("\x01") ID("\x05")));
    CHECK(TAKE(ID("\x08")));
    mcpz_id_list_end(&list, &found);
    CHECK_UINT(noted.count, 5);
    check_noted(0, 1, true);
    check_noted(1, 2, false);
    check_noted(2, 7, false);
    check_noted(3, 8, true);
    check_noted(4, 9, false);
}

TEST(equal_lists_differ_in_nothing)
{
    struct mcpz_id_list list = begin();

    CHECK(TAKE(ID("\x02") ID("\x05") ID("\x07") ID("\x09")));
    mcpz_id_list_end(&list, &found);
    CHECK_UINT(noted.count, 0);
}

TEST(who_has_nothing_lacks_all)
{
    struct mcpz_id_list list = begin();

    CHECK(TAKE(""));
    mcpz_id_list_end(&list, &found);
    CHECK_UINT(noted.count, 4);
    check_noted(3, 9, false);
}

TEST(lists_that_do_not_ascend_are_refused)
{
    struct mcpz_id_list list = begin();

    CHECK(TAKE(ID("\x03")));
    CHECK(!TAKE(ID("\x03")));
    list = begin();
    CHECK(TAKE(ID("\x03")));
    CHECK(!TAKE(ID("\x02")));
    list = begin();
    CHECK(TAKE(ID("\x00")));
    CHECK(!TAKE(ID("\x00")));
}

TEST(halves_of_ids_are_refused)
{
    struct mcpz_id_list list = begin();

    CHECK(!TAKE("\0\0\0\0\0\0\0"));
    CHECK(!TAKE(ID("\x01") "\0"));
    CHECK_UINT(noted.count, 0);
}

TEST_MAIN(RUN(what_only_one_has_is_noted_in_order), RUN(equal_lists_differ_in_nothing),
          RUN(who_has_nothing_lacks_all), RUN(lists_that_do_not_ascend_are_refused),
          RUN(halves_of_ids_are_refused))
