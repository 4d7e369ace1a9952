/* zkn: the native core of zkstate. This header is the whole contract, and also the cffi declaration.
 *
 * - The caller owns all memory. A kernel that needs room takes `scratch` and publishes its size in bytes;
 *   scratch needs the alignment of malloc and holds copies of the inputs afterwards, unless a comment says that it is erased: erase it if they are
 *   secret.
 * - Order of arguments: out, in-out, in; a length follows its array. Arrays do not overlap unless a
 *   comment allows it.
 * - A zkn_status says whether the input was usable. The truth of a well-formed statement comes back in an
 *   `int *ok`.
 * - `threads` is the number of threads used at most; 0 counts as 1. Results never depend on it.
 * - Timing depends on lengths and on the status returned alone, except in functions whose name ends in
 *   _vartime. Additions of points also depend on which of them are infinity, equal or opposite.
 */
#ifndef ZKN_H
#define ZKN_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    ZKN_OK = 0,
    ZKN_BAD_LENGTH,   /* not a power of two, too long, empty */
    ZKN_BAD_ENCODING, /* an integer that is not below its modulus */
    ZKN_NOT_ON_CURVE,
    ZKN_NOT_IN_SUBGROUP,
    ZKN_DIVISION_BY_ZERO,
    ZKN_OUT_OF_RANGE, /* an index past the array it points into */
    ZKN_UNSUPPORTED   /* a CPU path that this machine lacks */
} zkn_status;

/* Zeroes n bytes that held secrets, in a way that no compiler removes. */
void zkn_wipe(void *out, size_t n);

/* The same by so many threads, for the scratch of a kernel that took as many. */
void zkn_wipe_shared(void *out, size_t n, unsigned threads);

/* ---- CPU paths ----------------------------------------------------------------------------------
 * Every other function of this header exists once per path, and all paths give the same bytes. Until one is
 * chosen the portable path runs. A choice is for the whole process; make it before other threads call in. */
typedef enum {
    ZKN_CPU_PORTABLE = 0,
    ZKN_CPU_ADX,  /* x86-64 with BMI2, ADX and AVX2 */
    ZKN_CPU_IFMA, /* and AVX-512 F, DQ, BW, VL, IFMA */
    ZKN_CPU_PATHS
} zkn_cpu;

/* The words that decide: leaf 1 ECX, leaf 7 EBX of CPUID, and XCR0 (0 without OSXSAVE). All 0 off x86-64. */
typedef struct {
    uint32_t leaf1_ecx, leaf7_ebx;
    uint64_t xcr0;
} zkn_cpu_words;

void zkn_cpu_read(zkn_cpu_words *out);
/* The best path that a CPU with these words runs and this build holds. */
zkn_cpu zkn_cpu_best(const zkn_cpu_words *words);
/* Uses a path from here on; ZKN_UNSUPPORTED if this CPU or this build lacks it. */
zkn_status zkn_cpu_use(zkn_cpu path);
zkn_cpu zkn_cpu_used(void);

/* ---- fields -------------------------------------------------------------------------------------
 * Names without a curve are those of BN254; zkn_bls_* are those of BLS12-381. An element is x R mod m with R = 2^256
 * (2^384 for zkn_bls_fp), least significant limb first, always fully reduced (below the modulus). */

typedef struct {
    uint64_t l[4];
} zkn_fp;

typedef struct {
    uint64_t l[6];
} zkn_bls_fp;

typedef struct {
    uint64_t l[4];
} zkn_fr;

typedef struct {
    uint64_t l[4];
} zkn_bls_fr;

/* c0 + c1 i, i^2 = -1 */
typedef struct {
    zkn_fp c0, c1;
} zkn_fp2;

typedef struct {
    zkn_bls_fp c0, c1;
} zkn_bls_fp2;

/* Affine points; infinity is all zero, which is no point of either curve. */
typedef struct {
    zkn_fp x, y;
} zkn_g1_aff;

typedef struct {
    zkn_bls_fp x, y;
} zkn_bls_g1_aff;

typedef struct {
    zkn_fp2 x, y;
} zkn_g2_aff;

typedef struct {
    zkn_bls_fp2 x, y;
} zkn_bls_g2_aff;

enum {
    ZKN_PAIRING_LINES = 88, /* of one fixed second argument */
    ZKN_BLS_PAIRING_LINES = 68,
    ZKN_PAIRING_MAX_FIXED = 8
};

/* A line of the Miller loop that depends on the second argument alone. Opaque: stored nowhere. */
typedef struct {
    zkn_fp2 slope, constant;
} zkn_line;

typedef struct {
    zkn_bls_fp2 slope, constant;
} zkn_bls_line;

/* A product of pairings to a fixed power prime to r. Opaque, and equal for equal products only within one build. */
typedef struct {
    zkn_fp2 c[6];
} zkn_gt;

