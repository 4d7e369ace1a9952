/* The witness machine: straight-line code over the slots of one witness. No step branches or indexes on a value. */
#include "field.h"
#include "sparse.h"
#include "witness_lanes.h"

enum { VALUE_BITS = 254 };

/* How many slots an instruction writes from its target on; 0 if it is not an instruction. */
static uint64_t slots_written(const uint32_t *step)
{
    switch (step[0]) {
    case ZKN_STEP_SOLVE:
    case ZKN_STEP_PRODUCT:
    case ZKN_STEP_LINEAR:
    case ZKN_STEP_INVERSE:
        return 1;
    case ZKN_STEP_BITS:
        return step[3] <= VALUE_BITS ? step[3] : 0;
    case ZKN_STEP_ONE_HOT:
        return step[3];
    default:
        return 0;
    }
}

static int reads_a_row(const uint32_t *step)
{
    return step[0] == ZKN_STEP_SOLVE || step[0] == ZKN_STEP_PRODUCT;
}

/* Does the row of C hold the target once, with coefficient 1? */
static int is_solvable(const zkn_program *p, uint32_t target, uint32_t row)
{
    zkn_fr one;
    fr_one(&one);
    unsigned found = 0;
    for (uint64_t k = p->c.row_ptr[row]; k < p->c.row_ptr[row + 1]; k++) {
        if (p->c.wire[k] != target) continue;
        if (!fr_equal(&p->pool[p->c.coefficient[k]], &one)) return 0;
        found++;
    }
    return found == 1;
}

zkn_status zkn_witness_check(size_t *bad, const zkn_program *p)
{
    *bad = 0;
    if (p->n_fixed == 0 || p->n_fixed > p->n_slots) return ZKN_OUT_OF_RANGE;
    if (p->a.n_rows != p->b.n_rows || p->a.n_rows != p->c.n_rows) return ZKN_OUT_OF_RANGE;
    const zkn_sparse *const matrices[] = {&p->a, &p->b, &p->c, &p->linear};
    for (int i = 0; i < 4; i++) {
        if (zkn_sparse_check(bad, matrices[i], p->n_slots, p->n_pool) != ZKN_OK) return ZKN_OUT_OF_RANGE;
    }
    for (size_t i = 0; i < p->n_steps; i++) {
        const uint32_t *step = &p->steps[4 * i];
        const uint64_t first = step[1], count = slots_written(step);
        *bad = i;
        if (count == 0 || first < p->n_fixed || first + count > p->n_slots) return ZKN_OUT_OF_RANGE;
        if (step[2] >= (reads_a_row(step) ? p->c.n_rows : p->linear.n_rows)) return ZKN_OUT_OF_RANGE;
        if (step[0] == ZKN_STEP_SOLVE && !is_solvable(p, step[1], step[2])) return ZKN_OUT_OF_RANGE;
    }
    return ZKN_OK;
}

/* bits[i] <- bit i of the canonical integer in value */
static void write_bits(zkn_fr *bits, uint32_t count, const zkn_fr *value)
{
    uint64_t integer[4];
    zkn_fr one;
    fr_one(&one);
    fr_to_canonical(integer, value);
    for (uint32_t i = 0; i < count; i++) {
        fr_zero(&bits[i]);
        fr_cmov(&bits[i], &one, integer[i / 64] >> (i % 64) & 1);
    }
}

/* flags[i] <- 1 if value is i, else 0 */
static void write_one_hot(zkn_fr *flags, uint32_t count, const zkn_fr *value)
{
    uint64_t integer[4];
    zkn_fr one;
    fr_one(&one);
    fr_to_canonical(integer, value);
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t differ = (integer[0] ^ i) | integer[1] | integer[2] | integer[3];
        fr_zero(&flags[i]);
        fr_cmov(&flags[i], &one, 1 ^ ((differ | (0 - differ)) >> 63));
    }
}

/* slots[target] <- (A w)(B w) - (the rest of C w): the target has coefficient 1 in C, whatever its slot held before. */
static void solve_row(const zkn_program *p, zkn_fr *slots, uint32_t target, uint32_t row, sparse_units units)
{
    zkn_fr a, b, c;
    sparse_row_dot(&a, &p->a, row, p->pool, units, slots);
    sparse_row_dot(&b, &p->b, row, p->pool, units, slots);
    fr_zero(&slots[target]);
    sparse_row_dot(&c, &p->c, row, p->pool, units, slots);
    fr_mul(&a, &a, &b);
    fr_sub(&slots[target], &a, &c);
}

