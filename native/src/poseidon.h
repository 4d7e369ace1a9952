/* Parameters of one Poseidon permutation, in the form the native code runs.
 *
 * A partial round applies the S-box to lane 0 alone, x to y, so the other n = t-1 lanes u are a linear system
 * driven by y. With M = (a v; w H) in blocks:
 *
 *     x' = a y + v u,         u' = H u + w y
 *
 * In the basis T where (H, w) is in controller canonical form (Kalman 1963) the lanes are a shift register,
 * with X^n + p_1 X^(n-1) + .. + p_n the characteristic polynomial of H:
 *
 *     x' = a y + (v T) u,     u'_1 = y - p_1 u_1 - .. - p_n u_n,     u'_(i+1) = u_i
 *
 * That is 2t-1 products and two reductions a round, with the same 2t-1 numbers in every round. The sparse
 * matrices of Grassi et al. (2021, appendix on efficient implementation) need the same products, t
 * reductions and different numbers each round. The matrices on either side of the partial rounds absorb the
 * change of basis, and their constants are pushed forward through M until one scalar a round is left. */
#ifndef ZKN_POSEIDON_H
#define ZKN_POSEIDON_H

#include "zkn.h"

enum {
    POSEIDON_HALF_FULL = ZKN_POSEIDON_FULL_ROUNDS / 2,
    POSEIDON_MAX_PARTIAL = 70,
    POSEIDON_MAX_ROUNDS = ZKN_POSEIDON_FULL_ROUNDS + POSEIDON_MAX_PARTIAL
};

/* Matrices are rows of `width` entries without gaps. */
#define POSEIDON_TABLE(entry)                                                                                \
    struct {                                                                                                 \
        size_t width, partial_rounds;                                                                        \
        entry first[POSEIDON_HALF_FULL * ZKN_POSEIDON_MAX_WIDTH]; /* constants of the first full rounds */   \
        entry scalar[POSEIDON_MAX_PARTIAL]; /* constant of lane 0 in each partial round */                   \
        entry last[POSEIDON_HALF_FULL * ZKN_POSEIDON_MAX_WIDTH]; /* constants of the last full rounds */     \
        entry mds[ZKN_POSEIDON_MAX_WIDTH * ZKN_POSEIDON_MAX_WIDTH];                                          \
        /* diag(1, 1/T) M, after the last of the first full rounds */                                        \
        entry enter[ZKN_POSEIDON_MAX_WIDTH * ZKN_POSEIDON_MAX_WIDTH];                                        \
        /* M diag(1, T), after the last partial round */                                                     \
        entry leave[ZKN_POSEIDON_MAX_WIDTH * ZKN_POSEIDON_MAX_WIDTH];                                        \
        entry step[ZKN_POSEIDON_MAX_WIDTH];     /* a, v T */                                                 \
        entry feed[ZKN_POSEIDON_MAX_WIDTH - 1]; /* -p_1 .. -p_n */                                           \
    }

typedef POSEIDON_TABLE(zkn_fr) poseidon_table;

/* The table of a width between 2 and 17; derived by the first caller, then shared by all threads. */
const poseidon_table *poseidon_table_of(size_t width);

#endif
