/* The final exponentiation of the pairing. */
#include "pairing.h"

/* out <- a^u for a in the cyclotomic subgroup, by windows of odd digits; a^x for BLS12-381. (Compressed squarings,
 * Karabina 2013, save a third of each, but u is dense: decompressing at its 24 signed digits costs more.) */
static void power_u(zkn_fp12 *out, const zkn_fp12 *a)
{
    zkn_fp12 odd[PARAMETER_ODD], square, inverse, result; /* a, a^3, a^5, .. */
    odd[0] = *a;
    if (PARAMETER_ODD > 1) fp12_cyclotomic_sqr(&square, a);
    for (int i = 1; i < PARAMETER_ODD; i++) fp12_mul(&odd[i], &odd[i - 1], &square);
    result = odd[PARAMETER_WINDOWS[sizeof PARAMETER_WINDOWS - 1] / 2];
    for (size_t i = sizeof PARAMETER_WINDOWS - 1; i-- > 0;) {
        const int digit = PARAMETER_WINDOWS[i];
        fp12_cyclotomic_sqr(&result, &result);
        if (digit > 0) fp12_mul(&result, &result, &odd[digit / 2]);
        if (digit < 0) fp12_conj(&inverse, &odd[-digit / 2]), fp12_mul(&result, &result, &inverse);
    }
#if ZKN_CURVE_BLS12_381
    fp12_conj(&result, &result); /* x is negative */
#endif
    *out = result;
}

#if ZKN_CURVE_BLS12_381

/* out <- m^(3 (p^4 - p^2 + 1)/r), 3 (p^4 - p^2 + 1)/r = (x - 1)^2 (x + p) (x^2 + p^2 - 1) + 3 (Hayashida, Hayasaka,
 * Teruya 2020, eprint 2020/875) */
static void hard_part(zkn_fp12 *out, const zkn_fp12 *m)
{
    zkn_fp12 a, b, inverse;
    a = *m;
    for (int i = 0; i < 2; i++) {
        power_u(&b, &a);
        fp12_conj(&inverse, &a);
        fp12_mul(&a, &b, &inverse); /* ^(x - 1) */
    }
    power_u(&b, &a);
    fp12_frobenius(&a, &a, 1);
    fp12_mul(&a, &a, &b); /* ^(x + p) */
    power_u(&b, &a);
    power_u(&b, &b);
    fp12_conj(&inverse, &a);
    fp12_frobenius(&a, &a, 2);
    fp12_mul(&a, &a, &b);
    fp12_mul(&a, &a, &inverse); /* ^(x^2 + p^2 - 1) */
    fp12_cyclotomic_sqr(&b, m);
    fp12_mul(&b, &b, m);
    fp12_mul(out, &a, &b);
}

#else

/* out <- m^(2u (6u^2 + 3u + 1) (p^4 - p^2 + 1)/r): Fuentes-Castaneda, Knapp, Rodriguez-Henriquez 2011, section 5 */
static void hard_part(zkn_fp12 *out, const zkn_fp12 *m)
{
    zkn_fp12 t, x2, x6, xx6, a, b;
    power_u(&t, m);
    fp12_cyclotomic_sqr(&x2, &t); /* 2u */
    fp12_cyclotomic_sqr(&x6, &x2);
    fp12_mul(&x6, &x6, &x2); /* 6u */
    power_u(&xx6, &x6);      /* 6u^2 */
    fp12_cyclotomic_sqr(&t, &xx6);
    power_u(&t, &t); /* 12u^3 */
    fp12_mul(&a, &t, &xx6);
    fp12_mul(&a, &a, &x6); /* 6u + 6u^2 + 12u^3 */
    fp12_conj(&b, &x2);
    fp12_mul(&b, &b, &a); /* 4u + 6u^2 + 12u^3 */

    /* m^(1 + 6u + 12u^2 + 12u^3) (m^(4u + ..))^p (m^(6u + ..))^(p^2) (m^(4u + .. - 1))^(p^3) */
    fp12_mul(&t, &a, &xx6);
    fp12_mul(out, &t, m);
    fp12_frobenius(&t, &b, 1);
    fp12_mul(out, out, &t);
    fp12_frobenius(&t, &a, 2);
    fp12_mul(out, out, &t);
    fp12_conj(&x2, m);
    fp12_mul(&t, &b, &x2);
    fp12_frobenius(&t, &t, 3);
    fp12_mul(out, out, &t);
}

#endif

/* out <- f^(k (p^12 - 1)/r), for the k prime to r of the hard part, which is 1 exactly if f^((p^12 - 1)/r) is. f is not
 * zero. */
void pairing_final_exponentiation(zkn_fp12 *out, const zkn_fp12 *f)
{
    zkn_fp12 m, t;
    fp12_conj(&m, f);
    fp12_inv(&t, f);
    fp12_mul(&m, &m, &t); /* f^(p^6 - 1) */
    fp12_frobenius(&t, &m, 2);
    fp12_mul(&m, &m, &t); /* and ^(p^2 + 1) */
    hard_part(out, &m);
}
