/*
 * The header that ties what one request sets off into one trace.
 *
 *   00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *   version, trace, parent, flags: lower-case hexadecimal
 *
 * The mesh hands it on as it is; whoever takes it in from outside checks it.
 *
 * Source: W3C Trace Context, section 3.2.
 */

#ifndef PROTO_TRACEPARENT_H
#define PROTO_TRACEPARENT_H

#include <stdbool.h>

#include "base/bytes.h"

#define MCPZ_TRACEPARENT_BYTES 55 /* of version 00; later ones may go on after a '-' */

/** Is this a traceparent, of at most MCPZ_TRACEPARENT_BYTES_MAX bytes? Empty is none. */
bool mcpz_traceparent_is_valid(struct mcpz_bytes text);

#endif
