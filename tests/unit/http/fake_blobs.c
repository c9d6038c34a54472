#include "fake_blobs.h"

#include "wire/value.h"

#define JOBS_MAX 64

struct fake_blob fake_blob_rows[FAKE_BLOBS_MAX];
size_t fake_blob_count;
bool fake_blobs_are_full;
bool fake_blobs_are_busy;
const char *fake_content;
struct fake_upload fake_upload;
const struct mcpz_bytes fake_chunk = {(const uint8_t *)"chunk", 5};
const struct mcpz_bytes fake_rubbish = {(const uint8_t *)"rubbish", 7};

static struct mcpz_blob_job *jobs[JOBS_MAX];
static size_t job_count;

struct fake_blob *fake_blob_find(const struct mcpz_id *root)
{
    for (size_t i = 0; i < fake_blob_count; i++) {
        if (mcpz_id_equal(&fake_blob_rows[i].root, root)) {
            return &fake_blob_rows[i];
        }
    }
    return NULL;
}

struct fake_blob *fake_blob_add(const struct mcpz_id *root, struct mcpz_blob_state state)
{
    CHECK(fake_blob_count < FAKE_BLOBS_MAX);
    struct fake_blob *blob = &fake_blob_rows[fake_blob_count++];
    *blob = (struct fake_blob){.root = *root,
                               .state = state,
                               .lacks = state.is_whole ? 0 : 2,
                               .row = {.size = 700,
                                       .chunks = 2,
                                       .made_ms = 5,
                                       .tenant = {'a', 'c', 'm', 'e'},
                                       .tenant_length = 4}};
    return blob;
}

/* ---- Jobs ----------------------------------------------------------------------------------- */

static bool is_of_use(const struct mcpz_blob_job *job)
{
    return job->lack.count > 0 &&
           mcpz_bytes_equal(mcpz_bytes(job->bytes, job->length), fake_chunk);
}

/* A chunk of `root` is lacking: its list, if nothing is known of it. */
static void lack(struct mcpz_blob_job *job, const struct mcpz_id *root,
                 const struct fake_blob *blob)
{
    struct mcpz_id *id = &job->lack.ids[job->lack.count++];

    *id = *root;
    if (blob != NULL) {
        id->bytes[31] = (uint8_t)blob->lacks;
    }
}

/* Was the chunk that it lacks asked for? */
static bool is_asked_for(const struct mcpz_blob_lack *asked, const struct fake_blob *blob)
{
    struct mcpz_blob_job job = {.lack = {.count = 0}};

    lack(&job, &blob->root, blob);
    for (size_t i = 0; i < asked->count; i++) {
        if (mcpz_id_equal(&asked->ids[i], &job.lack.ids[0])) {
            return true;
        }
    }
    return false;
}

/* What has come, if it is of use, is one chunk for each that was asked for. */
static void take(struct mcpz_blob_job *job)
{
    const struct mcpz_blob_lack asked = job->lack;
    const bool is_good = is_of_use(job);

    job->length = 0;
    job->lack.count = 0;
    CHECK(job->taking_count > 0 && job->taking_count <= MCPZ_BLOB_TAKE_MAX);
    for (size_t i = 0; i < job->taking_count; i++) {
        struct mcpz_blob_taking *taking = &job->takings[i];
        struct fake_blob *blob = fake_blob_find(&taking->id);
        if (blob == NULL) {
            blob = fake_blob_add(&taking->id, (struct mcpz_blob_state){.is_copy = true});
        }
        if (blob->is_odd) {
            taking->error = MCPZ_ECORRUPT;
            continue;
        }
        const bool has_come = is_good && blob->lacks > 0 && is_asked_for(&asked, blob);
        blob->lacks -= has_come ? 1 : 0;
        blob->state.is_copy = true;
        blob->state.is_whole = blob->lacks == 0;
        job->length += has_come ? 1 : 0;
        taking->offset += has_come ? 350 : 0;
        taking->is_whole = blob->state.is_whole;
        if (blob->lacks > 0) {
            lack(job, &blob->root, blob);
        }
    }
}

/* What is not here has no row. */
static void look(struct mcpz_blob_job *job)
{
    for (size_t i = 0; i < job->row_count; i++) {
        const struct fake_blob *blob = fake_blob_find(&job->rows[i].id);
        if (blob != NULL) {
            job->rows[i].row = blob->row;
            job->rows[i].state = blob->state;
        }
    }
}

