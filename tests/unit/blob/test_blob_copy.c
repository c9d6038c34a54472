#include "blob/blobs.h"
#include "blob/chunk.h"
#include "blob_world.h"
#include "crypto/identity.h"
#include "scratch.h"

#define LENGTH (12 << 20) /* lists of two levels */
#define NOW 1000000

static struct scratch scratches[2];
static struct mcpz_blobs *source;
static struct mcpz_blobs *copy;
static struct mcpz_lmdb_trouble trouble;
static struct mcpz_tenant_key *key;
static struct mcpz_tenant_key *other_key;
static uint8_t *plain;
static uint8_t *again;
static struct mcpz_blob_lack lack;

static int set_up(void **state)
{
    (void)state;
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    scratch_make(&scratches[0]);
    scratch_make(&scratches[1]);
    CHECK_UINT(mcpz_blobs_open(scratches[0].path, &source, &trouble), MCPZ_OK);
    CHECK_UINT(mcpz_blobs_open(scratches[1].path, &copy, &trouble), MCPZ_OK);
    CHECK_UINT(mcpz_tenant_key_create(MCPZ_KEY_OF_BLOBS, mcpz_text("acme"), &key), MCPZ_OK);
    CHECK_UINT(mcpz_tenant_key_create(MCPZ_KEY_OF_BLOBS, mcpz_text("bolt"), &other_key), MCPZ_OK);
    plain = malloc(LENGTH);
    again = malloc(LENGTH);
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
    mcpz_blobs_close(source);
    mcpz_blobs_close(copy);
    scratch_remove(&scratches[0]);
    scratch_remove(&scratches[1]);
    return 0;
}

static struct mcpz_id put(size_t length)
{
    struct mcpz_blob_writer *writer;
    struct mcpz_id root;

    random_bytes(length, plain, length);
    CHECK_UINT(mcpz_blobs_begin(source, mcpz_text("acme"), key, &writer), MCPZ_OK);
    CHECK_UINT(mcpz_blob_writer_add(writer, mcpz_bytes(plain, length)), MCPZ_OK);
    CHECK_UINT(mcpz_blob_writer_finish(writer, mcpz_text("me"), NOW, &root), MCPZ_OK);
    return root;
}

static void expect(const struct mcpz_id *root)
{
    struct mcpz_blob_row row;

    CHECK_UINT(mcpz_blobs_stat(source, root, &row), MCPZ_OK);
    CHECK_UINT(mcpz_blobs_expect(copy, root, &row, mcpz_text("copies")), MCPZ_OK);
}

/* Have the copy take what it lacks from the source, `most` chunks; how many it took. */
static size_t take(const struct mcpz_id *root, size_t most)
{
    uint64_t offset = 0;
    size_t taken = 0;
    mcpz_error error;

    while ((error = mcpz_blobs_look(copy, key, root, &offset, &lack)) == MCPZ_ENOTFOUND) {
        CHECK(lack.count > 0);
        for (size_t i = 0; i < lack.count; i++) {
            struct mcpz_chunk_letter letter;
            if (taken == most) {
                return taken;
            }
            CHECK_UINT(mcpz_blobs_show(source, &lack.ids[i], &letter), MCPZ_OK);
            CHECK_UINT(mcpz_blobs_give(copy, key, &letter, false), MCPZ_OK);
            taken++;
        }
    }
    CHECK_UINT(error, MCPZ_OK);
    CHECK_UINT(mcpz_blobs_complete(copy, root), MCPZ_OK);
    return taken;
}

static void check_copy(const struct mcpz_id *root, size_t length)
{
    struct mcpz_blob_piece piece = {.buffer = again, .capacity = LENGTH};

    CHECK(mcpz_blobs_is_whole(copy, root));
    CHECK_UINT(mcpz_blobs_read(copy, key, root, &piece), MCPZ_OK);
    CHECK_UINT(piece.length, length);
    CHECK(memcmp(again, plain, length) == 0);
}

static size_t chunks_in(struct mcpz_blobs *blobs, const struct mcpz_id *root)
{
    struct mcpz_blob_row row;
    CHECK_UINT(mcpz_blobs_stat(blobs, root, &row), MCPZ_OK);
    return row.chunks;
}

