/* The permutation of poseidon_template.h over lanes. Bounds, in the sense of lane_field_template.h: what is loaded
 * has 16; a dot product of t <= 17 terms with reduced constants has t b / 84 + 1; a fifth power has 2. So after the
 * first S-boxes every state has at most 17 * 2 / 84 + 1 < 2, and an entry of the register u of the partial rounds,
 * which is such a sum plus a fifth power, at most 16 * 4 / 84 + 1 + 2 < 4. */
#include "poseidon_lanes.h"

#if ZKN_PATH_IFMA

#include <stdatomic.h>

typedef struct {
    uint64_t l[LANE_LIMBS];
} lane_constant;

typedef POSEIDON_TABLE(lane_constant) lane_table;

static inline void eight_dot(fr8 *out, const lane_constant *m, const fr8 *v, size_t n)
{
    fr8_wide sum;
    fr8_wide_zero(&sum);
    for (size_t i = 0; i < n; i++) fr8_wide_madd_all(&sum, &v[i], m[i].l);
    fr8_reduce(out, &sum);
}

/* for a of bound 16: (a + 1)^2 / 84 + 1 < 5, 5^2 / 84 + 1 < 2, 2 (a + 1) / 84 + 1 < 2 */
static inline void eight_power(fr8 *out, const fr8 *a, const lane_constant *constant)
{
    fr8 x, x2, x4;
    fr8_all(&x, constant->l);
    fr8_add(&x, &x, a);
    fr8_carry(&x);
    fr8_sqr(&x2, &x);
    fr8_sqr(&x4, &x2);
    fr8_mul(out, &x, &x4);
}

static inline void eight_add(fr8 *out, const fr8 *a, const fr8 *b)
{
    fr8_add(out, a, b);
    fr8_carry(out);
}

#define POSEIDON eight
#define ELEMENT  fr8
#define CONSTANT lane_constant
#define TABLE    lane_table
#include "poseidon_template.h"

/* Two sets of eight, which take turns at every product: one alone waits for its own. */
typedef struct {
    fr8 set[2];
} fr16;

static inline void sixteen_dot(fr16 *out, const lane_constant *m, const fr16 *v, size_t n)
{
    fr8_wide sum[2];
    ZKN_UNROLL
    for (int k = 0; k < 2; k++) {
        fr8_wide_zero(&sum[k]);
        for (size_t i = 0; i < n; i++) fr8_wide_madd_all(&sum[k], &v[i].set[k], m[i].l);
        fr8_reduce(&out->set[k], &sum[k]);
    }
}

static inline void sixteen_power(fr16 *out, const fr16 *a, const lane_constant *constant)
{
    fr16 x, x2;
    ZKN_UNROLL
    for (int k = 0; k < 2; k++) {
        fr8_all(&x.set[k], constant->l);
        fr8_add(&x.set[k], &x.set[k], &a->set[k]);
        fr8_carry(&x.set[k]);
        fr8_sqr(&x2.set[k], &x.set[k]);
    }
    ZKN_UNROLL
    for (int k = 0; k < 2; k++) fr8_sqr(&x2.set[k], &x2.set[k]);
    ZKN_UNROLL
    for (int k = 0; k < 2; k++) fr8_mul(&out->set[k], &x.set[k], &x2.set[k]);
}

static inline void sixteen_add(fr16 *out, const fr16 *a, const fr16 *b)
{
    ZKN_UNROLL
    for (int k = 0; k < 2; k++) eight_add(&out->set[k], &a->set[k], &b->set[k]);
}

#define POSEIDON sixteen
#define ELEMENT  fr16
#define CONSTANT lane_constant
#define TABLE    lane_table
#include "poseidon_template.h"

static void convert(lane_constant *out, const zkn_fr *in, size_t n)
{
    for (size_t i = 0; i < n; i++) fr_lane_limbs(out[i].l, &in[i]);
}

#define CONVERT(member) convert(table->member, from->member, sizeof from->member / sizeof *from->member)

static void derive(lane_table *table, const poseidon_table *from)
{
    table->width = from->width;
    table->partial_rounds = from->partial_rounds;
    CONVERT(first), CONVERT(scalar), CONVERT(last), CONVERT(mds);
    CONVERT(enter), CONVERT(leave), CONVERT(step), CONVERT(feed);
}

/* As poseidon_table_of. */
static const lane_table *lane_table_of(size_t width)
{
    static lane_table tables[ZKN_POSEIDON_MAX_WIDTH + 1];
    static atomic_int ready[ZKN_POSEIDON_MAX_WIDTH + 1];
    static pthread_mutex_t deriving = PTHREAD_MUTEX_INITIALIZER;
    const poseidon_table *from = poseidon_table_of(width);
    if (!atomic_load_explicit(&ready[width], memory_order_acquire)) {
        pthread_mutex_lock(&deriving);
        if (!atomic_load_explicit(&ready[width], memory_order_relaxed)) {
            derive(&tables[width], from);
            atomic_store_explicit(&ready[width], 1, memory_order_release);
        }
        pthread_mutex_unlock(&deriving);
    }
    return &tables[width];
}

void poseidon_eight(zkn_fr *out, const zkn_fr *tags, size_t tag_stride, const zkn_fr *inputs, size_t stride,
                    size_t n)
{
    fr8 state[ZKN_POSEIDON_MAX_WIDTH];
    fr8_load(&state[0], tags, tag_stride);
    for (size_t i = 0; i < n; i++) fr8_load(&state[1 + i], &inputs[i], stride);
    eight_permute(lane_table_of(n + 1), state, 1);
    fr8_store(out, 1, &state[0]);
}

void poseidon_sixteen(zkn_fr *out, const zkn_fr *tags, size_t tag_stride, const zkn_fr *inputs, size_t stride,
                      size_t n)
{
    fr16 state[ZKN_POSEIDON_MAX_WIDTH];
    for (size_t k = 0; k < 2; k++) {
        fr8_load(&state[0].set[k], &tags[k * LANES * tag_stride], tag_stride);
        for (size_t i = 0; i < n; i++)
            fr8_load(&state[1 + i].set[k], &inputs[k * LANES * stride + i], stride);
    }
    sixteen_permute(lane_table_of(n + 1), state, 1);
    for (size_t k = 0; k < 2; k++) fr8_store(&out[k * LANES], 1, &state[0].set[k]);
}

#endif
