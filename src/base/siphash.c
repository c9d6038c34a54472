#include "base/siphash.h"

#include <endian.h>
#include <string.h>

struct state {
    uint64_t v0;
    uint64_t v1;
    uint64_t v2;
    uint64_t v3;
};

static uint64_t rotate(uint64_t word, unsigned by)
{
    return word << by | word >> (64 - by);
}

static inline void round_once(struct state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

static struct state begin(struct mcpz_siphash_key key)
{
    return (struct state){
        .v0 = key.low ^ UINT64_C(0x736f6d6570736575),
        .v1 = key.high ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key.low ^ UINT64_C(0x6c7967656e657261),
        .v3 = key.high ^ UINT64_C(0x7465646279746573),
    };
}

static inline void compress(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    round_once(s);
    round_once(s);
    s->v0 ^= word;
}

/* What the state comes to, after `by` has been put into the word that it is told apart by. */
static uint64_t end(struct state *s, uint64_t *word, uint64_t by)
{
    *word ^= by;
    for (int i = 0; i < 4; i++) {
        round_once(s);
    }
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static uint64_t read_word(const uint8_t *bytes, size_t length)
{
    uint64_t word = 0;

    if (length > 0) {
        memcpy(&word, bytes, length);
    }
    return le64toh(word);
}

struct mcpz_siphash_key mcpz_siphash_key(const uint8_t *bytes)
{
    return (struct mcpz_siphash_key){.low = read_word(bytes, 8), .high = read_word(bytes + 8, 8)};
}

static void compress_all(struct state *s, struct mcpz_bytes bytes)
{
    const size_t whole = bytes.length & ~(size_t)7;

    for (size_t at = 0; at < whole; at += 8) {
        compress(s, read_word(bytes.data + at, 8));
    }
    const uint64_t last =
        whole < bytes.length ? read_word(bytes.data + whole, bytes.length - whole) : 0;
    compress(s, last | (uint64_t)bytes.length << 56);
}

uint64_t mcpz_siphash(struct mcpz_siphash_key key, struct mcpz_bytes bytes)
{
    struct state s = begin(key);

    compress_all(&s, bytes);
    return end(&s, &s.v2, 0xff);
}

void mcpz_siphash_wide(struct mcpz_siphash_key key, struct mcpz_bytes bytes, uint64_t words[2])
{
    struct state s = begin(key);

    s.v1 ^= 0xee;
    compress_all(&s, bytes);
    words[0] = end(&s, &s.v2, 0xee);
    words[1] = end(&s, &s.v1, 0xdd);
}

uint64_t mcpz_siphash_number(struct mcpz_siphash_key key, uint64_t number)
{
    struct state s = begin(key);

    compress(&s, number);
    compress(&s, UINT64_C(8) << 56);
    return end(&s, &s.v2, 0xff);
}
