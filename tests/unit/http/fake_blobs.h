/*
 * Blobs for tests of who keeps them: each is no more than what is here of it. Jobs are done by
 * fake_blobs_turn(), as of a thread. Also what the mesh knows of a blob, put into the store.
 */

#ifndef FAKE_BLOBS_H
#define FAKE_BLOBS_H

#include "blob/blob_job.h"
#include "fake_fellows.h"
#include "http/blob_book.h"

#define FAKE_BLOBS_MAX 8

struct fake_blob {
    struct mcpz_id root;
    struct mcpz_blob_row row;
    struct mcpz_blob_state state;
    size_t lacks; /* so many chunks are not here */
    size_t lent;
    bool is_odd; /* its list names what is none: it cannot be taken in */
};

extern struct fake_blob fake_blob_rows[FAKE_BLOBS_MAX];
extern size_t fake_blob_count;
extern bool fake_blobs_are_full; /* nothing can be written */
extern bool fake_blobs_are_busy; /* no job is taken */
extern const char *fake_content; /* of any that is whole and is read: "what it says" */

/* What is being put. */
struct fake_upload {
    size_t length; /* that has come */
    uint8_t bytes[64];
    size_t begun;      /* so many were */
    bool is_open;      /* the last of them */
    struct mcpz_id id; /* that it gets */
};

extern struct fake_upload fake_upload;

/* What other nodes send: a chunk of use, and one that is none. */
extern const struct mcpz_bytes fake_chunk;
extern const struct mcpz_bytes fake_rubbish;

/** For each test, in place of fake_begin() and fake_end(): B, C and D are members. */
void fake_blobs_begin(void);
void fake_blobs_end(void);

/** Have jobs done, and the API act, until nothing is left to be done. */
void fake_blobs_turn(void);

/** Time goes by; as above. */
void fake_blobs_tick(mcpz_time us);

/** A blob of tenant "acme" of two chunks. */
struct mcpz_blob_about fake_blob_about(uint8_t number);

/** It is here. */
struct fake_blob *fake_blob_add(const struct mcpz_id *root, struct mcpz_blob_state state);

/** NULL: nothing of it is here. */
struct fake_blob *fake_blob_find(const struct mcpz_id *root);

/** Its document says that `refs` (NULL at the end) need it. */
void fake_blob_book(const struct mcpz_blob_about *about, const char *const *refs);

/** It says so no more: nobody needs it. */
void fake_blob_unbook(const struct mcpz_blob_about *about);

/** The same, and that it stands for `stands_for`. */
void fake_blob_alias(const struct mcpz_blob_about *about, const struct mcpz_id *stands_for,
                     const char *const *refs);

/** An agent's document names it. */
void fake_blob_named(const struct mcpz_id *document, const struct mcpz_blob_about *about);

/** The first question after `from` to `node` (0: any) whose path ends so; fails if none is there.
 */
size_t fake_question(size_t from, char node, const char *end);

/** How many writes of `op` were handed in whose value is the text `text`. */
size_t fake_writes(enum mcpz_agent_op op, const char *text);

#endif
