/*
 * The port through which the core has what it sends through others sealed, and opens what comes
 * through others. The engine holds the keys and judges certificates: a session is begun with, or
 * accepted from, who is a member of the mesh, or not at all.
 *
 * Sessions are numbered by the core, 0 to the number it was made with; one that is begun or
 * accepted under a number takes the place of what was there. All may be called in a step.
 */

#ifndef PROTO_SEALER_H
#define PROTO_SEALER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/id.h"
#include "proto/limits.h"

#define MCPZ_SEAL_BYTES 24          /* how much longer sealed bytes are: counter and tag */
#define MCPZ_SEAL_GREETING_BYTES 48 /* the same, of first message and answer: key and tag */
#define MCPZ_VOUCH_BYTES 64         /* a signature */
#define MCPZ_GREETING_BYTES_MAX (MCPZ_SEAL_GREETING_BYTES + MCPZ_CERTIFICATE_BYTES_MAX)

enum mcpz_opened {
    MCPZ_OPENED = 1,     /* it is the peer's, and what comes next */
    MCPZ_OPENED_NOT,     /* forged, changed or repeated: nothing has happened */
    MCPZ_OPENED_TOO_FAR, /* it is the peer's, but something before it was lost */
};

struct mcpz_sealer {
    void *context; /* handed to each; the port is there if `begin` is not NULL */

    /* Begin with `peer`: write the first message, at most MCPZ_GREETING_BYTES_MAX. 0: not
     * possible. */
    size_t (*begin)(void *context, uint32_t session, const struct mcpz_id *peer, uint8_t *message);

    /* Take in the first message of `peer`, and write the answer. 0: refused. */
    size_t (*accept)(void *context, uint32_t session, const struct mcpz_id *peer,
                     struct mcpz_bytes message, uint8_t *answer);

    /* Take in the answer. False: refused, the session is as before. */
    bool (*finish)(void *context, uint32_t session, struct mcpz_bytes answer);

    /* Write `plain` sealed: MCPZ_SEAL_BYTES longer. */
    void (*close)(void *context, uint32_t session, struct mcpz_bytes plain, uint8_t *sealed);

    /* Write what was sealed: MCPZ_SEAL_BYTES shorter. */
    enum mcpz_opened (*open)(void *context, uint32_t session, struct mcpz_bytes sealed,
                             uint8_t *plain);

    /* Wipe its keys. One that is not there is fine. */
    void (*forget)(void *context, uint32_t session);

    /* Sign what a hop says of a way: MCPZ_VOUCH_BYTES. NULL: nobody signs. */
    void (*vouch)(void *context, struct mcpz_bytes words, uint8_t *signature);

    /* Has `who` signed this? NULL: everybody is believed. */
    bool (*is_vouched)(void *context, const struct mcpz_id *who, struct mcpz_bytes words,
                       const uint8_t *signature);
};

#endif
