#include "blob/blob_worker.h"
#include "blob_world.h"
#include "crypto/identity.h"
#include "scratch.h"

static struct scratch scratch;
static struct mcpz_blob_worker *worker;
static struct mcpz_blob_job job;
static uint64_t now_ms;

static uint64_t room_bytes;

static void create(void)
{
    const struct mcpz_blob_worker_config config = {.directory = scratch.path,
                                                   .room_bytes = room_bytes};
    CHECK_UINT(mcpz_blob_worker_create(&config, &worker), MCPZ_OK);
}

static int set_up(void **state)
{
    (void)state;
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    scratch_make(&scratch);
    create();
    now_ms = 1000;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mcpz_blob_job_finish(&job);
    mcpz_blob_worker_destroy(worker);
    scratch_remove(&scratch);
    return 0;
}

static void new_job(enum mcpz_blob_ask ask, const char *tenant)
{
    mcpz_blob_job_finish(&job);
    job = (struct mcpz_blob_job){.ask = ask, .now_ms = now_ms};
    (void)snprintf(job.tenant, sizeof(job.tenant), "%s", tenant);
}

static mcpz_error run(void)
{
    mcpz_blob_worker_do(worker, &job);
    return job.error;
}

static uint64_t begin(const char *tenant)
{
    new_job(MCPZ_BLOB_BEGIN, tenant);
    CHECK_UINT(run(), MCPZ_OK);
    CHECK(job.upload != 0);
    return job.upload;
}

static mcpz_error add(uint64_t upload, uint64_t offset, const char *text)
{
    new_job(MCPZ_BLOB_ADD, "acme");
    job.upload = upload;
    job.offset = offset;
    job.length = strlen(text);
    job.bytes = (uint8_t *)strdup(text);
    return run();
}

static struct mcpz_id finish(uint64_t upload)
{
    new_job(MCPZ_BLOB_FINISH, "acme");
    job.upload = upload;
    CHECK_UINT(run(), MCPZ_OK);
    return job.id;
}

static mcpz_error read_as(const char *tenant, const struct mcpz_id *id, uint64_t offset,
                          size_t length)
{
    new_job(MCPZ_BLOB_READ, tenant);
    job.id = *id;
    job.offset = offset;
    job.length = length;
    return run();
}

TEST(a_blob_comes_in_parts)
{
    const uint64_t upload = begin("acme");

    CHECK_UINT(add(upload, 0, "hello "), MCPZ_OK);
    CHECK_UINT(job.offset, 6);
    CHECK_UINT(add(upload, 6, "world"), MCPZ_OK);
    const struct mcpz_id id = finish(upload);
    CHECK_UINT(job.row.size, 11);
    CHECK_UINT(read_as("acme", &id, 0, 100), MCPZ_OK);
    CHECK(mcpz_bytes_equal(mcpz_bytes(job.bytes, job.length), mcpz_text("hello world")));
    CHECK_UINT(read_as("acme", &id, 6, 3), MCPZ_OK);
    CHECK(mcpz_bytes_equal(mcpz_bytes(job.bytes, job.length), mcpz_text("wor")));
    CHECK_UINT(read_as("acme", &id, 11, 3), MCPZ_OK);
    CHECK_UINT(job.length, 0);
}

TEST(parts_may_come_twice_but_leave_no_gap)
{
    const uint64_t upload = begin("acme");

    CHECK_UINT(add(upload, 0, "hello "), MCPZ_OK);
    CHECK_UINT(add(upload, 7, "orld"), MCPZ_ECONFLICT);
    CHECK_UINT(job.offset, 6);
    CHECK_UINT(add(upload, 0, "hello "), MCPZ_OK);
    CHECK_UINT(job.offset, 6);
    CHECK_UINT(add(upload, 3, "lo world"), MCPZ_OK); /* half of it is new */
    CHECK_UINT(job.offset, 11);
    const struct mcpz_id id = finish(upload);
    CHECK_UINT(read_as("acme", &id, 0, 100), MCPZ_OK);
    CHECK(mcpz_bytes_equal(mcpz_bytes(job.bytes, job.length), mcpz_text("hello world")));
}

