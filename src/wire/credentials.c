#include "wire/credentials.h"

#include <assert.h>
#include <string.h>

#include "base/base32.h"
#include "proto/limits.h"
#include "wire/rows.h"
#include "wire/shape.h"

/* ---- What they are made of ----------------------------------------------------------------- */

#define S struct mcpz_bytes
static const struct mcpz_field address_fields[] = {
    {.type = MCPZ_FIELD_TEXT, .max = MCPZ_ADDRESS_BYTES_MAX},
};
static const struct mcpz_layout address_layout = LAYOUT(S, address_fields);
#undef S

#define S struct mcpz_certificate
static const struct mcpz_field body_fields[] = {
    {ID(S, mesh)},    {ID(S, node)},           {ID(S, issuer)},
    {U64(S, serial)}, {U64(S, not_before_ms)}, {U64(S, not_after_ms)},
    {NAME(S, zone)},  {NAME(S, tenant)},       {INLINE(S, roles, role_count, mcpz_name_layout, 0)},
};
static const struct mcpz_layout body_layout = LAYOUT(S, body_fields);

/* [body, signature]: what is signed lies in one piece. */
static const struct mcpz_field certificate_fields[] = {
    {.type = MCPZ_FIELD_STRUCT, .item = &body_layout},
    {BYTES(S, signature, MCPZ_SIGNATURE_BYTES, MCPZ_SIGNATURE_BYTES)},
};
static const struct mcpz_layout certificate_layout = LAYOUT(S, certificate_fields);
#undef S

#define S struct mcpz_certificate_chain
static const struct mcpz_field chain_fields[] = {
    {INLINE(S, certificates, count, certificate_layout, 1)},
};
static const struct mcpz_layout chain_layout = LAYOUT(S, chain_fields);
#undef S

#define S struct mcpz_join_token
static const struct mcpz_field token_fields[] = {
    {ID(S, mesh)},
    {BYTES(S, id, MCPZ_TOKEN_ID_BYTES, MCPZ_TOKEN_ID_BYTES)},
    {BYTES(S, secret, MCPZ_SECRET_BYTES, MCPZ_SECRET_BYTES)},
    {U64(S, expires_ms)},
    {U32(S, uses)},
    {NAME(S, role)},
    {INLINE(S, addresses, address_count, address_layout, 0)},
};
static const struct mcpz_layout token_layout = LAYOUT(S, token_fields);
#undef S

/* All but the signature. */
static const struct mcpz_layout revocation_body_layout = {
    .size = sizeof(struct mcpz_revocation),
    .fields = mcpz_revocation_fields,
    .field_count = MCPZ_REVOCATION_FIELDS - 1,
};

/* ---- Certificates ------------------------------------------------------------------------- */

static mcpz_error write_whole(const struct mcpz_layout *layout, const void *base, uint8_t *buffer,
                              size_t capacity, size_t *length)
{
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, capacity);

    mcpz_layout_write(&writer, layout, base);
    if (writer.error == MCPZ_OK) {
        *length = writer.length;
    }
    return writer.error;
}

static mcpz_error read_whole(struct mcpz_bytes bytes, const struct mcpz_layout *layout, void *base)
{
    struct mcpz_layout_source source = {.reader = mcpz_reader(bytes)};

    mcpz_error error = mcpz_shape_check(bytes);
    return error != MCPZ_OK ? error : mcpz_layout_read(&source, layout, base);
}

mcpz_error mcpz_certificate_body_encode(const struct mcpz_certificate *certificate,
                                        uint8_t *buffer, size_t capacity, size_t *length)
{
    return write_whole(&body_layout, certificate, buffer, capacity, length);
}

mcpz_error mcpz_revocation_body_encode(const struct mcpz_revocation *revocation, uint8_t *buffer,
                                       size_t capacity, size_t *length)
{
    return write_whole(&revocation_body_layout, revocation, buffer, capacity, length);
}

mcpz_error mcpz_certificate_chain_encode(const struct mcpz_certificate_chain *chain,
                                         uint8_t *buffer, size_t capacity, size_t *length)
{
    return write_whole(&chain_layout, chain, buffer, capacity, length);
}

mcpz_error mcpz_certificate_chain_decode(struct mcpz_bytes bytes,
                                         struct mcpz_certificate_chain *chain)
{
    struct mcpz_certificate_chain result = {0};
    uint8_t again[MCPZ_CERTIFICATE_BYTES_MAX];
    size_t length;

