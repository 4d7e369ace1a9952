/* The pairing by bilinearity, with infinity, many pairs and several threads. */
#include "check.h"
#include "group.h"

enum { N = 19 };

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
    g2_aff_zero(&q[N]);
    zkn_pairing_check(&ok, &p[N], &q[N], 1, 1);
    CHECK(ok == 1);
    zkn_pairing_check(&ok, p, q, N + 1, 1);
    CHECK(ok == 0);
    return failures != 0;
}