TEST(uploads_end_once)
{
    const uint64_t upload = begin("acme");

    CHECK_UINT(add(upload + 1, 0, "x"), MCPZ_ENOTFOUND);
    (void)finish(upload);
    CHECK_UINT(add(upload, 0, "x"), MCPZ_ENOTFOUND);
    new_job(MCPZ_BLOB_FINISH, "acme");
    job.upload = upload;
    CHECK_UINT(run(), MCPZ_ENOTFOUND);
    const uint64_t other = begin("acme");
    new_job(MCPZ_BLOB_ABORT, "acme");
    job.upload = other;
    CHECK_UINT(run(), MCPZ_OK);
    CHECK_UINT(run(), MCPZ_ENOTFOUND);
}

TEST(another_tenant_sees_nothing)
{
    const uint64_t upload = begin("acme");

    new_job(MCPZ_BLOB_FINISH, "bolt");
    job.upload = upload;
    CHECK_UINT(run(), MCPZ_ENOTFOUND);
    CHECK_UINT(add(upload, 0, "hello"), MCPZ_OK);
    const struct mcpz_id id = finish(upload);
    CHECK_UINT(read_as("bolt", &id, 0, 10), MCPZ_ENOTFOUND);
    new_job(MCPZ_BLOB_STAT, "bolt");
    job.id = id;
    CHECK_UINT(run(), MCPZ_ENOTFOUND);
    new_job(MCPZ_BLOB_RELEASE, "bolt");
    job.id = id;
    CHECK_UINT(run(), MCPZ_ENOTFOUND);
    new_job(MCPZ_BLOB_LIST, "bolt");
    CHECK_UINT(run(), MCPZ_OK);
    CHECK_UINT(job.row_count, 0);
    new_job(MCPZ_BLOB_LIST, "acme");
    CHECK_UINT(run(), MCPZ_OK);
    CHECK_UINT(job.row_count, 1);
    CHECK(mcpz_id_equal(&job.rows[0].id, &id));
    new_job(MCPZ_BLOB_RELEASE, "acme");
    job.id = id;
    CHECK_UINT(run(), MCPZ_OK);
    new_job(MCPZ_BLOB_LIST, "acme"); /* it is on its way out */
    CHECK_UINT(run(), MCPZ_OK);
    CHECK_UINT(job.row_count, 0);
    new_job(MCPZ_BLOB_LIST, "");
    CHECK_UINT(run(), MCPZ_OK);
    CHECK_UINT(job.row_count, 1);
}

TEST(so_many_uploads_and_no_more_but_idle_ones_make_room)
{
    const uint64_t first = begin("acme");

    for (size_t i = 1; i < MCPZ_BLOB_UPLOADS_MAX; i++) {
        (void)begin("acme");
    }
    new_job(MCPZ_BLOB_BEGIN, "acme");
    CHECK_UINT(run(), MCPZ_EFULL);
    now_ms += MCPZ_BLOB_UPLOAD_IDLE_MS;
    CHECK_UINT(add(first, 0, "still here"), MCPZ_OK);
    new_job(MCPZ_BLOB_BEGIN, "acme");
    CHECK_UINT(run(), MCPZ_EFULL);
    now_ms++;
    (void)begin("acme");
    CHECK_UINT(add(first, 10, "!"), MCPZ_OK);
}

static void check_keys(const char *names)
{
    char text[512] = "";

    new_job(MCPZ_BLOB_KEYS, "");
    CHECK_UINT(run(), MCPZ_OK);
    for (size_t i = 0; i < job.name_count; i++) {
        strncat(text, job.names + i * (MCPZ_TENANT_BYTES_MAX + 1), 65);
        strncat(text, " ", 2);
    }
    CHECK_TEXT(text, names);
}

