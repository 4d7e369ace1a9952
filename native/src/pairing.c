/* Products of pairings, compared with one or with a stored value. */
#include "pairing.h"
#include "threads.h"

void zkn_pairing_lines(zkn_line *lines, const zkn_g2_aff *q, size_t n)
{
    miller_points points;
    for (size_t k = 0; k < n; k++, lines += ZKN_PAIRING_LINES) {
        const zkn_g2_aff *one = &q[k];
        if (g2_aff_is_zero(one)) {
            memset(lines, 0, ZKN_PAIRING_LINES * sizeof *lines);
            continue;
        }
        miller_start(&points, &one, 1);
        for (size_t i = 0; i < ZKN_PAIRING_LINES; i++)
            miller_affine_step(&lines[i], &points, miller_step_at(i));
    }
}

typedef struct {
    const zkn_g1_aff *p, *fixed_p;
    const zkn_g2_aff *q;
    const zkn_line *lines;
    size_t n_fixed;
    zkn_fp12 product[ZKN_MAX_THREADS];
} pairs;

static void miller_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    pairs *c = ctx;
    const zkn_g1_aff *p[MILLER_TOGETHER];
    const zkn_g2_aff *q[MILLER_TOGETHER];
    size_t n = 0, n_fixed = worker == 0 ? c->n_fixed : 0; /* with the first worker's first pairs */
    for (size_t i = begin; i < end; i++) {
        ZKN_ASSERT(g1_aff_is_on_curve(&c->p[i]) && g2_aff_is_on_curve(&c->q[i]) &&
                   g2_is_in_subgroup_vartime(&c->q[i]));
        if (g1_aff_is_zero(&c->p[i]) || g2_aff_is_zero(&c->q[i])) continue;
        p[n] = &c->p[i];
        q[n++] = &c->q[i];
        if (n < MILLER_TOGETHER) continue;
        miller_loop(&c->product[worker], p, q, n, c->fixed_p, c->lines, n_fixed);
        n = n_fixed = 0;
    }
    miller_loop(&c->product[worker], p, q, n, c->fixed_p, c->lines, n_fixed);
}

/* out <- the product, after the final exponentiation */
static void product_of(zkn_fp12 *out, pairs *c, size_t n, unsigned threads)
{
    const unsigned workers = n == 0 ? 1 : zkn_workers(n, threads);
    for (unsigned k = 0; k < workers; k++) fp12_one(&c->product[k]);
    if (n == 0) {
        miller_share(c, 0, 0, 0);
    } else {
        zkn_parallel(n, threads, miller_share, c);
    }
    *out = c->product[0];
    for (unsigned k = 1; k < workers; k++) fp12_mul(out, out, &c->product[k]);
    pairing_final_exponentiation(out, out);
}

void zkn_pairing_check(int *ok, const zkn_g1_aff *p, const zkn_g2_aff *q, size_t n, unsigned threads)
{
    pairs c = {.p = p, .q = q};
    zkn_fp12 f;
    product_of(&f, &c, n, threads);
    *ok = fp12_is_one(&f);
}

void zkn_pairing_product(zkn_gt *out, const zkn_g1_aff *p, const zkn_g2_aff *q, size_t n, unsigned threads)
{
    pairs c = {.p = p, .q = q};
    zkn_fp12 f;
    product_of(&f, &c, n, threads);
    _Static_assert(sizeof *out == sizeof f, "a zkn_gt is an element of Fp12");
    memcpy(out, &f, sizeof f);
}

zkn_status zkn_pairing_check_fixed(int *ok, const zkn_gt *target, const zkn_g1_aff *p, const zkn_g2_aff *q,
                                   size_t n, const zkn_g1_aff *fixed_p, const zkn_line *lines, size_t n_fixed,
                                   unsigned threads)
{
    pairs c = {.p = p, .q = q, .fixed_p = fixed_p, .lines = lines, .n_fixed = n_fixed};
    zkn_fp12 f, wanted;
    if (n_fixed > ZKN_PAIRING_MAX_FIXED) return ZKN_BAD_LENGTH;
    product_of(&f, &c, n, threads);
    memcpy(&wanted, target, sizeof wanted);
    *ok = fp12_equal(&f, &wanted);
    return ZKN_OK;
}
