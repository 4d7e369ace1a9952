/* The Poseidon hash of Grassi, Khovratovich, Rechberger, Roy, Schofnegger 2021 over Fr, with circomlib's
 * parameters; one hash, many, and chains. How the partial rounds run is told in poseidon.h.
 *
 * Timing depends on widths, lengths and thread count alone: no branch and no index depends on a field
 * element. States live on the stack and are not erased. */
#include "poseidon.h"

#include <string.h>

#include "field.h"
#include "fr_dot.h"
#include "threads.h"

static inline void fifth_power(zkn_fr *x)
{
    zkn_fr x2, x4;
    fr_sqr(&x2, x);
    fr_sqr(&x4, &x2);
    fr_mul(x, x, &x4);
}

/* state <- the first `rows` rows of matrix times S-box(state + constants) */
static void full_round(zkn_fr *state, const zkn_fr *constants, const zkn_fr *matrix, size_t rows, size_t t)
{
    zkn_fr y[ZKN_POSEIDON_MAX_WIDTH];
    for (size_t i = 0; i < t; i++) fr_add(&y[i], &state[i], &constants[i]), fifth_power(&y[i]);
    for (size_t row = 0; row < rows; row++) fr_dot(&state[row], &matrix[row * t], y, t);
}

/* The permutation, in place; only the first `rows` lanes of the result are computed, the others are left
 * undefined. */
static void permute(const poseidon_table *table, zkn_fr *state, size_t rows)
{
    const size_t t = table->width;
    for (size_t round = 0; round + 1 < POSEIDON_HALF_FULL; round++) {
        full_round(state, &table->first[round * t], table->mds, t, t);
    }
    full_round(state, &table->first[(POSEIDON_HALF_FULL - 1) * t], table->enter, t, t);

    /* The register u moves down through `lanes` instead of shifting; y waits just below it, where it is the
     * first factor of the step, until the new u_1 replaces it. */
    zkn_fr lanes[POSEIDON_MAX_PARTIAL + ZKN_POSEIDON_MAX_WIDTH - 1], *u = &lanes[table->partial_rounds];
    memcpy(u, &state[1], (t - 1) * sizeof *u);
    for (size_t round = 0;; round++) {
        zkn_fr y, *below = u - 1;
        fr_add(&y, &state[0], &table->scalar[round]);
        fifth_power(&y);
        *below = y;
        if (round + 1 == table->partial_rounds) break;
        fr_dot(&state[0], table->step, below, t);
        fr_dot(below, table->feed, u, t - 1);
        fr_add(below, below, &y);
        u = below;
    }
    for (size_t row = 0; row < t; row++) fr_dot(&state[row], &table->leave[row * t], u - 1, t);

    for (size_t round = 0; round < POSEIDON_HALF_FULL; round++) {
        const size_t wanted = round + 1 < POSEIDON_HALF_FULL ? t : rows;
        full_round(state, &table->last[round * t], table->mds, wanted, t);
    }
}

/* *out <- P(tag; inputs), n inputs */
static void hash(const poseidon_table *table, zkn_fr *out, const zkn_fr *tag, const zkn_fr *inputs, size_t n)
{
    zkn_fr state[ZKN_POSEIDON_MAX_WIDTH];
    state[0] = *tag;
    memcpy(&state[1], inputs, n * sizeof *state);
    permute(table, state, 1);
    *out = state[0];
}

zkn_status zkn_poseidon_permute(zkn_fr *state, size_t width)
{
    if (zkn_poseidon_partial_rounds(width) == 0) return ZKN_BAD_LENGTH;
    permute(poseidon_table_of(width), state, width);
    return ZKN_OK;
}

typedef struct {
    zkn_fr *out;
    const zkn_fr *tags, *inputs;
    size_t tag_stride, length;
} hash_job;

static void hash_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const hash_job *job = ctx;
    const poseidon_table *table = poseidon_table_of(job->length + 1);
    for (size_t i = begin; i < end; i++) {
        hash(table, &job->out[i], &job->tags[i * job->tag_stride], &job->inputs[i * job->length],
             job->length);
    }
}

zkn_status zkn_poseidon_many(zkn_fr *out, const zkn_fr *tags, size_t n_tags, const zkn_fr *inputs,
                             size_t arity, size_t n, unsigned threads)
{
    if (arity < 1 || arity > ZKN_POSEIDON_MAX_ARITY || (n_tags != 1 && n_tags != n)) return ZKN_BAD_LENGTH;
    hash_job job = {out, tags, inputs, n_tags == 1 ? 0 : 1, arity};
    zkn_parallel(n, threads, hash_share, &job);
    return ZKN_OK;
}

static void chain_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const hash_job *job = ctx;
    for (size_t i = begin; i < end; i++) {
        const zkn_fr *inputs = &job->inputs[i * job->length];
        zkn_fr h = *job->tags;
        for (size_t at = 0, block; at < job->length; at += block) {
            block = job->length - at < ZKN_POSEIDON_MAX_ARITY ? job->length - at : ZKN_POSEIDON_MAX_ARITY;
            hash(poseidon_table_of(block + 1), &h, &h, &inputs[at], block);
        }
        job->out[i] = h;
    }
}

zkn_status zkn_poseidon_chain_many(zkn_fr *out, const zkn_fr *tag, const zkn_fr *inputs, size_t length,
                                   size_t n, unsigned threads)
{
    if (length == 0) return ZKN_BAD_LENGTH;
    hash_job job = {out, tag, inputs, 0, length};
    zkn_parallel(n, threads, chain_share, &job);
    return ZKN_OK;
}
