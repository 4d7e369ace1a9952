/* Eight Poseidon hashes at once, on the path that has lanes. */
#ifndef ZKN_POSEIDON_LANES_H
#define ZKN_POSEIDON_LANES_H

#include "lane_field.h"
#include "poseidon.h"

/* out[i] <- P(tags[i tag_stride]; n inputs at inputs[i stride]) for i below 8. out may be tags. */
void poseidon_eight(zkn_fr *out, const zkn_fr *tags, size_t tag_stride, const zkn_fr *inputs, size_t stride,
                    size_t n);

/* The same for i below 16, in little more time than eight take. */
void poseidon_sixteen(zkn_fr *out, const zkn_fr *tags, size_t tag_stride, const zkn_fr *inputs, size_t stride,
                      size_t n);

#endif
