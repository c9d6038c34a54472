#include "backup/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/record_opener.h"
#include "crypto/digest.h"
#include "crypto/tenant_key.h"
#include "proto/checkpoint.h"
#include "proto/limits.h"
#include "store/check.h"
#include "store/directory.h"
#include "store/pages.h"
#include "store/schema.h"
#include "store/stamp.h"
#include "wire/records.h"

#define COMMIT_RECORDS 256
#define MAP_BYTES 1048576
#define MAP_BYTES_MAX ((size_t)1 << 40)

/* A store that is damaged, open to be read. */
struct source {
    int file;
    struct mcpz_file_part part;
};

static mcpz_error open_source(const char *from, struct source *source)
{
    char path[PATH_MAX];
    struct stat status;

    (void)snprintf(path, sizeof(path), "%s/data.mdb", from);
    source->file = open(path, O_RDONLY | O_CLOEXEC);
    if (source->file < 0) {
        return MCPZ_ENOTFOUND;
    }
    if (fstat(source->file, &status) != 0 || !S_ISREG(status.st_mode)) {
        (void)close(source->file);
        return MCPZ_ENOTFOUND;
    }
    source->part =
        (struct mcpz_file_part){.file = source->file, .bytes = (uint64_t)status.st_size};
    return MCPZ_OK;
}

/* ---- The new store ------------------------------------------------------------------------ */

struct saving {
    struct mcpz_id self;
    struct mcpz_record_opener opener;
    struct mcpz_lmdb *lmdb;
    struct mcpz_kv kv;
    sem_t news;
    unsigned in_batch;
    mcpz_error error;
    struct mcpz_salvaged *salvaged;

    struct mcpz_record_self known; /* the last that was seen */
    uint8_t certificate[MCPZ_CERTIFICATE_BYTES_MAX];
    uint8_t key_id[MCPZ_TENANT_KEY_ID_BYTES]; /* that SELF was sealed with */
    uint32_t generation;                      /* the highest of SELF and of our own deltas */
    uint64_t incarnation;                     /* the highest */
};

static void on_notify(void *context)
{
    struct saving *saving = context;
    (void)sem_post(&saving->news);
}

/* Have the batch on the disk. */
static void flush(struct saving *saving)
{
    const uint64_t batch = saving->kv.commit(saving->kv.context);

    saving->in_batch = 0;
    while (batch != 0 && saving->error == MCPZ_OK) {
        const struct mcpz_kv_progress progress = saving->kv.progress(saving->kv.context);
        if (progress.failed >= batch) {
            saving->error = progress.error;
        } else if (progress.durable >= batch) {
            return;
        } else {
            (void)sem_wait(&saving->news);
        }
    }
}

static void put(struct saving *saving, struct mcpz_bytes key, struct mcpz_bytes value)
{
    if (saving->error == MCPZ_OK) {
        saving->kv.put(saving->kv.context, key, value);
        saving->salvaged->records++;
        if (++saving->in_batch == COMMIT_RECORDS) {
            flush(saving);
        }
    }
}

static void note_self(struct saving *saving, const struct mcpz_record_self *self,
                      struct mcpz_bytes sealed)
{
    memcpy(saving->key_id, sealed.data, sizeof(saving->key_id));
    saving->generation =
        self->generation > saving->generation ? self->generation : saving->generation;
    saving->incarnation =
        self->incarnation > saving->incarnation ? self->incarnation : saving->incarnation;
    if (self->certificate.length <= sizeof(saving->certificate)) {
        saving->known = *self;
        memcpy(saving->certificate, self->certificate.data, self->certificate.length);
        saving->known.certificate = mcpz_bytes(saving->certificate, self->certificate.length);
        saving->salvaged->has_self = true;
    }
}

/* Whom we have met, and can dial. */
static bool is_to_ask(const struct mcpz_record *record)
{
    return record->kind == MCPZ_RECORD_PEER && record->peer.address.length > 0;
}

static void note_writer(struct saving *saving, const struct mcpz_actor *actor)
{
    if (mcpz_id_equal(&actor->node, &saving->self) && actor->generation > saving->generation) {
        saving->generation = actor->generation;
    }
}

