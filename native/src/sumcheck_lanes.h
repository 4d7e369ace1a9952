/* Pairs of tables of a sumcheck in lanes, on the path that has them. */
#ifndef ZKN_SUMCHECK_LANES_H
#define ZKN_SUMCHECK_LANES_H

#include "field.h"

#if ZKN_HAS_LANES

/* n is a multiple of eight. The value above a[i] is upper[i], and 0 for every i if that is NULL. */
void sumcheck_lanes_fold(zkn_fr *a, const zkn_fr *upper, const zkn_fr *r, size_t n);

/* What n pairs add to both sums of sumcheck.c; of three tables, the third has no values above. */
void sumcheck_lanes_rows(zkn_fr sums[2], const zkn_fr *const tables[3], const zkn_fr *const upper[2],
                         const zkn_fr *eq, size_t n);
void sumcheck_lanes_product(zkn_fr sums[2], const zkn_fr *const tables[2], const zkn_fr *const upper[2],
                            size_t n);
/* to the five sums of powers */
void sumcheck_lanes_powers(zkn_fr sums[5], const zkn_fr *d, const zkn_fr *upper, const zkn_fr *e,
                           const zkn_fr *eq, size_t n);

#endif

#endif
