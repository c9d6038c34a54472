/* What one transaction makes of several batches. */

#include "store/group.h"
#include "test.h"

static struct mcpz_batches batches;

static struct mcpz_write *put(const char *key, const char *value)
{
    struct mcpz_write *write = mcpz_write_create(mcpz_text(key), mcpz_text(value));

    CHECK(write != NULL);
    write->batch = batches.last;
    mcpz_batch_add(batches.last, write, 1);
    return write;
}

static void begin(uint64_t number)
{
    struct mcpz_batch *batch = mcpz_batch_create(number);

    CHECK(batch != NULL);
    mcpz_batches_append(&batches, batch);
}

/* As "key=value ". */
static const char *grouped(void)
{
    static char text[256];
    struct mcpz_group group;
    size_t used = 0;

    text[0] = '\0';
    CHECK_UINT(mcpz_group_init(&group, &batches), MCPZ_OK);
    for (size_t i = 0; i < group.count; i++) {
        const struct mcpz_write *write = group.rows[i].write;
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, "%.*s=%.*s ",
                             (int)write->key_length, (const char *)write->bytes,
                             (int)write->value_length, (const char *)mcpz_write_value(write).data);
    }
    mcpz_group_finish(&group);
    mcpz_batches_destroy(&batches);
    return text;
}

TEST(sorts_by_key_across_batches)
{
    begin(1);
    (void)put("document-b", "1");
    (void)put("a", "2");
    begin(2);
    (void)put("document-a", "3");
    (void)put("document", "4");
    CHECK_TEXT(grouped(), "a=2 document=4 document-a=3 document-b=1 ");
}

TEST(of_each_key_the_last_write_counts)
{
    begin(1);
    (void)put("document-x", "1");
    put("y", "1")->replaced = true;
    (void)put("y", "2");
    begin(2);
    (void)put("document-x", "2");
    begin(10);
    put("document-x", "")->removed = true;
    (void)put("y", "3");
    CHECK_TEXT(grouped(), "document-x= y=3 ");
}

TEST(of_nothing_it_makes_nothing)
{
    CHECK_TEXT(grouped(), "");
}

TEST_MAIN(RUN(sorts_by_key_across_batches), RUN(of_each_key_the_last_write_counts),
          RUN(of_nothing_it_makes_nothing))
