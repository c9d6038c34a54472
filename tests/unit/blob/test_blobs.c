#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "blob/blobs.h"
#include "blob/fastcdc.h"
#include "blob_world.h"
#include "crypto/identity.h"
#include "scratch.h"

#define LENGTH_MAX (14 << 20)
#define NOW 1000000

static struct scratch scratch;
static struct mcpz_blobs *blobs;
static struct mcpz_lmdb_trouble trouble;
static struct mcpz_tenant_key *key;
static struct mcpz_tenant_key *other_key;
static uint8_t *plain;
static uint8_t *again;

static int set_up(void **state)
{
    (void)state;
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    scratch_make(&scratch);
    CHECK_UINT(mcpz_blobs_open(scratch.path, &blobs, &trouble), MCPZ_OK);
    CHECK_UINT(mcpz_tenant_key_create(MCPZ_KEY_OF_BLOBS, mcpz_text("acme"), &key), MCPZ_OK);
    CHECK_UINT(mcpz_tenant_key_create(MCPZ_KEY_OF_BLOBS, mcpz_text("bolt"), &other_key), MCPZ_OK);
    plain = malloc(LENGTH_MAX);
    again = malloc(LENGTH_MAX);
    CHECK(plain != NULL && again != NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(again);
    free(plain);
    mcpz_tenant_key_destroy(other_key);
    mcpz_tenant_key_destroy(key);
    mcpz_blobs_close(blobs);
    scratch_remove(&scratch);
    return 0;
}

static void reopen(void)
{
    mcpz_blobs_close(blobs);
    CHECK_UINT(mcpz_blobs_open(scratch.path, &blobs, &trouble), MCPZ_OK);
}

static struct mcpz_blob_writer *begin(void)
{
    struct mcpz_blob_writer *writer;
    CHECK_UINT(mcpz_blobs_begin(blobs, mcpz_text("acme"), key, &writer), MCPZ_OK);
    return writer;
}

/* Put what is in `plain`, in pieces of `piece` bytes, held by "me". */
static struct mcpz_id put(size_t length, size_t piece)
{
    struct mcpz_blob_writer *writer = begin();
    struct mcpz_id root;

    for (size_t at = 0; at < length; at += piece) {
        const size_t some = length - at < piece ? length - at : piece;
        CHECK_UINT(mcpz_blob_writer_add(writer, mcpz_bytes(plain + at, some)), MCPZ_OK);
    }
    CHECK_UINT(mcpz_blob_writer_length(writer), length);
    CHECK_UINT(mcpz_blob_writer_finish(writer, mcpz_text("me"), NOW, &root), MCPZ_OK);
    return root;
}

static void check_range(const struct mcpz_id *root, size_t offset, size_t length, size_t expected)
{
    struct mcpz_blob_piece piece = {.offset = offset, .buffer = again, .capacity = length};

    memset(again, 0, length);
    CHECK_UINT(mcpz_blobs_read(blobs, key, root, &piece), MCPZ_OK);
    CHECK_UINT(piece.length, expected);
    CHECK(memcmp(again, plain + offset, piece.length) == 0);
}

static mcpz_error read_with(const struct mcpz_tenant_key *of, const struct mcpz_id *root,
                            size_t length)
{
    struct mcpz_blob_piece piece = {.buffer = again, .capacity = length};
    return mcpz_blobs_read(blobs, of, root, &piece);
}

static struct mcpz_blob_row stat_of(const struct mcpz_id *root)
{
    struct mcpz_blob_row row;
    CHECK_UINT(mcpz_blobs_stat(blobs, root, &row), MCPZ_OK);
    return row;
}

static size_t collect_all(uint64_t now_ms)
{
    size_t removed = 0;
    size_t some = 0;
    bool more = true;

    while (more) {
        CHECK_UINT(mcpz_blobs_collect(blobs, now_ms, MCPZ_COLLECT_MAX, &some, &more), MCPZ_OK);
        removed += some;
    }
    return removed;
}

TEST(blobs_of_any_length_come_back_after_a_restart)
{
    static const size_t lengths[] = {0, 1, 4096, 100000, 1048576, 1048577, 5 << 20, LENGTH_MAX};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        wordy_bytes(i, plain, lengths[i]);
        const struct mcpz_id root = put(lengths[i], 300000);
        reopen();
        CHECK_UINT(stat_of(&root).size, lengths[i]);
        CHECK_UINT(stat_of(&root).made_ms, NOW);
        check_range(&root, 0, lengths[i], lengths[i]);
        check_range(&root, 0, lengths[i] / 2, lengths[i] / 2);
    }
}

