/* Sums of rows in lanes, on the path that has them. */
#ifndef ZKN_ROWS_LANES_H
#define ZKN_ROWS_LANES_H

#include "field.h"

#if ZKN_HAS_LANES

/* out[j] <- sum of weights[i] in[i apart + j], for j < n, a multiple of eight. */
void rows_lanes_sum(zkn_fr *out, const zkn_fr *in, size_t rows, size_t apart, const zkn_fr *weights,
                    size_t n);

#endif

#endif
