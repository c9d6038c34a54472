#include "crypto/seal.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include <sodium.h>

#define KEY_BYTES 32
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define COUNTER_BYTES 8
#define PROTOCOL "mcpz-seal KK 25519 XChaChaPoly BLAKE2b 1"

static_assert(KEY_BYTES == crypto_scalarmult_curve25519_BYTES, "X25519 keys");
static_assert(KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "AEAD keys");
static_assert(MCPZ_SEAL_FRESH_BYTES == crypto_scalarmult_curve25519_SCALARBYTES, "secret scalars");
static_assert(MCPZ_SEAL_BYTES == COUNTER_BYTES + TAG_BYTES, "as the port says");
static_assert(MCPZ_SEAL_GREETING_BYTES == KEY_BYTES + TAG_BYTES, "as the port says");

/* Bytes only: sodium_malloc() aligns for nothing more. */
struct mcpz_seal {
    uint8_t self_secret[KEY_BYTES]; /* until the session is ready */
    uint8_t peer_public[KEY_BYTES];
    uint8_t fresh_secret[KEY_BYTES];
    uint8_t fresh_public[KEY_BYTES];
    uint8_t peer_fresh[KEY_BYTES];
    uint8_t chain[KEY_BYTES];      /* Noise: ck */
    uint8_t transcript[KEY_BYTES]; /* Noise: h */
    uint8_t key[KEY_BYTES];        /* Noise: k, of a handshake's payload */
    uint8_t send_key[KEY_BYTES];
    uint8_t receive_key[KEY_BYTES];
    uint8_t sent[COUNTER_BYTES];     /* the next counter to send, least byte first */
    uint8_t received[COUNTER_BYTES]; /* the next one to open */
    uint8_t is_ready;
};

static_assert(_Alignof(struct mcpz_seal) == 1, "fits unaligned memory");

/* ---- Noise's symmetric state -------------------------------------------------------------- */

static void mix_hash(struct mcpz_seal *seal, struct mcpz_bytes bytes)
{
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, NULL, 0, KEY_BYTES);
    (void)crypto_generichash_update(&state, seal->transcript, KEY_BYTES);
    (void)crypto_generichash_update(&state, bytes.data, bytes.length);
    (void)crypto_generichash_final(&state, seal->transcript, KEY_BYTES);
}

/* Two keys from the chaining key and a secret. */
static void derive(const uint8_t *chain, struct mcpz_bytes secret, uint8_t *first, uint8_t *second)
{
    uint8_t both[2 * KEY_BYTES];

    (void)crypto_generichash(both, sizeof(both), secret.data, secret.length, chain, KEY_BYTES);
    memcpy(first, both, KEY_BYTES);
    memcpy(second, both + KEY_BYTES, KEY_BYTES);
    sodium_memzero(both, sizeof(both));
}

/* False: the public key is none that could make a secret. */
static bool mix_key(struct mcpz_seal *seal, const uint8_t *secret, const uint8_t *public)
{
    uint8_t shared[KEY_BYTES];
    bool is_good = crypto_scalarmult_curve25519(shared, secret, public) == 0;

    if (is_good) {
        derive(seal->chain, mcpz_bytes(shared, KEY_BYTES), seal->chain, seal->key);
    }
    sodium_memzero(shared, sizeof(shared));
    return is_good;
}

static mcpz_error write_payload(struct mcpz_seal *seal, struct mcpz_bytes payload,
                                struct mcpz_seal_room *message)
{
    static const uint8_t nonce[NONCE_BYTES] = {0}; /* every key seals one payload */
    uint8_t *at = message->bytes + message->length;

    if (message->capacity - message->length < payload.length + TAG_BYTES) {
        return MCPZ_EFULL;
    }
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(at, NULL, payload.data, payload.length,
                                                     seal->transcript, KEY_BYTES, NULL, nonce,
                                                     seal->key);
    mix_hash(seal, mcpz_bytes(at, payload.length + TAG_BYTES));
    message->length += payload.length + TAG_BYTES;
    return MCPZ_OK;
}

static mcpz_error read_payload(struct mcpz_seal *seal, struct mcpz_bytes sealed,
                               struct mcpz_seal_room *payload)
{
    static const uint8_t nonce[NONCE_BYTES] = {0};

    if (sealed.length < TAG_BYTES) {
        return MCPZ_EAUTH;
    }
    if (payload->capacity < sealed.length - TAG_BYTES) {
        return MCPZ_EFULL;
    }
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(payload->bytes, NULL, NULL, sealed.data,
                                                   sealed.length, seal->transcript, KEY_BYTES,
                                                   nonce, seal->key) != 0) {
        return MCPZ_EAUTH;
    }
    payload->length = sealed.length - TAG_BYTES;
    mix_hash(seal, sealed);
    return MCPZ_OK;
}

