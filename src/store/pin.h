/*
 * The store as it was at one moment, to be read at leisure while it is written on.
 *
 * A pin holds a read transaction, so that no page of that moment is used again, and reads the
 * file, not the map: the map may move when it grows. The file grows meanwhile by what is written:
 * a pin is for minutes. Reading is for one other thread; the rest for the store's own.
 */

#ifndef STORE_PIN_H
#define STORE_PIN_H

#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "store/lmdb.h"
#include "store/pages.h"

struct mcpz_pin;

/**
 * Pin what is on disk now. In the thread that calls the store.
 *
 * Errors: MCPZ_EFULL  too many read already; MCPZ_ECORRUPT, MCPZ_EIO, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_pin_create(struct mcpz_lmdb *lmdb, struct mcpz_pin **pin);

/** Let go, before the store is closed. NULL is fine. */
void mcpz_pin_destroy(struct mcpz_pin *pin);

/** A data file with that moment in it, and nothing older or newer. Borrows the pin. */
struct mcpz_pages mcpz_pin_pages(const struct mcpz_pin *pin);

/** How many commits the store had seen. */
uint64_t mcpz_pin_commits(const struct mcpz_pin *pin);

#endif