TEST(what_a_shredded_key_kept_is_gone)
{
    const uint64_t upload = begin("acme");
    CHECK_UINT(add(upload, 0, "hello"), MCPZ_OK);
    const struct mcpz_id id = finish(upload);
    (void)begin("bolt");
    const uint64_t open = begin("acme");
    check_keys("acme bolt ");

    new_job(MCPZ_BLOB_ROTATE, "");
    CHECK_UINT(run(), MCPZ_OK);
    CHECK_UINT(read_as("acme", &id, 0, 10), MCPZ_OK);
    new_job(MCPZ_BLOB_SHRED, "acme");
    CHECK_UINT(run(), MCPZ_OK);
    CHECK(job.at_ms > 0);
    const uint64_t at_ms = job.at_ms;
    job.at_ms = 0;
    CHECK_UINT(run(), MCPZ_ENOTFOUND);
    check_keys("bolt ");
    CHECK_UINT(add(open, 0, "hello"), MCPZ_ENOTFOUND); /* it ended with the key */
    CHECK_UINT(read_as("acme", &id, 0, 10), MCPZ_ENOTFOUND);
    CHECK(strstr(job.text, "shredded") != NULL);

    mcpz_blob_worker_destroy(worker);
    create();
    CHECK_UINT(read_as("acme", &id, 0, 10), MCPZ_ENOTFOUND);
    (void)begin("acme"); /* a new key */
    CHECK_UINT(read_as("acme", &id, 0, 10), MCPZ_ECORRUPT);

    /* Another node says the same again: what the new key sealed is younger. */
    const uint64_t again = begin("acme");
    CHECK_UINT(add(again, 0, "anew"), MCPZ_OK);
    const struct mcpz_id fresh = finish(again);
    new_job(MCPZ_BLOB_SHRED, "acme");
    job.at_ms = at_ms;
    CHECK_UINT(run(), MCPZ_OK);
    CHECK_UINT(read_as("acme", &fresh, 0, 10), MCPZ_OK);

    /* Its room is given back as of any blob that nobody holds. */
    mcpz_blob_worker_destroy(worker);
    create();
    new_job(MCPZ_BLOB_LIST, "");
    CHECK_UINT(run(), MCPZ_OK);
    CHECK_UINT(job.row_count, 2);
    while (mcpz_blob_worker_clear(worker, now_ms + MCPZ_BLOB_GRACE_MS)) {
    }
    new_job(MCPZ_BLOB_LIST, "");
    CHECK_UINT(run(), MCPZ_OK);
    CHECK_UINT(job.row_count, 1); /* the one that is held */
}

TEST(what_cannot_be_opened_is_told)
{
    char path[600];

    (void)begin("acme");
    mcpz_blob_worker_destroy(worker);
    snprintf(path, sizeof(path), "%s/keys/node.key", scratch.path);
    CHECK(chmod(path, 0644) == 0);
    create();
    new_job(MCPZ_BLOB_BEGIN, "acme");
    CHECK_UINT(run(), MCPZ_EAUTH);
    CHECK(strstr(job.text, "0600") != NULL);
    CHECK(chmod(path, 0600) == 0);
    (void)begin("acme");
}

static mcpz_error take(const char *text)
{
    static struct mcpz_blob_taking taking;

    new_job(MCPZ_BLOB_TAKE, "acme");
    taking = (struct mcpz_blob_taking){.id = {{7}}, .row = {.size = 5, .chunks = 1}};
    job.takings = &taking;
    job.taking_count = 1;
    job.holder = MCPZ_BLOB_COPY_HOLDER;
    job.length = text != NULL ? strlen(text) : 0;
    job.bytes = text != NULL ? (uint8_t *)strdup(text) : NULL;
    return run();
}