/* ---- The handshake ------------------------------------------------------------------------ */

/* Both static keys are known beforehand, the initiator's first: KK's pre-messages. */
static void begin_transcript(struct mcpz_seal *seal, const struct mcpz_id *initiator,
                             const struct mcpz_id *responder)
{
    (void)crypto_generichash(seal->transcript, KEY_BYTES, (const uint8_t *)PROTOCOL,
                             sizeof(PROTOCOL) - 1, NULL, 0);
    memcpy(seal->chain, seal->transcript, KEY_BYTES);
    mix_hash(seal, mcpz_bytes(initiator->bytes, MCPZ_ID_BYTES));
    mix_hash(seal, mcpz_bytes(responder->bytes, MCPZ_ID_BYTES));
}

static mcpz_error create(const struct mcpz_seal_ends *ends, struct mcpz_seal **seal)
{
    *seal = NULL;
    struct mcpz_seal *made = sodium_malloc(sizeof(*made));
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    sodium_memzero(made, sizeof(*made));
    if (crypto_sign_ed25519_pk_to_curve25519(made->peer_public, ends->peer->bytes) != 0) {
        sodium_free(made);
        return MCPZ_EAUTH;
    }
    mcpz_identity_exchange_key(ends->self, made->self_secret);
    memcpy(made->fresh_secret, ends->fresh, KEY_BYTES);
    (void)crypto_scalarmult_curve25519_base(made->fresh_public, made->fresh_secret);
    *seal = made;
    return MCPZ_OK;
}

/* What the handshake needed is of no use any more. */
static void split(struct mcpz_seal *seal, bool is_initiator)
{
    uint8_t *ours = is_initiator ? seal->send_key : seal->receive_key;
    uint8_t *theirs = is_initiator ? seal->receive_key : seal->send_key;

    derive(seal->chain, mcpz_bytes(NULL, 0), ours, theirs);
    sodium_memzero(seal->self_secret, KEY_BYTES);
    sodium_memzero(seal->fresh_secret, KEY_BYTES);
    sodium_memzero(seal->chain, KEY_BYTES);
    sodium_memzero(seal->key, KEY_BYTES);
    seal->is_ready = true;
}

mcpz_error mcpz_seal_begin(const struct mcpz_seal_ends *ends, struct mcpz_bytes payload,
                           struct mcpz_seal_room *message, struct mcpz_seal **seal)
{
    mcpz_error error = create(ends, seal);
    if (error != MCPZ_OK) {
        return error;
    }
    struct mcpz_seal *made = *seal;
    begin_transcript(made, mcpz_identity_id(ends->self), ends->peer);
    message->length = 0;
    error = message->capacity < KEY_BYTES ? MCPZ_EFULL : MCPZ_OK;
    if (error == MCPZ_OK) {
        memcpy(message->bytes, made->fresh_public, KEY_BYTES);
        message->length = KEY_BYTES;
        mix_hash(made, mcpz_bytes(made->fresh_public, KEY_BYTES));
        bool is_good = mix_key(made, made->fresh_secret, made->peer_public) && /* es */
                       mix_key(made, made->self_secret, made->peer_public);    /* ss */
        error = is_good ? write_payload(made, payload, message) : MCPZ_EAUTH;
    }
    if (error != MCPZ_OK) {
        mcpz_seal_destroy(made);
        *seal = NULL;
    }
    return error;
}

mcpz_error mcpz_seal_accept(const struct mcpz_seal_ends *ends, struct mcpz_bytes message,
                            struct mcpz_seal_room *payload, struct mcpz_seal **seal)
{
    *seal = NULL;
    if (message.length < KEY_BYTES + TAG_BYTES) {
        return MCPZ_EAUTH;
    }
    mcpz_error error = create(ends, seal);
    if (error != MCPZ_OK) {
        return error;
    }
    struct mcpz_seal *made = *seal;
    begin_transcript(made, ends->peer, mcpz_identity_id(ends->self));
    memcpy(made->peer_fresh, message.data, KEY_BYTES);
    mix_hash(made, mcpz_bytes(made->peer_fresh, KEY_BYTES));
    bool is_good = mix_key(made, made->self_secret, made->peer_fresh) && /* es */
                   mix_key(made, made->self_secret, made->peer_public);  /* ss */
    error =
        is_good
            ? read_payload(made, mcpz_bytes(message.data + KEY_BYTES, message.length - KEY_BYTES),
                           payload)
            : MCPZ_EAUTH;
    if (error != MCPZ_OK) {
        mcpz_seal_destroy(made);
        *seal = NULL;
    }
    return error;
}