/* What the trees lead to. */
static mcpz_error save_record(void *context, struct mcpz_bytes key, struct mcpz_bytes value)
{
    struct saving *saving = context;
    struct mcpz_record record;

    if (mcpz_record_opener_open(&saving->opener, key, value, &record) != MCPZ_OK) {
        return MCPZ_ECORRUPT;
    }
    switch (record.kind) {
    case MCPZ_RECORD_DOCUMENT:
    case MCPZ_RECORD_ENTRY:
    case MCPZ_RECORD_CHECKPOINT:
    case MCPZ_RECORD_FLOOR:
    case MCPZ_RECORD_BASE:
    case MCPZ_RECORD_STABLE:
    case MCPZ_RECORD_CHANGE:
    case MCPZ_RECORD_CHANGES:
    case MCPZ_RECORD_CURSOR:
    case MCPZ_RECORD_BLOB_DOCUMENT:
    case MCPZ_RECORD_HORIZON:
    case MCPZ_RECORD_TRACKER:
    case MCPZ_RECORD_SETTLED:
    case MCPZ_RECORD_HINT:
        break; /* they say what is here, and it is not any more */
    case MCPZ_RECORD_DELTA:
        note_writer(saving, &record.delta.delta.actor);
        break;
    case MCPZ_RECORD_SELF:
        note_self(saving, &record.self, value);
        break;
    default: /* each stands for itself */
        saving->salvaged->peers += is_to_ask(&record) ? 1 : 0;
        put(saving, key, value);
        break;
    }
    return MCPZ_OK;
}

/* What the trees lead to is newer. */
static void put_missing(struct saving *saving, struct mcpz_bytes key, struct mcpz_bytes value)
{
    struct mcpz_bytes known;

    if (saving->kv.get(saving->kv.context, key, &known) == MCPZ_ENOTFOUND) {
        put(saving, key, value);
    }
}

/* What lies about: only what never changes, and who we are if nothing else says so. */
static mcpz_error save_loose(void *context, struct mcpz_bytes key, struct mcpz_bytes value)
{
    struct saving *saving = context;
    struct mcpz_record record;

    if (mcpz_record_opener_open(&saving->opener, key, value, &record) != MCPZ_OK) {
        return MCPZ_ECORRUPT;
    }
    if (record.kind == MCPZ_RECORD_DELTA) {
        note_writer(saving, &record.delta.delta.actor);
    } else if (record.kind == MCPZ_RECORD_SELF) {
        note_self(saving, &record.self, value);
    } else if (record.kind == MCPZ_RECORD_BATCH || record.kind == MCPZ_RECORD_AUTHOR) {
        put_missing(saving, key, value);
    } else if (is_to_ask(&record) && saving->salvaged->peers == 0) {
        saving->salvaged->peers++; /* one to ask is enough, and may have moved */
        put(saving, key, value);
    }
    return MCPZ_OK;
}

static void put_self(struct saving *saving)
{
    uint8_t plain[MCPZ_CERTIFICATE_BYTES_MAX + 128];
    uint8_t sealed[sizeof(plain) + MCPZ_RECORD_SEAL_BYTES];
    struct mcpz_record record = {.kind = MCPZ_RECORD_SELF, .self = saving->known};
    const struct mcpz_tenant_key *key = NULL;
    struct mcpz_key place;
    size_t length = 0;

    record.self.generation = saving->generation;
    record.self.incarnation = saving->incarnation;
    mcpz_schema_key(&record, &place);
    if (mcpz_record_encode(&record, plain, sizeof(plain), &length) != MCPZ_OK ||
        mcpz_keyring_find_by_id(saving->opener.keyring, saving->key_id, &key) != MCPZ_OK) {
        return;
    }
    const struct mcpz_bytes at = mcpz_bytes(place.bytes, place.length);
    mcpz_tenant_key_seal_record(key, at, mcpz_bytes(plain, length), sealed);
    put(saving, at, mcpz_bytes(sealed, length + MCPZ_RECORD_SEAL_BYTES));
}

