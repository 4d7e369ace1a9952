/* A small constraint system and witness program that takes every kind of step. */
#ifndef ZKN_TEST_PROGRAM_H
#define ZKN_TEST_PROGRAM_H

#include "field.h"
#include "zkn.h"

/* Wires: 0 one, 1 x, 2 y = x^2, 3 = 1/(x - y), 4..11 bits of x, 12..14 flags of x; temporary 15 = 3 x y; wire 16 = x y - 2.
 * Rows: x x = y; (3 x) y = wire 16 + 2 (solved with coefficient 1 in C). */
enum { SLOTS = 17, ROWS = 2, STEPS = 6, POOL = 5, COMBINATIONS = 3 };

typedef struct {
    uint64_t a_ptr[ROWS + 1], b_ptr[ROWS + 1], c_ptr[ROWS + 1], l_ptr[COMBINATIONS + 1];
    uint32_t a_wire[2], b_wire[2], c_wire[3], l_wire[4];
    uint32_t a_coefficient[2], b_coefficient[2], c_coefficient[3], l_coefficient[4];
    uint32_t steps[4 * STEPS];
    zkn_fr pool[POOL]; /* 1, -1, 2, 3, 0 */
    zkn_program program;
} fixture;

static void make(fixture *f)
{
    static const fixture shape = {
        .a_ptr = {0, 1, 2},
        .b_ptr = {0, 1, 2},
        .c_ptr = {0, 1, 3},
        .l_ptr = {0, 2, 3, 4},
        .a_wire = {1, 1},
        .b_wire = {1, 2},
        .c_wire = {2, 0, 16},
        .l_wire = {1, 2, 1, 15},
        .a_coefficient = {0, 3},
        .b_coefficient = {0, 0},
        .c_coefficient = {0, 2, 0},
        .l_coefficient = {0, 1, 0, 0},
        .steps = {ZKN_STEP_SOLVE,   2,  0, 1,                             /* y */
                  ZKN_STEP_INVERSE, 3,  0, 1,                             /* 1/(x - y) */
                  ZKN_STEP_BITS,    4,  1, 8,                             /* */
                  ZKN_STEP_ONE_HOT, 12, 1, 3, ZKN_STEP_PRODUCT, 15, 1, 1, /* 3 x y */
                  ZKN_STEP_SOLVE,   16, 1, 1},
    };
    *f = shape;
    fr_from_u64(&f->pool[0], 1);
    fr_neg(&f->pool[1], &f->pool[0]);
    fr_from_u64(&f->pool[2], 2);
    fr_from_u64(&f->pool[3], 3);
    fr_zero(&f->pool[4]);
    zkn_program *p = &f->program;
    p->a = (zkn_sparse){f->a_ptr, f->a_wire, f->a_coefficient, ROWS, 2};
    p->b = (zkn_sparse){f->b_ptr, f->b_wire, f->b_coefficient, ROWS, 2};
    p->c = (zkn_sparse){f->c_ptr, f->c_wire, f->c_coefficient, ROWS, 3};
    p->linear = (zkn_sparse){f->l_ptr, f->l_wire, f->l_coefficient, COMBINATIONS, 4};
    p->pool = f->pool;
    p->n_pool = POOL;
    p->steps = f->steps;
    p->n_steps = STEPS;
    p->n_fixed = 2;
    p->n_slots = SLOTS;
}

#endif