mcpz_error mcpz_seal_answer(struct mcpz_seal *seal, struct mcpz_bytes payload,
                            struct mcpz_seal_room *answer)
{
    assert(!seal->is_ready);

    answer->length = 0;
    if (answer->capacity < KEY_BYTES + payload.length + TAG_BYTES) {
        return MCPZ_EFULL;
    }
    memcpy(answer->bytes, seal->fresh_public, KEY_BYTES);
    answer->length = KEY_BYTES;
    mix_hash(seal, mcpz_bytes(seal->fresh_public, KEY_BYTES));
    /* Both public keys have made a secret before. */
    bool is_good = mix_key(seal, seal->fresh_secret, seal->peer_fresh) && /* ee */
                   mix_key(seal, seal->fresh_secret, seal->peer_public);  /* se */
    assert(is_good);
    mcpz_error error = write_payload(seal, payload, answer);
    assert(error == MCPZ_OK);
    split(seal, false);
    return error;
}

mcpz_error mcpz_seal_finish(struct mcpz_seal *seal, struct mcpz_bytes answer,
                            struct mcpz_seal_room *payload)
{
    assert(!seal->is_ready);

    if (answer.length < KEY_BYTES + TAG_BYTES) {
        return MCPZ_EAUTH;
    }
    uint8_t chain[KEY_BYTES];
    uint8_t transcript[KEY_BYTES];
    memcpy(chain, seal->chain, KEY_BYTES);
    memcpy(transcript, seal->transcript, KEY_BYTES);

    mix_hash(seal, mcpz_bytes(answer.data, KEY_BYTES));
    bool is_good = mix_key(seal, seal->fresh_secret, answer.data) && /* ee */
                   mix_key(seal, seal->self_secret, answer.data);    /* se */
    mcpz_error error =
        is_good
            ? read_payload(seal, mcpz_bytes(answer.data + KEY_BYTES, answer.length - KEY_BYTES),
                           payload)
            : MCPZ_EAUTH;
    if (error == MCPZ_OK) {
        split(seal, true);
    } else { /* a forged answer does not spoil the true one */
        memcpy(seal->chain, chain, KEY_BYTES);
        memcpy(seal->transcript, transcript, KEY_BYTES);
    }
    sodium_memzero(chain, sizeof(chain));
    return error;
}

/* ---- What is said ------------------------------------------------------------------------- */

static void nonce_of(const uint8_t *counter, uint8_t *nonce)
{
    memset(nonce, 0, NONCE_BYTES);
    memcpy(nonce, counter, COUNTER_BYTES);
}

mcpz_error mcpz_seal_close(struct mcpz_seal *seal, struct mcpz_bytes plain,
                           struct mcpz_seal_room *sealed)
{
    uint8_t nonce[NONCE_BYTES];
    assert(seal->is_ready);

    sealed->length = 0;
    if (sealed->capacity < plain.length + MCPZ_SEAL_BYTES) {
        return MCPZ_EFULL;
    }
    nonce_of(seal->sent, nonce);
    memcpy(sealed->bytes, seal->sent, COUNTER_BYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(sealed->bytes + COUNTER_BYTES, NULL,
                                                     plain.data, plain.length, NULL, 0, NULL,
                                                     nonce, seal->send_key);
    sodium_increment(seal->sent, COUNTER_BYTES);
    sealed->length = plain.length + MCPZ_SEAL_BYTES;
    return MCPZ_OK;
}

mcpz_error mcpz_seal_open(struct mcpz_seal *seal, struct mcpz_bytes sealed,
                          struct mcpz_seal_room *plain)
{
    uint8_t nonce[NONCE_BYTES];
    assert(seal->is_ready);

    plain->length = 0;
    if (sealed.length < MCPZ_SEAL_BYTES) {
        return MCPZ_EAUTH;
    }
    const size_t length = sealed.length - MCPZ_SEAL_BYTES;
    if (plain->capacity < length) {
        return MCPZ_EFULL;
    }
    int ahead = sodium_compare(sealed.data, seal->received, COUNTER_BYTES);
    if (ahead < 0) {
        return MCPZ_EUSED;
    }
    nonce_of(sealed.data, nonce);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            plain->bytes, NULL, NULL, sealed.data + COUNTER_BYTES, sealed.length - COUNTER_BYTES,
            NULL, 0, nonce, seal->receive_key) != 0) {
        return MCPZ_EAUTH;
    }
    if (ahead > 0) {
        sodium_memzero(plain->bytes, length);
        return MCPZ_ESHORT;
    }
    sodium_increment(seal->received, COUNTER_BYTES);
    plain->length = length;
    return MCPZ_OK;
}

void mcpz_seal_destroy(struct mcpz_seal *seal)
{
    sodium_free(seal); /* wipes */
}
