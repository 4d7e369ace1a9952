/* Vectors of points times vectors of scalars, sums of lists of points, and transforms: what takes powers of
 * tau to Lagrange bases and these to the key of a circuit. Timing depends on the scalars and lists. */
#include "lists.h"
#include "multiples.h"
#include "threads.h"

enum {
    ZKN_ITEMS_MAX = 0x7fffffff, /* an item of a list keeps its sign in bit 31 */
    ZKN_FEW_POINTS = 24         /* too few to share an inversion in every step */
};

#define GROUP      g1
#define COORD      fp
#define COORD_TYPE zkn_fp
#define GROUP_AFF  zkn_g1_aff
#define GROUP_JAC  zkn_g1_jac
#include "group_ntt_template.h"

#define GROUP      g2
#define COORD      fp2
#define COORD_TYPE zkn_fp2
#define GROUP_AFF  zkn_g2_aff
#define GROUP_JAC  zkn_g2_jac
#include "group_ntt_template.h"