typedef struct {
    zkn_bls_fp2 c[6];
} zkn_bls_gt;

/* ==== for both curves: every function from here to the next such line exists once more, for BLS12-381, with zkn_bls_
 * for zkn_ in its name and in its types. native/paths.py declares it in zkn_bls.h. ==== */

/* ---- vectors over Fr ----------------------------------------------------------------------------
 * out may be the same array as an input, element for element. */

/* 32 bytes each, big-endian. ZKN_BAD_ENCODING if one is not below r; *bad is then the index of the first
 * such one. */
zkn_status zkn_fr_vec_decode_be(zkn_fr *out, size_t *bad, const uint8_t *in, size_t n);
/* 32 bytes each, little-endian (equally: four little-endian 64-bit limbs). */
zkn_status zkn_fr_vec_decode_le(zkn_fr *out, size_t *bad, const uint8_t *in, size_t n);
/* Checks that n Montgomery forms are below r. */
zkn_status zkn_fr_vec_check(size_t *bad, const zkn_fr *in, size_t n);
void zkn_fr_vec_encode_be(uint8_t *out, const zkn_fr *in, size_t n);
void zkn_fr_vec_encode_le(uint8_t *out, const zkn_fr *in, size_t n);

void zkn_fr_vec_add(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n);
void zkn_fr_vec_sub(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n);
void zkn_fr_vec_mul(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n, unsigned threads);
/* out[i] <- s a[i] */
void zkn_fr_vec_scale(zkn_fr *out, const zkn_fr *a, const zkn_fr *s, size_t n, unsigned threads);
/* out[i] <- s g^i a[i] */
void zkn_fr_vec_scale_powers(zkn_fr *out, const zkn_fr *a, const zkn_fr *s, const zkn_fr *g, size_t n,
                             unsigned threads);
/* *out <- sum a[i] b[i] */
void zkn_fr_vec_dot(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n);
/* out[i] <- a[0] + .. + a[i]; out may be a */
void zkn_fr_vec_running_sums(zkn_fr *out, const zkn_fr *a, size_t n);
/* out[i] <- 1/a[i], one inversion for all (Montgomery 1987, "Montgomery's trick"). out does not alias a.
 * ZKN_DIVISION_BY_ZERO if any is zero; *bad is the index of the first. */
zkn_status zkn_fr_vec_inverse(zkn_fr *out, size_t *bad, const zkn_fr *a, size_t n);
/* *out <- sum a[i] x^i */
void zkn_fr_vec_evaluate(zkn_fr *out, const zkn_fr *a, size_t n, const zkn_fr *x);
/* *out <- the value at x of the polynomial of degree below n with values a[i] at w^j, w as for transforms and j the bits of i
 * reversed; a is used up. ZKN_BAD_LENGTH unless n is a power of two for which there is a transform. */
zkn_status zkn_fr_vec_value_at(zkn_fr *out, zkn_fr *a, size_t n, const zkn_fr *x);
/* sum a[i] X^i = (X - z) sum quotient[i] X^i + *remainder; n coefficients, at least one, give n - 1. */
void zkn_fr_vec_divide_linear(zkn_fr *quotient, zkn_fr *remainder, const zkn_fr *a, size_t n,
                              const zkn_fr *z);

/* ---- transforms over Fr -------------------------------------------------------------------------
 * w is g^((r-1)/n), g = 5 for BN254 and 7 for BLS12-381. Twiddles of length t serve every transform of up to 2 t
 * elements (of 1 and 2 elements: t = 1). */

/* Fills the table; n is a power of two, at most 2^27 (2^31 for BLS12-381). */
zkn_status zkn_fr_ntt_twiddles(zkn_fr *twiddles, size_t n);
/* a[k] <- sum_j a[j] w^(jk), in place, natural order in and out; n is a power of two, at most 2^28 (2^32). */
zkn_status zkn_fr_ntt(zkn_fr *a, size_t n, const zkn_fr *twiddles, unsigned threads);
/* The inverse of zkn_fr_ntt. */
zkn_status zkn_fr_intt(zkn_fr *a, size_t n, const zkn_fr *twiddles, unsigned threads);
/* h[i] <- a b - c at the odd point v^(2i+1), v^2 = w, for the polynomials of degree below n that have the values a[k],
 * b[k] and a[k] b[k] at w^k. Twiddles of length n, which is at most 2^27. a and b are left holding what depends on them:
 * erase them if they are secret. */
zkn_status zkn_fr_quotient(zkn_fr *h, zkn_fr *a, zkn_fr *b, size_t n, const zkn_fr *twiddles,
                           unsigned threads);

/* ==== for both curves: end ==== */

/* rows of k coefficients, one after another, to rows of n values at 1, w, .., w^(n-1) in bit-reversed order: a
 * Reed-Solomon code. n is a power of two, at most 2^28, and at least k. */
