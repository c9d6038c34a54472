/*
 * Doubly linked lists of numbered things: which of an array's slots belong together, in order.
 *
 * One array of links serves many chains at a time, as long as each thing is in one of them. The
 * array is the owner's, so are the heads: a chain is a head of two numbers.
 */

#ifndef BASE_CHAIN_H
#define BASE_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MCPZ_CHAIN_END UINT32_MAX

struct mcpz_chain_link {
    uint32_t next;
    uint32_t previous;
};

struct mcpz_chain {
    uint32_t first; /* MCPZ_CHAIN_END: empty */
    uint32_t last;
    size_t count;
};

static inline struct mcpz_chain mcpz_chain_empty(void)
{
    return (struct mcpz_chain){.first = MCPZ_CHAIN_END, .last = MCPZ_CHAIN_END};
}

/** Append `item`, which is in no chain of these links. */
static inline void mcpz_chain_append(struct mcpz_chain *chain, struct mcpz_chain_link *links,
                                     uint32_t item)
{
    links[item] = (struct mcpz_chain_link){.next = MCPZ_CHAIN_END, .previous = chain->last};
    if (chain->last != MCPZ_CHAIN_END) {
        links[chain->last].next = item;
    } else {
        chain->first = item;
    }
    chain->last = item;
    chain->count++;
}

/** Take `item` out of the chain it is in. */
static inline void mcpz_chain_remove(struct mcpz_chain *chain, struct mcpz_chain_link *links,
                                     uint32_t item)
{
    const struct mcpz_chain_link link = links[item];

    if (link.previous != MCPZ_CHAIN_END) {
        links[link.previous].next = link.next;
    } else {
        chain->first = link.next;
    }
    if (link.next != MCPZ_CHAIN_END) {
        links[link.next].previous = link.previous;
    } else {
        chain->last = link.previous;
    }
    chain->count--;
}

#endif
