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
