#include "core/roster.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "proto/cert.h"

/* A text of a member begins with its signature, then come name, address, region, zone and roles,
 * each with its end. */
#define TEXTS_BEFORE_ROLES 4

#define TEXT_BYTES_MAX                                                                            \
    (MCPZ_SIGNATURE_BYTES + MCPZ_ADDRESS_BYTES_MAX + 1 +                                          \
     (3 + MCPZ_ROLES_MAX) * (MCPZ_NAME_BYTES_MAX + 1))
static_assert(TEXT_BYTES_MAX + 1 < UINT16_MAX, "its length fits the row");
static_assert(MCPZ_MEMBERS_MAX < UINT16_MAX, "indices fit");

#define NAMES_BLOCK 16 /* names compared at one go; as much room lies behind the last */

static size_t adjacency_max(const struct mcpz_roster_config *config)
{
    return config->adjacency_max > 0 ? config->adjacency_max : MCPZ_ADJACENCY_MAX;
}

size_t mcpz_roster_often_bytes(const struct mcpz_roster_config *config)
{
    return mcpz_arena_cost(config->rows_max + NAMES_BLOCK, sizeof(struct mcpz_short));
}

size_t mcpz_roster_bytes(const struct mcpz_roster_config *config)
{
    return mcpz_arena_cost(config->rows_max, sizeof(struct mcpz_member)) +
           mcpz_roster_often_bytes(config) +
           mcpz_arena_cost(config->rows_max * adjacency_max(config), sizeof(struct mcpz_short)) +
           mcpz_arena_cost(config->text_bytes, 1);
}

void mcpz_roster_init(struct mcpz_roster *roster, const struct mcpz_roster_config *config,
                      struct mcpz_arena *arena)
{
    assert(config->rows_max >= 2 && config->rows_max <= MCPZ_MEMBERS_MAX);

    *roster = (struct mcpz_roster){
        .config = *config,
        .rows = mcpz_arena_take_sure(arena, config->rows_max, sizeof(struct mcpz_member)),
        .names = mcpz_arena_take_often(arena, config->rows_max + NAMES_BLOCK,
                                       sizeof(struct mcpz_short)),
        .adjacency = mcpz_arena_take_sure(arena, config->rows_max * adjacency_max(config),
                                          sizeof(struct mcpz_short)),
        .texts = mcpz_arena_take_sure(arena, config->text_bytes, 1),
        .digest_is_stale = true,
    };
    roster->config.adjacency_max = adjacency_max(config);
    assert(roster->config.adjacency_max <= MCPZ_ADJACENCY_MAX);
}

void mcpz_roster_clear(struct mcpz_roster *roster)
{
    roster->count = 0;
    roster->text_used = 0;
    roster->digest_is_stale = true;
}

/* ---- Rows --------------------------------------------------------------------------------- */

/* The first row from `at` on that has this name; count: there is none. A block at a time, without
 * a branch in it: compilers make vectors of that. */
static size_t find_name(const struct mcpz_roster *roster, struct mcpz_short name, size_t at)
{
    for (; at < roster->count; at += NAMES_BLOCK) {
        const struct mcpz_short *names = roster->names + at;
        uint32_t found = 0;
        for (size_t i = 0; i < NAMES_BLOCK; i++) {
            found |= names[i].value == name.value;
        }
        for (size_t i = 0; found != 0 && i < NAMES_BLOCK && at + i < roster->count; i++) {
            if (names[i].value == name.value) {
                return at + i;
            }
        }
    }
    return roster->count;
}

struct mcpz_member *mcpz_roster_find(const struct mcpz_roster *roster, const struct mcpz_id *id)
{
    const struct mcpz_short name = mcpz_short_of(id);
    size_t at = find_name(roster, name, 0);

    while (at < roster->count && !mcpz_id_equal(&roster->rows[at].id, id)) {
        at = find_name(roster, name, at + 1);
    }
    return at < roster->count ? &roster->rows[at] : NULL;
}

struct mcpz_member *mcpz_roster_find_short(const struct mcpz_roster *roster,
                                           struct mcpz_short name)
{
    const size_t at = find_name(roster, name, 0);

