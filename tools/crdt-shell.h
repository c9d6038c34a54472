/* What the verbs of crdt-shell share: replicas, and lines taken apart and put together. */

#ifndef CRDT_SHELL_H
#define CRDT_SHELL_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "core/agents.h"
#include "core/node.h"
#include "engine/engine.h"
#include "engine/persist.h"
#include "store/mem.h"

#define CRDT_SHELL_REPLICAS_MAX 16
#define CRDT_SHELL_NAME_CHARS 32
#define CRDT_SHELL_CHECKPOINT_BYTES_MAX 524288
#define CRDT_SHELL_DOCUMENT "agent"

struct replica {
    char name[CRDT_SHELL_NAME_CHARS];
    struct mcpz_actor actor;
    struct mcpz_mem *mem;
    struct mcpz_kv kv;
    struct mcpz_persist persist;
    struct mcpz_store store;
    struct mcpz_agents agents;
    void *memory; /* of agents */
    uint64_t wall_ms;
};

struct shell {
    struct replica replicas[CRDT_SHELL_REPLICAS_MAX];
    size_t count;
    struct mcpz_scratch *scratch;
    struct mcpz_node_timing timing;
    struct mcpz_overlay
        overlay; /* nobody is linked: all that is said is broadcast, or asked for */
    uint64_t request;
};

/** A caller that asks for what is not there is a mistake in a test: say so and end. */
void crdt_shell_fail(const char *what) __attribute__((noreturn));

/** A member of a request: a text that must be there, a number (0 if it is not). */
const char *crdt_shell_text_of(const json_t *request, const char *member);
json_int_t crdt_shell_number_of(const json_t *request, const char *member);

/** Bytes in hexadecimal. Those that are read fit into `capacity`, or the shell ends. */
json_t *crdt_shell_show_hex(struct mcpz_bytes bytes);
size_t crdt_shell_read_hex(const char *text, uint8_t *bytes, size_t capacity);

struct mcpz_id crdt_shell_node_id(json_int_t number);
void crdt_shell_document(struct mcpz_id *document);
json_t *crdt_shell_show_actor(const struct mcpz_actor *actor);

/** The replica that a request names. */
struct replica *crdt_shell_find(struct shell *shell, const json_t *request);

/** Commit what was written, and have it durable unless the request says "unsynced". */
void crdt_shell_end_turn(struct replica *replica, const json_t *request);

/** Step the machine. What it says is added to `answer`: "sent", "code" of a reply, "base". */
void crdt_shell_step(struct shell *shell, struct replica *replica, const struct mcpz_event *event,
                     json_t *answer);

/** Verbs of crdt-shell-floors.c: its first comment. */
json_t *crdt_shell_checkpoint(struct shell *shell, const json_t *request);
json_t *crdt_shell_install(struct shell *shell, const json_t *request);
json_t *crdt_shell_agree(struct shell *shell, const json_t *request);
json_t *crdt_shell_hear(struct shell *shell, const json_t *request);
json_t *crdt_shell_fold(struct shell *shell, const json_t *request);
json_t *crdt_shell_base(struct shell *shell, const json_t *request);
json_t *crdt_shell_take(struct shell *shell, const json_t *request);

#endif
