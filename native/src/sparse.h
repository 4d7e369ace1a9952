/* One row of a sparse matrix times a vector, for matvec.c and witness.c. */
#ifndef ZKN_SPARSE_H
#define ZKN_SPARSE_H

#include "zkn.h"

/* Where 1 and -1 stand in a pool (UINT32_MAX: nowhere): most entries of a circuit, and they need no multiplication. */
typedef struct {
    uint32_t one, minus_one;
} sparse_units;

sparse_units sparse_units_of(const zkn_fr *pool, size_t n_pool);
void sparse_row_dot(zkn_fr *out, const zkn_sparse *m, size_t row, const zkn_fr *pool, sparse_units units,
                    const zkn_fr *w);

#endif
