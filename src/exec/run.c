#include "exec/run.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define UTF8_BYTES_MAX 4

static_assert(MCPZ_RUN_CREDIT_BYTES_MIN <= MCPZ_CALL_WINDOW_BYTES / 2,
              "a caller hears of credit before its window is used up");

void mcpz_run_init(struct mcpz_run *run, uint8_t *ring, size_t ring_bytes)
{
    assert(ring_bytes > 0);

    *run = (struct mcpz_run){
        .ring = ring,
        .ring_bytes = ring_bytes,
        .credited = true,
        .output_credit = MCPZ_CALL_WINDOW_BYTES,
    };
}

void mcpz_run_init_whole(struct mcpz_run *run, uint8_t *input, size_t length)
{
    *run = (struct mcpz_run){
        .ring = input,
        .ring_bytes = length,
        .ring_length = length,
        .input_ended = true,
        .output_credit = MCPZ_CALL_WINDOW_BYTES,
    };
}

enum mcpz_run_fit mcpz_run_input(struct mcpz_run *run, struct mcpz_bytes chunk)
{
    if (run->input_ended || chunk.length > run->ring_bytes - run->ring_length) {
        return MCPZ_RUN_OVER_WINDOW;
    }
    if (chunk.length > MCPZ_INPUT_BYTES_MAX - run->input_total) {
        return MCPZ_RUN_OVER_LIMIT;
    }

    run->input_total += chunk.length;
    if (run->input_refused) {
        run->credit_owed += (uint32_t)chunk.length;
        return MCPZ_RUN_FITS;
    }
    if (chunk.length == 0) {
        return MCPZ_RUN_FITS;
    }

    size_t end = (run->ring_start + run->ring_length) % run->ring_bytes;
    size_t to_edge = run->ring_bytes - end;
    size_t first = chunk.length < to_edge ? chunk.length : to_edge;
    memcpy(run->ring + end, chunk.data, first);
    memcpy(run->ring, chunk.data + first, chunk.length - first);
    run->ring_length += chunk.length;
    return MCPZ_RUN_FITS;
}

void mcpz_run_input_end(struct mcpz_run *run)
{
    run->input_ended = true;
}

struct mcpz_bytes mcpz_run_input_next(const struct mcpz_run *run)
{
    size_t to_edge = run->ring_bytes - run->ring_start;
    size_t length = run->ring_length < to_edge ? run->ring_length : to_edge;
    return mcpz_bytes(run->ring + run->ring_start, length);
}

void mcpz_run_input_written(struct mcpz_run *run, size_t length)
{
    assert(length <= run->ring_length);
    if (length == 0) {
        return;
    }

    run->ring_start = (run->ring_start + length) % run->ring_bytes;
    run->ring_length -= length;
    if (run->credited) {
        run->credit_owed += (uint32_t)length;
    }
}

void mcpz_run_input_refuse(struct mcpz_run *run)
{
    mcpz_run_input_written(run, run->ring_length);
    run->input_refused = true;
}

bool mcpz_run_input_is_over(const struct mcpz_run *run)
{
    return run->input_refused || (run->input_ended && run->ring_length == 0);
}

uint32_t mcpz_run_take_credit(struct mcpz_run *run)
{
    uint32_t credit = run->credit_owed;
    if (credit < MCPZ_RUN_CREDIT_BYTES_MIN && run->ring_length > 0) {
        return 0;
    }
    run->credit_owed = 0;
    return credit;
}

void mcpz_run_pull(struct mcpz_run *run, uint32_t credit)
{
    uint32_t room = MCPZ_RUN_OUTPUT_CREDIT_MAX - run->output_credit;
    run->output_credit += credit < room ? credit : room;
}

size_t mcpz_run_output_room(const struct mcpz_run *run)
{
    return run->output_credit < MCPZ_CHUNK_BYTES_MAX ? run->output_credit : MCPZ_CHUNK_BYTES_MAX;
}

enum mcpz_run_fit mcpz_run_output(struct mcpz_run *run, size_t length)
{
    assert(length <= run->output_credit);

    run->output_credit -= (uint32_t)length;
    run->output_total += length;
    return run->output_total > MCPZ_OUTPUT_BYTES_MAX ? MCPZ_RUN_OVER_LIMIT : MCPZ_RUN_FITS;
}

