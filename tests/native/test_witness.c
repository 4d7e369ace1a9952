/* Sparse products and the witness machine: known answers, every malformed program refused, and random mutations of a good
 * one either refused or run within their arrays (the sanitizers watch). */
#include <stdio.h>
#include <stdlib.h>
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

enum { BLOCKS = 8 + 8 + 3 };

/* Blocks side by side give what each gives by itself, whatever stood in their slots. */
static void check_apart(const zkn_program *p, const zkn_fr *fixed)
{
    const size_t size = BLOCKS * p->n_slots;
    zkn_fr *apart = calloc(size, sizeof *apart), *single = calloc(size, sizeof *single);
    void *scratch = malloc(zkn_witness_apart_scratch_size(p) + 1);
    for (size_t i = 0; i < size; i++) {
        const size_t block = i / p->n_slots, slot = i % p->n_slots;
        apart[i] = single[i] = fixed[slot < p->n_fixed ? block * p->n_fixed + slot : 0];
    }
    zkn_witness_apart(apart, p, BLOCKS, scratch);
    for (size_t b = 0; b < BLOCKS; b++) zkn_witness_run(single + b * p->n_slots, p);
    CHECK(memcmp(apart, single, size * sizeof *apart) == 0);
    free(scratch);
    free(single);
    free(apart);
}

static void edge_or_random(zkn_fr *x, uint64_t *state)
{
    static const zkn_fr zero;
    zkn_fr one;
    fr_one(&one);
    switch (next_random(state) % 6) {
    case 0:
        fr_from_u64(x, next_random(state) % 4);
        break;
    case 1:
        fr_sub(x, &zero, &one); /* the largest integer */
        break;
    case 2:
        *x =
            (zkn_fr){{FR_MODULUS[0] - 1, FR_MODULUS[1], FR_MODULUS[2], FR_MODULUS[3]}}; /* the largest form */
        break;
    default:
        for (int i = 0; i < 4; i++) x->l[i] = next_random(state) >> (i == 3 ? 3 : 0);
    }
}

static void test_blocks_apart(void)
{
    uint64_t state = 7;
    fixture f;
    make(&f);
    for (int trial = 0; trial < 200; trial++) {
        zkn_fr fixed[2 * BLOCKS];
        for (size_t b = 0; b < BLOCKS; b++) {
            fr_one(&fixed[2 * b]);
            edge_or_random(&fixed[2 * b + 1], &state);
        }
        check_apart(&f.program, fixed);
    }
}

/* Rows of more terms than are added up, or multiplied, before something is reduced. */
static void test_long_rows(void)
{
    enum { INPUTS = 20, TERMS = 700, SHORT = 450, COEFFICIENTS = 6 };
    static uint32_t wire[TERMS + SHORT], coefficient[TERMS + SHORT];
    const uint64_t rows[] = {0, TERMS, TERMS + SHORT}, none[] = {0};
    const uint32_t steps[] = {ZKN_STEP_LINEAR, INPUTS, 0, 1, ZKN_STEP_LINEAR, INPUTS + 1, 1, 1};
    uint64_t state = 11;
    for (int trial = 0; trial < 40; trial++) {
        zkn_fr pool[COEFFICIENTS], fixed[INPUTS * BLOCKS];
        fr_one(&pool[0]);
        fr_neg(&pool[1], &pool[0]);
        for (int i = 2; i < COEFFICIENTS; i++) edge_or_random(&pool[i], &state);
        for (size_t i = 0; i < INPUTS * BLOCKS; i++) edge_or_random(&fixed[i], &state);
        const uint32_t kinds = trial % 3 == 0 ? 2 : COEFFICIENTS; /* units alone */
        const uint32_t least = trial % 3 == 1 ? 2 : 0;            /* products alone */
        for (int k = 0; k < TERMS + SHORT; k++) {
            wire[k] = (uint32_t)(next_random(&state) % INPUTS);
            coefficient[k] = least + (uint32_t)(next_random(&state) % (kinds - least));
        }
        const zkn_sparse empty = {none, wire, coefficient, 0, 0};
        const zkn_program p = {empty,  empty,        empty, {rows, wire, coefficient, 2, TERMS + SHORT},
                               pool,   COEFFICIENTS, steps, 2,
                               INPUTS, INPUTS + 2};
        size_t bad;
        CHECK(zkn_witness_check(&bad, &p) == ZKN_OK);
        check_apart(&p, fixed);
    }
}

static void test_taken_slots(void)
{
    enum { WIDE = 37, MANY = 21, TAKEN = 19 };
    zkn_fr slots[WIDE * MANY], out[TAKEN * MANY];
    uint32_t taken[TAKEN];
    for (uint64_t i = 0; i < WIDE * MANY; i++) fr_from_u64(&slots[i], i);
    for (uint32_t k = 0; k < TAKEN; k++) taken[k] = k * 11 % WIDE;
    zkn_blocks_take(out, slots, WIDE, MANY, taken, TAKEN);
    for (size_t k = 0; k < TAKEN; k++) {
        for (size_t b = 0; b < MANY; b++) CHECK(is_u64(&out[k * MANY + b], b * WIDE + taken[k]));
    }
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
        if (accepted % 64) continue;
        zkn_fr fixed[SLOTS * BLOCKS];
        for (size_t i = 0; i < SLOTS * BLOCKS; i++) edge_or_random(&fixed[i], &state);
        check_apart(&f.program, fixed);
    }
    CHECK(accepted > 1000);
}

int main(void)
{
    test_known_answers();
    test_total();
    test_blocks_apart();
    test_long_rows();
    test_taken_slots();
    test_refusals();
    test_mutations();
    if (failures) fprintf(stderr, "%d failed\n", failures);
    return failures != 0;
}
