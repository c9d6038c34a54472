/* Bytes spelled out in tests. */

#ifndef RAW_H
#define RAW_H

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/limits.h"

/* 32 letters: an id as its bytes. On the wire it follows c4 20. */
#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B32 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define D32 "dddddddddddddddddddddddddddddddd"
#define ID_A "\xc4\x20" A32
#define ID_B "\xc4\x20" B32
#define ID_D "\xc4\x20" D32

/* The beginning of a delta's id. */
#define HEAD16 "hhhhhhhhhhhhhhhh"
#define PREV16 "pppppppppppppppp"
#define HEAD_H "\xc4\x10" HEAD16
#define HEAD_P "\xc4\x10" PREV16

/* A string literal as a slice. */
#define RAW(literal)                                                                              \
    {                                                                                             \
        (const uint8_t *)(literal), sizeof(literal) - 1                                           \
    }

/* Long runs, also of text: NUL is UTF-8. */
static const uint8_t zeros[MCPZ_MSG_BYTES_MAX];

#endif