/* Byte n of stderr lies at n modulo the tail's size. */
void mcpz_run_errors(struct mcpz_run *run, struct mcpz_bytes bytes)
{
    if (bytes.length > MCPZ_RUN_TAIL_BYTES) {
        size_t skipped = bytes.length - MCPZ_RUN_TAIL_BYTES;
        run->tail_total += skipped;
        bytes = mcpz_bytes(bytes.data + skipped, MCPZ_RUN_TAIL_BYTES);
    }
    for (size_t i = 0; i < bytes.length; i++) {
        run->tail[run->tail_total % MCPZ_RUN_TAIL_BYTES] = bytes.data[i];
        run->tail_total++;
    }
}

/* The last bytes of stderr in order, at most `capacity`. */
static size_t unroll_tail(const struct mcpz_run *run, uint8_t *bytes, size_t capacity)
{
    size_t length = run->tail_total < capacity ? (size_t)run->tail_total : capacity;
    if (length > MCPZ_RUN_TAIL_BYTES) {
        length = MCPZ_RUN_TAIL_BYTES;
    }
    for (size_t i = 0; i < length; i++) {
        bytes[i] = run->tail[(run->tail_total - length + i) % MCPZ_RUN_TAIL_BYTES];
    }
    return length;
}

/* Bytes of the character at the start of `bytes`, 0 if there is no whole one. */
static size_t character_bytes(struct mcpz_bytes bytes)
{
    for (size_t length = 1; length <= UTF8_BYTES_MAX && length <= bytes.length; length++) {
        if (mcpz_bytes_is_utf8(mcpz_bytes(bytes.data, length))) {
            return length;
        }
    }
    return 0;
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/* Terminals obey control characters, also the ones of C1 (U+0080 to U+009F). */
static bool is_control(const uint8_t *character, size_t length)
{
    if (length == 1) {
        return (character[0] < ' ' && character[0] != '\n' && character[0] != '\t') ||
               character[0] == 0x7f;
    }
    return length == 2 && character[0] == 0xc2 && character[1] < 0xa0;
}

/* Append what can be shown of `bytes`; '?' stands for each byte that cannot. Fits: same length. */
static void append_shown(struct mcpz_run_text *text, struct mcpz_bytes bytes)
{
    assert(bytes.length <= sizeof(text->text) - text->length);

    for (size_t at = 0; at < bytes.length;) {
        size_t length = character_bytes(mcpz_bytes(bytes.data + at, bytes.length - at));
        if (length == 0 || is_control(bytes.data + at, length)) {
            text->text[text->length++] = '?';
            at += length > 0 ? length : 1;
            continue;
        }
        memcpy(text->text + text->length, bytes.data + at, length);
        text->length += length;
        at += length;
    }
}

static void append_errors(const struct mcpz_run *run, struct mcpz_run_text *text)
{
    static const char colon[] = ": ";
    const size_t colon_length = sizeof(colon) - 1;
    uint8_t tail[MCPZ_RUN_TAIL_BYTES];

    size_t length = unroll_tail(run, tail, sizeof(text->text) - 1 - text->length - colon_length);
    bool cut = run->tail_total > length;
    while (length > 0 && is_space(tail[length - 1])) {
        length--;
    }

    size_t start = 0;
    /* The first character may be cut in two: what is left of it says nothing. */
    while (cut && start < length && start < UTF8_BYTES_MAX - 1 && (tail[start] & 0xc0U) == 0x80) {
        start++;
    }
    while (start < length && is_space(tail[start])) {
        start++;
    }
    if (start == length) {
        return;
    }

    memcpy(text->text + text->length, colon, colon_length);
    text->length += colon_length;
    append_shown(text, mcpz_bytes(tail + start, length - start));
}

enum mcpz_code mcpz_run_verdict(const struct mcpz_run *run, int wait_status,
                                struct mcpz_run_text *text)
{
    text->length = 0;
    text->text[0] = '\0';
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) {
        return MCPZ_CODE_OK;
    }

    enum mcpz_code code = MCPZ_CODE_PROVIDER_FAILED;
    int length;
    if (WIFSIGNALED(wait_status)) {
        const char *name = sigabbrev_np(WTERMSIG(wait_status));
        code = MCPZ_CODE_PROVIDER_CRASHED;
        length = snprintf(text->text, sizeof(text->text), "killed by signal %d (SIG%s)",
                          WTERMSIG(wait_status), name != NULL ? name : "?");
    } else {
        length =
            snprintf(text->text, sizeof(text->text), "exit status %d", WEXITSTATUS(wait_status));
    }
    assert(length > 0 && (size_t)length < 64);
    text->length = (size_t)length;
    append_errors(run, text);
    text->text[text->length] = '\0';
    return code;
}
