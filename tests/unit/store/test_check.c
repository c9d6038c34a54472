/* Damaged files: every one is refused, or is harmless. Nothing here may crash. */

#include <fcntl.h>

#include "base/attr.h"
#include "base/rng.h"
#include "disk.h"
#include "scratch.h"
#include "store/check.h"
#include "test.h"

#define PAGE 4096
#define FILE_BYTES_MAX 2097152

/* A good file, and what a test makes of it. */
struct patient {
    struct scratch scratch;
    struct disk disk;
    char path[600];
    uint8_t *good;
    size_t length;
    size_t keys;
};

static void write_file(const struct patient *patient, const uint8_t *bytes, size_t length)
{
    int file = open(patient->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(file >= 0);
    CHECK_UINT(write(file, bytes, length), length);
    close(file);
}

static void write_byte(const struct patient *patient, size_t offset, uint8_t byte)
{
    int file = open(patient->path, O_WRONLY | O_CLOEXEC);
    CHECK(file >= 0);
    CHECK_UINT(pwrite(file, &byte, 1, (off_t)offset), 1);
    close(file);
}

/* Some hundred small records, large ones, and pages that were let go: trees of three levels. */
static void fill(struct disk *disk)
{
    static const uint8_t value[20000];
    char key[300];

    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 150; i++) {
            snprintf(key, sizeof(key), "%04u-%0250u", i, round);
            disk_put(disk, key, mcpz_bytes(value, i % 10 == 0 ? sizeof(value) : 50));
        }
        CHECK_UINT(disk_wait(disk, disk_commit(disk)).error, MCPZ_OK);
    }
    for (unsigned i = 0; i < 150; i += 5) {
        snprintf(key, sizeof(key), "%04u-%0250u", i, 1U);
        disk->kv.remove(disk->kv.context, mcpz_text(key));
    }
    CHECK_UINT(disk_wait(disk, disk_commit(disk)).error, MCPZ_OK);
}

static void set_up(struct patient *patient)
{
    memset(patient, 0, sizeof(*patient));
    scratch_make(&patient->scratch);
    snprintf(patient->path, sizeof(patient->path), "%s/data.mdb", patient->scratch.path);
    disk_init(&patient->disk, patient->scratch.path, 65536, 32 * FILE_BYTES_MAX);
    CHECK_UINT(disk_open(&patient->disk), MCPZ_OK);
    fill(&patient->disk);
    patient->keys = disk_count(&patient->disk);
    disk_close(&patient->disk);

    patient->good = malloc(FILE_BYTES_MAX);
    CHECK(patient->good != NULL);
    int file = open(patient->path, O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0);
    ssize_t length = read(file, patient->good, FILE_BYTES_MAX);
    CHECK(length > 64 * PAGE && length < FILE_BYTES_MAX);
    patient->length = (size_t)length;
    close(file);
}

static void tear_down(struct patient *patient)
{
    free(patient->good);
    scratch_remove(&patient->scratch);
}

static mcpz_error check(const struct patient *patient)
{
    bool there = false;
    const char *fault = NULL;

    mcpz_error error = mcpz_check_file(patient->path, &there, &fault);
    CHECK(there);
    CHECK((error != MCPZ_OK) == (fault != NULL));
    return error;
}

/* Whatever passed the check must be usable. */
static void use(struct patient *patient)
{
    struct disk *disk = &patient->disk;

    mcpz_error error = disk_open(disk);
    if (error != MCPZ_OK) {
        CHECK(error == MCPZ_ECORRUPT || error == MCPZ_EVERSION || error == MCPZ_ENOMEM);
        CHECK(disk->trouble.text[0] != '\0');
        return;
    }
    disk_count(disk);
    disk_close(disk);
}