    return at < roster->count ? &roster->rows[at] : NULL;
}

struct mcpz_member *mcpz_roster_add(struct mcpz_roster *roster, const struct mcpz_id *id)
{
    if (roster->count == roster->config.rows_max) {
        return NULL;
    }
    roster->names[roster->count] = mcpz_short_of(id);
    struct mcpz_member *row = &roster->rows[roster->count++];
    *row = (struct mcpz_member){.id = *id};
    roster->digest_is_stale = true;
    return row;
}

void mcpz_roster_remove(struct mcpz_roster *roster, struct mcpz_member *member)
{
    const size_t width = roster->config.adjacency_max;
    const size_t at = (size_t)(member - roster->rows);

    assert(at != MCPZ_ROSTER_SELF && at < roster->count);
    roster->count--;
    roster->rows[at] = roster->rows[roster->count];
    roster->names[at] = roster->names[roster->count];
    memmove(roster->adjacency + at * width, roster->adjacency + roster->count * width,
            width * sizeof(struct mcpz_short));
    roster->digest_is_stale = true;
}

size_t mcpz_roster_alive_count(const struct mcpz_roster *roster)
{
    size_t count = 0;

    for (size_t i = 0; i < roster->count; i++) {
        count += !mcpz_member_is_gone(&roster->rows[i]);
    }
    return count;
}

/* ---- Texts -------------------------------------------------------------------------------- */

/* Push all texts together at the start of the heap, in the order in which they lie. */
static void pack(struct mcpz_roster *roster)
{
    size_t used = 0;
    size_t from = 0;

    for (;;) {
        struct mcpz_member *next = NULL;
        for (size_t i = 0; i < roster->count; i++) {
            struct mcpz_member *row = &roster->rows[i];
            if (row->text_bytes > 0 && row->text_at >= from &&
                (next == NULL || row->text_at < next->text_at)) {
                next = row;
            }
        }
        if (next == NULL) {
            break;
        }
        from = next->text_at + 1;
        memmove(roster->texts + used, roster->texts + next->text_at, next->text_bytes);
        next->text_at = (uint32_t)used;
        used += next->text_bytes;
    }
    roster->text_used = used;
}

static size_t put(char *to, struct mcpz_bytes text)
{
    if (text.length > 0) {
        memcpy(to, text.data, text.length);
    }
    to[text.length] = '\0';
    return text.length + 1;
}

/* What `news` takes in the heap. */
static size_t write_text(char *to, const struct mcpz_msg_member *news)
{
    size_t used = 0;

    to[used++] = (char)(news->signature.length == MCPZ_SIGNATURE_BYTES);
    if (news->signature.length == MCPZ_SIGNATURE_BYTES) {
        memcpy(to + used, news->signature.data, MCPZ_SIGNATURE_BYTES);
        used += MCPZ_SIGNATURE_BYTES;
    }
    used += put(to + used, news->name);
    used += put(to + used, news->address);
    used += put(to + used, news->region);
    used += put(to + used, news->zone);
    for (size_t i = 0; i < news->role_count; i++) {
        used += put(to + used, news->roles[i]);
    }
    return used;
}

mcpz_error mcpz_roster_describe(struct mcpz_roster *roster, struct mcpz_member *member,
                                const struct mcpz_msg_member *news)
{
    char text[TEXT_BYTES_MAX + TEXTS_BEFORE_ROLES];
    size_t length = write_text(text, news);

    if (length > member->text_bytes) {
        if (roster->text_used + length > roster->config.text_bytes) {
            pack(roster);
        }
        if (roster->text_used + length > roster->config.text_bytes) {
            return MCPZ_EFULL;
        }
        member->text_at = (uint32_t)roster->text_used;
        roster->text_used += length;
    }
    memcpy(roster->texts + member->text_at, text, length);
    member->text_bytes = (uint16_t)length;
    return MCPZ_OK;
}

