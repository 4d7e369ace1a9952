/* Hashing to BLS12-381 from uniform bytes on (RFC 9380): field elements, the simplified SWU map to an isogenous curve,
 * the isogeny, the sum, the cofactor. Variable time. */
#include "bytes.h"
#include "root.h"

/* out <- 64 bytes big-endian, mod p (hash_to_field, section 5.2) */
static void element(zkn_fp *out, const uint8_t in[64])
{
    static const uint64_t two_256[FP_LIMBS] = {0, 0, 0, 0, 1};
    uint64_t high[FP_LIMBS] = {0}, low[FP_LIMBS] = {0};
    zkn_fp radix, rest;
    for (int k = 0; k < 4; k++) {
        high[k] = zkn_load_be(in + 8 * (3 - k));
        low[k] = zkn_load_be(in + 8 * (7 - k));
    }
    fp_from_canonical(&radix, two_256);
    fp_from_canonical(out, high);
    fp_from_canonical(&rest, low);
    fp_mul(out, out, &radix);
    fp_add(out, out, &rest);
}

/* sgn0 of section 4.1 */
static unsigned fp_sign(const zkn_fp *a)
{
    uint64_t x[FP_LIMBS];
    fp_to_canonical(x, a);
    return x[0] & 1;
}

static unsigned fp2_sign(const zkn_fp2 *a)
{
    return fp_is_zero(&a->c0) ? fp_sign(&a->c1) : fp_sign(&a->c0);
}

/* Of n <= ZKN_ROOTS ratios each: out <- sqrt(u/v) and 1, or where that is none sqrt(Z^3 u/v) and 0, by a power of
 * w = u v; v is not 0. out is none of the others. */
static void fp_sqrt_ratios(zkn_fp *out, int *found, const zkn_fp *u, const zkn_fp *v, size_t n)
{
    zkn_fp w[ZKN_ROOTS], square;
    for (size_t i = 0; i < n; i++) fp_mul(&w[i], &u[i], &v[i]);
    fp_root_powers(w, w, n);
    for (size_t i = 0; i < n; i++) {
        fp_mul(&out[i], &w[i], &u[i]); /* squared: u/v or -u/v */
        fp_sqr(&square, &out[i]);
        fp_mul(&square, &square, &v[i]);
        found[i] = fp_equal(&square, &u[i]);
        if (!found[i]) fp_mul(&out[i], &out[i], &G1_SSWU_ROOT);
    }
}

/* As sqrt(w) u/w. The root of w is found by its norm n, that of Z^3 w by N(Z)^3 n, as N(Z) and -1 are no squares of
 * Fp; and the square of n^((p - 3)/4) is 1/n or -1/n. */
static void fp2_sqrt_ratios(zkn_fp2 *out, int *found, const zkn_fp2 *u, const zkn_fp2 *v, size_t n)
{
    zkn_fp2 w[ZKN_ROOTS], inverse[ZKN_ROOTS], cube;
    zkn_fp norm[ZKN_ROOTS], power[ZKN_ROOTS], root[ZKN_ROOTS], square;
    for (size_t i = 0; i < n; i++) {
        fp2_mul(&w[i], &u[i], &v[i]);
        fp2_norm(&norm[i], &w[i]);
    }
    fp_root_powers(power, norm, n);
    fp2_sqr(&cube, &G2_SSWU_Z);
    fp2_mul(&cube, &cube, &G2_SSWU_Z);
    for (size_t i = 0; i < n; i++) {
        fp_mul(&root[i], &power[i], &norm[i]);
        fp_sqr(&square, &root[i]);
        found[i] = fp_equal(&square, &norm[i]);
        fp_sqr(&power[i], &power[i]);
        if (!found[i]) fp_neg(&power[i], &power[i]);
        fp2_conj(&inverse[i], &w[i]);
        fp2_mul_fp(&inverse[i], &inverse[i], &power[i]);
        if (found[i]) continue;
        fp2_mul(&w[i], &w[i], &cube);
        fp_mul(&root[i], &root[i], &G2_SSWU_ROOT);
    }
    fp2_sqrt_with_norms(out, w, root, n);
    for (size_t i = 0; i < n; i++) {
        fp2_mul(&inverse[i], &inverse[i], &u[i]);
        fp2_mul(&out[i], &out[i], &inverse[i]);
    }
}

#define GROUP           g1
#define COORD           fp
#define COORD_TYPE      zkn_fp
#define GROUP_AFF       zkn_g1_aff
#define GROUP_JAC       zkn_g1_jac
#define SSWU(name)      ZKN_CAT(G1_SSWU_, name)
#define ISOGENY(name)   ZKN_CAT(G1_ISOGENY_, name)
#define ELEMENT_BYTES   64
#define READ_ELEMENT(u) element(u, in)
#include "bls_hash_template.h"

#define GROUP           g2
#define COORD           fp2
#define COORD_TYPE      zkn_fp2
#define GROUP_AFF       zkn_g2_aff
#define GROUP_JAC       zkn_g2_jac
#define SSWU(name)      ZKN_CAT(G2_SSWU_, name)
#define ISOGENY(name)   ZKN_CAT(G2_ISOGENY_, name)
#define ELEMENT_BYTES   128
#define READ_ELEMENT(u) (element(&(u)->c0, in), element(&(u)->c1, in + 64))
#include "bls_hash_template.h"

/* (1 - x) P = (1 + |x|) P (section 8.8.1) */
static void g1_clear_cofactor(zkn_g1_jac *a)
{
    zkn_g1_jac times;
    g1_times_parameter(&times, a);
    g1_jac_add(a, a, &times);
}

/* (x^2 - x - 1) P + (x - 1) psi(P) + psi^2(2 P), which is h_eff P (Budroni, Pintore 2017, eprint 2017/419; RFC 9380,
 * appendix G.3) */
static void g2_clear_cofactor(zkn_g2_jac *a)
{
    zkn_g2_jac minus_x, t, image, p = *a;
    g2_times_parameter(&minus_x, &p);
    g2_jac_psi(&image, &p);
    g2_jac_neg(&t, &minus_x);
    g2_jac_add(&t, &t, &image);
    g2_times_parameter(&t, &t);
    g2_jac_neg(&t, &t); /* x^2 P + x psi(P) */
    g2_jac_dbl(a, &p);
    g2_jac_psi(a, a);
    g2_jac_psi(a, a);
    g2_jac_add(a, a, &t);
    g2_jac_add(a, a, &minus_x);
    g2_jac_add(&t, &image, &p);
    g2_jac_neg(&t, &t);
    g2_jac_add(a, a, &t);
}

void zkn_bls_g1_vec_hash_vartime(zkn_g1_aff *out, const uint8_t *uniform, size_t n)
{
    g1_hash(out, uniform, n, 2);
}

void zkn_bls_g2_vec_hash_vartime(zkn_g2_aff *out, const uint8_t *uniform, size_t n)
{
    g2_hash(out, uniform, n, 2);
}

void zkn_bls_g1_vec_encode_to_curve_vartime(zkn_g1_aff *out, const uint8_t *uniform, size_t n)
{
    g1_hash(out, uniform, n, 1);
}

void zkn_bls_g2_vec_encode_to_curve_vartime(zkn_g2_aff *out, const uint8_t *uniform, size_t n)
{
    g2_hash(out, uniform, n, 1);
}
