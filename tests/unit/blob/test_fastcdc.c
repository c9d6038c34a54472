#include "blob/fastcdc.h"
#include "blob_world.h"

#define LENGTH (8 << 20)

static uint64_t gear[256];
static uint8_t *bytes;

static void set_up(void)
{
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, 99);
    for (size_t i = 0; i < 256; i++) {
        gear[i] = mcpz_rng_next(&rng);
    }
    bytes = malloc(LENGTH + 1);
    CHECK(bytes != NULL);
    random_bytes(1, bytes, LENGTH + 1);
}

/* Cut all of it; returns how many chunks, and where they end. */
static size_t cut_all(const struct mcpz_chunk_sizes *sizes, const uint8_t *data, size_t length,
                      size_t *ends)
{
    size_t count = 0;

    for (size_t at = 0; at < length;) {
        const size_t left = length - at;
        const size_t some = left < sizes->max ? left : sizes->max;
        const size_t cut = mcpz_fastcdc_cut(gear, sizes, mcpz_bytes(data + at, some));
        CHECK(cut > 0 && cut <= some);
        CHECK(cut >= sizes->min || cut == left);
        at += cut;
        ends[count++] = at;
    }
    return count;
}

static size_t ends[4096];

static void check_mean(const struct mcpz_chunk_sizes *sizes)
{
    const size_t count = cut_all(sizes, bytes, LENGTH, ends);
    const size_t mean = LENGTH / count;

    CHECK(mean > sizes->wanted * 9 / 10 && mean < sizes->wanted * 14 / 10);
}

TEST(chunks_are_about_as_long_as_wanted)
{
    set_up();
    check_mean(&mcpz_chunks_small);
    check_mean(&mcpz_chunks_large);
    free(bytes);
}

/* Of zeros the hash is soon the same, with bits set at its upper end. */
TEST(where_nothing_cuts_the_largest_size_does)
{
    set_up();
    gear[0] = UINT64_C(0x5555555555555555);
    memset(bytes, 0, LENGTH);
    CHECK_UINT(mcpz_fastcdc_cut(gear, &mcpz_chunks_small, mcpz_bytes(bytes, 65536)), 65536);
    CHECK_UINT(mcpz_fastcdc_cut(gear, &mcpz_chunks_small, mcpz_bytes(bytes, 65535)), 65535);
    free(bytes);
}

TEST(what_is_short_is_one_chunk)
{
    set_up();
    CHECK_UINT(mcpz_fastcdc_cut(gear, &mcpz_chunks_small, mcpz_bytes(NULL, 0)), 0);
    CHECK_UINT(mcpz_fastcdc_cut(gear, &mcpz_chunks_small, mcpz_bytes(bytes, 1)), 1);
    CHECK_UINT(mcpz_fastcdc_cut(gear, &mcpz_chunks_small, mcpz_bytes(bytes, 4096)), 4096);
    free(bytes);
}

TEST(more_than_the_largest_size_changes_nothing)
{
    set_up();
    CHECK_UINT(mcpz_fastcdc_cut(gear, &mcpz_chunks_large, mcpz_bytes(bytes, LENGTH)),
               mcpz_fastcdc_cut(gear, &mcpz_chunks_large, mcpz_bytes(bytes, 262144)));
    free(bytes);
}

static bool is_among(size_t end, const size_t *others, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (others[i] == end) {
            return true;
        }
    }
    return false;
}

/* A byte is inserted in the middle: all but a few chunks are known already. */
TEST(an_insertion_changes_few_chunks)
{
    static size_t later[4096];
    size_t fresh = 0;

    set_up();
    const size_t count = cut_all(&mcpz_chunks_small, bytes, LENGTH, ends);
    memmove(bytes + LENGTH / 2 + 1, bytes + LENGTH / 2, LENGTH / 2);
    bytes[LENGTH / 2] = 7;
    const size_t count_later = cut_all(&mcpz_chunks_small, bytes, LENGTH + 1, later);
    for (size_t i = 0; i < count_later; i++) {
        const size_t end = later[i] > LENGTH / 2 ? later[i] - 1 : later[i];
        fresh += is_among(end, ends, count) ? 0 : 1;
    }
    CHECK(count > 300);
    CHECK(fresh <= 4);
    free(bytes);
}

TEST(another_gear_cuts_elsewhere)
{
    static size_t others[4096];
    size_t shared = 0;

    set_up();
    const size_t count = cut_all(&mcpz_chunks_small, bytes, LENGTH, ends);
    for (size_t i = 0; i < 256; i++) {
        gear[i] = ~gear[i] * 3;
    }
    const size_t count_others = cut_all(&mcpz_chunks_small, bytes, LENGTH, others);
    for (size_t i = 0; i + 1 < count_others; i++) {
        shared += is_among(others[i], ends, count) ? 1 : 0;
    }
    CHECK(shared < 5);
    free(bytes);
}

/* Else chunks of before would not be found again. The numbers come from another program. */
TEST(cuts_are_where_they_have_always_been)
{
    static const size_t expected[] = {17093, 36893, 54730, 76263, 97860, 129247};

    set_up();
    (void)cut_all(&mcpz_chunks_small, bytes, LENGTH, ends);
    for (size_t i = 0; i < 6; i++) {
        CHECK_UINT(ends[i], expected[i]);
    }
    free(bytes);
}

TEST_MAIN(RUN(chunks_are_about_as_long_as_wanted), RUN(where_nothing_cuts_the_largest_size_does),
          RUN(what_is_short_is_one_chunk), RUN(more_than_the_largest_size_changes_nothing),
          RUN(an_insertion_changes_few_chunks), RUN(another_gear_cuts_elsewhere),
          RUN(cuts_are_where_they_have_always_been))
