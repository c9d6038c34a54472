/* Feed any bytes as a checkpoint. What is accepted is just what would be written. */

#include <stdlib.h>
#include <string.h>

#include "wire/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define BYTES_MAX 65536

static size_t write_again(struct mcpz_checkpoint_reader *reader, uint8_t *buffer)
{
    const struct mcpz_checkpoint *checkpoint = &reader->checkpoint;
    struct mcpz_record_entry entry;
    size_t length = mcpz_checkpoint_head_encode(&checkpoint->head, buffer);

    while (checkpoint->next(checkpoint->context, &entry) == MCPZ_OK) {
        length += mcpz_checkpoint_entry_encode(&checkpoint->head, &entry, buffer + length);
    }
    return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static _Alignas(16) uint8_t memory[MCPZ_ACTORS_MAX * sizeof(struct mcpz_version)];
    static uint8_t again[BYTES_MAX + MCPZ_CHECKPOINT_HEAD_BYTES_MAX];
    static struct mcpz_checkpoint_reader reader;
    struct mcpz_arena arena;

    mcpz_arena_init(&arena, memory, sizeof(memory));
    if (length > BYTES_MAX ||
        mcpz_checkpoint_open(&reader, mcpz_bytes(bytes, length), &arena) != MCPZ_OK ||
        mcpz_checkpoint_check(&reader) != MCPZ_OK) {
        return 0;
    }
    if (write_again(&reader, again) != length || memcmp(again, bytes, length) != 0) {
        abort();
    }
    return 0;
}
