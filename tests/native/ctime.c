/* Constant time under a memory checker: secrets are marked undefined, so that valgrind reports every branch and
 * every address that depends on one (Langley 2010, ctgrind).
 *
 *     ctime            runs every kernel that promises it; valgrind --error-exitcode=9 must report nothing
 *     ctime control    branches on a secret, which valgrind must report */
#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "program.h"
#include "zkn_bls.h"

static void fill(zkn_fr *out, size_t n)
{
    for (size_t i = 0; i < n; i++) fr_from_u64(&out[i], 3 * i + 7);
}

static int poseidon(void)
{
    zkn_fr tag, inputs[33], out[4];
    zkn_status status = ZKN_OK;
    fill(&tag, 1), fill(inputs, 33);
    for (size_t arity = 1; arity <= 16; arity++) { /* the constants, which are public, are derived here */
        status |= zkn_poseidon_many(out, &tag, 1, inputs, arity, 1, 1);
    }
    VALGRIND_MAKE_MEM_UNDEFINED(inputs, sizeof inputs);
    VALGRIND_MAKE_MEM_UNDEFINED(&tag, sizeof tag);
    for (size_t arity = 1; arity <= 16; arity++) {
        status |= zkn_poseidon_many(out, &tag, 1, inputs, arity, 2, 1);
    }
    status |= zkn_poseidon_chain_many(out, &tag, inputs, 33, 1, 1);
    status |= zkn_poseidon_permute(inputs, 17);
    status |= zkn_merkle_empty_roots(out, &tag, 2, 3);
    status |= zkn_merkle_parents(out, &tag, &inputs[3], inputs, 3, 2, 1);
    return status != ZKN_OK;
}

/* Arithmetic, inversion and transforms of Fr. (The vector inverse tells which element is zero, so it is not here.) */
static int scalars(void)
{
    enum { N = 64 };
    zkn_fr a[N], b[N], out[N], twiddles[N], x;
    uint8_t bytes[32 * N];
    zkn_status status = zkn_fr_ntt_twiddles(twiddles, N);
    fill(a, N), fill(b, N), fill(&x, 1);
    VALGRIND_MAKE_MEM_UNDEFINED(a, sizeof a);
    VALGRIND_MAKE_MEM_UNDEFINED(b, sizeof b);
    VALGRIND_MAKE_MEM_UNDEFINED(&x, sizeof x);
    zkn_fr_vec_add(out, a, b, N), zkn_fr_vec_sub(out, a, b, N);
    zkn_fr_vec_mul(out, a, b, N, 1), zkn_fr_vec_scale(out, a, &x, N, 1);
    zkn_fr_vec_scale_powers(out, a, &x, &b[1], N, 1);
    zkn_fr_vec_dot(out, a, b, N), zkn_fr_vec_evaluate(out, a, N, &x);
    zkn_fr_vec_divide_linear(out, &b[0], a, N, &x);
    zkn_fr_vec_encode_be(bytes, a, N), zkn_fr_vec_encode_le(bytes, a, N);
    fr_inv(out, a), fr_neg(out, a);
    status |= zkn_fr_ntt(a, N, twiddles, 1);
    status |= zkn_fr_intt(a, N, twiddles, 1);
    status |= zkn_fr_quotient(out, a, b, N, twiddles, 1);
    return status != ZKN_OK;
}

/* What the prover of the transparent system runs over witness, masks and salts; points and weights are public. */
static int sumchecks(void)
{
    enum { N = 16 };
    zkn_fr a[N], b[N], c[N], eq[N], out[2 * N], twiddles[N], r;
    uint8_t salts[32 * N], digests[32 * N], person[16] = {0};
    zkn_status status = zkn_fr_ntt_twiddles(twiddles, N);
    fill(a, N), fill(b, N), fill(c, N), fill(eq, N), fill(&r, 1), fill(out, 2 * N);
    memset(salts, 1, sizeof salts);
    VALGRIND_MAKE_MEM_UNDEFINED(a, sizeof a);
    VALGRIND_MAKE_MEM_UNDEFINED(b, sizeof b);
    VALGRIND_MAKE_MEM_UNDEFINED(c, sizeof c);
    VALGRIND_MAKE_MEM_UNDEFINED(salts, sizeof salts);
    zkn_sumcheck_rows(out, a, b, c, eq, 13, 8, 1), zkn_sumcheck_product(out, a, b, 13, 8, 1);
    zkn_sumcheck_powers(out, a, c, eq, 13, 8, 1);
    zkn_unequal_products(digests, a, b, c, N, 1), zkn_unequal_powers(digests, a, c, N, 1);
    zkn_fr_rows_sum(out, a, 4, 4, eq, 1), zkn_fr_rows_dot(out, a, 4, 4, b, 1);
    status |= zkn_eq_table(out, 13, a, 4);
    zkn_blake2b_columns(digests, NULL, person, salts, a, 0, 4, 4, 1);
    zkn_blake2b_parents(digests, person, salts, N / 2, 1);
    zkn_sumcheck_fold(a, 13, 8, &r, 1);
    status |= zkn_fr_rows_encode(out, 16, b, 6, 2, twiddles, 1);
    return status != ZKN_OK;
}

/* The circuit is public; what flows through it is not. (Of zkn_r1cs_broken, which rows are broken is its answer.) */
static int witness(void)
{
    fixture f;
    zkn_fr slots[SLOTS], out[ROWS];
    uint8_t broken[ROWS];
    size_t bad;
    make(&f);
    fill(slots, SLOTS);
    zkn_status status = zkn_witness_check(&bad, &f.program);
    VALGRIND_MAKE_MEM_UNDEFINED(&slots[1], sizeof slots - sizeof *slots);
    zkn_witness_run(slots, &f.program);
    zkn_fr blocks[9 * SLOTS];
    uint8_t scratch[1 << 14];
    if (zkn_witness_apart_scratch_size(&f.program) > sizeof scratch) return 1;
    for (size_t i = 0; i < 9 * SLOTS; i++) blocks[i] = slots[i % SLOTS];
    zkn_witness_apart(blocks, &f.program, 9, scratch);
    zkn_sparse_product(out, &f.program.c, f.pool, POOL, slots, 1);
    zkn_sparse_blocks_product(out, &f.program.c, f.pool, POOL, slots, SLOTS, slots, 1, 1);
    zkn_r1cs_broken(broken, &f.program.a, &f.program.b, &f.program.c, f.pool, POOL, slots, 1);
    return status != ZKN_OK;
}

/* Keys and signatures of BLS12-381: the point is public, the integer is not. (On the ifma path they are those of adx.) */
static int signing(void)
{
#if !ZKN_PATH_IFMA
    uint8_t k[32];
    zkn_bls_g1_aff a, key;
    zkn_bls_g2_aff b, signature;
    for (unsigned i = 0; i < sizeof k; i++) k[i] = (uint8_t)(7 * i + 1);
    zkn_bls_g1_generator(&a), zkn_bls_g2_generator(&b);
    VALGRIND_MAKE_MEM_UNDEFINED(k, sizeof k);
    zkn_bls_g1_mul_secret(&key, &a, k);
    zkn_bls_g2_mul_secret(&signature, &b, k);
#endif
    return 0;
}

static int control(void)
{
    zkn_fr secret;
    fill(&secret, 1);
    VALGRIND_MAKE_MEM_UNDEFINED(&secret, sizeof secret);
    if (fr_is_zero(&secret)) puts("zero");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "control") == 0) return control();
    return poseidon() | scalars() | sumchecks() | witness() | signing();
}
