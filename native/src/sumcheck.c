/* The prover's rounds of a sumcheck over tables of values (zkn.h says what a table is).
 *
 * Of every round polynomial all coefficients but that of X are computed: the verifier knows a relation more.
 * Products are summed before they are reduced, CHUNK at a time (fr_dot.h). */
#include "fr_dot.h"
#include "fr_factor.h"
#include "fr_vec_lanes.h"
#include "sumcheck_lanes.h"
#include "threads.h"

#include <string.h>

enum { CHUNK = 16, MOST_SUMS = 5 };

zkn_status zkn_eq_table(zkn_fr *out, size_t n, const zkn_fr *point, size_t s)
{
    if (s > 48 || n == 0 || n > (size_t)1 << s) return ZKN_BAD_LENGTH;
    fr_one(&out[0]);
    for (size_t j = 0; j < s; j++) {
        const size_t wide = (n - 1) >> (s - 1 - j),
                     narrow = wide / 2; /* last index of this level, of the one before */
        size_t many = 0;
#if ZKN_HAS_LANES
        many = (wide + 1) / 2 / 8 * 8;
#endif
        for (size_t i = narrow + 1; i-- > many;) {
            zkn_fr one;
            fr_mul(&one, &out[i], &point[j]);
            fr_sub(&out[2 * i], &out[i], &one);
            if (2 * i + 1 <= wide) out[2 * i + 1] = one;
        }
#if ZKN_HAS_LANES
        fr_lanes_split(out, out, &point[j], many);
#endif
    }
    return ZKN_OK;
}

typedef struct {
    zkn_fr *a;
    const zkn_fr *b, *c, *eq, *r;
    size_t n, half;
    zkn_fr (*sums)[MOST_SUMS]; /* of each worker */
} round_job;

static const zkn_fr ZERO;

static inline const zkn_fr *upper(const zkn_fr *a, size_t i, const round_job *job)
{
    return i + job->half < job->n ? &a[i + job->half] : &ZERO;
}

static size_t pairs_of(size_t n, size_t half)
{
    return n < half ? n : half;
}

#if ZKN_HAS_LANES

/* How many pairs from i on go in lanes: all of them with a value above, which is at *above then, or none. */
static size_t in_lanes(const round_job *job, size_t i, size_t end, int *above)
{
    const size_t with = job->n > job->half ? job->n - job->half : 0;
    *above = i < with;
    return ((*above && with < end ? with : end) - i) / 8 * 8;
}

static inline const zkn_fr *upper_or_null(const zkn_fr *a, size_t i, const round_job *job, int above)
{
    return above ? &a[i + job->half] : NULL;
}

#endif

static void fold_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const round_job *job = ctx;
    fr_factor r;
    fr_factor_of(&r, job->r);
    for (size_t i = begin; i < end; i++) {
#if ZKN_HAS_LANES
        int above;
        const size_t many = in_lanes(job, i, end, &above);
        sumcheck_lanes_fold(&job->a[i], upper_or_null(job->a, i, job, above), job->r, many);
        if ((i += many) == end) break;
#endif
        zkn_fr step;
        uint64_t product[4];
        zkn_carry carry = 0;
        fr_sub(&step, upper(job->a, i, job), &job->a[i]);
        fr_mul_factor(product, &step, &r);
        ZKN_UNROLL
        for (int k = 0; k < 4; k++) job->a[i].l[k] = zkn_adc(job->a[i].l[k], product[k], &carry);
        fr_normalise(&job->a[i]); /* from below 3 m */
    }
}

void zkn_sumcheck_fold(zkn_fr *a, size_t n, size_t half, const zkn_fr *r, unsigned threads)
{
    round_job job = {.a = a, .r = r, .n = n, .half = half};
    const size_t pairs = pairs_of(n, half);
    zkn_parallel(pairs, zkn_worth(pairs, ZKN_PRODUCTS_MIN, threads), fold_share, &job);
}

/* *sum += sum x_k y_k */
static void add_dot(zkn_fr *sum, const zkn_fr *x, const zkn_fr *y, size_t n)
{
    zkn_fr part;
    fr_dot(&part, x, y, n);
    fr_add(sum, sum, &part);
}

static void rows_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const round_job *job = ctx;
    zkn_fr low[CHUNK], high[CHUNK], step;
    zkn_fr *sums = job->sums[worker];
    for (size_t i = begin, some; i < end; i += some) {
#if ZKN_HAS_LANES
        int above;
        const zkn_fr *const tables[3] = {&job->a[i], &job->b[i], &job->c[i]};
        if ((some = in_lanes(job, i, end, &above)) > 0) {
            const zkn_fr *const upper[2] = {upper_or_null(job->a, i, job, above),
                                            upper_or_null(job->b, i, job, above)};
            sumcheck_lanes_rows(sums, tables, upper, &job->eq[i], some);
            continue;
        }
#endif
        some = end - i < CHUNK ? end - i : CHUNK;
        for (size_t k = 0; k < some; k++) {
            fr_mul(&low[k], &job->a[i + k], &job->b[i + k]);
            fr_sub(&low[k], &low[k], &job->c[i + k]);
            fr_sub(&high[k], upper(job->a, i + k, job), &job->a[i + k]);
            fr_sub(&step, upper(job->b, i + k, job), &job->b[i + k]);
            fr_mul(&high[k], &high[k], &step);
        }
        add_dot(&sums[0], low, job->eq + i, some);
        add_dot(&sums[1], high, job->eq + i, some);
    }
    zkn_wipe(low, sizeof low);
    zkn_wipe(high, sizeof high);
}

