/* The Miller loop of many pairs in lanes: T of every pair takes its affine step beside the others, and each lane multiplies
 * the lines of its pairs into a product of its own, which starts again at every step. */
#include "path.h"

#if ZKN_LANES_OF_G2

#include "lane_points.h"
#include "pairing.h"
#include "tower_lanes.h"

/* The Miller function of all pairs, whose coefficients have lanes of their own on the ifma path. */
#if ZKN_PATH_IFMA
typedef fp12_lanes miller_value;
#define VALUE(name) ZKN_CAT(fp12_lanes_, name)
#else
typedef zkn_fp12 miller_value;
#define VALUE(name) ZKN_CAT(fp12_, name)
static inline void fp12_enter(miller_value *out, const zkn_fp12 *in)
{
    *out = *in;
}
static inline void fp12_leave(zkn_fp12 *out, const miller_value *in)
{
    *out = *in;
}
#endif

#define GROUP      g2
#define COORD      fp2
#define COORD_TYPE zkn_fp2
#define GROUP_AFF  zkn_g2_aff
#define LANE       LANE_FP2
#define FPS        2
#include "lane_steps_template.h"

enum {
    GROUPS = MILLER_TOGETHER / LANES,
    LINES_UNSETTLED = 4 /* bounds of a product: 1.2 k + 1 after a line, so below 9 after four from 2 */
};

typedef struct {
    g2_lane_point sum[GROUPS], addend[GROUPS];
    g2_lane_line lines[GROUPS];
    LANE_FP2 prefix[GROUPS];
    LANE_FP place[GROUPS][2]; /* where lines are taken: -x_P / y_P and 1 / y_P */
    LANE_FP2 product[6];      /* of lines: coefficients of w^k */
} miller_lanes;

/* What an adding step adds to T. */
static void addends(miller_lanes *m, const g2_lanes *t, const zkn_g2_aff *const *q, miller_step step)
{
    for (size_t g = 0; g < t->groups; g++) {
        zkn_g2_aff points[LANES];
        const uint64_t *rows[LANES];
        for (size_t i = 0; i < LANES; i++) {
            miller_addend(&points[i], q[g2_lane_index(t, g, i)], step);
            rows[i] = (const uint64_t *)(const void *)&points[i];
        }
        g2_lanes_read(&m->addend[g], rows, LANE_CHANGED);
    }
}

/* out <- xi a = (9 + i) a, settled, for a of bound 9 */
static void times_xi(LANE_FP2 *out, const LANE_FP2 *a)
{
    LANE_FP2 settled = *a, nine;
    LF(_settle)(&settled.c0), LF(_settle)(&settled.c1);
    L(_add)(&nine, &settled, &settled);
    L(_add)(&nine, &nine, &nine);
    L(_add)(&nine, &nine, &nine);
    L(_add)(&nine, &nine, &settled);
    LF(_sub)(&out->c0, &nine.c0, &settled.c1);
    LF(_add)(&out->c1, &nine.c1, &settled.c0);
    L(_settle)(out);
}

/* product <- product (1 + x w + c w^3): at w^k what lies there, x times what lies at w^(k-1), c times what lies at w^(k-3),
 * where w^-k stands for xi w^-k = w^(6-k). */
static void times_line(LANE_FP2 product[6], const g2_lane_line *line, const LANE_FP place[2])
{
    LANE_FP2 at[9], x, c;
    LANE_FP zero, minus_x, minus_c;
    LF(_mul)(&x.c0, &line->slope.c0, &place[0]), LF(_mul)(&x.c1, &line->slope.c1, &place[0]);
    LF(_mul)(&c.c0, &line->constant.c0, &place[1]), LF(_mul)(&c.c1, &line->constant.c1, &place[1]);
    LF(_zero)(&zero);
    LF(_sub)(&minus_x, &zero, &x.c1), LF(_sub)(&minus_c, &zero, &c.c1);
    LF(_settle)(&minus_x), LF(_settle)(&minus_c);
    for (int k = 0; k < 6; k++) at[3 + k] = product[k];
    for (int k = 0; k < 3; k++) times_xi(&at[k], &product[3 + k]);
    for (int k = 0; k < 6; k++) {
        const LANE_FP2 *by_x = &at[k + 2], *by_c = &at[k];
        LF(_add_four)(&product[k].c0, &at[k + 3].c0, &by_x->c0, &x.c0, &by_x->c1, &minus_x, &by_c->c0, &c.c0,
                      &by_c->c1, &minus_c);
        LF(_add_four)(&product[k].c1, &at[k + 3].c1, &by_x->c0, &x.c1, &by_x->c1, &x.c0, &by_c->c0, &c.c1,
                      &by_c->c1, &c.c0);
    }
}

