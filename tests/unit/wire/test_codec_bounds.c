/* Messages at the edges of their bounds: one below, at it, one above. */

#include "codec_world.h"
#include "proto/cert.h"
#include "raw.h"

static struct mcpz_value_writer start(uint32_t kind, uint32_t field_count)
{
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, sizeof(buffer));
    mcpz_value_array(&writer, 1 + field_count);
    mcpz_value_uint(&writer, kind);
    return writer;
}

static mcpz_error decode_written(const struct mcpz_value_writer *writer)
{
    CHECK_UINT(writer->error, MCPZ_OK);
    return decode(mcpz_bytes(writer->buffer, writer->length));
}

static mcpz_error decode_data(size_t chunk_bytes)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_DATA, 3);
    mcpz_value_uint(&writer, 1);
    mcpz_value_bool(&writer, true);
    mcpz_value_bin(&writer, mcpz_bytes(zeros, chunk_bytes));
    return decode_written(&writer);
}

static mcpz_error decode_join(size_t id_bytes, size_t proof_bytes)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_JOIN, 2);
    mcpz_value_bin(&writer, mcpz_bytes(zeros, id_bytes));
    mcpz_value_bin(&writer, mcpz_bytes(zeros, proof_bytes));
    return decode_written(&writer);
}

static mcpz_error decode_refuse(size_t text_bytes)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_REFUSE, 2);
    mcpz_value_uint(&writer, 1);
    mcpz_value_text(&writer, mcpz_bytes(zeros, text_bytes));
    return decode_written(&writer);
}

TEST(chunks_have_one_byte_to_the_limit)
{
    CHECK_UINT(decode_data(0), MCPZ_EPROTO);
    CHECK_UINT(decode_data(1), MCPZ_OK);
    CHECK_UINT(decode_data(MCPZ_CHUNK_BYTES_MAX - 1), MCPZ_OK);
    CHECK_UINT(decode_data(MCPZ_CHUNK_BYTES_MAX), MCPZ_OK);
    CHECK_UINT(decode_data(MCPZ_CHUNK_BYTES_MAX + 1), MCPZ_EPROTO);
}

TEST(token_ids_and_proofs_have_one_length)
{
    CHECK_UINT(decode_join(MCPZ_TOKEN_ID_BYTES, MCPZ_PROOF_BYTES), MCPZ_OK);
    CHECK_UINT(decode_join(MCPZ_TOKEN_ID_BYTES - 1, MCPZ_PROOF_BYTES), MCPZ_EPROTO);
    CHECK_UINT(decode_join(MCPZ_TOKEN_ID_BYTES + 1, MCPZ_PROOF_BYTES), MCPZ_EPROTO);
    CHECK_UINT(decode_join(MCPZ_TOKEN_ID_BYTES, MCPZ_PROOF_BYTES - 1), MCPZ_EPROTO);
    CHECK_UINT(decode_join(MCPZ_TOKEN_ID_BYTES, MCPZ_PROOF_BYTES + 1), MCPZ_EPROTO);
}

TEST(texts_end_at_their_limit)
{
    CHECK_UINT(decode_refuse(0), MCPZ_OK);
    CHECK_UINT(decode_refuse(MCPZ_MESSAGE_BYTES_MAX), MCPZ_OK);
    CHECK_UINT(decode_refuse(MCPZ_MESSAGE_BYTES_MAX + 1), MCPZ_EPROTO);
}

static mcpz_error decode_member(uint32_t state, size_t name_bytes, uint32_t role_count,
                                size_t signature_bytes)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_MEMBER, 9);
    mcpz_value_bin(&writer, mcpz_text(A32));
    mcpz_value_uint(&writer, 1);
    mcpz_value_uint(&writer, state);
    mcpz_value_text(&writer, mcpz_bytes(zeros, name_bytes));
    for (int i = 0; i < 3; i++) {
        mcpz_value_text(&writer, mcpz_text(""));
    }
    mcpz_value_array(&writer, role_count);
    for (uint32_t i = 0; i < role_count; i++) {
        mcpz_value_text(&writer, mcpz_bytes(zeros, name_bytes));
    }
    mcpz_value_bin(&writer, mcpz_bytes(zeros, signature_bytes));
    return decode_written(&writer);
}