TEST(any_range_can_be_read)
{
    struct mcpz_rng rng;

    random_bytes(1, plain, LENGTH_MAX);
    const struct mcpz_id root = put(LENGTH_MAX, LENGTH_MAX);
    CHECK(stat_of(&root).chunks > 128); /* two levels of lists */
    mcpz_rng_init(&rng, 5);
    for (size_t i = 0; i < 60; i++) {
        const size_t offset = mcpz_rng_below(&rng, LENGTH_MAX);
        const size_t length = mcpz_rng_below(&rng, 200000);
        const size_t left = LENGTH_MAX - offset;
        check_range(&root, offset, length, length < left ? length : left);
    }
    check_range(&root, LENGTH_MAX - 1, 10, 1);
    check_range(&root, LENGTH_MAX, 10, 0);
    struct mcpz_blob_piece beyond = {
        .offset = UINT64_MAX, .buffer = again, .capacity = 10, .length = 7};
    CHECK_UINT(mcpz_blobs_read(blobs, key, &root, &beyond), MCPZ_OK);
    CHECK_UINT(beyond.length, 0);
}

TEST(how_it_came_makes_no_difference)
{
    random_bytes(2, plain, 3 << 20);
    const struct mcpz_id a = put(3 << 20, 3 << 20);
    const struct mcpz_id b = put(3 << 20, 4097);
    CHECK(mcpz_id_equal(&a, &b));
    const struct mcpz_id c = put(1 << 20, 1 << 20);
    const struct mcpz_id d = put(1 << 20, 1000);
    CHECK(mcpz_id_equal(&c, &d));
}

/* A byte more in the middle: hardly anything is stored again. */
TEST(what_is_known_is_not_stored_again)
{
    random_bytes(3, plain, 8 << 20);
    const struct mcpz_id first = put(8 << 20, 1 << 20);
    memmove(plain + (4 << 20) + 1, plain + (4 << 20), 4 << 20);
    const struct mcpz_id second = put((8 << 20) + 1, 1 << 20);
    CHECK(!mcpz_id_equal(&first, &second));
    CHECK(stat_of(&first).stored > 8 << 20);
    CHECK(stat_of(&second).stored < 1 << 20);
    check_range(&second, 0, (8 << 20) + 1, (8 << 20) + 1);
}

TEST(tenants_share_nothing)
{
    struct mcpz_blob_writer *writer;
    struct mcpz_id theirs;

    random_bytes(4, plain, 100000);
    const struct mcpz_id ours = put(100000, 100000);
    CHECK_UINT(mcpz_blobs_begin(blobs, mcpz_text("bolt"), other_key, &writer), MCPZ_OK);
    CHECK_UINT(mcpz_blob_writer_add(writer, mcpz_bytes(plain, 100000)), MCPZ_OK);
    CHECK_UINT(mcpz_blob_writer_finish(writer, mcpz_text("me"), NOW, &theirs), MCPZ_OK);
    CHECK(!mcpz_id_equal(&ours, &theirs));
    CHECK(stat_of(&theirs).stored > 100000);
    CHECK_UINT(read_with(key, &theirs, 10), MCPZ_EAUTH);
    CHECK_UINT(read_with(other_key, &ours, 10), MCPZ_EAUTH);
}

/* ---- What lies on the disk ------------------------------------------------------------------ */

static const char *needle;
static size_t files_seen;