zkn_status zkn_fr_rows_encode(zkn_fr *out, size_t n, const zkn_fr *in, size_t k, size_t rows,
                              const zkn_fr *twiddles, unsigned threads);
/* out[j] <- sum_i weights[i] in[i][j], for j < columns */
void zkn_fr_rows_sum(zkn_fr *out, const zkn_fr *in, size_t rows, size_t columns, const zkn_fr *weights,
                     unsigned threads);
/* out[i] <- sum_j in[i][j] weights[j], for i < rows */
void zkn_fr_rows_dot(zkn_fr *out, const zkn_fr *in, size_t rows, size_t columns, const zkn_fr *weights,
                     unsigned threads);

/* ---- sumcheck -----------------------------------------------------------------------------------
 * A table of n values stands for a multilinear polynomial on {0,1}^s, n <= 2^s, the first variable being the
 * highest bit of an index; past its end it is zero. half is 2^(s-1), and n is at least 1. Source: Thaler 2022,
 * "Proofs, Arguments, and Zero-Knowledge", sections 3.5 and 4. */

/* out[i] <- prod_j (bit j of i ? point[j] : 1 - point[j]), for i < n <= 2^s, bit 0 being the highest of s. */
zkn_status zkn_eq_table(zkn_fr *out, size_t n, const zkn_fr *point, size_t s);
/* The first variable of a table becomes r: min(n, half) values remain. In place. */
void zkn_sumcheck_fold(zkn_fr *a, size_t n, size_t half, const zkn_fr *r, unsigned threads);
/* out <- h(0) and the coefficient of X^2 of h(X) = sum_x eq[x] (a(X,x) b(X,x) - c(X,x)), eq of half values. */
void zkn_sumcheck_rows(zkn_fr out[2], const zkn_fr *a, const zkn_fr *b, const zkn_fr *c, const zkn_fr *eq,
                       size_t n, size_t half, unsigned threads);
/* The same of h(X) = sum_x a(X,x) b(X,x). */
void zkn_sumcheck_product(zkn_fr out[2], const zkn_fr *a, const zkn_fr *b, size_t n, size_t half,
                          unsigned threads);
/* out <- h(0) and the coefficients of X^2 to X^5 of h(X) = sum_x eq[x] (d(X,x)^5 - e(X,x)), eq of half values. */
void zkn_sumcheck_powers(zkn_fr out[5], const zkn_fr *d, const zkn_fr *e, const zkn_fr *eq, size_t n,
                         size_t half, unsigned threads);

/* ---- hashing with BLAKE2b-256 (RFC 7693) ---------------------------------------------------------
 * person is the 16 bytes of the personalisation. Digests have 32 bytes. */

/* out[j] <- hash of salts[j] (32 bytes) and of in[0][j], .., in[rows-1][j], 32 bytes big-endian each; the row in[i] has
 * `columns` elements. Rows may come in several calls: `first` of them came before, 8 words of states keep a column between
 * calls, and out is NULL in all but the last. Each call but the last then ends at a block of the hash: first + rows + 1 is a
 * multiple of 4. States are as secret as what was hashed. */
void zkn_blake2b_columns(uint8_t *out, uint64_t *states, const uint8_t person[16], const uint8_t *salts,
                         const zkn_fr *in, size_t first, size_t rows, size_t columns, unsigned threads);
/* out[i] <- hash of in[2 i] and in[2 i + 1], for i < n */
void zkn_blake2b_parents(uint8_t *out, const uint8_t person[16], const uint8_t *in, size_t n,
                         unsigned threads);

/* ==== for both curves, again ==== */

/* ---- groups -------------------------------------------------------------------------------------
 * Points given to anything but decode and check are on their curve and in the subgroup of order r. Every
 * function is complete. */

void zkn_g1_generator(zkn_g1_aff *out);
/* x, y, each 32 bytes (48 for BLS12-381) big-endian; infinity is all zeros. ZKN_BAD_ENCODING if a coordinate is not
 * below q; *bad is the index of the first such point. Says nothing of the curve. */
zkn_status zkn_g1_vec_decode_be(zkn_g1_aff *out, size_t *bad, const uint8_t *in, size_t n);
void zkn_g1_vec_encode_be(uint8_t *out, const zkn_g1_aff *in, size_t n);
/* Checks coordinates, curve and subgroup of every point; *bad is the index of the first that fails. */
zkn_status zkn_g1_vec_check(size_t *bad, const zkn_g1_aff *in, size_t n, unsigned threads);
void zkn_g1_vec_neg(zkn_g1_aff *out, const zkn_g1_aff *a, size_t n);
void zkn_g1_vec_add(zkn_g1_aff *out, const zkn_g1_aff *a, const zkn_g1_aff *b, size_t n);
/* out[i] <- s[i] a[i]; one scalar stands for n equal ones. out may be a. ZKN_BAD_LENGTH for another number
 * of scalars. */
