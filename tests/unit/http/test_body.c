#include "http/body.h"
#include "test.h"

static void fill(struct mcpz_body *body, size_t length)
{
    static uint8_t piece[1000];

    for (size_t done = 0; done < length;) {
        size_t count = length - done < sizeof(piece) ? length - done : sizeof(piece);
        for (size_t i = 0; i < count; i++) {
            piece[i] = (uint8_t)((done + i) % 251);
        }
        mcpz_body_append(body, mcpz_bytes(piece, count));
        done += count;
    }
}

static void check_bytes(const struct mcpz_body *body, size_t length)
{
    uint8_t buffer[4096];
    uint64_t at = 0;

    CHECK_UINT(body->error, MCPZ_OK);
    CHECK_UINT(body->length, length);
    for (;;) {
        size_t count = 0;
        CHECK_UINT(mcpz_body_read(body, at, buffer, sizeof(buffer), &count), MCPZ_OK);
        if (count == 0) {
            break;
        }
        for (size_t i = 0; i < count; i++) {
            CHECK(buffer[i] == (at + i) % 251);
        }
        at += count;
    }
    CHECK_UINT(at, length);
}

TEST(gives_back_what_was_appended_around_every_edge)
{
    static const size_t lengths[] = {0,
                                     1,
                                     MCPZ_BODY_MEMORY_FIRST,
                                     MCPZ_BODY_MEMORY_FIRST + 1,
                                     MCPZ_BODY_MEMORY_MAX - 1,
                                     MCPZ_BODY_MEMORY_MAX,
                                     MCPZ_BODY_MEMORY_MAX + 1,
                                     MCPZ_BODY_MEMORY_MAX + MCPZ_BODY_TAIL_BYTES,
                                     MCPZ_BODY_MEMORY_MAX + MCPZ_BODY_TAIL_BYTES + 777};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct mcpz_body body;
        mcpz_body_init(&body, "/tmp");
        fill(&body, lengths[i]);
        check_bytes(&body, lengths[i]);
        CHECK((body.file >= 0) == (lengths[i] > MCPZ_BODY_MEMORY_MAX));
        CHECK((mcpz_body_in_memory(&body).data != NULL) == (lengths[i] > 0 && body.file < 0));
        mcpz_body_finish(&body);
    }
}

TEST(a_piece_longer_than_the_tail_goes_through)
{
    static uint8_t piece[MCPZ_BODY_TAIL_BYTES + 1];
    struct mcpz_body body;
    uint8_t last[2];

    mcpz_body_init(&body, "/tmp");
    fill(&body, MCPZ_BODY_MEMORY_MAX + 10);
    memset(piece, 7, sizeof(piece));
    mcpz_body_append(&body, mcpz_bytes(piece, sizeof(piece)));
    mcpz_body_text(&body, "x");
    CHECK_UINT(body.length, MCPZ_BODY_MEMORY_MAX + 10 + sizeof(piece) + 1);
    CHECK_UINT(mcpz_body_read_all(&body, body.length - 2, last, 2), MCPZ_OK);
    CHECK_UINT(last[0], 7);
    CHECK_UINT(last[1], 'x');
    mcpz_body_finish(&body);
}

TEST(a_directory_that_is_not_there_is_an_error_that_sticks)
{
    struct mcpz_body body;

    mcpz_body_init(&body, "/nonexistent-directory");
    fill(&body, MCPZ_BODY_MEMORY_MAX + 1);
    CHECK_UINT(body.error, MCPZ_EIO);
    mcpz_body_text(&body, "x");
    CHECK_UINT(body.error, MCPZ_EIO);
    mcpz_body_finish(&body);
}

TEST(reading_past_the_end_is_short)
{
    struct mcpz_body body;
    uint8_t byte[2];

    mcpz_body_init(&body, "/tmp");
    mcpz_body_text(&body, "x");
    CHECK_UINT(mcpz_body_read_all(&body, 0, byte, 2), MCPZ_ESHORT);
    CHECK_UINT(mcpz_body_read_all(&body, 2, byte, 1), MCPZ_ESHORT);
    CHECK_UINT(mcpz_body_read_all(&body, 1, byte, 0), MCPZ_OK);
    mcpz_body_finish(&body);
}

TEST_MAIN(RUN(gives_back_what_was_appended_around_every_edge),
          RUN(a_piece_longer_than_the_tail_goes_through),
          RUN(a_directory_that_is_not_there_is_an_error_that_sticks),
          RUN(reading_past_the_end_is_short))
