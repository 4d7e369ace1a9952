/* Vectors over Fr in lanes, on the path that has them. */
#ifndef ZKN_FR_VEC_LANES_H
#define ZKN_FR_VEC_LANES_H

#include "field.h"

#if ZKN_HAS_LANES

/* What the functions do at a time: two sets of lanes, since one product waits for its own limbs. */
enum { FR_VEC_LANES = 16 };

/* n is a multiple of FR_VEC_LANES; out may be an operand. */
void fr_lanes_mul(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n);
void fr_lanes_scale(zkn_fr *out, const zkn_fr *a, const zkn_fr *s, size_t n);

/* out[i] <- a[i] s g^i */
void fr_lanes_scale_powers(zkn_fr *out, const zkn_fr *a, const zkn_fr *s, const zkn_fr *g, size_t n);

void fr_lanes_dot(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n);

/* sum of a[i] x^i */
void fr_lanes_evaluate(zkn_fr *out, const zkn_fr *a, size_t n, const zkn_fr *x);

/* out[i] <- 1/a[i]; n > 0, no element is zero, and out is not a. */
void fr_lanes_inverse(zkn_fr *out, const zkn_fr *a, size_t n);

#endif

#endif
