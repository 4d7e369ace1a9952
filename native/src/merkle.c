/* Merkle trees of Poseidon nodes, dense: only nodes over real leaves are stored or hashed, and whatever
 * lies to the right of them is the root of an empty subtree, which depends on its height alone. */
#include <string.h>

#include "field.h"
#include "poseidon.h"
#include "threads.h"

zkn_status zkn_merkle_empty_roots(zkn_fr *out, const zkn_fr *tag, size_t arity, size_t depth)
{
    if (arity < 2 || arity > ZKN_POSEIDON_MAX_ARITY) return ZKN_BAD_LENGTH;
    fr_zero(&out[0]);
    for (size_t level = 0; level < depth; level++) {
        zkn_fr children[ZKN_POSEIDON_MAX_ARITY];
        for (size_t i = 0; i < arity; i++) children[i] = out[level];
        const zkn_status status = zkn_poseidon_many(&out[level + 1], tag, 1, children, arity, 1, 1);
        if (status != ZKN_OK) return status;
    }
    return ZKN_OK;
}

zkn_status zkn_merkle_parents(zkn_fr *out, const zkn_fr *tag, const zkn_fr *empty, const zkn_fr *children,
                              size_t n, size_t arity, unsigned threads)
{
    if (arity < 2 || arity > ZKN_POSEIDON_MAX_ARITY) return ZKN_BAD_LENGTH;
    const size_t whole = n / arity, rest = n % arity;
    const zkn_status status = zkn_poseidon_many(out, tag, 1, children, arity, whole, threads);
    if (status != ZKN_OK || rest == 0) return status;
    zkn_fr last[ZKN_POSEIDON_MAX_ARITY];
    for (size_t i = 0; i < arity; i++) last[i] = i < rest ? children[whole * arity + i] : *empty;
    return zkn_poseidon_many(&out[whole], tag, 1, last, arity, 1, 1);
}