size_t zkn_g1_vec_mul_scratch_size(size_t n, unsigned threads);
zkn_status zkn_g1_vec_mul_vartime(zkn_g1_aff *out, const zkn_g1_aff *a, const zkn_fr *s, size_t n_scalars,
                                  size_t n, unsigned threads, void *scratch);
/* out[k] <- sum of in[item[i]] over offset[k] <= i < offset[k + 1], minus the point where bit 31 of item[i]
 * is set; offset has n + 1 entries. ZKN_OUT_OF_RANGE, with the list or item in *bad, if offsets fall or an
 * item is not below n_in. */
size_t zkn_g1_vec_sums_scratch_size(size_t n, unsigned threads);
zkn_status zkn_g1_vec_sums_vartime(zkn_g1_aff *out, size_t *bad, const zkn_g1_aff *in, size_t n_in,
                                   const uint32_t *item, const uint32_t *offset, size_t n, unsigned threads,
                                   void *scratch);
/* a[i] <- 1/n sum_j w^(-ij) a[j], in place, natural order, w and twiddles as for zkn_fr_ntt: from the powers
 * of tau the Lagrange basis. */
size_t zkn_g1_intt_scratch_size(unsigned threads);
zkn_status zkn_g1_intt_vartime(zkn_g1_aff *a, size_t n, const zkn_fr *twiddles, unsigned threads,
                               void *scratch);

/* *out <- sum s[i] points[i], for n points at any alignment, as in a mapped file. n is below 2^31. Scalars that
 * are 0, 1, small or minus small cost less. Erases what it has written to scratch. */
size_t zkn_g1_msm_scratch_size(size_t n, unsigned threads);
zkn_status zkn_g1_msm_vartime(zkn_g1_aff *out, const void *points, const zkn_fr *scalars, size_t n,
                              unsigned threads, void *scratch);

/* Multiples of one base. A table for windows of c bits, 2 to 16, has zkn_fixed_table_length(c) points. */
size_t zkn_g1_fixed_scratch_size(unsigned threads);
zkn_status zkn_g1_fixed_table(zkn_g1_aff *table, const zkn_g1_aff *base, unsigned c, unsigned threads,
                              void *scratch);
/* out[i] <- s[i] base */
zkn_status zkn_g1_fixed_mul_vartime(zkn_g1_aff *out, const zkn_g1_aff *table, unsigned c,
                                    const zkn_fr *scalars, size_t n, unsigned threads, void *scratch);

/* Sums over points that serve again. The table for windows of c bits, 2 to 16, has zkn_prepared_length(n, c) points; the
 * points are of odd order. */
zkn_status zkn_g1_prepare(zkn_g1_aff *table, const zkn_g1_aff *points, size_t n, unsigned c,
                          unsigned threads);
/* out[j] <- sum of s[j n + i] points[j n + i] over i < n, for the table of n `sums` points, of fewer than 2^31 entries */
size_t zkn_g1_prepared_scratch_size(size_t n, size_t sums, unsigned c, unsigned threads);
zkn_status zkn_g1_prepared_sums_vartime(zkn_g1_aff *out, const zkn_g1_aff *table, const zkn_fr *s, size_t n,
                                        size_t sums, unsigned c, unsigned threads, void *scratch);

void zkn_g2_generator(zkn_g2_aff *out);
/* x.c1, x.c0, y.c1, y.c0 (for BN254 the order of the EVM), each as for G1; infinity is all zeros. ZKN_BAD_ENCODING
 * if a coordinate is not below q; *bad is the index of the first such point. Says nothing of the curve. */
zkn_status zkn_g2_vec_decode_be(zkn_g2_aff *out, size_t *bad, const uint8_t *in, size_t n);
void zkn_g2_vec_encode_be(uint8_t *out, const zkn_g2_aff *in, size_t n);
/* Checks coordinates, curve and subgroup of every point; *bad is the index of the first that fails. */
zkn_status zkn_g2_vec_check(size_t *bad, const zkn_g2_aff *in, size_t n, unsigned threads);
void zkn_g2_vec_neg(zkn_g2_aff *out, const zkn_g2_aff *a, size_t n);
void zkn_g2_vec_add(zkn_g2_aff *out, const zkn_g2_aff *a, const zkn_g2_aff *b, size_t n);
/* out[i] <- s[i] a[i]; one scalar stands for n equal ones. out may be a. ZKN_BAD_LENGTH for another number
 * of scalars. */
size_t zkn_g2_vec_mul_scratch_size(size_t n, unsigned threads);
zkn_status zkn_g2_vec_mul_vartime(zkn_g2_aff *out, const zkn_g2_aff *a, const zkn_fr *s, size_t n_scalars,
                                  size_t n, unsigned threads, void *scratch);