/* f <- f times the products of all lanes, but for those past the pairs of the last group */
static void collect(miller_value *f, const LANE_FP2 product[6])
{
    zkn_fp12 values[LANES];
    miller_value value;
    uint64_t *rows[LANES];
    for (int k = 0; k < 6; k++) {
        const LANE_FP *parts = (const LANE_FP *)(const void *)&product[k];
        for (int i = 0; i < LANES; i++)
            rows[i] = (uint64_t *)(void *)((k & 1 ? &values[i].c1.c0 : &values[i].c0.c0) + k / 2);
        for (size_t part = 0; part < 2; part++) {
            lane_word words[4];
            LANE_FP settled = parts[part];
            LF(_settle)(&settled);
            LF(_leave)(words, &settled);
            lane_scatter_fp(rows, 4 * part, words);
        }
    }
    for (int i = 0; i < LANES; i++) {
        VALUE(enter)(&value, &values[i]);
        VALUE(mul)(f, f, &value);
    }
}

/* The lines of a step, of every pair, into f. */
static void times_lines(miller_value *f, miller_lanes *m, const g2_lanes *t)
{
    for (int k = 0; k < 6; k++) {
        L(_one)(&m->product[k]);
        if (k > 0) LF(_zero)(&m->product[k].c0);
    }
    for (size_t g = 0; g < t->groups; g++) {
        LANE_FP2 before[6];
        const size_t filled = t->n - g * LANES;
        if (filled < LANES) memcpy(before, m->product, sizeof before);
        times_line(m->product, &m->lines[g], m->place[g]);
        for (int k = 0; filled < LANES && k < 6; k++)
            L(_select)(&m->product[k], &before[k], (lane_mask)(((1u << LANES) - 1) & ~0u << filled));
        for (int k = 0; g % LINES_UNSETTLED == LINES_UNSETTLED - 1 && k < 6; k++) L(_settle)(&m->product[k]);
    }
    collect(f, m->product);
}

/* The lanes of 1 / y_P and -x_P / y_P. */
static void enter_places(miller_lanes *m, const g2_lanes *t, const zkn_g1_aff *place)
{
    for (size_t g = 0; g < t->groups; g++) {
        zkn_fp values[LANES][2];
        const uint64_t *rows[LANES];
        for (size_t i = 0; i < LANES; i++) {
            const zkn_g1_aff *at = &place[g2_lane_index(t, g, i)];
            fp_neg(&values[i][0], &at->x);
            values[i][1] = at->y;
            rows[i] = values[i][0].l;
        }
        for (size_t k = 0; k < 2; k++) {
            lane_word words[4];
            lane_gather_fp(words, rows, 4 * k);
            LF(_enter)(&m->place[g][k], words);
        }
    }
}

int miller_loop_in_lanes(zkn_fp12 *product, const zkn_g1_aff *place, const zkn_g2_aff *const *q, size_t n)
{
    miller_lanes m;
    g2_lanes t = {.sum = m.sum, .addend = m.addend, .lines = m.lines, .prefix = m.prefix};
    miller_value f;
    zkn_fp12 value;
    ZKN_ASSERT(n <= MILLER_TOGETHER && n > 0);
    t.n = n, t.groups = (n + LANES - 1) / LANES;
    addends(&m, &t, q, STEP_ADD);
    memcpy(m.sum, m.addend, t.groups * sizeof *m.sum);
    enter_places(&m, &t, place);
    fp12_one(&value);
    VALUE(enter)(&f, &value);
    for (size_t i = 0; i < ZKN_PAIRING_LINES; i++) {
        const miller_step step = miller_step_at(i);
        int taken;
        if (step == STEP_DOUBLE) {
            VALUE(sqr)(&f, &f);
            taken = g2_lanes_double(&t);
        } else {
            addends(&m, &t, q, step);
            taken = g2_lanes_add(&t, NULL);
        }
        if (!taken) return 0;
        times_lines(&f, &m, &t);
    }
    VALUE(leave)(&value, &f);
    fp12_mul(product, product, &value);
    return 1;
}

#include "lane_steps_end.h"

#endif
