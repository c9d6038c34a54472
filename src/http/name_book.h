/*
 * Which server of the mesh a name of /mcp belongs to: a document of "mcpz.system", a register of
 * each tool and prompt. So names are the same at all nodes, and after a restart: who came first
 * with a name keeps it (mcp/catalogue.h). A node that has just come may give a name before it
 * learns that somebody has it. So a register keeps all claims that were made without knowledge of
 * each other, [when by its node's clock, server], and the earliest counts: the other one's is
 * renamed.
 */

#ifndef HTTP_NAME_BOOK_H
#define HTTP_NAME_BOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "core/fact.h"
#include "engine/engine.h"
#include "mcp/face.h"

#define MCPZ_NAME_BOOK "mcp-names" /* the document */
#define MCPZ_NAMES_MAX 3840        /* kept; further ones hold for as long as the node runs */

struct mcpz_name_book {
    bool stale;
    size_t count;
};

void mcpz_name_book_init(struct mcpz_name_book *book);

/** Is this fact about them? They are to be read then. */
bool mcpz_name_book_hear(struct mcpz_name_book *book, const struct mcpz_fact *fact);

/** The face is to be told all of them anew. */
void mcpz_name_book_again(struct mcpz_name_book *book);

/** Read them, if they may have changed, and tell the face. Outside the engine's callbacks. */
void mcpz_name_book_read(struct mcpz_name_book *book, struct mcpz_engine *engine,
                         struct mcpz_face *face);

/**
 * Keep one, which was given at `wall_ms`. What cannot be kept is not, nor what somebody has, as
 * the face is told when they are read next.
 */
void mcpz_name_book_keep(struct mcpz_name_book *book, struct mcpz_engine *engine, uint64_t wall_ms,
                         const char *name, const char *server);

/** The server is gone for good: others may have the names that it had, from their next start on.
 */
void mcpz_name_book_release(struct mcpz_engine *engine, struct mcpz_bytes server);

#endif
