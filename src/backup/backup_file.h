/*
 * A backup: one file, written and read from its beginning to its end.
 *
 *   "mcpzbackup", version u8
 *   made u64 (ms since 1970), node 32, program 16 (text, zeros behind it), commits u64, files u32,
 *   bytes u64 (of all files)
 *   per file: 1, length of name u8, name, mode u32, size u64, its bytes, their BLAKE2b-256
 *   0, BLAKE2b-256 of all before
 *
 * Integers are big-endian. A file's bytes lie together, so that a store can be checked where it
 * is. It holds the node's keys: whoever has it can be that node.
 */

#ifndef BACKUP_BACKUP_FILE_H
#define BACKUP_BACKUP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "backup/data_set.h"
#include "base/attr.h"
#include "base/bytes.h"
#include "crypto/digest.h"
#include "proto/id.h"

#define MCPZ_BACKUP_MAGIC "mcpzbackup"
#define MCPZ_BACKUP_VERSION 1
#define MCPZ_BACKUP_PROGRAM_BYTES 16
#define MCPZ_BACKUP_HEAD_BYTES (10 + 1 + 8 + MCPZ_ID_BYTES + MCPZ_BACKUP_PROGRAM_BYTES + 8 + 4 + 8)
#define MCPZ_BACKUP_TRAILER_BYTES (1 + MCPZ_DIGEST_BYTES)
#define MCPZ_BACKUP_TYPE "application/vnd.mcpz.backup"

struct mcpz_backup_head {
    uint64_t made_ms;
    struct mcpz_id node;
    char program[MCPZ_BACKUP_PROGRAM_BYTES + 1]; /* version of who made it */
    uint64_t commits;                            /* of the store */
    uint32_t file_count;
    uint64_t bytes;
};

/* Where bytes go. Its error ends the writing. */
struct mcpz_backup_sink {
    void *context;
    mcpz_error (*write)(void *context, struct mcpz_bytes bytes);
};

/**
 * Write `set` as a backup. `head->file_count` and `head->bytes` are filled in.
 *
 * Errors: those of the sink; MCPZ_EIO, MCPZ_ENOMEM; set->trouble says more
 */
MCPZ_MUST_USE mcpz_error mcpz_backup_write(struct mcpz_data_set *set,
                                           struct mcpz_backup_head *head,
                                           const struct mcpz_backup_sink *sink);

/* How long a backup of `set` is. */
uint64_t mcpz_backup_bytes(const struct mcpz_data_set *set);

/* A backup that goes by: is it whole? Fits on the stack. */
struct mcpz_backup_tap {
    struct mcpz_digest_state digest;
    uint8_t head[MCPZ_BACKUP_HEAD_BYTES];
    uint8_t tail[MCPZ_DIGEST_BYTES]; /* the last bytes so far */
    uint64_t length;
};

void mcpz_backup_tap_begin(struct mcpz_backup_tap *tap);
void mcpz_backup_tap_add(struct mcpz_backup_tap *tap, struct mcpz_bytes bytes);

/** Bytes of files it will have, once its head has gone by; 0 before. */
uint64_t mcpz_backup_tap_all(const struct mcpz_backup_tap *tap);

/** That was all. Errors: MCPZ_ESHORT  it is not whole; MCPZ_EPROTO  it is no backup */
MCPZ_MUST_USE mcpz_error mcpz_backup_tap_end(struct mcpz_backup_tap *tap);

/* A file in it. */
struct mcpz_backup_entry {
    char name[MCPZ_DATA_NAME_BYTES_MAX + 1];
    uint32_t mode;
    uint64_t size;
    uint64_t offset; /* of its bytes in the backup */
};

struct mcpz_backup_reader {
    int file;
    uint64_t at;   /* bytes read */
    uint64_t left; /* of the file under way */
    bool in_file;
    uint64_t file_bytes; /* of all files so far */
    uint32_t file_count;
    struct mcpz_backup_head head;
    struct mcpz_digest_state digest; /* of all */
    struct mcpz_digest_state part;   /* of the file under way */
};

/**
 * Begin to read what comes from `file`, a pipe for example.
 *
 * Errors: MCPZ_EPROTO  it is no backup; MCPZ_EVERSION  of another version; MCPZ_ESHORT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_backup_open(struct mcpz_backup_reader *reader, int file);

/**
 * The next file; the one before was read to its end (asserted).
 *
 * Errors: MCPZ_ENOTFOUND  that was all, and the whole file is what was written
 *         MCPZ_ECORRUPT, MCPZ_ESHORT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_backup_next(struct mcpz_backup_reader *reader,
                                          struct mcpz_backup_entry *entry);

/** Bytes of the file under way; `*length` 0: its end, and its digest is right. Errors: as above */
MCPZ_MUST_USE mcpz_error mcpz_backup_read(struct mcpz_backup_reader *reader, void *bytes,
                                          size_t capacity, size_t *length);

/**
 * Read all of it, and list its files as parts of `file`, which must be a regular one read from its
 * beginning, and stays the caller's. Release `set` with mcpz_data_set_finish().
 *
 * Errors: as mcpz_backup_open(), mcpz_backup_next(); MCPZ_ENOMEM. set->trouble says what and where
 */
MCPZ_MUST_USE mcpz_error mcpz_backup_list(int file, struct mcpz_backup_head *head,
                                          struct mcpz_data_set *set);

/** What is wrong with a backup, for people, in set->trouble. */
void mcpz_backup_explain(struct mcpz_data_set *set, mcpz_error error, uint64_t at);

#endif