/* What turns out to be damaged is whole no more. */
static void read_blob(struct mcpz_blob_job *job, struct fake_blob *blob)
{
    const size_t there = blob != NULL ? 2 - blob->lacks + blob->lent : 0;

    if (there < 2) {
        job->error = MCPZ_ENOTFOUND;
        job->lack.count = 0;
        lack(job, &job->id, blob);
        if (blob != NULL) {
            blob->state.is_whole = false;
        }
        return;
    }
    const size_t all = strlen(fake_content);
    const size_t left = job->offset < all ? all - (size_t)job->offset : 0;
    job->row = blob->row;
    job->length = left < job->length ? left : job->length;
    job->bytes = malloc(job->length + 1);
    CHECK(job->bytes != NULL);
    memcpy(job->bytes, fake_content + all - left, job->length);
}

static void add_to_upload(struct mcpz_blob_job *job)
{
    if (!fake_upload.is_open || job->upload != fake_upload.begun) {
        job->error = MCPZ_ENOTFOUND;
    } else if (fake_blobs_are_full) {
        fake_upload.is_open = false; /* what was written of it goes */
        job->error = MCPZ_ENOSPACE;
    } else {
        CHECK_UINT(job->offset, fake_upload.length);
        CHECK(fake_upload.length + job->length <= sizeof(fake_upload.bytes));
        memcpy(fake_upload.bytes + fake_upload.length, job->bytes, job->length);
        fake_upload.length += job->length;
        job->offset = fake_upload.length;
    }
}

static void finish_upload(struct mcpz_blob_job *job)
{
    if (!fake_upload.is_open || job->upload != fake_upload.begun) {
        job->error = MCPZ_ENOTFOUND;
        return;
    }
    fake_upload.is_open = false;
    job->id = fake_upload.id;
    const bool is_brief = job->holder != NULL && strcmp(job->holder, MCPZ_BLOB_BRIEF_HOLDER) == 0;
    struct fake_blob *blob = fake_blob_add(
        &job->id,
        (struct mcpz_blob_state){.is_whole = true, .is_put = !is_brief, .is_brief = is_brief});
    blob->row.size = fake_upload.length;
    job->row = blob->row;
}

static void lend(struct mcpz_blob_job *job, const struct mcpz_id *root)
{
    struct fake_blob *blob = fake_blob_find(root);

    if (blob == NULL) {
        blob = fake_blob_add(root, (struct mcpz_blob_state){.is_whole = false});
    }
    const bool has_come = is_of_use(job);
    blob->lent += has_come ? 1 : 0;
    job->length = has_come ? 1 : 0;
}

static void list(struct mcpz_blob_job *job)
{
    job->rows = calloc(MCPZ_BLOB_LIST_MAX, sizeof(job->rows[0]));
    CHECK(job->rows != NULL);
    for (size_t i = 0; i < fake_blob_count; i++) {
        const struct fake_blob *blob = &fake_blob_rows[i];
        if (mcpz_id_compare(&blob->root, &job->id) > 0) {
            job->rows[job->row_count++] = (struct mcpz_blob_listed){
                .id = blob->root, .row = blob->row, .state = blob->state};
        }
    }
}

static void hold(struct mcpz_blob_job *job, struct fake_blob *blob, bool holds)
{
    if (blob == NULL) {
        job->error = MCPZ_ENOTFOUND;
    } else if (fake_blobs_are_full) {
        job->error = MCPZ_ENOSPACE;
    } else if (strcmp(job->holder, MCPZ_BLOB_COPY_HOLDER) == 0) {
        blob->state.is_copy = holds;
    } else if (strcmp(job->holder, MCPZ_BLOB_BRIEF_HOLDER) == 0) {
        blob->state.is_brief = holds;
    } else {
        blob->state.is_put = holds;
    }
}

static void keep(struct mcpz_blob_job *job, struct fake_blob *blob)
{
    const bool is_brief = strcmp(job->holder, MCPZ_BLOB_BRIEF_HOLDER) == 0;

    if (blob == NULL || !(is_brief ? blob->state.is_brief : blob->state.is_put)) {
        job->error = MCPZ_ENOTFOUND;
        return;
    }
    hold(job, blob, false);
    blob->state.is_copy |= job->error == MCPZ_OK;
}