/* Also for writing: moves pages, takes free ones, splits and merges. */
static void use_hard(struct patient *patient)
{
    struct disk *disk = &patient->disk;
    char key[300];

    if (disk_open(disk) != MCPZ_OK) {
        return;
    }
    for (unsigned i = 0; i < 150; i++) {
        snprintf(key, sizeof(key), "%04u-%0250u", i, i % 3);
        if (i % 2 == 0) {
            disk->kv.remove(disk->kv.context, mcpz_text(key));
        } else {
            disk_put(disk, key, mcpz_bytes(patient->good, 3000));
        }
    }
    disk_wait(disk, disk_commit(disk));
    disk_count(disk);
    disk_close(disk);
}

static void check_refusal(struct patient *patient, mcpz_error error)
{
    CHECK_UINT(check(patient), error);
    CHECK_UINT(disk_open(&patient->disk), error);
    CHECK(patient->disk.lmdb == NULL);
    CHECK(strstr(patient->disk.trouble.text, patient->path) != NULL);
    if (error == MCPZ_ECORRUPT) {
        CHECK(strstr(patient->disk.trouble.text, "Restore the directory from a backup, or move") !=
              NULL);
    }
}

TEST(finds_nothing_wrong_with_a_good_file)
{
    struct patient patient;
    set_up(&patient);
    CHECK_UINT(check(&patient), MCPZ_OK);
    CHECK_UINT(disk_open(&patient.disk), MCPZ_OK);
    CHECK_UINT(disk_count(&patient.disk), patient.keys);
    CHECK_UINT(patient.keys, 420);
    disk_close(&patient.disk);
    tear_down(&patient);
}

TEST(finds_nothing_wrong_after_any_history)
{
    struct patient patient;
    struct disk *disk = &patient.disk;
    struct mcpz_rng rng;

    set_up(&patient);
    mcpz_rng_init(&rng, 3);
    for (unsigned round = 0; round < 12; round++) {
        CHECK_UINT(disk_open(disk), MCPZ_OK);
        for (unsigned i = 0; i < 200; i++) {
            char key[400];
            snprintf(key, sizeof(key), "%0*u", 1 + (int)mcpz_rng_below(&rng, 300),
                     (unsigned)mcpz_rng_below(&rng, 500));
            if (mcpz_rng_below(&rng, 100) < 20 + round % 5 * 15) {
                disk->kv.remove(disk->kv.context, mcpz_text(key));
            } else {
                disk_put(disk, key, mcpz_bytes(patient.good, mcpz_rng_below(&rng, 6000)));
            }
            if (i % 40 == 0) {
                disk_commit(disk);
            }
        }
        size_t keys = disk_count(disk);
        disk_close(disk);
        CHECK_UINT(check(&patient), MCPZ_OK);
        CHECK_UINT(disk_open(disk), MCPZ_OK);
        CHECK_UINT(disk_count(disk), keys);
        disk_close(disk);
    }
    tear_down(&patient);
}

TEST(a_file_that_is_not_there_is_fine)
{
    bool there = true;
    const char *fault;
    CHECK_UINT(mcpz_check_file("/nonexistent/data.mdb", &there, &fault), MCPZ_OK);
    CHECK(!there);
}

TEST(refuses_what_is_not_a_file)
{
    bool there;
    const char *fault = "";
    CHECK_UINT(mcpz_check_file("/dev/null", &there, &fault), MCPZ_EIO);
    CHECK_TEXT(fault, "it is not a file");
}

TEST(refuses_an_empty_file)
{
    struct patient patient;
    set_up(&patient);
    write_file(&patient, patient.good, 0);
    check_refusal(&patient, MCPZ_ECORRUPT);
    tear_down(&patient);
}

TEST(refuses_garbage)
{
    struct patient patient;
    struct mcpz_rng rng;

    set_up(&patient);
    uint8_t *bytes = malloc(patient.length);
    mcpz_rng_init(&rng, 1);
    for (size_t i = 0; i < patient.length; i++) {
        bytes[i] = (uint8_t)mcpz_rng_next(&rng);
    }
    const size_t lengths[] = {1, 15, 16, 151, 152, PAGE, 2 * PAGE, patient.length};
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(lengths); i++) {
        write_file(&patient, bytes, lengths[i]);
        check_refusal(&patient, MCPZ_ECORRUPT);
    }

    /* Our first pages, then garbage. */
    memcpy(bytes, patient.good, 2 * PAGE);
    write_file(&patient, bytes, patient.length);
    check_refusal(&patient, MCPZ_ECORRUPT);
    free(bytes);
    tear_down(&patient);
}

