/* Products of vectors over Fr against products of elements, at lengths on every side of what lanes take at once. */
#include "check.h"

#include <string.h>

#include "field.h"

enum { LONGEST = 3100 };

static void fill(zkn_fr *a, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        fr_from_u64(&a[i], next_random(&seed));
        for (int k = 0; k < 5; k++) fr_sqr(&a[i], &a[i]);
        if (i % 11 == 7) fr_one(&a[i]);
        if (i % 11 == 8) fr_one(&a[i]), fr_neg(&a[i], &a[i]);
        if (i % 11 == 9) memcpy(a[i].l, FR_MODULUS, sizeof a[i].l), a[i].l[0]--; /* the largest form */
        if (i % 11 == 10) a[i] = (zkn_fr){{1, 0, 0, 0}};
    }
}

static void test_length(size_t n)
{
    static zkn_fr a[LONGEST], b[LONGEST], out[LONGEST], x, y, sum, power, product;
    fill(a, n, 2 * n + 1);
    fill(b, n, 3 * n + 2);
    fill(&x, 1, 5 * n + 3);
    fill(&y, 1, 7 * n + 4);

    zkn_fr_vec_mul(out, a, b, n, 1);
    for (size_t i = 0; i < n; i++) {
        fr_mul(&product, &a[i], &b[i]);
        CHECK(fr_equal(&out[i], &product));
    }
    memcpy(out, a, n * sizeof *a);
    zkn_fr_vec_mul(out, out, out, n, 1);
    for (size_t i = 0; i < n; i++) {
        fr_sqr(&product, &a[i]);
        CHECK(fr_equal(&out[i], &product));
    }
    zkn_fr_vec_scale(out, a, &x, n, 1);
    for (size_t i = 0; i < n; i++) {
        fr_mul(&product, &a[i], &x);
        CHECK(fr_equal(&out[i], &product));
    }
    zkn_fr_vec_scale_powers(out, a, &x, &y, n, 2);
    power = x;
    for (size_t i = 0; i < n; i++) {
        fr_mul(&product, &a[i], &power);
        CHECK(fr_equal(&out[i], &product));
        fr_mul(&power, &power, &y);
    }
    zkn_fr_vec_dot(&y, a, b, n);
    fr_zero(&sum);
    for (size_t i = 0; i < n; i++) {
        fr_mul(&product, &a[i], &b[i]);
        fr_add(&sum, &sum, &product);
    }
    CHECK(fr_equal(&y, &sum));
    zkn_fr_vec_evaluate(&y, a, n, &x);
    fr_zero(&sum);
    for (size_t i = n; i-- > 0;) {
        fr_mul(&sum, &sum, &x);
        fr_add(&sum, &sum, &a[i]);
    }
    CHECK(fr_equal(&y, &sum));

    size_t bad;
    CHECK(zkn_fr_vec_inverse(out, &bad, a, n) == ZKN_OK);
    fr_one(&x);
    for (size_t i = 0; i < n; i++) {
        fr_mul(&product, &a[i], &out[i]);
        CHECK(fr_equal(&product, &x));
    }
    for (size_t at = n; at-- > 0 && at + 40 > n;) {
        fr_zero(&a[at]); /* the first of several */
        CHECK(zkn_fr_vec_inverse(out, &bad, a, n) == ZKN_DIVISION_BY_ZERO && bad == at);
    }
}

int main(void)
{
    for (size_t n = 1; n < 70; n++) test_length(n);
    test_length(1536);
    test_length(1537 + 16);
    test_length(LONGEST);
    return 0;
}
