/* What the files of the transform over Fr share. */
#ifndef ZKN_NTT_H
#define ZKN_NTT_H

#include "field.h"
#include "threads.h"

/* Some levels of every block of an array, on the way through a transform. */
typedef struct {
    zkn_fr *a;
    const zkn_fr *twiddles;
    size_t length;   /* of a block before the pass */
    size_t first;    /* number of the block at a, on its level */
    unsigned levels; /* of the pass */
} ntt_pass;

/* The first `levels` levels of n elements in so many passes, by a task over groups of `columns` columns of all
 * blocks; *p is left at the last pass, which does the other levels. */
void ntt_passes(ntt_pass *p, unsigned levels, unsigned passes, size_t columns, size_t n, unsigned threads,
                zkn_task task);

/* n values of the polynomial with coefficients a, in bit-reversed order: with first 0 at w^k, with first 1 at the odd
 * powers v^(2k+1) of the root v of w, for which the table is twice as long. n is a length of zkn_fr_ntt. */
void ntt_reversed(zkn_fr *a, size_t n, size_t first, const zkn_fr *twiddles, unsigned threads);

/* Element k and the one with the bits of k reversed change places. */
void ntt_order(zkn_fr *a, size_t n, unsigned threads);

/* Shorter arrays are not worth a thread. */
enum { NTT_THREADS_MIN = 1 << 12 };

static inline int ntt_is_length(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0 && n <= (size_t)1 << FR_TWO_ADICITY;
}

#endif
