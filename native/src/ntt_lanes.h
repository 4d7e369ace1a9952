/* The levels of a transform over Fr in lanes, on the path that has them. */
#ifndef ZKN_NTT_LANES_H
#define ZKN_NTT_LANES_H

#include "ntt.h"

/* Shorter transforms have fewer than eight blocks of their own for the last levels. */
enum { NTT_LANES_MIN = 1 << 7 };

/* All levels of ntt_reversed on n >= NTT_LANES_MIN elements, from the state before its first pass. */
void ntt_lanes(ntt_pass *p, size_t n, unsigned threads);

#endif
