/*
 * How a call, a request or an admission can end other than well: the word on the wire and in
 * JSON, what it means, and whether another provider may be tried.
 *
 * Numbers travel; append, never reuse.
 */

#ifndef PROTO_CODE_H
#define PROTO_CODE_H

#include <stdbool.h>
#include <stdint.h>

/*        name              number  word                retryable */
#define MCPZ_CODES(X)                                                                             \
    X(NO_PROVIDER, 1, "no_provider", false)           /* nobody alive has the capability */       \
    X(PROVIDER_FAILED, 2, "provider_failed", false)   /* it ran and said no: exit status */       \
    X(PROVIDER_CRASHED, 3, "provider_crashed", false) /* ended by a signal */                     \
    X(PROVIDER_LOST, 4, "provider_lost", true)        /* node died or the link broke */           \
    X(TIMEOUT, 5, "timeout", false)                                                               \
    X(CANCELLED, 6, "cancelled", false)                                                           \
    X(TOO_LARGE, 7, "too_large", false)    /* params, input or result over its limit */           \
    X(BUSY, 8, "busy", true)               /* a limit on calls was reached */                     \
    X(NOT_OFFERED, 9, "not_offered", true) /* the node does not have the capability */            \
    X(BAD_REQUEST, 10, "bad_request", false)                                                      \
    X(NOT_FOUND, 11, "not_found", false)                                                          \
    X(CONFLICT, 12, "conflict", false)                                                            \
    X(DENIED, 13, "denied", false)                                                                \
    X(STORE_FAILED, 14, "store_failed", false) /* disk full, corrupt: nothing was written */      \
    X(TOKEN_UNKNOWN, 15, "token_unknown", false)                                                  \
    X(TOKEN_EXPIRED, 16, "token_expired", false)                                                  \
    X(TOKEN_USED, 17, "token_used", false)   /* all uses spent, or revoked */                     \
    X(TOKEN_WRONG, 18, "token_wrong", false) /* the secret does not match */                      \
    X(WRONG_MESH, 19, "wrong_mesh", false)                                                        \
    X(BAD_CERTIFICATE, 20, "bad_certificate", false)                                              \
    X(VERSION, 21, "version", false)          /* no protocol version in common */                 \
    X(LIMIT, 22, "limit", false)              /* a named limit; the text says which */            \
    X(START_FAILED, 23, "start_failed", true) /* the provider's process did not start */          \
    X(INTERNAL, 24, "internal", false)                                                            \
    X(RATE_LIMITED, 25, "rate_limited", false) /* more than the tenant or the server may */       \
    X(OVERLOADED, 26, "overloaded", true)      /* too much to do: another may have less */        \
    X(NO_TIME, 27, "no_time", true)            /* it takes longer here than what is left */       \
    X(DRAINING, 28, "draining", true)          /* it is about to leave: ask another */            \
    X(UNAVAILABLE, 29, "unavailable", false)   /* all who could have failed too often lately */   \
    X(NO_COPY, 30, "no_copy", false) /* no other node has the durable task on disk: not taken */  \
    X(SUBTASK_FAILED, 31, "subtask_failed", false) /* of those it was split into */               \
    X(SHREDDED, 32, "shredded", false) /* what its tenant kept cannot be read any more */         \
    X(HISTORY_FOLDED, 33, "history_folded", false) /* what it was then is not kept any more */    \
    X(REVOKED, 34, "revoked", false)               /* the node is gone for good: a new identity */

enum mcpz_code {
    MCPZ_CODE_OK = 0,
#define X(name, number, word, retryable) MCPZ_CODE_##name = (number),
    MCPZ_CODES(X)
#undef X
        MCPZ_CODE_END,
};

/** The word for `code`: "ok", one of the table, or "unknown" for a number from the future. */
const char *mcpz_code_word(uint32_t code);

/** May the call be tried at another provider? False for codes we do not know. */
bool mcpz_code_is_retryable(uint32_t code);

#endif