/* out[k] <- sum of in[item[i]] over offset[k] <= i < offset[k + 1], minus the point where bit 31 of item[i]
 * is set; offset has n + 1 entries. ZKN_OUT_OF_RANGE, with the list or item in *bad, if offsets fall or an
 * item is not below n_in. */
size_t zkn_g2_vec_sums_scratch_size(size_t n, unsigned threads);
zkn_status zkn_g2_vec_sums_vartime(zkn_g2_aff *out, size_t *bad, const zkn_g2_aff *in, size_t n_in,
                                   const uint32_t *item, const uint32_t *offset, size_t n, unsigned threads,
                                   void *scratch);
/* a[i] <- 1/n sum_j w^(-ij) a[j], in place, natural order, w and twiddles as for zkn_fr_ntt: from the powers
 * of tau the Lagrange basis. */
size_t zkn_g2_intt_scratch_size(unsigned threads);
zkn_status zkn_g2_intt_vartime(zkn_g2_aff *a, size_t n, const zkn_fr *twiddles, unsigned threads,
                               void *scratch);

/* *out <- sum s[i] points[i], for n points at any alignment, as in a mapped file. n is below 2^31. Scalars that
 * are 0, 1, small or minus small cost less. Erases what it has written to scratch. */
size_t zkn_g2_msm_scratch_size(size_t n, unsigned threads);
zkn_status zkn_g2_msm_vartime(zkn_g2_aff *out, const void *points, const zkn_fr *scalars, size_t n,
                              unsigned threads, void *scratch);

/* Multiples of one base. A table for windows of c bits, 2 to 16, has zkn_fixed_table_length(c) points. */
size_t zkn_g2_fixed_scratch_size(unsigned threads);
zkn_status zkn_g2_fixed_table(zkn_g2_aff *table, const zkn_g2_aff *base, unsigned c, unsigned threads,
                              void *scratch);
/* out[i] <- s[i] base */
zkn_status zkn_g2_fixed_mul_vartime(zkn_g2_aff *out, const zkn_g2_aff *table, unsigned c,
                                    const zkn_fr *scalars, size_t n, unsigned threads, void *scratch);

size_t zkn_fixed_table_length(unsigned c);
size_t zkn_prepared_length(size_t n, unsigned c);

/* ---- pairing ------------------------------------------------------------------------------------
 * *ok <- 1 if the product of e(p[i], q[i]) is 1, else 0. Infinity contributes 1, and so does the empty
 * product. Variable time in which points are infinity. */
void zkn_pairing_check(int *ok, const zkn_g1_aff *p, const zkn_g2_aff *q, size_t n, unsigned threads);

/* lines <- the ZKN_PAIRING_LINES lines of each of n fixed second arguments, one after another */
void zkn_pairing_lines(zkn_line *lines, const zkn_g2_aff *q, size_t n);
/* *out <- the product of e(p[i], q[i]) */
void zkn_pairing_product(zkn_gt *out, const zkn_g1_aff *p, const zkn_g2_aff *q, size_t n, unsigned threads);
/* *ok <- 1 if the product of e(p[i], q[i]) over n pairs and of e(fixed_p[j], .) over n_fixed pairs, whose second
 * arguments are given by their lines, is *target, else 0. Infinity as in zkn_pairing_check. ZKN_BAD_LENGTH for more
 * than ZKN_PAIRING_MAX_FIXED. */
zkn_status zkn_pairing_check_fixed(int *ok, const zkn_gt *target, const zkn_g1_aff *p, const zkn_g2_aff *q,
                                   size_t n, const zkn_g1_aff *fixed_p, const zkn_line *lines, size_t n_fixed,
                                   unsigned threads);

/* ==== for both curves: end ==== */

/* out <- (2 p - r) a, for a point of the curve of G2 that need not be in the subgroup; the result is. */
void zkn_g2_clear_cofactor(zkn_g2_aff *out, const zkn_g2_aff *a);

/* ---- BLS12-381 alone ----------------------------------------------------------------------------
 * Points of 48 and 96 bytes in the form of ZCash: x big-endian, imaginary part first, with three flags in the first
 * byte: 0x80 always, 0x40 for infinity (all other bits are then zero), 0x20 for the larger of y and -y. One encoding
 * per point: anything else is ZKN_BAD_ENCODING, an x of no point ZKN_NOT_ON_CURVE; *bad is the index of the first bad
 * point. Says nothing of the subgroup. */
zkn_status zkn_bls_g1_vec_decompress(zkn_bls_g1_aff *out, size_t *bad, const uint8_t *in, size_t n);
zkn_status zkn_bls_g2_vec_decompress(zkn_bls_g2_aff *out, size_t *bad, const uint8_t *in, size_t n);
void zkn_bls_g1_vec_compress(uint8_t *out, const zkn_bls_g1_aff *in, size_t n);
void zkn_bls_g2_vec_compress(uint8_t *out, const zkn_bls_g2_aff *in, size_t n);

