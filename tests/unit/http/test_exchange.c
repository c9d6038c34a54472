/* What the families of routes share. */

#include "fake_engine.h"
#include "http/exchange.h"

static void check_rows(const char *object, size_t most, const char *rows)
{
    json_t *json = json_loads(object, 0, NULL);
    json_t *sorted = mcpz_exchange_sort_rows(json, most);
    char *text = json_dumps(sorted, JSON_COMPACT);

    CHECK_TEXT(text, rows);
    free(text);
    json_decref(sorted);
    json_decref(json);
}

TEST(rows_come_in_the_order_of_their_names_and_no_more_than_are_wanted)
{
    static const char object[] = "{\"c\":{\"n\":3},\"a\":{\"n\":1},\"b\":{\"n\":2}}";

    check_rows("{}", 1, "[]");
    check_rows(object, SIZE_MAX, "[{\"n\":1},{\"n\":2},{\"n\":3}]");
    check_rows(object, 3, "[{\"n\":1},{\"n\":2},{\"n\":3}]");
    check_rows(object, 2, "[{\"n\":1},{\"n\":2}]");
    check_rows(object, 0, "[]");
}

TEST_MAIN(RUN(rows_come_in_the_order_of_their_names_and_no_more_than_are_wanted))
