/* Products by secret integers: complete formulas, tables read whole. */
#include "bytes.h"
#include "group.h"

#define GROUP      g1
#define COORD      fp
#define COORD_TYPE zkn_fp
#define GROUP_AFF  zkn_g1_aff
#define GROUP_B    FP_CURVE_B
#include "bls_secret_template.h"

#define GROUP      g2
#define COORD      fp2
#define COORD_TYPE zkn_fp2
#define GROUP_AFF  zkn_g2_aff
#define GROUP_B    FP2_TWIST_B
#include "bls_secret_template.h"
