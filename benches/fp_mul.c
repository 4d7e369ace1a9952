/* Products over Fp, one after another, for benches/ours.py: the core has no vector of Fp to time them by. */
#include "bytes.h"
#include "field.h"

void bench_fp_decode(zkn_fp *out, const uint8_t *in, size_t n);
void bench_fp_encode(uint8_t *out, const zkn_fp *in, size_t n);
void bench_fp_mul(zkn_fp *out, const zkn_fp *a, const zkn_fp *b, size_t n);

/* 32 bytes each, big-endian, below the modulus */
void bench_fp_decode(zkn_fp *out, const uint8_t *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t x[4];
        for (size_t j = 0; j < 4; j++) x[j] = zkn_load_be(in + 32 * i + 8 * (3 - j));
        fp_from_canonical(&out[i], x);
    }
}

void bench_fp_encode(uint8_t *out, const zkn_fp *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t x[4];
        fp_to_canonical(x, &in[i]);
        for (size_t j = 0; j < 4; j++) zkn_store_be(out + 32 * i + 8 * (3 - j), x[j]);
    }
}

void bench_fp_mul(zkn_fp *out, const zkn_fp *a, const zkn_fp *b, size_t n)
{
    for (size_t i = 0; i < n; i++) fp_mul(&out[i], &a[i], &b[i]);
}
