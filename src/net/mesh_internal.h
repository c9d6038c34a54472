/* Wires from the inside: for net/mesh.c and net/incoming.c only. */

#ifndef NET_MESH_INTERNAL_H
#define NET_MESH_INTERNAL_H

#include "net/mesh.h"

/** The engine hears that the link is gone, if there was one. */
void mcpz_wire_forget_link(struct mcpz_wire *wire);

/** No more frames: what waits is sent, then the goodbye. The first reason stays. */
void mcpz_wire_start_closing(struct mcpz_wire *wire, const char *why);

/** It has something to say, at the next flush. */
void mcpz_wire_ask_to_write(struct mcpz_wire *wire);

/** Cut the connection. Only from libev's callbacks: libwebsockets may call us from within. */
void mcpz_wire_cut(struct mcpz_wire *wire);

#endif
