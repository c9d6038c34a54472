/* The keys of sessions through others: what the core's port for sealing stands for. */

#include <assert.h>
#include <string.h>

#include "engine/internal.h"

/* With `*peer`, with keys of this session alone. */
static struct mcpz_seal_ends ends_with(const struct mcpz_engine *engine,
                                       const struct mcpz_id *peer, const uint8_t *fresh)
{
    return (struct mcpz_seal_ends){.self = engine->identity, .peer = peer, .fresh = fresh};
}

static bool is_member(struct mcpz_engine *engine, const struct mcpz_id *peer,
                      struct mcpz_bytes certificate)
{
    mcpz_error error =
        mcpz_certificate_verify(certificate, &engine->mesh, peer, engine->wall_ms, NULL);

    engine->counters.refused_certificate += error != MCPZ_OK;
    return error == MCPZ_OK && mcpz_revocations_find(engine, peer) == NULL;
}

static void forget(void *context, uint32_t session)
{
    struct mcpz_engine *engine = context;

    mcpz_seal_destroy(engine->sealed[session].seal);
    engine->sealed[session].seal = NULL;
}

static void replace(struct mcpz_engine *engine, uint32_t session, const struct mcpz_id *peer,
                    struct mcpz_seal *seal)
{
    forget(engine, session);
    engine->sealed[session].seal = seal;
    engine->sealed[session].peer = *peer;
}

static size_t begin(void *context, uint32_t session, const struct mcpz_id *peer, uint8_t *message)
{
    struct mcpz_engine *engine = context;
    struct mcpz_seal_room room = {.bytes = message, .capacity = MCPZ_GREETING_BYTES_MAX};
    uint8_t fresh[MCPZ_SEAL_FRESH_BYTES];
    struct mcpz_seal *seal;

    mcpz_random(fresh, sizeof(fresh));
    const struct mcpz_seal_ends ends = ends_with(engine, peer, fresh);
    mcpz_error error =
        mcpz_seal_begin(&ends, mcpz_certificate_slice(&engine->certificate), &room, &seal);
    mcpz_wipe(fresh, sizeof(fresh));
    if (error != MCPZ_OK) {
        return 0;
    }
    replace(engine, session, peer, seal);
    return room.length;
}

static size_t accept(void *context, uint32_t session, const struct mcpz_id *peer,
                     struct mcpz_bytes message, uint8_t *answer)
{
    struct mcpz_engine *engine = context;
    uint8_t certificate[MCPZ_CERTIFICATE_BYTES_MAX];
    struct mcpz_seal_room shown = {.bytes = certificate, .capacity = sizeof(certificate)};
    struct mcpz_seal_room room = {.bytes = answer, .capacity = MCPZ_GREETING_BYTES_MAX};
    uint8_t fresh[MCPZ_SEAL_FRESH_BYTES];
    struct mcpz_seal *seal;

    mcpz_random(fresh, sizeof(fresh));
    const struct mcpz_seal_ends ends = ends_with(engine, peer, fresh);
    mcpz_error error = mcpz_seal_accept(&ends, message, &shown, &seal);
    mcpz_wipe(fresh, sizeof(fresh));
    if (error != MCPZ_OK) {
        return 0;
    }
    if (!is_member(engine, peer, mcpz_bytes(shown.bytes, shown.length)) ||
        mcpz_seal_answer(seal, mcpz_certificate_slice(&engine->certificate), &room) != MCPZ_OK) {
        mcpz_seal_destroy(seal);
        return 0;
    }
    replace(engine, session, peer, seal);
    return room.length;
}

static bool finish(void *context, uint32_t session, struct mcpz_bytes answer)
{
    struct mcpz_engine *engine = context;
    uint8_t certificate[MCPZ_CERTIFICATE_BYTES_MAX];
    struct mcpz_seal_room shown = {.bytes = certificate, .capacity = sizeof(certificate)};

    struct mcpz_sealed *sealed = &engine->sealed[session];

    if (sealed->seal == NULL || mcpz_seal_finish(sealed->seal, answer, &shown) != MCPZ_OK) {
        return false;
    }
    if (!is_member(engine, &sealed->peer, mcpz_bytes(shown.bytes, shown.length))) {
        forget(engine, session); /* it is who it says, and has no business here */
        return false;
    }
    return true;
}