static int look_for_needle(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)walk;
    if (type == FTW_F && status->st_size > 0) {
        const size_t size = (size_t)status->st_size;
        uint8_t *content = malloc(size);
        FILE *file = fopen(path, "rbe");
        CHECK(content != NULL && file != NULL);
        CHECK_UINT(fread(content, 1, size, file), size);
        CHECK(memmem(content, size, needle, strlen(needle)) == NULL);
        CHECK(fclose(file) == 0);
        free(content);
        files_seen++;
    }
    return 0;
}

TEST(no_plain_text_lies_on_the_disk)
{
    needle = "the quick brown fox keeps a secret";
    random_bytes(6, plain, 3 << 20);
    for (size_t at = 0; at + 64 < 3 << 20; at += 5000) { /* in every chunk, compressible or not */
        memcpy(plain + at, needle, strlen(needle));
    }
    (void)put(3 << 20, 1 << 20);
    memset(plain, ' ', 50000);
    memcpy(plain + 25000, needle, strlen(needle));
    (void)put(50000, 50000);
    files_seen = 0;
    CHECK(nftw(scratch.path, look_for_needle, 16, FTW_PHYS) == 0);
    CHECK(files_seen >= 2);
}

static void damage(const char *name, off_t offset)
{
    char path[700];
    uint8_t byte;

    snprintf(path, sizeof(path), "%s/%s", scratch.path, name);
    FILE *file = fopen(path, "r+be");
    CHECK(file != NULL && fseek(file, offset, SEEK_SET) == 0 && fread(&byte, 1, 1, file) == 1);
    byte ^= 1;
    CHECK(fseek(file, offset, SEEK_SET) == 0 && fwrite(&byte, 1, 1, file) == 1);
    CHECK(fclose(file) == 0);
}

/* What is damaged is struck off; the same bytes are kept anew when they are put again. */
TEST(damage_is_noticed_and_mended_by_putting_again)
{
    static const off_t offsets[] = {5000, 10}; /* of the first chunk, of its head */

    random_bytes(7, plain, 30000);
    for (size_t i = 0; i < 2; i++) {
        const struct mcpz_id root = put(30000, 30000);
        CHECK(mcpz_blobs_is_whole(blobs, &root));
        damage("pack-00000001", offsets[i]);
        CHECK_UINT(read_with(key, &root, 30000), MCPZ_ECORRUPT);
        CHECK(!mcpz_blobs_is_whole(blobs, &root));
        CHECK_UINT(read_with(key, &root, 30000), MCPZ_ECORRUPT);
        const struct mcpz_id repaired = put(30000, 30000);
        CHECK(mcpz_id_equal(&root, &repaired));
        check_range(&root, 0, 30000, 30000);
        (void)tear_down(NULL);
        (void)set_up(NULL);
        random_bytes(7, plain, 30000);
    }
}

/* Nobody has read it, so nobody knows yet. The lists over what is damaged may be so, too. */
TEST(damage_that_nobody_has_noticed_is_mended_by_putting_again)
{
    static const off_t offsets[] = {5000, 30000 + 2 * MCPZ_PACK_HEAD_BYTES}; /* chunk, list */

    for (size_t i = 0; i < 2; i++) {
        random_bytes(7, plain, 30000);
        const struct mcpz_id root = put(30000, 30000);
        damage("pack-00000001", offsets[i] + (i == 1 ? 20 : 0));
        (void)put(30000, 30000);
        CHECK(mcpz_blobs_is_whole(blobs, &root));
        check_range(&root, 0, 30000, 30000);
        (void)tear_down(NULL);
        (void)set_up(NULL);
    }
}

/* Blocks of a file that are on the disk. */
static off_t blocks_of(const char *name)
{
    char path[700];
    struct stat status;

    snprintf(path, sizeof(path), "%s/%s", scratch.path, name);
    CHECK(stat(path, &status) == 0);
    return status.st_blocks;
}

TEST(what_was_damaged_gives_its_room_back)
{
    random_bytes(7, plain, 1 << 20);
    const struct mcpz_id root = put(1 << 20, 1 << 20);
    CHECK_UINT(mcpz_blobs_rest(blobs), MCPZ_OK);
    const off_t blocks = blocks_of("pack-00000001");
    damage("pack-00000001", 5000);
    CHECK_UINT(read_with(key, &root, 1 << 20), MCPZ_ECORRUPT);
    CHECK(blocks_of("pack-00000001") < blocks);
}