TEST(what_several_lack_is_asked_for_at_once)
{
    struct mcpz_blob_taking takings[3] = {{.id = {{7}}}, {.id = {{8}}}, {.id = {{9}}}};

    (void)begin("acme"); /* so that there is a key */
    new_job(MCPZ_BLOB_TAKE, "acme");
    job.takings = takings;
    job.taking_count = 3;
    job.holder = MCPZ_BLOB_COPY_HOLDER;
    takings[1].is_whole = true; /* it was before */
    CHECK_UINT(run(), MCPZ_OK);
    CHECK_UINT(job.lack.count, 2);
    CHECK(mcpz_id_equal(&job.lack.ids[0], &takings[0].id));
    CHECK(mcpz_id_equal(&job.lack.ids[1], &takings[2].id));
    CHECK(!takings[0].is_whole && !takings[2].is_whole);
}

/* Rows of several at once; what is not here has none. */
TEST(several_are_looked_at_together)
{
    const struct mcpz_id nowhere = {{7}};
    const struct mcpz_id there = finish(begin("acme"));
    new_job(MCPZ_BLOB_LOOK, "");
    job.rows = calloc(2, sizeof(job.rows[0]));
    job.row_count = 2;
    CHECK(job.rows != NULL);
    job.rows[0].id = nowhere;
    job.rows[1].id = there;
    CHECK_UINT(run(), MCPZ_OK);
    CHECK(!job.rows[0].state.is_whole && !mcpz_blob_is_held(&job.rows[0].state));
    CHECK(job.rows[1].state.is_whole && job.rows[1].state.is_put);
    mcpz_blob_job_finish(&job);
}

static struct mcpz_blob_state look(const struct mcpz_id *id)
{
    new_job(MCPZ_BLOB_LOOK, "acme");
    job.id = *id;
    CHECK_UINT(run(), MCPZ_OK);
    return job.state;
}

static mcpz_error keep(const struct mcpz_id *id, const char *holder)
{
    new_job(MCPZ_BLOB_KEEP, "acme");
    job.id = *id;
    job.holder = holder;
    return run();
}

TEST(what_is_held_for_who_put_it_is_a_copy_once_that_is_known)
{
    const uint64_t upload = begin("acme");
    struct mcpz_blob_state held;

    CHECK_UINT(add(upload, 0, "some"), MCPZ_OK);
    new_job(MCPZ_BLOB_FINISH, "acme");
    job.upload = upload;
    job.holder = MCPZ_BLOB_BRIEF_HOLDER;
    CHECK_UINT(run(), MCPZ_OK);
    const struct mcpz_id id = job.id;
    held = look(&id);
    CHECK(!held.is_put && held.is_brief && !held.is_copy);
    CHECK_UINT(keep(&id, MCPZ_BLOB_HOLDER), MCPZ_ENOTFOUND);
    held = look(&id);
    CHECK(held.is_brief && !held.is_copy);
    CHECK_UINT(keep(&id, MCPZ_BLOB_BRIEF_HOLDER), MCPZ_OK);
    held = look(&id);
    CHECK(!held.is_put && !held.is_brief && held.is_copy && held.is_whole);

    /* Another may have put the same meanwhile, for good. */
    const uint64_t again = begin("acme");
    CHECK_UINT(add(again, 0, "some"), MCPZ_OK);
    const struct mcpz_id same = finish(again);
    CHECK(mcpz_id_equal(&same, &id));
    held = look(&id);
    CHECK(held.is_put && !held.is_brief && held.is_copy);
    CHECK_UINT(keep(&id, MCPZ_BLOB_HOLDER), MCPZ_OK);
    held = look(&id);
    CHECK(!held.is_put && held.is_copy);
}

