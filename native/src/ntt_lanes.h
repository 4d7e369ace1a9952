/* The levels of a transform over Fr in lanes, on the path that has them. */
#ifndef ZKN_NTT_LANES_H
#define ZKN_NTT_LANES_H

#include "zkn.h"

/* Shorter transforms have fewer than eight blocks of their own for the last levels. */
enum { NTT_LANES_MIN = 1 << 7 };

/* All levels of ntt.c, natural order in, bit-reversed out; n >= NTT_LANES_MIN. */
void ntt_lanes(zkn_fr *a, size_t n, const zkn_fr *twiddles, unsigned threads);

#endif
