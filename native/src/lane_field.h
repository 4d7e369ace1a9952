/* Eight elements at once of each prime field: fp8_* and fr8_*, both from lane_field_template.h. */
#ifndef ZKN_LANE_FIELD_H
#define ZKN_LANE_FIELD_H

#include "path.h"

#if ZKN_PATH_IFMA

#include "field.h"
#include "lane_gather.h"

/* of an element of Fr; one of Fp has FP_LANE_LIMBS */
enum { LANE_LIMBS = FR_LANE_LIMBS };

#define FIELD       fp
#define FIELD_CONST FP
#define FIELD_TYPE  zkn_fp
#define FIELD_LIMBS FP_LIMBS
#include "lane_field_template.h"

#define FIELD       fr
#define FIELD_CONST FR
#define FIELD_TYPE  zkn_fr
#define FIELD_LIMBS FR_LIMBS
#include "lane_field_template.h"

#endif

#endif