TEST(an_interrupted_copy_goes_on_where_it_was)
{
    static const size_t lengths[] = {0, 1, 100000, LENGTH};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        const struct mcpz_id root = put(lengths[i]);
        expect(&root);
        CHECK(!mcpz_blobs_is_whole(copy, &root));
        const size_t first = take(&root, 70);
        CHECK_UINT(mcpz_blobs_rest(copy), MCPZ_OK);
        mcpz_blobs_close(copy);
        CHECK_UINT(mcpz_blobs_open(scratches[1].path, &copy, &trouble), MCPZ_OK);
        const size_t second = take(&root, SIZE_MAX);
        check_copy(&root, lengths[i]);
        CHECK(first + second > chunks_in(source, &root)); /* and lists */
        CHECK(first + second <= chunks_in(source, &root) + 4);
        CHECK_UINT(take(&root, SIZE_MAX), 0);
    }
}

TEST(what_is_lent_is_read_and_not_kept)
{
    const struct mcpz_id root = put(1 << 20);
    struct mcpz_blob_piece piece = {
        .offset = 300000, .buffer = again, .capacity = 500000, .lack = &lack};
    struct mcpz_chunk_letter letter;
    size_t rounds = 0;

    while (mcpz_blobs_read(copy, key, &root, &piece) == MCPZ_ENOTFOUND) {
        CHECK(lack.count > 0 && rounds++ < 20);
        for (size_t i = 0; i < lack.count; i++) {
            CHECK_UINT(mcpz_blobs_show(source, &lack.ids[i], &letter), MCPZ_OK);
            CHECK_UINT(mcpz_blobs_give(copy, key, &letter, true), MCPZ_OK);
        }
    }
    CHECK_UINT(piece.length, 500000);
    CHECK(memcmp(again, plain + 300000, piece.length) == 0);
    CHECK_UINT(mcpz_blobs_show(copy, &root, &letter), MCPZ_ENOTFOUND);
    CHECK(!mcpz_blobs_is_whole(copy, &root));
    /* A list that was only lent is lacking for who keeps the blob. */
    expect(&root);
    uint64_t offset = 0;
    CHECK_UINT(mcpz_blobs_look(copy, key, &root, &offset, &lack), MCPZ_ENOTFOUND);
    CHECK_UINT(lack.count, 1);
    CHECK(mcpz_id_equal(&lack.ids[0], &root));
    mcpz_blobs_forget_lent(copy);
    CHECK(take(&root, SIZE_MAX) > 0);
    check_copy(&root, 1 << 20);
}

TEST(what_is_not_what_it_says_is_refused)
{
    static uint8_t stored[MCPZ_CHUNK_STORED_BYTES_MAX];
    const struct mcpz_id root = put(100000);
    struct mcpz_chunk_letter letter;
    struct mcpz_chunk_press *press;

    expect(&root);
    CHECK_UINT(mcpz_blobs_show(source, &root, &letter), MCPZ_OK);
    CHECK_UINT(mcpz_blobs_give(copy, other_key, &letter, false), MCPZ_EAUTH);
    memcpy(stored, letter.stored.data, letter.stored.length);
    letter.stored.data = stored;
    for (size_t i = 0; i < letter.stored.length; i += 7) {
        stored[i] ^= 1;
        CHECK_UINT(mcpz_blobs_give(copy, key, &letter, i % 2 == 0), MCPZ_EAUTH);
        stored[i] ^= 1;
    }
    letter.plain_length++;
    CHECK(mcpz_blobs_give(copy, key, &letter, false) != MCPZ_OK);
    letter.plain_length--;
    letter.id.bytes[0] ^= 1;
    CHECK_UINT(mcpz_blobs_give(copy, key, &letter, false), MCPZ_EAUTH);

    /* Sealed by who has the key, under the name of something else. */
    CHECK_UINT(mcpz_chunk_press_create(&press), MCPZ_OK);
    const size_t length = mcpz_chunk_close(press, key, &root, mcpz_text("anything else"), stored);
    letter = (struct mcpz_chunk_letter){
        .id = root, .plain_length = 13, .stored = mcpz_bytes(stored, length)};
    CHECK_UINT(mcpz_blobs_give(copy, key, &letter, false), MCPZ_EPROTO);
    mcpz_chunk_press_destroy(press);
    CHECK_UINT(mcpz_blobs_show(copy, &root, &letter), MCPZ_ENOTFOUND);
    CHECK(take(&root, SIZE_MAX) > 0);
    check_copy(&root, 100000);
}