/* ---- Holding, clearing away ----------------------------------------------------------------- */

TEST(what_nobody_holds_goes_after_its_grace)
{
    struct mcpz_blob_row row;

    random_bytes(8, plain, LENGTH_MAX);
    const struct mcpz_id root = put(LENGTH_MAX, LENGTH_MAX);
    const size_t chunks = stat_of(&root).chunks;
    CHECK_UINT(mcpz_blobs_hold(blobs, &root, mcpz_text("you")), MCPZ_OK);
    CHECK_UINT(mcpz_blobs_release(blobs, &root, mcpz_text("me"), NOW), MCPZ_OK);
    CHECK_UINT(mcpz_blobs_release(blobs, &root, mcpz_text("me"), NOW), MCPZ_ENOTFOUND);
    CHECK_UINT(collect_all(NOW + 2 * MCPZ_BLOB_GRACE_MS), 0); /* you hold it */
    CHECK_UINT(mcpz_blobs_release(blobs, &root, mcpz_text("you"), NOW), MCPZ_OK);
    CHECK_UINT(collect_all(NOW + MCPZ_BLOB_GRACE_MS - 1), 0);
    check_range(&root, 0, LENGTH_MAX, LENGTH_MAX);
    const size_t removed = collect_all(NOW + MCPZ_BLOB_GRACE_MS);
    CHECK(removed > chunks && removed < chunks + 10); /* and the lists */
    CHECK_UINT(mcpz_blobs_stat(blobs, &root, &row), MCPZ_ENOTFOUND);
    CHECK_UINT(read_with(key, &root, 10), MCPZ_ENOTFOUND);
    CHECK_UINT(mcpz_blobs_hold(blobs, &root, mcpz_text("me")), MCPZ_ENOTFOUND);
    reopen();
    CHECK_UINT(collect_all(NOW + 2 * MCPZ_BLOB_GRACE_MS), 0);
}

TEST(what_others_need_stays)
{
    random_bytes(9, plain, 8 << 20);
    const struct mcpz_id first = put(8 << 20, 8 << 20);
    plain[0] ^= 1;
    const struct mcpz_id second = put(8 << 20, 8 << 20);
    CHECK_UINT(mcpz_blobs_release(blobs, &first, mcpz_text("me"), NOW), MCPZ_OK);
    const size_t removed = collect_all(NOW + MCPZ_BLOB_GRACE_MS);
    CHECK(removed >= 2 && removed < 8); /* one chunk or two, and the list */
    check_range(&second, 0, 8 << 20, 8 << 20);
    const struct mcpz_id again_first = put(8 << 20, 8 << 20);
    CHECK(mcpz_id_equal(&again_first, &second));
}

TEST(who_puts_it_again_keeps_it)
{
    random_bytes(10, plain, 100000);
    const struct mcpz_id root = put(100000, 100000);
    CHECK_UINT(mcpz_blobs_release(blobs, &root, mcpz_text("me"), NOW), MCPZ_OK);
    (void)put(100000, 100000);
    CHECK_UINT(collect_all(NOW + MCPZ_BLOB_GRACE_MS), 0);
    check_range(&root, 0, 100000, 100000);
}

TEST(nothing_is_cleared_away_while_something_is_written)
{
    size_t removed;
    bool more;
    struct mcpz_id root2;

    random_bytes(11, plain, 2 << 20);
    const struct mcpz_id root = put(2 << 20, 2 << 20);
    CHECK_UINT(mcpz_blobs_release(blobs, &root, mcpz_text("me"), NOW), MCPZ_OK);
    struct mcpz_blob_writer *writer = begin();
    CHECK_UINT(mcpz_blob_writer_add(writer, mcpz_bytes(plain, 2 << 20)), MCPZ_OK);
    CHECK_UINT(
        mcpz_blobs_collect(blobs, NOW + MCPZ_BLOB_GRACE_MS, MCPZ_COLLECT_MAX, &removed, &more),
        MCPZ_OK);
    CHECK_UINT(removed, 0);
    CHECK_UINT(mcpz_blob_writer_finish(writer, mcpz_text("me"), NOW, &root2), MCPZ_OK);
    CHECK(mcpz_id_equal(&root, &root2));
    CHECK_UINT(collect_all(NOW + MCPZ_BLOB_GRACE_MS), 0);
    check_range(&root, 0, 2 << 20, 2 << 20);
}