static void close_bytes(void *context, uint32_t session, struct mcpz_bytes plain, uint8_t *sealed)
{
    struct mcpz_engine *engine = context;
    struct mcpz_seal_room room = {.bytes = sealed, .capacity = plain.length + MCPZ_SEAL_BYTES};

    mcpz_error error = mcpz_seal_close(engine->sealed[session].seal, plain, &room);
    assert(error == MCPZ_OK); /* there is room for just that */
}

static enum mcpz_opened open_bytes(void *context, uint32_t session, struct mcpz_bytes sealed,
                                   uint8_t *plain)
{
    struct mcpz_engine *engine = context;
    struct mcpz_seal_room room = {.bytes = plain, .capacity = sealed.length - MCPZ_SEAL_BYTES};

    switch (mcpz_seal_open(engine->sealed[session].seal, sealed, &room)) {
    case MCPZ_OK:
        return MCPZ_OPENED;
    case MCPZ_ESHORT:
        return MCPZ_OPENED_TOO_FAR;
    default:
        return MCPZ_OPENED_NOT;
    }
}

/* ---- What hops sign ----------------------------------------------------------------------- */

/* Nothing else that a node signs begins so. */
static const char vouched[] = "mcpz relay: ";
#define VOUCHED_BYTES_MAX 256

static struct mcpz_bytes vouched_bytes(struct mcpz_bytes words, uint8_t *buffer)
{
    const size_t prefix = sizeof(vouched) - 1;

    assert(prefix + words.length <= VOUCHED_BYTES_MAX);
    memcpy(buffer, vouched, prefix);
    memcpy(buffer + prefix, words.data, words.length);
    return mcpz_bytes(buffer, prefix + words.length);
}

static void vouch(void *context, struct mcpz_bytes words, uint8_t *signature)
{
    const struct mcpz_engine *engine = context;
    uint8_t buffer[VOUCHED_BYTES_MAX];

    mcpz_identity_sign(engine->identity, vouched_bytes(words, buffer), signature);
}

static bool is_vouched(void *context, const struct mcpz_id *who, struct mcpz_bytes words,
                       const uint8_t *signature)
{
    uint8_t buffer[VOUCHED_BYTES_MAX];

    (void)context;
    return mcpz_signature_verify(who, vouched_bytes(words, buffer),
                                 mcpz_bytes(signature, MCPZ_VOUCH_BYTES)) == MCPZ_OK;
}

struct mcpz_sealer mcpz_sealing_port(struct mcpz_engine *engine)
{
    return (struct mcpz_sealer){
        .context = engine,
        .begin = begin,
        .accept = accept,
        .finish = finish,
        .close = close_bytes,
        .open = open_bytes,
        .forget = forget,
        .vouch = vouch,
        .is_vouched = is_vouched,
    };
}

void mcpz_sealing_clear(struct mcpz_engine *engine)
{
    for (uint32_t i = 0; i < MCPZ_SEALED_MAX; i++) {
        forget(engine, i);
    }
}

/* ---- Letters -------------------------------------------------------------------------------- */

mcpz_error mcpz_engine_seal_letter(struct mcpz_engine *engine, const struct mcpz_id *peer,
                                   struct mcpz_bytes plain, struct mcpz_seal_room *letter)
{
    uint8_t fresh[MCPZ_SEAL_FRESH_BYTES];
    struct mcpz_seal *seal = NULL;

    mcpz_random(fresh, sizeof(fresh));
    const struct mcpz_seal_ends ends = ends_with(engine, peer, fresh);
    mcpz_error error = mcpz_seal_begin(&ends, plain, letter, &seal);
    mcpz_wipe(fresh, sizeof(fresh));
    mcpz_seal_destroy(seal);
    return error;
}

mcpz_error mcpz_engine_open_letter(struct mcpz_engine *engine, const struct mcpz_id *peer,
                                   struct mcpz_bytes letter, struct mcpz_seal_room *plain)
{
    uint8_t fresh[MCPZ_SEAL_FRESH_BYTES];
    struct mcpz_seal *seal = NULL;

    mcpz_random(fresh, sizeof(fresh)); /* nothing is answered with it */
    const struct mcpz_seal_ends ends = ends_with(engine, peer, fresh);
    mcpz_error error = mcpz_seal_accept(&ends, letter, plain, &seal);
    mcpz_wipe(fresh, sizeof(fresh));
    mcpz_seal_destroy(seal);
    return error;
}