    if (bytes.length > MCPZ_CERTIFICATE_BYTES_MAX) {
        return MCPZ_EPROTO;
    }
    mcpz_error error = read_whole(bytes, &chain_layout, &result);
    if (error != MCPZ_OK) {
        return error;
    }
    /* Fields from the future are not skipped here: a signature covers all of a certificate. */
    if (mcpz_certificate_chain_encode(&result, again, sizeof(again), &length) != MCPZ_OK ||
        !mcpz_bytes_equal(bytes, mcpz_bytes(again, length))) {
        return MCPZ_EPROTO;
    }
    *chain = result;
    return MCPZ_OK;
}

/* ---- Tokens ------------------------------------------------------------------------------- */

#define PREFIX_CHARS (sizeof(MCPZ_TOKEN_PREFIX) - 1)

/* What the longest text can hold. */
#define TOKEN_BYTES_MAX ((MCPZ_TOKEN_TEXT_BYTES_MAX - 1 - PREFIX_CHARS) * 5 / 8)

mcpz_error mcpz_token_to_text(const struct mcpz_join_token *token, char *text, size_t capacity)
{
    uint8_t bytes[TOKEN_BYTES_MAX];
    size_t length;

    mcpz_error error = write_whole(&token_layout, token, bytes, sizeof(bytes), &length);
    if (error == MCPZ_OK && PREFIX_CHARS + MCPZ_BASE32_CHARS(length) + 1 > capacity) {
        error = MCPZ_EFULL;
    }
    if (error == MCPZ_OK) {
        memcpy(text, MCPZ_TOKEN_PREFIX, PREFIX_CHARS);
        mcpz_base32_encode(mcpz_bytes(bytes, length), text + PREFIX_CHARS);
    }
    explicit_bzero(bytes, sizeof(bytes)); /* the secret was in there */
    return error;
}

static bool is_space(uint8_t character)
{
    return character == ' ' || (character >= '\t' && character <= '\r');
}

static struct mcpz_bytes trim(struct mcpz_bytes text)
{
    while (text.length > 0 && is_space(text.data[0])) {
        text = mcpz_bytes(text.data + 1, text.length - 1);
    }
    while (text.length > 0 && is_space(text.data[text.length - 1])) {
        text.length--;
    }
    return text;
}

/* Is it "mcpz", some digits, '-'? */
static bool has_token_prefix(struct mcpz_bytes text)
{
    static const char stem[] = "mcpz";
    size_t at = sizeof(stem) - 1;

    if (text.length < at || memcmp(text.data, stem, at) != 0) {
        return false;
    }
    while (at < text.length && text.data[at] >= '0' && text.data[at] <= '9') {
        at++;
    }
    return at > sizeof(stem) - 1 && at < text.length && text.data[at] == '-';
}

static mcpz_error read_token(struct mcpz_bytes text, struct mcpz_arena *arena,
                             struct mcpz_join_token *token)
{
    size_t capacity = text.length * 5 / 8;
    size_t length;

    uint8_t *bytes = mcpz_arena_take(arena, capacity, 1);
    if (bytes == NULL) {
        return MCPZ_EFULL;
    }
    mcpz_error error = mcpz_base32_decode(text, bytes, capacity, &length);
    return error != MCPZ_OK ? error : read_whole(mcpz_bytes(bytes, length), &token_layout, token);
}

mcpz_error mcpz_token_from_text(struct mcpz_bytes text, struct mcpz_arena *arena,
                                struct mcpz_join_token *token)
{
    struct mcpz_join_token result = {0};
    const size_t arena_used = arena->used;

    text = trim(text);
    if (!has_token_prefix(text)) {
        return MCPZ_EPROTO;
    }
    if (memcmp(text.data, MCPZ_TOKEN_PREFIX, PREFIX_CHARS) != 0) {
        return MCPZ_EVERSION;
    }
    if (text.length >= MCPZ_TOKEN_TEXT_BYTES_MAX) {
        return MCPZ_EFULL;
    }
    mcpz_error error = read_token(mcpz_bytes(text.data + PREFIX_CHARS, text.length - PREFIX_CHARS),
                                  arena, &result);
    if (error != MCPZ_OK) {
        mcpz_arena_rewind(arena, arena_used);
        return error;
    }
    *token = result;
    return MCPZ_OK;
}