TEST(members_have_known_states_and_bounded_names_roles_and_signatures)
{
    CHECK_UINT(decode_member(0, 1, 0, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_member(MCPZ_MEMBER_ALIVE, 1, 0, 0), MCPZ_OK);
    CHECK_UINT(decode_member(MCPZ_MEMBER_LEFT, 1, 0, 0), MCPZ_OK);
    CHECK_UINT(decode_member(MCPZ_MEMBER_STATE_END, 1, 0, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_member(1, MCPZ_NAME_BYTES_MAX, MCPZ_ROLES_MAX, 0), MCPZ_OK);
    CHECK_UINT(decode_member(1, MCPZ_NAME_BYTES_MAX + 1, 1, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_member(1, 1, MCPZ_ROLES_MAX + 1, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_member(1, 1, 0, MCPZ_SIGNATURE_BYTES), MCPZ_OK);
    CHECK_UINT(decode_member(1, 1, 0, MCPZ_SIGNATURE_BYTES + 1), MCPZ_EPROTO);
}

static mcpz_error decode_suspect(uint32_t reason)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_SUSPECT, 4);
    mcpz_value_bin(&writer, mcpz_text(A32));
    mcpz_value_uint(&writer, 1);
    mcpz_value_bin(&writer, mcpz_text(B32));
    mcpz_value_uint(&writer, reason);
    return decode_written(&writer);
}

TEST(suspicions_have_known_reasons)
{
    CHECK_UINT(decode_suspect(0), MCPZ_EPROTO);
    CHECK_UINT(decode_suspect(MCPZ_SUSPICION_LATE), MCPZ_OK);
    CHECK_UINT(decode_suspect(MCPZ_SUSPICION_RUMOUR), MCPZ_OK);
    CHECK_UINT(decode_suspect(MCPZ_SUSPICION_END), MCPZ_EPROTO);
}

static mcpz_error decode_dead(size_t observer_bytes)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_DEAD, 3);
    mcpz_value_bin(&writer, mcpz_text(A32));
    mcpz_value_uint(&writer, UINT64_MAX);
    mcpz_value_bin(&writer, mcpz_bytes(zeros, observer_bytes));
    return decode_written(&writer);
}

TEST(whoever_declares_a_death_is_named_in_full)
{
    CHECK_UINT(decode_dead(MCPZ_ID_BYTES), MCPZ_OK);
    CHECK_UINT(decode_dead(MCPZ_ID_BYTES - 1), MCPZ_EPROTO);
    CHECK_UINT(decode_dead(MCPZ_ID_BYTES + 1), MCPZ_EPROTO);
    CHECK_UINT(decode_dead(0), MCPZ_EPROTO);
}

/* Names of nodes, all `name`. */
static void write_shorts(struct mcpz_value_writer *writer, uint32_t count, uint64_t name)
{
    mcpz_value_array(writer, count);
    for (uint32_t i = 0; i < count; i++) {
        mcpz_value_uint(writer, name);
    }
}

static mcpz_error decode_adjacency(uint32_t count, uint64_t name)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_ADJACENCY, 4);
    mcpz_value_bin(&writer, mcpz_text(A32));
    mcpz_value_uint(&writer, 1);
    mcpz_value_uint(&writer, 1);
    write_shorts(&writer, count, name);
    return decode_written(&writer);
}

TEST(neighbours_told_of_are_bounded_in_number_and_name)
{
    CHECK_UINT(decode_adjacency(0, 0), MCPZ_OK);
    CHECK_UINT(decode_adjacency(MCPZ_ADJACENCY_MAX, UINT32_MAX), MCPZ_OK);
    CHECK_UINT(decode_adjacency(MCPZ_ADJACENCY_MAX + 1, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_adjacency(1, UINT64_C(1) << 32), MCPZ_EPROTO);
}

static mcpz_error decode_summary(uint32_t what, uint32_t count, uint64_t version)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_SUMMARY, 3);
    mcpz_value_uint(&writer, what);
    mcpz_value_bool(&writer, false);
    mcpz_value_array(&writer, count);
    for (uint32_t i = 0; i < count; i++) {
        mcpz_value_array(&writer, 4);
        mcpz_value_uint(&writer, UINT64_MAX);
        mcpz_value_uint(&writer, UINT64_MAX);
        mcpz_value_uint(&writer, version);
        mcpz_value_bool(&writer, true);
    }
    return decode_written(&writer);
}

