/* Sparse products and the witness machine: known answers, every malformed program refused, and random mutations of a good
 * one either refused or run within their arrays (the sanitizers watch). */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "program.h"

static int is_u64(const zkn_fr *value, uint64_t expected)
{
    zkn_fr x;
    fr_from_u64(&x, expected);
    return fr_equal(value, &x);
}

static void run_with(fixture *f, zkn_fr slots[SLOTS], const zkn_fr *x)
{
    size_t bad = 99;
    CHECK(zkn_witness_check(&bad, &f->program) == ZKN_OK);
    memset(slots, 0, SLOTS * sizeof *slots);
    fr_one(&slots[0]);
    slots[1] = *x;
    zkn_witness_run(slots, &f->program);
}

static void test_known_answers(void)
{
    fixture f;
    make(&f);
    zkn_fr x, slots[SLOTS], difference;
    fr_from_u64(&x, 2);
    run_with(&f, slots, &x);
    CHECK(is_u64(&slots[2], 4));
    fr_sub(&difference, &slots[1], &slots[2]);
    fr_mul(&difference, &difference, &slots[3]);
    CHECK(is_u64(&difference, 1));
    for (int i = 0; i < 8; i++) CHECK(is_u64(&slots[4 + i], i == 1));
    for (int i = 0; i < 3; i++) CHECK(is_u64(&slots[12 + i], i == 2));
    CHECK(is_u64(&slots[15], 24));
    CHECK(is_u64(&slots[16], 22));
    uint8_t broken[ROWS] = {9, 9};
    for (unsigned threads = 0; threads < 4; threads++) {
        zkn_r1cs_broken(broken, &f.program.a, &f.program.b, &f.program.c, f.pool, POOL, slots, threads);
        CHECK(broken[0] == 0 && broken[1] == 0);
    }
    fr_from_u64(&slots[16], 21);
    zkn_r1cs_broken(broken, &f.program.a, &f.program.b, &f.program.c, f.pool, POOL, slots, 2);
    CHECK(broken[0] == 0 && broken[1] == 1);
    zkn_fr out[COMBINATIONS];
    zkn_sparse_product(out, &f.program.linear, f.pool, POOL, slots, 3);
    CHECK(is_u64(&out[1], 2) && is_u64(&out[2], 24));
}

/* Every step has an answer for every value: 1/0 is 0, digits are cut, a place past the flags sets none. */
static void test_total(void)
{
    fixture f;
    make(&f);
    zkn_fr x, slots[SLOTS];
    fr_from_u64(&x, 1);
    run_with(&f, slots, &x);
    CHECK(fr_is_zero(&slots[3]));
    fr_neg(&x, &x); /* r - 1 = ..000 in its lowest byte */
    run_with(&f, slots, &x);
    for (int i = 0; i < 8; i++) CHECK(fr_is_zero(&slots[4 + i]));
    for (int i = 0; i < 3; i++) CHECK(fr_is_zero(&slots[12 + i]));
    fr_from_u64(&x, 0x1ff);
    run_with(&f, slots, &x);
    for (int i = 0; i < 8; i++) CHECK(is_u64(&slots[4 + i], 1));
}

#define REFUSED(change)                                                                                      \
    do {                                                                                                     \
        fixture f;                                                                                           \
        make(&f);                                                                                            \
        size_t bad;                                                                                          \
        change;                                                                                              \
        CHECK(zkn_witness_check(&bad, &f.program) == ZKN_OUT_OF_RANGE);                                      \
    } while (0)

static void test_refusals(void)
{
    REFUSED(f.steps[0] = 0);
    REFUSED(f.steps[0] = 7);
    REFUSED(f.steps[0] = UINT32_MAX);
    REFUSED(f.steps[1] = 1);                             /* would overwrite an input */
    REFUSED(f.steps[1] = 0);                             /* .. the constant */
    REFUSED(f.steps[5] = SLOTS);                         /* target past the slots */
    REFUSED(f.steps[9] = SLOTS - 7);                     /* bits past the slots */
    REFUSED(f.steps[9] = UINT32_MAX);                    /* .. by wrapping around */
    REFUSED(f.steps[11] = 0);                            /* no digits */
    REFUSED(f.steps[11] = 255);                          /* more than an element has */
    REFUSED(f.steps[15] = UINT32_MAX);                   /* flags past the slots */
    REFUSED(f.steps[2] = ROWS);                          /* no such row */
    REFUSED(f.steps[6] = COMBINATIONS);                  /* no such combination */
    REFUSED(f.steps[21] = 14);                           /* not in the row it is solved from */
    REFUSED(f.c_coefficient[2] = 2);                     /* in it with coefficient 2 */
    REFUSED((f.c_wire[1] = 16, f.c_coefficient[1] = 0)); /* in it twice */
    REFUSED(f.a_wire[1] = SLOTS);
    REFUSED(f.b_wire[0] = UINT32_MAX);
    REFUSED(f.l_wire[3] = SLOTS);
    REFUSED(f.c_coefficient[0] = POOL);
    REFUSED(f.l_coefficient[0] = UINT32_MAX);
    REFUSED(f.a_ptr[0] = 1);
    REFUSED(f.a_ptr[1] = 3);
    REFUSED(f.b_ptr[2] = 1);
    REFUSED(f.c_ptr[1] = UINT64_MAX);
    REFUSED(f.l_ptr[1] = 4);
    REFUSED(f.program.n_fixed = 0);
    REFUSED(f.program.n_fixed = SLOTS + 1);
    REFUSED(f.program.n_slots = 16);
    REFUSED(f.program.b.n_rows = 1);
}

static void test_mutations(void)
{
    uint64_t state = 0x9e3779b97f4a7c15;
    unsigned accepted = 0;
    for (int trial = 0; trial < 200000; trial++) {
        fixture f;
        make(&f);
        for (uint64_t changes = 1 + next_random(&state) % 3; changes; changes--) {
            const uint64_t value = next_random(&state) % 5 ? next_random(&state) % 20 : next_random(&state);
            uint32_t *const words[] = {f.steps,  f.a_wire,        f.c_wire,
                                       f.l_wire, f.c_coefficient, f.l_coefficient};
            static const size_t lengths[] = {4 * STEPS, 2, 3, 4, 3, 4};
            const size_t which = next_random(&state) % 7;
            if (which == 6) {
                f.l_ptr[next_random(&state) % (COMBINATIONS + 1)] = value;
            } else {
                words[which][next_random(&state) % lengths[which]] = (uint32_t)value;
            }
        }
        size_t bad;
        if (zkn_witness_check(&bad, &f.program) != ZKN_OK) continue;
        accepted++;
        zkn_fr slots[SLOTS];
        memset(slots, 0, sizeof slots);
        fr_one(&slots[0]);
        fr_from_u64(&slots[1], next_random(&state));
        zkn_witness_run(slots, &f.program);
        CHECK(is_u64(&slots[0], 1));
    }
    CHECK(accepted > 1000);
}

int main(void)
{
    test_known_answers();
    test_total();
    test_refusals();
    test_mutations();
    if (failures) fprintf(stderr, "%d failed\n", failures);
    return failures != 0;
}
