/* The quotient of a Groth16 proof, by six transforms and no division.
 *
 * A transform of the values of a polynomial A at w^k is n times its coefficients, backwards: n A_j stands at -j. Its
 * element 0 negated, it is the polynomial -n X^n A(1/X) + .. at points with x^n = -1: so a second transform, at the odd
 * points x = v^(2i+1), gives -n A(1/x), and 1/x is the odd point n - 1 - i. Nothing is turned round or scaled in
 * between; what is left to do is done once, on the result. */
#include "ntt.h"

typedef struct {
    zkn_fr *h, *a, *b;
    size_t n;
    zkn_fr inverse, inverse_squared; /* of n */
} quotient;

static void product_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const quotient *q = ctx;
    for (size_t i = begin; i < end; i++) fr_mul(&q->h[i], &q->a[i], &q->b[i]);
}

/* out <- A B - C at one point, of -n A, -n B, -n C */
static inline void value_at(zkn_fr *out, const quotient *q, size_t k)
{
    zkn_fr left[2] = {q->b[k], q->h[k]}, right[2];
    fr_mul(&right[0], &q->a[k], &q->inverse_squared);
    right[1] = q->inverse;
    fr_sum_products(out, left, fr_in_order, right, 2, 2);
}

/* In bit-reversed order the odd points i and n - 1 - i stand at k and n - 1 - k. */
static void value_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const quotient *q = ctx;
    for (size_t k = begin; k < end; k++) {
        zkn_fr low, high;
        value_at(&low, q, k);
        value_at(&high, q, q->n - 1 - k);
        q->h[k] = high;
        q->h[q->n - 1 - k] = low;
    }
}

static void to_odd_points(zkn_fr *a, size_t n, const zkn_fr *twiddles, unsigned threads)
{
    ntt_reversed(a, n, 0, twiddles, threads);
    ntt_order(a, n, threads);
    fr_neg(&a[0], &a[0]);
    ntt_reversed(a, n, 1, twiddles, threads);
}

zkn_status zkn_fr_quotient(zkn_fr *h, zkn_fr *a, zkn_fr *b, size_t n, const zkn_fr *twiddles,
                           unsigned threads)
{
    if (!ntt_is_length(n) || n > (size_t)1 << (FR_TWO_ADICITY - 1)) return ZKN_BAD_LENGTH;
    quotient q = {.h = h, .a = a, .b = b, .n = n};
    q.inverse = FR_INVERSE_POWERS_OF_TWO[__builtin_ctzll(n)];
    fr_mul(&q.inverse_squared, &q.inverse, &q.inverse);
    if (n < NTT_THREADS_MIN) threads = 1;
    zkn_parallel(n, threads, product_share, &q);
    to_odd_points(a, n, twiddles, threads);
    to_odd_points(b, n, twiddles, threads);
    to_odd_points(h, n, twiddles, threads);
    zkn_parallel((n + 1) / 2, threads, value_share, &q);
    ntt_order(h, n, threads);
    return ZKN_OK;
}
