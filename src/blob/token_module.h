/*
 * A PKCS#11 module, one token of it, and a session with that: for token_key.h only.
 *
 * Everything ends with mcpz_token_close(): the session, the login, the module. One that somebody
 * else in this process had initialised before stays so.
 */

#ifndef BLOB_TOKEN_MODULE_H
#define BLOB_TOKEN_MODULE_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/pkcs11_uri.h"
#include "blob/token_key.h"

struct mcpz_token_session {
    void *library;
    struct ck_function_list *module;
    bool is_ours; /* initialised by us, and to be ended */
    bool has_session;
    ck_slot_id_t slot;
    ck_session_handle_t session;
    struct mcpz_pkcs11_uri wanted;
    struct mcpz_pkcs11_uri found; /* the token that is it */
    struct mcpz_token_trouble *trouble;
};

enum mcpz_token_access { MCPZ_TOKEN_LOOK, MCPZ_TOKEN_READ, MCPZ_TOKEN_WRITE };

/**
 * Load the module and find the token; unless only to look, log in. Release with
 * mcpz_token_close(), also on error.
 *
 * Errors: as mcpz_token_key_wrap()
 */
MCPZ_MUST_USE mcpz_error mcpz_token_open(const struct mcpz_token_config *config,
                                         enum mcpz_token_access access,
                                         struct mcpz_token_session *session,
                                         struct mcpz_token_trouble *trouble);
void mcpz_token_close(struct mcpz_token_session *session);

/** Say that `what` failed with `result`. Returns the error that comes nearest. */
mcpz_error mcpz_token_fail(struct mcpz_token_session *session, const char *what, ck_rv_t result);

/** Say something else. Returns `error`. */
mcpz_error mcpz_token_say(struct mcpz_token_session *session, mcpz_error error, const char *format,
                          ...) MCPZ_PRINTF(3, 4);

/** Why a token with these flags (CK_TOKEN_INFO) is not to be given a PIN; NULL: it may be. */
const char *mcpz_token_pin_fault(unsigned long flags);

#endif