void zkn_witness_run(zkn_fr *slots, const zkn_program *p)
{
    const sparse_units units = sparse_units_of(p->pool, p->n_pool);
    for (size_t i = 0; i < p->n_steps; i++) {
        const uint32_t *step = &p->steps[4 * i];
        const uint32_t target = step[1], source = step[2], count = step[3];
        zkn_fr x, y;
        switch (step[0]) {
        case ZKN_STEP_SOLVE:
            solve_row(p, slots, target, source, units);
            break;
        case ZKN_STEP_PRODUCT:
            sparse_row_dot(&x, &p->a, source, p->pool, units, slots);
            sparse_row_dot(&y, &p->b, source, p->pool, units, slots);
            fr_mul(&slots[target], &x, &y);
            break;
        case ZKN_STEP_LINEAR:
            sparse_row_dot(&slots[target], &p->linear, source, p->pool, units, slots);
            break;
        case ZKN_STEP_INVERSE:
            sparse_row_dot(&x, &p->linear, source, p->pool, units, slots);
            fr_inv(&slots[target], &x);
            break;
        case ZKN_STEP_BITS:
            sparse_row_dot(&x, &p->linear, source, p->pool, units, slots);
            write_bits(&slots[target], count, &x);
            break;
        case ZKN_STEP_ONE_HOT:
            sparse_row_dot(&x, &p->linear, source, p->pool, units, slots);
            write_one_hot(&slots[target], count, &x);
            break;
        default:
            break;
        }
    }
}

size_t zkn_witness_apart_scratch_size(const zkn_program *p)
{
#if ZKN_PATH_IFMA
    return witness_eight_size(p);
#else
    (void)p;
    return 0;
#endif
}

void zkn_witness_apart(zkn_fr *slots, const zkn_program *p, size_t blocks, void *scratch)
{
    size_t b = 0;
#if ZKN_PATH_IFMA
    if (blocks >= LANES) witness_eight_prepare(p, scratch);
    for (; b + LANES <= blocks; b += LANES) witness_eight(slots + b * p->n_slots, p, scratch);
#else
    (void)scratch;
#endif
    for (; b < blocks; b++) zkn_witness_run(slots + b * p->n_slots, p);
}

void zkn_witness_forward(zkn_fr *slots, const zkn_program *p, const uint32_t *previous, size_t n_links,
                         size_t blocks)
{
    for (size_t b = 0; b < blocks; b++) {
        zkn_fr *here = slots + b * p->n_slots;
        for (size_t i = 0; i < n_links; i++) {
            const uint32_t *link = &previous[2 * i];
            if (b) {
                here[link[0]] = (here - p->n_slots)[link[1]];
            } else {
                fr_zero(&here[link[0]]);
            }
        }
        zkn_witness_run(here, p);
    }
}

void zkn_witness_upward(zkn_fr *slots, const zkn_program *p, const uint32_t *children, size_t n_links,
                        size_t blocks)
{
    for (size_t b = blocks; b-- > 0;) {
        zkn_fr *here = slots + b * p->n_slots;
        const int inner = 2 * b < blocks;
        const zkn_fr *left = slots + (inner ? 2 * b : 2 * b - blocks) * p->n_slots,
                     *right = left + p->n_slots;
        for (size_t i = 0; i < n_links; i++) {
            const uint32_t *link = &children[4 * i];
            if (b) {
                here[link[0]] = left[link[inner ? 2 : 3]];
                here[link[1]] = right[link[inner ? 2 : 3]];
            } else {
                fr_zero(&here[link[0]]);
                fr_zero(&here[link[1]]);
            }
        }
        zkn_witness_run(here, p);
    }
}

/* Squares of TILE elements on a side, 8 KiB, stay in the first cache whatever the strides. */
void zkn_blocks_take(zkn_fr *out, const zkn_fr *slots, size_t n_slots, size_t blocks, const uint32_t *taken,
                     size_t n_taken)
{
    enum { TILE = 16 };
    for (size_t k = 0; k < n_taken; k += TILE) {
        const size_t last = k + TILE < n_taken ? k + TILE : n_taken;
        for (size_t b = 0; b < blocks; b += TILE) {
            const size_t stop = b + TILE < blocks ? b + TILE : blocks;
            for (size_t i = k; i < last; i++) {
                for (size_t j = b; j < stop; j++) out[i * blocks + j] = slots[j * n_slots + taken[i]];
            }
        }
    }
}