static void do_job(struct mcpz_blob_job *job)
{
    struct fake_blob *blob = fake_blob_find(&job->id);

    job->error = MCPZ_OK;
    switch (job->ask) {
    case MCPZ_BLOB_LOOK:
        if (job->rows != NULL) {
            look(job);
            break;
        }
        job->error = blob != NULL ? MCPZ_OK : MCPZ_ENOTFOUND;
        job->row = blob != NULL ? blob->row : job->row;
        job->state = blob != NULL ? blob->state : job->state;
        break;
    case MCPZ_BLOB_LIST:
        list(job);
        break;
    case MCPZ_BLOB_HOLD:
        hold(job, blob, true);
        job->state = blob != NULL ? blob->state : job->state;
        break;
    case MCPZ_BLOB_DROP:
        hold(job, blob, false);
        break;
    case MCPZ_BLOB_KEEP:
        keep(job, blob);
        break;
    case MCPZ_BLOB_TAKE:
        if (fake_blobs_are_full) {
            job->error = MCPZ_ENOSPACE;
        } else {
            take(job);
        }
        break;
    case MCPZ_BLOB_READ:
        read_blob(job, blob);
        break;
    case MCPZ_BLOB_LEND:
        lend(job, &job->id);
        break;
    case MCPZ_BLOB_BEGIN:
        fake_upload.length = 0;
        fake_upload.is_open = true;
        job->upload = ++fake_upload.begun;
        break;
    case MCPZ_BLOB_ADD:
        add_to_upload(job);
        break;
    case MCPZ_BLOB_FINISH:
        finish_upload(job);
        break;
    case MCPZ_BLOB_ERRAND:
        job->run(job);
        break;
    default:
        fail_msg("job %d is none that is done here", (int)job->ask);
    }
}

static bool submit(void *context, struct mcpz_blob_job *job)
{
    (void)context;
    if (fake_blobs_are_busy) {
        return false;
    }
    CHECK(job_count < JOBS_MAX);
    jobs[job_count++] = job;
    return true;
}

static struct mcpz_blob_totals totals(void *context)
{
    (void)context;
    return (struct mcpz_blob_totals){.blobs = fake_blob_count, .bytes = 700 * fake_blob_count};
}

/* ---- Around them ---------------------------------------------------------------------------- */

void fake_blobs_turn(void)
{
    world.deferred = true;
    fake_turn();
    while (job_count > 0) {
        struct mcpz_blob_job *job = jobs[0];
        job_count--;
        for (size_t i = 0; i < job_count; i++) {
            jobs[i] = jobs[i + 1];
        }
        do_job(job);
        job->done(job);
        fake_turn();
    }
}

void fake_blobs_tick(mcpz_time us)
{
    fake_tick(us);
    fake_blobs_turn();
}

void fake_blobs_begin(void)
{
    static const struct mcpz_blob_port port = {.submit = submit, .totals = totals};

    fake_blobs = &port;
    fake_blob_count = 0;
    fake_blobs_are_full = false;
    fake_blobs_are_busy = false;
    fake_content = "what it says";
    fake_upload = (struct fake_upload){.length = 0};
    fake_fellows_begin();
    fake_begin();
    world.now_us = MCPZ_SECONDS(10); /* a second's worth may be copied */
    (void)fake_member('b', "B");
    (void)fake_member('c', "C");
    (void)fake_member('d', "D");
}

void fake_blobs_end(void)
{
    mcpz_blob_keeper_finish(world.api);
    fake_blobs_turn();
    fake_end();
    fake_fellows_end();
    fake_blobs = NULL;
}

struct mcpz_blob_about fake_blob_about(uint8_t number)
{
    return (struct mcpz_blob_about){
        .root = {{number, 1}}, .tenant = "acme", .size = 700, .chunks = 2, .made_ms = 5};
}

/* ---- What is known of them ------------------------------------------------------------------ */

static uint64_t seq;

static void put_entry(const struct mcpz_id *document, const char *key, enum mcpz_entry_type type,
                      struct mcpz_bytes value)
{
    uint8_t path[64];
    struct mcpz_value_writer writer = mcpz_value_writer(path, sizeof(path));
    struct mcpz_record record = {.kind = MCPZ_RECORD_ENTRY,
                                 .entry = {.document = *document,
                                           .type = type,
                                           .dot = {.actor = {{{1}}, 1}, .seq = ++seq},
                                           .hlc = 5,
                                           .value = value}};

    mcpz_value_array(&writer, 1);
    mcpz_value_text(&writer, mcpz_text(key));
    record.entry.path = mcpz_bytes(path, writer.length);
    world.engine.store.put(world.engine.store.context, &record);
}

static void put_document(const struct mcpz_id *document, const char *name)
{
    const struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT,
                                       .document = {.id = *document, .name = mcpz_text(name)}};

    world.engine.store.put(world.engine.store.context, &record);
}

