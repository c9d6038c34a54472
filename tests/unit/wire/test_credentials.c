#include "raw.h"
#include "test.h"
#include "wire/credentials.h"

#define SIGNATURE A32 B32 /* 64 letters */
#define BODY "\x99" ID_A ID_B ID_A "\x01\xcd\x01\0\xce\x05\xf5\xe1\0\xa1z\xa1t\x91\xa1w"
#define SIGNED "\x92" BODY "\xc4\x40" SIGNATURE

static const struct mcpz_certificate leaf = {
    .mesh = {A32},
    .node = {B32},
    .issuer = {A32},
    .serial = 1,
    .not_before_ms = 256,
    .not_after_ms = 100000000,
    .zone = RAW("z"),
    .tenant = RAW("t"),
    .roles = {RAW("w")},
    .role_count = 1,
    .signature = RAW(SIGNATURE),
};

static uint8_t buffer[MCPZ_CERTIFICATE_BYTES_MAX];

static struct mcpz_certificate_chain chain_of(size_t count)
{
    return (struct mcpz_certificate_chain){.certificates = {leaf, leaf}, .count = count};
}

static struct mcpz_bytes encode(const struct mcpz_certificate_chain *chain)
{
    size_t length = 0;
    CHECK_UINT(mcpz_certificate_chain_encode(chain, buffer, sizeof(buffer), &length), MCPZ_OK);
    return mcpz_bytes(buffer, length);
}

static mcpz_error decode(struct mcpz_bytes bytes)
{
    struct mcpz_certificate_chain chain;
    return mcpz_certificate_chain_decode(bytes, &chain);
}

TEST(a_body_is_written_as_documented)
{
    static const char expected[] = BODY;
    size_t length = 0;
    CHECK_UINT(mcpz_certificate_body_encode(&leaf, buffer, sizeof(buffer), &length), MCPZ_OK);
    CHECK_BYTES(mcpz_bytes(buffer, length), expected, sizeof(expected) - 1);
}

TEST(a_body_does_not_need_a_signature)
{
    struct mcpz_certificate unsigned_leaf = leaf;
    size_t length = 0;
    unsigned_leaf.signature = mcpz_bytes(NULL, 0);
    CHECK_UINT(mcpz_certificate_body_encode(&unsigned_leaf, buffer, sizeof(buffer), &length),
               MCPZ_OK);
}

TEST(what_is_signed_of_a_revocation_is_all_but_the_signature)
{
    static const char expected[] = "\x96" ID_A "\xa1n" ID_B "\xa1o\xcd\x01\x2c\xa1r";
    struct mcpz_revocation gone = {{A32}, RAW("n"), {B32}, RAW("o"), 300, RAW("r"), {NULL, 0}};
    const size_t enough = sizeof(expected) - 1;
    size_t length = 0;

    for (size_t capacity = 0; capacity < enough; capacity++) {
        CHECK_UINT(mcpz_revocation_body_encode(&gone, buffer, capacity, &length), MCPZ_EFULL);
    }
    CHECK_UINT(mcpz_revocation_body_encode(&gone, buffer, enough, &length), MCPZ_OK);
    CHECK_BYTES(mcpz_bytes(buffer, length), expected, enough);
    gone.reason = mcpz_text("\xff");
    CHECK_UINT(mcpz_revocation_body_encode(&gone, buffer, sizeof(buffer), &length), MCPZ_EPROTO);
}

TEST(chains_are_written_as_documented)
{
    static const char one[] = "\x91" SIGNED;
    static const char two[] = "\x92" SIGNED SIGNED;
    struct mcpz_certificate_chain chain = chain_of(1);

    CHECK_BYTES(encode(&chain), one, sizeof(one) - 1);
    chain = chain_of(2);
    CHECK_BYTES(encode(&chain), two, sizeof(two) - 1);
}

