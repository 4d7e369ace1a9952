/* Vectors of points of G1 and G2: decoding, validation, elementwise operations. */
#include "points.h"
#include "bytes.h"
#include "pairs.h"
#include "threads.h"

#include <string.h>

#define GROUP                g1
#define COORD                fp
#define COORD_TYPE           zkn_fp
#define GROUP_AFF            zkn_g1_aff
#define GROUP_JAC            zkn_g1_jac
#define POINT_GENERATOR      G1_GENERATOR
#define POINT_COORDINATES    2
#define POINT_ORDER          {0, 1}
#define POINT_IN_SUBGROUP(a) g1_is_in_subgroup_vartime(a)
#include "points_template.h"

#define GROUP                g2
#define COORD                fp2
#define COORD_TYPE           zkn_fp2
#define GROUP_AFF            zkn_g2_aff
#define GROUP_JAC            zkn_g2_jac
#define POINT_GENERATOR      G2_GENERATOR
#define POINT_COORDINATES    4
#define POINT_ORDER          {1, 0, 3, 2} /* imaginary part first */
#define POINT_IN_SUBGROUP(a) g2_is_in_subgroup_vartime(a)
#include "points_template.h"