static void save(struct saving *saving, const struct source *source)
{
    const struct mcpz_pages pages = mcpz_pages_of_file(&source->part);
    const struct mcpz_check_visitor found = {.context = saving, .record = save_record};
    const struct mcpz_check_visitor loose = {.context = saving, .record = save_loose};
    struct mcpz_check_report report = {0};

    mcpz_check_salvage(&pages, &found, &loose, &report);
    saving->salvaged->damaged = report.damaged;
    if (saving->salvaged->has_self) {
        put_self(saving);
    }
    flush(saving);
}

static mcpz_error make_store(struct saving *saving, const char *to,
                             struct mcpz_lmdb_trouble *trouble)
{
    const struct mcpz_lmdb_config config = {.directory = to,
                                            .map_bytes = MAP_BYTES,
                                            .map_bytes_max = MAP_BYTES_MAX,
                                            .notify = on_notify,
                                            .notify_context = saving};

    (void)sem_init(&saving->news, 0, 0);
    return mcpz_lmdb_open(&config, &saving->lmdb, &saving->kv, trouble);
}

mcpz_error mcpz_salvage_store(const char *from, const char *to, const struct mcpz_salvage_as *as,
                              struct mcpz_salvaged *salvaged, struct mcpz_lmdb_trouble *trouble)
{
    struct saving *saving = calloc(1, sizeof(*saving));
    char stamp[PATH_MAX];
    struct source source;

    *salvaged = (struct mcpz_salvaged){0};
    trouble->text[0] = '\0';
    mcpz_error error = saving != NULL ? open_source(from, &source) : MCPZ_ENOMEM;
    if (error != MCPZ_OK) {
        (void)snprintf(trouble->text, sizeof(trouble->text), "nothing can be read of %.300s",
                       from);
        free(saving);
        return error;
    }
    saving->self = as->self;
    saving->salvaged = salvaged;
    error = mcpz_record_opener_init(&saving->opener, as->keyring);
    if (error == MCPZ_OK) {
        error = make_store(saving, to, trouble);
    }
    if (error == MCPZ_OK) {
        save(saving, &source);
        error = saving->error;
        mcpz_lmdb_close(saving->lmdb);
        (void)snprintf(stamp, sizeof(stamp), "%s/" MCPZ_STAMP_FILE, to);
        (void)unlink(stamp); /* it is no store that anybody wrote to */
        if (error != MCPZ_OK) {
            (void)snprintf(trouble->text, sizeof(trouble->text), "cannot write %.300s: %s", to,
                           mcpz_strerror(error));
        }
    }
    mcpz_record_opener_finish(&saving->opener);
    (void)close(source.file);
    free(saving);
    return error;
}

/* ---- Agents ------------------------------------------------------------------------------- */

#define TAIL_BYTES 16
#define CANDIDATES_MAX 8 /* of one piece of a base, of one floor */
#define TRIES_MAX 64     /* to put a base together */
#define PIECES_MAX (MCPZ_BASE_BYTES_MAX / MCPZ_BASE_PIECE_BYTES)

/* What there is of a document, in this order. */
enum rank { RANK_FLOOR, RANK_BASE, RANK_DELTA, RANK_NONE };

static enum rank rank_of(uint8_t kind)
{
    switch (kind) {
    case MCPZ_RECORD_FLOOR:
        return RANK_FLOOR;
    case MCPZ_RECORD_BASE:
        return RANK_BASE;
    case MCPZ_RECORD_DELTA:
        return RANK_DELTA;
    default:
        return RANK_NONE;
    }
}

/* Where one lies in the file beside, and what it is sorted by. */
struct found {
    struct mcpz_id document;
    enum rank rank;
    uint64_t hlc; /* of a delta */
    struct mcpz_actor actor;
    uint64_t seq;             /* of a piece of a base: its index */
    uint8_t tail[TAIL_BYTES]; /* of its key: two branches differ there */
    uint64_t offset;
    uint16_t key_length;
    uint32_t value_length;
};

struct gathering {
    struct mcpz_record_opener opener;
    int file;
    uint64_t end;
    struct found *found;
    size_t count;
    size_t capacity;
    mcpz_error error;
};

