/* The witness machine in eight blocks at once. No step branches or indexes on a value.
 *
 * Slots are in the lanes' form, carried, with a bound of 2 in the sense of lane_field_template.h. A row adds up what has
 * coefficient 1 or -1 in limbs, and products in columns that are reduced once: with UNITS terms of bound 2 and a reduced
 * sum of PRODUCTS products of bounds 2 and 1, 2 UNITS + 2 PRODUCTS / 84 + 1 < 84 and PRODUCTS < 200. */
#include "witness_lanes.h"

#if ZKN_PATH_IFMA

#include "field.h"
#include "scratch.h"
#include "sparse.h"

enum { UNITS = 32, PRODUCTS = 128 };

typedef struct {
    uint64_t l[LANE_LIMBS];
} lane_constant;

/* The scratch, divided. */
typedef struct {
    fr8 *slots;
    lane_constant *pool;
    sparse_units *units;
} machine;

static machine divided(const zkn_program *p, zkn_scratch *s)
{
    machine m;
    m.slots = zkn_take_aligned(s, p->n_slots, sizeof *m.slots);
    m.pool = zkn_take(s, p->n_pool, sizeof *m.pool);
    m.units = zkn_take(s, 1, sizeof *m.units);
    return m;
}

static machine machine_in(const zkn_program *p, void *scratch)
{
    zkn_scratch s = {scratch, 0};
    return divided(p, &s);
}

size_t witness_eight_size(const zkn_program *p)
{
    zkn_scratch s = {NULL, 0};
    divided(p, &s);
    return s.used;
}

void witness_eight_prepare(const zkn_program *p, void *scratch)
{
    const machine m = machine_in(p, scratch);
    for (size_t i = 0; i < p->n_pool; i++) fr_lane_limbs(m.pool[i].l, &p->pool[i]);
    *m.units = sparse_units_of(p->pool, p->n_pool);
}

static inline void tidy(fr8 *a)
{
    fr8_carry(a);
    fr8_fold(a);
}

static void zero(fr8 *out)
{
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) out->l[i] = lane_all(0);
}

/* The terms of a row so far: what is added, of a bound of 2 added at most, and products not yet reduced. */
typedef struct {
    fr8 sum;
    fr8_wide products;
    unsigned n_added, n_products;
} row_sum;

static inline void settle_products(row_sum *r)
{
    fr8 reduced;
    fr8_reduce(&reduced, &r->products);
    fr8_add(&r->sum, &r->sum, &reduced);
    tidy(&r->sum);
    fr8_wide_zero(&r->products);
    r->n_added = 1, r->n_products = 0;
}

static void row_dot(fr8 *out, const machine *m, const zkn_sparse *a, size_t row)
{
    row_sum r;
    zero(&r.sum);
    fr8_wide_zero(&r.products);
    r.n_added = r.n_products = 0;
    for (size_t k = a->row_ptr[row]; k < a->row_ptr[row + 1]; k++) {
        const uint32_t coefficient = a->coefficient[k];
        const fr8 *x = &m->slots[a->wire[k]];
        if (coefficient == m->units->one || coefficient == m->units->minus_one) {
            if (r.n_added == UNITS) tidy(&r.sum), r.n_added = 1;
            if (coefficient == m->units->one) {
                fr8_add(&r.sum, &r.sum, x);
            } else {
                fr8_sub(&r.sum, &r.sum, x, 2);
            }
            r.n_added++;
        } else {
            if (r.n_products == PRODUCTS) settle_products(&r);
            r.n_products++;
            fr8_wide_madd_all(&r.products, x, m->pool[coefficient].l);
        }
    }
    if (r.n_products) {
        settle_products(&r);
    } else {
        tidy(&r.sum);
    }
    *out = r.sum;
}

/* The canonical integers in limbs of 52 bits. */
static inline void integers(fr8 *out, const fr8 *value)
{
    static const uint64_t unit[LANE_LIMBS] = {1};
    fr8_mul_all(out, value, unit);
    fr8_canonical(out);
}

/* one where the mask has a bit, else zero */
static inline void flag(fr8 *out, lane_mask mask)
{
    ZKN_UNROLL
    for (int i = 0; i < LANE_LIMBS; i++) {
        out->l[i] = lane_select(lane_all(0), lane_all(FR_LANE_ONE[i]), mask);
    }
}

static void write_bits(fr8 *bits, uint32_t count, const fr8 *value)
{
    fr8 integer;
    integers(&integer, value);
    for (uint32_t i = 0; i < count; i++) {
        lane_word *limb = &integer.l[i / LANE_BITS];
        flag(&bits[i], lane_equal(lane_and(*limb, lane_all(1)), lane_all(1)));
        *limb = lane_shr(*limb, 1);
    }
}

static void write_one_hot(fr8 *flags, uint32_t count, const fr8 *value)
{
    fr8 integer;
    integers(&integer, value);
    lane_word above = integer.l[1];
    for (int i = 2; i < LANE_LIMBS; i++) above = lane_or(above, integer.l[i]);
    const lane_mask small = lane_equal(above, lane_all(0));
    for (uint32_t i = 0; i < count; i++) flag(&flags[i], small & lane_equal(integer.l[0], lane_all(i)));
}

static void invert(fr8 *out, const fr8 *value)
{
    zkn_fr each[LANES];
    fr8_store(each, 1, value);
    for (int i = 0; i < LANES; i++) fr_inv(&each[i], &each[i]);
    fr8_load(out, each, 1);
    fr8_fold(out);
    zkn_wipe(each, sizeof each);
}

static void step(const machine *m, const zkn_program *p, const uint32_t *code)
{
    const uint32_t source = code[2], count = code[3];
    fr8 *target = &m->slots[code[1]], x, y;
    switch (code[0]) {
    case ZKN_STEP_SOLVE:
        row_dot(&x, m, &p->a, source);
        row_dot(&y, m, &p->b, source);
        fr8_mul(&x, &x, &y);
        zero(target);
        row_dot(&y, m, &p->c, source);
        fr8_sub(target, &x, &y, 2);
        tidy(target);
        break;
    case ZKN_STEP_PRODUCT:
        row_dot(&x, m, &p->a, source);
        row_dot(&y, m, &p->b, source);
        fr8_mul(target, &x, &y);
        break;
    case ZKN_STEP_LINEAR:
        row_dot(target, m, &p->linear, source);
        break;
    case ZKN_STEP_INVERSE:
        row_dot(&x, m, &p->linear, source);
        invert(target, &x);
        break;
    case ZKN_STEP_BITS:
        row_dot(&x, m, &p->linear, source);
        write_bits(target, count, &x);
        break;
    case ZKN_STEP_ONE_HOT:
        row_dot(&x, m, &p->linear, source);
        write_one_hot(target, count, &x);
        break;
    default:
        break;
    }
}

void witness_eight(zkn_fr *slots, const zkn_program *p, void *scratch)
{
    const machine m = machine_in(p, scratch);
    for (size_t i = 0; i < p->n_slots; i++) {
        fr8_load(&m.slots[i], &slots[i], p->n_slots);
        fr8_fold(&m.slots[i]);
    }
    for (size_t i = 0; i < p->n_steps; i++) step(&m, p, &p->steps[4 * i]);
    for (size_t i = p->n_fixed; i < p->n_slots; i++) fr8_store(&slots[i], p->n_slots, &m.slots[i]);
}

#endif
