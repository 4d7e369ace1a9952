/* Sparse matrices over Fr in compressed rows: product with a vector, and the rows of an R1CS that a witness breaks. */
#include "fr_dot.h"
#include "fr_vec_lanes.h"
#include "sparse.h"
#include "threads.h"

#include <string.h>

zkn_status zkn_sparse_check(size_t *bad, const zkn_sparse *m, size_t n_columns, size_t n_pool)
{
    *bad = 0;
    if (m->row_ptr[0] != 0) return ZKN_OUT_OF_RANGE;
    for (size_t i = 0; i < m->n_rows; i++) {
        if (m->row_ptr[i + 1] < m->row_ptr[i]) return *bad = i, ZKN_OUT_OF_RANGE;
    }
    if (m->row_ptr[m->n_rows] != m->nnz) return *bad = m->n_rows, ZKN_OUT_OF_RANGE;
    for (size_t k = 0; k < m->nnz; k++) {
        if (m->wire[k] >= n_columns || m->coefficient[k] >= n_pool) return *bad = k, ZKN_OUT_OF_RANGE;
    }
    return ZKN_OK;
}

sparse_units sparse_units_of(const zkn_fr *pool, size_t n_pool)
{
    zkn_fr one, minus_one;
    fr_one(&one);
    fr_neg(&minus_one, &one);
    sparse_units units = {UINT32_MAX, UINT32_MAX};
    for (size_t i = 0; i < n_pool; i++) {
        if (fr_equal(&pool[i], &one)) units.one = (uint32_t)i;
        if (fr_equal(&pool[i], &minus_one)) units.minus_one = (uint32_t)i;
    }
    return units;
}

void sparse_row_dot(zkn_fr *out, const zkn_sparse *m, size_t row, const zkn_fr *pool, sparse_units units,
                    const zkn_fr *w)
{
    zkn_fr sum, product;
    fr_zero(&sum);
    for (size_t k = m->row_ptr[row]; k < m->row_ptr[row + 1]; k++) {
        const uint32_t coefficient = m->coefficient[k];
        const zkn_fr *x = &w[m->wire[k]];
        if (coefficient == units.one) {
            fr_add(&sum, &sum, x);
        } else if (coefficient == units.minus_one) {
            fr_sub(&sum, &sum, x);
        } else {
            fr_mul(&product, &pool[coefficient], x);
            fr_add(&sum, &sum, &product);
        }
    }
    *out = sum;
}

/* The first row i with row_ptr[i] + i >= weight: shares of equal weight are shares of equal work, empty rows included. */
static size_t row_at_weight(const zkn_sparse *m, size_t weight)
{
    size_t low = 0, high = m->n_rows;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (m->row_ptr[middle] + middle < weight) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The factors of products of a row, which are summed before they are reduced. */
typedef struct {
    zkn_fr x[FR_DOT_MAX_TERMS], y[FR_DOT_MAX_TERMS];
    size_t n;
} row_terms;

static void add_terms(zkn_fr *sum, row_terms *t)
{
    zkn_fr part;
    if (t->n == 0) return;
    if (t->n == 1) {
        fr_mul(&part, &t->x[0], &t->y[0]);
    } else {
        fr_dot(&part, t->x, t->y, t->n);
    }
    fr_add(sum, sum, &part);
    t->n = 0;
}

typedef struct {
    zkn_fr *out;
    const zkn_sparse *m;
    const zkn_fr *pool, *w, *shared;
    size_t n_own, blocks; /* wires of w, in so many blocks; the others are shared */
    sparse_units units;
} blocks_job;

static inline const zkn_fr *wire_at(const blocks_job *job, size_t wire)
{
    return wire < job->n_own ? &job->w[wire * job->blocks] : &job->shared[wire - job->n_own];
}

/* The rows of one block. */
static void rows_of_one(const blocks_job *job, size_t begin, size_t end)
{
    row_terms terms = {.n = 0};
    for (size_t i = begin; i < end; i++) {
        zkn_fr *sum = &job->out[i];
        fr_zero(sum);
        for (size_t k = job->m->row_ptr[i]; k < job->m->row_ptr[i + 1]; k++) {
            const uint32_t coefficient = job->m->coefficient[k];
            const zkn_fr *x = wire_at(job, job->m->wire[k]);
            if (coefficient == job->units.one) {
                fr_add(sum, sum, x);
            } else if (coefficient == job->units.minus_one) {
                fr_sub(sum, sum, x);
            } else {
                terms.x[terms.n] = *x;
                terms.y[terms.n++] = job->pool[coefficient];
                if (terms.n == FR_DOT_MAX_TERMS) add_terms(sum, &terms);
            }
        }
        add_terms(sum, &terms);
    }
    zkn_wipe(&terms, sizeof terms);
}

static void product_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const blocks_job *job = ctx;
    rows_of_one(job, row_at_weight(job->m, begin), row_at_weight(job->m, end));
}

