/*
 * What verbs have in common: ask the node, understand the answer, tell failures, print.
 *
 * Standard output is for data, standard error for talk. With --json, standard output gets exactly
 * one JSON document, also on failure: {"error": {"code", "message"}}. The exit status says the
 * rest.
 */

#ifndef CLI_ASK_H
#define CLI_ASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "cli/client.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "embed/trouble.h"

#define MCPZ_PATIENCE_MS 30000       /* for answers that need no waiting */
#define MCPZ_PATIENCE_SLACK_MS 10000 /* after the time the node itself may take */
#define MCPZ_API_PATH_BYTES 1024

/**
 * Send `request` to the node of this invocation. On MCPZ_EXIT_OK the status is 2xx and `*answer`
 * is the caller's. Anything else was told, and `*answer` is empty. Ctrl-C ends a request that
 * hands its answer to `take` with MCPZ_EXIT_OK: that is how one stops following something.
 */
enum mcpz_exit mcpz_ask_raw(const struct mcpz_invocation *invocation,
                            const struct mcpz_client_request *request,
                            struct mcpz_client_answer *answer);

/**
 * Ask with JSON (`body` may be NULL; its reference is taken) and get JSON, which the caller
 * releases. On anything but MCPZ_EXIT_OK it was told, and `*answer` is NULL.
 */
enum mcpz_exit mcpz_ask(const struct mcpz_invocation *invocation, const char *method,
                        const char *path, json_t *body, json_t **answer);

/** As mcpz_ask(), for questions that may take the node as long as `wait_ms`. */
enum mcpz_exit mcpz_ask_patiently(const struct mcpz_invocation *invocation, const char *method,
                                  const char *path, json_t *body, uint64_t wait_ms,
                                  json_t **answer);

/** Ask, and tell nothing of what is answered, or that nothing is. */
void mcpz_ask_quietly(const struct mcpz_invocation *invocation, const char *method,
                      const char *path);

/** As mcpz_ask() by POST, with further `headers`, each with CR LF. */
enum mcpz_exit mcpz_ask_with(const struct mcpz_invocation *invocation, const char *headers,
                             const char *path, json_t *body, json_t **answer);

/** Ask without a body, with --json print the answer as it came, else `show` it. */
enum mcpz_exit mcpz_ask_and_show(const struct mcpz_invocation *invocation, const char *method,
                                 const char *path, enum mcpz_exit (*show)(const json_t *answer));

/** Read bytes of the node as JSON. Tells why not. */
enum mcpz_exit mcpz_answer_parse(const struct mcpz_invocation *invocation,
                                 const struct mcpz_client_answer *answer, json_t **json);

/** Tell a failure: text to standard error; with --json also an object to standard output. */
enum mcpz_exit mcpz_fail(const struct mcpz_invocation *invocation, enum mcpz_exit status,
                         const char *code, const char *message);

/** Tell that no node runs on this invocation's data directory. */
enum mcpz_exit mcpz_fail_unreachable(const struct mcpz_invocation *invocation);

/** As above, a usage error with the verb's help named. */
enum mcpz_exit mcpz_fail_usage(const struct mcpz_invocation *invocation, const char *format, ...)
    MCPZ_PRINTF(2, 3);

/** Tell `trouble`, with the status that goes with `error`. */
enum mcpz_exit mcpz_fail_error(const struct mcpz_invocation *invocation, mcpz_error error,
                               const struct mcpz_trouble *trouble);

/** "/v1/agents/" and the like, `id` percent-encoded, and `rest`. Tells why not. */
enum mcpz_exit mcpz_api_path(const struct mcpz_invocation *invocation, const char *prefix,
                             const char *id, const char *rest, char *path);

/** Add what --tenant says, if it was given, to `path` (MCPZ_API_PATH_BYTES). Tells why not. */
enum mcpz_exit mcpz_api_path_tenant(const struct mcpz_invocation *invocation, char *path);

#define MCPZ_TENANT_OPTION                                                                        \
    {                                                                                             \
        "tenant", '\0', "NAME", "whose it is (default)"                                           \
    }

/** Read option `name` as a duration; `otherwise` if it was not given. Tells why not. */
enum mcpz_exit mcpz_option_duration(const struct mcpz_invocation *invocation, const char *name,
                                    uint64_t otherwise, uint64_t *ms);

/** Read --ack (NULL: not given) and --timeout of a write. Tells why not. */
enum mcpz_exit mcpz_option_ack(const struct mcpz_invocation *invocation, const char **level,
                               uint64_t *timeout_ms);

/**
 * `path` with what --ack and --timeout say, and in `*wait_ms` how long that may take: 5 s unless
 * told. Tells why not.
 */
enum mcpz_exit mcpz_api_path_ack(const struct mcpz_invocation *invocation, const char *path,
                                 char whole[MCPZ_API_PATH_BYTES], uint64_t *wait_ms);

#endif