TEST(what_was_never_finished_is_cleared_away)
{
    random_bytes(12, plain, LENGTH_MAX);
    const struct mcpz_id kept = put(100000, 100000);
    struct mcpz_blob_writer *writer = begin();
    CHECK_UINT(mcpz_blob_writer_add(writer, mcpz_bytes(plain, LENGTH_MAX)), MCPZ_OK);
    CHECK_UINT(mcpz_blobs_rest(blobs), MCPZ_OK); /* on the disk, as a crash would find it */
    mcpz_blob_writer_abort(writer);
    reopen();
    CHECK(collect_all(NOW) > 128);
    check_range(&kept, 0, 100000, 100000);
    CHECK_UINT(collect_all(NOW), 0);
}

/* Files may not grow beyond so much: to who writes them it looks like a full disk. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = bytes;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

TEST(a_full_disk_takes_nothing_and_harms_nothing)
{
    struct mcpz_blob_writer *writer;
    struct mcpz_id root;

    random_bytes(13, plain, 8 << 20);
    const struct mcpz_id kept = put(1 << 20, 1 << 20);
    limit_files(4 << 20);
    writer = begin();
    CHECK_UINT(mcpz_blob_writer_add(writer, mcpz_bytes(plain, 8 << 20)), MCPZ_ENOSPACE);
    mcpz_blob_writer_abort(writer);
    writer = begin();
    CHECK_UINT(mcpz_blob_writer_add(writer, mcpz_bytes(plain + (4 << 20), 1 << 20)), MCPZ_OK);
    CHECK_UINT(mcpz_blob_writer_finish(writer, mcpz_text("me"), NOW, &root), MCPZ_ENOSPACE);
    check_range(&kept, 0, 1 << 20, 1 << 20);

    limit_files(RLIM_INFINITY);
    const struct mcpz_id whole = put(8 << 20, 1 << 20);
    check_range(&whole, 0, 8 << 20, 8 << 20);
    reopen();
    check_range(&kept, 0, 1 << 20, 1 << 20);
    check_range(&whole, 0, 8 << 20, 8 << 20);
}

TEST(blobs_are_listed)
{
    struct mcpz_id at = {{0}};
    size_t count = 0;

    for (size_t i = 0; i < 5; i++) {
        random_bytes(20 + i, plain, 1000);
        (void)put(1000, 1000);
    }
    while (mcpz_blobs_next(blobs, &at, &at) == MCPZ_OK) {
        CHECK_UINT(stat_of(&at).size, 1000);
        count++;
    }
    CHECK_UINT(count, 5);
}

#define RUN_IN(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_IN(blobs_of_any_length_come_back_after_a_restart),
        RUN_IN(any_range_can_be_read),
        RUN_IN(how_it_came_makes_no_difference),
        RUN_IN(what_is_known_is_not_stored_again),
        RUN_IN(tenants_share_nothing),
        RUN_IN(no_plain_text_lies_on_the_disk),
        RUN_IN(damage_is_noticed_and_mended_by_putting_again),
        RUN_IN(damage_that_nobody_has_noticed_is_mended_by_putting_again),
        RUN_IN(what_was_damaged_gives_its_room_back),
        RUN_IN(what_nobody_holds_goes_after_its_grace),
        RUN_IN(what_others_need_stays),
        RUN_IN(who_puts_it_again_keeps_it),
        RUN_IN(nothing_is_cleared_away_while_something_is_written),
        RUN_IN(what_was_never_finished_is_cleared_away),
        RUN_IN(a_full_disk_takes_nothing_and_harms_nothing),
        RUN_IN(blobs_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