void zkn_sparse_product(zkn_fr *out, const zkn_sparse *m, const zkn_fr *pool, size_t n_pool, const zkn_fr *w,
                        unsigned threads)
{
    blocks_job job = {out, m, pool, w, NULL, SIZE_MAX, 1, sparse_units_of(pool, n_pool)};
    zkn_parallel(m->nnz + m->n_rows, zkn_worth(m->nnz + m->n_rows, ZKN_PRODUCTS_MIN, threads), product_share,
                 &job);
}

/* sum[b] += coefficient x[b step]; a step of 0 is one x for all */
static inline void add_multiple(zkn_fr *sum, const blocks_job *job, uint32_t coefficient, const zkn_fr *x,
                                size_t step)
{
    zkn_fr product;
    if (coefficient == job->units.one) {
        for (size_t b = 0; b < job->blocks; b++) fr_add(&sum[b], &sum[b], &x[b * step]);
    } else if (coefficient == job->units.minus_one) {
        for (size_t b = 0; b < job->blocks; b++) fr_sub(&sum[b], &sum[b], &x[b * step]);
    } else if (step) {
        size_t many = 0;
#if ZKN_HAS_LANES
        many = job->blocks / 8 * 8;
        if (many) fr_lanes_add_scaled(sum, x, &job->pool[coefficient], many);
#endif
        for (size_t b = many; b < job->blocks; b++) {
            fr_mul(&product, &job->pool[coefficient], &x[b]);
            fr_add(&sum[b], &sum[b], &product);
        }
    } else {
        fr_mul(&product, &job->pool[coefficient], x);
        for (size_t b = 0; b < job->blocks; b++) fr_add(&sum[b], &sum[b], &product);
    }
}

/* sum[b] <- coefficient x[b step] */
static inline void put_multiple(zkn_fr *sum, const blocks_job *job, uint32_t coefficient, const zkn_fr *x,
                                size_t step)
{
    if (coefficient == job->units.one && step) {
        memcpy(sum, x, job->blocks * sizeof *sum);
        return;
    }
    for (size_t b = 0; b < job->blocks; b++) fr_zero(&sum[b]);
    add_multiple(sum, job, coefficient, x, step);
}

static void blocks_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const blocks_job *job = ctx;
    const size_t stop = row_at_weight(job->m, end);
    for (size_t i = row_at_weight(job->m, begin); i < stop; i++) {
        zkn_fr *sum = &job->out[i * job->blocks];
        const size_t first = job->m->row_ptr[i], last = job->m->row_ptr[i + 1];
        if (first == last) memset(sum, 0, job->blocks * sizeof *sum);
        for (size_t k = first; k < last; k++) {
            const size_t is_own = job->m->wire[k] < job->n_own;
            const zkn_fr *x = wire_at(job, job->m->wire[k]);
            if (k == first) {
                put_multiple(sum, job, job->m->coefficient[k], x, is_own);
            } else {
                add_multiple(sum, job, job->m->coefficient[k], x, is_own);
            }
        }
    }
}

