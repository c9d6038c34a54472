#include "core/reconcile/root_tag.h"

#include <endian.h>
#include <string.h>

/* Word `i` of a digest as a number, the least significant being the last in it. */
static uint64_t word_of(const struct mcpz_id *digest, size_t i)
{
    uint64_t word;

    memcpy(&word, digest->bytes + MCPZ_ID_BYTES - 8 * (i + 1), sizeof(word));
    return be64toh(word);
}

/* Add one word to another; returns what is carried into the next. */
static uint64_t add_word(uint64_t *sum, uint64_t word, uint64_t carry)
{
    const uint64_t before = *sum;

    *sum = before + word + carry;
    return *sum < before || (carry == 1 && *sum == before) ? 1 : 0;
}

void mcpz_partition_root_add(struct mcpz_partition_root *root, const struct mcpz_id *digest)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < MCPZ_ROOT_WORDS; i++) {
        carry = add_word(&root->sum[i], word_of(digest, i), carry);
    }
    root->count++;
}

void mcpz_partition_root_remove(struct mcpz_partition_root *root, const struct mcpz_id *digest)
{
    uint64_t borrow = 0;

    for (size_t i = 0; i < MCPZ_ROOT_WORDS; i++) {
        const uint64_t before = root->sum[i];
        const uint64_t word = word_of(digest, i);
        root->sum[i] = before - word - borrow;
        borrow = before < word || (borrow == 1 && before == word) ? 1 : 0;
    }
    root->count--;
}

void mcpz_partition_root_join(struct mcpz_partition_root *root,
                              const struct mcpz_partition_root *other)
{
    uint64_t carry = 0;

    for (size_t i = 0; i < MCPZ_ROOT_WORDS; i++) {
        carry = add_word(&root->sum[i], other->sum[i], carry);
    }
    root->count += other->count;
}

bool mcpz_partition_root_equal(const struct mcpz_partition_root *a,
                               const struct mcpz_partition_root *b)
{
    return a->count == b->count && memcmp(a->sum, b->sum, sizeof(a->sum)) == 0;
}

void mcpz_partition_root_pack(const struct mcpz_partition_root *root, uint8_t *bytes)
{
    uint64_t words[1 + MCPZ_ROOT_WORDS] = {htobe64(root->count)};

    for (size_t i = 0; i < MCPZ_ROOT_WORDS; i++) {
        words[1 + i] = htobe64(root->sum[MCPZ_ROOT_WORDS - 1 - i]);
    }
    memcpy(bytes, words, sizeof(words));
}

uint64_t mcpz_partition_root_tag(const struct mcpz_partition_root *root,
                                 struct mcpz_siphash_key key)
{
    uint8_t bytes[MCPZ_ROOT_BYTES];

    mcpz_partition_root_pack(root, bytes);
    return mcpz_siphash(key, mcpz_bytes(bytes, sizeof(bytes)));
}