TEST(refuses_another_version_of_lmdb)
{
    struct patient patient;
    set_up(&patient);
    patient.good[20] = 2;
    write_file(&patient, patient.good, patient.length);
    check_refusal(&patient, MCPZ_EVERSION);
    tear_down(&patient);
}

TEST(refuses_or_survives_every_truncation)
{
    struct patient patient;
    size_t refused = 0;

    set_up(&patient);
    for (size_t length = 0; length < patient.length; length += PAGE / 2) {
        write_file(&patient, patient.good, length);
        mcpz_error error = check(&patient);
        CHECK(error == MCPZ_OK || error == MCPZ_ECORRUPT);
        refused += error == MCPZ_ECORRUPT;
        use(&patient);
    }
    CHECK(refused > patient.length / PAGE); /* only free pages may be missing */
    tear_down(&patient);
}

TEST(refuses_or_survives_flipped_bits_in_every_page)
{
    static const uint8_t masks[] = {0x01, 0x80, 0xff};
    static const size_t offsets[] = {0, 7, 10, 11, 12, 13, 14, 15, 16, 17};
    struct patient patient;
    struct mcpz_rng rng;
    size_t refused = 0;
    size_t passed = 0;

    set_up(&patient);
    mcpz_rng_init(&rng, 2);
    for (size_t page = 0; page < patient.length / PAGE; page++) {
        for (size_t i = 0; i < 16; i++) {
            /* The head of the page, its first offsets, then anywhere. */
            size_t offset = i < MCPZ_ARRAY_LEN(offsets) ? offsets[i] : mcpz_rng_below(&rng, PAGE);
            uint8_t *byte = patient.good + page * PAGE + offset;
            uint8_t mask = masks[mcpz_rng_below(&rng, MCPZ_ARRAY_LEN(masks))];

            *byte ^= mask;
            write_byte(&patient, page * PAGE + offset, *byte);
            mcpz_error error = check(&patient);
            refused += error != MCPZ_OK;
            if (error == MCPZ_OK && passed++ % 32 == 0) {
                use(&patient);
                use_hard(&patient);
                *byte ^= mask;
                write_file(&patient, patient.good, patient.length);
                continue;
            }
            *byte ^= mask;
            write_byte(&patient, page * PAGE + offset, *byte);
        }
    }
    CHECK(refused > 100);
    CHECK(passed > 100);
    tear_down(&patient);
}

TEST(refuses_or_survives_damage_to_its_first_pages)
{
    static const uint8_t masks[] = {0x01, 0xff};
    struct patient patient;

    set_up(&patient);
    for (size_t offset = 0; offset < 152; offset++) {
        for (size_t i = 0; i < MCPZ_ARRAY_LEN(masks); i++) {
            /* Both meta pages, so that the one LMDB takes is hit. */
            patient.good[offset] ^= masks[i];
            patient.good[PAGE + offset] ^= masks[i];
            write_file(&patient, patient.good, patient.length);
            patient.good[offset] ^= masks[i];
            patient.good[PAGE + offset] ^= masks[i];
            if (check(&patient) == MCPZ_OK) {
                use(&patient);
            }
        }
    }
    tear_down(&patient);
}

TEST(refuses_pages_that_were_exchanged)
{
    struct patient patient;
    uint8_t page[PAGE];

    set_up(&patient);
    size_t last = patient.length / PAGE - 1;
    memcpy(page, patient.good + 2 * PAGE, PAGE);
    memcpy(patient.good + 2 * PAGE, patient.good + last * PAGE, PAGE);
    memcpy(patient.good + last * PAGE, page, PAGE);
    write_file(&patient, patient.good, patient.length);
    mcpz_error error = check(&patient);
    CHECK(error == MCPZ_OK || error == MCPZ_ECORRUPT); /* both may be free */
    use(&patient);

    memset(patient.good + 2 * PAGE, 0, patient.length - 2 * PAGE);
    write_file(&patient, patient.good, patient.length);
    check_refusal(&patient, MCPZ_ECORRUPT);
    tear_down(&patient);
}

