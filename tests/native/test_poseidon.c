/* Poseidon and Merkle levels in C: published values, extremes of the reduction, aliasing, sharing between
 * threads. Expected hashes: circomlib, test/poseidoncircuit.js, and circomlibjs 0.1.7. */
#define _POSIX_C_SOURCE 200809L /* barriers */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "fr_dot.h"
#include "zkn.h"

static void element(zkn_fr *out, const char *hex)
{
    uint8_t bytes[32];
    size_t bad;
    for (int i = 0; i < 32; i++) {
        unsigned value = 0;
        if (sscanf(&hex[2 * i], "%2x", &value) != 1) failures++;
        bytes[i] = (uint8_t)value;
    }
    CHECK(zkn_fr_vec_decode_be(out, &bad, bytes, 1) == ZKN_OK);
}

static int same(const zkn_fr *a, const zkn_fr *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

/* Different elements for tests of shape, not of value. */
static void fill(zkn_fr *out, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        fr_from_u64(&out[i], seed + i);
        fr_inv(&out[i], &out[i]);
    }
}

/* First, while no width is derived yet: threads that meet one must agree on it. */
enum { RACERS = 8 };
static pthread_barrier_t start;

static void *race(void *arg)
{
    zkn_fr *out = arg, inputs[16];
    fill(inputs, 16, 1);
    pthread_barrier_wait(&start);
    for (size_t arity = 1; arity <= 16; arity++) {
        if (zkn_poseidon_many(&out[arity - 1], inputs, 1, inputs, arity, 1, 1) != ZKN_OK) return out;
    }
    return NULL;
}

static void test_first_use_from_many_threads(void)
{
    static zkn_fr out[RACERS][16];
    pthread_t threads[RACERS];
    pthread_barrier_init(&start, NULL, RACERS);
    for (int i = 0; i < RACERS; i++) CHECK(pthread_create(&threads[i], NULL, race, out[i]) == 0);
    for (int i = 0; i < RACERS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        CHECK(failed == NULL);
        CHECK(same(out[i], out[0], 16));
    }
    pthread_barrier_destroy(&start);
}

static void test_published_values(void)
{
    zkn_fr tag, inputs[5], expected, found;
    fr_zero(&tag);
    for (uint64_t i = 0; i < 5; i++) fr_from_u64(&inputs[i], i < 2 ? i + 1 : 0);
    element(&expected, "115cc0f5e7d690413df64c6b9662e9cf2a3617f2743245519e19607a4417189a");
    CHECK(zkn_poseidon_many(&found, &tag, 1, inputs, 2, 1, 1) == ZKN_OK && same(&found, &expected, 1));
    element(&expected, "024058dd1e168f34bac462b6fffe58fd69982807e9884c1c6148182319cee427");
    CHECK(zkn_poseidon_many(&found, &tag, 1, inputs, 5, 1, 1) == ZKN_OK && same(&found, &expected, 1));
    element(&expected, "29176100eaa962bdc1fe6c654d6a3c130e96a4d1168b33848b897dc502820133");
    CHECK(zkn_poseidon_many(&found, &tag, 1, inputs, 1, 1, 1) == ZKN_OK && same(&found, &expected, 1));
}

/* The largest sums there are need every subtraction; random ones almost never need the second. */
static void test_dot_at_its_bounds(void)
{
    zkn_fr largest[FR_DOT_MAX_TERMS], product, sum, found;
    for (uint64_t below = 1; below <= 64; below++) {
        for (size_t i = 0; i < FR_DOT_MAX_TERMS; i++) {
            for (int limb = 0; limb < 4; limb++) largest[i].l[limb] = FR_MODULUS[limb];
            largest[i].l[0] -= below;
        }
        fr_mul(&product, &largest[0], &largest[0]);
        fr_zero(&sum);
        for (size_t k = 1; k <= FR_DOT_MAX_TERMS; k++) {
            fr_add(&sum, &sum, &product);
            fr_dot(&found, largest, largest, k);
            CHECK(fr_is_reduced(&found) && same(&found, &sum, 1));
        }
    }
    zkn_fr a[FR_DOT_MAX_TERMS], b[FR_DOT_MAX_TERMS];
    fill(a, FR_DOT_MAX_TERMS, 3), fill(b, FR_DOT_MAX_TERMS, 1000);
    fr_zero(&sum);
    for (size_t k = 1; k <= FR_DOT_MAX_TERMS; k++) {
        fr_mul(&product, &a[k - 1], &b[k - 1]);
        fr_add(&sum, &sum, &product);
        fr_dot(&found, a, b, k);
        CHECK(same(&found, &sum, 1));
    }
    fr_dot(&a[0], a, b, FR_DOT_MAX_TERMS);
    CHECK(same(&a[0], &sum, 1));
}

