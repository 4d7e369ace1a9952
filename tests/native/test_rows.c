/* Matrices over Fr: encoded row by row, and multiplied from either side, by their definitions. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fr_dot.h"

/* More rows than terms that one reduction takes; columns that no number of threads divides. */
enum { ROWS = 6 * FR_DOT_MAX_TERMS + 3, COLUMNS = 19, LENGTH = 32 };

static uint64_t seed = 23;

/* Random, and at the ends of the field. */
static void fill(zkn_fr *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fr_from_u64(&out[i], next_random(&seed));
        fr_sqr(&out[i], &out[i]), fr_sqr(&out[i], &out[i]);
        if (i % 7 == 3) fr_zero(&out[i]);
        if (i % 5 == 2) fr_one(&out[i]), fr_neg(&out[i], &out[i]);
    }
}

static void products(const zkn_fr *in)
{
    zkn_fr weights[ROWS], out[ROWS], term, sum;
    fill(weights, ROWS);
    for (unsigned threads = 0; threads <= 3; threads++) {
        for (size_t rows = 0; rows <= ROWS; rows += ROWS / 5) {
            zkn_fr_rows_sum(out, in, rows, COLUMNS, weights, threads);
            for (size_t j = 0; j < COLUMNS; j++) {
                fr_zero(&sum);
                for (size_t i = 0; i < rows; i++) {
                    fr_mul(&term, &weights[i], &in[i * COLUMNS + j]);
                    fr_add(&sum, &sum, &term);
                }
                CHECK(fr_equal(&sum, &out[j]));
            }
            zkn_fr_rows_dot(out, in, rows, COLUMNS, weights, threads);
            for (size_t i = 0; i < rows; i++) {
                fr_zero(&sum);
                for (size_t j = 0; j < COLUMNS; j++) {
                    fr_mul(&term, &weights[j], &in[i * COLUMNS + j]);
                    fr_add(&sum, &sum, &term);
                }
                CHECK(fr_equal(&sum, &out[i]));
            }
        }
    }
}

static void unequal(const zkn_fr *in)
{
    enum { N = 2 * ROWS };
    zkn_fr product[N];
    uint8_t found[N];
    for (unsigned threads = 0; threads <= 3; threads++) {
        for (size_t i = 0; i < N; i++) {
            fr_mul(&product[i], &in[i], &in[N + i]);
            if (i % 11 == 4) fr_sub(&product[i], &product[i], &in[2]); /* -1 */
        }
        zkn_unequal_products(found, in, in + N, product, N, threads);
        for (size_t i = 0; i < N; i++) CHECK(found[i] == (i % 11 == 4));
    }
}

static size_t reversed(size_t i, unsigned bits)
{
    size_t out = 0;
    for (; bits > 0; bits--, i >>= 1) out = 2 * out + i % 2;
    return out;
}

/* Row i at w^j, w of order LENGTH: the polynomial of its coefficients there. */
static void codes(const zkn_fr *in)
{
    enum { SOME = 5 };
    zkn_fr twiddles[LENGTH / 2], out[SOME * LENGTH], x, value;
    CHECK(zkn_fr_ntt_twiddles(twiddles, LENGTH / 2) == ZKN_OK);
    for (size_t k = 1; k <= LENGTH; k += k < COLUMNS ? COLUMNS - 1 : LENGTH - COLUMNS) {
        for (unsigned threads = 1; threads <= 2; threads++) {
            CHECK(zkn_fr_rows_encode(out, LENGTH, in, k, SOME, twiddles, threads) == ZKN_OK);
            for (size_t i = 0; i < SOME; i++) {
                for (uint64_t j = 0; j < LENGTH; j++) {
                    fr_pow_public(&x, &FR_ROOTS[5], &j, 1);
                    zkn_fr_vec_evaluate(&value, in + i * k, k, &x);
                    CHECK(fr_equal(&value, &out[i * LENGTH + reversed(j, 5)]));
                }
            }
        }
    }
    CHECK(zkn_fr_rows_encode(out, LENGTH, in, LENGTH + 1, 1, twiddles, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_fr_rows_encode(out, 0, in, 0, 1, twiddles, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_fr_rows_encode(out, 24, in, 3, 1, twiddles, 1) == ZKN_BAD_LENGTH);
}

/* Long rows against the transform of each, padded: in blocks of one pass and of two, several rows together and one alone. */
static void long_codes(void)
{
    enum { MOST = 1 << 11, MANY = 21 };
    zkn_fr *in = malloc(MOST * MANY * sizeof *in), *out = malloc(MOST * MANY * sizeof *out);
    zkn_fr *twiddles = malloc(MOST / 2 * sizeof *twiddles), *row = malloc(MOST * sizeof *row);
    static const size_t columns[] = {0, 1, 2, 4, 7, 31, 64, 259, 1024, 1500, MOST};
    CHECK(zkn_fr_ntt_twiddles(twiddles, MOST / 2) == ZKN_OK);
    fill(in, MOST * MANY);
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        const size_t k = columns[c];
        for (size_t rows = 1; rows <= MANY; rows += rows < 6 ? 1 : 5) {
            CHECK(zkn_fr_rows_encode(out, MOST, in, k, rows, twiddles, 1 + rows % 2) == ZKN_OK);
            for (size_t i = 0; i < rows; i++) {
                memset(row, 0, MOST * sizeof *row);
                memcpy(row, in + i * k, k * sizeof *row);
                CHECK(zkn_fr_ntt(row, MOST, twiddles, 1) == ZKN_OK);
                for (size_t j = 0; j < MOST; j++) CHECK(fr_equal(&row[j], &out[i * MOST + reversed(j, 11)]));
            }
        }
    }
    free(in), free(out), free(twiddles), free(row);
}

int main(void)
{
    long_codes();
    zkn_fr *in = malloc(ROWS * COLUMNS * sizeof *in);
    _Static_assert(ROWS * COLUMNS >= 5 * LENGTH, "rows enough to encode");
    fill(in, ROWS * COLUMNS);
    products(in);
    unequal(in);
    codes(in);
    free(in);
    return failures != 0;
}