static void damage(const struct scratch *scratch, off_t offset)
{
    char path[700];
    uint8_t byte;

    snprintf(path, sizeof(path), "%s/pack-00000001", scratch->path);
    FILE *file = fopen(path, "r+be");
    CHECK(file != NULL && fseek(file, offset, SEEK_SET) == 0 && fread(&byte, 1, 1, file) == 1);
    byte ^= 1;
    CHECK(fseek(file, offset, SEEK_SET) == 0 && fwrite(&byte, 1, 1, file) == 1);
    CHECK(fclose(file) == 0);
}

TEST(a_damaged_chunk_is_found_and_taken_anew)
{
    const struct mcpz_id root = put(LENGTH);
    const struct mcpz_id whole = root;

    expect(&root);
    (void)take(&root, SIZE_MAX);
    while (mcpz_blobs_scrub(copy, 1 << 20)) {
    }
    CHECK(mcpz_blobs_is_whole(copy, &root));
    damage(&scratches[1], 5 << 20);
    CHECK(mcpz_blobs_scrub(copy, 1 << 20)); /* a part at a time */
    while (mcpz_blobs_scrub(copy, 1 << 20)) {
    }
    CHECK(!mcpz_blobs_is_whole(copy, &root));
    CHECK_UINT(mcpz_blobs_rest(copy), MCPZ_OK);
    CHECK_UINT(take(&whole, SIZE_MAX), 1);
    check_copy(&root, LENGTH);
}

TEST(what_never_became_whole_is_cleared_away_as_well)
{
    const struct mcpz_id root = put(LENGTH);
    struct mcpz_blob_row row;
    size_t removed = 0;
    bool more = true;

    expect(&root);
    (void)take(&root, 40);
    CHECK(mcpz_blobs_holds(copy, &root, mcpz_text("copies")));
    CHECK_UINT(mcpz_blobs_release(copy, &root, mcpz_text("copies"), NOW), MCPZ_OK);
    CHECK(!mcpz_blobs_holds(copy, &root, mcpz_text("copies")));
    while (more) {
        CHECK_UINT(
            mcpz_blobs_collect(copy, NOW + MCPZ_BLOB_GRACE_MS, MCPZ_COLLECT_MAX, &removed, &more),
            MCPZ_OK);
    }
    CHECK_UINT(mcpz_blobs_stat(copy, &root, &row), MCPZ_ENOTFOUND);
    expect(&root); /* it may come again */
    CHECK(take(&root, SIZE_MAX) > 128);
    check_copy(&root, LENGTH);

    /* Also one of which nothing has come. */
    const struct mcpz_id other = put(1000);
    expect(&other);
    CHECK_UINT(mcpz_blobs_release(copy, &other, mcpz_text("copies"), NOW), MCPZ_OK);
    more = true;
    while (more) {
        CHECK_UINT(
            mcpz_blobs_collect(copy, NOW + MCPZ_BLOB_GRACE_MS, MCPZ_COLLECT_MAX, &removed, &more),
            MCPZ_OK);
    }
    CHECK_UINT(mcpz_blobs_stat(copy, &other, &row), MCPZ_ENOTFOUND);
}

#define RUN_IN(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_IN(an_interrupted_copy_goes_on_where_it_was),
        RUN_IN(what_is_lent_is_read_and_not_kept),
        RUN_IN(what_is_not_what_it_says_is_refused),
        RUN_IN(a_damaged_chunk_is_found_and_taken_anew),
        RUN_IN(what_never_became_whole_is_cleared_away_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
