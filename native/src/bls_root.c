/* Square roots: one power of Fp each, two for Fp2. */
#include "root.h"

void fp_root_power(zkn_fp *out, const zkn_fp *a)
{
    fp_pow_public(out, a, FP_ROOT_EXPONENT, FP_LIMBS);
}

void fp_root_powers(zkn_fp *out, const zkn_fp *a, size_t n)
{
    zkn_fp powers[ZKN_ROOTS] = {{{0}}};
    ZKN_ASSERT(n <= ZKN_ROOTS);
    if (n < ZKN_ROOTS_WORTH) {
        for (size_t i = 0; i < n; i++) fp_root_power(&out[i], &a[i]);
        return;
    }
    memcpy(powers, a, n * sizeof *a);
    fp_root_power_many(powers, powers);
    memcpy(out, powers, n * sizeof *a);
}

static int root_by_power(zkn_fp *out, const zkn_fp *a, const zkn_fp *power)
{
    zkn_fp root, square;
    fp_mul(&root, power, a);
    fp_sqr(&square, &root);
    const int found = fp_equal(&square, a);
    *out = root;
    return found;
}

int fp_sqrt(zkn_fp *out, const zkn_fp *a)
{
    zkn_fp power;
    fp_root_power(&power, a);
    return root_by_power(out, a, &power);
}

void fp_sqrt_many(zkn_fp *out, int *found, const zkn_fp *a, size_t n)
{
    zkn_fp powers[ZKN_ROOTS] = {{{0}}};
    fp_root_powers(powers, a, n);
    for (size_t i = 0; i < n; i++) found[i] = root_by_power(&out[i], &a[i], &powers[i]);
}

void fp2_norm(zkn_fp *out, const zkn_fp2 *a)
{
    zkn_fp t;
    fp_sqr(&t, &a->c1);
    fp_sqr(out, &a->c0);
    fp_add(out, out, &t);
}

/* With d^2 = c0^2 + c1^2 and t = (c0 + d)/2, (c0 - d)/2 = -c1^2/(4t). If x^2 = t the root is x + c1/(2x) i; if
 * x^2 = -t it is c1/(2x) + x i (Scott 2020, eprint 2020/1497, section 6.2). */
void fp2_sqrt_with_norms(zkn_fp2 *out, const zkn_fp2 *a, const zkn_fp *roots_of_norms, size_t n)
{
    zkn_fp t[ZKN_ROOTS] = {{{0}}}, powers[ZKN_ROOTS], x, square, other;
    for (size_t i = 0; i < n; i++) {
        fp_add(&t[i], &a[i].c0, &roots_of_norms[i]);
        if (fp_is_zero(&t[i])) fp_sub(&t[i], &a[i].c0, &roots_of_norms[i]); /* the other root: a is real */
        fp_halve(&t[i], &t[i]);
    }
    fp_root_powers(powers, t, n);
    for (size_t i = 0; i < n; i++) {
        fp_mul(&x, &powers[i], &t[i]);
        fp_sqr(&square, &x);
        fp_mul(&other, &powers[i], &a[i].c1);
        fp_halve(&other, &other);
        if (fp_equal(&square, &t[i])) {
            out[i].c0 = x;
            out[i].c1 = other;
        } else {
            fp_neg(&out[i].c0, &other); /* power = -1/x */
            out[i].c1 = x;
        }
    }
}

void fp2_sqrt_many(zkn_fp2 *out, int *found, const zkn_fp2 *a, size_t n)
{
    zkn_fp norms[ZKN_ROOTS], roots[ZKN_ROOTS];
    for (size_t i = 0; i < n; i++) fp2_norm(&norms[i], &a[i]);
    fp_sqrt_many(roots, found, norms, n);
    fp2_sqrt_with_norms(out, a, roots, n); /* nothing reads it where there is no root */
}

int fp2_sqrt(zkn_fp2 *out, const zkn_fp2 *a)
{
    int found;
    fp2_sqrt_many(out, &found, a, 1);
    return found;
}
