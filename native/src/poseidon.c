/* The Poseidon hash of Grassi, Khovratovich, Rechberger, Roy, Schofnegger 2021 over Fr, with circomlib's
 * parameters; one hash, many, and chains. How the partial rounds run is told in poseidon.h.
 *
 * Timing depends on widths, lengths and thread count alone: no branch and no index depends on a field
 * element. States live on the stack and are not erased. */
#include "poseidon.h"

#include <string.h>

#include "field.h"
#include "fr_dot.h"
#include "poseidon_lanes.h"
#include "threads.h"

/* one hash: out <- m . v, out <- a + constant, out <- the fifth power */
static inline void one_dot(zkn_fr *out, const zkn_fr *m, const zkn_fr *v, size_t n)
{
    fr_dot(out, m, v, n);
}

static inline void one_power(zkn_fr *out, const zkn_fr *a, const zkn_fr *constant)
{
    zkn_fr x, x2, x4;
    fr_add(&x, a, constant);
    fr_sqr(&x2, &x);
    fr_sqr(&x4, &x2);
    fr_mul(out, &x, &x4);
}

static inline void one_add(zkn_fr *out, const zkn_fr *a, const zkn_fr *b)
{
    fr_add(out, a, b);
}

#define POSEIDON one
#define ELEMENT  zkn_fr
#define CONSTANT zkn_fr
#define TABLE    poseidon_table
#include "poseidon_template.h"

/* *out <- P(tag; inputs), n inputs */
static void hash(const poseidon_table *table, zkn_fr *out, const zkn_fr *tag, const zkn_fr *inputs, size_t n)
{
    zkn_fr state[ZKN_POSEIDON_MAX_WIDTH];
    state[0] = *tag;
    memcpy(&state[1], inputs, n * sizeof *state);
    one_permute(table, state, 1);
    *out = state[0];
}

zkn_status zkn_poseidon_permute(zkn_fr *state, size_t width)
{
    if (zkn_poseidon_partial_rounds(width) == 0) return ZKN_BAD_LENGTH;
    one_permute(poseidon_table_of(width), state, width);
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
#if ZKN_PATH_IFMA
    for (; begin + 2 * LANES <= end; begin += 2 * LANES) {
        poseidon_sixteen(&job->out[begin], &job->tags[begin * job->tag_stride], job->tag_stride,
                         &job->inputs[begin * job->length], job->length, job->length);
    }
    for (; begin + LANES <= end; begin += LANES) {
        poseidon_eight(&job->out[begin], &job->tags[begin * job->tag_stride], job->tag_stride,
                       &job->inputs[begin * job->length], job->length, job->length);
    }
#endif
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
    zkn_parallel(n, zkn_worth(n, ZKN_HASHES_MIN, threads), hash_share, &job);
    return ZKN_OK;
}

/* how many of the `left` inputs the next hash of a chain takes */
static size_t chain_block(size_t left)
{
    return left < ZKN_POSEIDON_MAX_ARITY ? left : ZKN_POSEIDON_MAX_ARITY;
}

static void chain_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const hash_job *job = ctx;
#if ZKN_PATH_IFMA
    for (size_t some; begin + LANES <= end; begin += some) {
        some = end - begin < 2 * LANES ? LANES : 2 * LANES;
        zkn_fr *h = &job->out[begin];
        for (size_t i = 0; i < some; i++) h[i] = *job->tags;
        for (size_t at = 0, block; at < job->length; at += block) {
            const zkn_fr *inputs = &job->inputs[begin * job->length + at];
            block = chain_block(job->length - at);
            if (some == LANES) {
                poseidon_eight(h, h, 1, inputs, job->length, block);
            } else {
                poseidon_sixteen(h, h, 1, inputs, job->length, block);
            }
        }
    }
#endif
    for (size_t i = begin; i < end; i++) {
        const zkn_fr *inputs = &job->inputs[i * job->length];
        zkn_fr h = *job->tags;
        for (size_t at = 0, block; at < job->length; at += block) {
            block = chain_block(job->length - at);
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
    zkn_parallel(n, zkn_worth(n, ZKN_HASHES_MIN, threads), chain_share, &job);
    return ZKN_OK;
}
