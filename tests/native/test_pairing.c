/* The pairing by bilinearity, with infinity, many pairs and several threads. */
#include "check.h"
#include "pairing.h"

enum { N = 19 };

/* The same pairs, some by lines prepared beforehand: few and many, so by projective and by affine steps. */
static void fixed_arguments(const zkn_g1_aff *p, const zkn_g2_aff *q, size_t n, size_t n_fixed)
{
    static zkn_line lines[ZKN_PAIRING_MAX_FIXED * ZKN_PAIRING_LINES];
    zkn_gt product, one;
    int ok = 9;
    zkn_pairing_product(&product, p, q, n, 1);
    zkn_pairing_lines(lines, q, n_fixed);
    for (unsigned threads = 1; threads <= 2; threads++) {
        zkn_pairing_check_fixed(&ok, &product, &p[n_fixed], &q[n_fixed], n - n_fixed, p, lines, n_fixed,
                                threads);
        CHECK(ok == 1);
    }
    zkn_pairing_product(&one, p, q, 0, 1);
    zkn_pairing_check_fixed(&ok, &one, &p[n_fixed], &q[n_fixed], n - n_fixed, p, lines, n_fixed, 1);
    CHECK(ok == 0);
    zkn_g1_aff other[ZKN_PAIRING_MAX_FIXED];
    for (size_t k = 0; k < n_fixed; k++) other[k] = p[k];
    if (n_fixed > 1) {
        g1_aff_neg(&other[1], &other[1]);
        zkn_pairing_check_fixed(&ok, &product, &p[n_fixed], &q[n_fixed], n - n_fixed, other, lines, n_fixed,
                                1);
        CHECK(ok == 0);
    }
    g1_aff_zero(&other[0]);
    zkn_pairing_product(&product, &p[1], &q[1], n - 1, 1);
    if (n_fixed == 1) {
        zkn_pairing_check_fixed(&ok, &product, &p[1], &q[1], n - 1, other, lines, 1, 1);
        CHECK(ok == 1);
    }
    CHECK(zkn_pairing_check_fixed(&ok, &product, p, q, 1, p, lines, ZKN_PAIRING_MAX_FIXED + 1, 1) ==
          ZKN_BAD_LENGTH);
}

/* The steps spell |x|, or 6u + 2 and then the two images under psi. */
static void steps(void)
{
    enum { IMAGES = TWIST_IS_M ? 0 : 2 };
    zkn_i128 multiple = 1;
    for (size_t i = 0; i < ZKN_PAIRING_LINES - IMAGES; i++) {
        const miller_step step = miller_step_at(i);
        multiple += step == STEP_DOUBLE     ? multiple
                    : step == STEP_ADD      ? 1
                    : step == STEP_SUBTRACT ? -1
                                            : 1 << 20;
    }
    CHECK(multiple == (zkn_i128)CURVE_PARAMETER * (IMAGES ? 6 : 1) + IMAGES);
    if (!IMAGES) return;
    CHECK(miller_step_at(ZKN_PAIRING_LINES - 2) == STEP_PSI);
    CHECK(miller_step_at(ZKN_PAIRING_LINES - 1) == STEP_MINUS_PSI_2);
}

/* As many pairs as fill lanes and more, the last tile and the last lanes in part; infinity among them; and one wrong. */
static void many(void)
{
    enum { MOST = 2 * MILLER_TOGETHER + 41 };
    static zkn_g1_aff p[MOST], last;
    static zkn_g2_aff q[MOST];
    const size_t sizes[] = {23, 24, 25, MILLER_TOGETHER - 1, MILLER_TOGETHER + 1, MOST};
    zkn_g1_jac a;
    zkn_g2_jac b;
    int ok = 9;
    for (uint64_t i = 0; i < MOST; i++) {
        const uint64_t k = 7 * i + 1, l = i + 2;
        g1_mul_vartime(&a, &G1_GENERATOR, &k, 1), g1_jac_to_aff(&p[i], &a);
        g2_mul_vartime(&b, &G2_GENERATOR, &l, 1), g2_jac_to_aff(&q[i], &b);
    }
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const size_t n = sizes[s];
        uint64_t total = 0;
        for (uint64_t i = 0; i + 1 < n; i++) total += i == 5 ? 0 : (7 * i + 1) * (i + 2);
        last = p[n - 1];
        const zkn_g2_aff last_q = q[n - 1], fifth = q[5];
        g1_mul_vartime(&a, &G1_GENERATOR, &total, 1), g1_jac_neg(&a, &a), g1_jac_to_aff(&p[n - 1], &a);
        q[n - 1] = G2_GENERATOR;
        g2_aff_zero(&q[5]);
        for (unsigned threads = 1; threads <= 2; threads++) {
            zkn_pairing_check(&ok, p, q, n, threads);
            CHECK(ok == 1);
        }
        q[5] = fifth;
        zkn_pairing_check(&ok, p, q, n, 1);
        CHECK(ok == 0);
        fixed_arguments(p, q, n, 2);
        p[n - 1] = last, q[n - 1] = last_q;
    }
}

int main(void)
{
    zkn_g1_aff p[N + 1];
    zkn_g2_aff q[N + 1];
    zkn_g1_jac a;
    zkn_g2_jac b;
    uint64_t total = 0;
    int ok = 9;
    for (uint64_t i = 0; i < N; i++) {
        const uint64_t k = 3 * i, l = 2 * i + 1; /* the first point is infinity */
        g1_mul_vartime(&a, &G1_GENERATOR, &k, 1), g1_jac_to_aff(&p[i], &a);
        g2_mul_vartime(&b, &G2_GENERATOR, &l, 1), g2_jac_to_aff(&q[i], &b);
        total += k * l;
    }
    g1_mul_vartime(&a, &G1_GENERATOR, &total, 1), g1_jac_neg(&a, &a), g1_jac_to_aff(&p[N], &a);
    q[N] = G2_GENERATOR;
    for (unsigned threads = 0; threads <= 3; threads++) {
        zkn_pairing_check(&ok, p, q, N + 1, threads);
        CHECK(ok == 1);
        zkn_pairing_check(&ok, p, q, N, threads);
        CHECK(ok == 0);
    }
    zkn_pairing_check(&ok, p, q, 0, 1);
    CHECK(ok == 1);
    zkn_pairing_check(&ok, p, q, 1, 1);
    CHECK(ok == 1);
    steps();
    many();
    for (size_t n_fixed = 1; n_fixed <= 3; n_fixed++) {
        fixed_arguments(&p[1], &q[1], n_fixed, n_fixed);
        fixed_arguments(&p[1], &q[1], n_fixed + 1, n_fixed);
        fixed_arguments(p, q, N, n_fixed);
    }
    g2_aff_zero(&q[N]);
    zkn_pairing_check(&ok, &p[N], &q[N], 1, 1);
    CHECK(ok == 1);
    zkn_pairing_check(&ok, p, q, N + 1, 1);
    CHECK(ok == 0);
    return failures != 0;
}