void zkn_sparse_blocks_product(zkn_fr *out, const zkn_sparse *m, const zkn_fr *pool, size_t n_pool,
                               const zkn_fr *w, size_t n_own, const zkn_fr *shared, size_t blocks,
                               unsigned threads)
{
    blocks_job job = {out, m, pool, w, shared, n_own, blocks, sparse_units_of(pool, n_pool)};
    zkn_parallel(m->nnz + m->n_rows, zkn_worth(m->nnz + m->n_rows, ZKN_PRODUCTS_MIN, threads),
                 blocks == 1 ? product_share : blocks_share, &job);
}

typedef struct {
    uint8_t *broken;
    const zkn_sparse *a, *b, *c;
    const zkn_fr *pool, *w;
    sparse_units units;
} rows_job;

static void rows_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const rows_job *job = ctx;
    const size_t stop = row_at_weight(job->a, end);
    for (size_t i = row_at_weight(job->a, begin); i < stop; i++) {
        zkn_fr a, b, c;
        sparse_row_dot(&a, job->a, i, job->pool, job->units, job->w);
        sparse_row_dot(&b, job->b, i, job->pool, job->units, job->w);
        sparse_row_dot(&c, job->c, i, job->pool, job->units, job->w);
        fr_mul(&a, &a, &b);
        job->broken[i] = (uint8_t)!fr_equal(&a, &c);
    }
}

void zkn_r1cs_broken(uint8_t *broken, const zkn_sparse *a, const zkn_sparse *b, const zkn_sparse *c,
                     const zkn_fr *pool, size_t n_pool, const zkn_fr *w, unsigned threads)
{
    rows_job job = {broken, a, b, c, pool, w, sparse_units_of(pool, n_pool)};
    zkn_parallel(a->nnz + a->n_rows, zkn_worth(a->nnz + a->n_rows, ZKN_PRODUCTS_MIN, threads), rows_share,
                 &job);
}

typedef struct {
    uint8_t *unequal;
    const zkn_fr *a, *b, *c;
} unequal_job;

static void unequal_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const unequal_job *job = ctx;
#if ZKN_HAS_LANES
    const size_t many = (end - begin) / 8 * 8;
    fr_lanes_unequal_products(job->unequal + begin, job->a + begin, job->b + begin, job->c + begin, many);
    begin += many;
#endif
    for (size_t i = begin; i < end; i++) {
        zkn_fr product;
        fr_mul(&product, &job->a[i], &job->b[i]);
        job->unequal[i] = (uint8_t)!fr_equal(&product, &job->c[i]);
    }
}

void zkn_unequal_products(uint8_t *unequal, const zkn_fr *a, const zkn_fr *b, const zkn_fr *c, size_t n,
                          unsigned threads)
{
    unequal_job job = {unequal, a, b, c};
    zkn_parallel(n, zkn_worth(n, ZKN_PRODUCTS_MIN, threads), unequal_share, &job);
}

static void unequal_powers_share(void *ctx, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const unequal_job *job = ctx;
#if ZKN_HAS_LANES
    const size_t many = (end - begin) / 8 * 8;
    fr_lanes_unequal_powers(job->unequal + begin, job->a + begin, job->c + begin, many);
    begin += many;
#endif
    for (size_t i = begin; i < end; i++) {
        zkn_fr power;
        fr_sqr(&power, &job->a[i]);
        fr_sqr(&power, &power);
        fr_mul(&power, &power, &job->a[i]);
        job->unequal[i] = (uint8_t)!fr_equal(&power, &job->c[i]);
    }
}

void zkn_unequal_powers(uint8_t *unequal, const zkn_fr *d, const zkn_fr *e, size_t n, unsigned threads)
{
    unequal_job job = {unequal, d, NULL, e};
    zkn_parallel(n, zkn_worth(n, ZKN_PRODUCTS_MIN, threads), unequal_powers_share, &job);
}