static mcpz_error append(struct gathering *gathering, struct mcpz_bytes bytes)
{
    for (size_t done = 0; done < bytes.length;) {
        ssize_t more =
            pwrite(gathering->file, bytes.data + done, bytes.length - done, (off_t)gathering->end);
        if (more < 0 && errno != EINTR) {
            return mcpz_directory_error(errno);
        }
        done += more > 0 ? (size_t)more : 0;
        gathering->end += more > 0 ? (uint64_t)more : 0;
    }
    return MCPZ_OK;
}

static struct found *grow(struct gathering *gathering)
{
    if (gathering->count == gathering->capacity) {
        const size_t capacity = gathering->capacity == 0 ? 1024 : 2 * gathering->capacity;
        struct found *grown = realloc(gathering->found, capacity * sizeof(*grown));
        if (grown == NULL) {
            return NULL;
        }
        gathering->found = grown;
        gathering->capacity = capacity;
    }
    return &gathering->found[gathering->count];
}

static void describe(const struct mcpz_record *record, enum rank rank, struct found *found)
{
    const struct mcpz_delta *delta = &record->delta.delta;

    found->rank = rank;
    if (rank == RANK_FLOOR) {
        found->document = record->floor.document;
    } else if (rank == RANK_BASE) {
        found->document = record->base.document;
        found->seq = record->base.index;
    } else {
        found->document = delta->document;
        found->hlc = delta->hlc;
        found->actor = delta->actor;
        found->seq = delta->seq;
    }
}

static mcpz_error gather(void *context, struct mcpz_bytes key, struct mcpz_bytes value)
{
    struct gathering *gathering = context;
    struct mcpz_record record;
    const enum rank rank = key.length >= TAIL_BYTES ? rank_of(key.data[0]) : RANK_NONE;

    if (gathering->error != MCPZ_OK || rank == RANK_NONE ||
        mcpz_record_opener_open(&gathering->opener, key, value, &record) != MCPZ_OK) {
        return MCPZ_OK;
    }
    struct found *found = grow(gathering);
    if (found == NULL) {
        gathering->error = MCPZ_ENOMEM;
        return MCPZ_OK;
    }
    *found = (struct found){.offset = gathering->end,
                            .key_length = (uint16_t)key.length,
                            .value_length = (uint32_t)value.length};
    describe(&record, rank, found);
    memcpy(found->tail, key.data + key.length - TAIL_BYTES, TAIL_BYTES);
    gathering->error = append(gathering, key);
    if (gathering->error == MCPZ_OK) {
        gathering->error = append(gathering, value);
    }
    gathering->count += gathering->error == MCPZ_OK ? 1 : 0;
    return MCPZ_OK;
}

/* Stamps grow along causality: their order is a causal one. */
static int compare_names(const struct found *left, const struct found *right)
{
    int order = mcpz_id_compare(&left->document, &right->document);

    if (order == 0) {
        order = (left->rank > right->rank) - (left->rank < right->rank);
    }
    if (order == 0) {
        order = (left->hlc > right->hlc) - (left->hlc < right->hlc);
    }
    if (order == 0) {
        order = mcpz_actor_compare(&left->actor, &right->actor);
    }
    if (order == 0) {
        order = (left->seq > right->seq) - (left->seq < right->seq);
    }
    return order != 0 ? order : memcmp(left->tail, right->tail, TAIL_BYTES);
}

/* Of one name what the trees lead to comes first, as it was found first. */
static int compare(const void *a, const void *b)
{
    const struct found *left = a;
    const struct found *right = b;
    const int order = compare_names(left, right);

    return order != 0 ? order : (left->offset > right->offset) - (left->offset < right->offset);
}

/* Whoever looks at what was gathered. */
struct showing {
    struct gathering *gathering;
    const struct mcpz_salvage_visitor *visitor;
    uint8_t *bytes; /* of one record, as it lies */
    uint8_t *base;
};

/* Read one again. `*record` lasts until the next one. */
static mcpz_error read_found(struct showing *showing, const struct found *found,
                             struct mcpz_record *record)
{
    struct gathering *gathering = showing->gathering;
    const size_t length = (size_t)found->key_length + found->value_length;

