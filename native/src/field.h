/* The prime fields: fp_* over zkn_fp (coordinates), fr_* over zkn_fr (scalars), both from field_template.h, of the curve
 * that the source is compiled for. */
#ifndef ZKN_FIELD_H
#define ZKN_FIELD_H

#include "word.h"

#if ZKN_CURVE_BLS12_381
#include "constants_bls12_381.h"
#else
#include "constants_bn254.h"
#endif

#define FIELD       fp
#define FIELD_CONST FP
#define FIELD_TYPE  zkn_fp
#define FIELD_LIMBS FP_LIMBS
#include "field_template.h"

#define FIELD       fr
#define FIELD_CONST FR
#define FIELD_TYPE  zkn_fr
#define FIELD_LIMBS FR_LIMBS
#include "field_template.h"

#endif