TEST(chains_round_trip)
{
    static uint8_t first[MCPZ_CERTIFICATE_BYTES_MAX];
    for (size_t count = 1; count <= MCPZ_CHAIN_MAX; count++) {
        struct mcpz_certificate_chain chain = chain_of(count);
        struct mcpz_certificate_chain again;
        struct mcpz_bytes bytes = encode(&chain);
        memcpy(first, bytes.data, bytes.length);
        CHECK_UINT(mcpz_certificate_chain_decode(mcpz_bytes(first, bytes.length), &again),
                   MCPZ_OK);
        CHECK_UINT(again.count, count);
        CHECK_UINT(again.certificates[count - 1].not_after_ms, leaf.not_after_ms);
        CHECK_BYTES(again.certificates[count - 1].roles[0], "w", 1);
        CHECK_BYTES(again.certificates[count - 1].signature, SIGNATURE, MCPZ_SIGNATURE_BYTES);
        CHECK_BYTES(encode(&again), first, bytes.length);
    }
}

TEST(the_largest_chain_round_trips_within_its_bytes)
{
    static uint8_t first[MCPZ_CERTIFICATE_BYTES_MAX];
    struct mcpz_certificate full = leaf;
    full.serial = full.not_before_ms = full.not_after_ms = UINT64_MAX;
    full.zone = full.tenant = mcpz_bytes(zeros, MCPZ_NAME_BYTES_MAX);
    full.role_count = MCPZ_ROLES_MAX;
    for (size_t i = 0; i < MCPZ_ROLES_MAX; i++) {
        full.roles[i] = mcpz_bytes(zeros, MCPZ_NAME_BYTES_MAX);
    }
    struct mcpz_certificate_chain chain = {.certificates = {full, full}, .count = MCPZ_CHAIN_MAX};
    struct mcpz_certificate_chain again;

    struct mcpz_bytes bytes = encode(&chain);
    memcpy(first, bytes.data, bytes.length);
    CHECK_UINT(mcpz_certificate_chain_decode(mcpz_bytes(first, bytes.length), &again), MCPZ_OK);
    CHECK_BYTES(encode(&again), first, bytes.length);
}

TEST(every_truncation_is_refused)
{
    static const struct mcpz_bytes bytes = RAW("\x92" SIGNED SIGNED);
    for (size_t length = 0; length < bytes.length; length++) {
        CHECK_UINT(decode(mcpz_bytes(bytes.data, length)), MCPZ_ESHORT);
    }
}

TEST(every_buffer_too_small_is_refused)
{
    struct mcpz_certificate_chain chain = chain_of(1);
    size_t needed = encode(&chain).length;
    for (size_t capacity = 0; capacity < needed; capacity++) {
        size_t length = 99;
        CHECK_UINT(mcpz_certificate_chain_encode(&chain, buffer, capacity, &length), MCPZ_EFULL);
        CHECK_UINT(length, 99);
    }
    for (size_t capacity = 0; capacity < sizeof(BODY) - 1; capacity++) {
        size_t length = 99;
        CHECK_UINT(mcpz_certificate_body_encode(&leaf, buffer, capacity, &length), MCPZ_EFULL);
        CHECK_UINT(length, 99);
    }
}

#define BODY_HEAD ID_A ID_B ID_A
#define BODY_TAIL "\x01\x02\x03\xa0\xa0\x90"
#define SEAL "\xc4\x40" SIGNATURE