TEST(summaries_are_of_what_is_known_and_bounded)
{
    CHECK_UINT(decode_summary(0, 0, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_summary(MCPZ_SUMMARY_MEMBERS, 0, 0), MCPZ_OK);
    CHECK_UINT(decode_summary(MCPZ_SUMMARY_CAPABILITIES, 0, 0), MCPZ_OK);
    CHECK_UINT(decode_summary(MCPZ_SUMMARY_CAPABILITIES + 1, 0, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_summary(MCPZ_SUMMARY_MEMBERS, MCPZ_MEMBERS_MAX, UINT32_MAX), MCPZ_OK);
    CHECK_UINT(decode_summary(MCPZ_SUMMARY_MEMBERS, MCPZ_MEMBERS_MAX + 1, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_summary(MCPZ_SUMMARY_MEMBERS, 1, UINT64_C(1) << 32), MCPZ_EPROTO);
}

static mcpz_error decode_probe(uint32_t kind, uint32_t at, uint32_t path_count)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_PROBE, 4);
    mcpz_value_uint(&writer, kind);
    mcpz_value_uint(&writer, 7);
    mcpz_value_uint(&writer, at);
    write_shorts(&writer, path_count, 1);
    return decode_written(&writer);
}

/* Whether `at` lies on the path is for core/probes.c to see. */
TEST(probes_have_known_kinds_and_bounded_paths)
{
    CHECK_UINT(decode_probe(0, 0, 2), MCPZ_EPROTO);
    CHECK_UINT(decode_probe(MCPZ_PROBE_ASK, 0, 2), MCPZ_OK);
    CHECK_UINT(decode_probe(MCPZ_PROBE_NACK, 0, 2), MCPZ_OK);
    CHECK_UINT(decode_probe(MCPZ_PROBE_NACK + 1, 0, 2), MCPZ_EPROTO);
    CHECK_UINT(decode_probe(1, MCPZ_OVERLAY_WALK_MAX - 1, MCPZ_OVERLAY_WALK_MAX), MCPZ_OK);
    CHECK_UINT(decode_probe(1, MCPZ_OVERLAY_WALK_MAX, MCPZ_OVERLAY_WALK_MAX), MCPZ_EPROTO);
    CHECK_UINT(decode_probe(1, 0, MCPZ_OVERLAY_WALK_MAX + 1), MCPZ_EPROTO);
}

static mcpz_error decode_capabilities(uint32_t count, size_t name_bytes)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_CAPABILITIES, 4);
    mcpz_value_bin(&writer, mcpz_text(A32));
    mcpz_value_uint(&writer, 1);
    mcpz_value_uint(&writer, 1);
    mcpz_value_array(&writer, count);
    for (uint32_t i = 0; i < count; i++) {
        mcpz_value_text(&writer, mcpz_bytes(zeros, name_bytes));
    }
    return decode_written(&writer);
}

TEST(capabilities_are_bounded_in_number_and_name)
{
    CHECK_UINT(decode_capabilities(0, 0), MCPZ_OK);
    CHECK_UINT(decode_capabilities(MCPZ_CAPABILITIES_PER_NODE_MAX, 1), MCPZ_OK);
    CHECK_UINT(decode_capabilities(MCPZ_CAPABILITIES_PER_NODE_MAX + 1, 1), MCPZ_EPROTO);
    CHECK_UINT(decode_capabilities(1, MCPZ_CAPABILITY_BYTES_MAX), MCPZ_OK);
    CHECK_UINT(decode_capabilities(1, MCPZ_CAPABILITY_BYTES_MAX + 1), MCPZ_EPROTO);
}

static mcpz_error decode_open_for(uint32_t attempt, uint32_t priority, size_t params_bytes,
                                  size_t key_bytes, size_t target_bytes, uint32_t levels)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_OPEN, 16);
    mcpz_value_uint(&writer, 1);
    mcpz_value_text(&writer, mcpz_text("c"));
    mcpz_value_uint(&writer, 1000);
    mcpz_value_uint(&writer, attempt);
    mcpz_value_uint(&writer, priority);
    mcpz_value_text(&writer, mcpz_text(""));
    mcpz_value_text(&writer, mcpz_text(""));
    mcpz_value_bin(&writer, mcpz_bytes(zeros, params_bytes));
    mcpz_value_bool(&writer, false);
    mcpz_value_text(&writer, mcpz_bytes(zeros, key_bytes));
    mcpz_value_bool(&writer, true);
    mcpz_value_bool(&writer, true);
    mcpz_value_bin(&writer, mcpz_bytes(zeros, target_bytes));
    mcpz_value_uint(&writer, 0);
    mcpz_value_uint(&writer, 0);
    mcpz_value_uint(&writer, levels);
    return decode_written(&writer);
}

static mcpz_error decode_open(uint32_t attempt, uint32_t priority, size_t params_bytes,
                              size_t key_bytes)
{
    return decode_open_for(attempt, priority, params_bytes, key_bytes, 0, 0);
}

