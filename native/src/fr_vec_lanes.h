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

/* sum[i] <- sum[i] + s a[i]; n is a multiple of eight, here and in the next three. */
void fr_lanes_add_scaled(zkn_fr *sum, const zkn_fr *a, const zkn_fr *s, size_t n);

/* unequal[i] <- is a[i] b[i] another element than c[i]? */
void fr_lanes_unequal_products(uint8_t *unequal, const zkn_fr *a, const zkn_fr *b, const zkn_fr *c, size_t n);
/* unequal[i] <- is d[i]^5 another element than e[i]? */
void fr_lanes_unequal_powers(uint8_t *unequal, const zkn_fr *d, const zkn_fr *e, size_t n);

/* out[2 i + 1] <- p a[i], out[2 i] <- a[i] - p a[i], of the last element first, eight by eight; out may be a. */
void fr_lanes_split(zkn_fr *out, const zkn_fr *a, const zkn_fr *p, size_t n);

void fr_lanes_dot(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n);

/* sum of a[i] x^i */
void fr_lanes_evaluate(zkn_fr *out, const zkn_fr *a, size_t n, const zkn_fr *x);

/* out[i] <- 1/a[i]; n > 0, no element is zero, and out is not a. */
void fr_lanes_inverse(zkn_fr *out, const zkn_fr *a, size_t n);

#endif

#endif
