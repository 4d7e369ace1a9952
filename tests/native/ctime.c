/* Constant time under a memory checker: secrets are marked undefined, so that valgrind reports every branch and
 * every address that depends on one (Langley 2010, ctgrind).
 *
 *     ctime            runs every kernel that promises it; valgrind --error-exitcode=9 must report nothing
 *     ctime control    branches on a secret, which valgrind must report */
#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "field.h"
#include "zkn.h"

static void fill(zkn_fr *out, size_t n)
{
    for (size_t i = 0; i < n; i++) fr_from_u64(&out[i], 3 * i + 7);
}

static int poseidon(void)
{
    zkn_fr tag, inputs[33], out[4];
    zkn_status status = ZKN_OK;
    fill(&tag, 1), fill(inputs, 33);
    for (size_t arity = 1; arity <= 16; arity++) { /* the constants, which are public, are derived here */
        status |= zkn_poseidon_many(out, &tag, 1, inputs, arity, 1, 1);
    }
    VALGRIND_MAKE_MEM_UNDEFINED(inputs, sizeof inputs);
    VALGRIND_MAKE_MEM_UNDEFINED(&tag, sizeof tag);
    for (size_t arity = 1; arity <= 16; arity++) {
        status |= zkn_poseidon_many(out, &tag, 1, inputs, arity, 2, 1);
    }
    status |= zkn_poseidon_chain_many(out, &tag, inputs, 33, 1, 1);
    status |= zkn_poseidon_permute(inputs, 17);
    status |= zkn_merkle_empty_roots(out, &tag, 2, 3);
    status |= zkn_merkle_parents(out, &tag, &inputs[3], inputs, 3, 2, 1);
    return status != ZKN_OK;
}

static int control(void)
{
    zkn_fr secret;
    fill(&secret, 1);
    VALGRIND_MAKE_MEM_UNDEFINED(&secret, sizeof secret);
    if (fr_is_zero(&secret)) puts("zero");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "control") == 0) return control();
    return poseidon();
}