TEST(a_call_is_for_one_whole_node_or_for_any)
{
    CHECK_UINT(decode_open_for(1, 0, 0, 0, 0, 0), MCPZ_OK);
    CHECK_UINT(decode_open_for(1, 0, 0, 0, 1, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_open_for(1, 0, 0, 0, MCPZ_ID_BYTES - 1, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_open_for(1, 0, 0, 0, MCPZ_ID_BYTES, 0), MCPZ_OK);
    CHECK_UINT(decode_open_for(1, 0, 0, 0, MCPZ_ID_BYTES + 1, 0), MCPZ_EPROTO);
}

TEST(a_call_may_be_split_five_levels_deep)
{
    CHECK_UINT(decode_open_for(1, 0, 0, 0, 0, MCPZ_SUBTASK_LEVELS_MAX), MCPZ_OK);
    CHECK_UINT(decode_open_for(1, 0, 0, 0, 0, MCPZ_SUBTASK_LEVELS_MAX + 1), MCPZ_EPROTO);
}

TEST(calls_are_bounded_in_attempt_priority_params_and_key)
{
    CHECK_UINT(decode_open(0, 0, 0, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_open(1, 100, 0, 0), MCPZ_OK);
    CHECK_UINT(decode_open(1, 101, 0, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_open(1, 0, MCPZ_PARAMS_BYTES_MAX, 0), MCPZ_OK);
    CHECK_UINT(decode_open(1, 0, MCPZ_PARAMS_BYTES_MAX + 1, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_open(1, 0, 0, MCPZ_IDEMPOTENCY_KEY_BYTES_MAX), MCPZ_OK);
    CHECK_UINT(decode_open(1, 0, 0, MCPZ_IDEMPOTENCY_KEY_BYTES_MAX + 1), MCPZ_EPROTO);
}

static void write_actor(struct mcpz_value_writer *writer, const char *node, uint32_t generation)
{
    mcpz_value_array(writer, 2);
    mcpz_value_bin(writer, mcpz_text(node));
    mcpz_value_uint(writer, generation);
}

/* A WANT with actors of node A in `generations`. */
static mcpz_error decode_want(const uint32_t *generations, uint32_t count)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_WANT, 3);
    mcpz_value_bin(&writer, mcpz_text(D32));
    mcpz_value_array(&writer, count);
    for (uint32_t i = 0; i < count; i++) {
        mcpz_value_array(&writer, 3);
        write_actor(&writer, A32, generations[i]);
        mcpz_value_uint(&writer, 0);
        mcpz_value_bin(&writer, mcpz_text(HEAD16));
    }
    mcpz_value_array(&writer, 0);
    return decode_written(&writer);
}

TEST(version_vectors_are_sorted_and_bounded)
{
    uint32_t generations[MCPZ_ACTORS_MAX + 1];

    for (uint32_t i = 0; i < MCPZ_ARRAY_LEN(generations); i++) {
        generations[i] = i;
    }
    CHECK_UINT(decode_want(generations, 0), MCPZ_OK);
    CHECK_UINT(decode_want(generations, MCPZ_ACTORS_MAX), MCPZ_OK);
    CHECK_UINT(decode_want(generations, MCPZ_ACTORS_MAX + 1), MCPZ_EPROTO);
    CHECK_UINT(decode_want((const uint32_t[]){1, 1}, 2), MCPZ_EPROTO);
    CHECK_UINT(decode_want((const uint32_t[]){2, 1}, 2), MCPZ_EPROTO);
    CHECK_UINT(decode_want((const uint32_t[]){1, 3, 2}, 3), MCPZ_EPROTO);
}

static mcpz_error decode_offer(uint32_t count)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_OFFER, 3);
    mcpz_value_uint(&writer, 1);
    mcpz_value_bool(&writer, false);
    mcpz_value_array(&writer, count);
    for (uint32_t i = 0; i < count; i++) {
        mcpz_value_array(&writer, 2);
        mcpz_value_bin(&writer, mcpz_text(A32));
        mcpz_value_uint(&writer, 1);
    }
    return decode_written(&writer);
}

TEST(offers_are_bounded)
{
    CHECK_UINT(decode_offer(0), MCPZ_OK);
    CHECK_UINT(decode_offer(MCPZ_DIGESTS_PER_MESSAGE_MAX), MCPZ_OK);
    CHECK_UINT(decode_offer(MCPZ_DIGESTS_PER_MESSAGE_MAX + 1), MCPZ_EPROTO);
}

static mcpz_error decode_sketch_ask(uint32_t step, size_t id_bytes)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_SKETCH_ASK, 8);
    mcpz_value_uint(&writer, 1);
    mcpz_value_uint(&writer, step);
    for (int i = 0; i < 5; i++) {
        mcpz_value_uint(&writer, 0);
    }
    mcpz_value_bin(&writer, mcpz_bytes(zeros, id_bytes));
    return decode_written(&writer);
}

