#ifndef MCPZ_ERROR_H
#define MCPZ_ERROR_H

/*
 * Every way an operation of this library can fail, with its text.
 *
 * Names say what was wrong, not where. Keep the list short: a caller should be able to decide
 * what to do with each entry. Numbers are part of the ABI; append, never reorder.
 */
#define MCPZ_ERRORS(X)                                                                            \
    X(NOMEM, 1, "out of memory")                                                                  \
    X(FULL, 2, "a configured limit was reached")                                                  \
    X(SHORT, 3, "input ends before the value does")                                               \
    X(PROTO, 4, "input is not what the protocol allows")                                          \
    X(VERSION, 5, "peer or file speaks a version we do not")                                      \
    X(AUTH, 6, "signature, key or permission does not match")                                     \
    X(NOTFOUND, 7, "no such entry")                                                               \
    X(IO, 8, "input/output error")                                                                \
    X(CORRUPT, 9, "stored data fails its check")                                                  \
    X(EXPIRED, 10, "validity is over or has not begun")                                           \
    X(CONFLICT, 11, "already exists, or in use by another")                                       \
    X(NOSPACE, 12, "no space left on the device")                                                 \
    X(TIMEOUT, 13, "not done in time")                                                            \
    X(CONFIG, 14, "configuration is invalid")                                                     \
    X(USED, 15, "all uses are spent, or it was revoked")                                          \
    X(UNSUPPORTED, 16, "this machine cannot do that")

typedef enum mcpz_error {
    MCPZ_OK = 0,
#define X(name, number, text) MCPZ_E##name = (number),
    MCPZ_ERRORS(X)
#undef X
} mcpz_error;

/**
 * Describe `error` in a few lower-case English words, without a final stop.
 *
 * Returns static storage; never NULL, also for numbers that are not in the list.
 */
const char *mcpz_strerror(mcpz_error error);

#endif
