/* The witness machine of witness.c in eight blocks at once, on the path that has lanes. */
#ifndef ZKN_WITNESS_LANES_H
#define ZKN_WITNESS_LANES_H

#include "lane_field.h"
#include "zkn.h"

/* Bytes of scratch for witness_eight. */
size_t witness_eight_size(const zkn_program *p);
/* Makes a program ready, once for all calls of witness_eight with the same scratch. */
void witness_eight_prepare(const zkn_program *p, void *scratch);
/* As zkn_witness_run, on the slots at slots, slots + n_slots, .. of eight blocks. */
void witness_eight(zkn_fr *slots, const zkn_program *p, void *scratch);

#endif