TEST(steps_of_a_sketch_are_known_and_ids_bounded)
{
    const size_t most = MCPZ_SKETCH_IDS_MAX * MCPZ_SKETCH_ID_BYTES;

    CHECK_UINT(decode_sketch_ask(0, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_sketch_ask(MCPZ_SKETCH_START, 0), MCPZ_OK);
    CHECK_UINT(decode_sketch_ask(MCPZ_SKETCH_GIVE_UP, most), MCPZ_OK);
    CHECK_UINT(decode_sketch_ask(MCPZ_SKETCH_FOUND, most + 1), MCPZ_EPROTO);
    CHECK_UINT(decode_sketch_ask(MCPZ_SKETCH_STEP_END, 0), MCPZ_EPROTO);
}

static void write_where(struct mcpz_value_writer *writer, uint64_t scope, size_t address_bytes)
{
    mcpz_value_uint(writer, scope);
    mcpz_value_text(writer, mcpz_bytes(zeros, address_bytes));
}

static void write_entries(struct mcpz_value_writer *writer, uint32_t count, uint64_t scope,
                          size_t address_bytes)
{
    mcpz_value_array(writer, count);
    for (uint32_t i = 0; i < count; i++) {
        mcpz_value_array(writer, 4);
        mcpz_value_bin(writer, mcpz_text(A32));
        mcpz_value_uint(writer, i);
        write_where(writer, scope, address_bytes);
    }
}

static mcpz_error decode_forward(uint32_t ttl)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_OVERLAY_FORWARD, 4);
    mcpz_value_bin(&writer, mcpz_text(A32));
    mcpz_value_uint(&writer, ttl);
    write_where(&writer, 1, 0);
    return decode_written(&writer);
}

static mcpz_error decode_shuffle(uint32_t ttl, uint32_t entry_count, uint32_t path_count)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_OVERLAY_SHUFFLE, 5);
    mcpz_value_bin(&writer, mcpz_text(A32));
    mcpz_value_uint(&writer, 7);
    mcpz_value_uint(&writer, ttl);
    write_entries(&writer, entry_count, 1, 0);
    write_shorts(&writer, path_count, 1);
    return decode_written(&writer);
}

static mcpz_error decode_shuffled(uint32_t entry_count, uint32_t path_count)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_OVERLAY_SHUFFLED, 3);
    mcpz_value_uint(&writer, 7);
    write_entries(&writer, entry_count, 1, 0);
    write_shorts(&writer, path_count, 1);
    return decode_written(&writer);
}