/* Hashing to the groups (RFC 9380), from the uniform bytes of expand_message on: 128 bytes make a point of G1, 256 one
 * of G2. Variable time in the bytes, as is everything whose name says nothing else about messages. */
void zkn_bls_g1_vec_hash_vartime(zkn_bls_g1_aff *out, const uint8_t *uniform, size_t n);
void zkn_bls_g2_vec_hash_vartime(zkn_bls_g2_aff *out, const uint8_t *uniform, size_t n);
/* One field element each, before the sum: 64 bytes make a point of G1, 128 one of G2 (encode_to_curve). */
void zkn_bls_g1_vec_encode_to_curve_vartime(zkn_bls_g1_aff *out, const uint8_t *uniform, size_t n);
void zkn_bls_g2_vec_encode_to_curve_vartime(zkn_bls_g2_aff *out, const uint8_t *uniform, size_t n);

/* *out <- k a for a secret integer k of 32 bytes big-endian, any point a of the group: no branch and no address depends
 * on k. */
void zkn_bls_g1_mul_secret(zkn_bls_g1_aff *out, const zkn_bls_g1_aff *a, const uint8_t k[32]);
void zkn_bls_g2_mul_secret(zkn_bls_g2_aff *out, const zkn_bls_g2_aff *a, const uint8_t k[32]);

/* ---- Keccak -------------------------------------------------------------------------------------
 * Keccak-256 with Ethereum's padding. in may be NULL when n is 0. */
void zkn_keccak256(uint8_t out[32], const uint8_t *in, size_t n);

/* ---- Poseidon over Fr ---------------------------------------------------------------------------
 * Grassi et al. 2021 with circomlib's parameters for BN254: x^5, widths 2 to 17. Hashes take the capacity
 * word (the tag) from the caller and return word 0. Timing depends on lengths alone, except that the first
 * use of a width derives its constants. */

enum {
    ZKN_POSEIDON_MAX_WIDTH = 17,
    ZKN_POSEIDON_MAX_ARITY = 16, /* inputs beside the capacity word */
    ZKN_POSEIDON_FULL_ROUNDS = 8
};

/* The number of partial rounds of a width; 0 if there is no such width. */
size_t zkn_poseidon_partial_rounds(size_t width);
/* round_constants: width * (8 + partial rounds), round by round; mds: width * width, row by row (new lane
 * = row times old lanes). ZKN_BAD_LENGTH if there is no such width. */
zkn_status zkn_poseidon_constants(zkn_fr *round_constants, zkn_fr *mds, size_t width);
/* The permutation, in place. ZKN_BAD_LENGTH if there is no such width. */
zkn_status zkn_poseidon_permute(zkn_fr *state, size_t width);
/* out[i] <- P(tag; inputs[arity i .. arity i + arity - 1]) for i < n, under tags[0] if n_tags is 1, else
 * under tags[i]. ZKN_BAD_LENGTH unless 1 <= arity <= 16 and n_tags is 1 or n. out may be the array of
 * tags. */
zkn_status zkn_poseidon_many(zkn_fr *out, const zkn_fr *tags, size_t n_tags, const zkn_fr *inputs,
                             size_t arity, size_t n, unsigned threads);
/* out[i] <- C(tag; inputs[length i .. length i + length - 1]) for i < n: blocks of 16 inputs, each hash
 * the tag of the next. ZKN_BAD_LENGTH if length is 0. */
zkn_status zkn_poseidon_chain_many(zkn_fr *out, const zkn_fr *tag, const zkn_fr *inputs, size_t length,
                                   size_t n, unsigned threads);

/* ---- Merkle trees of Poseidon nodes, arity 2 to 16 ----------------------------------------------
 * Empty leaves are 0; a node is P(tag; children). Only nodes over real leaves are stored. */

/* out[l] <- the root of an empty subtree of height l, for l from 0 to depth. ZKN_BAD_LENGTH for a bad arity. */
zkn_status zkn_merkle_empty_roots(zkn_fr *out, const zkn_fr *tag, size_t arity, size_t depth);
/* out <- the ceil(n / arity) parents of n nodes of one level; *empty stands for the missing children of
 * the last one. */
zkn_status zkn_merkle_parents(zkn_fr *out, const zkn_fr *tag, const zkn_fr *empty, const zkn_fr *children,
                              size_t n, size_t arity, unsigned threads);

/* ---- constraint systems -------------------------------------------------------------------------
 * Row i of a sparse matrix is entries row_ptr[i] to row_ptr[i + 1] - 1; an entry is a wire and the index
 * of its coefficient in a pool that the matrices of one system share. An R1CS is three of them with equal
 * n_rows: (A w)(B w) = C w in every row. */

typedef struct {
    const uint64_t *row_ptr; /* n_rows + 1 */
    const uint32_t *wire, *coefficient;
    size_t n_rows, nnz;
} zkn_sparse;

