/* Where other machines find this node: what it listens on, as something they can dial. */

#ifndef EMBED_REACH_H
#define EMBED_REACH_H

#include <stdbool.h>
#include <stdint.h>

struct mcpz_reach {
    bool is_local;   /* only this machine can */
    bool is_guessed; /* it listens everywhere, and this is one of its addresses */
};

/**
 * Write the address to `address` (MCPZ_ADDRESS_BYTES_MAX + 1 bytes): `advertise` if it is set
 * (with `port` if its own is 0 or missing), else the host of `listen`, else, if that is every
 * address, this machine's first one that is not loopback. "" if there is none.
 *
 * `port` is the one really listened on.
 */
struct mcpz_reach mcpz_reach_find(const char *listen, const char *advertise, uint16_t port,
                                  char *address);

#endif