TEST(walks_and_shuffles_are_bounded)
{
    CHECK_UINT(decode_forward(0), MCPZ_OK);
    CHECK_UINT(decode_forward(MCPZ_OVERLAY_WALK_MAX), MCPZ_OK);
    CHECK_UINT(decode_forward(MCPZ_OVERLAY_WALK_MAX + 1), MCPZ_EPROTO);
    CHECK_UINT(decode_shuffle(0, 0, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_shuffle(1, 0, 0), MCPZ_OK);
    CHECK_UINT(decode_shuffle(MCPZ_OVERLAY_WALK_MAX, 0, 0), MCPZ_OK);
    CHECK_UINT(decode_shuffle(MCPZ_OVERLAY_WALK_MAX + 1, 0, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_shuffle(1, MCPZ_OVERLAY_SHUFFLE_MAX, MCPZ_OVERLAY_WALK_MAX), MCPZ_OK);
    CHECK_UINT(decode_shuffle(1, MCPZ_OVERLAY_SHUFFLE_MAX + 1, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_shuffle(1, 0, MCPZ_OVERLAY_WALK_MAX + 1), MCPZ_EPROTO);
    CHECK_UINT(decode_shuffled(0, 0), MCPZ_OK);
    CHECK_UINT(decode_shuffled(MCPZ_OVERLAY_SHUFFLE_MAX, MCPZ_OVERLAY_WALK_MAX), MCPZ_OK);
    CHECK_UINT(decode_shuffled(MCPZ_OVERLAY_SHUFFLE_MAX + 1, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_shuffled(0, MCPZ_OVERLAY_WALK_MAX + 1), MCPZ_EPROTO);
}

/* An overlay message of `kind` whose sender, or whom it tells of, is there. */
static mcpz_error decode_whereabouts(uint32_t kind, uint64_t scope, size_t address_bytes)
{
    bool is_join = kind == MCPZ_MSG_OVERLAY_JOIN;
    bool is_shuffled = kind == MCPZ_MSG_OVERLAY_SHUFFLED;
    struct mcpz_value_writer writer = start(kind, is_join || is_shuffled ? 3 : 4);

    if (kind == MCPZ_MSG_OVERLAY_FORWARD) {
        mcpz_value_bin(&writer, mcpz_text(A32));
    }
    mcpz_value_uint(&writer, 7);
    if (kind == MCPZ_MSG_OVERLAY_NEIGHBOUR || kind == MCPZ_MSG_OVERLAY_ANSWER) {
        mcpz_value_bool(&writer, true);
    }
    if (is_shuffled) {
        write_entries(&writer, 1, scope, address_bytes);
        write_shorts(&writer, 0, 0);
    } else {
        write_where(&writer, scope, address_bytes);
    }
    return decode_written(&writer);
}

TEST(addresses_and_scopes_in_the_overlay_are_bounded)
{
    static const enum mcpz_msg_kind kinds[] = {
        MCPZ_MSG_OVERLAY_JOIN,   MCPZ_MSG_OVERLAY_FORWARD,  MCPZ_MSG_OVERLAY_NEIGHBOUR,
        MCPZ_MSG_OVERLAY_ANSWER, MCPZ_MSG_OVERLAY_SHUFFLED,
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(kinds); i++) {
        CHECK_UINT(decode_whereabouts(kinds[i], 0, 0), MCPZ_OK);
        CHECK_UINT(decode_whereabouts(kinds[i], UINT32_MAX, MCPZ_ADDRESS_BYTES_MAX), MCPZ_OK);
        CHECK_UINT(decode_whereabouts(kinds[i], UINT64_C(1) << 32, 0), MCPZ_EPROTO);
        CHECK_UINT(decode_whereabouts(kinds[i], 0, MCPZ_ADDRESS_BYTES_MAX + 1), MCPZ_EPROTO);
    }
}

struct delta_shape {
    uint64_t seq;
    uint32_t add_count;
    uint32_t type;
    struct mcpz_bytes path;
    struct mcpz_bytes value;
    uint32_t remove_count;
    uint64_t dot_seq;
    uint32_t dot_index;
};

static const struct delta_shape sound = {
    .seq = 1,
    .add_count = 1,
    .type = 1,
    .path = RAW("\x91\xa1k"),
    .value = RAW("\x07"),
    .remove_count = 1,
    .dot_seq = 1,
    .dot_index = 0,
};

static mcpz_error decode_delta(struct delta_shape shape)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_DELTA, 8);
    mcpz_value_bin(&writer, mcpz_text(D32));
    write_actor(&writer, A32, 0);
    mcpz_value_uint(&writer, shape.seq);
    mcpz_value_bin(&writer, mcpz_text(PREV16));
    mcpz_value_uint(&writer, 0);
    mcpz_value_array(&writer, 0);
    mcpz_value_array(&writer, shape.add_count);
    for (uint32_t i = 0; i < shape.add_count; i++) {
        mcpz_value_array(&writer, 3);
        mcpz_value_uint(&writer, shape.type);
        mcpz_value_bin(&writer, shape.path);
        mcpz_value_bin(&writer, shape.value);
    }
    mcpz_value_array(&writer, shape.remove_count);
    for (uint32_t i = 0; i < shape.remove_count; i++) {
        mcpz_value_array(&writer, 3);
        mcpz_value_uint(&writer, shape.type);
        mcpz_value_bin(&writer, shape.path);
        mcpz_value_array(&writer, 3);
        write_actor(&writer, A32, 0);
        mcpz_value_uint(&writer, shape.dot_seq);
        mcpz_value_uint(&writer, shape.dot_index);
    }
    return decode_written(&writer);
}

TEST(deltas_are_bounded_in_all_they_hold)
{
    struct delta_shape shape = sound;
    CHECK_UINT(decode_delta(shape), MCPZ_OK);

    shape.add_count = MCPZ_DELTA_ADDS_MAX;
    shape.remove_count = MCPZ_DELTA_REMOVES_MAX;
    shape.dot_index = MCPZ_DELTA_ADDS_MAX - 1;
    shape.type = MCPZ_ENTRY_COUNTER;
    CHECK_UINT(decode_delta(shape), MCPZ_OK);

    shape.dot_index++;
    CHECK_UINT(decode_delta(shape), MCPZ_EPROTO);
    shape = sound;
    shape.add_count = MCPZ_DELTA_ADDS_MAX + 1;
    CHECK_UINT(decode_delta(shape), MCPZ_EPROTO);
    shape = sound;
    shape.remove_count = MCPZ_DELTA_REMOVES_MAX + 1;
    CHECK_UINT(decode_delta(shape), MCPZ_EPROTO);
    shape = sound;
    shape.type = MCPZ_ENTRY_END;
    CHECK_UINT(decode_delta(shape), MCPZ_EPROTO);
    shape.type = 0;
    CHECK_UINT(decode_delta(shape), MCPZ_EPROTO);
    shape = sound;
    shape.seq = 0;
    CHECK_UINT(decode_delta(shape), MCPZ_EPROTO);
    shape = sound;
    shape.dot_seq = 0;
    CHECK_UINT(decode_delta(shape), MCPZ_EPROTO);
}

TEST(paths_and_values_that_are_not_canonical_never_arrive)
{
    static const struct mcpz_bytes paths[] = {
        RAW(""), RAW("\x90"), RAW("\xa1k"), RAW("\x91\xd9\x01k"), RAW("\x91\xc0"),
    };
    static const struct mcpz_bytes values[] = {
        RAW(""),
        RAW("\xcc\x07"),
        RAW("\x07\x07"),
        RAW("\x82\xa1z\x01\xa1"
            "a\x01"),
    };
    static const uint8_t long_value[MCPZ_VALUE_BYTES_MAX + 1] = {0xc5, 0x03, 0xfe};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(paths); i++) {
        struct delta_shape shape = sound;
        shape.path = paths[i];
        CHECK_UINT(decode_delta(shape), MCPZ_EPROTO);
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(values); i++) {
        struct delta_shape shape = sound;
        shape.value = values[i];
        CHECK_UINT(decode_delta(shape), MCPZ_EPROTO);
    }
    struct delta_shape shape = sound;
    shape.value = mcpz_bytes(long_value, sizeof(long_value));
    CHECK_UINT(decode_delta(shape), MCPZ_EPROTO);
}

TEST(text_that_is_not_utf8_is_not_written)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_REFUSE, .refuse = {1, RAW("\xff"), NULL, 0}};
    size_t length = 99;
    CHECK_UINT(mcpz_msg_encode(&msg, buffer, sizeof(buffer), &length), MCPZ_EPROTO);
    CHECK_UINT(length, 99);
}