void fake_blob_book(const struct mcpz_blob_about *about, const char *const *refs)
{
    char name[MCPZ_ID_TEXT_BYTES];
    uint8_t buffer[256];
    struct mcpz_record listed = {.kind = MCPZ_RECORD_BLOB_DOCUMENT};
    struct mcpz_id *document = &listed.blob_document.document;

    mcpz_id_to_text(&about->root, 'b', name);
    mcpz_blob_book_id(&about->root, document);
    put_document(document, name);
    world.engine.store.put(world.engine.store.context, &listed);
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, sizeof(buffer));
    mcpz_value_array(&writer, 4);
    mcpz_value_text(&writer, mcpz_text(about->tenant));
    mcpz_value_uint(&writer, about->size);
    mcpz_value_uint(&writer, about->chunks);
    mcpz_value_uint(&writer, about->made_ms);
    put_entry(document, "about", MCPZ_ENTRY_SET, mcpz_bytes(buffer, writer.length));
    for (; *refs != NULL; refs++) {
        writer = mcpz_value_writer(buffer, sizeof(buffer));
        mcpz_value_text(&writer, mcpz_text(*refs));
        put_entry(document, "refs", MCPZ_ENTRY_SET, mcpz_bytes(buffer, writer.length));
    }
}

void fake_blob_unbook(const struct mcpz_blob_about *about)
{
    const struct mcpz_store *store = &world.engine.store;
    uint8_t path[64];
    struct mcpz_value_writer writer = mcpz_value_writer(path, sizeof(path));
    struct mcpz_record record = {.kind = MCPZ_RECORD_ENTRY};

    mcpz_value_array(&writer, 1);
    mcpz_value_text(&writer, mcpz_text("refs"));
    mcpz_blob_book_id(&about->root, &record.entry.document);
    const struct mcpz_bytes refs = mcpz_bytes(path, writer.length);
    record.entry.path = refs;
    while (store->next(store->context, MCPZ_SCAN_DOCUMENT, true, &record) == MCPZ_OK &&
           mcpz_bytes_equal(record.entry.path, refs)) {
        store->remove(store->context, &record);
    }
}

/* The document says so at `key`; what it is called otherwise is as of `about`. */
static void put_name(const struct mcpz_id *document, const char *key, enum mcpz_entry_type type,
                     const struct mcpz_blob_about *about, const struct mcpz_id *root)
{
    uint8_t buffer[256];
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, sizeof(buffer));
    const struct mcpz_blob_ref ref = {
        .root = *root, .size = about->size, .tenant = mcpz_text(about->tenant)};

    mcpz_value_blob(&writer, &ref);
    put_entry(document, key, type, mcpz_bytes(buffer, writer.length));
}

void fake_blob_alias(const struct mcpz_blob_about *about, const struct mcpz_id *stands_for,
                     const char *const *refs)
{
    struct mcpz_id document;

    fake_blob_book(about, refs);
    mcpz_blob_book_id(&about->root, &document);
    put_name(&document, "as", MCPZ_ENTRY_SET, about, stands_for);
}

void fake_blob_named(const struct mcpz_id *document, const struct mcpz_blob_about *about)
{
    put_document(document, "agent");
    put_name(document, "map", MCPZ_ENTRY_REGISTER, about, &about->root);
}

/* ---- What was said -------------------------------------------------------------------------- */

size_t fake_question(size_t from, char node, const char *end)
{
    for (size_t i = from; i < fake_ask_count; i++) {
        const size_t length = strlen(fake_asks[i].path);
        if ((node == 0 || fake_asks[i].node.bytes[0] == (uint8_t)node) && length >= strlen(end) &&
            strcmp(fake_asks[i].path + length - strlen(end), end) == 0) {
            return i;
        }
    }
    fail_msg("nobody was asked for %s", end);
    return 0;
}

size_t fake_writes(enum mcpz_agent_op op, const char *text)
{
    uint8_t buffer[256];
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, sizeof(buffer));
    size_t count = 0;

    mcpz_value_text(&writer, mcpz_text(text));
    for (size_t i = 0; i < world.engine.event_count; i++) {
        const struct mcpz_event *event = &world.engine.events[i];
        count += event->kind == MCPZ_EVENT_AGENT_WRITE && event->agent.op == op &&
                         mcpz_bytes_equal(event->agent.value, mcpz_bytes(buffer, writer.length))
                     ? 1
                     : 0;
    }
    return count;
}