static void product_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const round_job *job = ctx;
    zkn_fr left[CHUNK], right[CHUNK];
    zkn_fr *sums = job->sums[worker];
    for (size_t i = begin, some; i < end; i += some) {
#if ZKN_HAS_LANES
        int above;
        const zkn_fr *const tables[2] = {&job->a[i], &job->b[i]};
        if ((some = in_lanes(job, i, end, &above)) > 0) {
            const zkn_fr *const upper[2] = {upper_or_null(job->a, i, job, above),
                                            upper_or_null(job->b, i, job, above)};
            sumcheck_lanes_product(sums, tables, upper, some);
            continue;
        }
#endif
        some = end - i < CHUNK ? end - i : CHUNK;
        for (size_t k = 0; k < some; k++) {
            fr_sub(&left[k], upper(job->a, i + k, job), &job->a[i + k]);
            fr_sub(&right[k], upper(job->b, i + k, job), &job->b[i + k]);
        }
        add_dot(&sums[0], job->a + i, job->b + i, some);
        add_dot(&sums[1], left, right, some);
    }
    zkn_wipe(left, sizeof left);
    zkn_wipe(right, sizeof right);
}

/* What n pairs add to the five sums: (a(0)^5 - c(0)), and with the step s = a(1) - a(0) a(0)^3 s^2, a(0)^2 s^3, a(0) s^4
 * and s^5. */
static void powers_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    const round_job *job = ctx;
    zkn_fr terms[MOST_SUMS][CHUNK], square, cube, step, step_2, step_3;
    zkn_fr *sums = job->sums[worker];
    for (size_t i = begin, some; i < end; i += some) {
#if ZKN_HAS_LANES
        int above;
        if ((some = in_lanes(job, i, end, &above)) > 0) {
            sumcheck_lanes_powers(sums, &job->a[i], upper_or_null(job->a, i, job, above), &job->c[i],
                                  &job->eq[i], some);
            continue;
        }
#endif
        some = end - i < CHUNK ? end - i : CHUNK;
        for (size_t k = 0; k < some; k++) {
            const zkn_fr *a = &job->a[i + k];
            fr_sub(&step, upper(job->a, i + k, job), a);
            fr_sqr(&square, a), fr_sqr(&step_2, &step);
            fr_mul(&cube, &square, a), fr_mul(&step_3, &step_2, &step);
            fr_mul(&terms[0][k], &cube, &square);
            fr_sub(&terms[0][k], &terms[0][k], &job->c[i + k]);
            fr_mul(&terms[1][k], &cube, &step_2);
            fr_mul(&terms[2][k], &square, &step_3);
            fr_sqr(&terms[3][k], &step_2);
            fr_mul(&terms[3][k], &terms[3][k], a);
            fr_mul(&terms[4][k], &step_3, &step_2);
        }
        for (int k = 0; k < MOST_SUMS; k++) add_dot(&sums[k], terms[k], job->eq + i, some);
    }
    zkn_wipe(terms, sizeof terms);
    zkn_wipe(&square, sizeof square), zkn_wipe(&cube, sizeof cube), zkn_wipe(&step, sizeof step);
    zkn_wipe(&step_2, sizeof step_2), zkn_wipe(&step_3, sizeof step_3);
}

static void run_round(zkn_fr *out, size_t n_sums, round_job *job, zkn_task share, unsigned threads)
{
    zkn_fr sums[ZKN_MAX_THREADS][MOST_SUMS];
    const size_t n = pairs_of(job->n, job->half);
    const unsigned workers = zkn_worth(n, ZKN_PRODUCTS_MIN, threads);
    memset(sums, 0, workers * sizeof *sums);
    job->sums = sums;
    zkn_parallel(n, workers, share, job);
    memset(out, 0, n_sums * sizeof *out);
    for (unsigned k = 0; k < workers; k++) {
        for (size_t i = 0; i < n_sums; i++) fr_add(&out[i], &out[i], &sums[k][i]);
    }
    zkn_wipe(sums, workers * sizeof *sums);
}

void zkn_sumcheck_rows(zkn_fr out[2], const zkn_fr *a, const zkn_fr *b, const zkn_fr *c, const zkn_fr *eq,
                       size_t n, size_t half, unsigned threads)
{
    round_job job = {.a = (zkn_fr *)(uintptr_t)a, .b = b, .c = c, .eq = eq, .n = n, .half = half};
    run_round(out, 2, &job, rows_share, threads);
}

void zkn_sumcheck_product(zkn_fr out[2], const zkn_fr *a, const zkn_fr *b, size_t n, size_t half,
                          unsigned threads)
{
    round_job job = {.a = (zkn_fr *)(uintptr_t)a, .b = b, .n = n, .half = half};
    run_round(out, 2, &job, product_share, threads);
}

/* *a <- 5 a, or 10 a */
static void five_times(zkn_fr *a, int twice)
{
    zkn_fr four;
    fr_dbl(&four, a), fr_dbl(&four, &four);
    fr_add(a, a, &four);
    if (twice) fr_dbl(a, a);
    zkn_wipe(&four, sizeof four);
}

void zkn_sumcheck_powers(zkn_fr out[5], const zkn_fr *d, const zkn_fr *e, const zkn_fr *eq, size_t n,
                         size_t half, unsigned threads)
{
    round_job job = {.a = (zkn_fr *)(uintptr_t)d, .c = e, .eq = eq, .n = n, .half = half};
    run_round(out, MOST_SUMS, &job, powers_share, threads);
    five_times(&out[1], 1), five_times(&out[2], 1), five_times(&out[3], 0);
}
