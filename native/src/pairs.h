/* Adding many pairs of affine points at once: the one place where buckets, tables and vectors of points grow.
 * g1_add_pairs_vartime and g2_add_pairs_vartime, from pairs_template.h. */
#ifndef ZKN_PAIRS_H
#define ZKN_PAIRS_H

#include "group.h"

enum { ZKN_CHAINS = 4 };

/* p[to] <- p[to] + p[from] */
typedef struct {
    uint32_t to, from;
} zkn_pair;

#define GROUP       g1
#define COORD       fp
#define COORD_TYPE  zkn_fp
#define GROUP_AFF   zkn_g1_aff
#define GROUP_LANES ZKN_LANES_OF_G1
#include "pairs_template.h"

#define GROUP       g2
#define COORD       fp2
#define COORD_TYPE  zkn_fp2
#define GROUP_AFF   zkn_g2_aff
#define GROUP_LANES ZKN_LANES_OF_G2
#include "pairs_template.h"

#endif
