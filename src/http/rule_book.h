/*
 * The routing rules that hold at this node: those of its configuration, and those of the mesh.
 *
 * The mesh's are a document of the tenant "mcpz.system", one register a pattern: it is replicated
 * and kept as agents are, so that a rule set at one node holds at all, and after a restart. Of one
 * pattern, the mesh's rule holds before the configuration's. The book reads the document when it
 * has changed and now and then, and hands the core the whole table when that is another one.
 */

#ifndef HTTP_RULE_BOOK_H
#define HTTP_RULE_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/fact.h"
#include "core/router/rules.h"
#include "engine/engine.h"

#define MCPZ_RULE_BOOK "rules"            /* the document */
#define MCPZ_RULE_BOOK_US MCPZ_SECONDS(5) /* between looks that nothing asked for */

struct mcpz_rule_book {
    struct mcpz_rule rows[MCPZ_RULES_MAX];
    bool is_meshs[MCPZ_RULES_MAX]; /* else of the configuration */
    size_t count;
    bool stale;
    bool told;          /* the core has been */
    uint64_t told_hash; /* of what */
    mcpz_time look_us;
};

void mcpz_rule_book_init(struct mcpz_rule_book *book);

/** Is this fact about the rules? They are due then. */
bool mcpz_rule_book_hear(struct mcpz_rule_book *book, const struct mcpz_fact *fact);

/** They were written here. */
void mcpz_rule_book_changed(struct mcpz_rule_book *book);

bool mcpz_rule_book_is_due(const struct mcpz_rule_book *book, mcpz_time now);

/**
 * Read the document, beside the `count` rules of the configuration, and tell the core if that
 * makes another table. Within a turn, outside the engine's callbacks. What is no rule, and what
 * is over MCPZ_RULES_MAX, is left out; where the store cannot be read, all stays as it is.
 */
void mcpz_rule_book_read(struct mcpz_rule_book *book, mcpz_time now, const struct mcpz_rule *rows,
                         size_t count, struct mcpz_engine *engine);

/** The row of a pattern; SIZE_MAX: there is none. */
size_t mcpz_rule_book_find(const struct mcpz_rule_book *book, struct mcpz_bytes pattern);

#endif
