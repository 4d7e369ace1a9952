/* The final exponentiation of the pairing, from the cyclotomic subgroup on in lanes where there are any. */
#include "pairing.h"
#include "tower_lanes.h"

#if ZKN_PATH_IFMA
typedef fp12_lanes element;
#define E(name) ZKN_CAT(fp12_lanes_, name)
#else
typedef zkn_fp12 element;
#define E(name) ZKN_CAT(fp12_, name)
#endif

/* out <- a^u for a in the cyclotomic subgroup, by windows of odd digits; a^x for BLS12-381. (Compressed squarings,
 * Karabina 2013, save a third of each, but u is dense: decompressing at its 24 signed digits costs more.) */
static void power_u(element *out, const element *a)
{
    element odd[PARAMETER_ODD], square, inverse, result; /* a, a^3, a^5, .. */
    odd[0] = *a;
    if (PARAMETER_ODD > 1) E(cyclotomic_sqr)(&square, a);
    for (int i = 1; i < PARAMETER_ODD; i++) E(mul)(&odd[i], &odd[i - 1], &square);
    result = odd[PARAMETER_WINDOWS[sizeof PARAMETER_WINDOWS - 1] / 2];
    for (size_t i = sizeof PARAMETER_WINDOWS - 1; i-- > 0;) {
        const int digit = PARAMETER_WINDOWS[i];
        E(cyclotomic_sqr)(&result, &result);
        if (digit > 0) E(mul)(&result, &result, &odd[digit / 2]);
        if (digit < 0) E(conj)(&inverse, &odd[-digit / 2]), E(mul)(&result, &result, &inverse);
    }
#if ZKN_CURVE_BLS12_381
    E(conj)(&result, &result); /* x is negative */
#endif
    *out = result;
}

#if ZKN_CURVE_BLS12_381

/* out <- m^(3 (p^4 - p^2 + 1)/r), 3 (p^4 - p^2 + 1)/r = (x - 1)^2 (x + p) (x^2 + p^2 - 1) + 3 (Hayashida, Hayasaka,
 * Teruya 2020, eprint 2020/875) */
static void hard_part(element *out, const element *m)
{
    element a, b, inverse;
    a = *m;
    for (int i = 0; i < 2; i++) {
        power_u(&b, &a);
        E(conj)(&inverse, &a);
        E(mul)(&a, &b, &inverse); /* ^(x - 1) */
    }
    power_u(&b, &a);
    E(frobenius)(&a, &a, 1);
    E(mul)(&a, &a, &b); /* ^(x + p) */
    power_u(&b, &a);
    power_u(&b, &b);
    E(conj)(&inverse, &a);
    E(frobenius)(&a, &a, 2);
    E(mul)(&a, &a, &b);
    E(mul)(&a, &a, &inverse); /* ^(x^2 + p^2 - 1) */
    E(cyclotomic_sqr)(&b, m);
    E(mul)(&b, &b, m);
    E(mul)(out, &a, &b);
}

#else

/* out <- m^(2u (6u^2 + 3u + 1) (p^4 - p^2 + 1)/r): Fuentes-Castaneda, Knapp, Rodriguez-Henriquez 2011, section 5 */
static void hard_part(element *out, const element *m)
{
    element t, x2, x6, xx6, a, b;
    power_u(&t, m);
    E(cyclotomic_sqr)(&x2, &t); /* 2u */
    E(cyclotomic_sqr)(&x6, &x2);
    E(mul)(&x6, &x6, &x2); /* 6u */
    power_u(&xx6, &x6);    /* 6u^2 */
    E(cyclotomic_sqr)(&t, &xx6);
    power_u(&t, &t); /* 12u^3 */
    E(mul)(&a, &t, &xx6);
    E(mul)(&a, &a, &x6); /* 6u + 6u^2 + 12u^3 */
    E(conj)(&b, &x2);
    E(mul)(&b, &b, &a); /* 4u + 6u^2 + 12u^3 */

    /* m^(1 + 6u + 12u^2 + 12u^3) (m^(4u + ..))^p (m^(6u + ..))^(p^2) (m^(4u + .. - 1))^(p^3) */
    E(mul)(&t, &a, &xx6);
    E(mul)(out, &t, m);
    E(frobenius)(&t, &b, 1);
    E(mul)(out, out, &t);
    E(frobenius)(&t, &a, 2);
    E(mul)(out, out, &t);
    E(conj)(&x2, m);
    E(mul)(&t, &b, &x2);
    E(frobenius)(&t, &t, 3);
    E(mul)(out, out, &t);
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
#if ZKN_PATH_IFMA
    element in, raised;
    fp12_lanes_enter(&in, &m);
    hard_part(&raised, &in);
    fp12_lanes_leave(out, &raised);
#else
    hard_part(out, &m);
#endif
}
