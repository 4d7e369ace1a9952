/* Square roots: one power of Fp each, two for Fp2. */
#include "root.h"

void fp_root_power(zkn_fp *out, const zkn_fp *a)
{
    fp_pow_public(out, a, FP_ROOT_EXPONENT, FP_LIMBS);
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
    ZKN_ASSERT(n <= ZKN_ROOTS);
    if (n == 1) {
        *found = fp_sqrt(out, a);
        return;
    }
    memcpy(powers, a, n * sizeof *a);
    fp_root_power_many(powers, powers);
    for (size_t i = 0; i < n; i++) found[i] = root_by_power(&out[i], &a[i], &powers[i]);
}

void fp2_sqrt_many(zkn_fp2 *out, int *found, const zkn_fp2 *a, size_t n)
{
    for (size_t i = 0; i < n; i++) found[i] = fp2_sqrt(&out[i], &a[i]);
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
void fp2_sqrt_with_norm(zkn_fp2 *out, const zkn_fp2 *a, const zkn_fp *root_of_norm)
{
    zkn_fp t, power, x, square, other;
    fp_add(&t, &a->c0, root_of_norm);
    if (fp_is_zero(&t)) fp_sub(&t, &a->c0, root_of_norm); /* the other root: a is real */
    fp_halve(&t, &t);
    fp_root_power(&power, &t);
    fp_mul(&x, &power, &t);
    fp_sqr(&square, &x);
    fp_mul(&other, &power, &a->c1);
    fp_halve(&other, &other);
    if (fp_equal(&square, &t)) {
        out->c0 = x;
        out->c1 = other;
    } else {
        fp_neg(&out->c0, &other); /* power = -1/x */
        out->c1 = x;
    }
}

int fp2_sqrt(zkn_fp2 *out, const zkn_fp2 *a)
{
    zkn_fp norm;
    fp2_norm(&norm, a);
    if (!fp_sqrt(&norm, &norm)) return 0;
    fp2_sqrt_with_norm(out, a, &norm);
    return 1;
}
