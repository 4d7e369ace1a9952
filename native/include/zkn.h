/* zkn: the native core of zkstate. This header is the whole contract, and also the cffi declaration.
 *
 * - The caller owns all memory. A kernel that needs room takes `scratch` and publishes its size in bytes; scratch needs the
 *   alignment of malloc and holds copies of the inputs afterwards: erase it if they are secret.
 * - Order of arguments: out, in-out, in; a length follows its array. Arrays do not overlap unless a comment allows it.
 * - A zkn_status says whether the input was usable. The truth of a well-formed statement comes back in an `int *ok`.
 * - `threads` is the number of threads used at most; 0 counts as 1. Results never depend on it.
 * - Timing depends on lengths alone, except in functions whose name ends in _vartime.
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
    ZKN_DIVISION_BY_ZERO
} zkn_status;

/* ---- fields, BN254 ---------------------------------------------------------------------------------------------------------
 * An element is x R mod m with R = 2^256, least significant limb first, always fully reduced (below the modulus). */

typedef struct {
    uint64_t l[4];
} zkn_fp;

typedef struct {
    uint64_t l[4];
} zkn_fr;

/* c0 + c1 i, i^2 = -1 */
typedef struct {
    zkn_fp c0, c1;
} zkn_fp2;

/* Affine points; infinity is all zero, which is no point of either curve. */
typedef struct {
    zkn_fp x, y;
} zkn_g1_aff;

typedef struct {
    zkn_fp2 x, y;
} zkn_g2_aff;

/* ---- vectors over Fr -------------------------------------------------------------------------------------------------------
 * out may be the same array as an input, element for element. */

/* 32 bytes each, big-endian. ZKN_BAD_ENCODING if one is not below r; *bad is then the index of the first such one. */
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
void zkn_fr_vec_scale_powers(zkn_fr *out, const zkn_fr *a, const zkn_fr *s, const zkn_fr *g, size_t n, unsigned threads);
/* *out <- sum a[i] b[i] */
void zkn_fr_vec_dot(zkn_fr *out, const zkn_fr *a, const zkn_fr *b, size_t n);
/* out[i] <- 1/a[i], one inversion for all (Montgomery 1987, "Montgomery's trick"). out does not alias a.
 * ZKN_DIVISION_BY_ZERO if any is zero; *bad is the index of the first. */
zkn_status zkn_fr_vec_inverse(zkn_fr *out, size_t *bad, const zkn_fr *a, size_t n);
/* *out <- sum a[i] x^i */
void zkn_fr_vec_evaluate(zkn_fr *out, const zkn_fr *a, size_t n, const zkn_fr *x);

#endif