static void test_many_chains_and_words(void)
{
    zkn_fr inputs[80], tags[5], one_by_one[5], many[5], aliased[5], words[17], h;
    fill(inputs, 80, 7), fill(tags, 5, 500);
    for (size_t i = 0; i < 5; i++) {
        CHECK(zkn_poseidon_many(&one_by_one[i], &tags[i], 1, &inputs[16 * i], 16, 1, 1) == ZKN_OK);
        words[0] = tags[i];
        memcpy(&words[1], &inputs[16 * i], 16 * sizeof *words);
        CHECK(zkn_poseidon_permute(words, 17) == ZKN_OK && same(words, &one_by_one[i], 1));
    }
    CHECK(zkn_poseidon_many(many, tags, 5, inputs, 16, 5, 3) == ZKN_OK && same(many, one_by_one, 5));
    memcpy(aliased, tags, sizeof aliased);
    CHECK(zkn_poseidon_many(aliased, aliased, 5, inputs, 16, 5, 2) == ZKN_OK && same(aliased, many, 5));

    h = tags[0];
    for (size_t at = 0; at < 80; at += 16) {
        CHECK(zkn_poseidon_many(&h, &h, 1, &inputs[at], 16, 1, 1) == ZKN_OK);
    }
    CHECK(zkn_poseidon_chain_many(&many[0], tags, inputs, 80, 1, 1) == ZKN_OK && same(&h, &many[0], 1));
    CHECK(zkn_poseidon_chain_many(many, tags, inputs, 16, 5, 4) == ZKN_OK);
    CHECK(zkn_poseidon_many(aliased, tags, 1, inputs, 16, 5, 1) == ZKN_OK && same(aliased, many, 5));
}

static void test_parents_pad_with_the_empty_root(void)
{
    zkn_fr tag, leaves[8], empty[4], level[4], above[2], root, expected[4];
    fr_from_u64(&tag, 77);
    fill(leaves, 5, 11);
    for (size_t i = 5; i < 8; i++) fr_zero(&leaves[i]);
    CHECK(zkn_merkle_empty_roots(empty, &tag, 2, 3) == ZKN_OK && fr_is_zero(&empty[0]));
    CHECK(zkn_merkle_parents(level, &tag, &empty[0], leaves, 5, 2, 2) == ZKN_OK);
    CHECK(zkn_merkle_parents(above, &tag, &empty[1], level, 3, 2, 2) == ZKN_OK);
    CHECK(zkn_merkle_parents(&root, &tag, &empty[2], above, 2, 2, 2) == ZKN_OK);
    CHECK(zkn_poseidon_many(expected, &tag, 1, leaves, 2, 4, 1) == ZKN_OK);
    CHECK(same(expected, level, 3) && same(&expected[3], &empty[1], 1));
    CHECK(zkn_poseidon_many(expected, &tag, 1, expected, 2, 2, 1) == ZKN_OK);
    CHECK(same(expected, above, 2));
    CHECK(zkn_poseidon_many(expected, &tag, 1, above, 2, 1, 1) == ZKN_OK && same(expected, &root, 1));
    CHECK(zkn_merkle_parents(NULL, &tag, &empty[0], leaves, 0, 2, 2) == ZKN_OK);
}

static void test_refusals(void)
{
    zkn_fr out[17], in[17];
    fill(in, 17, 5);
    CHECK(zkn_poseidon_many(out, in, 1, in, 0, 1, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_poseidon_many(out, in, 1, in, 17, 1, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_poseidon_many(out, in, 2, in, 2, 3, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_poseidon_chain_many(out, in, in, 0, 1, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_poseidon_permute(out, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_poseidon_permute(out, 18) == ZKN_BAD_LENGTH);
    CHECK(zkn_poseidon_permute(out, SIZE_MAX) == ZKN_BAD_LENGTH);
    CHECK(zkn_poseidon_constants(out, out, 0) == ZKN_BAD_LENGTH);
    CHECK(zkn_merkle_empty_roots(out, in, 1, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_merkle_parents(out, in, in, in, 17, 17, 1) == ZKN_BAD_LENGTH);
    CHECK(zkn_poseidon_many(out, in, 1, NULL, 2, 0, 1) == ZKN_OK);
}

int main(void)
{
    test_first_use_from_many_threads();
    test_published_values();
    test_dot_at_its_bounds();
    test_many_chains_and_words();
    test_parents_pad_with_the_empty_root();
    test_refusals();
    return failures != 0;
}