static mcpz_error decode_gossip(size_t id_bytes, uint32_t round, size_t payload_bytes)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_GOSSIP, 5);
    mcpz_value_bin(&writer, mcpz_bytes(zeros, id_bytes));
    mcpz_value_uint(&writer, round);
    mcpz_value_bin(&writer, mcpz_bytes(zeros, payload_bytes));
    mcpz_value_bool(&writer, false);
    mcpz_value_bool(&writer, false);
    return decode_written(&writer);
}

TEST(broadcasts_are_bounded_in_payload_and_start_at_round_one)
{
    CHECK_UINT(decode_gossip(MCPZ_GOSSIP_ID_BYTES, 1, 0), MCPZ_OK);
    CHECK_UINT(decode_gossip(MCPZ_GOSSIP_ID_BYTES, 0, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_gossip(MCPZ_GOSSIP_ID_BYTES - 1, 1, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_gossip(MCPZ_GOSSIP_ID_BYTES + 1, 1, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_gossip(MCPZ_GOSSIP_ID_BYTES, 1, MCPZ_PLUMTREE_LARGE_BYTES_MAX), MCPZ_OK);
    CHECK_UINT(decode_gossip(MCPZ_GOSSIP_ID_BYTES, 1, MCPZ_PLUMTREE_LARGE_BYTES_MAX + 1),
               MCPZ_EPROTO);
}

TEST(whether_a_broadcast_is_patient_or_scattered_must_be_said)
{
    struct mcpz_value_writer short_of_one = start(MCPZ_MSG_GOSSIP, 4);
    mcpz_value_bin(&short_of_one, mcpz_bytes(zeros, MCPZ_GOSSIP_ID_BYTES));
    mcpz_value_uint(&short_of_one, 1);
    mcpz_value_bin(&short_of_one, mcpz_bytes(zeros, 1));
    mcpz_value_bool(&short_of_one, true);
    CHECK_UINT(decode_written(&short_of_one), MCPZ_EPROTO);

    struct mcpz_value_writer no_boolean = start(MCPZ_MSG_GOSSIP, 5);
    mcpz_value_bin(&no_boolean, mcpz_bytes(zeros, MCPZ_GOSSIP_ID_BYTES));
    mcpz_value_uint(&no_boolean, 1);
    mcpz_value_bin(&no_boolean, mcpz_bytes(zeros, 1));
    mcpz_value_bool(&no_boolean, true);
    mcpz_value_uint(&no_boolean, 1);
    CHECK_UINT(decode_written(&no_boolean), MCPZ_EPROTO);
}

static mcpz_error decode_ihave(uint32_t count, uint32_t bytes)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_IHAVE, 1);
    mcpz_value_array(&writer, count);
    for (uint32_t i = 0; i < count; i++) {
        mcpz_value_array(&writer, 3);
        mcpz_value_bin(&writer, mcpz_bytes(zeros, MCPZ_GOSSIP_ID_BYTES));
        mcpz_value_uint(&writer, 1);
        mcpz_value_uint(&writer, bytes);
    }
    return decode_written(&writer);
}

/* A FETCH of deltas with these seqs. */
static mcpz_error decode_fetch(const uint64_t *seqs, uint32_t count)
{
    struct mcpz_value_writer writer = start(MCPZ_MSG_FETCH, 4);
    mcpz_value_bin(&writer, mcpz_text(D32));
    write_actor(&writer, A32, 1);
    mcpz_value_array(&writer, count);
    for (uint32_t i = 0; i < count; i++) {
        mcpz_value_array(&writer, 2);
        mcpz_value_uint(&writer, seqs[i]);
        mcpz_value_bin(&writer, mcpz_text(HEAD16));
    }
    mcpz_value_uint(&writer, 0);
    return decode_written(&writer);
}

TEST(what_is_asked_for_by_name_is_sorted_and_bounded)
{
    uint64_t seqs[MCPZ_FETCH_MAX + 1];

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(seqs); i++) {
        seqs[i] = i + 1;
    }
    CHECK_UINT(decode_fetch(seqs, 0), MCPZ_OK);
    CHECK_UINT(decode_fetch(seqs, MCPZ_FETCH_MAX), MCPZ_OK);
    CHECK_UINT(decode_fetch(seqs, MCPZ_FETCH_MAX + 1), MCPZ_EPROTO);
    CHECK_UINT(decode_fetch((const uint64_t[]){0}, 1), MCPZ_EPROTO);
    CHECK_UINT(decode_fetch((const uint64_t[]){2, 2}, 2), MCPZ_EPROTO); /* with equal heads */
    CHECK_UINT(decode_fetch((const uint64_t[]){2, 1}, 2), MCPZ_EPROTO);
}