TEST(several_share_one_wait_for_the_disk)
{
    static const char *const texts[] = {"one", "two", "three"};
    uint64_t uploads[3];
    struct mcpz_id ids[3];

    for (size_t i = 0; i < 3; i++) {
        uploads[i] = begin("acme");
        CHECK_UINT(add(uploads[i], 0, texts[i]), MCPZ_OK);
    }
    for (size_t i = 0; i < 3; i++) {
        new_job(MCPZ_BLOB_FINISH, "acme");
        job.upload = uploads[i];
        CHECK(mcpz_blob_worker_begin(worker, &job)); /* it is to be told of later */
        CHECK_UINT(job.error, MCPZ_OK);
        ids[i] = job.id;
    }
    new_job(MCPZ_BLOB_LOOK, "acme");
    job.id = ids[0];
    CHECK(mcpz_blob_worker_begin(worker, &job)); /* so is what is seen of it */
    CHECK(job.state.is_whole && job.state.is_put);
    CHECK_UINT(mcpz_blob_worker_settle(worker), MCPZ_OK);
    mcpz_blob_worker_destroy(worker);
    create();
    for (size_t i = 0; i < 3; i++) {
        CHECK_UINT(read_as("acme", &ids[i], 0, 100), MCPZ_OK);
        CHECK(mcpz_bytes_equal(mcpz_bytes(job.bytes, job.length), mcpz_text(texts[i])));
    }
    new_job(MCPZ_BLOB_LOOK, "acme");
    job.id = ids[0];
    CHECK(!mcpz_blob_worker_begin(worker, &job));
    /* What comes to nothing is told to all but those that need no disk. */
    mcpz_blob_worker_fail(&job, MCPZ_ENOSPACE);
    CHECK_UINT(job.error, MCPZ_ENOSPACE);
    CHECK_UINT(read_as("acme", &ids[0], 0, 100), MCPZ_OK);
    mcpz_blob_worker_fail(&job, MCPZ_ENOSPACE);
    CHECK_UINT(job.error, MCPZ_OK);
}

TEST(copies_leave_room_on_the_disk)
{
    (void)begin("acme"); /* so that there is a key */
    CHECK_UINT(take(NULL), MCPZ_OK);
    CHECK_UINT(job.lack.count, 1);
    CHECK_UINT(take("not even a chunk"), MCPZ_OK);
    mcpz_blob_worker_destroy(worker);
    room_bytes = UINT64_MAX;
    create();
    room_bytes = 0;
    CHECK_UINT(take("not even a chunk"), MCPZ_ENOSPACE);
    CHECK(job.bytes == NULL);
    CHECK_UINT(add(begin("acme"), 0, "what somebody puts here"), MCPZ_OK);
}

static void note(struct mcpz_blob_job *errand)
{
    *(unsigned *)errand->owner += 1;
}

TEST(an_errand_needs_neither_blobs_nor_keys)
{
    char path[sizeof(scratch.path) + 8];
    unsigned count = 0;

    new_job(MCPZ_BLOB_ERRAND, "");
    job.run = note;
    job.owner = &count;
    CHECK_UINT(run(), MCPZ_OK);
    CHECK_UINT(count, 1);
    (void)snprintf(path, sizeof(path), "%s/blobs", scratch.path);
    CHECK(access(path, F_OK) != 0); /* nothing was opened */
}

#define RUN_IN(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_IN(a_blob_comes_in_parts),
        RUN_IN(parts_may_come_twice_but_leave_no_gap),
        RUN_IN(uploads_end_once),
        RUN_IN(another_tenant_sees_nothing),
        RUN_IN(so_many_uploads_and_no_more_but_idle_ones_make_room),
        RUN_IN(what_a_shredded_key_kept_is_gone),
        RUN_IN(what_cannot_be_opened_is_told),
        RUN_IN(what_is_held_for_who_put_it_is_a_copy_once_that_is_known),
        RUN_IN(several_share_one_wait_for_the_disk),
        RUN_IN(what_several_lack_is_asked_for_at_once),
        RUN_IN(several_are_looked_at_together),
        RUN_IN(copies_leave_room_on_the_disk),
        RUN_IN(an_errand_needs_neither_blobs_nor_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