    mcpz_error error =
        mcpz_pages_read_file(gathering->file, found->offset, showing->bytes, length);
    if (error != MCPZ_OK) {
        return error;
    }
    return mcpz_record_opener_open(
        &gathering->opener, mcpz_bytes(showing->bytes, found->key_length),
        mcpz_bytes(showing->bytes + found->key_length, found->value_length), record);
}

/* What lies under one name, one after the other: of that, different contents. */
struct candidates {
    const struct found *of[CANDIDATES_MAX];
    size_t count;
};

/* Note it, unless the same is there already. */
static mcpz_error add_candidate(struct showing *showing, struct candidates *candidates,
                                const struct found *found)
{
    const size_t length = (size_t)found->key_length + found->value_length;
    uint8_t *other = showing->base; /* not in use yet; holds any record */
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < candidates->count && error == MCPZ_OK; i++) {
        const struct found *known = candidates->of[i];
        if (known->value_length != found->value_length) {
            continue;
        }
        error = mcpz_pages_read_file(showing->gathering->file, known->offset, other, length);
        if (error == MCPZ_OK) {
            error = mcpz_pages_read_file(showing->gathering->file, found->offset, showing->bytes,
                                         length);
        }
        if (error == MCPZ_OK && memcmp(other, showing->bytes, length) == 0) {
            return MCPZ_OK;
        }
    }
    if (error == MCPZ_OK && candidates->count < CANDIDATES_MAX) {
        candidates->of[candidates->count++] = found;
    }
    return error;
}

/* Put a base together of one candidate a piece, as number `try` of all choices says. Whether it is
 * what `floor` says is for the caller to see. */
static mcpz_error put_together(struct showing *showing, const struct candidates *pieces,
                               size_t count, size_t try, size_t *length)
{
    *length = 0;
    for (size_t i = 0; i < count; i++) {
        struct mcpz_record record;
        mcpz_error error = read_found(showing, pieces[i].of[try % pieces[i].count], &record);
        if (error != MCPZ_OK) {
            return error;
        }
        if (record.base.bytes.length > MCPZ_BASE_BYTES_MAX - *length) {
            return MCPZ_ECORRUPT;
        }
        memcpy(showing->base + *length, record.base.bytes.data, record.base.bytes.length);
        *length += record.base.bytes.length;
        try /= pieces[i].count;
    }
    return MCPZ_OK;
}

/*
 * Show the base that a floor names, if its pieces are here: those of another floor of the document
 * may lie about beside them.
 *
 * Errors: MCPZ_ENOTFOUND  they are not; those of the visitor, MCPZ_EIO
 */
static mcpz_error show_base(struct showing *showing, const struct found *floor,
                            const struct candidates *pieces)
{
    struct mcpz_record record;
    struct mcpz_id digest;
    size_t choices = 1;
    size_t length;

    mcpz_error error = read_found(showing, floor, &record);
    if (error != MCPZ_OK || record.floor.byte_count > MCPZ_BASE_BYTES_MAX) {
        return error != MCPZ_OK ? error : MCPZ_ENOTFOUND;
    }
    const struct mcpz_id root = record.floor.agreed.root;
    const uint64_t byte_count = record.floor.byte_count;
    const size_t count =
        (size_t)((byte_count + MCPZ_BASE_PIECE_BYTES - 1) / MCPZ_BASE_PIECE_BYTES);
    for (size_t i = 0; i < count && choices < TRIES_MAX; i++) {
        choices *= pieces[i].count; /* 0: one is missing */
    }
    for (size_t try = 0; try < choices && try < TRIES_MAX; try++) {
        error = put_together(showing, pieces, count, try, &length);
        if (error != MCPZ_OK && error != MCPZ_ECORRUPT) {
            return error;
        }
        mcpz_digest(MCPZ_DIGEST_ROOT, mcpz_bytes(showing->base, length), digest.bytes);
        if (error == MCPZ_OK && length == byte_count && mcpz_id_equal(&digest, &root)) {
            error = read_found(showing, floor, &record);
            return error != MCPZ_OK
                       ? error
                       : showing->visitor->base(showing->visitor->context, &record.floor,
                                                mcpz_bytes(showing->base, length));
        }
    }
    return MCPZ_ENOTFOUND;
}