TEST(announcements_are_bounded_in_number_and_in_what_they_announce)
{
    CHECK_UINT(decode_ihave(0, 0), MCPZ_OK);
    CHECK_UINT(decode_ihave(MCPZ_PLUMTREE_IHAVE_MAX, 0), MCPZ_OK);
    CHECK_UINT(decode_ihave(MCPZ_PLUMTREE_IHAVE_MAX + 1, 0), MCPZ_EPROTO);
    CHECK_UINT(decode_ihave(1, MCPZ_PLUMTREE_LARGE_BYTES_MAX), MCPZ_OK);
    CHECK_UINT(decode_ihave(1, MCPZ_PLUMTREE_LARGE_BYTES_MAX + 1), MCPZ_EPROTO);
}

TEST_MAIN(RUN(chunks_have_one_byte_to_the_limit), RUN(token_ids_and_proofs_have_one_length),
          RUN(texts_end_at_their_limit),
          RUN(members_have_known_states_and_bounded_names_roles_and_signatures),
          RUN(suspicions_have_known_reasons), RUN(whoever_declares_a_death_is_named_in_full),
          RUN(neighbours_told_of_are_bounded_in_number_and_name),
          RUN(summaries_are_of_what_is_known_and_bounded),
          RUN(probes_have_known_kinds_and_bounded_paths),
          RUN(addresses_and_scopes_in_the_overlay_are_bounded),
          RUN(capabilities_are_bounded_in_number_and_name),
          RUN(a_call_is_for_one_whole_node_or_for_any), RUN(a_call_may_be_split_five_levels_deep),
          RUN(calls_are_bounded_in_attempt_priority_params_and_key),
          RUN(version_vectors_are_sorted_and_bounded),
          RUN(what_is_asked_for_by_name_is_sorted_and_bounded), RUN(offers_are_bounded),
          RUN(steps_of_a_sketch_are_known_and_ids_bounded), RUN(walks_and_shuffles_are_bounded),
          RUN(deltas_are_bounded_in_all_they_hold),
          RUN(paths_and_values_that_are_not_canonical_never_arrive),
          RUN(broadcasts_are_bounded_in_payload_and_start_at_round_one),
          RUN(whether_a_broadcast_is_patient_or_scattered_must_be_said),
          RUN(announcements_are_bounded_in_number_and_in_what_they_announce),
          RUN(text_that_is_not_utf8_is_not_written))
