/*
 * What a blob stands for that nobody has (blob_book.h), asked of those who may keep its document:
 * of a few, one at a time.
 */

#ifndef HTTP_BLOB_ALIAS_H
#define HTTP_BLOB_ALIAS_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/id.h"

#define MCPZ_BLOB_ALIAS_ASKS_MAX 3

struct mcpz_exchange;

/* Zeros: nobody was asked. */
struct mcpz_blob_alias {
    struct mcpz_id root;
    size_t asked; /* of the nodes */
    bool is_over; /* it has been told */
};

enum mcpz_blob_alias_step {
    MCPZ_BLOB_ALIAS_WAITS = 1, /* `exchange` works again when there is an answer */
    MCPZ_BLOB_ALIAS_NAMED,     /* `root` is what it stands for */
    MCPZ_BLOB_ALIAS_UNKNOWN,   /* it stands for nothing, as far as can be heard */
};

/** Ask the next of `nodes`, likeliest first, for `alias->root`. Not where its document is here:
 * that has been looked at. */
enum mcpz_blob_alias_step mcpz_blob_alias_ask(struct mcpz_blob_alias *alias,
                                              struct mcpz_exchange *exchange,
                                              const struct mcpz_id *nodes, size_t count);

/** Take the answer, if it is there; UNKNOWN: ask the next. */
enum mcpz_blob_alias_step mcpz_blob_alias_hear(struct mcpz_blob_alias *alias,
                                               struct mcpz_exchange *exchange);

#endif