static mcpz_error count_record(void *context, struct mcpz_bytes key, struct mcpz_bytes value)
{
    size_t *count = context;

    CHECK(key.length > 0 && (value.length == 0 || value.data != NULL));
    ++*count;
    return MCPZ_OK;
}

struct salvaged {
    size_t found;
    size_t loose;
    struct mcpz_check_report report;
};

static void salvage(const struct patient *patient, struct salvaged *salvaged)
{
    const struct mcpz_check_visitor found = {.context = &salvaged->found, .record = count_record};
    const struct mcpz_check_visitor loose = {.context = &salvaged->loose, .record = count_record};
    int file = open(patient->path, O_RDONLY | O_CLOEXEC);

    CHECK(file >= 0);
    const struct mcpz_file_part part = {.file = file, .bytes = patient->length};
    const struct mcpz_pages pages = mcpz_pages_of_file(&part);
    memset(salvaged, 0, sizeof(*salvaged));
    mcpz_check_salvage(&pages, &found, &loose, &salvaged->report);
    close(file);
}

TEST(saves_all_but_what_was_in_a_damaged_page)
{
    static const uint8_t zeros[PAGE];
    struct patient patient;
    struct salvaged salvaged;
    size_t in_part = 0;

    set_up(&patient);
    salvage(&patient, &salvaged);
    CHECK_UINT(salvaged.found, patient.keys);
    CHECK_UINT(salvaged.report.damaged, 0);
    for (size_t page = 2; page < patient.length / PAGE; page++) {
        uint8_t kept[PAGE];
        memcpy(kept, patient.good + page * PAGE, PAGE);
        memcpy(patient.good + page * PAGE, zeros, PAGE);
        write_file(&patient, patient.good, patient.length);
        salvage(&patient, &salvaged);
        CHECK(salvaged.found <= patient.keys);
        CHECK(salvaged.found == patient.keys || salvaged.report.damaged > 0);
        /* What no way leads to any more is seen by itself, but for the page that is gone. */
        CHECK(salvaged.found + 64 > patient.keys || salvaged.loose + 64 > patient.keys);
        in_part += salvaged.found > 0 && salvaged.found < patient.keys ? 1 : 0;
        memcpy(patient.good + page * PAGE, kept, PAGE);
    }
    CHECK(in_part > 10);
    tear_down(&patient);
}

TEST(saves_the_leaves_where_the_first_pages_are_gone)
{
    struct patient patient;
    struct salvaged salvaged;

    set_up(&patient);
    memset(patient.good, 0xee, 2 * PAGE);
    write_file(&patient, patient.good, patient.length);
    salvage(&patient, &salvaged);
    CHECK_UINT(salvaged.found, 0);
    CHECK(salvaged.loose >= patient.keys);
    CHECK(salvaged.report.damaged > 0);
    tear_down(&patient);
}

TEST_MAIN(RUN(saves_all_but_what_was_in_a_damaged_page),
          RUN(saves_the_leaves_where_the_first_pages_are_gone),
          RUN(finds_nothing_wrong_with_a_good_file), RUN(finds_nothing_wrong_after_any_history),
          RUN(a_file_that_is_not_there_is_fine), RUN(refuses_what_is_not_a_file),
          RUN(refuses_an_empty_file), RUN(refuses_garbage), RUN(refuses_another_version_of_lmdb),
          RUN(refuses_or_survives_every_truncation),
          RUN(refuses_or_survives_flipped_bits_in_every_page),
          RUN(refuses_or_survives_damage_to_its_first_pages),
          RUN(refuses_pages_that_were_exchanged))
