/*
 * What a face and a host say to each other on a call, beside the messages of the protocol.
 *
 *   host -> face   {"mcpz": {"node": "n-..."}}      first of all: who does it
 *   face -> host   {"mcpz": {"heard": false}}       of a call that listens: nobody hears it now,
 * so its process may go if another client needs one
 */

#ifndef MCP_WORDS_H
#define MCP_WORDS_H

#define MCPZ_WORD "mcpz"
#define MCPZ_LINE_HEARD "{\"mcpz\":{\"heard\":true}}"
#define MCPZ_LINE_UNHEARD "{\"mcpz\":{\"heard\":false}}"

#endif
