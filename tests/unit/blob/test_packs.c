#include <fcntl.h>

#include "blob/packs.h"
#include "scratch.h"

static struct scratch scratch;
static struct mcpz_packs *packs;
static const struct mcpz_id id = {{1, 2, 3}};
static const struct mcpz_id other = {{4}};

static void set_up(void)
{
    scratch_make(&scratch);
    CHECK_UINT(mcpz_packs_open(scratch.path, &packs), MCPZ_OK);
}

static void tear_down(void)
{
    mcpz_packs_close(packs);
    scratch_remove(&scratch);
}

static void reopen(void)
{
    mcpz_packs_close(packs);
    CHECK_UINT(mcpz_packs_open(scratch.path, &packs), MCPZ_OK);
}

static struct mcpz_pack_place append(const char *text)
{
    struct mcpz_pack_place place;
    CHECK_UINT(mcpz_packs_append(packs, &id, mcpz_text(text), &place), MCPZ_OK);
    return place;
}

static void check_read(const struct mcpz_pack_place *place, const char *text)
{
    uint8_t bytes[64];
    CHECK_UINT(place->length, strlen(text));
    CHECK_UINT(mcpz_packs_read(packs, &id, place, bytes), MCPZ_OK);
    CHECK(memcmp(bytes, text, place->length) == 0);
}

TEST(what_is_appended_is_read)
{
    set_up();
    const struct mcpz_pack_place a = append("first");
    const struct mcpz_pack_place b = append("the second");
    check_read(&a, "first");
    check_read(&b, "the second");
    CHECK_UINT(mcpz_packs_sync(packs), MCPZ_OK);
    reopen();
    check_read(&a, "first");
    const struct mcpz_pack_place c = append("third");
    CHECK_UINT(c.pack, a.pack);
    CHECK_UINT(c.offset, b.offset + MCPZ_PACK_HEAD_BYTES + b.length);
    check_read(&b, "the second");
    check_read(&c, "third");
    tear_down();
}

TEST(what_is_not_there_is_not_read)
{
    uint8_t bytes[64];

    set_up();
    struct mcpz_pack_place place = append("first");
    CHECK_UINT(mcpz_packs_read(packs, &other, &place, bytes), MCPZ_ECORRUPT);
    place.length++;
    CHECK_UINT(mcpz_packs_read(packs, &id, &place, bytes), MCPZ_ECORRUPT);
    place.length--;
    place.offset = 1000;
    CHECK_UINT(mcpz_packs_read(packs, &id, &place, bytes), MCPZ_ECORRUPT);
    place.offset = 0;
    place.pack = 7;
    CHECK_UINT(mcpz_packs_read(packs, &id, &place, bytes), MCPZ_ECORRUPT);
    place.pack = 0;
    CHECK_UINT(mcpz_packs_read(packs, &id, &place, bytes), MCPZ_ECORRUPT);
    tear_down();
}

/* A crash leaves half a record: what comes then is behind it. */
TEST(rubbish_at_the_end_is_passed_over)
{
    char path[600];

    set_up();
    const struct mcpz_pack_place a = append("first");
    snprintf(path, sizeof(path), "%s/pack-00000001", scratch.path);
    FILE *file = fopen(path, "abe");
    CHECK(file != NULL && fputs("mcpk half a rec", file) >= 0 && fclose(file) == 0);
    reopen();
    const struct mcpz_pack_place b = append("second");
    check_read(&a, "first");
    check_read(&b, "second");
    tear_down();
}

TEST(a_full_pack_is_followed_by_another)
{
    static uint8_t large[1 << 20];
    struct mcpz_pack_place place = {0};
    struct mcpz_pack_place last;

    set_up();
    const struct mcpz_pack_place a = append("first");
    char path[600];
    snprintf(path, sizeof(path), "%s/pack-00000001", scratch.path);
    CHECK(truncate(path, MCPZ_PACK_BYTES_MAX - (1 << 20)) == 0); /* as if all that was written */
    reopen();
    CHECK_UINT(mcpz_packs_append(packs, &id, mcpz_bytes(large, (1 << 20) - 40), &place), MCPZ_OK);
    CHECK_UINT(place.pack, 1);
    last = append("over");
    CHECK_UINT(last.pack, 2);
    CHECK_UINT(last.offset, 0);
    check_read(&last, "over");
    check_read(&a, "first");
    reopen();
    CHECK_UINT(append("on").pack, 2);
    tear_down();
}

TEST(many_packs_are_read_with_few_files)
{
    struct mcpz_pack_place places[20];
    char path[600];

    set_up();
    for (uint32_t i = 0; i < 20; i++) {
        snprintf(path, sizeof(path), "%s/pack-%08u", scratch.path, i + 1);
        const int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        CHECK(file >= 0 && close(file) == 0);
        reopen();
        places[i] = append("content");
        CHECK_UINT(places[i].pack, i + 1);
    }
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 20; i++) {
            check_read(&places[i], "content");
        }
    }
    tear_down();
}

TEST(what_is_dropped_gives_its_blocks_back)
{
    static uint8_t large[1 << 20];
    struct mcpz_pack_place place;
    struct stat before;
    struct stat after;
    char path[600];

    set_up();
    memset(large, 0xab, sizeof(large));
    CHECK_UINT(mcpz_packs_append(packs, &id, mcpz_bytes(large, sizeof(large)), &place), MCPZ_OK);
    const struct mcpz_pack_place kept = append("kept");
    CHECK_UINT(mcpz_packs_sync(packs), MCPZ_OK);
    snprintf(path, sizeof(path), "%s/pack-00000001", scratch.path);
    CHECK(stat(path, &before) == 0);
    mcpz_packs_drop(packs, &place);
    CHECK(stat(path, &after) == 0);
    CHECK_UINT(after.st_size, before.st_size);
    CHECK(after.st_blocks <= before.st_blocks); /* fewer, where there can be holes */
    check_read(&kept, "kept");
    tear_down();
}

TEST_MAIN(RUN(what_is_appended_is_read), RUN(what_is_not_there_is_not_read),
          RUN(rubbish_at_the_end_is_passed_over), RUN(a_full_pack_is_followed_by_another),
          RUN(many_packs_are_read_with_few_files), RUN(what_is_dropped_gives_its_blocks_back))
