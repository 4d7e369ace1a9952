/* The Poseidon permutation, written once and included for one hash and for eight at a time.
 *
 * Parameters, undefined again at the end: POSEIDON (prefix of functions), ELEMENT, CONSTANT (an entry of a
 * table), TABLE. Before it come <prefix>_dot(out, constants, v, n), <prefix>_power(out, a, constant) = (a +
 * constant)^5 and <prefix>_add(out, a, b). How the partial rounds run is told in poseidon.h. */

#define P(name) ZKN_CAT(POSEIDON, name)

/* state <- the first `rows` rows of matrix times S-box(state + constants) */
static void P(_full_round)(ELEMENT *state, const CONSTANT *constants, const CONSTANT *matrix, size_t rows,
                           size_t t)
{
    ELEMENT y[ZKN_POSEIDON_MAX_WIDTH];
    for (size_t i = 0; i < t; i++) P(_power)(&y[i], &state[i], &constants[i]);
    for (size_t row = 0; row < rows; row++) P(_dot)(&state[row], &matrix[row * t], y, t);
}

/* The permutation, in place; only the first `rows` lanes of the result are computed, the others are left
 * undefined. */
static void P(_permute)(const TABLE *table, ELEMENT *state, size_t rows)
{
    const size_t t = table->width;
    for (size_t round = 0; round + 1 < POSEIDON_HALF_FULL; round++) {
        P(_full_round)(state, &table->first[round * t], table->mds, t, t);
    }
    P(_full_round)(state, &table->first[(POSEIDON_HALF_FULL - 1) * t], table->enter, t, t);

    /* The register u moves down through `lanes` instead of shifting; y waits just below it, where it is the
     * first factor of the step, until the new u_1 replaces it. */
    ELEMENT lanes[POSEIDON_MAX_PARTIAL + ZKN_POSEIDON_MAX_WIDTH - 1], *u = &lanes[table->partial_rounds];
    memcpy(u, &state[1], (t - 1) * sizeof *u);
    for (size_t round = 0;; round++) {
        ELEMENT y, *below = u - 1;
        P(_power)(&y, &state[0], &table->scalar[round]);
        *below = y;
        if (round + 1 == table->partial_rounds) break;
        P(_dot)(&state[0], table->step, below, t);
        P(_dot)(below, table->feed, u, t - 1);
        P(_add)(below, below, &y);
        u = below;
    }
    for (size_t row = 0; row < t; row++) P(_dot)(&state[row], &table->leave[row * t], u - 1, t);

    for (size_t round = 0; round < POSEIDON_HALF_FULL; round++) {
        const size_t wanted = round + 1 < POSEIDON_HALF_FULL ? t : rows;
        P(_full_round)(state, &table->last[round * t], table->mds, wanted, t);
    }
}

#undef P
#undef POSEIDON
#undef ELEMENT
#undef CONSTANT
#undef TABLE
