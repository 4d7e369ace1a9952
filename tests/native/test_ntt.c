/* The transform by its definition, and its inverse. */
#include "check.h"
#include "field.h"

#include <stdlib.h>
#include <string.h>

static void definition(size_t n, const zkn_fr *twiddles, unsigned threads)
{
    zkn_fr *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
    for (size_t i = 0; i < n; i++) fr_from_u64(&a[i], i * i + 3);
    memcpy(b, a, n * sizeof *a);
    CHECK(zkn_fr_ntt(b, n, twiddles, threads) == ZKN_OK);
    const zkn_fr *w = &FR_ROOTS[__builtin_ctzll(n)];
    for (size_t k = 0; k < n; k += n / 8 + 1) {
        zkn_fr x, value;
        const uint64_t exponent = k;
        fr_pow_public(&x, w, &exponent, 1);
        zkn_fr_vec_evaluate(&value, a, n, &x);
        CHECK(fr_equal(&value, &b[k]));
    }
    CHECK(zkn_fr_intt(b, n, twiddles, threads) == ZKN_OK);
    CHECK(memcmp(a, b, n * sizeof *a) == 0);
    free(a);
    free(b);
}

int main(void)
{
    enum { HALF = 1 << 13 };
    zkn_fr *twiddles = malloc(HALF * sizeof *twiddles), a[6];
    CHECK(zkn_fr_ntt_twiddles(twiddles, HALF) == ZKN_OK);
    for (size_t n = 1; n <= 2 * HALF; n *= 2) {
        for (unsigned threads = 0; threads <= 3; threads++) definition(n, twiddles, threads);
    }
    CHECK(zkn_fr_ntt(a, 0, twiddles, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_fr_ntt(a, 6, twiddles, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_fr_intt(a, 3, twiddles, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_fr_ntt(a, (size_t)1 << 29, twiddles, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_fr_ntt_twiddles(a, 3) == ZKN_BAD_LENGTH);
    CHECK(zkn_fr_ntt_twiddles(a, (size_t)1 << 28) == ZKN_BAD_LENGTH);
    free(twiddles);
    return failures != 0;
}