/* ZKN_OUT_OF_RANGE, with the row or entry in *bad, unless row_ptr rises from 0 to nnz, every wire is below
 * n_columns and every coefficient below n_pool. The functions below require it. */
zkn_status zkn_sparse_check(size_t *bad, const zkn_sparse *m, size_t n_columns, size_t n_pool);
/* out[i] <- row i times w. out does not alias w. */
void zkn_sparse_product(zkn_fr *out, const zkn_sparse *m, const zkn_fr *pool, size_t n_pool, const zkn_fr *w,
                        unsigned threads);
/* The same matrix in each of `blocks` blocks: out[i][b] <- row i times the wires of block b, which are w[k][b] for wires
 * k below n_own, and for all others shared[k - n_own], whatever the block. out does not alias w or shared. */
void zkn_sparse_blocks_product(zkn_fr *out, const zkn_sparse *m, const zkn_fr *pool, size_t n_pool,
                               const zkn_fr *w, size_t n_own, const zkn_fr *shared, size_t blocks,
                               unsigned threads);
/* broken[i] <- 1 if w breaks row i, else 0 */
void zkn_r1cs_broken(uint8_t *broken, const zkn_sparse *a, const zkn_sparse *b, const zkn_sparse *c,
                     const zkn_fr *pool, size_t n_pool, const zkn_fr *w, unsigned threads);
/* unequal[i] <- 0 if a[i] b[i] = c[i], else 1 */
void zkn_unequal_products(uint8_t *unequal, const zkn_fr *a, const zkn_fr *b, const zkn_fr *c, size_t n,
                          unsigned threads);
/* unequal[i] <- 0 if d[i]^5 = e[i], else 1 */
void zkn_unequal_powers(uint8_t *unequal, const zkn_fr *d, const zkn_fr *e, size_t n, unsigned threads);

/* counts[i] <- the number of terms of combination i of the n that make up the constraint section of a
 * .r1cs file: each a little-endian u32 count, then 36 bytes a term. ZKN_BAD_LENGTH, with the combination
 * in *bad, if the section ends inside one; *bad is n if bytes are left over. */
zkn_status zkn_r1cs_counts(uint32_t *counts, size_t *bad, const uint8_t *section, size_t length, size_t n);

/* A witness program: steps of four words (step, target slot, source, count). Slots are the wires, then
 * room for intermediate values. The source is a row of the R1CS for the first two steps and a row of
 * `linear` for the others. Every step is total. */
enum {
    ZKN_STEP_SOLVE =
        1, /* target <- what satisfies the row, in which it stands once, in C, with coefficient 1 */
    ZKN_STEP_PRODUCT = 2, /* target <- (A w)(B w) */
    ZKN_STEP_LINEAR = 3,  /* target <- the linear combination */
    ZKN_STEP_INVERSE = 4, /* target <- its inverse, 0 for 0 */
    ZKN_STEP_BITS = 5, /* count slots <- the low bits of its canonical integer, lowest first; count <= 254 */
    ZKN_STEP_ONE_HOT = 6 /* count slots <- 1 where the slot's number is its value, else 0 */
};

typedef struct {
    zkn_sparse a, b, c, linear;
    const zkn_fr *pool;
    size_t n_pool;
    const uint32_t *steps; /* 4 * n_steps */
    size_t n_steps;
    size_t n_fixed, n_slots; /* no step writes the first n_fixed slots: the constant and the inputs */
} zkn_program;

/* ZKN_OUT_OF_RANGE, with the step or entry in *bad, for a program that could read or write past its arrays. */
zkn_status zkn_witness_check(size_t *bad, const zkn_program *program);
/* Runs a checked program over n_slots slots, of which the first n_fixed are set. */
void zkn_witness_run(zkn_fr *slots, const zkn_program *program);
/* The same program in each of `blocks` blocks of n_slots slots, which read nothing of each other. */
size_t zkn_witness_apart_scratch_size(const zkn_program *program);
void zkn_witness_apart(zkn_fr *slots, const zkn_program *program, size_t blocks, void *scratch);
/* The same program in each of `blocks` blocks of n_slots slots, one block after another, its links set before each run. Of
 * the two kinds of links one is empty. n_links groups of slots:
 *   previous (port, source), blocks rising: port <- the source of the block before, 0 in block 0;
 *   children (left, right, node, leaf), blocks falling: in block b of 1 to blocks - 1 the slots left and right <- node of
 *   blocks 2 b and 2 b + 1 where 2 b < blocks, else leaf of blocks 2 b - blocks and 2 b + 1 - blocks; 0 in block 0. */
void zkn_witness_forward(zkn_fr *slots, const zkn_program *program, const uint32_t *previous, size_t n_links,
                         size_t blocks);
void zkn_witness_upward(zkn_fr *slots, const zkn_program *program, const uint32_t *children, size_t n_links,
                        size_t blocks);
