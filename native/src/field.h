/* The prime fields: fp_* over zkn_fp (coordinates), fr_* over zkn_fr (scalars), both from field_template.h. */
#ifndef ZKN_FIELD_H
#define ZKN_FIELD_H

#include "constants.h"
#include "word.h"

#define FIELD       fp
#define FIELD_CONST FP
#define FIELD_TYPE  zkn_fp
#define FIELD_LIMBS 4
#include "field_template.h"

#define FIELD       fr
#define FIELD_CONST FR
#define FIELD_TYPE  zkn_fr
#define FIELD_LIMBS 4
#include "field_template.h"

#endif
