/* A look at MessagePack bytes before anything is sized by what they promise. */

#ifndef WIRE_SHAPE_H
#define WIRE_SHAPE_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

/**
 * Find the end of the first MessagePack value in `bytes` and check on the way that no header in
 * it promises more than is there, and that nothing nests deeper than MCPZ_MSG_DEPTH_MAX.
 *
 * msgpack-c allocates room for as many elements as a header claims before it looks for them:
 * five bytes can ask for 256 GiB. After this check a claim costs its sender a byte per element.
 * Takes time linear in the length, no memory and no recursion.
 *
 * Errors: MCPZ_ESHORT  the value is cut off or claims too much
 *         MCPZ_EPROTO  a byte no value starts with, or too deep
 *
 * Source: MessagePack specification, section "Formats".
 */
MCPZ_MUST_USE mcpz_error mcpz_shape_measure(struct mcpz_bytes bytes, size_t *length);

/** As above, and nothing may follow (MCPZ_EPROTO). */
MCPZ_MUST_USE mcpz_error mcpz_shape_check(struct mcpz_bytes bytes);

#endif
