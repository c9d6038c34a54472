/*
 * What a WebSocket client sends: one message in one frame, masked.
 *
 * libwebsockets masks a byte at a time, which cost more than everything TLS does with the bytes.
 * The mask keeps proxies that guess at what passes from being talked to; below TLS nobody sees it.
 *
 * Source: RFC 6455, sections 5.2 and 5.3.
 */

#ifndef NET_CLIENT_FRAME_H
#define NET_CLIENT_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define MCPZ_CLIENT_FRAME_HEADER_BYTES_MAX 14
#define MCPZ_CLIENT_FRAME_KEY_BYTES 4

/**
 * Mask the `length` bytes at `payload` with `key`, and write the header of a binary message right
 * before them, where there is room for MCPZ_CLIENT_FRAME_HEADER_BYTES_MAX. Returns the header's
 * size.
 */
size_t mcpz_client_frame_make(uint8_t *payload, size_t length, const uint8_t *key);

/** Mask the `length` bytes at `bytes`, or unmask them: the first with the first of `key`. */
void mcpz_client_frame_mask(uint8_t *bytes, size_t length, const uint8_t *key);

#endif