/* The text at `*at` of a member's; `*at` moves behind it. Nothing is left: empty. */
static struct mcpz_bytes take_text(const struct mcpz_roster *roster,
                                   const struct mcpz_member *member, size_t *at)
{
    if (*at >= member->text_bytes) {
        return mcpz_bytes(NULL, 0);
    }
    struct mcpz_bytes text = mcpz_text(roster->texts + member->text_at + *at);
    *at += text.length + 1;
    return text;
}

static struct mcpz_bytes take_signature(const struct mcpz_roster *roster,
                                        const struct mcpz_member *member, size_t *at)
{
    const char *text = roster->texts + member->text_at;
    struct mcpz_bytes signature = mcpz_bytes(NULL, 0);

    if (member->text_bytes > 0 && text[0] != 0) {
        signature = mcpz_bytes(text + 1, MCPZ_SIGNATURE_BYTES);
    }
    *at = 1 + signature.length;
    return signature;
}

struct mcpz_msg_member mcpz_roster_read(const struct mcpz_roster *roster,
                                        const struct mcpz_member *member, struct mcpz_bytes *roles)
{
    struct mcpz_msg_member news = {
        .id = member->id,
        .incarnation = member->incarnation,
        .state = member->state == MCPZ_MEMBER_LEFT ? MCPZ_MEMBER_LEFT : MCPZ_MEMBER_ALIVE,
        .roles = roles,
    };
    size_t at;

    news.signature = take_signature(roster, member, &at);
    news.name = take_text(roster, member, &at);
    news.address = take_text(roster, member, &at);
    news.region = take_text(roster, member, &at);
    news.zone = take_text(roster, member, &at);
    while (at < member->text_bytes && news.role_count < MCPZ_ROLES_MAX) {
        roles[news.role_count++] = take_text(roster, member, &at);
    }
    return news;
}

struct mcpz_bytes mcpz_roster_name(const struct mcpz_roster *roster,
                                   const struct mcpz_member *member)
{
    size_t at;

    (void)take_signature(roster, member, &at);
    return take_text(roster, member, &at);
}

struct mcpz_bytes mcpz_roster_address(const struct mcpz_roster *roster,
                                      const struct mcpz_member *member)
{
    size_t at;

    (void)take_signature(roster, member, &at);
    (void)take_text(roster, member, &at);
    return take_text(roster, member, &at);
}

/* ---- Digest ------------------------------------------------------------------------------- */

uint64_t mcpz_roster_key(const struct mcpz_id *id)
{
    uint64_t key = 0;

    for (size_t i = 0; i < sizeof(key); i++) {
        key = key << 8 | id->bytes[i];
    }
    return key;
}

void mcpz_roster_changed(struct mcpz_roster *roster)
{
    roster->digest_is_stale = true;
}

/* What a row adds to the digest. */
static uint32_t share_of(const struct mcpz_member *row)
{
    const uint64_t share =
        mcpz_hash_mix(mcpz_roster_key(&row->id) ^
                      mcpz_hash_mix(row->incarnation ^ (uint64_t)row->adjacency_version << 40));

    return mcpz_member_is_gone(row) ? 0 : (uint32_t)(share ^ share >> 32);
}

static void freshen(struct mcpz_roster *roster)
{
    if (!roster->digest_is_stale) {
        return;
    }
    roster->digest = 0;
    roster->has_dead = false;
    for (size_t i = 0; i < roster->count; i++) {
        roster->digest ^= share_of(&roster->rows[i]);
        roster->has_dead |= roster->rows[i].state == MCPZ_MEMBER_DEAD;
    }
    roster->digest_is_stale = false;
}

void mcpz_roster_set_version(struct mcpz_roster *roster, struct mcpz_member *member,
                             uint32_t version)
{
    roster->digest ^= share_of(member);
    member->adjacency_version = version;
    roster->digest ^= share_of(member);
}

bool mcpz_roster_has_dead(struct mcpz_roster *roster)
{
    freshen(roster);
    return roster->has_dead;
}

uint32_t mcpz_roster_digest(struct mcpz_roster *roster)
{
    freshen(roster);
    return roster->digest;
}