/* out[k blocks + b] <- slot taken[k] of block b, for slots below n_slots */
void zkn_blocks_take(zkn_fr *out, const zkn_fr *slots, size_t n_slots, size_t blocks, const uint32_t *taken,
                     size_t n_taken);

/* ---- a venue's journal --------------------------------------------------------------------------
 * docs/spec.md, section 15. Events are the records of a segment, at any alignment. */

enum { ZKN_EVENT_BYTES = 96, ZKN_VENUE_TABULATION = 6 * 256 };

/* The index of the first event that is no canonical record, n if all are. */
size_t zkn_events_canonical(const uint8_t *events, size_t n);
/* The index of the first event whose link does not follow from its fields and the link before, n if all do. `link` is that
 * before the first, and becomes what the link of that event has to be, or of the last. */
size_t zkn_events_linked(uint8_t link[8], const uint8_t *events, size_t n);
/* Fills in the links of events. `link` is that before the first, and becomes that of the last. */
void zkn_events_link(uint8_t link[8], uint8_t *events, size_t n);

/* A row of an account, or what is left of one: of an asset with amount as its balance, of a market a position unless amount
 * is 0. `waiting` is what orders that liquidate it have open. */
typedef struct {
    uint64_t key; /* account * 2^12 + instrument */
    int64_t amount, entry_high;
    uint64_t entry_low;
    int64_t funding;
    uint64_t waiting, isolated;
} zkn_venue_row;

/* An open order. `age` rises in the order in which orders came, `place` is where its number stands; the last three are of
 * its side's heap. */
typedef struct {
    uint64_t number, price, age;
    int64_t open;
    uint32_t account, place, child, next, before;
    uint16_t instrument;
    uint8_t flags, unused;
} zkn_venue_order;

/* Sums are high * 2^64 + low: `net` what was deposited and not withdrawn, `imbalance` what all positions add up to. `best`
 * is the first of the bids and of the asks. */
typedef struct {
    uint64_t price, notional;
    int64_t funding, imbalance_high;
    uint64_t imbalance_low;
    int64_t net_high;
    uint64_t net_low;
    uint32_t best[2], is_asset, unused;
} zkn_venue_instrument;

/* What a trade of an asset moved of the settlement asset: an entry behind that of event `number`. */
typedef struct {
    uint64_t number, account, time, price;
    int64_t amount;
} zkn_venue_extra;

/* A venue. Counts of rows and orders include a first one that is all 0 and stands for none; instruments likewise are
 * 1 .. n_instruments. A count is below 2^32. */
typedef struct {
    zkn_venue_row *rows;
    size_t row_count, row_room;
    uint32_t *places; /* place_mask + 1 of them, a power of two and more than row_room */
    uint32_t place_mask;
    const uint32_t *tabulation; /* ZKN_VENUE_TABULATION words drawn at random */
    zkn_venue_order *orders;
    size_t order_count, order_room;
    uint32_t free_order;
    uint64_t *numbers; /* of orders, rising; order_of is 0 where one is gone */
    uint32_t *order_of;
    size_t number_count, number_room;
    zkn_venue_instrument *instruments;
    size_t n_instruments;
    zkn_venue_extra *extras;
    size_t extra_count, extra_room;
    uint64_t settlement, unit, last_order, number, age, active;
    int64_t house_high;
    uint64_t house_low;
} zkn_venue;

typedef enum {
    ZKN_VENUE_DONE = 0,
    ZKN_VENUE_FULL, /* rows, orders, numbers or extras need more room */
    ZKN_VENUE_HALF, /* the last event is the first half of a trade or transfer */
    ZKN_VENUE_ASKS, /* whether the next event, or the second half behind it, may liquidate a position */
    ZKN_VENUE_STOPS /* the next event does not follow, or leaves the integers used here */
} zkn_venue_end;

/* Fills `places` from the rows. */
void zkn_venue_place_rows(zkn_venue *v);
/* Puts orders 1 .. order_count - 1, which have their age, into their books, and adds up what is waiting. Rows need room for one
 * each. ZKN_OUT_OF_RANGE if that leaves 64 bits or an order's instrument is none. */
zkn_status zkn_venue_place_orders(zkn_venue *v);
/* Takes in events until one of the ends above; *done is how many were, `number` rises by as many. Between calls `v` is the
 * state between two events. `allowed`: the answer to ZKN_VENUE_ASKS about the first event is yes. Requires canonical
 * events with accounts that there are and times that do not fall; does not look at links. */
zkn_venue_end zkn_venue_run_vartime(size_t *done, zkn_venue *v, const uint8_t *events, size_t n, int allowed);
/* The rows of one account: out[i] that of instrument i, for i to n_instruments, zeros where there is none. */
void zkn_venue_account(zkn_venue_row *out, const zkn_venue *v, uint32_t account);

#endif
