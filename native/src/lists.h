/* g1_sum_lists_vartime, g2_sum_lists_vartime: lists_template.h for both groups. */
#ifndef ZKN_LISTS_H
#define ZKN_LISTS_H

#include "pairs.h"
#include "scratch.h"

#include <string.h>

/* Points summed together: the inversions are a few percent of it, and a tile of G1 (256 KiB) fits a core's
 * own cache. */
#define ZKN_LIST_TILE   4096U
#define ZKN_LIST_NEGATE 0x80000000U

#if ZKN_HAS_LANES

enum {
    ZKN_LIST_UNITS =
        512, /* of lanes full of points in a tile, which fits a core's own cache with what it needs */
    ZKN_LIST_LONGEST =
        256, /* longer lists are summed in parts: 2^8 points, so that bounds of eight folds suffice */
    ZKN_LIST_JOBS = 4096, /* lists sorted by length at once */
    ZKN_LIST_PARTS = 256  /* sums of parts that wait: of one list no more than are a list themselves */
};
#define ZKN_LIST_PART 0x80000000U /* a target that is a part */

/* p[to] <- p[to] + p[from] in the lanes of `mask`; in those of `twice` the two are equal. */
typedef struct {
    uint16_t to, from, mask, twice;
} zkn_fold;

typedef struct {
    uint32_t begin, length, target;
} zkn_list_job;

/* Jobs side by side, longest first, in the units from `unit` on. */
typedef struct {
    uint32_t unit, length, begin[16], target[16];
    uint16_t size[16];
    unsigned lanes;
} zkn_list_group;

#endif

#define GROUP      g1
#define COORD      fp
#define COORD_TYPE zkn_fp
#define GROUP_AFF  zkn_g1_aff
#include "lists_template.h"

#define GROUP      g2
#define COORD      fp2
#define COORD_TYPE zkn_fp2
#define GROUP_AFF  zkn_g2_aff
#include "lists_template.h"

#endif