/* Show what a document was folded to: `count` rows, its floors and pieces of bases. */
static mcpz_error show_folded(struct showing *showing, const struct found *rows, size_t count)
{
    struct candidates floors = {.count = 0};
    struct candidates *pieces = calloc(PIECES_MAX, sizeof(*pieces));
    mcpz_error error = pieces != NULL ? MCPZ_OK : MCPZ_ENOMEM;

    for (size_t i = 0; i < count && error == MCPZ_OK; i++) {
        if (rows[i].rank == RANK_FLOOR) {
            error = add_candidate(showing, &floors, &rows[i]);
        } else if (rows[i].seq < PIECES_MAX) {
            error = add_candidate(showing, &pieces[rows[i].seq], &rows[i]);
        }
    }
    for (size_t i = 0; i < floors.count && error == MCPZ_OK; i++) {
        error = show_base(showing, floors.of[i], pieces);
        if (error == MCPZ_OK) {
            break;
        }
        error = error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
    }
    free(pieces);
    return error;
}

static mcpz_error show_delta(struct showing *showing, const struct found *found)
{
    struct mcpz_record record;
    mcpz_error error = read_found(showing, found, &record);

    return error != MCPZ_OK ? error : showing->visitor->delta(showing->visitor->context, &record);
}

/* How many of `rows` are floors and bases of the document of the first. */
static size_t count_folded(const struct found *rows, size_t count)
{
    size_t folded = 0;

    while (folded < count && rows[folded].rank != RANK_DELTA &&
           mcpz_id_equal(&rows[folded].document, &rows[0].document)) {
        folded++;
    }
    return folded;
}

static mcpz_error show_all(struct showing *showing)
{
    const struct gathering *gathering = showing->gathering;
    mcpz_error error = MCPZ_OK;
    size_t i = 0;

    while (i < gathering->count && error == MCPZ_OK) {
        const struct found *found = &gathering->found[i];
        const size_t folded = count_folded(found, gathering->count - i);
        if (folded > 0) {
            error = show_folded(showing, found, folded);
            i += folded;
            continue;
        }
        if (i == 0 || compare_names(found - 1, found) != 0) { /* it lies in several places */
            error = show_delta(showing, found);
        }
        i++;
    }
    return error;
}

static mcpz_error show(struct gathering *gathering, const struct mcpz_salvage_visitor *visitor)
{
    struct showing showing = {
        .gathering = gathering,
        .visitor = visitor,
        .bytes = malloc(MCPZ_KEY_BYTES_MAX + MCPZ_STORED_BYTES_MAX),
        .base = malloc(MCPZ_BASE_BYTES_MAX),
    };
    mcpz_error error = MCPZ_ENOMEM;

    if (gathering->count > 0) {
        qsort(gathering->found, gathering->count, sizeof(*gathering->found), compare);
    }
    if (showing.bytes != NULL && showing.base != NULL) {
        error = show_all(&showing);
    }
    free(showing.bytes);
    free(showing.base);
    return error;
}

mcpz_error mcpz_salvage_agents(const char *from, const char *temporary,
                               struct mcpz_keyring *keyring,
                               const struct mcpz_salvage_visitor *visitor)
{
    struct gathering gathering = {.file = -1};
    struct source source;
    struct mcpz_check_report report = {0};

    mcpz_error error = open_source(from, &source);
    if (error != MCPZ_OK) {
        return error;
    }
    error = mcpz_record_opener_init(&gathering.opener, keyring);
    if (error != MCPZ_OK) {
        mcpz_record_opener_finish(&gathering.opener);
        (void)close(source.file);
        return error;
    }
    gathering.file = open(temporary, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (gathering.file < 0) {
        error = mcpz_directory_error(errno);
    } else {
        const struct mcpz_pages pages = mcpz_pages_of_file(&source.part);
        const struct mcpz_check_visitor all = {.context = &gathering, .record = gather};
        mcpz_check_salvage(&pages, &all, &all, &report);
        error = gathering.error == MCPZ_OK ? show(&gathering, visitor) : gathering.error;
        (void)close(gathering.file);
    }
    free(gathering.found);
    mcpz_record_opener_finish(&gathering.opener);
    (void)close(source.file);
    return error;
}
