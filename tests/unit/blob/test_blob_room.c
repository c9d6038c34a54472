/* Room in packs that nothing needs: all of it comes back, and nothing else goes. */

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/rng.h"
#include "blob/blob_room.h"
#include "blob/blobs.h"
#include "blob_world.h"
#include "crypto/identity.h"
#include "scratch.h"

#define NOW 1000000
#define KEPT_MAX 40

static struct scratch scratch;
static struct mcpz_blobs *blobs;
static struct mcpz_lmdb_trouble trouble;
static struct mcpz_tenant_key *key;
static uint8_t plain[1 << 20];
static uint8_t again[1 << 20];

struct kept {
    struct mcpz_id root;
    uint64_t seed;
    size_t length;
};

static void open_blobs(void)
{
    CHECK_UINT(mcpz_blobs_open(scratch.path, &blobs, &trouble), MCPZ_OK);
    mcpz_blobs_set_grace(blobs, 1);
}

static int set_up(void **state)
{
    (void)state;
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    scratch_make(&scratch);
    open_blobs();
    CHECK_UINT(mcpz_tenant_key_create(MCPZ_KEY_OF_BLOBS, mcpz_text("acme"), &key), MCPZ_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mcpz_tenant_key_destroy(key);
    mcpz_blobs_close(blobs);
    scratch_remove(&scratch);
    return 0;
}

static struct mcpz_blob_writer *begin(uint64_t seed, size_t length)
{
    struct mcpz_blob_writer *writer;

    random_bytes(seed, plain, length);
    CHECK_UINT(mcpz_blobs_begin(blobs, mcpz_text("acme"), key, &writer), MCPZ_OK);
    CHECK_UINT(mcpz_blob_writer_add(writer, mcpz_bytes(plain, length)), MCPZ_OK);
    return writer;
}

static struct kept put(uint64_t seed, size_t length)
{
    struct kept kept = {.seed = seed, .length = length};

    CHECK_UINT(mcpz_blob_writer_finish(begin(seed, length), mcpz_text("me"), NOW, &kept.root),
               MCPZ_OK);
    return kept;
}

static void check(const struct kept *kept)
{
    struct mcpz_blob_piece piece = {.buffer = again, .capacity = sizeof(again)};

    random_bytes(kept->seed, plain, kept->length);
    CHECK_UINT(mcpz_blobs_read(blobs, key, &kept->root, &piece), MCPZ_OK);
    CHECK_UINT(piece.length, kept->length);
    CHECK(memcmp(again, plain, kept->length) == 0);
}

static void release(const struct kept *kept)
{
    size_t removed;
    bool more = true;

    CHECK_UINT(mcpz_blobs_release(blobs, &kept->root, mcpz_text("me"), NOW), MCPZ_OK);
    while (more) {
        CHECK_UINT(mcpz_blobs_collect(blobs, NOW + 1, MCPZ_COLLECT_MAX, &removed, &more), MCPZ_OK);
    }
}

static void tidy(size_t chunks)
{
    CHECK(mcpz_blobs_are_untidy(blobs));
    while (mcpz_blobs_tidy(blobs, chunks)) {
    }
    CHECK(!mcpz_blobs_are_untidy(blobs));
}

/* Bytes on the disk of the first pack. */
static size_t taken(void)
{
    char path[700];
    struct stat status;

    (void)snprintf(path, sizeof(path), "%s/pack-00000001", scratch.path);
    CHECK(stat(path, &status) == 0);
    return (size_t)status.st_blocks * 512;
}

TEST(blocks_that_small_ones_shared_come_back)
{
    struct kept kept[KEPT_MAX];
    const struct kept first = put(99, 1000);

    for (size_t i = 0; i < KEPT_MAX; i++) {
        kept[i] = put(i, 1000);
    }
    for (size_t i = 0; i < KEPT_MAX; i++) {
        release(&kept[i]);
    }
    CHECK(taken() > 40 * 1000);
    tidy(7);
    CHECK(taken() <=
          4 * MCPZ_PACK_BLOCK_BYTES); /* where they lie; the first, and the end of the pack */
    check(&first);
}

/* A crash: what was appended is in the pack, and the index does not know it. */
TEST(what_a_crash_left_comes_back)
{
    const struct kept first = put(1, 30000);
    struct mcpz_blob_writer *writer = begin(2, sizeof(plain));

    mcpz_blob_writer_abort(writer);
    mcpz_blobs_close(blobs);
    open_blobs();
    char path[700];
    (void)snprintf(path, sizeof(path), "%s/pack-00000001", scratch.path);
    FILE *file = fopen(path, "abe");
    CHECK(file != NULL && fwrite(again, 1, 500000, file) == 500000 && fclose(file) == 0);
    const struct kept second = put(3, 30000);
    CHECK(taken() > 500000);
    for (bool more = true; more;) {
        size_t removed;
        CHECK_UINT(mcpz_blobs_collect(blobs, NOW, MCPZ_COLLECT_MAX, &removed, &more), MCPZ_OK);
    }
    tidy(1000);
    CHECK(taken() < 100000);
    check(&first);
    check(&second);
}

/* What is appended while it is being looked for may lie where a record did not fit before. */
TEST(what_is_put_meanwhile_stays)
{
    struct kept kept[KEPT_MAX];
    const struct rlimit small = {.rlim_cur = 300000, .rlim_max = RLIM_INFINITY};
    const struct rlimit large = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

    kept[0] = put(0, 250000);
    (void)signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    struct mcpz_blob_writer *writer;
    random_bytes(500, plain, 200000);
    CHECK_UINT(mcpz_blobs_begin(blobs, mcpz_text("acme"), key, &writer), MCPZ_OK);
    CHECK_UINT(mcpz_blob_writer_add(writer, mcpz_bytes(plain, 200000)), MCPZ_OK);
    struct mcpz_id root;
    CHECK(mcpz_blob_writer_finish(writer, mcpz_text("me"), NOW, &root) != MCPZ_OK);
    CHECK(setrlimit(RLIMIT_FSIZE, &large) == 0);
    for (size_t i = 1; i < KEPT_MAX; i++) {
        (void)mcpz_blobs_tidy(blobs, 1);
        kept[i] = put(i, 5000);
    }
    while (mcpz_blobs_tidy(blobs, 1)) {
    }
    for (size_t i = 0; i < KEPT_MAX; i++) {
        check(&kept[i]);
    }
}

/* Puts, removes, uploads that are given up and restarts, by chance: what is kept is always whole,
 * and no more room is taken than it needs. */
TEST(whatever_happens_what_is_kept_stays_and_the_rest_goes)
{
    struct kept kept[KEPT_MAX];
    struct mcpz_rng rng;
    size_t count = 0;

    mcpz_rng_init(&rng, 77);
    for (uint64_t step = 0; step < 300; step++) {
        const uint64_t dice = mcpz_rng_below(&rng, 10);
        const size_t length = 1 + (size_t)mcpz_rng_below(&rng, step % 5 == 0 ? 300000 : 3000);
        if (dice < 5 && count < KEPT_MAX) {
            kept[count++] = put(step, length);
        } else if (dice < 8 && count > 0) {
            const size_t at = (size_t)mcpz_rng_below(&rng, (uint32_t)count);
            release(&kept[at]);
            kept[at] = kept[--count];
        } else if (dice == 8) {
            mcpz_blob_writer_abort(begin(step, length));
        } else {
            mcpz_blobs_close(blobs);
            open_blobs();
        }
        if (mcpz_blobs_are_untidy(blobs)) {
            (void)mcpz_blobs_tidy(blobs, 1 + (size_t)mcpz_rng_below(&rng, 20));
        }
    }
    size_t needed = 0;
    for (size_t i = 0; i < count; i++) {
        check(&kept[i]);
        needed += kept[i].length + 1000 + 4 * MCPZ_PACK_BLOCK_BYTES;
    }
    for (bool more = true; more;) {
        size_t removed;
        CHECK_UINT(mcpz_blobs_collect(blobs, NOW + 1, MCPZ_COLLECT_MAX, &removed, &more), MCPZ_OK);
    }
    while (mcpz_blobs_are_untidy(blobs)) {
        (void)mcpz_blobs_tidy(blobs, 1000);
    }
    CHECK(taken() <= needed + MCPZ_PACK_BLOCK_BYTES);
    for (size_t i = 0; i < count; i++) {
        check(&kept[i]);
    }
}

#define RUN_IN(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_IN(blocks_that_small_ones_shared_come_back),
        RUN_IN(what_a_crash_left_comes_back),
        RUN_IN(what_is_put_meanwhile_stays),
        RUN_IN(whatever_happens_what_is_kept_stays_and_the_rest_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