TEST(what_would_be_written_differently_is_refused)
{
    static const struct mcpz_bytes sound = RAW("\x91\x92\x99" BODY_HEAD BODY_TAIL SEAL);
    static const struct mcpz_bytes cases[] = {
        RAW("\x91\x92\x9a" BODY_HEAD BODY_TAIL "\xc0" SEAL), /* a field more in the body */
        RAW("\x91\x93\x99" BODY_HEAD BODY_TAIL SEAL "\xc0"), /* and beside it */
        RAW("\xdc\0\x01\x92\x99" BODY_HEAD BODY_TAIL SEAL),  /* long array */
        RAW("\x91\x92\xdc\0\x09" BODY_HEAD BODY_TAIL SEAL),  /* inside */
        RAW("\x91\x92\x99" BODY_HEAD "\xcc\x01\x02\x03\xa0\xa0\x90" SEAL), /* long number */
        RAW("\x91\x92\x99" BODY_HEAD "\x01\x02\x03\xd9\0\xa0\x90" SEAL),   /* long text */
        RAW("\x91\x92\x99" BODY_HEAD BODY_TAIL "\xc5\0\x40" SIGNATURE),    /* long bin */
        RAW("\x91\x92\x99" BODY_HEAD BODY_TAIL SEAL "\xc0"),               /* bytes left over */
    };

    CHECK_UINT(decode(sound), MCPZ_OK);
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        CHECK_UINT(decode(cases[i]), MCPZ_EPROTO);
    }
}

TEST(broken_input_gets_the_documented_error)
{
    static const struct {
        struct mcpz_bytes bytes;
        mcpz_error error;
    } cases[] = {
        {RAW("\xdf\xff\xff\xff\x7e"), MCPZ_ESHORT},
        {RAW("\x90"), MCPZ_EPROTO},                                            /* empty chain */
        {RAW("\x93" SIGNED SIGNED SIGNED), MCPZ_EPROTO},                       /* three */
        {RAW("\x81" SIGNED "\x01"), MCPZ_EPROTO},                              /* a map */
        {RAW("\x91\x91\x99" BODY_HEAD BODY_TAIL), MCPZ_EPROTO},                /* no signature */
        {RAW("\x91\x92\x99" BODY_HEAD BODY_TAIL "\xc4\x20" A32), MCPZ_EPROTO}, /* half of one */
        {RAW("\x91\x92\x99" BODY_HEAD BODY_TAIL "\xc4\x41" SIGNATURE "x"), MCPZ_EPROTO},
        {RAW("\x91\x92\x98" BODY_HEAD "\x01\x02\x03\xa0\xa0" SEAL), MCPZ_EPROTO}, /* no roles */
        {RAW("\x91\x92\x99" BODY_HEAD "\x01\x02\x03\xa1\xff\xa0\x90" SEAL), MCPZ_EPROTO},
        {RAW("\x91\x92\x99" BODY_HEAD "\x01\x02\x03\xa0\xa0"
             "\x99\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0\xa0" SEAL),
         MCPZ_EPROTO}, /* nine roles */
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        struct mcpz_certificate_chain chain = chain_of(1);
        CHECK_UINT(mcpz_certificate_chain_decode(cases[i].bytes, &chain), cases[i].error);
        CHECK_UINT(chain.count, 1);
    }
}

TEST(more_bytes_than_a_chain_may_have_are_refused)
{
    static const uint8_t bytes[MCPZ_CERTIFICATE_BYTES_MAX + 1];
    CHECK_UINT(decode(mcpz_bytes(bytes, sizeof(bytes))), MCPZ_EPROTO);
}

TEST(text_that_is_not_utf8_is_not_written)
{
    struct mcpz_certificate bad = leaf;
    size_t length = 99;
    bad.zone = mcpz_text("\xff");
    CHECK_UINT(mcpz_certificate_body_encode(&bad, buffer, sizeof(buffer), &length), MCPZ_EPROTO);
    CHECK_UINT(length, 99);
}

TEST_MAIN(RUN(a_body_is_written_as_documented), RUN(a_body_does_not_need_a_signature),
          RUN(what_is_signed_of_a_revocation_is_all_but_the_signature),
          RUN(chains_are_written_as_documented), RUN(chains_round_trip),
          RUN(the_largest_chain_round_trips_within_its_bytes), RUN(every_truncation_is_refused),
          RUN(every_buffer_too_small_is_refused),
          RUN(what_would_be_written_differently_is_refused),
          RUN(broken_input_gets_the_documented_error),
          RUN(more_bytes_than_a_chain_may_have_are_refused),
          RUN(text_that_is_not_utf8_is_not_written))
