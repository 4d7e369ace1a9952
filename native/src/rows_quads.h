/* Rows encoded four at a time, on the adx path. */
#ifndef ZKN_ROWS_QUADS_H
#define ZKN_ROWS_QUADS_H

#include "zkn.h"

enum {
    ROWS_QUAD_BLOCK_MIN = 4, /* values */
    ROWS_QUADS_MIN = 2       /* rows: four lanes take less time than two rows one after the other */
};

/* A block of `length` values of each row, which are powers of two: out[i apart + j] <- the values of what stands for block
 * `block` of the transform of row i (ntt.c), bit-reversed, which is head[i][j] for j < n_head and in[i columns + j] for the
 * rest of its length; head is what stands in out. */
void rows_quads_block(zkn_fr *out, size_t apart, const zkn_fr *in, size_t columns, size_t n_head, size_t rows,
                      size_t length, size_t block, const zkn_fr *twiddles);

#endif
